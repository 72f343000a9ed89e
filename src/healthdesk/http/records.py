"""`POST /v1/records/{integration_id}`: a record in, on disk, then 202. The hottest path of the desk."""

from __future__ import annotations

from functools import partial

from aiohttp import hdrs, web
from multidict import CIMultiDictProxy, istr

from healthdesk.domain.rawjson import ParsedRecord, split_record
from healthdesk.engine.arrivals import Arrivals
from healthdesk.engine.engine import Engine
from healthdesk.errors import (
    Malformed,
    NotFound,
    RateLimited,
    Unauthenticated,
    UnsupportedMedia,
)
from healthdesk.http import ready
from healthdesk.http.bodies import BodyBudget, HungUp, read_body, too_large, unread
from healthdesk.http.express import Reply
from healthdesk.http.limits import TokenBuckets
from healthdesk.http.lookup import KnownKey, Lookup
from healthdesk.http.outages import Outages
from healthdesk.operations.accepting import KnownSource, body_hash, check_source, new_record
from healthdesk.operations.secrets import hash_key
from healthdesk.store.repeats import accepted_before
from healthdesk.store.rows import AcceptedRecord, Failed, NewRecord

LONGEST_IDEMPOTENCY_KEY = 255
LONGEST_BEARER_KEY = 512

IDEMPOTENCY_KEY = istr("Idempotency-Key")

_PLAIN_TYPES = frozenset(
    {"application/json", "application/json; charset=utf-8", "application/json;charset=utf-8"}
)


class Records:
    """Accepts records from upstream systems."""

    def __init__(self, engine: Engine, lookup: Lookup) -> None:
        self._engine = engine
        self._ctx = engine.ctx
        self._lookup = lookup
        self._buckets = TokenBuckets()
        self._most_bytes = engine.ctx.config.security.max_body_bytes
        self._bodies = BodyBudget(self._most_bytes)
        self._arrivals = Arrivals(engine)
        self._refused = engine.ctx.metrics.records_refused
        self._outages = Outages(engine.ctx.clock)

    async def post(self, request: web.Request) -> web.StreamResponse:
        """Answer one request; whatever goes wrong is problem details."""
        try:
            accepted = await self._accept(request, request.match_info["integration_id"])
        except HungUp:
            return unread()
        except Exception as error:  # noqa: BLE001 - the one place errors of this way become answers
            return self._refusal(error, request.path)
        body = accepted_body(accepted.id, duplicate=accepted.duplicate)
        return web.Response(status=202, body=body, headers=ready.HEADERS)

    def post_at_once(
        self, path: str, object_id: str, headers: CIMultiDictProxy[str], body: bytes, reply: Reply
    ) -> bool:
        """Take a whole request that waits for nothing but its commit; decline one whose key or source must be read."""
        try:
            key = self._lookup.keys.known(_key_hash(headers))
            if key is None or key.limit_per_minute is not None:
                return False  # a limit is counted where the request is answered for certain
            idempotency_key = self._check(headers, key, object_id)
            if len(body) > self._most_bytes:
                raise too_large(self._most_bytes)
            parsed = split_record(body)
            source = self._lookup.sources.known(parsed.source)
            if source is None:
                return False
            try:
                record = self._record(key, source, parsed, body, idempotency_key)
            except Malformed:
                if idempotency_key is None:
                    raise
                return False  # it may be a repeat of what was accepted before, which has to be read
            self._ctx.store.accept_then(record, partial(self._committed, record, path, reply))
        except Exception as error:  # noqa: BLE001 - the one place errors of this way become answers
            reply(ready.whole(self._refusal(error, path)))
        return True

    def _committed(
        self, record: NewRecord, path: str, reply: Reply, outcome: AcceptedRecord | Failed
    ) -> None:
        if isinstance(outcome, Failed):
            reply(ready.whole(self._refusal(outcome.error, path)))
        else:
            self._arrived(record, outcome)
            reply(ready.accepted(accepted_body(outcome.id, duplicate=outcome.duplicate)))

    def _refusal(self, error: Exception, path: str) -> web.Response:
        response = self._outages.respond(error, instance=path)
        self._refused.labels(status=str(response.status)).inc()
        return response

    async def _accept(self, request: web.Request, integration_id: str) -> AcceptedRecord:
        headers = request.headers
        key = await self._lookup.keys.get(_key_hash(headers))
        idempotency_key = self._check(headers, key, integration_id)
        assert key is not None
        if key.limit_per_minute is not None:
            self._take(key, key.limit_per_minute)
        with self._bodies.share() as share:
            body = await read_body(request, self._most_bytes, share)
            return await self._store(key, body, idempotency_key)

    async def _store(self, key: KnownKey, body: bytes, idempotency_key: str | None) -> AcceptedRecord:
        parsed = split_record(body)
        source = await self._lookup.sources.get(parsed.source)
        try:
            record = self._record(key, source, parsed, body, idempotency_key)
        except Malformed:
            first = await self._first(key, body, idempotency_key)
            if first is None:
                raise
            return AcceptedRecord(first, duplicate=True)
        accepted = await self._ctx.store.accept(record)
        self._arrived(record, accepted)
        return accepted

    async def _first(self, key: KnownKey, body: bytes, idempotency_key: str | None) -> str | None:
        """Return the record that a repeat repeats: what was accepted once is not refused when its source has changed."""
        if idempotency_key is None:
            return None
        place = (key.integration_id, key.environment)
        found: str | None = await self._ctx.store.read(
            accepted_before, *place, idempotency_key, body_hash(body, idempotency_key)
        )
        return found

    def _check(self, headers: CIMultiDictProxy[str], key: KnownKey | None, integration_id: str) -> str | None:
        """Check what comes before the body; return the Idempotency-Key."""
        if key is None or (key.expires_at is not None and key.expires_at <= self._ctx.clock.now()):
            raise Unauthenticated(
                "the key is unknown or has expired",
                fix="ask an operator of the desk for the key: `healthdesk integrations keys`",
            )
        if key.integration_id != integration_id:
            raise NotFound(
                "this key is not for that integration",
                fix="post to the address that `healthdesk integrations show` names for the key",
            )
        content_type = headers.get(hdrs.CONTENT_TYPE, "")
        if content_type not in _PLAIN_TYPES:
            _check_media(content_type)
        if hdrs.CONTENT_ENCODING in headers:
            _check_encoding(headers[hdrs.CONTENT_ENCODING])
        idempotency_key = _only(headers, IDEMPOTENCY_KEY)
        if idempotency_key is not None:
            _check_idempotency_key(idempotency_key)
        return idempotency_key

    def _record(
        self,
        key: KnownKey,
        source: KnownSource | None,
        parsed: ParsedRecord,
        body: bytes,
        idempotency_key: str | None,
    ) -> NewRecord:
        source = check_source(source, parsed, key.integration_id)
        targets, place = self._engine.targets, (key.integration_id, key.environment)
        target = targets.get(*place)
        order = None if target is None else target.delivery.order
        now = self._ctx.clock.now()
        return new_record(
            self._ctx.ids.new("rec", now),
            now,
            parsed,
            body,
            integration_id=key.integration_id,
            environment=key.environment,
            source_id=source.id,
            hold=None if target is None else target.held,
            idempotency_key=idempotency_key,
            order_key=None if order is None else targets.order_key(*place, order, parsed.data),
            lookups=source.lookups(parsed.data),
        )

    def _arrived(self, record: NewRecord, accepted: AcceptedRecord) -> None:
        if not accepted.duplicate:
            held = record.hold_reason is not None
            self._arrivals.note(accepted.id, None if held else (record.integration_id, record.environment))

    def _take(self, key: KnownKey, per_minute: int) -> None:
        # By environment, not by key: a new key must not be a way around the limit.
        wait_s = self._buckets.take(
            (key.integration_id, key.environment), per_minute, self._ctx.clock.monotonic()
        )
        if wait_s > 0:
            raise RateLimited(
                f"more than {per_minute} records a minute with this key",
                retry_after_s=wait_s,
                fix="send again after the time Retry-After names; the limit is the integration's accept limit",
            )


