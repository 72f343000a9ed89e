"""FakeDesk: a client of no daemon. Its log has as many records as asked for, made only when they are looked at."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

from healthdesk.api.alerts import Alert, Channel, ChannelTest, Rule
from healthdesk.api.callbacks import Callback, CallbackDetail, CallbackFilter
from healthdesk.api.common import Count, Explanation, Page
from healthdesk.api.connections import AccountRow, Connection, Heartbeat, HeartbeatRequest, Member
from healthdesk.api.desk import Activity, Event, Status, You
from healthdesk.api.integrations import EnvironmentView, Integration, Source
from healthdesk.api.problems import ProblemDetail, ProblemRow
from healthdesk.api.records import (
    Attempt,
    Body,
    Record,
    RecordDetail,
    RecordFilter,
    ResendGroup,
    ResendPlan,
    Resent,
)
from healthdesk.domain.states import (
    AlertEvent,
    AlertState,
    AttemptOutcome,
    CallbackState,
    ConnectionState,
    Environment,
    HoldReason,
    IntegrationKind,
    IntegrationState,
    OnUnknown,
    ProblemState,
    RecordState,
    Role,
    Trigger,
)
from healthdesk.errors import ApiRefused, DaemonUnreachable

NOW = datetime(2026, 11, 22, 14, 5, tzinfo=UTC)
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


class FixedClock:
    """A clock that stands still until it is moved; sleeping yields once, or waits to be woken."""

    def __init__(self, now: datetime = NOW) -> None:
        self.time = now
        self.held: list[float] = []
        self.hold_over_s = 0.9
        self._released = asyncio.Event()

    def now(self) -> datetime:
        return self.time

    def monotonic(self) -> float:
        return (self.time - NOW).total_seconds()

    async def sleep(self, seconds: float) -> None:
        if seconds < self.hold_over_s:
            await asyncio.sleep(0)
            return
        self.held.append(seconds)
        self._released = asyncio.Event()
        await self._released.wait()

    def release(self) -> None:
        self._released.set()


class FakeDesk:
    """Has the methods of the typed client that the TUI calls, and remembers what was asked of it."""

    def __init__(self, total: int = 1_000_000, *, role: Role = Role.ADMINISTRATOR) -> None:
        self.total = total
        self.role = role
        self.clock = FixedClock()
        self.calls: list[tuple[str, Any]] = []
        self.fetched = 0
        self.down = False
        self.forbidden: set[str] = set()
        self.added = 0
        self.overrides: dict[int, RecordState] = {}
        self.kept: dict[str, Any] = {}
        self.revealed = False
        self.queue: asyncio.Queue[Event | None] = asyncio.Queue()
        self.sequence = 0
        self.problem_states: dict[str, ProblemState] = {}
        self.muted: set[str] = set()
        self.paused = False
        self.conflicts = 0
        self.channels: list[Channel] = [
            Channel(id="chn_1", name="on-call mail", url="mailto://••••@smtp.acme.io", kind="Email", created_at=NOW, created_by="alice", last_sent_at=NOW - timedelta(minutes=45)),
            Channel(id="chn_2", name="ops chat", url="slack://••••/ops", kind="Slack", created_at=NOW, created_by="bob", last_error="403 from the service", last_error_at=NOW),
        ]  # fmt: skip
        self.test_ok = True
        self.account_rows: list[AccountRow] | None = None
        self.problem_rows: list[ProblemRow] | None = None

    # Control

    def note(self, name: str, what: Any = None) -> None:
        self.calls.append((name, what))
        if self.down:
            raise DaemonUnreachable("no daemon answers on /run/healthdesk/operator.sock", fix="Start it.")
        if name in self.forbidden:
            raise ApiRefused("members may read; this needs a manager", status=403, slug="not-permitted")

    def called(self, name: str) -> list[Any]:
        return [what for called, what in self.calls if called == name]

    def tell(self, kind: str, object_id: str = "") -> None:
        self.sequence += 1
        self.queue.put_nowait(Event(id=str(self.sequence), at=NOW, kind=kind, object_id=object_id))

    def go_down(self) -> None:
        self.down = True
        self.queue.put_nowait(None)

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
    ) -> Page[Record]:
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
        return Page[Record](items=items, next=str(int(items[-1].id[4:])) if more else None)

    async def records_count(self, chosen: RecordFilter = EVERYTHING, *, exact: bool = False) -> Count:
        self.note("records_count", chosen)
        top = self.total + self.added
        if top > 10_000:
            return Count(total=10_000, exact=False)
        return Count(total=sum(1 for number in range(top) if self._matches(number, chosen)))

    async def record(self, record_id: str) -> RecordDetail:
        self.note("record", record_id)
        return self._detail(record_id, masked=True)

    async def record_reveal(self, record_id: str) -> RecordDetail:
        self.note("record_reveal", record_id)
        self.revealed = True
        return self._detail(record_id, masked=False)

    def _detail(self, record_id: str, *, masked: bool) -> RecordDetail:
        row = self.record_at(int(record_id[4:]))
        text = '{"participant": "••••", "assessment": "••••", "score": "••••", "note": null}'
        if not masked:
            text = (
                '{"participant": "Ann [/b] Smith", "assessment": "heart-health", "score": 71, "note": null}'
            )
        attempts = [
            Attempt(
                id=f"att_{number}", record_id=row.id, number=number,
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
        )  # fmt: skip

    async def record_resend(self, record_id: str, *, new_webhook_id: bool = False) -> Resent:
        self.note("record_resend", (record_id, new_webhook_id))
        self.overrides[int(record_id[4:])] = RecordState.QUEUED
        return Resent(resent=1)

    async def records_resend(self, ids: Sequence[str], *, new_webhook_id: bool = False) -> Resent:
        self.note("records_resend", (list(ids), new_webhook_id))
        return Resent(resent=len(ids))

    async def records_resend_plan(self, chosen: RecordFilter) -> ResendPlan:
        self.note("records_resend_plan", chosen)
        groups = [
            ResendGroup(status=422, error_kind="missing_field", error="risk_level is required", count=127, problem_id="prb_1", problem_state="open"),
            ResendGroup(status=500, error_kind="server_error", error="Internal Server Error", count=4),
        ]  # fmt: skip
        return ResendPlan(
            total=131, skipped_delivered=3, oldest=NOW - timedelta(minutes=45), newest=NOW, groups=groups
        )

    async def records_resend_all(self, chosen: RecordFilter, *, expect: int) -> Resent:
        self.note("records_resend_all", (chosen, expect))
        if self.conflicts:
            self.conflicts -= 1
            raise ApiRefused("the filter matches 132 records now", status=409, slug="conflict")
        return Resent(resent=expect)

    # The desk

    async def status(self) -> Status:
        self.note("status")
        return Status(
            version="0.1.0", api_version=1, daemon_id="dmn_1", started_at=NOW, now=NOW, database="sqlite", writable=True,
            public_url="", you=You(user="alice", role=self.role), sentence="1 connection failing, 131 records failed",
            counts={"connections": 3, "connections_failing": 1, "problems_open": 4, "records_failed": 131, "alerts_failed": 1},
            administrators=["alice", "root"],
        )  # fmt: skip

    async def events(self, last_event_id: str | None = None) -> AsyncIterator[Event]:
        self.note("events", last_event_id)
        while True:
            event = await self.queue.get()
            if event is None:
                raise DaemonUnreachable("the daemon closed the event stream")
            yield event

    async def preference(self, key: str) -> Any:
        self.note("preference", key)
        return self.kept.get(key)

    async def preference_set(self, key: str, value: Any) -> None:
        self.note("preference_set", (key, value))
        self.kept[key] = value

    async def activity_list(
        self,
        *,
        user: str | None = None,
        object_id: str | None = None,
        after: str | None = None,
        limit: int = 50,
    ) -> Page[Activity]:
        self.note("activity_list", user)
        rows = [
            Activity(id="act_3", at=NOW - timedelta(minutes=1), user="alice", verb="records.resend_all", object_kind="integration", object_id="int_crm", object_name="CRM endpoint", detail={"count": 131, "filter": "failed"}),
            Activity(id="act_2", at=NOW - timedelta(minutes=5), user="bob", verb="records.reveal", object_kind="record", object_id="rec_00000000000000000000000001"),
            Activity(id="act_1", at=NOW - timedelta(hours=5), user="alice", verb="connections.edit", object_kind="connection", object_id="con_jira", object_name=HOSTILE),
        ]  # fmt: skip
        return Page[Activity](items=[row for row in rows if user in (None, row.user)])

    # Connections and integrations

    async def accounts(self) -> list[AccountRow]:
        self.note("accounts")
        if self.account_rows is not None:
            return self.account_rows
        bad = Explanation(
            sentence="Jira Cloud refused the token (401).",
            since=NOW - timedelta(hours=12),
            blame="credential",
            next_action="update the credentials",
            key="u",
        )
        return [
            AccountRow(kind="connection", id="con_jira", app="HTTP endpoint", account="Jira · ops@acme.io", state=ConnectionState.FAILING, state_word="Connection failure", failed=12, total=40, unit="records", checked_at=NOW - timedelta(minutes=3), explanation=bad),
            AccountRow(kind="integration", id="int_crm", app="CRM endpoint", account="crm.acme.io", state=ConnectionState.CONNECTED, state_word="Connected", failed=131, total=4123, retrying=2, held=3, unit="records", checked_at=NOW - timedelta(minutes=1), paused=self.paused),
            AccountRow(kind="connection", id="con_git", app="HTTP endpoint", account="git.acme.io", state=ConnectionState.SUSPECT, state_word="Checking again", checked_at=NOW - timedelta(seconds=20), details={"suspect_checks": 2}),
            AccountRow(kind="connection", id="con_evil", app="HTTP endpoint", account=HOSTILE, state=ConnectionState.CONNECTED, state_word="Connected", checked_at=NOW - timedelta(hours=2)),
            AccountRow(kind="connection", id="con_new", app="HTTP endpoint", account="new.acme.io", state=ConnectionState.UNKNOWN, state_word="Not checked yet"),
        ]  # fmt: skip

    async def connections_list(self, *, after: str | None = None, limit: int = 50) -> Page[Connection]:
        self.note("connections_list")
        return Page[Connection](items=[self._connection("con_jira")])

    async def connection(self, connection_id: str) -> Connection:
        self.note("connection", connection_id)
        return self._connection(connection_id)

    def _connection(self, connection_id: str) -> Connection:
        failing = connection_id == "con_jira"
        return Connection(
            id=connection_id, app="http-endpoint", app_name="HTTP endpoint", name="Jira" if failing else "CRM", account="ops@acme.io",
            base_url="https://acme.example", auth="bearer", credential_hint="••••9f3a", owner="alice",
            members=[Member(user="bob", grant="manager")],
            state=ConnectionState.FAILING if failing else ConnectionState.CONNECTED,
            state_word="Connection failure" if failing else "Connected", state_since=NOW - timedelta(hours=12),
            explanation=Explanation(sentence="The endpoint refused the token (401 Unauthorized).", since=NOW - timedelta(hours=12), blame="credential", next_action="enter new credentials", key="u") if failing else None,
            connected_on=NOW - timedelta(days=90), last_healthy=NOW - timedelta(hours=36), last_checked=NOW - timedelta(minutes=3),
            next_check=NOW + timedelta(minutes=57), heartbeat=HeartbeatRequest(path="/health"), callback_url="http://127.0.0.1:8085/v1/callbacks/" + connection_id,
            created_at=NOW - timedelta(days=90), created_by="alice",
        )  # fmt: skip

    async def connection_create(self, new: Any) -> Connection:
        self.note("connection_create", new)
        return self._connection("con_new")

    async def connection_edit(self, connection_id: str, changes: Any) -> Connection:
        self.note("connection_edit", (connection_id, changes))
        return self._connection(connection_id)

    async def connection_update_credentials(self, connection_id: str, new: Any) -> Connection:
        self.note("connection_update_credentials", (connection_id, new))
        return self._connection("con_crm")

    async def connection_check(self, connection_id: str) -> Connection:
        self.note("connection_check", connection_id)
        return self._connection(connection_id)

    async def connection_heartbeats(
        self, connection_id: str, *, after: str | None = None, limit: int = 50
    ) -> Page[Heartbeat]:
        self.note("connection_heartbeats", connection_id)
        items = [
            Heartbeat(id=f"hbt_{n}", connection_id=connection_id, at=NOW - timedelta(hours=n), trigger=Trigger.SCHEDULE, ok=n > 2, status=401 if n <= 2 else 200, duration_ms=41, sentence="401 Unauthorized" if n <= 2 else "", state_after=ConnectionState.FAILING if n <= 2 else ConnectionState.CONNECTED)
            for n in range(6)
        ]  # fmt: skip
        return Page[Heartbeat](items=items)

    async def connection_disconnect(self, connection_id: str) -> None:
        self.note("connection_disconnect", connection_id)

    async def apps(self) -> list[Any]:
        self.note("apps")
        return []

    async def integrations_list(self, *, after: str | None = None, limit: int = 50) -> Page[Integration]:
        self.note("integrations_list")
        return Page[Integration](items=[self._integration()])

    async def integration(self, integration_id: str) -> Integration:
        self.note("integration", integration_id)
        return self._integration()

    def _integration(self) -> Integration:
        def environment(which: Environment, state: IntegrationState) -> EnvironmentView:
            return EnvironmentView(
                environment=which, connection_id="con_crm", connection_name="CRM", endpoint="https://crm.acme.io/v2/hra",
                path="/v2/hra", concurrency=16, timeout_s=30, on_unknown=OnUnknown.RESEND, state=state, key_hint="••••k3y1",
                totals={"delivered": 3988, "failed": 131, "retrying": 2, "held": 2} if which is Environment.PRODUCTION else {"delivered": 7},
            )  # fmt: skip

        active = IntegrationState.PAUSED if self.paused else IntegrationState.ACTIVE
        return Integration(
            id="int_crm", kind=IntegrationKind.DELIVERY, name="CRM endpoint",
            environments=[environment(Environment.PRODUCTION, active), environment(Environment.TESTING, IntegrationState.ACTIVE)],
            sources=["heart-health", "sleep"], records_url="http://127.0.0.1:8085/v1/records/int_crm", created_at=NOW, created_by="alice",
        )  # fmt: skip

    async def integration_pause(
        self, integration_id: str, environment: Environment | None = None
    ) -> Integration:
        self.note("integration_pause", (integration_id, environment))
        self.paused = True
        return self._integration()

    async def integration_resume(
        self, integration_id: str, environment: Environment | None = None
    ) -> Integration:
        self.note("integration_resume", (integration_id, environment))
        self.paused = False
        return self._integration()

    async def sources_list(self, *, after: str | None = None, limit: int = 50) -> Page[Source]:
        self.note("sources_list")
        items = [
            Source(
                id=f"src_{key}", key=key, name=name, levels=[], fields=[], created_at=NOW, created_by="alice"
            )
            for key, name in SOURCES
        ]
        return Page[Source](items=items)

    # Problems

    def _problem(self, problem_id: str) -> ProblemRow:
        rows = {row.id: row for row in self._problems()}
        return rows[problem_id]

    def _problems(self) -> list[ProblemRow]:
        if self.problem_rows is not None:
            return self.problem_rows
        rows = [
            ProblemRow(id="prb_1", state=ProblemState.OPEN, cause="422 risk_level is required", kind="missing_field", blame="configuration", next_action="add the field", where="CRM endpoint", integration_id="int_crm", environment=Environment.PRODUCTION, owner="alice", count=127, total=130, retrying=0, since=NOW - timedelta(minutes=45), last_at=NOW, opened_at=NOW - timedelta(minutes=45), sample_record_id="rec_00000000000000000000000010"),
            ProblemRow(id="prb_2", state=ProblemState.ACKNOWLEDGED, cause="token refused (401)", kind="authentication", blame="credential", next_action="update the credentials", where="Jira · alice", connection_id="con_jira", owner="alice", count=12, total=12, since=NOW - timedelta(hours=12), last_at=NOW, acknowledged_by="bob", acknowledged_at=NOW),
            ProblemRow(id="prb_3", state=ProblemState.OPEN, cause="500 Internal Server Error", kind="server_error", blame="them", next_action="ask the endpoint's owner", where="CRM endpoint", integration_id="int_crm", owner="alice", count=4, total=9, retrying=4, since=NOW - timedelta(minutes=4), last_at=NOW),
        ]  # fmt: skip
        changed = []
        for row in rows:
            until = NOW + timedelta(days=1) if row.id in self.muted else None
            state = self.problem_states.get(row.id, row.state)
            changed.append(row.model_copy(update={"state": state, "muted_until": until}))
        return changed

    async def problems_list(
        self,
        *,
        states: Sequence[ProblemState] = (),
        integration_id: str | None = None,
        connection_id: str | None = None,
        after: str | None = None,
        limit: int = 50,
    ) -> Page[ProblemRow]:
        self.note("problems_list", list(states))
        wanted = set(states) or {ProblemState.OPEN, ProblemState.ACKNOWLEDGED}
        return Page[ProblemRow](items=[row for row in self._problems() if row.state in wanted])

    async def problem(self, problem_id: str) -> ProblemDetail:
        self.note("problem", problem_id)
        row = self._problem(problem_id)
        detail = self._detail("rec_00000000000000000000000010", masked=True)
        bad = detail.attempts[-1] if detail.attempts else None
        good = (
            bad.model_copy(update={"status": 200, "outcome": AttemptOutcome.DELIVERED, "error": ""})
            if bad
            else None
        )
        alerts = (await self.alerts_list()).items
        return ProblemDetail(**row.model_dump(), last_good=good, first_bad=bad, alerts=alerts)

    async def problem_ack(self, problem_id: str, *, note: str = "") -> ProblemDetail:
        self.note("problem_ack", problem_id)
        self.problem_states[problem_id] = ProblemState.ACKNOWLEDGED
        return await self.problem(problem_id)

    async def problem_mute(self, problem_id: str, *, for_s: int = 86400, note: str = "") -> ProblemDetail:
        self.note("problem_mute", (problem_id, for_s))
        (self.muted.add if for_s else self.muted.discard)(problem_id)
        return await self.problem(problem_id)

    async def problem_resolve(self, problem_id: str, *, note: str = "") -> ProblemDetail:
        self.note("problem_resolve", problem_id)
        self.problem_states[problem_id] = ProblemState.RESOLVED
        return await self.problem(problem_id)

    # Callbacks, channels, alerts

    def _callbacks(self) -> list[Callback]:
        return [
            Callback(id="cbk_3", connection_id="con_crm", connection_name="CRM", delivery_id="msg_3", received_at=NOW - timedelta(minutes=1), state=CallbackState.REJECTED, reason="the signature does not match", size=210),
            Callback(id="cbk_2", connection_id="con_crm", connection_name="CRM", delivery_id="msg_2", received_at=NOW - timedelta(minutes=2), state=CallbackState.PROCESSED, event="contact.updated", duplicates=1, size=180),
            Callback(id="cbk_1", connection_id="con_crm", connection_name="CRM", delivery_id="msg_1", received_at=NOW - timedelta(minutes=9), state=CallbackState.ACCEPTED, event=HOSTILE, size=180),
        ]  # fmt: skip

    async def callbacks_list(
        self, chosen: CallbackFilter = ALL_CALLBACKS, *, after: str | None = None, limit: int = 50
    ) -> Page[Callback]:
        self.note("callbacks_list", chosen)
        return Page[Callback](
            items=[row for row in self._callbacks() if not chosen.states or row.state in chosen.states]
        )

    async def callback(self, callback_id: str) -> CallbackDetail:
        self.note("callback", callback_id)
        row = next(row for row in self._callbacks() if row.id == callback_id)
        return CallbackDetail(
            **row.model_dump(),
            headers={"webhook-id": row.delivery_id},
            body=Body(text='{"type":"contact.updated","id":7}', size=180),
        )

    async def callback_reprocess(self, callback_id: str) -> CallbackDetail:
        self.note("callback_reprocess", callback_id)
        return await self.callback(callback_id)

    async def channels_list(self, *, after: str | None = None, limit: int = 50) -> Page[Channel]:
        self.note("channels_list")
        return Page[Channel](items=list(self.channels))

    async def channel_create(self, name: str, url: str) -> Channel:
        self.note("channel_create", (name, url))
        channel = Channel(
            id="chn_9", name=name, url="json://••••", kind="JSON", created_at=NOW, created_by="alice"
        )
        self.channels.append(channel)
        return channel

    async def channel_test(self, channel_id: str) -> ChannelTest:
        self.note("channel_test", channel_id)
        return ChannelTest(
            ok=self.test_ok,
            sentence="Delivered." if self.test_ok else "The server refused the message.",
            duration_ms=120,
            log="Sent 1 message.",
        )

    async def channel_remove(self, channel_id: str) -> None:
        self.note("channel_remove", channel_id)
        self.channels = [channel for channel in self.channels if channel.id != channel_id]

    async def rules_list(self, *, after: str | None = None, limit: int = 50) -> Page[Rule]:
        self.note("rules_list")
        return Page[Rule](
            items=[
                Rule(
                    id="rul_1",
                    name="CRM to ops",
                    integration_id="int_crm",
                    channel_ids=["chn_2"],
                    created_at=NOW,
                    created_by="alice",
                )
            ]
        )

    async def alerts_list(self, **kwargs: Any) -> Page[Alert]:
        self.note("alerts_list", kwargs)
        rows = [
            Alert(id="alt_2", problem_id="prb_1", channel_id="chn_2", channel_name="ops chat", event=AlertEvent.OPENED, state=AlertState.RETRYING, title="CRM endpoint: 422, 127 records", body="A field is missing.\nhealthdesk problems show prb_1", tries=2, created_at=NOW - timedelta(minutes=40), next_attempt_at=NOW + timedelta(minutes=1), error="timed out"),
            Alert(id="alt_1", problem_id="prb_1", channel_id="chn_1", channel_name="on-call mail", event=AlertEvent.OPENED, state=AlertState.SENT, title="CRM endpoint: 422, 127 records", body="A field is missing.\nhealthdesk problems show prb_1", tries=1, created_at=NOW - timedelta(minutes=40), sent_at=NOW - timedelta(minutes=40)),
        ]  # fmt: skip
        return Page[Alert](items=rows)


def _outcome(state: RecordState) -> AttemptOutcome:
    return {
        RecordState.DELIVERED: AttemptOutcome.DELIVERED,
        RecordState.FAILED: AttemptOutcome.REFUSED,
        RecordState.RETRYING: AttemptOutcome.FAILED,
        RecordState.UNKNOWN: AttemptOutcome.UNKNOWN,
    }.get(state, AttemptOutcome.FAILED)
