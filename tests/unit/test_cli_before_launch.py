"""`healthdesk integrations test` and `promote`."""

from __future__ import annotations

import pytest
from tests.harness import wire
from tests.harness.cli import Shell
from tests.harness.fake_daemon import FakeDaemon, running

from healthdesk.api.samples import Probed, Promotion, SettingChange

SHOWN = Promotion(
    changes=[
        SettingChange(name="path", testing="/v2", production="/v1"),
        SettingChange(name="rate_per_s", testing=5.0, production=None),
        SettingChange(name="connection", testing="CRM test", production="CRM", copied=False, why="its own"),
    ],
    copied=2,
    version="1a2b",
)


@pytest.fixture
def daemon(tmp_path):
    with running(FakeDaemon(tmp_path / "s")) as daemon:
        yield daemon


@pytest.fixture
def desk(daemon):
    return Shell(daemon)


def test_a_probe_prints_the_exchange_and_what_it_means(daemon, desk):
    daemon.on(
        "POST",
        "/v1/integrations/int_1/test",
        Probed(
            ok=True,
            sentence="The endpoint accepted the signed probe (200).",
            exchange=wire.attempt_detail(url="https://crm.acme.io/v2/hra"),
        ),
    )
    answer = desk("integrations test int_1")
    assert answer.code == 0
    assert daemon.last.json == {"environment": "testing"}
    assert "accepted the signed probe" in answer.out
    assert "https://crm.acme.io/v2/hra" in answer.out


def test_a_probe_that_failed_is_exit_code_1(daemon, desk):
    daemon.on(
        "POST",
        "/v1/integrations/int_1/test",
        Probed(ok=False, sentence="The endpoint refused the credentials (401).", blame="credential"),
    )
    daemon.on("GET", "/v1/integrations/int_1", wire.integration(name="CRM"))
    assert desk("integrations test int_1 --environment production").code == 2
    assert daemon.lines() == [], "nobody can confirm"
    answer = desk("integrations test int_1 --environment production --yes")
    assert answer.code == 1
    assert daemon.last.json == {"environment": "production", "confirm": "CRM"}
    assert "credential" in answer.out


def test_promote_shows_what_is_copied_and_what_stays_before_it_copies(daemon, desk):
    daemon.on("GET", "/v1/integrations/int_1/promotion", SHOWN)
    daemon.on("POST", "/v1/integrations/int_1/promote", wire.changed_integration())
    answer = desk("integrations promote int_1 --yes")
    assert answer.code == 0
    assert daemon.last.json == {"version": "1a2b"}
    shown = answer.out.splitlines()
    assert any("path" in each and "/v2" in each and "/v1" in each and "copied" in each for each in shown)
    assert any("CRM test" in each and "stays" in each for each in shown)


@pytest.mark.parametrize("words", ["integrations promote int_1 --dry-run", "integrations promote int_1"])
def test_nothing_is_copied_without_a_yes(daemon, desk, words):
    daemon.on("GET", "/v1/integrations/int_1/promotion", SHOWN)
    answer = desk(words)
    assert answer.code == (0 if "--dry-run" in words else 2)
    assert all(each.startswith("GET ") for each in daemon.lines())
