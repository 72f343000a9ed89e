"""A small desk in a store: one connection, one integration with both environments, two sources."""

from __future__ import annotations

import asyncio
import hashlib
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

from healthdesk.domain.exchange import Exchange, Failure, Sent
from healthdesk.domain.ids import IdFactory
from healthdesk.domain.problems import ProblemKey, key_for_connection, key_for_delivery
from healthdesk.domain.states import (
    AttemptOutcome,
    Blame,
    Environment,
    ErrorKind,
    IntegrationKind,
    RecordState,
)
from healthdesk.store import alerts, connections, integrations, ledger, sources
from healthdesk.store.database import Store
from healthdesk.store.rows import (
    ClaimedRecord,
    EnvWant,
    NewConnection,
    NewRecord,
    Settlement,
    SettleResult,
)
from healthdesk.testing import FakeClock

PRODUCTION = Environment.PRODUCTION
TESTING = Environment.TESTING
PREFIX, DATA = b'{"source":"heart","completed_at":"2026-03-02T09:00:00Z","data": ', b'{"score": 71}'


def failure(
    kind: ErrorKind = ErrorKind.SERVER_ERROR, status: int | None = 500, *, permanent: bool = False
) -> Failure:
    return Failure(
        kind=kind,
        blame=Blame.THEM,
        permanent=permanent,
        sentence=f"the endpoint said {status}",
        safe_sentence=f"answered {status}",
        next_action="wait",
        sent=Sent.YES,
        status=status,
    )


REFUSED = failure(ErrorKind.REFUSED, 422, permanent=True)
UNAUTHORIZED = failure(ErrorKind.AUTHENTICATION, 401, permanent=True)


