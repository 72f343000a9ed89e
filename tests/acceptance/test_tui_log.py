"""The log at the screen and a real daemon: filters, export, look up now, a job that is paused and cancelled, live tail."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime
from pathlib import Path

import pytest
from aiohttp import web

from healthdesk.api.delivery import DeliveryMethod, LookupSettings
from healthdesk.api.integrations import EnvironmentEdit, IntegrationEdit
from healthdesk.api.records import OperatorRecordCreate, RecordFilter
from healthdesk.domain.job_states import JobState
from healthdesk.domain.states import Environment, OnUnknown, RecordState
from healthdesk.tui.app import HealthdeskApp
from healthdesk.tui.screens.connections import ConnectionsScreen
from healthdesk.tui.screens.dialog import Question
from healthdesk.tui.screens.forms import Form
from healthdesk.tui.screens.log import LogScreen
from healthdesk.tui.screens.saved_filters import SavedFiltersScreen
from tests.harness.desk import set_up_delivery
from tests.harness.operator import Operator
from tests.harness.serving import served_desk, until
from tests.harness.sinks import serving

FAILING = 7


class Endpoint:
    """Refuses a record, cuts it off or takes it, as it says; a resend is answered once the test lets it."""

    def __init__(self) -> None:
        self.has = 503
        self.seen: set[str] = set()
        self.go = asyncio.Event()

    async def handle(self, request: web.Request) -> web.Response:
        if request.method == "GET":
            return web.json_response({}, status=self.has)
        fate = (await request.json())["fate"]
        known = request.headers["webhook-id"] in self.seen
        self.seen.add(request.headers["webhook-id"])
        if fate == "cut":
            assert request.transport is not None
            request.transport.abort()
        if fate == "refused" and not known:
            return web.json_response({"error": "risk_level is required"}, status=422)
        if known:
            await self.go.wait()
        return web.json_response({"ok": True})

    def app(self) -> web.Application:
        app = web.Application()
        app.router.add_route("*", "/{path:.*}", self.handle)
        return app


def exported(folder: Path) -> str:
    [file] = folder.glob("records-*.jsonl")
    return file.read_text()


async def test_the_log_is_filtered_exported_looked_up_resent_and_followed_at_the_screen(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    endpoint = Endpoint()
    async with (
        served_desk(tmp_path / "desk") as desk,
        serving(endpoint.app()) as port,
        desk.client() as client,
    ):
        delivery = await set_up_delivery(desk, f"http://127.0.0.1:{port}")
        lookup = DeliveryMethod(lookup=LookupSettings(path="/there/{webhook_id}"))
        edit = EnvironmentEdit(on_unknown=OnUnknown.HOLD, delivery=lookup)
        await client.integration_edit(delivery.integration_id, IntegrationEdit(production=edit))

        async def post(fate: str) -> None:
            record = OperatorRecordCreate(
                source=delivery.source, level="high", completed_at=datetime.now(UTC), data={"fate": fate},
                integration_id=delivery.integration_id, environment=Environment.PRODUCTION,
            )  # fmt: skip
            await client.record_create(record)

        async def counted(state: RecordState, number: int) -> None:
            async def so_many() -> bool:
                return (await client.records_count(RecordFilter(states=[state]))).total == number

            await until(so_many)

        for _ in range(FAILING):
            await post("refused")
        await counted(RecordState.FAILED, FAILING)
        await post("cut")
        await counted(RecordState.UNKNOWN, 1)

        app = HealthdeskApp(client, tz=UTC)
        async with app.run_test(size=(80, 24)) as pilot:
            operator = Operator(app, pilot)
            await operator.is_on(ConnectionsScreen)
            await pilot.press("3")
            await operator.is_on(LogScreen)
            await operator.sees(f"of {FAILING + 1} records")

            # Look up now: the endpoint leaves it open, then has it
            await operator.sees("Unknown")
            await pilot.press("g", "L")
            await operator.is_told("The endpoint left it open: it was asked and answered 503.")
            endpoint.has = 200
            await pilot.press("L")
            await operator.is_told("The endpoint has it: it was asked and answered 200.")
            await counted(RecordState.DELIVERED, 1)

            # What a problem holds up, saved as a filter and used
            await pilot.press("2")
            await operator.sees("422 risk_level is")
            await pilot.press("l")
            await operator.is_on(LogScreen)
            await operator.sees(f"of {FAILING} records")
            await pilot.press("F")
            await operator.is_on(SavedFiltersScreen)
            await pilot.press("n")
            await operator.is_on(Form)
            await operator.enter("name", "refused")
            await pilot.press("ctrl+s")
            await operator.is_on(SavedFiltersScreen)
            await operator.sees("refused")
            await pilot.press("escape")
            await operator.is_on(LogScreen)
            await pilot.press("backspace")
            await operator.sees(f"of {FAILING + 1} records")
            await pilot.press("F")
            await operator.is_on(SavedFiltersScreen)
            await operator.sees("refused")
            await pilot.press("enter")
            await operator.is_on(LogScreen)
            await operator.sees(f"of {FAILING} records")

            # Exported as it is filtered
            await pilot.press("x")
            await operator.is_on(Form)
            await pilot.press("right", "ctrl+s")
            await operator.is_told(f"Exported {FAILING} records")
            assert exported(tmp_path).count('"failed"') == FAILING

            # Resent as a job, which is paused, resumed and cancelled from its line
            await pilot.press("S")
            await operator.is_on(Question)
            await operator.press_button(f"Resend {FAILING}")
            await operator.sees("canary 0/1")
            await pilot.press("shift+tab", "p")
            await operator.is_told("Paused")
            await operator.sees("paused")
            await pilot.press("p")
            await operator.is_told("Resumed")
            await operator.sees("p pause")
            await pilot.press("D")
            await operator.is_on(Question)
            await operator.press_button("Cancel the job")
            endpoint.go.set()
            await operator.is_told("cancelled")
            [job] = (await client.jobs_list()).items
            assert job.state is JobState.CANCELLED
            await counted(RecordState.FAILED, FAILING - 1)

            # It stands still while w says so
            await operator.is_on(LogScreen)
            await pilot.press("tab", "backspace", "w")
            await operator.sees("held: w follows")
            await post("taken")
            await operator.sees("new: w follows")
            assert f"of {FAILING + 1} records" in operator.text()
            await pilot.press("w")
            await operator.sees(f"of {FAILING + 2} records")
