"""How it looks: fixed clock, zone, size and theme. Behaviour is asserted elsewhere."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from textual.pilot import Pilot

from healthdesk.api.accounts import AccountRow
from healthdesk.api.connections import UNCHECKED_HINT
from healthdesk.domain.states import ConnectionState
from healthdesk.errors import ApiRefused
from healthdesk.tui.app import HealthdeskApp
from tests.tui.desk import LARGE, SMALL, Driver, make_app
from tests.tui.fake_accounts import (
    a_card,
    a_connection,
    a_task,
    one_card,
    proof_card,
    two_cards,
    uses_of_alice,
)
from tests.tui.fake_client import FakeDesk
from tests.tui.fake_health import NOW


def forbid(desk: FakeDesk) -> None:
    desk.forbidden.add("records_list")


def nothing(desk: FakeDesk) -> None:
    desk.total = 0


def nothing_failed(desk: FakeDesk) -> None:
    desk.total = 0
    desk.kept["tui.filter.log"] = {"state": "failed"}


def dead(desk: FakeDesk) -> None:
    desk.down = True


def unreachable(desk: FakeDesk) -> None:
    desk.refuse_once["connection_create"] = ApiRefused(
        "GitHub was asked first: GitHub answered 503. That says nothing of the credentials. Nothing was saved.",
        status=409,
        slug="trial-impossible",
        fix=f"Try again later. {UNCHECKED_HINT}",
        blame="them",
        kind="server_error",
    )


def other_account(desk: FakeDesk) -> None:
    desk.refuse_once["connection_update_credentials"] = ApiRefused(
        "These credentials work, but they are not those of CRM.",
        status=409,
        slug="identity-changed",
        changes=[
            {"what": "account", "before": "octocat (583231)", "after": "hubot (480938)", "sentence": ""},
            {
                "what": "scopes",
                "before": "repo, read:org",
                "after": "read:org",
                "sentence": "It may no longer: repo.",
            },
        ],
    )


NEXT = "right_square_bracket"


def warned(desk: FakeDesk) -> None:
    desk.changed = {
        "scopes": ["repo", "read:org", "workflow"],
        "expires_at": NOW + timedelta(days=6),
        "expires_from": "learnt",
        "previous_hint": "••••0ld9",
        "previous_until": NOW + timedelta(minutes=40),
    }


def no_ends(desk: FakeDesk) -> None:
    desk.expiries = []


def pings(desk: FakeDesk) -> None:
    desk.changed = {"heartbeat": None, "judged_by_deliveries": False}


def warnings(desk: FakeDesk) -> None:
    states = {
        "Jira Cloud": {"flapping": True},
        "GitHub": {"drifted": True},
        "Okta": {"expires_in": "6 days"},
        "Backup job": {"state": ConnectionState.UNKNOWN, "state_word": "Waiting for first ping"},
    }
    fields = {"kind": "connection", "account": "acme-bot", "state": ConnectionState.CONNECTED}
    desk.account_rows = [
        AccountRow(**{**fields, "id": app, "app": app, "state_word": "Connected", **more})
        for app, more in states.items()
    ]


def offline(desk: FakeDesk) -> None:
    desk.offline_since = NOW - timedelta(minutes=9)


def blocked_only(desk: FakeDesk) -> None:
    two_cards(desk)
    desk.others = [a_card(a_connection("con_dave", owner="dave"), "other")]


def ends_with_alice(desk: FakeDesk) -> None:
    two_cards(desk)
    desk.uses = uses_of_alice()


def no_tasks(desk: FakeDesk) -> None:
    one_card(desk)
    desk.no_rows = True


def all_well(desk: FakeDesk) -> None:
    one_card(desk)
    desk.instances = [a_task(number) for number in range(1, 4)]


def healths(desk: FakeDesk) -> None:
    fields = {
        "kind": "connection",
        "state": ConnectionState.CONNECTED,
        "state_word": "Connected",
        "unit": "tasks",
    }
    failing = {"state": ConnectionState.FAILING, "state_word": "Connection failure"}
    gone = {"kind": "integration", "state": ConnectionState.UNKNOWN, "state_word": "Disconnected"}
    checking = {"state": ConnectionState.SUSPECT, "state_word": "Checking again", "suspect_checks": 2}
    desk.account_rows = [
        AccountRow(**{**fields, "id": app, "app": app, **more})
        for app, more in {
            "Jira Cloud": {"account": "acme", "failed": 12, "blocked": 11, "total": 40, **failing},
            "GitHub": {"account": "acme-bot", "failed": 1, "total": 31},
            "Trello": {"account": "Trello cards", "failed": 3, "total": 3, **gone},
            "GitLab": {"account": "git.acme.io", "total": 6, **checking},
            "Asana": {"account": "Acme workspace", "total": 17},
        }.items()
    ]


SCENES: dict[
    str, tuple[str, tuple[int, int], list[str], Callable[[FakeDesk], None] | None, dict[str, Any]]
] = {
    "connections": ("connections", SMALL, [], None, {}),
    "connections-wide": ("connections", LARGE, [], None, {}),
    "problems": ("problems", SMALL, [], None, {}),
    "log": ("log", SMALL, ["j"] * 9, None, {}),
    "log-empty": ("log", SMALL, [], nothing, {}),
    "log-empty-filter": ("log", SMALL, [], nothing_failed, {}),
    "log-not-permitted": ("log", SMALL, [], forbid, {}),
    "log-error": ("log", SMALL, [], dead, {}),
    "log-ascii": ("log", SMALL, ["j"] * 9, None, {"ascii_only": True}),
    "log-sixteen-colours": ("log", SMALL, ["j"] * 9, None, {"theme": "ansi-dark"}),
    "record": ("log", SMALL, [*(["j"] * 9), "enter"], None, {}),
    "attempts": ("log", SMALL, [*(["j"] * 7), "enter", *["right_square_bracket"] * 3], None, {}),
    "resend-all": ("log", SMALL, ["S"], None, {}),
    "connection": ("connections", SMALL, ["enter"], None, {}),
    "connection-wide": ("connections", LARGE, ["enter"], warned, {}),
    "evidence": ("connections", SMALL, ["enter", NEXT], None, {}),
    "evidence-wide": ("connections", LARGE, ["enter", NEXT], None, {}),
    "changes": ("connections", SMALL, ["enter", NEXT, NEXT], None, {}),
    "heartbeat": ("connections", SMALL, ["enter", "enter"], None, {}),
    "expiries": ("connections", SMALL, ["x"], None, {}),
    "expiries-wide": ("connections", LARGE, ["x"], None, {}),
    "expiries-empty": ("connections", SMALL, ["x"], no_ends, {}),
    "push-heartbeat": ("connections", SMALL, ["j", "j", "enter", "h"], pings, {}),
    "push-address": ("connections", SMALL, ["j", "j", "enter", "h", "ctrl+s"], pings, {}),
    "warnings": ("connections", SMALL, [], warnings, {}),
    "offline": ("connections", SMALL, [], offline, {}),
    "accounts": ("connections", SMALL, [], healths, {}),
    "cards": ("connections", SMALL, ["enter"], two_cards, {}),
    "cards-wide": ("connections", LARGE, ["enter"], two_cards, {}),
    "cards-ascii": ("connections", SMALL, ["enter", "shift+tab"], two_cards, {"ascii_only": True}),
    "cards-blocked": ("connections", SMALL, ["enter", "f", "f"], blocked_only, {}),
    "card-both": ("connections", SMALL, ["enter"], one_card, {}),
    "card-proof": ("connections", SMALL, ["enter", "shift+tab"], proof_card, {}),
    "card-proof-wide": ("connections", LARGE, ["enter"], proof_card, {}),
    "tasks-empty": ("connections", SMALL, ["enter"], no_tasks, {}),
    "tasks-empty-filter": ("connections", SMALL, ["enter", "f"], all_well, {}),
    "task-error": ("connections", SMALL, ["enter", "E"], two_cards, {}),
    "task-actions": ("connections", SMALL, ["enter", "full_stop"], two_cards, {}),
    "disconnect": ("connections", SMALL, ["enter", "shift+tab", "D"], ends_with_alice, {}),
    "members": ("connections", SMALL, ["enter", "shift+tab", "M", "j"], one_card, {}),
    "alerts": ("alerts", SMALL, [], None, {}),
    "form": ("connections", SMALL, ["n", *"http", "enter"], None, {}),
    "apps": ("connections", SMALL, ["n"], None, {}),
    "apps-wide": ("connections", LARGE, ["n"], None, {}),
    "methods": ("connections", SMALL, ["n", *"github", "enter"], None, {}),
    "app-form": ("connections", SMALL, ["n", *"github", "enter", "enter"], None, {}),
    "app-form-wide": ("connections", LARGE, ["n", *"jira", "enter", "enter"], None, {}),
    "app-form-ascii": (
        "connections",
        SMALL,
        ["n", *"servicenow", "enter", "enter"],
        None,
        {"ascii_only": True},
    ),
    "app-refused": (
        "connections",
        SMALL,
        ["n", *"github", "enter", "enter", *"t0ken", "ctrl+s"],
        unreachable,
        {},
    ),
    "authorizing": (
        "connections",
        SMALL,
        ["n", *"github", "enter", "down", "enter", *"id", "tab", *"s3cret", "ctrl+s"],
        None,
        {},
    ),
    "identity-changed": ("connections", SMALL, ["u", "tab", *"t0ken", "ctrl+s"], other_account, {}),
}


@pytest.mark.parametrize("name", SCENES)
def test_scene(name: str, snap_compare: Any) -> None:
    area, size, keys, prepare, options = SCENES[name]
    desk = FakeDesk()
    if prepare is not None:
        prepare(desk)

    async def reach(pilot: Pilot[None]) -> None:
        assert isinstance(pilot.app, HealthdeskApp)
        driver = Driver(pilot.app, pilot)
        await driver.settle()
        await driver.press(*keys)

    assert snap_compare(make_app(desk, area=area, **options), terminal_size=size, run_before=reach)


def test_stale(snap_compare: Any) -> None:
    desk = FakeDesk()

    async def lose(pilot: Pilot[None]) -> None:
        assert isinstance(pilot.app, HealthdeskApp)
        driver = Driver(pilot.app, pilot)
        await driver.settle()
        desk.go_down()
        await driver.settle()

    assert snap_compare(make_app(desk), terminal_size=SMALL, run_before=lose)
