from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest

from healthdesk.domain.health import HealthChange
from healthdesk.domain.problem_keys import MOST_ALIKE
from healthdesk.domain.states import (
    AlertEvent,
    ConnectionState,
    ErrorKind,
    HoldReason,
    IntegrationState,
    ProblemState,
    RecordState,
    Trigger,
)
from healthdesk.errors import Conflict, NotFound
from healthdesk.store import alerts, connections, flow, integrations, problems, records
from healthdesk.store.rows import HeartbeatRow
from tests.store.world import PRODUCTION, REFUSED, TESTING, UNAUTHORIZED, failure


async def fail(world, count=1, why=REFUSED, **changes):
    await world.accept(count, **changes)
    environment = changes.get("environment")
    claimed = await (world.claim(environment=environment) if environment else world.claim())
    return claimed, await world.step([world.failed(each, why) for each in claimed])


async def send_alerts(world):
    for alert in await world.store.write(alerts.claim, world.clock.now(), 10):
        await world.store.write(
            alerts.settle, alert.id, world.clock.now(), ok=True, title="title", body="body"
        )


async def only(world, **filters):
    (problem,) = (await world.store.read(problems.page, **filters)).items
    return problem


async def test_failures_with_one_cause_are_one_problem(world):
    claimed, result = await fail(world, 5)
    problem = await only(world)
    assert result.problems_changed == (problem.id,)
    assert (problem.state, problem.count, problem.total) == (ProblemState.OPEN, 5, 5)
    assert (problem.where, problem.status, problem.retrying) == ("CRM endpoint", 422, 0)
    assert (await world.store.read(records.get, claimed[0].id)).problem_id == problem.id
    await fail(world, 2)
    problem = await only(world)
    assert (problem.count, problem.total) == (7, 7)


async def test_another_environment_or_cause_is_another_problem(world):
    await fail(world)
    await fail(world, environment=TESTING)
    await fail(world, why=failure(ErrorKind.NOT_FOUND, 404, permanent=True))
    assert len((await world.store.read(problems.page)).items) == 3


async def test_an_endpoint_that_says_something_else_of_every_record_makes_few_problems(world):
    """A random word in each refusal must not be a problem, and an alert, a record."""

    def saying(number, **changes):
        return replace(REFUSED, pattern=f"word{number}", message=f"refused {number}", **changes)

    async def refuse(numbers, **changes):
        await world.accept(len(numbers))
        await world.step(
            [
                world.failed(each, saying(n, **changes))
                for each, n in zip(await world.claim(), numbers, strict=True)
            ]
        )

    await refuse(range(10))
    await refuse(range(10, MOST_ALIKE + 5))
    await refuse(range(100, 103))
    found = (await world.store.read(problems.page, limit=500)).items
    (general,) = [each for each in found if each.cause == "422 many different messages"]
    assert len(found) == MOST_ALIKE + 1
    assert (general.state, general.count, general.status) == (ProblemState.OPEN, 8, 422)
    assert "refused" not in general.safe_cause

    await refuse([3])  # a cause that is known keeps its problem
    await refuse([200], status=400)  # and another status has room of its own
    found = (await world.store.read(problems.page, limit=500)).items
    assert len(found) == MOST_ALIKE + 2
    assert (await world.store.read(problems.get, general.id)).count == 8

    (gone, *_) = [each for each in found if each.cause == "422 refused 4"]
    await world.store.write(problems.resolve, gone.id, by="alice", now=world.clock.now())
    await refuse([300])  # room again
    assert (await world.store.read(problems.get, general.id)).count == 8


async def test_a_forming_problem_is_not_shown_and_vanishes_when_it_clears(world):
    _, result = await fail(world, 2, why=failure())
    assert (await world.store.read(problems.page)).items == []
    (problem_id,) = result.problems_changed
    assert (await world.store.read(problems.get, problem_id)).state is ProblemState.FORMING
    await world.step([world.delivered(each) for each in await world.claim()])
    with pytest.raises(NotFound):
        await world.store.read(problems.get, problem_id)


async def test_a_third_failed_attempt_opens(world):
    await world.accept()
    for expected in (ProblemState.FORMING, ProblemState.FORMING, ProblemState.OPEN):
        (claimed,) = await world.claim()
        result = await world.step([world.failed(claimed, failure())])
        (problem_id,) = result.problems_changed
        problem = await world.store.read(problems.get, problem_id)
        assert problem.state is expected
    assert (problem.count, problem.total, problem.retrying) == (1, 1, 1)


