"""The log of FakeDesk: as many records as asked for, made only when they are looked at."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from datetime import timedelta
from typing import Any

from healthdesk.api.callbacks import CallbackFilter
from healthdesk.api.common import Count, Explanation
from healthdesk.api.flow import LookedUp
from healthdesk.api.records import (
    Attempt,
    AttemptDetail,
    Body,
    Record,
    RecordDetail,
    RecordFilter,
    RecordPage,
)
from healthdesk.api.resends import Resent
from healthdesk.domain.curl import curl
from healthdesk.domain.states import (
    AttemptOutcome,
    Environment,
    HoldReason,
    RecordState,
    Trigger,
)
from healthdesk.errors import ApiRefused
from tests.tui.fake_filters import FakeFilters
from tests.tui.fake_health import NOW, FakeHealth
from tests.tui.fake_jobs import FakeJobs

SOURCES = (("heart-health", "Heart health"), ("diabetes-risk", "Diabetes risk"), ("sleep", "Sleep"))
CYCLE = (
    RecordState.FAILED,
    RecordState.DELIVERED,
    RecordState.RETRYING,
    RecordState.DELIVERED,
    RecordState.UNKNOWN,
    RecordState.DELIVERED,
    RecordState.HELD,
    RecordState.DELIVERED,
    RecordState.QUEUED,
    RecordState.DELIVERED,
)
EVERYTHING = RecordFilter()
ALL_CALLBACKS = CallbackFilter()
HOSTILE = 'Evil [/bold] \x1b[2J\x07 \u202e name\n"quoted" [red]'


class FakeLog(FakeJobs, FakeFilters, FakeHealth):
    """Record number n is the n-th oldest."""

    total: int
    added: int
    fetched: int
    counted = 10_000
    """What a count of more than that says."""
    revealed: bool
    asked: set[str]
    """Records whose endpoint is being asked for them."""
    resent: set[str]
    """Records whose attempts are those since a resend."""
    overrides: dict[int, RecordState]

    def note(self, name: str, what: Any = None) -> None:
        raise NotImplementedError

    # The log: record number n is the n-th oldest

    def record_at(self, number: int) -> Record:
        self.fetched += 1
        state = self.overrides.get(number, CYCLE[number % len(CYCLE)])
        at = NOW - timedelta(seconds=30 * (self.total - number))
        key, name = SOURCES[number % 3]
        tried = state not in (RecordState.QUEUED, RecordState.HELD)
        failed = state in (RecordState.FAILED, RecordState.RETRYING)
        return Record(
            id=f"rec_{number:026d}",
            webhook_id=f"rec_{number:026d}",
            integration_id="int_crm",
            integration_name="CRM endpoint",
            environment=Environment.TESTING if number % 17 == 0 else Environment.PRODUCTION,
            source=key,
            source_name=name,
            level="high risk" if number % 2 else "low risk",
            completed_at=at,
            arrived_at=at,
            state=state,
            hold_reason=HoldReason.PAUSED if state is RecordState.HELD else None,
            tries=4 if state is RecordState.RETRYING else 1 if tried else 0,
            first_attempt_at=at + timedelta(seconds=1) if tried else None,
            last_attempt_at=at + timedelta(seconds=1) if tried else None,
            next_attempt_at=NOW + timedelta(minutes=31) if state is RecordState.RETRYING else None,
            last_status=422 if state is RecordState.FAILED else 500 if failed else 200 if state is RecordState.DELIVERED else None,
            last_duration_ms=38.0 if tried else None,
            error_kind="missing_field" if state is RecordState.FAILED else "server_error" if failed else "",
            error='"risk_level is required"' if state is RecordState.FAILED else "Internal Server Error" if failed else "",
            problem_id="prb_1" if failed else None,
            sample=number % 29 == 0,
        )  # fmt: skip

    def _matches(self, number: int, chosen: RecordFilter) -> bool:
        if chosen.states and self.overrides.get(number, CYCLE[number % len(CYCLE)]) not in chosen.states:
            return False
        if chosen.source and SOURCES[number % 3][0] != chosen.source:
            return False
        testing = number % 17 == 0
        if chosen.environment is not None and testing != (chosen.environment is Environment.TESTING):
            return False
        if chosen.arrived_from is not None:
            return NOW - timedelta(seconds=30 * (self.total - number)) >= chosen.arrived_from
        return True

    async def records_list(
        self,
        chosen: RecordFilter = EVERYTHING,
        *,
        after: str | None = None,
        limit: int = 50,
        direction: str = "newest",
    ) -> RecordPage:
        self.note("records_list", (chosen, after, limit, direction))
        await asyncio.sleep(0)
        top = self.total + self.added
        newest = direction == "newest"
        number = (top - 1 if newest else 0) if after is None else int(after) + (-1 if newest else 1)
        items: list[Record] = []
        while 0 <= number < top and len(items) < limit:
            if self._matches(number, chosen):
                items.append(self.record_at(number))
            number += -1 if newest else 1
            if not newest and chosen.arrived_from is not None:
                break
        more = 0 <= number < top and len(items) == limit
        return RecordPage(items=items, next=str(int(items[-1].id[4:])) if more else None)

    async def records_count(self, chosen: RecordFilter = EVERYTHING, *, exact: bool = False) -> Count:
        self.note("records_count", chosen)
        top = self.total + self.added
        if top > 10_000:
            return Count(total=self.counted, exact=False)
        return Count(total=sum(1 for number in range(top) if self._matches(number, chosen)))

    async def record(self, record_id: str) -> RecordDetail:
        self.note("record", record_id)
        return self._detail(record_id, masked=True)

    async def record_reveal(self, record_id: str) -> RecordDetail:
        self.note("record_reveal", record_id)
        self.revealed = True
        return self._detail(record_id, masked=False)

    async def record_attempt(self, record_id: str, attempt_id: str) -> AttemptDetail:
        self.note("record_attempt", (record_id, attempt_id))
        return self._attempt(record_id, attempt_id, masked=True)

    async def record_attempt_reveal(self, record_id: str, attempt_id: str) -> AttemptDetail:
        self.note("record_attempt_reveal", (record_id, attempt_id))
        return self._attempt(record_id, attempt_id, masked=False)

    def _attempt(self, record_id: str, attempt_id: str, *, masked: bool) -> AttemptDetail:
        detail = self._detail(record_id, masked=masked)
        [attempt] = [each for each in detail.attempts if each.id == attempt_id]
        echo = "••••" if masked else "Ann [/b] Smith"
        return AttemptDetail(
            **attempt.model_dump(),
            request_body=detail.request_body,
            curl=detail.curl,
            response_body=Body(text=f'{{"try": {attempt.number}, "echo": "{echo}"}}', masked=masked),
        )

    def _detail(self, record_id: str, *, masked: bool) -> RecordDetail:
        row = self.record_at(int(record_id[4:]))
        text = '{"participant": "••••", "assessment": "••••", "score": "••••", "note": null}'
        if not masked:
            text = (
                '{"participant": "Ann [/b] Smith", "assessment": "heart-health", "score": 71, "note": null}'
            )
        attempts = [
            Attempt(
                id=f"att_{number}{'_again' * (row.id in self.resent)}", record_id=row.id, number=number,
                trigger=Trigger.FIRST if number == 1 else Trigger.RETRY, outcome=_outcome(row.state),
                started_at=NOW - timedelta(minutes=60 - 10 * number), duration_ms=38.0 * number, status=row.last_status,
                error_kind=row.error_kind, blame="them" if row.error else "", error=row.error, webhook_id=row.webhook_id,
                method="POST", url="https://crm.acme.io/v2/hra", finished_at=NOW,
                request_headers={"webhook-id": row.webhook_id, "authorization": "Bearer ••••9f3a"},
                response_headers={"content-type": "application/json"},
            )
            for number in range(1, row.tries + 1)
        ]  # fmt: skip
        failed = row.state is RecordState.FAILED
        body = Body(content_type="application/json", size=120, text=text, masked=masked)
        return RecordDetail(
            **row.model_dump(),
            explanation=Explanation(
                sentence='The endpoint said "risk_level is required".', blame="configuration",
                next_action="add risk_level to the source, or ask the endpoint's owner", key="s",
            ) if failed else None,
            similar=127 if failed else 0,
            similar_since=NOW - timedelta(minutes=45) if failed else None,
            attempts=attempts,
            request_body=body,
            response_body=Body(content_type="application/json", size=40, text='{"error":"risk_level is required"}'),
            posted_body=body,
            curl=curl("POST", "https://crm.acme.io/v2/hra", attempts[-1].request_headers, None if masked else text.encode()) if attempts else "",
        )  # fmt: skip

    async def record_look_up(self, record_id: str) -> LookedUp:
        self.note("record_look_up", record_id)
        return LookedUp(found=None, sentence="The endpoint left it open.")

    def _state(self, record_id: str) -> RecordState:
        number = int(record_id[4:])
        return self.overrides.get(number, CYCLE[number % len(CYCLE)])

    async def record_resend(
        self,
        record_id: str,
        *,
        new_webhook_id: bool = False,
        delivered_too: bool = False,
        asked_too: bool = False,
    ) -> Resent:
        if self._state(record_id) is RecordState.DELIVERED and not delivered_too:
            raise ApiRefused("its endpoint took it already", status=409, slug="conflict")
        if record_id in self.asked and not asked_too:
            raise ApiRefused("its endpoint is asked", status=409, slug="conflict")
        self.note("record_resend", (record_id, new_webhook_id))
        self.overrides[int(record_id[4:])] = RecordState.QUEUED
        return Resent(resent=1)

    async def records_resend(
        self,
        ids: Sequence[str],
        *,
        new_webhook_id: bool = False,
        delivered_too: bool = False,
        asked_too: bool = False,
        dry_run: bool = False,
    ) -> Resent:
        delivered = [each for each in ids if self._state(each) is RecordState.DELIVERED]
        asked = [each for each in ids if each in self.asked]
        out = set(() if delivered_too else delivered) | set(() if asked_too else asked)
        if not dry_run:
            self.note("records_resend", (list(ids), new_webhook_id))
        return Resent(
            resent=len(ids) - len(out),
            skipped=dict.fromkeys(out, "not now"),
            delivered=len(delivered),
            asked=len(asked),
        )


def _outcome(state: RecordState) -> AttemptOutcome:
    return {
        RecordState.DELIVERED: AttemptOutcome.DELIVERED,
        RecordState.FAILED: AttemptOutcome.REFUSED,
        RecordState.RETRYING: AttemptOutcome.FAILED,
        RecordState.UNKNOWN: AttemptOutcome.UNKNOWN,
    }.get(state, AttemptOutcome.FAILED)
