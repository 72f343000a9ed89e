"""The screen and a daemon process before launch: testing configuration, sample data, notifications, promotion, the ledger."""

from __future__ import annotations

from datetime import UTC

from aiohttp import web

from healthdesk.api.connections import ConnectionCreate
from healthdesk.api.records import RecordFilter
from healthdesk.domain.states import Environment, RecordState
from healthdesk.tui.app import HealthdeskApp
from healthdesk.tui.screens.address import AddressNotice
from healthdesk.tui.screens.connections import ConnectionsScreen
from healthdesk.tui.screens.dialog import Question
from healthdesk.tui.screens.forms import Form
from healthdesk.tui.screens.integration import IntegrationScreen
from healthdesk.tui.screens.job import JobScreen
from healthdesk.tui.screens.ledger import LedgerScreen
from healthdesk.tui.screens.log import LogScreen
from healthdesk.tui.screens.reading import ReadingPage
from healthdesk.tui.screens.samples import SampleDialog
from healthdesk.tui.widgets.editors import Cycle
from healthdesk.tui.widgets.window_table import WindowTable
from tests.harness.desk import set_up_delivery, temporary_desk
from tests.harness.operator import Operator
from tests.harness.sinks import serving


class Receiver:
    """An endpoint with a path for each environment; keeps what it was sent."""

    def __init__(self) -> None:
        self.seen: list[tuple[str, dict[str, str]]] = []

    async def handle(self, request: web.Request) -> web.Response:
        await request.read()
        self.seen.append((request.path, {name.lower(): value for name, value in request.headers.items()}))
        return web.json_response({"ok": True})

    def app(self) -> web.Application:
        app = web.Application()
        app.router.add_post("/{path:.*}", self.handle)
        return app


async def choose(operator: Operator, name: str, value: str) -> None:
    """Step a field of the form until it has this value."""
    field = next(each for each in operator.app.screen.query(Cycle) if each.name == name)
    field.focus()
    for _ in field.options:
        if field.value == value:
            return
        await operator.pilot.press("right")
    raise AssertionError(f"{name} cannot be {value}")


async def test_testing_is_set_up_tried_and_promoted_and_its_samples_are_followed_to_the_log() -> None:
    receiver = Receiver()
    async with temporary_desk() as desk, serving(receiver.app()) as port, desk.client() as client:
        delivery = await set_up_delivery(desk, f"http://127.0.0.1:{port}", path="/live")
        spare = await client.connection_create(
            ConnectionCreate(name="CRM test", base_url=f"http://127.0.0.1:{port}", unchecked=True)
        )
        app = HealthdeskApp(client, tz=UTC)
        async with app.run_test(size=(160, 45)) as pilot:
            operator = Operator(app, pilot)
            await operator.is_on(ConnectionsScreen)
            await operator.sees("CRM delivery")
            assert app.screen.query_one(WindowTable).select(f"integration:{delivery.integration_id}")
            await pilot.press("enter")
            await operator.is_on(IntegrationScreen)
            await operator.sees("Not set up yet.")

            # Testing configuration, then test it
            await pilot.press("E")
            await operator.is_on(Form)
            await choose(operator, "connection_id", spare.id)
            await operator.enter("path", "/test")
            await pilot.press("ctrl+s")
            await operator.is_on(AddressNotice)
            await operator.sees("whsec_")
            await pilot.press("escape")
            await operator.is_on(Question)
            await operator.press_button("Test configuration")
            await operator.is_on(ReadingPage)
            await operator.sees("healthdesk-probe: true")
            await pilot.press("escape")
            await operator.is_on(IntegrationScreen)
            assert [path for path, _ in receiver.seen] == ["/test"]
            apart = (await client.integration(delivery.integration_id)).environments
            assert {each.environment: (each.path, each.connection_id) for each in apart} == {
                Environment.PRODUCTION: ("/live", delivery.connection_id),
                Environment.TESTING: ("/test", spare.id),
            }

            # Send sample data
            await pilot.press("t")
            await operator.is_on(SampleDialog)
            await operator.sees("3 samples of all sources, to TESTING")
            await pilot.press("enter")
            await operator.is_on(JobScreen)
            await operator.sees("Done")
            samples = receiver.seen[1:]
            assert [path for path, _ in samples] == ["/test"] * 3
            assert {headers["healthdesk-sample"] for _, headers in samples} == {"true"}
            await pilot.press("l")
            await operator.is_on(LogScreen)
            await operator.sees("~")
            wanted = RecordFilter(
                environment=Environment.TESTING, states=[RecordState.DELIVERED], sample=True
            )
            assert (await client.records_count(wanted)).total == 3

            # Promote: the path is copied, the connection stays
            await pilot.press("1", "1")
            await operator.is_on(ConnectionsScreen)
            await pilot.press("U")
            await operator.is_on(Question)
            await operator.sees("path: + /test")
            await operator.press_button("Promote")
            await operator.is_told("Production of CRM delivery is as TESTING is")
            both = {
                each.environment: each
                for each in (await client.integration(delivery.integration_id)).environments
            }
            assert both[Environment.PRODUCTION].path == "/test"
            assert both[Environment.PRODUCTION].connection_id == delivery.connection_id

            # The ledger has each of them once
            await pilot.press("b")
            await operator.is_on(LedgerScreen)
            await operator.sees("✓ Balanced. 3 records accepted")
            await operator.sees("3 of them samples")


