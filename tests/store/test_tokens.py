"""Tokens of a connection are renewed once, by one of many, and on disk before anybody uses them."""

from __future__ import annotations

import asyncio
import logging
from datetime import timedelta
from pathlib import Path

import pytest
from sqlalchemy import delete

from healthdesk.connectors.auth import StoredCredentials
from healthdesk.connectors.auth.tokens import Tokens
from healthdesk.connectors.outgoing import NotAuthorized
from healthdesk.domain.exchange import Failure, Sent
from healthdesk.domain.states import Blame, ErrorKind
from healthdesk.engine.tokens import KEEP_TRIES, StoredTokens, as_in_use
from healthdesk.errors import NotFound, StoreUnavailable
from healthdesk.key_file import create_key_file
from healthdesk.store import connections
from healthdesk.store import tokens as queries
from healthdesk.store.schema_setup import environments
from healthdesk.vault import Vault
from tests.store.world import World

KILLED = timedelta(seconds=-1)
"""How long the lease of a daemon lasts that was killed long ago."""


def failed(kind: ErrorKind, *, permanent: bool) -> Failure:
    return Failure(
        kind=kind,
        blame=Blame.CREDENTIAL if permanent else Blame.THEM,
        permanent=permanent,
        sentence=f"the app said {kind}",
        safe_sentence="it said something",
        next_action="act",
        sent=Sent.YES,
        status=400,
    )


class StrictApp:
    """Gives a new refresh token with each answer and, when an old one comes again, forgets them all."""

    def __init__(self, clock) -> None:
        self.clock = clock
        self.valid = "refresh-0"
        self.asked = 0
        self.reused = 0
        self.down = False
        self.open = asyncio.Event()
        self.open.set()
        self.arrived = asyncio.Event()

    async def fetch(self, before: Tokens | None) -> Tokens:
        self.asked += 1
        self.arrived.set()
        await self.open.wait()
        if self.down:
            raise NotAuthorized(failed(ErrorKind.SERVER_ERROR, permanent=False))
        if before is None or before.refresh_token != self.valid:
            self.reused += 1
            self.valid = ""
            raise NotAuthorized(failed(ErrorKind.AUTHENTICATION, permanent=True))
        return self.rotate()

    def rotate(self) -> Tokens:
        number = int(self.valid.rpartition("-")[2]) + 1
        self.valid = f"refresh-{number}"
        return Tokens(f"access-{number}", self.clock.now(), refresh_token=self.valid)


@pytest.fixture
def vault(tmp_path: Path) -> Vault:
    create_key_file(tmp_path / "key")
    return Vault.open(tmp_path / "key")


@pytest.fixture
def app(clock) -> StrictApp:
    return StrictApp(clock)


@pytest.fixture
def credentials(clock) -> StoredCredentials:
    granted = Tokens("access-0", clock.now(), refresh_token="refresh-0")
    return StoredCredentials("oauth", {"client_id": "desk"}, tokens=granted)


@pytest.fixture
def holder(world, vault, clock, credentials):
    def make(store=None, given=None, **more) -> StoredTokens:
        given = given or credentials
        return StoredTokens(store or world.store, vault, clock, world.connection_id, given, **more)

    return make


@pytest.fixture
async def other(world: World, url, opened):
    """A second daemon on the same database."""
    return await opened(url, "dmn_two")


async def test_the_first_tokens_are_those_that_were_granted(holder, app):
    tokens = await holder().current()
    assert tokens.access_token == "access-0"
    assert app.asked == 0


async def test_a_renewal_is_on_disk_when_it_is_returned(holder, app, world, vault, credentials):
    tokens = holder()
    stale = await tokens.current()
    renewed = await tokens.renew(stale, app.fetch)
    assert renewed.access_token == "access-1"
    assert await tokens.current() == renewed
    row = await world.store.read(queries.get, world.connection_id)
    assert (row.version, row.lease_owner, row.lease_until) == (1, "", None)
    assert "refresh-1" not in row.tokens_enc
    assert as_in_use(vault, credentials, row).tokens == renewed


async def test_a_daemon_that_starts_again_goes_on_with_what_was_kept(holder, app):
    first = holder()
    await first.renew(await first.current(), app.fetch)
    again = holder()
    assert (await again.current()).refresh_token == "refresh-1"
    assert (await again.renew(await again.current(), app.fetch)).access_token == "access-2"
    assert app.reused == 0


async def test_tasks_of_one_daemon_renew_once(holder, app):
    tokens = holder()
    stale = await tokens.current()
    renewed = await asyncio.gather(*(tokens.renew(stale, app.fetch) for _ in range(5)))
    assert {each.access_token for each in renewed} == {"access-1"}
    assert app.asked == 1


async def test_a_second_daemon_waits_for_the_first_and_uses_what_it_got(holder, app, other, clock):
    one, two = holder(), holder(other)
    stale = await one.current()
    assert await two.current() == stale
    app.open.clear()
    first = asyncio.create_task(one.renew(stale, app.fetch))
    await app.arrived.wait()
    second = asyncio.create_task(two.renew(stale, app.fetch))
    await clock.wait_for_sleepers()
    app.open.set()
    renewed = await first
    clock.advance(1)
    assert await second == renewed
    assert (app.asked, app.reused) == (1, 0)


