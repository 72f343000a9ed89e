"""What is typed ahead is meant for the form that a key asked for: it does nothing to the screen below."""

from __future__ import annotations

import asyncio
from datetime import timedelta

import pytest
from textual import events

from healthdesk.api.connections import Connection
from healthdesk.errors import ApiRefused
from healthdesk.tui.screens.acting import OPENING_S
from healthdesk.tui.screens.connections import ConnectionsScreen
from healthdesk.tui.screens.dialog import Question
from healthdesk.tui.screens.forms import Form
from tests.tui.desk import Driver, open_desk
from tests.tui.fake_client import FakeDesk


class SlowDesk(FakeDesk):
    """Tells of a connection only when it may, or refuses to."""

    def __init__(self) -> None:
        super().__init__()
        self.may = asyncio.Event()

    async def connection(self, connection_id: str) -> Connection:
        await self.may.wait()
        return await super().connection(connection_id)


async def burst(driver: Driver, *keys: str) -> None:
    """Type these faster than the app reads them."""
    for key in keys:
        driver.app.post_message(events.Key(key, key if len(key) == 1 else None))
    await driver.settle()


@pytest.mark.parametrize("keys", ["D", "n", "2", "q"])
async def test_keys_do_nothing_while_a_form_is_on_its_way(keys: str):
    desk = SlowDesk()
    async with open_desk(desk, area="connections") as driver:
        await burst(driver, "e", *keys)
        assert isinstance(driver.app.screen, ConnectionsScreen)
        assert driver.app.is_running
        desk.may.set()
        await driver.settle()
        assert isinstance(driver.app.screen, Form)
        assert len(driver.app.screen_stack) == 2
        await driver.press("escape", "D")
        assert isinstance(driver.app.screen, Question), "once it was left, keys act again"


async def test_keys_that_follow_an_area_and_the_key_of_a_form_at_once_do_nothing_else():
    desk = FakeDesk()
    async with open_desk(desk) as driver:
        await burst(driver, "5", "n", "o", "1", "s")
        assert driver.app.current_mode == "alerts"
        assert isinstance(driver.app.screen, Form)


async def test_keys_act_again_when_what_a_form_needs_is_refused():
    desk = FakeDesk()
    desk.refuse_once["connection"] = ApiRefused("no such connection", status=404, slug="not-found")
    async with open_desk(desk, area="connections") as driver:
        await driver.press("e")
        assert driver.said == ["no such connection."]
        await driver.press("2")
        assert driver.app.current_mode == "problems"


async def test_daemon_that_does_not_say_what_to_ask_locks_nobody_out():
    desk = SlowDesk()
    async with open_desk(desk, area="connections") as driver:
        await burst(driver, "e", "2")
        assert driver.app.current_mode == "connections"
        desk.clock.time += timedelta(seconds=OPENING_S)
        await driver.press("2")
        assert driver.app.current_mode == "problems"
