"""`POST /v1/records/{integration_id}`: a record in, on disk, then 202. The hottest path of the desk."""

from __future__ import annotations

from aiohttp import hdrs, web
from multidict import CIMultiDictProxy, istr

from healthdesk.domain.rawjson import split_record
from healthdesk.domain.states import RecordState
from healthdesk.engine.arrivals import Arrivals
from healthdesk.engine.engine import Engine
from healthdesk.errors import Malformed, NotFound, RateLimited, Unauthenticated, UnsupportedMedia
from healthdesk.http import ready
from healthdesk.http.bodies import arrived_body, read_body
from healthdesk.http.limits import TokenBuckets
from healthdesk.http.lookup import KnownKey, Lookup
from healthdesk.http.problem_details import respond_any
from healthdesk.operations.accepting import body_hash, check_source
from healthdesk.operations.secrets import hash_key
from healthdesk.store.rows import NewRecord

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
        self._arrivals = Arrivals(engine)
        self._refused = engine.ctx.metrics.records_refused

    async def post(self, request: web.Request) -> web.StreamResponse:
        """Answer one request that the router found."""
        return await self.post_to(request, request.match_info["integration_id"])

    async def post_to(self, request: web.Request, integration_id: str) -> web.StreamResponse:
        """Answer one request; whatever goes wrong is problem details."""
        try:
            return await self._accept(request, integration_id)
        except Exception as error:  # noqa: BLE001 - the one place errors of this route become answers
            response = respond_any(error, instance=request.path)
            self._refused.labels(status=str(response.status)).inc()
            return response

    async def _accept(self, request: web.Request, integration_id: str) -> web.StreamResponse:
        headers = request.headers
        key = await self._key(headers)
        if key.integration_id != integration_id:
            raise NotFound(
                "this key is not for that integration",
                fix="post to the address that `healthdesk integrations show` names for the key",
            )
        if key.limit_per_minute is not None:
            self._take(key, key.limit_per_minute)
        content_type = headers.get(hdrs.CONTENT_TYPE, "")
        if content_type not in _PLAIN_TYPES:
            _check_media(content_type)
        if hdrs.CONTENT_ENCODING in headers:
            _check_encoding(headers[hdrs.CONTENT_ENCODING])
        idempotency_key = _only(headers, IDEMPOTENCY_KEY)
        if idempotency_key is not None:
            _check_idempotency_key(idempotency_key)
        body = arrived_body(request, self._most_bytes)
        if body is None:
            body = await read_body(request, self._most_bytes)
        parsed = split_record(body)
        sources = self._lookup.sources
        source = sources.fresh(parsed.source) or await sources.get(parsed.source)
        source = check_source(source, parsed, key.integration_id)
        hold = self._engine.hold_state(key.integration_id, key.environment)
        now = self._ctx.clock.now()
        accepted = await self._ctx.store.accept(
            NewRecord(
                id=self._ctx.ids.new("rec", now),
                integration_id=key.integration_id,
                environment=key.environment,
                source_id=source.id,
                level=parsed.level,
                completed_at=parsed.completed_at,
                body=body,
                data_start=parsed.data_start,
                data_end=parsed.data_end,
                body_hash=body_hash(body, idempotency_key),
                content_type="application/json",
                now=now,
                state=RecordState.QUEUED if hold is None else RecordState.HELD,
                hold_reason=hold,
                idempotency_key=idempotency_key,
            )
        )
        if not accepted.duplicate:
            self._arrivals.note(accepted.id, None if hold else (key.integration_id, key.environment))
        return ready.accepted(request, accepted_body(accepted.id, duplicate=accepted.duplicate))

    async def _key(self, headers: CIMultiDictProxy[str]) -> KnownKey:
        authorization = _only(headers, hdrs.AUTHORIZATION)
        if authorization is None:
            raise Unauthenticated("no key", fix="send the header `Authorization: Bearer <key>`")
        scheme, _, text = authorization.partition(" ")
        text = text.strip()
        if scheme.lower() != "bearer" or not text or len(text) > LONGEST_BEARER_KEY:
            raise Unauthenticated("no bearer key", fix="send the header `Authorization: Bearer <key>`")
        digest = hash_key(text)
        key = self._lookup.keys.fresh(digest) or await self._lookup.keys.get(digest)
        if key is None or (key.expires_at is not None and key.expires_at <= self._ctx.clock.now()):
            raise Unauthenticated(
                "the key is unknown or has expired",
                fix="ask an operator of the desk for the key: `healthdesk integrations keys`",
            )
        return key

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


def accepted_body(record_id: str, *, duplicate: bool) -> bytes:
    """Return the body of the 202; ids are plain ASCII, so nothing needs escaping."""
    return f'{{"id":"{record_id}","duplicate":{"true" if duplicate else "false"}}}'.encode("ascii")


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