async def test_a_failing_connections_problem_says_how_many_are_held_behind_it(world):
    await world.accept(4)
    await check(world, ConnectionState.FAILING, UNAUTHORIZED)
    problem = await only(world)
    assert (problem.count, problem.held, problem.total) == (0, 0, 0)
    (claimed,) = await world.claim(free=1)
    await world.step([world.failed(claimed, UNAUTHORIZED, state=RecordState.RETRYING)])
    await world.accept(2, environment=TESTING)
    held = HoldReason.CONNECTION
    assert await world.store.write(flow.hold_some, world.integration_id, PRODUCTION, held, 10) == 4
    assert await world.store.write(flow.hold_some, world.integration_id, TESTING, HoldReason.PAUSED, 10) == 2
    await world.store.write(integrations.set_state, world.integration_id, TESTING, IntegrationState.PAUSED)
    problem = await only(world)
    assert (problem.count, problem.held, problem.total, problem.retrying) == (1, 3, 4, 0)
    await check(world, ConnectionState.CONNECTED)
    problem = await only(world)
    assert (problem.count, problem.held, problem.total) == (1, 0, 4), "what it held up stays in its total"


async def test_what_to_do_follows_from_whether_its_records_are_tried_again(world):
    down = failure(ErrorKind.SERVER_ERROR, 503)
    await world.accept(2)
    first, second = await world.claim()
    result = await world.step([world.failed(first, down), world.failed(second, down)])
    (problem_id,) = result.problems_changed

    async def advice():
        return (await world.store.read(problems.get, problem_id)).next_action

    assert await advice() == down.next_action
    later = world.clock.now() + timedelta(hours=1)
    again = await world.claim()
    await world.step(
        [world.failed(again[0], down, state=RecordState.FAILED), world.failed(again[1], down, next_at=later)]
    )
    assert await advice() == "Some are not tried again: have the endpoint mended, then resend"
    world.clock.advance(3600)
    (last,) = await world.claim()
    await world.step([world.failed(last, down, state=RecordState.FAILED)])
    assert await advice() == "No more tries: have the endpoint mended, then resend"
    await world.store.write(records.resend, [first.id, second.id], by="bob", now=world.clock.now())
    assert await advice() == down.next_action, "a resend makes it tried again"


async def test_five_minutes_of_failing_open(world):
    await world.add_channel("chat")
    await fail(world, why=failure())
    assert (await world.store.write(problems.tick, world.clock.now())).opened == ()
    world.clock.advance(300)
    changes = await world.store.write(problems.tick, world.clock.now())
    assert (len(changes.opened), changes.alerts_queued) == (1, 1)
    assert (await only(world)).state is ProblemState.OPEN


async def test_the_last_record_to_get_through_resolves_it_and_a_new_failure_reopens_it(world):
    await world.add_channel("chat")
    claimed, result = await fail(world, 2)
    assert result.alerts_queued == 1
    await send_alerts(world)
    await world.store.write(records.resend, [each.id for each in claimed], by="bob", now=world.clock.now())
    assert (await only(world)).count == 2, "a resent record is held up until it is delivered"
    again = await world.claim()
    await world.step([world.delivered(again[0])])
    assert (await only(world)).count == 1
    result = await world.step([world.delivered(again[1])])
    problem = await only(world)
    assert (problem.state, problem.count, problem.total) == (ProblemState.RESOLVED, 0, 2)
    assert result.alerts_queued == 1
    await send_alerts(world)
    await fail(world)
    problem = await only(world)
    assert (problem.state, problem.count, problem.total, problem.resolved_at) == (
        ProblemState.OPEN,
        1,
        1,
        None,
    )
    told = await world.store.read(alerts.of_problem, problem.id)
    assert [alert.event for alert in told] == [
        AlertEvent.OPENED,
        AlertEvent.RECOVERED,
        AlertEvent.REOPENED,
    ]


async def test_a_record_that_fails_otherwise_moves_to_the_other_problem(world):
    await world.accept()
    (claimed,) = await world.claim()
    first = (await world.step([world.failed(claimed, failure())])).problems_changed[0]
    (claimed,) = await world.claim()
    await world.step([world.failed(claimed, REFUSED)])
    problem = await only(world)
    assert problem.id != first
    assert (problem.state, problem.count) == (ProblemState.OPEN, 1)
    assert (await world.store.read(records.get, claimed.id)).problem_id == problem.id