def accepted_body(object_id: str, *, duplicate: bool) -> bytes:
    """Return the body of the 202; ids are plain ASCII, so nothing needs escaping."""
    return f'{{"id":"{object_id}","duplicate":{"true" if duplicate else "false"}}}'.encode("ascii")


def _key_hash(headers: CIMultiDictProxy[str]) -> bytes:
    authorization = _only(headers, hdrs.AUTHORIZATION)
    if authorization is None:
        raise Unauthenticated("no key", fix="send the header `Authorization: Bearer <key>`")
    scheme, _, text = authorization.partition(" ")
    text = text.strip()
    if scheme.lower() != "bearer" or not text or len(text) > LONGEST_BEARER_KEY:
        raise Unauthenticated("no bearer key", fix="send the header `Authorization: Bearer <key>`")
    return hash_key(text)


def _only(headers: CIMultiDictProxy[str], name: str) -> str | None:
    """Return a header's value. One that comes twice is refused: which is meant, only the sender knows."""
    values = headers.getall(name, ())
    if len(values) > 1:
        raise Malformed(f"{name} is there more than once", field=str(name))
    return values[0] if values else None


def _check_media(content_type: str) -> None:
    """Let JSON pass, and types that end in +json, in UTF-8."""
    media, _, parameters = content_type.partition(";")
    media = media.strip().lower()
    json_like = media == "application/json" or (media.startswith("application/") and media.endswith("+json"))
    charset = parameters.replace(" ", "").replace('"', "").lower()
    if not json_like or ("charset=" in charset and "charset=utf-8" not in charset):
        raise UnsupportedMedia("records are JSON in UTF-8", fix="send `Content-Type: application/json`")


def _check_encoding(encoding: str) -> None:
    if encoding.strip().lower() not in ("", "identity"):
        raise UnsupportedMedia("records are taken uncompressed", fix="leave Content-Encoding out")


def _check_idempotency_key(key: str) -> None:
    if not 1 <= len(key) <= LONGEST_IDEMPOTENCY_KEY or not key.isascii() or not key.isprintable():
        raise Malformed(
            f"an Idempotency-Key is 1 to {LONGEST_IDEMPOTENCY_KEY} printable ASCII characters",
            field="Idempotency-Key",
        )