async def test_sources_circuit_silence_and_notifications_are_seen_to_in_the_window_of_an_integration() -> (
    None
):
    async with temporary_desk() as desk, serving(Receiver().app()) as port, desk.client() as client:
        delivery = await set_up_delivery(desk, f"http://127.0.0.1:{port}")
        app = HealthdeskApp(client, tz=UTC)
        async with app.run_test(size=(160, 45)) as pilot:
            operator = Operator(app, pilot)
            await operator.is_on(ConnectionsScreen)
            await app.push_screen(IntegrationScreen(delivery.integration_id))
            await operator.sees("● Delivering")

            # A source is added, enabled, and its silence set
            await pilot.press("right_square_bracket", "n")
            await operator.is_on(Form)
            await operator.enter("name", "Sleep")
            await operator.enter("key", "sleep")
            await pilot.press("ctrl+s")
            await operator.is_on(IntegrationScreen)
            await operator.sees("Sleep is not enabled")
            await pilot.press("O")
            await operator.sees("Sleep is delivered.")
            await pilot.press("h")
            await operator.is_on(Form)
            await choose(operator, "how", "set")
            await operator.enter("after_s", "2h")
            await pilot.press("ctrl+s")
            await operator.is_on(IntegrationScreen)
            await operator.sees("2h set")
            (pulse,) = (await client.source("sleep")).pulses
            assert (pulse.set_s, pulse.integration_id) == (7200, delivery.integration_id)

            # A circuit is opened by hand, and closed
            await pilot.press("C")
            await operator.press_button("Open it")
            await operator.sees("Circuit of Production is open")
            await pilot.press("C")
            await operator.press_button("Close it")
            await operator.sees("● Delivering")

            # Notifications: a channel of its own, testing silent
            await pilot.press("N")
            await operator.is_on(Form)
            await operator.enter("name", "CRM team")
            await operator.enter("url", f"json://127.0.0.1:{port}/alerts")
            await pilot.press("ctrl+s")
            await operator.is_told("go to 1 channel only. TESTING is silent.")
            (rule,) = (await client.rules_list()).items
            assert (rule.integration_id, rule.environments) == (
                delivery.integration_id,
                [Environment.PRODUCTION],
            )

            # Paused, production alone, and resumed
            await pilot.press("p")
            await operator.press_button("Pause Production")
            await operator.sees("Paused: Production")
            await pilot.press("p")
            await operator.sees("● Delivering")
