"""Tokens of saved connections: renewed by one task of one daemon at a time, and on disk before they are used.

An app that rotates refresh tokens forgets the old one when it answers. So the answer is committed before anything
else is done with it, by a task that nobody who waits for it can cancel. A failure that passes changes nothing that is
kept; a refusal is remembered, so that it is not asked for again and again.
"""

from __future__ import annotations

import asyncio
import hashlib
import itertools
import json
import logging
from dataclasses import asdict, replace
from datetime import datetime, timedelta
from typing import Any

from healthdesk.clock import Clock
from healthdesk.connectors.auth import StoredCredentials
from healthdesk.connectors.auth.asking import TIMEOUT_S
from healthdesk.connectors.auth.tokens import Fetch, Tokens
from healthdesk.connectors.outgoing import NotAuthorized
from healthdesk.domain.exchange import Failure, Sent
from healthdesk.domain.states import Blame, ErrorKind
from healthdesk.errors import StoreUnavailable
from healthdesk.store import tokens as queries
from healthdesk.store.database import Store
from healthdesk.store.tokens import TokenRow
from healthdesk.vault import Vault

log = logging.getLogger(__name__)

LEASE = timedelta(seconds=3 * TIMEOUT_S)
LOOK_AGAIN_S = 0.5
"""How often one who waits for another's renewal looks whether it is done."""
KEEP_TRIES = 5
HOLDS_S = (0.0, 60.0, 600.0)
"""How long a refusal is believed without asking: the first is asked for once more, in case it was a mistake."""

_numbers = itertools.count(1)


def digest_of(credentials: StoredCredentials) -> str:
    """Return what tells credentials apart: tokens that were got with others are not theirs."""
    return hashlib.sha256(credentials.to_json().encode()).hexdigest()


def as_in_use(vault: Vault, credentials: StoredCredentials, row: TokenRow | None) -> StoredCredentials:
    """Return credentials with the tokens that are in use now, as they have to be put aside; raises VaultError."""
    kept = _Kept.read(vault, row, digest_of(credentials))
    return credentials if kept.tokens is None else credentials.with_tokens(kept.tokens)


class _Kept:
    """What the encrypted text of a row says: tokens, and the last refusal with how often it came."""

    def __init__(self, tokens: Tokens | None, refusal: dict[str, Any] | None) -> None:
        self.tokens = tokens
        self.refusal = refusal

    @classmethod
    def read(cls, vault: Vault, row: TokenRow | None, digest: str) -> _Kept:
        if row is None or not row.tokens_enc:
            return cls(None, None)
        members = json.loads(vault.decrypt(row.tokens_enc))
        if members["of"] != digest:
            return cls(None, None)
        tokens = members.get("tokens")
        return cls(Tokens.from_json(tokens) if tokens else None, members.get("refusal"))

    def sealed(self, vault: Vault, digest: str) -> str:
        tokens = self.tokens.to_json() if self.tokens else None
        return vault.encrypt(json.dumps({"of": digest, "tokens": tokens, "refusal": self.refusal}))

    def refused(self, failure: Failure, now: datetime) -> _Kept:
        times = (self.refusal or {}).get("times", 0) + 1
        return _Kept(self.tokens, {"failure": asdict(failure), "at": now.isoformat(), "times": times})

    def standing_refusal(self, now: datetime) -> Failure | None:
        """Return the refusal while it is believed."""
        if self.refusal is None:
            return None
        at = datetime.fromisoformat(self.refusal["at"])
        until = at + timedelta(seconds=HOLDS_S[min(self.refusal["times"], len(HOLDS_S)) - 1])
        # A time that is to come was told by a clock that was ahead.
        if not at <= now < until:
            return None
        kept = self.refusal["failure"]
        words = {"kind": ErrorKind(kept["kind"]), "blame": Blame(kept["blame"]), "sent": Sent(kept["sent"])}
        failure = Failure(**(kept | words))
        when = f"it said so at {at:%H:%M} UTC and is asked again from {until:%H:%M} UTC"
        return replace(failure, sentence=f"{failure.sentence} ({when})", sent=Sent.NO)


