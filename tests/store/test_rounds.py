"""Checks that are kept together leave what they leave when each is kept alone, on both databases."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping
from dataclasses import asdict
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
import sqlalchemy as sa

from healthdesk.domain.health import HealthChange
from healthdesk.domain.identity import Identity
from healthdesk.domain.problems import key_for_connection
from healthdesk.domain.states import ConnectionState, ErrorKind, Trigger
from healthdesk.errors import NotFound
from healthdesk.store import connections, rounds, standing, transitions
from healthdesk.store.past_checks import evidence
from healthdesk.store.rounds import Finding
from healthdesk.store.rows import HeartbeatRow
from healthdesk.store.schema_connections import connections as table
from healthdesk.store.schema_desk import problems
from tests.store.world import UNAUTHORIZED, failure

S = ConnectionState
OPS = Identity("7", "ops@acme.io", "https://acme.example", ("read", "write"))
READS = Identity("7", "ops@acme.io", "https://acme.example", ("read",))
BROKEN = failure(ErrorKind.SERVER_ERROR, 503)
APART_S = 600
ENDS = datetime(2031, 1, 1, tzinfo=UTC)


def finding(world, connection_id, *, why=None, state=S.CONNECTED, whose=OPS, ends=None, version=0):
    now = world.clock.now()
    beat = HeartbeatRow(
        id=world.new("hbt"),
        connection_id=connection_id,
        at=now,
        trigger=Trigger.SCHEDULE,
        ok=why is None,
        duration_ms=5.0,
        state_after=state,
        status=why.status if why else 200,
        kind=why.kind.value if why else "",
        sentence=why.sentence if why else "",
        response_headers={"x-oauth-scopes": "read, ü"},
        response_body=b"\x00{}",
        method="GET",
        url="https://acme.example/user",
        identity=whose.to_json() if whose and why is None else None,
    )
    change = HealthChange(state, 0, now + timedelta(days=1), opened=False, recovered=False, changed=False)
    key = key_for_connection(why, connection_id, "CRM", "alice") if why else None
    learnt = whose if why is None else None
    return Finding(connection_id, change, why, key, beat, now, version, learnt, ends)


async def left_behind(world, connection_id) -> Mapping[str, Any]:
    """Return what a connection's checks left, without the ids that differ between any two."""

    def read(conn):
        row = dict(conn.execute(sa.select(table).where(table.c.id == connection_id)).mappings().one())
        for name in ("id", "name", "last_good_check", "first_bad_check"):
            row[name] = row[name] is not None
        seen = [asdict(each) | {"id": "", "connection_id": ""} for each in known(conn) if each]
        held = conn.execute(
            sa.select(problems.c.kind, problems.c.state, problems.c.connection_failing)
            .where(problems.c.connection_id == connection_id)
            .order_by(problems.c.id)
        ).all()
        changed = transitions.page(conn, connection_id, newest_first=False).items
        kept = connections.heartbeats(conn, connection_id, newest_first=False).items
        return {
            "row": row,
            "evidence": seen,
            "problems": held,
            "changed": [(each.from_state, each.to_state, each.at) for each in changed],
            "checks": [asdict(each) | {"id": "", "connection_id": ""} for each in kept],
        }

    def known(conn):
        found = evidence(conn, connection_id)
        return (found.last_good, found.first_bad, found.latest)

    return await world.store.read(read)


BEFORE = {
    "a connection that was never checked": [],
    "one that is well": [{}],
    "one that is well and told nothing of its credential": [{"whose": None}],
    "one whose credential ends": [{"ends": ENDS}],
    "one whose credential changed": [{}, {"whose": READS}],
    "one that is suspected": [{}, {"why": BROKEN, "state": S.SUSPECT}],
    "one that fails": [{}, {"why": UNAUTHORIZED, "state": S.FAILING}],
    "one that flaps": [{}, *[{"why": BROKEN, "state": S.FAILING}, {}] * 5],
    "one that has flapped": [{}, *[{"why": BROKEN, "state": S.FAILING}, {}] * 5],
}
AFTER_S = defaultdict(lambda: APART_S, {"one that has flapped": 4 * 3600})
FOUND = {
    "good": {},
    "good, and nothing told of the credential": {"whose": None},
    "good, with fewer scopes": {"whose": READS},
    "good, with another end": {"ends": ENDS + timedelta(days=3)},
    "good, with the same end": {"ends": ENDS},
    "bad": {"why": BROKEN, "state": S.SUSPECT},
    "out of date": {"version": 7},
}


@pytest.mark.parametrize("before", BEFORE)
async def test_checks_kept_together_leave_what_each_leaves_alone(world, before):
    pairs = {found: [await world.add_connection(name=found) for _ in range(2)] for found in FOUND}
    every = [each for pair in pairs.values() for each in pair]
    for said in BEFORE[before]:
        world.clock.advance(APART_S)
        given = [finding(world, each, **said) for each in every]
        await world.store.write(lambda conn, given=given: [rounds.keep_one(conn, each) for each in given])
    world.clock.advance(AFTER_S[before])
    told = [
        await world.store.write(rounds.keep_one, finding(world, alone, **FOUND[found]))
        for found, (alone, _) in pairs.items()
    ]
    together = [finding(world, each, **FOUND[found]) for found, (_, each) in pairs.items()]
    kept = await world.store.write(rounds.keep_all, together)
    assert [each is None for each in kept] == [each is None for each in told]
    for found, (alone, beside) in pairs.items():
        assert await left_behind(world, beside) == await left_behind(world, alone), found


async def test_a_connection_that_is_gone_fails_alone(world):
    await world.store.write(rounds.keep_one, finding(world, world.connection_id))
    world.clock.advance(600)
    gone = await world.add_connection(name="gone")
    await world.store.write(connections.delete, gone, world.clock.now())
    findings = [finding(world, gone), finding(world, world.connection_id)]
    first, second = await world.store.write(rounds.keep_all, findings)
    assert isinstance(first, NotFound)
    assert second is not None
    assert not isinstance(second, NotFound)
    assert len((await left_behind(world, world.connection_id))["checks"]) == 2


async def test_two_findings_of_one_connection_are_judged_one_after_the_other(world):
    await world.store.write(rounds.keep_one, finding(world, world.connection_id))
    world.clock.advance(600)
    bad = finding(world, world.connection_id, why=UNAUTHORIZED, state=S.FAILING)
    await world.store.write(rounds.keep_all, [bad, finding(world, world.connection_id)])
    left = await left_behind(world, world.connection_id)
    assert [each[:2] for each in left["changed"][1:]] == [
        (S.CONNECTED, S.FAILING),
        (S.FAILING, S.CONNECTED),
    ]


async def test_an_open_problem_of_a_connection_that_is_said_to_be_well_is_let_go(world):
    """Drift stands while the checks are good; what its failing checks held open does not."""
    both = [await world.add_connection(name=each) for each in ("a", "b")]
    for each in both:
        await world.store.write(rounds.keep_one, finding(world, each))
        world.clock.advance(600)
        await world.store.write(
            rounds.keep_one, finding(world, each, why=UNAUTHORIZED, state=S.FAILING, whose=OPS)
        )
        await world.store.write(
            lambda conn, each=each: (
                conn.execute(sa.update(table).where(table.c.id == each).values(state=S.CONNECTED)) and None
            )
        )
    kept = await world.store.write(rounds.keep_all, [finding(world, each) for each in both])
    assert all(each.problems_changed for each in kept)
    for each in both:
        assert [row.connection_failing for row in (await left_behind(world, each))["problems"]] == [False]
    assert not await world.store.read(standing.any_live)
