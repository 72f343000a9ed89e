"""`POST /v1/receipts/{integration_id}`: what became of a record, verified, on disk and in effect, then 202."""

from __future__ import annotations

from collections.abc import Sequence

from aiohttp import web

from healthdesk.connectors.verify import Callback, Verified, came, verify_callback
from healthdesk.domain.states import CallbackState
from healthdesk.engine.engine import Engine
from healthdesk.engine.targets import Target
from healthdesk.errors import NotFound, Unauthenticated
from healthdesk.http import ready
from healthdesk.http.bodies import read_body
from healthdesk.http.inbound import Inbound, joined_headers, kept_headers, kept_text
from healthdesk.http.limits import TokenBuckets
from healthdesk.http.lookup import Lookup, Receiver
from healthdesk.http.records import accepted_body
from healthdesk.operations.receipts import receipts_url
from healthdesk.store.callbacks import sender
from healthdesk.store.rows import NewCallback


class Receipts(Inbound):
    """Takes in receipts of endpoints."""

    def __init__(self, engine: Engine, lookup: Lookup) -> None:
        super().__init__(engine, engine.ctx.metrics.receipts)
        self._lookup = lookup
        self._buckets = TokenBuckets()

    async def post(self, request: web.Request) -> web.StreamResponse:
        """Answer one request; whatever goes wrong is problem details."""
        return await self.answer(request, self._accept)

    async def _accept(self, request: web.Request) -> web.StreamResponse:
        integration_id = request.match_info["integration_id"]
        receivers = await self._lookup.receivers.get(integration_id)
        if receivers is None:
            raise NotFound(
                "there is no such integration, or it awaits no receipts",
                fix="use the receipts URL that `healthdesk integrations show` names",
            )
        with self.bodies.share() as share:
            body = await read_body(request, self.most_bytes, share)
            return await self._take_in(integration_id, receivers, request, body)

    async def _take_in(
        self, integration_id: str, receivers: Sequence[Receiver], request: web.Request, body: bytes
    ) -> web.StreamResponse:
        headers = joined_headers(request)
        url = receipts_url(self.ctx.config.server.public_url, integration_id)
        callback = Callback(came(headers, body, method=request.method, url=url))
        try:
            genuine = self._verified(receivers, callback)
        except Unauthenticated as error:
            whose = sender(integration_id, None)
            await self.keep_rejected(whose, request, headers, body, error.what, integration_id)
            raise
        # Only what the endpoint itself sends counts: a stranger must not use up what it is allowed.
        for receiver, _ in genuine[:1]:
            if receiver.limit_per_minute is not None:
                whose = sender(integration_id, receiver.environment)
                self.take(self._buckets, whose, receiver.limit_per_minute, "receipts a minute")
        now = self.ctx.clock.now()
        stored = await self.engine.outcomes.receive(
            NewCallback(
                id=self.ctx.ids.new("cbk", now),
                connection_id="",
                delivery_id=genuine[0][1].delivery_id,
                received_at=now,
                state=CallbackState.ACCEPTED,
                headers=kept_headers(headers),
                body=body,
                content_type=kept_text(request.headers.get("Content-Type", "")),
                size=len(body),
                integration_id=integration_id,
            ),
            await self._targets(integration_id, [receiver for receiver, _ in genuine]),
        )
        self.counted.labels(outcome="duplicate" if stored.duplicate else "accepted").inc()
        self.ctx.bus.publish("callback.changed", stored.id)
        return web.Response(
            status=202, body=accepted_body(stored.id, duplicate=stored.duplicate), headers=ready.HEADERS
        )

    def _verified(self, receivers: Sequence[Receiver], callback: Callback) -> list[tuple[Receiver, Verified]]:
        """Return the environments whose secret a receipt was signed with; Unauthenticated where there is none.

        It is nothing of the other ones: what testing confirms says nothing of production.
        """
        genuine: list[tuple[Receiver, Verified]] = []
        refused: Unauthenticated | None = None
        for receiver in receivers:
            try:
                verified = verify_callback(
                    receiver.verification, receiver.secrets, callback, self.ctx.clock.now()
                )
            except Unauthenticated as error:
                refused = refused or error
            else:
                genuine.append((receiver, verified))
        if refused is not None and not genuine:
            raise refused
        return genuine

    async def _targets(self, integration_id: str, receivers: Sequence[Receiver]) -> list[Target]:
        """Return where the receipt may be of; an environment that another daemon has just added is read now."""
        for _ in range(2):
            found = [self.engine.targets.get(integration_id, each.environment) for each in receivers]
            targets = [each for each in found if each is not None]
            if targets:
                return targets
            await self.engine.targets.refresh()
        raise NotFound("there is no such integration, or it awaits no receipts")
