"""How the log, jobs, fixes and saved filters look: fixed clock, zone, size and theme. Behaviour is asserted elsewhere."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from textual.pilot import Pilot

from healthdesk.api.records import LikelyCause, Moment
from healthdesk.domain.job_states import JobItemState, JobStage, JobState
from healthdesk.domain.states import RecordEventKind
from healthdesk.tui.app import HealthdeskApp
from tests.tui.desk import LARGE, SMALL, Driver, make_app
from tests.tui.fake_client import FakeDesk
from tests.tui.fake_health import NOW
from tests.tui.test_jobs import JobDesk
from tests.tui.test_saved_filters import saved


class TimelineDesk(FakeDesk):
    """A record that was fixed and looked up between its attempts, whose time is told apart."""

    async def record(self, record_id):
        detail = await super().record(record_id)
        times = {"connect_ms": 8.0, "tls_ms": 14.0, "first_byte_ms": 30.0, "duration_ms": 38.0}
        attempts = [each.model_copy(update=times) for each in detail.attempts]
        second = attempts[1].model_copy(update={"fix_id": "fix_1", "connect_ms": None, "tls_ms": None})
        moments = [
            Moment(at=NOW - timedelta(minutes=51), what="arrived", sentence="Arrived."),
            *(
                Moment(at=each.started_at, what="attempt", sentence=each.error, attempt=each)
                for each in attempts
            ),
            Moment(
                at=NOW + timedelta(minutes=31),
                what="next",
                sentence="The next attempt, unless it is sent before.",
            ),
        ]
        moments[2:2] = [
            Moment(
                at=NOW - timedelta(minutes=45),
                what=RecordEventKind.LOOKED_UP,
                sentence="The endpoint does not have it.",
            ),
            Moment(
                at=NOW - timedelta(minutes=44),
                what=RecordEventKind.FIXED,
                sentence="Set risk_level.",
                by="bob",
            ),
        ]
        moments[4] = moments[4].model_copy(update={"attempt": second})
        likely = LikelyCause(
            cause="downstream",
            sentence="The endpoint has trouble of its own.",
            next_action="wait, or ask its owner",
        )
        return detail.model_copy(
            update={"timeline": moments, "likely": likely, "fix_id": "fix_1", "attempts": attempts}
        )


def with_filters() -> FakeDesk:
    desk = FakeDesk()
    desk.saved = [saved(), saved("testing", owner="bob", shared=True)]
    return desk


def stopped() -> FakeDesk:
    counts = {JobItemState.DELIVERED: 3, JobItemState.FAILED: 1, JobItemState.PENDING: 127}
    reason = "422 risk_level is required came back"
    return JobDesk(state=JobState.STOPPED, stage=JobStage.FIVE, counts=counts, reason=reason)


TO_FAILED = ["j"] * 9
A_STEP = ["n", "tab", *"risk", "enter", *"high", "ctrl+s"]
SCENES: dict[str, tuple[Callable[[], FakeDesk], tuple[int, int], list[str], dict[str, Any]]] = {
    "job-line": (JobDesk, SMALL, ["shift+tab"], {}),
    "job-line-wide": (JobDesk, LARGE, [], {}),
    "job-line-ascii": (JobDesk, SMALL, [], {"ascii_only": True}),
    "job-line-sixteen-colours": (JobDesk, SMALL, ["shift+tab"], {"theme": "ansi-dark"}),
    "jobs": (JobDesk, SMALL, ["J"], {}),
    "jobs-empty": (FakeDesk, SMALL, ["J"], {}),
    "job": (JobDesk, SMALL, ["shift+tab", "enter"], {}),
    "job-wide": (JobDesk, LARGE, ["shift+tab", "enter"], {}),
    "job-ascii": (JobDesk, SMALL, ["shift+tab", "enter"], {"ascii_only": True}),
    "job-stopped": (stopped, SMALL, ["shift+tab", "enter"], {}),
    "fix-begun": (FakeDesk, SMALL, [*TO_FAILED, "f"], {}),
    "fix": (FakeDesk, SMALL, [*TO_FAILED, "f", *A_STEP], {}),
    "fix-wide": (FakeDesk, LARGE, [*TO_FAILED, "f", *A_STEP], {}),
    "fix-form": (FakeDesk, SMALL, [*TO_FAILED, "f", "n", "tab"], {}),
    "fix-body": (FakeDesk, SMALL, [*TO_FAILED, "f", "b", "x"], {}),
    "fix-plan": (FakeDesk, SMALL, [*TO_FAILED, "f", *A_STEP, "A", "s"], {}),
    "timeline": (TimelineDesk, SMALL, [*["j"] * 7, "enter", *["right_square_bracket"] * 3], {}),
    "timeline-wide": (TimelineDesk, LARGE, [*["j"] * 7, "enter", *["right_square_bracket"] * 3], {}),
    "timeline-ascii": (TimelineDesk, SMALL, [*["j"] * 7, "enter", *["right_square_bracket"] * 3], {"ascii_only": True}),
    "chips": (FakeDesk, SMALL, ["slash", *["right"] * 7, *"risk_level"], {}),
    "filters": (with_filters, SMALL, ["F"], {}),
    "filters-empty": (FakeDesk, SMALL, ["F"], {}),
    "filter-form": (FakeDesk, SMALL, ["F", "n"], {}),
    "held": (FakeDesk, SMALL, ["w"], {}),
}  # fmt: skip


@pytest.mark.parametrize("name", SCENES)
def test_scene(name: str, snap_compare: Any) -> None:
    make, size, keys, options = SCENES[name]

    async def reach(pilot: Pilot[None]) -> None:
        assert isinstance(pilot.app, HealthdeskApp)
        driver = Driver(pilot.app, pilot)
        await driver.settle()
        await driver.press(*keys)
        pilot.app.clear_notifications()
        await driver.settle()

    assert snap_compare(make_app(make(), **options), terminal_size=size, run_before=reach)
