"""What checks leave behind: transitions, flapping, drift, evidence and ends of credentials, on both databases."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

from sqlalchemy import text

from healthdesk.domain.health import HealthChange
from healthdesk.domain.identity import Identity
from healthdesk.domain.states import AlertEvent, AlertState, ConnectionState, ErrorKind, ProblemState, Trigger
from healthdesk.store import (
    alerts,
    checks,
    connections,
    expiry,
    past_checks,
    problems,
    retention,
    standing,
    transitions,
)
from healthdesk.store.rows import HeartbeatRow
from tests.store.test_plans import plans_of_reads
from tests.store.world import UNAUTHORIZED, failure

S = ConnectionState
DAY = 86_400
OPS = Identity("7", "ops@acme.io", "https://acme.example", ("read", "write"))
BROKEN = failure(ErrorKind.SERVER_ERROR, 503)


def beat(world, why=None, **changes):
    return HeartbeatRow(
        id=world.new("hbt"),
        connection_id=world.connection_id,
        at=world.clock.now(),
        trigger=Trigger.SCHEDULE,
        ok=why is None,
        duration_ms=5.0,
        state_after=S.CONNECTED,
        status=why.status if why else 200,
        kind=why.kind.value if why else "",
        sentence=why.sentence if why else "",
        **changes,
    )


async def check(world, state=S.CONNECTED, why=None, identity=None, minutes=10):
    world.clock.advance(minutes * 60)
    row = await world.store.read(connections.get, world.connection_id)
    change = HealthChange(state, 0, None, opened=False, recovered=False, changed=state is not row.state)
    return await world.store.write(
        checks.set_health,
        world.connection_id,
        change,
        why,
        world.connection_key(why) if why else None,
        beat(world, why, identity=identity.to_json() if identity else None),
        world.clock.now(),
        version=row.settings_version,
        identity=identity,
    )


async def shown(world, *states):
    return (await world.store.read(problems.page, states=states or (ProblemState.OPEN,))).items


async def queued(world, problem_id=None):
    rows = (await world.store.read(alerts.page, problem_id=problem_id, newest_first=False)).items
    return [row.event for row in rows if row.state is not AlertState.SUPERSEDED]


async def tell(world):
    """Send what is queued."""
    for message in await world.store.write(alerts.claim, world.clock.now(), 100):
        await world.store.write(alerts.settle, message.id, world.clock.now(), ok=True, title="t", body="b")


# transitions and evidence


async def test_every_change_of_state_is_kept_with_its_failure(world):
    await check(world)
    await check(world)
    await check(world, S.SUSPECT, BROKEN)
    await check(world, S.FAILING, BROKEN)
    rows = (await world.store.read(transitions.page, world.connection_id, newest_first=False)).items
    assert [(row.from_state, row.to_state, row.kind) for row in rows] == [
        (S.UNKNOWN, S.CONNECTED, ""),
        (S.CONNECTED, S.SUSPECT, "server_error"),
        (S.SUSPECT, S.FAILING, "server_error"),
    ]


async def test_the_last_good_and_the_first_bad_check_are_kept_however_many_follow(world):
    await check(world)
    await check(world, identity=OPS)
    good = (await world.store.read(past_checks.evidence, world.connection_id)).latest
    await check(world, S.SUSPECT, UNAUTHORIZED)
    bad = (await world.store.read(past_checks.evidence, world.connection_id)).latest
    for _ in range(3):
        await check(world, S.FAILING, UNAUTHORIZED)
    seen = await world.store.read(past_checks.evidence, world.connection_id)
    assert (seen.last_good, seen.first_bad) == (good, bad)
    assert seen.latest.id > bad.id
    assert Identity.from_json(seen.last_good.identity) == OPS
    await check(world)
    seen = await world.store.read(past_checks.evidence, world.connection_id)
    assert (seen.first_bad, seen.last_good) == (None, seen.latest)


async def test_retention_keeps_the_evidence_of_an_outage_that_outlasts_it(world):
    await check(world)
    await check(world, S.FAILING, UNAUTHORIZED)
    await check(world, S.FAILING, UNAUTHORIZED)
    before = await world.store.read(past_checks.evidence, world.connection_id)
    world.clock.advance(100 * DAY)
    for _ in range(3):
        await world.store.write(
            retention.delete_some,
            world.clock.now(),
            bodies=timedelta(days=30),
            rest=timedelta(days=90),
        )
    seen = await world.store.read(past_checks.evidence, world.connection_id)
    assert (seen.last_good, seen.first_bad) == (before.last_good, before.first_bad)
    assert (await world.store.read(transitions.page, world.connection_id)).items == []
    kept = (await world.store.read(connections.heartbeats, world.connection_id)).items
    assert len(kept) == 2


async def test_connected_on_is_when_it_first_worked(world):
    assert (await world.store.read(connections.get, world.connection_id)).connected_on is None
    await check(world, S.SUSPECT, BROKEN)
    assert (await world.store.read(connections.get, world.connection_id)).connected_on is None
    await check(world)
    first = world.clock.now()
    await check(world)
    row = await world.store.read(connections.get, world.connection_id)
    assert (row.connected_on, row.last_healthy) == (first, world.clock.now())


async def test_a_check_that_is_not_judged_changes_nothing_but_the_next_check(world):
    await check(world)
    await world.store.write(connections.update, world.connection_id, {"heartbeat": {"path": "/me"}})
    before = await world.store.read(connections.get, world.connection_id)
    world.clock.advance(60)
    until = world.clock.now() + timedelta(minutes=2)
    offline = beat(world, failure(ErrorKind.OFFLINE, None))
    await world.store.write(checks.put_off, world.connection_id, until, offline)
    after = await world.store.read(connections.get, world.connection_id)
    assert after == replace(before, next_check=until)
    newest = (await world.store.read(connections.heartbeats, world.connection_id)).items[0]
    assert (newest.kind, newest.ok, newest.state_after) == ("offline", False, S.CONNECTED)
    assert (await world.store.read(past_checks.evidence, world.connection_id)).latest.ok


# flapping


async def bounce(world, times, minutes=10):
    for _ in range(times):
        await check(world, S.FAILING, UNAUTHORIZED, minutes=minutes)
        await check(world, minutes=minutes)


async def test_a_connection_that_goes_to_and_fro_is_announced_once(world):
    await world.add_channel("chat")
    await check(world)
    await bounce(world, 2)
    row = await world.store.read(connections.get, world.connection_id)
    assert row.flapping_since == world.clock.now() - timedelta(minutes=30)
    (flapping,) = await shown(world)
    assert (flapping.kind, flapping.connection_id) == ("flapping", world.connection_id)
    await tell(world)
    told = len(await queued(world))
    await bounce(world, 6)
    assert len(await queued(world)) == told, "the outages while it flaps are not announced"
    assert [each.kind for each in await shown(world)] == ["flapping"]


async def test_flapping_ends_with_quiet_and_says_so(world):
    await world.add_channel("chat")
    await check(world)
    await bounce(world, 3)
    (flapping,) = await shown(world)
    await tell(world)
    world.clock.advance(2 * 3600)
    assert (await world.store.write(standing.review, world.clock.now())).resolved == ()
    world.clock.advance(3600)
    assert (await world.store.write(standing.review, world.clock.now())).resolved == (flapping.id,)
    assert (await world.store.read(connections.get, world.connection_id)).flapping_since is None
    assert await queued(world, flapping.id) == [AlertEvent.OPENED, AlertEvent.RECOVERED]


async def test_an_outage_that_outlasts_the_flapping_is_announced_when_that_ends(world):
    await world.add_channel("chat")
    await check(world)
    await bounce(world, 3)
    await tell(world)
    await check(world, S.FAILING, UNAUTHORIZED)
    before = len(await queued(world))
    outage = next(each for each in await shown(world) if each.kind == "authentication")
    world.clock.advance(3 * 3600)
    await world.store.write(standing.review, world.clock.now())
    await world.store.write(problems.tick, world.clock.now())
    news = (await queued(world))[before:]
    assert sorted(news) == [AlertEvent.OPENED, AlertEvent.RECOVERED]
    assert (await world.store.read(problems.get, outage.id)).state is ProblemState.OPEN


# drift


async def test_the_first_identity_is_the_baseline_and_another_one_is_a_problem(world):
    await check(world, identity=OPS)
    row = await world.store.read(connections.get, world.connection_id)
    assert row.identity == row.identity_connected == OPS.to_json()
    assert row.account == "acme.example · ops@acme.io"
    await check(world, identity=replace(OPS, account_id="8", account="bob"))
    (drift,) = await shown(world)
    assert (drift.kind, drift.blame) == ("drift", "configuration")
    assert drift.cause == "account changed: ops@acme.io (7) → bob (8)"
    await check(world, identity=OPS)
    assert await shown(world) == []


async def test_drift_that_an_operator_closed_stays_closed_until_it_is_another_one(world):
    await check(world, identity=OPS)
    fewer = replace(OPS, scopes=("read",))
    await check(world, identity=fewer)
    (drift,) = await shown(world)
    await world.store.write(problems.resolve, drift.id, by="alice", now=world.clock.now())
    await check(world, identity=fewer)
    assert await shown(world) == []
    await check(world, identity=replace(OPS, scopes=()))
    assert [each.id for each in await shown(world)] == [drift.id]


async def test_a_good_check_does_not_end_drift_and_a_new_baseline_does(world):
    await check(world, identity=OPS)
    other = replace(OPS, site="https://other.example")
    await check(world, identity=other)
    await check(world, identity=other)
    (drift,) = await shown(world)
    await world.store.write(connections.update, world.connection_id, {"identity_connected": other.to_json()})
    assert (await world.store.write(standing.review, world.clock.now())).resolved == (drift.id,)


# ends of credentials


async def ends_in(world, **ahead):
    at = world.clock.now() + timedelta(**ahead)
    await world.store.write(
        connections.update, world.connection_id, {"expires_at": at, "expires_from": "entered"}
    )
    return at


async def test_an_end_is_warned_of_four_times_and_once_it_is_over(world):
    await world.add_channel("chat")
    await ends_in(world, days=40)
    causes = []
    for _ in range(42 * 4):
        world.clock.advance(DAY / 4)
        changes = await world.store.write(expiry.warn, world.clock.now())
        await world.store.write(standing.review, world.clock.now())
        await tell(world)
        if changes.alerts_queued:
            (problem,) = await shown(world)
            causes.append(problem.cause)
    assert causes == [
        "token expires in 30 days",
        "token expires in 14 days",
        "token expires in 7 days",
        "token expires in 1 day",
        "token expired",
    ]
    assert len(await queued(world)) == 5


async def test_between_warnings_the_days_stay_current_and_nobody_is_told(world):
    await world.add_channel("chat")
    await ends_in(world, days=7)
    await world.store.write(expiry.warn, world.clock.now())
    world.clock.advance(DAY)
    assert (await world.store.write(expiry.warn, world.clock.now())).alerts_queued == 0
    reviewed = await world.store.write(standing.review, world.clock.now())
    (problem,) = await shown(world)
    assert (problem.cause, problem.kind) == ("token expires in 6 days", "expiring")
    assert (reviewed.problems_changed, reviewed.alerts_queued) == ((problem.id,), 0)
    assert (await world.store.write(standing.review, world.clock.now())).problems_changed == ()


async def test_new_credentials_or_a_later_end_resolve_it_and_the_next_end_is_told_again(world):
    await world.add_channel("chat")
    await ends_in(world, days=5)
    await world.store.write(expiry.warn, world.clock.now())
    await tell(world)
    (problem,) = await shown(world)
    await check(world)
    assert [each.id for each in await shown(world)] == [problem.id], "a good check does not end it"
    await world.store.write(connections.update, world.connection_id, {"credentials_enc": "new"})
    assert (await world.store.write(standing.review, world.clock.now())).resolved == (problem.id,)
    row = await world.store.read(connections.get, world.connection_id)
    assert (row.expires_at, row.expires_from, row.expiry_warned) == (None, "", None)
    await ends_in(world, days=3)
    assert (await world.store.write(expiry.warn, world.clock.now())).alerts_queued == 1


async def test_an_end_is_learnt_unless_one_was_entered(world):
    learnt = world.clock.now() + timedelta(days=20)
    await check(world, identity=replace(OPS, expires_at=learnt))
    row = await world.store.read(connections.get, world.connection_id)
    assert (row.expires_at, row.expires_from) == (learnt, "learnt")
    await check(world, identity=OPS)
    assert (await world.store.read(connections.get, world.connection_id)).expires_at == learnt
    entered = await ends_in(world, days=3)
    await check(world, identity=replace(OPS, expires_at=learnt))
    row = await world.store.read(connections.get, world.connection_id)
    assert (row.expires_at, row.expires_from) == (entered, "entered")


async def test_a_learnt_end_that_moved_away_is_warned_of_anew(world):
    soon = replace(OPS, expires_at=world.clock.now() + timedelta(days=6))
    await check(world, identity=soon)
    await world.store.write(expiry.warn, world.clock.now())
    later = replace(OPS, expires_at=world.clock.now() + timedelta(days=20))
    await check(world, identity=later)
    assert (await world.store.read(connections.get, world.connection_id)).expiry_warned is None
    await world.store.write(expiry.warn, world.clock.now())
    (problem,) = await shown(world)
    assert problem.cause == "token expires in 20 days"


async def test_who_took_the_problem_is_not_told_again(world):
    await world.add_channel("chat")
    await ends_in(world, days=7)
    await world.store.write(expiry.warn, world.clock.now())
    (problem,) = await shown(world)
    await world.store.write(problems.acknowledge, problem.id, by="bob", now=world.clock.now())
    world.clock.advance(6 * DAY + 60)
    assert (await world.store.write(expiry.warn, world.clock.now())).alerts_queued == 0
    (taken,) = await shown(world, ProblemState.ACKNOWLEDGED)
    assert taken.cause == "token expires in 1 day"


async def test_the_calendar_pages_the_soonest_first(world):
    ids = {}
    for number, days in enumerate((9, 3, 400, 3)):
        other = await world.add_connection(
            name=f"app {number}", expires_at=world.clock.now() + timedelta(days=days), expires_from="learnt"
        )
        ids.setdefault(days, []).append(other)
    await world.store.write(expiry.warn, world.clock.now())
    first = await world.store.read(expiry.page, limit=2)
    rest = await world.store.read(expiry.page, limit=2, after=first.next)
    seen = [row.connection.id for row in (*first.items, *rest.items)]
    assert seen == [*sorted(ids[3]), *ids[9], *ids[400]]
    assert rest.next is None
    assert [row.problem_id is not None for row in (*first.items, *rest.items)] == [True, True, True, False]
    near = await world.store.read(expiry.page, until=world.clock.now() + timedelta(days=30))
    assert len(near.items) == 3
    await world.store.write(connections.delete, ids[9][0], world.clock.now())
    assert len((await world.store.read(expiry.page)).items) == 3
    assert (await world.store.write(standing.review, world.clock.now())).resolved != ()


# what it costs


async def test_overdue_checks_get_times_of_their_own(world):
    now = world.clock.now()
    for number in range(10):
        await world.add_connection(name=f"app {number}", next_check=now - timedelta(hours=number))
    put = await world.store.write(checks.spread_overdue, now, apart_s=0.5, at_once=4)
    assert put == 6
    due = [each.id for each in await world.store.write(checks.claim_due_checks, now, 100)]
    assert len(due) == 4
    world.clock.advance(3.0)
    assert len(await world.store.write(checks.claim_due_checks, world.clock.now(), 100)) == 6


async def test_the_scheduler_and_the_calendar_never_scan_connections(sqlite_world):
    world, now = sqlite_world, sqlite_world.clock.now()
    for number in range(50):
        await world.add_connection(
            name=f"app {number}",
            next_check=now + timedelta(hours=1),
            expires_at=now + timedelta(days=200),
        )
    await world.store.write(lambda conn: conn.execute(text("ANALYZE")))
    plans = await plans_of_reads(
        world,
        (checks.next_check_at, (), {}),
        (checks.claim_due_checks, (now, 10), {}),
        (expiry.warn, (now,), {}),
        (standing.review, (now,), {}),
        (transitions.recent, (world.connection_id, now), {}),
    )
    steps = [step for _, found in plans for step in found]
    assert any("ix_connections_due" in step for step in steps), plans
    assert any("ix_connections_expiry (expires_at>? AND expires_at<?)" in step for step in steps), plans
    assert any("ix_connection_transitions (connection_id=? AND id>?)" in step for step in steps), plans
    for _, found in plans:
        assert not any("TEMP B-TREE" in step for step in found), found
        assert not any(step in {"SCAN connections", "SCAN problems"} for step in found), found
    assert len(plans) == 5, "one query each when nothing is due"