async def test_many_renewals_of_two_daemons_never_use_a_token_twice(holder, app, other, clock):
    holders = [holder(), holder(other)]

    # A daemon that cannot get the lease at once waits on the clock; this moves it for as long as anybody does.
    async def tick():
        while True:
            await clock.wait_for_sleepers()
            clock.advance(1)
            await asyncio.sleep(0)

    for _ in range(5):
        known = [await each.current() for each in holders]
        renewals = [
            asyncio.create_task(each.renew(tokens, app.fetch))
            for each, tokens in zip(holders, known, strict=True)
        ]
        # Time stands still while the first is at it, whose lease would be over on a machine that is slow to write.
        await asyncio.wait(renewals, return_when=asyncio.FIRST_COMPLETED)
        ticking = asyncio.create_task(tick())
        await asyncio.gather(*renewals)
        ticking.cancel()
    assert app.reused == 0
    assert app.valid == f"refresh-{app.asked}"


async def test_a_newer_version_is_used_instead_of_asking(holder, app, other):
    one, two = holder(), holder(other)
    stale = await two.current()
    renewed = await one.renew(await one.current(), app.fetch)
    assert await two.renew(stale, app.fetch) == renewed
    assert app.asked == 1


async def test_whoever_waits_can_be_cancelled_and_the_renewal_is_kept(holder, app, world):
    running = set()
    tokens = holder(running=running)
    app.open.clear()
    waiting = asyncio.create_task(tokens.renew(await tokens.current(), app.fetch))
    await app.arrived.wait()
    waiting.cancel()
    with pytest.raises(asyncio.CancelledError):
        await waiting
    app.open.set()
    await asyncio.wait(running)
    assert (await world.store.read(queries.get, world.connection_id)).version == 1
    assert (await tokens.current()).access_token == "access-1"
    assert running == set()


async def test_a_failure_that_passes_keeps_everything_and_the_next_try_works(holder, app, world):
    tokens = holder()
    stale = await tokens.current()
    app.down = True
    for _ in range(3):
        with pytest.raises(NotAuthorized):
            await tokens.renew(stale, app.fetch)
    assert app.asked == 3
    assert await tokens.current() == stale
    assert (await world.store.read(queries.get, world.connection_id)).lease_owner == ""
    app.down = False
    assert (await tokens.renew(stale, app.fetch)).access_token == "access-1"


async def test_a_fault_of_ours_in_between_gives_the_lease_back(holder, app, world):
    async def broken(_before):
        raise RuntimeError("a bug")

    tokens = holder()
    stale = await tokens.current()
    with pytest.raises(RuntimeError):
        await tokens.renew(stale, broken)
    assert (await holder().renew(stale, app.fetch)).access_token == "access-1"


async def test_a_refusal_is_asked_once_more_and_then_believed_for_a_while(holder, app, clock):
    app.valid = "refresh-elsewhere"
    tokens = holder()
    stale = await tokens.current()
    for _ in range(5):
        with pytest.raises(NotAuthorized) as caught:
            await tokens.renew(stale, app.fetch)
        assert caught.value.failure.kind is ErrorKind.AUTHENTICATION
    assert app.asked == 2
    assert "it said so at 09:30 UTC and is asked again from 09:31 UTC" in caught.value.failure.sentence
    clock.advance(61)
    with pytest.raises(NotAuthorized):
        await tokens.renew(stale, app.fetch)
    assert app.asked == 3
    clock.advance(61)
    with pytest.raises(NotAuthorized):
        await tokens.renew(stale, app.fetch)
    assert app.asked == 3


async def test_other_daemons_and_those_that_start_later_believe_a_refusal_too(holder, app, other):
    app.valid = "refresh-elsewhere"
    tokens = holder()
    for _ in range(2):
        with pytest.raises(NotAuthorized):
            await tokens.renew(await tokens.current(), app.fetch)
    for each in (holder(), holder(other)):
        with pytest.raises(NotAuthorized):
            await each.renew(await each.current(), app.fetch)
    assert app.asked == 2


async def test_new_credentials_know_nothing_of_the_tokens_and_refusals_of_the_old(holder, app, clock):
    app.valid = "refresh-7"
    tokens = holder()
    for _ in range(2):
        with pytest.raises(NotAuthorized):
            await tokens.renew(await tokens.current(), app.fetch)
    app.valid = "refresh-8"
    granted = Tokens("access-8", clock.now(), refresh_token="refresh-8")
    new = holder(given=StoredCredentials("oauth", {"client_id": "desk"}, tokens=granted))
    assert await new.current() == granted
    assert (await new.renew(granted, app.fetch)).access_token == "access-9"
    assert (await holder().current()).access_token == "access-0"


