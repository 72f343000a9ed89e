"""FakeDesk: a client of no daemon. Its log has as many records as asked for, made only when they are looked at."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Sequence
from datetime import datetime, timedelta
from functools import cache
from typing import Any

from healthdesk.api.accounts import AccountRow
from healthdesk.api.alerts import Alert, Channel, ChannelTest, Rule, RuleCreate, RuleEdit
from healthdesk.api.apps import App
from healthdesk.api.authorizations import Authorization
from healthdesk.api.callbacks import Callback, CallbackDetail, CallbackFilter
from healthdesk.api.common import Explanation, Page
from healthdesk.api.connections import Connection, CredentialsUpdated, Heartbeat, HeartbeatRequest, Member
from healthdesk.api.desk import Activity, Event, Status, You
from healthdesk.api.integrations import EnvironmentView, Integration
from healthdesk.api.problems import ProblemDetail, ProblemRow
from healthdesk.api.records import (
    Body,
)
from healthdesk.api.sources import Source
from healthdesk.connectors.registry import Registry
from healthdesk.domain.activity import Verb
from healthdesk.domain.states import (
    AlertEvent,
    AlertState,
    AttemptOutcome,
    CallbackState,
    ConnectionState,
    Environment,
    IntegrationKind,
    IntegrationState,
    OnUnknown,
    ProblemState,
    RecordState,
    Role,
    Trigger,
)
from healthdesk.errors import ApiRefused, DaemonUnreachable
from tests.tui.fake_accounts import FakeAccounts
from tests.tui.fake_health import NOW
from tests.tui.fake_log import ALL_CALLBACKS, HOSTILE, SOURCES, FakeLog


@cache
def builtin_apps() -> list[App]:
    """Return the apps that come with healthdesk, as the daemon tells of them."""
    return [App.model_validate(app.manifest) for app in Registry.builtin().list()]


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


class FakeDesk(FakeAccounts, FakeLog):
    """Has the methods of the typed client that the TUI calls, and remembers what was asked of it."""

    def __init__(self, total: int = 1_000_000, *, role: Role = Role.ADMINISTRATOR) -> None:
        self.total = total
        self.role = role
        self.clock = FixedClock()
        self.calls: list[tuple[str, Any]] = []
        self.fetched = 0
        self.down = False
        self.forbidden: set[str] = set()
        self.no_role = False
        self.refuse_once: dict[str, ApiRefused] = {}
        self.added = 0
        self.overrides: dict[int, RecordState] = {}
        self.kept: dict[str, Any] = {}
        self.revealed = False
        self.resent: set[str] = set()
        self.asked: set[str] = set()
        self.queue: asyncio.Queue[Event | None] = asyncio.Queue()
        self.sequence = 0
        self.problem_states: dict[str, ProblemState] = {}
        self.muted: set[str] = set()
        self.paused = False
        self.matches, self.matches_then = 131, []
        self.jobs, self.items, self.fixes, self.saved, self.pieces = [], [], [], [], []
        self.rules = [
            Rule(id="rul_1", name="CRM to ops", integration_id="int_crm", channel_ids=["chn_2"], created_at=NOW, created_by="alice"),
        ]  # fmt: skip
        self.channels: list[Channel] = [
            Channel(id="chn_1", name="on-call mail", url="mailto://••••@smtp.acme.io", kind="Email", created_at=NOW, created_by="alice", last_sent_at=NOW - timedelta(minutes=45)),
            Channel(id="chn_2", name="ops chat", url="slack://••••/ops", kind="Slack", created_at=NOW, created_by="bob", last_error="403 from the service", last_error_at=NOW),
        ]  # fmt: skip
        self.test_ok = True
        self.authorization_status = "pending"
        self.updated: dict[str, Any] = {}
        self.account_rows: list[AccountRow] | None = None
        self.problem_rows: list[ProblemRow] | None = None
        self.instances = []
        self.others = []

    # Control

    def note(self, name: str, what: Any = None) -> None:
        self.calls.append((name, what))
        if self.down:
            raise DaemonUnreachable("no daemon answers on /run/healthdesk/operator.sock", fix="Start it.")
        if self.no_role:
            fix = "Ask an administrator (alice) to name you in [roles] of config.toml."
            raise ApiRefused("mallory has no role on this desk", status=403, slug="not-permitted", fix=fix)
        if name in self.refuse_once:
            raise self.refuse_once.pop(name)
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

    # The desk

    async def status(self) -> Status:
        self.note("status")
        return Status(
            version="0.1.0", api_version=1, daemon_id="dmn_1", started_at=NOW, now=NOW, database="sqlite", writable=True,
            public_url="", you=You(user="alice", role=self.role), sentence="1 connection failing, 131 records failed",
            counts={"connections": 3, "connections_failing": 1, "problems_open": 4, "records_failed": 131, "alerts_failed": 1},
            administrators=["alice", "root"], offline_since=self.offline_since,
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
            Activity(id="act_3", at=NOW - timedelta(minutes=1), user="alice", verb=Verb.RESENT_MARKED, object_kind="record", object_id="", detail={"resent": 131, "filter": {"states": ["failed"]}}),
            Activity(id="act_2", at=NOW - timedelta(minutes=5), user="bob", verb=Verb.REVEALED, object_kind="record", object_id="rec_00000000000000000000000001"),
            Activity(id="act_1", at=NOW - timedelta(hours=5), user="alice", verb=Verb.EDITED, object_kind="connection", object_id="con_jira", object_name=HOSTILE, detail={"changed": ["name"]}),
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
            AccountRow(kind="connection", id="con_jira", app="HTTP endpoint", name="Jira", account="ops@acme.io", state=ConnectionState.FAILING, state_word="Connection failure", failed=12, total=40, unit="records", checked_at=NOW - timedelta(minutes=3), explanation=bad),
            AccountRow(kind="integration", id="int_crm", app="CRM endpoint", account="crm.acme.io", state=ConnectionState.CONNECTED, state_word="Connected", failed=131, total=4123, retrying=2, held=3, unit="records", checked_at=NOW - timedelta(minutes=1), paused=self.paused),
            AccountRow(kind="connection", id="con_git", app="HTTP endpoint", account="git.acme.io", state=ConnectionState.SUSPECT, state_word="Checking again", checked_at=NOW - timedelta(seconds=20), suspect_checks=2),
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
        for card in (*(self.cards or ()), *self.others):
            if card.connection.id == connection_id:
                changed = self.changed | ({"members": self.members} if self.members is not None else {})
                return card.connection.model_copy(update=changed)
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
        ).model_copy(update=self.changed)  # fmt: skip

    async def connection_create(self, new: Any) -> Connection:
        self.note("connection_create", new)
        return self._connection("con_new")

    async def connection_edit(self, connection_id: str, changes: Any) -> Connection:
        self.note("connection_edit", (connection_id, changes))
        return self._connection(connection_id)

    async def connection_update_credentials(self, connection_id: str, new: Any) -> CredentialsUpdated:
        self.note("connection_update_credentials", (connection_id, new))
        return CredentialsUpdated(**{**self._connection("con_crm").model_dump(), **self.updated})

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
        if self.cards is not None:
            self.cards = [card for card in self.cards if card.connection.id != connection_id]

    async def apps(self) -> list[App]:
        self.note("apps")
        return builtin_apps()

    async def connection_put_back(self, connection_id: str, choice: Any) -> Any:
        self.note("connection_put_back", (connection_id, choice))
        return self._connection("con_crm")

    async def authorization_begin(self, new: Any) -> Authorization:
        self.note("authorization_begin", new)
        return self._authorization("pending")

    async def authorization(self, authorization_id: str) -> Authorization:
        self.note("authorization", authorization_id)
        return self._authorization(self.authorization_status)

    def _authorization(self, status: Any) -> Authorization:
        return Authorization(
            id="aut_1", app="github", app_name="GitHub", status=status, created_at=NOW, created_by="alice",
            url="https://github.com/login/oauth/authorize?client_id=desk&state=" + "s" * 90,
            redirect_url="https://desk.acme.io/v1/oauth/callback", expires_at=NOW + timedelta(minutes=10),
            error="GitHub said access_denied. Grant it in the browser." if status == "refused" else "",
        )  # fmt: skip

    async def integrations_list(self, *, after: str | None = None, limit: int = 50) -> Page[Integration]:
        self.note("integrations_list")
        return Page[Integration](items=[self._integration()])

    async def integration(self, integration_id: str) -> Integration:
        self.note("integration", integration_id)
        return self.integration_of(integration_id) or self._integration()

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
            body=Body(text='{"type":"••••","id":"••••"}', size=180, masked=True),
        )

    async def callback_reveal(self, callback_id: str) -> CallbackDetail:
        self.note("callback_reveal", callback_id)
        shown = Body(text='{"type":"contact.updated","id":7}', size=180)
        return (await self.callback(callback_id)).model_copy(update={"body": shown})

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
        return Page[Rule](items=list(self.rules))

    async def rule_create(self, new: RuleCreate) -> Rule:
        self.note("rule_create", (new.integration_id, new.channel_ids))
        self.rules.append(Rule(id="rul_new", created_at=NOW, created_by="alice", **new.model_dump()))
        return self.rules[-1]

    async def rule_edit(self, rule_id: str, changes: RuleEdit) -> Rule:
        self.note("rule_edit", (rule_id, changes.channel_ids))
        self.rules[0] = self.rules[0].model_copy(update=changes.model_dump(exclude_unset=True))
        return self.rules[0]

    async def alerts_list(self, **kwargs: Any) -> Page[Alert]:
        self.note("alerts_list", kwargs)
        rows = [
            Alert(id="alt_2", problem_id="prb_1", channel_id="chn_2", channel_name="ops chat", event=AlertEvent.OPENED, state=AlertState.RETRYING, title="CRM endpoint: 422, 127 records", body="A field is missing.\nhealthdesk problems show prb_1", tries=2, created_at=NOW - timedelta(minutes=40), next_attempt_at=NOW + timedelta(minutes=1), error="timed out"),
            Alert(id="alt_1", problem_id="prb_1", channel_id="chn_1", channel_name="on-call mail", event=AlertEvent.OPENED, state=AlertState.SENT, title="CRM endpoint: 422, 127 records", body="A field is missing.\nhealthdesk problems show prb_1", tries=1, created_at=NOW - timedelta(minutes=40), sent_at=NOW - timedelta(minutes=40)),
        ]  # fmt: skip
        return Page[Alert](items=rows)