@dataclass
class World:
    store: Store
    clock: FakeClock
    ids: IdFactory
    connection_id: str = ""
    integration_id: str = ""
    sources: tuple[str, ...] = ()

    @classmethod
    async def made(cls, store: Store, clock: FakeClock, ids: IdFactory) -> World:
        world = cls(store, clock, ids)
        world.connection_id = await world.add_connection()
        world.sources = (await world.add_source("heart"), await world.add_source("sleep"))
        world.integration_id = await world.add_integration("CRM endpoint", world.connection_id)
        return world

    def new(self, prefix: str) -> str:
        return self.ids.new(prefix, self.clock.now())

    async def add_connection(self, **settings: Any) -> str:
        usual: dict[str, Any] = {
            "id": self.new("con"),
            "app": "http-endpoint",
            "name": "CRM",
            "base_url": "https://crm.example",
            "auth": "bearer",
            "owner": "alice",
            "created_by": "alice",
            "created_at": self.clock.now(),
            "credentials_enc": "enc",
            "credential_hint": "••••1234",
        }
        new = NewConnection(**(usual | settings))
        await self.store.write(connections.insert, new)
        return new.id

    async def add_source(self, key: str) -> str:
        source_id = self.new("src")
        await self.store.write(
            sources.insert,
            source_id=source_id,
            key=key,
            name=key.title(),
            levels=["low", "high"],
            fields=[{"name": "score", "type": "number"}],
            now=self.clock.now(),
            by="alice",
        )
        return source_id

    async def add_integration(self, name: str, connection_id: str) -> str:
        integration_id = self.new("int")

        def change(conn: Any) -> None:
            integrations.insert(
                conn,
                integration_id=integration_id,
                name=name,
                kind=IntegrationKind.DELIVERY,
                now=self.clock.now(),
                by="alice",
            )
            for environment in Environment:
                integrations.put_environment(
                    conn, integration_id, environment, {"connection_id": connection_id}, self.clock.now()
                )
            for source_id in self.sources:
                sources.enable(conn, source_id, integration_id, True)

        await self.store.write(change)
        return integration_id

    async def add_channel(self, name: str) -> str:
        channel_id = self.new("chn")
        await self.store.write(
            alerts.insert_channel,
            channel_id=channel_id,
            name=name,
            url_enc="enc",
            url="json://…",
            kind="JSON",
            now=self.clock.now(),
            by="alice",
        )
        return channel_id

    async def add_rule(self, *channel_ids: str, **settings: Any) -> str:
        rule_id = self.new("rul")
        chosen = {"integration_id": None, "connection_id": None, "environments": [], "recoveries": True}
        await self.store.write(
            alerts.insert_rule,
            rule_id=rule_id,
            name="rule",
            channel_ids=channel_ids,
            now=self.clock.now(),
            by="alice",
            **(chosen | settings),
        )
        return rule_id

    def record(self, **changes: Any) -> NewRecord:
        body = changes.pop("body", PREFIX + DATA + b"}")
        record = NewRecord(
            id=self.new("rec"),
            integration_id=self.integration_id,
            environment=PRODUCTION,
            source_id=self.sources[0],
            level="high",
            completed_at=self.clock.now(),
            body=body,
            data_start=len(PREFIX),
            data_end=len(PREFIX) + len(DATA),
            body_hash=hashlib.sha256(body).digest(),
            content_type="application/json",
            now=self.clock.now(),
        )
        return replace(record, **changes)

    async def accept(self, count: int = 1, **changes: Any) -> list[str]:
        answers = await asyncio.gather(*(self.store.accept(self.record(**changes)) for _ in range(count)))
        return [answer.id for answer in answers]

    async def claim(self, free: int = 100, environment: Environment = PRODUCTION) -> list[ClaimedRecord]:
        return (await self.step([], free, environment)).claimed

    async def step(
        self, settlements: Sequence[Settlement], free: int = 0, environment: Environment = PRODUCTION
    ) -> SettleResult:
        wants = [EnvWant(self.integration_id, environment, free)] if free else []
        return await self.store.settle_and_claim(settlements, wants, now=self.clock.now())

    def exchange(self, status: int | None = 200) -> Exchange:
        return Exchange(
            method="POST",
            url="https://crm.example/hra",
            request_headers={"webhook-id": "x", "Authorization": "••••"},
            started_at=self.clock.now(),
            duration_ms=38.0,
            status=status,
            response_headers={"content-type": "text/plain"},
            response_body=b"answer",
        )

    def delivered(self, claimed: ClaimedRecord) -> Settlement:
        return Settlement(
            attempt_id=claimed.attempt_id,
            record_id=claimed.id,
            integration_id=claimed.integration_id,
            environment=claimed.environment,
            outcome=AttemptOutcome.DELIVERED,
            state=RecordState.DELIVERED,
            next_at=None,
            finished_at=self.clock.now(),
            exchange=self.exchange(),
            failure=None,
            problem=None,
            tries=claimed.tries,
        )

    def failed(
        self,
        claimed: ClaimedRecord,
        why: Failure = REFUSED,
        *,
        state: RecordState | None = None,
        next_at: datetime | None = None,
    ) -> Settlement:
        """A failed attempt: final when permanent, else to be tried again at `next_at`."""
        if state is None:
            state = RecordState.FAILED if why.permanent else RecordState.RETRYING
        return replace(
            self.delivered(claimed),
            outcome=AttemptOutcome.REFUSED if why.permanent else AttemptOutcome.FAILED,
            state=state,
            next_at=(next_at or self.clock.now()) if state is RecordState.RETRYING else None,
            exchange=self.exchange(why.status),
            failure=why,
            problem=self.key(why, claimed.environment),
        )

    def key(self, why: Failure, environment: Environment = PRODUCTION) -> ProblemKey:
        return key_for_delivery(
            why,
            integration_id=self.integration_id,
            environment=environment,
            connection_id=self.connection_id,
            connection_name="CRM",
            owner="alice",
        )

    def connection_key(self, why: Failure) -> ProblemKey:
        return key_for_connection(why, self.connection_id, "CRM", "alice")

    async def check_ledger(self) -> dict[str, int]:
        """The ledger balances and says what is in the table; return its states, of all environments."""
        kept = await self.store.read(ledger.totals)
        assert kept == await self.store.read(ledger.recount)
        assert all(row.balanced for row in kept)
        total: dict[str, int] = {}
        for row in kept:
            for state, number in row.states.items():
                if number:
                    total[state] = total.get(state, 0) + number
        return total
