"""FakeHealth: what a client tells of the health of connections, for FakeDesk."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

from healthdesk.api.common import Page
from healthdesk.api.health import CheckEvidence, Difference, Evidence, Expiry, Identity, Transition
from healthdesk.api.pings import Ping, PingSchedule, PingSet
from healthdesk.domain.states import ConnectionState, Trigger
from healthdesk.errors import ApiRefused

NOW = datetime(2026, 11, 22, 14, 5, tzinfo=UTC)
C = ConnectionState
WHOSE = Identity(
    account_id="583231", account="ops@acme.io", site="https://acme.example", scopes=["repo", "read:org"]
)
ADDRESS = "https://desk.acme.io/v1/ping/hJ3kQ9vTz0aB7cLmN2pRsU5wXyE8dF1g"


def check(ok: bool, **more: Any) -> CheckEvidence:
    fields: dict[str, Any] = {
        "id": "hbt_good" if ok else "hbt_bad",
        "connection_id": "con_jira",
        "at": NOW - timedelta(hours=36 if ok else 12),
        "trigger": Trigger.SCHEDULE,
        "ok": ok,
        "status": 200 if ok else 401,
        "duration_ms": 38 if ok else 41,
        "kind": "" if ok else "authentication",
        "sentence": "" if ok else "The endpoint refused the token (401 Unauthorized).",
        "state_after": C.CONNECTED if ok else C.FAILING,
        "method": "GET",
        "url": "https://acme.example/rest/api/3/myself",
        "response_headers": {
            "content-type": "application/json" if ok else "text/html; charset=utf-8",
            "server": "AtlassianEdge",
        },
        "response_body": (
            '{"accountId":"583231","emailAddress":"ops@acme.io","active":true}'
            if ok
            else "<html>[/bar] Client must be authenticated\x1b[31m</html>"
        ),
        "identity": WHOSE if ok else None,
    }
    return CheckEvidence(**(fields | more))


class FakeHealth:
    """Has the calls of `HealthCalls` and `PingCalls`."""

    note: Any
    called: Any
    connection: Any

    changed: dict[str, Any] = {}
    """What a test wants different of every connection."""
    offline_since: datetime | None = None
    ping: Ping | None = None
    expiries: list[Expiry] | None = None
    evidence_of: dict[str, Evidence] = {}

    async def connection_evidence(self, connection_id: str) -> Evidence:
        self.note("connection_evidence", connection_id)
        if connection_id in self.evidence_of:
            return self.evidence_of[connection_id]
        failing = connection_id == "con_jira"
        return Evidence(
            connection_id=connection_id, name="Jira" if failing else "CRM",
            state=C.FAILING if failing else C.CONNECTED,
            sentence="Jira: The endpoint refused the token (401 Unauthorized)." if failing else "Nothing is wrong: the last check was good.",
            comparison="same account, same site" if failing else "",
            blame="credential" if failing else "", next_action="Enter new credentials." if failing else "", key="u" if failing else "",
            last_good=check(True), first_bad=check(False) if failing else None,
            differences=[
                Difference(what="status", before="200", after="401"),
                Difference(what="content-type", before="application/json", after="text/html; charset=utf-8"),
            ] if failing else [],
        )  # fmt: skip

    async def connection_transitions(
        self, connection_id: str, *, after: str | None = None, limit: int = 50
    ) -> Page[Transition]:
        self.note("connection_transitions", connection_id)
        steps = [(C.SUSPECT, C.FAILING, 12), (C.CONNECTED, C.SUSPECT, 13), (C.UNKNOWN, C.CONNECTED, 2160)]
        rows = [
            Transition(id=f"trn_{n}", connection_id=connection_id, at=NOW - timedelta(hours=hours), from_state=before, to_state=then, kind="" if then is C.CONNECTED else "authentication", sentence="" if then is C.CONNECTED else "The endpoint refused the token (401).")
            for n, (before, then, hours) in enumerate(steps)
        ]  # fmt: skip
        return Page[Transition](items=rows)

    async def connection_heartbeat(self, connection_id: str, heartbeat_id: str) -> CheckEvidence:
        self.note("connection_heartbeat", (connection_id, heartbeat_id))
        return check(False, id=heartbeat_id)

    async def connections_expiring(
        self, *, within_days: int | None = None, after: str | None = None, limit: int = 50
    ) -> Page[Expiry]:
        self.note("connections_expiring", within_days)
        if self.expiries is not None:
            return Page[Expiry](items=self.expiries)
        rows = [
            self.expiry("con_old", "GitLab", "gitlab", "acme-bot", -2, "expired", warned=0),
            self.expiry("con_okta", "Okta", "okta", "acme.okta.com", 6, "6 days", warned=7),
            self.expiry("con_evil", "HTTP endpoint", "http-endpoint", "[/bar]\x1b[31mevil", 20, "20 days", warned=30, entered=True),
            self.expiry("con_git", "GitHub", "github", "acme-bot", 148, "148 days"),
        ]  # fmt: skip
        return Page[Expiry](items=rows)

    @staticmethod
    def expiry(
        connection_id: str,
        name: str,
        app: str,
        account: str,
        days: int,
        word: str,
        *,
        warned: int | None = None,
        entered: bool = False,
    ) -> Expiry:
        return Expiry(
            connection_id=connection_id,
            name=name,
            app=app,
            app_name=name,
            account=account,
            owner="alice",
            expires_at=NOW + timedelta(days=days),
            expires_from="entered" if entered else "learnt",
            days=days,
            word=word,
            warned_days=warned,
        )

    async def connection_accept_drift(self, connection_id: str) -> Any:
        self.note("connection_accept_drift", connection_id)
        self.changed = {name: value for name, value in self.changed.items() if name != "drift"}
        return await self.connection(connection_id)

    # Push heartbeats

    async def connection_ping(self, connection_id: str) -> Ping:
        self.note("connection_ping", connection_id)
        if self.ping is None:
            raise ApiRefused("it has no push heartbeat", status=404, slug="not-found")
        return self.ping

    async def connection_ping_set(self, connection_id: str, wanted: PingSet) -> Ping:
        self.note("connection_ping_set", (connection_id, wanted))
        new = self.ping is None or wanted.new_address
        self.ping = a_ping(connection_id, schedule=wanted.schedule, grace_s=wanted.grace_s)
        return self.ping.model_copy(update={"url": ADDRESS if new else ""})

    async def connection_ping_remove(self, connection_id: str) -> None:
        self.note("connection_ping_remove", connection_id)
        self.ping = None


def a_ping(connection_id: str = "con_crm", **more: Any) -> Ping:
    fields: dict[str, Any] = {
        "id": "png_1",
        "object_kind": "connection",
        "object_id": connection_id,
        "object_name": "CRM",
        "schedule": PingSchedule(every_s=3600),
        "grace_s": 300,
        "hint": "••••dF1g",
        "due_at": NOW + timedelta(minutes=65),
        "created_at": NOW,
        "created_by": "alice",
    }
    return Ping(**(fields | more))
