"""`healthdesk apps`: what can be connected, and what one app asks for."""

import pytest
from tests.harness import wire
from tests.harness.cli import Shell
from tests.harness.fake_daemon import FakeDaemon, running


@pytest.fixture
def daemon(tmp_path):
    with running(FakeDaemon(tmp_path / "s")) as daemon:
        daemon.on("GET", "/v1/apps", [each.model_dump(mode="json") for each in wire.apps()])
        daemon.on("GET", "/v1/status", wire.status().model_dump(mode="json"))
        yield daemon


@pytest.fixture
def desk(daemon):
    return Shell(daemon)


def test_every_app_is_listed_with_what_it_is_for_and_its_methods(desk):
    shown = desk("apps").out
    for words in (
        "http-endpoint",
        "delivery",
        "none, bearer",
        "tracker",
        "tasks, proof",
        "token, login, key",
    ):
        assert words in shown
    assert [app["id"] for app in desk("apps --json").json["items"]] == ["http-endpoint", "tracker"]


def test_connectors_that_were_left_out_are_told_with_the_list(daemon, desk):
    reason = "/etc/healthdesk/mine/manifest.toml:3: kinds[0]: 'magic' is not known here"
    daemon.on("GET", "/v1/status", wire.status(connectors_left_out=[reason]).model_dump(mode="json"))
    ran = desk("apps")
    assert ran.code == 0
    assert f"left out: {reason}" in ran.out + ran.err


def test_one_app_says_what_each_method_asks_for_and_where_to_find_it(desk):
    shown = desk("apps tracker").out
    for words in (
        "Settings",
        "Site",
        "acme",
        "Method token: Personal access token",
        "https://<site>.tracker.example/settings/tokens",
        "secret",
        "healthdesk connections add --app tracker --auth token --field site=…",
        "Method login: Sign in with a browser",
        "Method key: Private key",
        "no (eu)",
        "https://key.tracker.example",
    ):
        assert words in shown, words
    assert desk("apps tracker --json").json["auth"][0]["fields"][0]["key"] == "token"


def test_an_app_that_is_not_there_suggests_the_nearest(desk):
    ran = desk("apps traker")
    assert ran.code == 1
    assert "there is no app 'traker'" in ran.err
    assert "did you mean tracker?" in ran.err


@pytest.mark.parametrize("line", ["apps", "apps tracker"])
def test_apps_fit_the_terminal(desk, line):
    desk.width = 80
    tables = [text for text in desk(line).out.splitlines() if not text.startswith(("healthdesk ", "Where"))]
    assert max(len(text) for text in tables) <= 80
