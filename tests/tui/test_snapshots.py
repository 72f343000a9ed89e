"""How it looks: fixed clock, zone, size and theme. Behaviour is asserted elsewhere."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from textual.pilot import Pilot

from healthdesk.tui.app import HealthdeskApp
from tests.tui.desk import LARGE, SMALL, Driver, make_app
from tests.tui.fake_client import FakeDesk


def forbid(desk: FakeDesk) -> None:
    desk.forbidden.add("records_list")


def nothing(desk: FakeDesk) -> None:
    desk.total = 0


def nothing_failed(desk: FakeDesk) -> None:
    desk.total = 0
    desk.kept["tui.filter.log"] = {"state": "failed"}


def dead(desk: FakeDesk) -> None:
    desk.down = True


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
    "alerts": ("alerts", SMALL, [], None, {}),
    "form": ("connections", SMALL, ["n"], None, {}),
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
