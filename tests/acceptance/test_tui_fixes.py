"""The screen and a daemon process when records fail: read why, fix one, keep what worked, fix all as a job, watch it."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

from aiohttp import web

from healthdesk.api.records import OperatorRecordCreate, RecordFilter
from healthdesk.domain.states import Environment, RecordState
from healthdesk.tui.app import HealthdeskApp
from healthdesk.tui.screens.connections import ConnectionsScreen
from healthdesk.tui.screens.dialog import Question
from healthdesk.tui.screens.fix import FixScreen
from healthdesk.tui.screens.forms import Form
from healthdesk.tui.screens.job import JobScreen
from healthdesk.tui.screens.log import LogScreen
from healthdesk.tui.screens.record import RecordScreen
from tests.harness.desk import set_up_delivery, temporary_desk
from tests.harness.operator import Operator
from tests.harness.serving import until
from tests.harness.sinks import serving

NUMBER = 12


class Endpoint:
    """Wants `risk_level`, and keeps what it took."""

    def __init__(self) -> None:
        self.taken: dict[str, dict[str, Any]] = {}

    async def handle(self, request: web.Request) -> web.Response:
        body = await request.json()
        if "risk_level" not in body:
            return web.json_response({"error": "risk_level is required"}, status=422)
        self.taken[request.headers["webhook-id"]] = body
        return web.json_response({"ok": True})

    def app(self) -> web.Application:
        app = web.Application()
        app.router.add_post("/{path:.*}", self.handle)
        return app


async def test_a_failed_record_is_fixed_and_then_all_that_fail_the_same_way() -> None:
    endpoint = Endpoint()
    async with temporary_desk() as desk, serving(endpoint.app()) as port, desk.client() as client:
        delivery = await set_up_delivery(desk, f"http://127.0.0.1:{port}")
        for number in range(NUMBER):
            await client.record_create(
                OperatorRecordCreate(
                    source="heart-health",
                    level="high",
                    completed_at=datetime.now(UTC),
                    data={"participant": f"p-{number}", "score": number},
                    integration_id=delivery.integration_id,
                    environment=Environment.PRODUCTION,
                )
            )
        failed = RecordFilter(states=[RecordState.FAILED])

        async def all_failed() -> bool:
            return (await client.records_count(failed)).total == NUMBER

        await until(all_failed)
        app = HealthdeskApp(client, tz=UTC)
        async with app.run_test(size=(160, 45)) as pilot:
            operator = Operator(app, pilot)
            await operator.is_on(ConnectionsScreen)
            await pilot.press("3")
            await operator.is_on(LogScreen)
            await operator.sees("Failed 422")

            # Read the failure, and fix the one record
            await pilot.press("enter")
            await operator.is_on(RecordScreen)
            await operator.sees("risk_level is required")
            await pilot.press("f")
            await operator.is_on(FixScreen)
            await operator.sees("Nothing is changed yet.")
            await pilot.press("n")
            await operator.is_on(Form)
            await operator.enter("path", "risk_level")
            await operator.enter("value", "{level}")
            await pilot.press("ctrl+s")
            await operator.is_on(FixScreen)
            await operator.sees("Values are masked")
            await pilot.press("v")
            await operator.sees('"risk_level": "high"')
            assert endpoint.taken == {}
            await pilot.press("s")
            await operator.is_on(Question)
            await operator.sees("It worked.")
            await operator.press_button("Not now")
            await operator.is_on(RecordScreen)
            await operator.sees("Delivered")
            assert [body["risk_level"] for body in endpoint.taken.values()] == ["high"]

            # All that fail the same way, as a job
            await pilot.press("2")
            await operator.sees("risk_level is required")
            await pilot.press("f")
            await operator.is_on(FixScreen)
            await operator.sees("Nothing is changed yet.")
            await pilot.press("n")
            await operator.is_on(Form)
            await operator.enter("path", "risk_level")
            await operator.enter("value", "{level}")
            await pilot.press("ctrl+s")
            await operator.sees(f"It changes {NUMBER - 1} of {NUMBER - 1} records.")
            await pilot.press("s")
            await operator.is_on(Question)
            await operator.sees("First 1, then 5, then the rest")
            await operator.press_button(f"Resend {NUMBER - 1}")
            await operator.is_told("begun")
            await operator.is_on(JobScreen)
            await operator.sees(f"✓ {NUMBER - 1} delivered")

            # What worked is kept for all records from now on
            await pilot.press("w")
            await operator.is_on(Question)
            await operator.sees("set risk_level")
            await operator.press_button("Save it")
            await operator.is_told("1 step for all records from now on")
        assert len(endpoint.taken) == NUMBER
        assert {body["risk_level"] for body in endpoint.taken.values()} == {"high"}
        assert (await client.records_count(failed)).total == 0
        [production] = [
            each
            for each in (await client.integration(delivery.integration_id)).environments
            if each.environment is Environment.PRODUCTION
        ]
        assert [step.path for step in production.delivery.mapping] == ["risk_level"]
