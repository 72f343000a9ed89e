"""`connections authorize`, and what `add` and `update-credentials` do where a method needs a browser."""

import pytest
from tests.harness import wire
from tests.harness.cli import Shell, StillClock
from tests.harness.fake_daemon import FakeDaemon, running

TRACKER = {"app": "tracker", "app_name": "Tracker", "auth": "browser", "settings": {"site": "acme"}}
SECRET = "not-a-real-client-secret"
BROWSER = {
    "id": "browser",
    "name": "A browser",
    "type": "oauth2_code",
    "fields": [
        {"key": "client_id", "label": "Client ID"},
        {"key": "client_secret", "label": "Client secret", "secret": True},
    ],
}
FIELDS = "--field site=acme --field client_id=desk --secret-stdin client_secret"
PENDING = {"app": "tracker", "app_name": "Tracker", "url": "https://tracker.example/authorize?state=s"}


@pytest.fixture
def daemon(tmp_path):
    with running(FakeDaemon(tmp_path / "s")) as daemon:
        apps = [each.model_dump(mode="json") for each in wire.apps()]
        for app in apps:
            if app["id"] == "tracker":
                app["auth"].append(BROWSER)
        daemon.on("GET", "/v1/apps", apps)
        daemon.on("GET", "/v1/connections/con_1", wire.connection(**TRACKER))
        daemon.on("POST", "/v1/connections", wire.connection(**TRACKER))
        daemon.on("POST", "/v1/connections/con_1/credentials", wire.updated(**TRACKER))
        daemon.on("POST", "/v1/authorizations", wire.authorization(**PENDING))
        daemon.on(
            "GET",
            "/v1/authorizations/aut_1",
            wire.authorization(**PENDING),
            wire.authorization(**PENDING, status="granted"),
        )
        yield daemon


@pytest.fixture
def desk(daemon):
    return Shell(daemon)


def sent(daemon):
    return [(one.path, one.json) for one in daemon.asked if one.method == "POST"]


ASKED = {
    "app": "tracker",
    "auth": "browser",
    "fields": {"client_id": "desk", "client_secret": SECRET},
    "settings": {"site": "acme"},
}


def test_the_url_and_the_redirect_url_are_told_and_the_grant_is_waited_for(daemon, desk):
    clock = StillClock()
    ran = desk(f"connections authorize tracker --auth browser {FIELDS}", stdin=SECRET, clock=clock)
    assert ran.code == 0, ran.err
    assert sent(daemon) == [("/v1/authorizations", ASKED)]
    assert "https://tracker.example/authorize?state=s" in ran.err
    assert "https://desk.example.com/v1/oauth/callback" in ran.err
    assert "connections add --app tracker --authorization aut_1" in ran.out
    assert clock.slept == [2.0, 2.0]
    assert SECRET not in ran.out + ran.err


def test_a_code_is_told_where_the_app_has_one(daemon, desk):
    daemon.on(
        "POST",
        "/v1/authorizations",
        wire.authorization(**PENDING, user_code="WDJB-MJHT", redirect_url=""),
    )
    ran = desk(f"connections authorize tracker --auth browser {FIELDS}", stdin=SECRET)
    assert "Enter the code: WDJB-MJHT" in ran.err
    assert "Redirect URL" not in ran.err


@pytest.mark.parametrize(
    ("answer", "words"),
    [
        ({"status": "refused", "error": "Tracker was told to deny access."}, "told to deny access"),
        ({"status": "expired"}, "the authorization at Tracker is expired"),
    ],
)
def test_what_was_not_granted_is_an_error_that_says_why(daemon, desk, answer, words):
    daemon.on("GET", "/v1/authorizations/aut_1", wire.authorization(**PENDING, **answer))
    ran = desk(f"connections authorize tracker --auth browser {FIELDS}", stdin=SECRET)
    assert ran.code == 1
    assert words in ran.err
    assert ran.out == ""


def test_an_app_that_needs_no_browser_says_so(daemon, desk):
    ran = desk("connections authorize http-endpoint")
    assert ran.code == 2
    assert "HTTP endpoint needs no browser" in ran.err


def test_add_does_all_of_it(daemon, desk):
    ran = desk(f"connections add --app tracker --auth browser --name Ours {FIELDS}", stdin=SECRET)
    assert ran.code == 0, ran.err
    assert sent(daemon) == [
        ("/v1/authorizations", ASKED),
        (
            "/v1/connections",
            {"app": "tracker", "name": "Ours", "settings": {"site": "acme"}, "authorization": "aut_1"},
        ),
    ]


def test_add_takes_an_authorization_and_asks_for_no_credentials(daemon, desk):
    ran = desk("connections add --app tracker --authorization aut_1 --field site=acme")
    assert ran.code == 0, ran.err
    assert sent(daemon) == [
        ("/v1/connections", {"app": "tracker", "settings": {"site": "acme"}, "authorization": "aut_1"})
    ]


def test_new_credentials_are_authorized_with_what_the_connection_has(daemon, desk):
    ran = desk("connections update-credentials con_1")
    assert ran.code == 0, ran.err
    assert sent(daemon) == [
        ("/v1/authorizations", ASKED | {"fields": {}, "settings": {}, "connection": "con_1"}),
        ("/v1/connections/con_1/credentials", {"authorization": "aut_1"}),
    ]


def test_new_credentials_can_be_an_authorization(daemon, desk):
    assert desk("connections authorize tracker --connection con_1").code == 0
    assert desk("connections update-credentials con_1 --authorization aut_1").code == 0
    assert sent(daemon)[-1] == ("/v1/connections/con_1/credentials", {"authorization": "aut_1"})