async def test_credentials_that_are_put_aside_take_the_newest_tokens_along(
    holder, app, world, vault, credentials, clock
):
    tokens = holder()
    await tokens.renew(await tokens.current(), app.fetch)
    aside = as_in_use(vault, credentials, await world.store.read(queries.get, world.connection_id))
    assert aside.tokens.refresh_token == "refresh-1"
    other_app = StrictApp(clock)
    new = holder(
        given=StoredCredentials("oauth", {"client_id": "x"}, tokens=Tokens("a", clock.now(), "refresh-0"))
    )
    await new.renew(await new.current(), other_app.fetch)
    back = holder(given=aside)
    assert (await back.renew(await back.current(), app.fetch)).access_token == "access-2"
    assert app.reused == 0


async def test_a_daemon_killed_before_it_asked_costs_the_wait_for_its_lease(holder, app, world, clock):
    await world.store.write(queries.lease, world.connection_id, "dmn_dead:1", clock.now(), KILLED, seen=0)
    tokens = holder()
    assert (await tokens.renew(await tokens.current(), app.fetch)).access_token == "access-1"


async def test_a_daemon_killed_between_answer_and_commit_is_told_plainly(holder, app, world, clock):
    await world.store.write(queries.lease, world.connection_id, "dmn_dead:1", clock.now(), KILLED, seen=0)
    app.rotate()
    tokens = holder()
    with pytest.raises(NotAuthorized) as caught:
        await tokens.renew(await tokens.current(), app.fetch)
    assert "a daemon stopped while it renewed the token" in caught.value.failure.sentence
    assert caught.value.failure.permanent


async def test_a_lease_that_is_held_is_waited_for_and_then_taken(
    sqlite_world, vault, credentials, app, clock
):
    """On PostgreSQL leases are of the database's clock, which no test moves."""
    world = sqlite_world
    await world.store.write(
        queries.lease, world.connection_id, "dmn_hangs:1", clock.now(), timedelta(seconds=5), seen=0
    )
    tokens = StoredTokens(world.store, vault, clock, world.connection_id, credentials)
    waiting = asyncio.create_task(tokens.renew(await tokens.current(), app.fetch))
    for _ in range(10):
        await clock.wait_for_sleepers()
        assert app.asked == 0
        clock.advance(0.5)
    assert (await waiting).access_token == "access-1"


async def test_whose_lease_ran_out_keeps_what_it_got_all_the_same(holder, app, world, other, clock):
    """The app accepts nothing but what it gave last, whoever holds the lease by then."""
    app.open.clear()
    one = holder()
    slow = asyncio.create_task(one.renew(await one.current(), app.fetch))
    await app.arrived.wait()
    row = await world.store.read(queries.get, world.connection_id)
    await world.store.write(queries.release, world.connection_id, row.lease_owner)
    holds = asyncio.Event()

    async def answered_late(before):
        holds.set()
        await slow
        return await app.fetch(before)

    two = holder(other)
    late = asyncio.create_task(two.renew(await two.current(), answered_late))
    await holds.wait()
    app.open.set()
    renewed = await slow
    # The app was asked twice with one token and refused the second; that daemon finds what the first kept.
    assert await late == renewed
    assert app.reused == 1


async def test_tokens_that_cannot_be_committed_are_not_used_and_tried_again(
    holder, app, world, clock, caplog, monkeypatch
):
    tokens = holder()
    stale = await tokens.current()
    write = world.store.write

    async def full(query, *args, **kw):
        if query is queries.keep:
            raise StoreUnavailable("the disk is full")
        return await write(query, *args, **kw)

    monkeypatch.setattr(world.store, "write", full)
    with caplog.at_level(logging.ERROR):
        renewing = asyncio.create_task(tokens.renew(stale, app.fetch))
        for _ in range(KEEP_TRIES - 1):
            await clock.wait_for_sleepers()
            clock.advance(1)
        with pytest.raises(StoreUnavailable):
            await renewing
    assert "has to be authorized again" in caplog.text
    assert "access-1" not in caplog.text
    assert await tokens.current() == stale
    monkeypatch.undo()
    assert (await tokens.renew(stale, app.fetch)).access_token == "access-1"
    assert app.asked == 1
    assert (await world.store.read(queries.get, world.connection_id)).version == 1


async def test_nothing_is_kept_of_a_connection_that_was_disconnected(holder, app, world, clock):
    app.open.clear()
    tokens = holder()
    renewing = asyncio.create_task(tokens.renew(await tokens.current(), app.fetch))
    await app.arrived.wait()
    await world.store.write(_disconnect, world.connection_id, clock.now())
    app.open.set()
    await renewing
    assert await world.store.read(queries.get, world.connection_id) is None
    later = holder()
    with pytest.raises(NotFound):
        await later.renew(await later.current(), app.fetch)


def _disconnect(conn, connection_id, now):
    """As an operator does once no integration uses it."""
    conn.execute(delete(environments).where(environments.c.connection_id == connection_id))
    connections.delete(conn, connection_id, now)