class StoredTokens:
    """The tokens of one connection as its credentials are now.

    `name` is the connection's, for the log. `running` takes renewals for as long as they last: they go on, whoever
    waits for them and whatever becomes of this object.
    """

    def __init__(
        self,
        store: Store,
        vault: Vault,
        clock: Clock,
        connection_id: str,
        credentials: StoredCredentials,
        *,
        name: str = "",
        running: set[asyncio.Task[Tokens]] | None = None,
    ) -> None:
        self._store = store
        self._vault = vault
        self._clock = clock
        self._id = connection_id
        self._name = name or connection_id
        self._seed = credentials.tokens
        self._digest = digest_of(credentials)
        self._owner = f"{store.daemon_id}:{next(_numbers)}"
        self._version: int | None = None
        self._kept = _Kept(None, None)
        self._unkept: Tokens | None = None
        """Tokens that came and could not be committed yet: not to be used before that."""
        self._renewal: asyncio.Task[Tokens] | None = None
        self._running = set() if running is None else running

    async def current(self) -> Tokens | None:
        """Return the tokens as this daemon knows them; raises StoreUnavailable and VaultError."""
        if self._version is None:
            await self._look()
        return self._kept.tokens or self._seed

    async def renew(self, stale: Tokens | None, fetch: Fetch) -> Tokens:
        """Return other tokens than `stale`: another's where there are some, else new ones, committed before.

        Raises NotAuthorized, StoreUnavailable, NotFound (disconnected meanwhile) and VaultError.
        """
        if self._renewal is None or self._renewal.done():
            self._renewal = asyncio.create_task(self._renew(stale, fetch), name=f"tokens:{self._id}")
            self._running.add(self._renewal)
            self._renewal.add_done_callback(self._ended)
        return await asyncio.shield(self._renewal)

    def _ended(self, renewal: asyncio.Task[Tokens]) -> None:
        self._running.discard(renewal)
        if not renewal.cancelled():
            # Whoever waited may be gone; what went wrong is then told to the next one who asks.
            renewal.exception()

    async def _renew(self, stale: Tokens | None, fetch: Fetch) -> Tokens:
        if self._unkept is not None:
            return await self._keep(self._unkept)
        await self._look()
        if (newer := self._newer(stale)) is not None:
            return newer
        if (refusal := self._kept.standing_refusal(self._clock.now())) is not None:
            raise NotAuthorized(refusal)
        lease = await self._lease(stale)
        if lease is None:
            newer = self._newer(stale)
            assert newer is not None
            return newer
        try:
            tokens = await fetch(self._kept.tokens or self._seed)
        except NotAuthorized as error:
            return await self._after_refusal(stale, error, interrupted=lease.interrupted)
        except BaseException:
            await self._store.write(queries.release, self._id, self._owner)
            raise
        return await self._keep(tokens)

    async def _lease(self, stale: Tokens | None) -> queries.Lease | None:
        """Take the lease, waiting for another who renews; None when that one brought newer tokens."""
        waited_s = 0.0
        while True:
            assert self._version is not None
            lease = await self._store.write(
                queries.lease, self._id, self._owner, self._clock.now(), LEASE, seen=self._version
            )
            if lease.taken:
                return lease
            self._take(lease.row)
            if self._newer(stale) is not None:
                return None
            if lease.wait_s:
                if waited_s > 2 * LEASE.total_seconds():
                    raise NotAuthorized(_BUSY)
                wait_s = min(LOOK_AGAIN_S, lease.wait_s)
                await self._clock.sleep(wait_s)
                waited_s += wait_s

    async def _after_refusal(
        self, stale: Tokens | None, error: NotAuthorized, *, interrupted: bool
    ) -> Tokens:
        """Remember a refusal, unless another daemon was faster: then its tokens are the ones that count."""
        if not error.failure.permanent:
            await self._store.write(queries.release, self._id, self._owner)
            raise error
        failure = _lost(error.failure) if interrupted else error.failure
        assert self._version is not None
        refused = self._kept.refused(failure, self._clock.now())
        sealed = refused.sealed(self._vault, self._digest)
        if await self._store.write(queries.annotate, self._id, self._owner, sealed, version=self._version):
            self._kept = refused
        else:
            await self._look()
            if (newer := self._newer(stale)) is not None:
                return newer
        raise NotAuthorized(failure, error.exchange) from error

    async def _keep(self, tokens: Tokens) -> Tokens:
        """Commit new tokens, then return them."""
        self._unkept = tokens
        assert self._version is not None
        kept = _Kept(tokens, None)
        for left in reversed(range(KEEP_TRIES)):
            try:
                done = await self._store.write(
                    queries.keep,
                    self._id,
                    # Each time anew: the key may be replaced between two tries.
                    kept.sealed(self._vault, self._digest),
                    version=self._version,
                    expires_at=tokens.expires_at,
                    now=self._clock.now(),
                )
                break
            except StoreUnavailable:
                if left:
                    await self._clock.sleep(LOOK_AGAIN_S)
                    continue
                log.error(
                    "%s: its app gave new tokens, and the database does not take them. They are kept in memory and tried "
                    "again; if the daemon stops before that, the connection has to be authorized again",
                    self._name,
                )
                raise
        self._unkept = None
        if done:
            self._kept = kept
            self._version += 1
            return tokens
        await self._look()
        return self._kept.tokens or tokens

    async def _look(self) -> None:
        self._take(await self._store.read(queries.get, self._id))

    def _take(self, row: TokenRow | None) -> None:
        self._kept = _Kept.read(self._vault, row, self._digest)
        self._version = row.version if row is not None else 0

    def _newer(self, stale: Tokens | None) -> Tokens | None:
        """Return the tokens there are, if they are others than `stale`."""
        tokens = self._kept.tokens
        if tokens is None or stale is None:
            return tokens
        return tokens if tokens.access_token != stale.access_token else None


def _lost(failure: Failure) -> Failure:
    """Say that a renewal before this one was cut off, which explains why the app does not know the token any more."""
    why = "a daemon stopped while it renewed the token, and what the app gave it was lost"
    return replace(failure, sentence=f"{failure.sentence}. Perhaps because {why}")


_BUSY = Failure(
    kind=ErrorKind.INTERNAL,
    blame=Blame.US,
    permanent=False,
    sentence="Another daemon has been renewing the token for too long",
    safe_sentence="Another daemon has been renewing the token for too long",
    next_action="Nothing now: it is tried again. If it stays, look into the daemons' logs",
    sent=Sent.NO,
)