async def test_a_refused_credential_is_the_connections_problem_for_all_it_delivers(world):
    await fail(world, 2, why=UNAUTHORIZED)
    await fail(world, 3, why=UNAUTHORIZED, environment=TESTING)
    problem = await only(world)
    assert (problem.count, problem.integration_id, problem.connection_id) == (5, None, world.connection_id)
    assert problem.where == "CRM"


async def check(world, state, why=None, *, version=0):
    now = world.clock.now()
    change = HealthChange(
        state=state,
        suspect_checks=0,
        next_check_at=now + timedelta(minutes=15),
        opened=state is ConnectionState.FAILING,
        recovered=state is ConnectionState.CONNECTED,
        changed=True,
    )
    heartbeat = HeartbeatRow(
        id=world.new("hbt"),
        connection_id=world.connection_id,
        at=now,
        trigger=Trigger.SCHEDULE,
        ok=why is None,
        duration_ms=5.0,
        state_after=state,
        status=why.status if why else 200,
        kind=why.kind.value if why else "",
        sentence=why.sentence if why else "",
    )
    key = world.connection_key(why) if why else None
    return await world.store.write(
        connections.set_health, world.connection_id, change, why, key, heartbeat, now, version=version
    )


async def test_what_was_found_with_older_credentials_decides_nothing_and_is_in_the_log(world):
    await check(world, ConnectionState.CONNECTED)
    before = await world.store.read(connections.get, world.connection_id)
    world.clock.advance(60)
    await world.store.write(connections.update, world.connection_id, {"credentials_enc": "renewed"})
    assert await check(world, ConnectionState.FAILING, UNAUTHORIZED) is None
    assert await world.store.read(connections.get, world.connection_id) == replace(before, settings_version=1)
    assert (await world.store.read(problems.page)).items == []
    newest, _ = (await world.store.read(connections.heartbeats, world.connection_id)).items
    assert (newest.ok, newest.state_after) == (False, ConnectionState.CONNECTED)
    await world.store.write(connections.update, world.connection_id, {"name": "another name"})
    assert await check(world, ConnectionState.FAILING, UNAUTHORIZED, version=1) is not None


async def test_a_failing_connection_opens_its_problem_and_health_resolves_it(world):
    await world.add_channel("chat")
    await check(world, ConnectionState.CONNECTED)
    world.clock.advance(60)
    changes = await check(world, ConnectionState.FAILING, UNAUTHORIZED)
    assert (len(changes.opened), changes.alerts_queued) == (1, 1)
    await send_alerts(world)
    row = await world.store.read(connections.get, world.connection_id)
    assert (row.state, row.failure, row.last_error_kind) == (
        ConnectionState.FAILING,
        UNAUTHORIZED,
        "authentication",
    )
    problem = await only(world)
    evidence = await world.store.read(problems.evidence, problem.id)
    assert evidence.last_good_check.ok
    assert evidence.first_bad_check.status == 401
    world.clock.advance(60)
    again = await check(world, ConnectionState.FAILING, UNAUTHORIZED)
    assert (again.opened, again.alerts_queued) == ((), 0)
    changes = await check(world, ConnectionState.CONNECTED)
    assert (changes.resolved, changes.alerts_queued) == ((problem.id,), 1)
    row = await world.store.read(connections.get, world.connection_id)
    assert (row.failure, row.last_healthy) == (None, world.clock.now())


async def test_a_connections_problem_stays_while_its_records_failed(world):
    await check(world, ConnectionState.FAILING, UNAUTHORIZED)
    claimed, _ = await fail(world, 1, why=UNAUTHORIZED)
    assert (await only(world)).count == 1
    changes = await check(world, ConnectionState.CONNECTED)
    assert changes.resolved == ()
    await world.store.write(records.resend, [claimed[0].id], by="bob", now=world.clock.now())
    await world.step([world.delivered(each) for each in await world.claim()])
    assert (await only(world)).state is ProblemState.RESOLVED


async def test_another_reason_of_the_connection_replaces_the_first(world):
    await check(world, ConnectionState.FAILING, UNAUTHORIZED)
    down = failure(ErrorKind.CONNECTION_REFUSED, None)
    changes = await check(world, ConnectionState.FAILING, down)
    states = {each.kind: each.state for each in (await world.store.read(problems.page)).items}
    assert states["authentication"] is ProblemState.RESOLVED
    assert states["connection_refused"] is ProblemState.OPEN
    assert len(changes.opened) == 1


async def test_evidence_is_the_last_good_delivery_beside_the_first_bad(world):
    await world.accept()
    (good,) = await world.claim()
    await world.step([world.delivered(good)])
    (bad, _), _ = await fail(world, 2)
    await fail(world, 1)
    evidence = await world.store.read(problems.evidence, (await only(world)).id)
    assert evidence.last_good.id == good.attempt_id
    assert evidence.first_bad.id == bad.attempt_id


async def test_acknowledged_stays_so_and_does_not_alert_again(world):
    await world.add_channel("chat")
    await fail(world)
    problem = await only(world)
    row = await world.store.write(
        problems.acknowledge, problem.id, by="bob", now=world.clock.now(), note="on it"
    )
    assert (row.state, row.acknowledged_by, row.note) == (ProblemState.ACKNOWLEDGED, "bob", "on it")
    _, result = await fail(world)
    assert result.alerts_queued == 0
    assert (await only(world)).state is ProblemState.ACKNOWLEDGED


async def test_a_muted_problem_is_announced_when_it_is_unmuted(world):
    await world.add_channel("chat")
    _, result = await fail(world, why=failure())
    (problem_id,) = result.problems_changed
    until = world.clock.now() + timedelta(days=1)
    await world.store.write(problems.mute, problem_id, by="bob", until=until)
    world.clock.advance(600)
    changes = await world.store.write(problems.tick, world.clock.now())
    assert (len(changes.opened), changes.alerts_queued) == (1, 0)
    row = await world.store.write(problems.mute, problem_id, by="bob", until=None)
    assert (row.muted_until, row.muted_by) == (None, "")
    changes = await world.store.write(problems.tick, world.clock.now())
    assert changes.alerts_queued == 1
    assert (await world.store.write(problems.tick, world.clock.now())).alerts_queued == 0


async def test_muted_problems_do_not_keep_others_from_opening(world):
    _, result = await fail(world, why=failure())
    (muted,) = result.problems_changed
    until = world.clock.now() + timedelta(days=1)
    await world.store.write(problems.mute, muted, by="bob", until=until)
    world.clock.advance(600)
    await world.store.write(problems.tick, world.clock.now())
    await fail(world, why=failure(status=503))
    world.clock.advance(600)
    changes = await world.store.write(problems.tick, world.clock.now(), limit=1)
    assert len(changes.opened) == 1


async def test_resolving_by_hand_lets_its_records_go_and_alerts_nobody(world):
    await world.add_channel("chat")
    claimed, _ = await fail(world, 2)
    problem = await only(world)
    row = await world.store.write(problems.resolve, problem.id, by="bob", now=world.clock.now(), note="known")
    assert (row.state, row.count, row.resolved_by) == (ProblemState.RESOLVED, 0, "bob")
    record = await world.store.read(records.get, claimed[0].id)
    assert (record.state, record.problem_id) == (RecordState.FAILED, None)
    assert len(await world.store.read(alerts.of_problem, problem.id)) == 1
    for action in (problems.resolve, problems.acknowledge):
        with pytest.raises(Conflict):
            await world.store.write(action, problem.id, by="bob", now=world.clock.now())
    with pytest.raises(Conflict):
        await world.store.write(problems.mute, problem.id, by="bob", until=None)
    _, result = await fail(world, 1)
    assert (await only(world)).state is ProblemState.OPEN
    assert result.alerts_queued == 1


async def test_two_daemons_with_the_same_new_cause_make_one_problem(postgres_world, postgres_url, opened):
    import asyncio

    world = postgres_world
    other = await opened(postgres_url, "dmn_two")
    await world.accept(40)
    first, second = await world.claim(free=20), await world.claim(free=20)
    await asyncio.gather(
        world.step([world.failed(each) for each in first]),
        other.settle_and_claim([world.failed(each) for each in second], [], now=world.clock.now()),
    )
    problem = await only(world)
    assert (problem.count, problem.total) == (40, 40)
