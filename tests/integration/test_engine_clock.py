"""Health, problems, retention and a clock that jumps, on a clock that the test moves."""

from __future__ import annotations

import asyncio
import contextlib
from collections import Counter

import pytest
from tests.harness.serving import until
from tests.integration.http_desk import http_desk, record

from healthdesk.testing import FakeClock, FakeEndpoint

PATIENT_S = 60.0


@pytest.fixture
async def endpoint():
    async with FakeEndpoint() as server:
        yield server


class Busy:
    """How many questions to the database are under way."""

    def __init__(self, store) -> None:
        self.questions = 0
        for name in ("read", "write", "settle_and_claim"):
            setattr(store, name, self._counted(getattr(store, name)))

    def _counted(self, ask):
        async def asking(*args, **kw):
            self.questions += 1
            try:
                return await ask(*args, **kw)
            finally:
                self.questions -= 1

        return asking


@contextlib.asynccontextmanager
async def running(tmp_path, clock, **settings):
    """Yield a desk whose engine runs, on the test's clock."""
    async with http_desk(tmp_path, clock=clock, ALERTS__ENABLED="false", **settings) as desk:
        desk.busy = Busy(desk.engine.ctx.store)
        await desk.engine.start()
        try:
            yield desk
        finally:
            await desk.engine.stop(5)


async def quiet(desk):
    """Wait until only time can bring news: nothing is being asked, sent or checked, and no task can run.

    However busy the machine is: time that passes meanwhile would be a delay of the network, up to its deadline.
    """
    ready = asyncio.get_running_loop()._ready
    engine = desk.engine
    async with asyncio.timeout(PATIENT_S):
        while ready or desk.busy.questions or engine.deliverer.in_flight or engine.heartbeats._tasks:  # noqa: ASYNC110
            # Without a task that can run the database's thread is at work, which is to have the interpreter.
            await asyncio.sleep(0 if ready else 0.001)


async def passing(desk, condition, step_s: float = 0.5, limit_s: float = 60.0):
    """Let time pass in steps until the condition holds; whatever a step brings about is over before the next."""
    passed = 0.0
    await quiet(desk)
    while not (answer := await condition()):
        assert passed < limit_s, f"it did not come about within {limit_s} s of the test's clock"
        desk.engine.ctx.clock.advance(step_s)
        passed += step_s
        await quiet(desk)
    return answer


async def idle(desk, seconds: int, *, step: int = 1):
    """Let time pass in which everything due gets its turn, `step` seconds at a time."""
    for _ in range(0, seconds, step):
        desk.engine.ctx.clock.advance(step)
        await quiet(desk)


async def rechecked(desk):
    """Let the checks come that a connection gets before it fails: 1, 5 and 15 minutes each after the one before."""
    for minutes in (1, 5, 15):
        desk.engine.ctx.clock.advance(60 * minutes)
        await idle(desk, 2)


async def states(desk) -> Counter:
    """Return the ledger's totals, which balance."""
    ledger = await desk.ok("GET", "/v1/ledger")
    assert ledger["balanced"] is True
    found = Counter()
    for row in ledger["rows"]:
        found.update(row["states"])
    return found


def in_states(desk, **wanted):
    async def there():
        found = await states(desk)
        return all(found[state] == number for state, number in wanted.items())

    return there


def connection_is(desk, delivery, state):
    async def there():
        return (await desk.ok("GET", f"/v1/connections/{delivery.connection_id}"))["state"] == state

    return there


async def place(desk, endpoint, **connection):
    """Return a delivery that goes to the endpoint."""
    delivery = await desk.delivery()
    await desk.ok(
        "PATCH", f"/v1/connections/{delivery.connection_id}", {"base_url": endpoint.url, **connection}
    )
    return delivery


async def problems(desk, **wanted):
    return (await desk.ok("GET", "/v1/problems", params=wanted))["items"]


async def post(delivery, count=1, **data):
    return [(await delivery.post(record(data={"n": n, **data}))).json["id"] for n in range(count)]


async def test_failing_connection_judged_by_deliveries_is_probed_with_exactly_one_record(tmp_path, endpoint):
    clock = FakeClock()
    async with running(tmp_path, clock, DELIVERY__SCHEDULE="0s,5s") as desk:
        delivery = await place(desk, endpoint)
        endpoint.answer(401)
        await post(delivery, 1)
        await passing(desk, connection_is(desk, delivery, "suspect"))
        await post(delivery, 1)
        await passing(desk, connection_is(desk, delivery, "failing"))
        await post(delivery, 6)
        await passing(desk, in_states(desk, failed=2, held=6))
        seen = len(endpoint.requests)

        await idle(desk, 3000, step=300)
        assert len(endpoint.requests) == seen, "nothing is sent through a failing connection"
        await passing(desk, in_states(desk, failed=3, held=5), step_s=60, limit_s=1000)
        await passing(desk, connection_is(desk, delivery, "failing"))
        await idle(desk, 30, step=5)
        assert len(endpoint.requests) == seen + 1, "an hour after the refusal one record is the probe"

        await desk.ok("POST", f"/v1/connections/{delivery.connection_id}/check")
        await post(delivery, 4)
        await passing(desk, in_states(desk, failed=4, held=8))
        await idle(desk, 30, step=5)
        assert len(endpoint.requests) == seen + 2, "'check now' lets one through, whatever arrives meanwhile"

        endpoint.answer(200)
        await desk.ok("POST", f"/v1/connections/{delivery.connection_id}/check")
        await passing(desk, in_states(desk, failed=4, held=0, delivered=8))
        assert await connection_is(desk, delivery, "connected")()
        (problem,) = await problems(desk)
        assert problem["count"] == 4, "the failed ones are still to be resent"
        await desk.ok("POST", "/v1/records/resend-all", {"filter": {"states": ["failed"]}, "expect": 4})
        await passing(desk, in_states(desk, failed=0, delivered=12))
        assert await problems(desk) == []
        assert len(await problems(desk, state="resolved")) == 1


async def test_unreachable_connection_is_rechecked_after_1_5_and_15_minutes_then_fails_and_recovers(
    tmp_path, endpoint
):
    clock = FakeClock()
    async with running(tmp_path, clock, HEARTBEAT__JITTER="0", DELIVERY__JITTER="0") as desk:
        delivery = await place(desk, endpoint, heartbeat={"path": "/health"})
        await desk.ok("POST", f"/v1/connections/{delivery.connection_id}/check")
        assert await connection_is(desk, delivery, "connected")()
        await endpoint.stop()
        await desk.ok("POST", f"/v1/connections/{delivery.connection_id}/check")
        assert await connection_is(desk, delivery, "suspect")()
        began = clock.now()
        await passing(desk, connection_is(desk, delivery, "failing"), step_s=60, limit_s=3000)
        took = (clock.now() - began).total_seconds()
        assert 21 * 60 <= took <= 24 * 60, took
        checks = (await desk.ok("GET", f"/v1/connections/{delivery.connection_id}/heartbeats"))["items"]
        assert [check["ok"] for check in checks] == [False] * 4 + [True] * (len(checks) - 4)
        await post(delivery, 5)
        await passing(desk, in_states(desk, held=5))
        (problem,) = await problems(desk)
        assert problem["connection_id"] == delivery.connection_id
        await endpoint.start()
        await passing(desk, in_states(desk, delivered=5), step_s=60, limit_s=1320)
        assert await connection_is(desk, delivery, "connected")()
        assert await problems(desk) == []
        assert len(await problems(desk, state="resolved")) == 1


async def test_problem_opens_after_three_attempts_or_five_minutes_and_folds_by_cause(tmp_path, endpoint):
    clock = FakeClock()
    async with running(
        tmp_path, clock, DELIVERY__SCHEDULE="0s,5s,10s,3600s,3600s", DELIVERY__JITTER="0"
    ) as desk:
        delivery = await place(desk, endpoint)
        endpoint.answer(500)
        await post(delivery, 1)
        await passing(desk, in_states(desk, retrying=1))
        assert await problems(desk) == [], "one failed attempt is no problem yet"

        async def opened():
            return await problems(desk)

        (problem,) = await passing(desk, opened)
        assert len(endpoint.requests) == 3
        assert (problem["count"], problem["state"]) == (1, "open")

        endpoint.answer(503, headers={"Retry-After": "3000"})
        began = clock.now()
        await post(delivery, 1)

        async def two():
            return len(await problems(desk)) == 2

        await passing(desk, two, step_s=20, limit_s=400)
        assert (clock.now() - began).total_seconds() >= 300, "one attempt that keeps failing: five minutes"

        endpoint.answer(422, json={"errors": {"risk_level": ["required"]}})
        await post(delivery, 100)
        await passing(desk, in_states(desk, failed=100))
        endpoint.answer(422, json={"errors": {"birth_date": ["required"]}})
        await post(delivery, 3)
        await passing(desk, in_states(desk, failed=103))
        counts = sorted(problem["count"] for problem in await problems(desk))
        assert counts == [1, 1, 3, 100]


async def test_retention_deletes_what_is_done_and_keeps_what_failed_or_waits(tmp_path, endpoint):
    clock = FakeClock()
    async with running(tmp_path, clock) as desk:
        delivery = await place(desk, endpoint)
        endpoint.script(422)
        kept = await post(delivery, 1)
        await passing(desk, in_states(desk, failed=1))
        gone = [ids[0] for ids in await asyncio.gather(*(post(delivery) for _ in range(250)))]
        await passing(desk, in_states(desk, delivered=250))
        await desk.ok("POST", f"/v1/integrations/{delivery.id}/pause", {})
        kept += await post(delivery, 1)
        await passing(desk, in_states(desk, held=1))
        old = await desk.ok("POST", f"/v1/integrations/{delivery.id}/keys", {"overlap_s": 60})
        assert old["secret"] != delivery.key
        clock.advance(91 * 86400)

        async def deleted():
            return (await desk.ok("GET", "/v1/records/count"))["total"] == 2

        await passing(desk, deleted)
        shown = {item["id"]: item["state"] for item in (await desk.ok("GET", "/v1/records"))["items"]}
        assert shown == dict(zip(kept, ["failed", "held"], strict=True))
        assert (await desk.call("GET", f"/v1/records/{gone[0]}")).status == 404
        assert (await delivery.post()).status == 401, "the key that was replaced has expired"
        keys = await desk.ok("GET", f"/v1/integrations/{delivery.id}/keys")
        assert len(keys["items"] if isinstance(keys, dict) else keys) == 1
        await desk.ok("POST", f"/v1/integrations/{delivery.id}/resume", {})
        await passing(desk, in_states(desk, delivered=1, failed=1, held=0))
        assert endpoint.requests[-1].headers["webhook-id"] == kept[1], "its body was kept for it"


async def test_clock_that_jumps_back_delays_nothing_for_ever_and_ids_still_grow(tmp_path, endpoint):
    clock = FakeClock()
    async with running(tmp_path, clock, DELIVERY__SCHEDULE="0s,5s,5s", DELIVERY__JITTER="0") as desk:
        delivery = await place(desk, endpoint)
        endpoint.script(500)
        before = await post(delivery, 1)
        await passing(desk, in_states(desk, retrying=1))
        clock.jump(-600)
        after = await post(delivery, 5)
        assert sorted(before + after) == before + after
        await passing(desk, in_states(desk, delivered=5), limit_s=10)
        await passing(desk, in_states(desk, delivered=6), step_s=20, limit_s=700)
        assert len({request.headers["webhook-id"] for request in endpoint.requests}) == 6


async def test_clock_that_was_a_month_ahead_delays_no_retry_once_it_is_right(tmp_path, endpoint):
    clock = FakeClock()
    async with running(tmp_path, clock, DELIVERY__SCHEDULE="0s,5s,5s", DELIVERY__JITTER="0") as desk:
        delivery = await place(desk, endpoint)
        endpoint.script(500)
        await post(delivery, 1)
        await passing(desk, in_states(desk, retrying=1))
        clock.jump(-30 * 86400)
        await passing(desk, in_states(desk, delivered=1))
        assert len(endpoint.requests) == 2


async def test_delivered_record_is_resent_with_a_new_webhook_id_when_asked(tmp_path, endpoint):
    clock = FakeClock()
    async with running(tmp_path, clock) as desk:
        delivery = await place(desk, endpoint)
        (record_id,) = await post(delivery, 1)
        await passing(desk, in_states(desk, delivered=1))
        refused = await desk.call("POST", f"/v1/records/{record_id}/resend", {})
        assert (refused.status, "delivered_too" in refused.json["fix"]) == (409, True)
        known = {"delivered_too": True}
        await desk.ok("POST", f"/v1/records/{record_id}/resend", known)
        await passing(desk, lambda: asyncio.sleep(0, len(endpoint.requests) == 2))
        await passing(desk, in_states(desk, delivered=1))
        await desk.ok("POST", f"/v1/records/{record_id}/resend", {**known, "new_webhook_id": True})
        await passing(desk, lambda: asyncio.sleep(0, len(endpoint.requests) == 3))
        await passing(desk, in_states(desk, delivered=1))
        first, second, third = (request.headers["webhook-id"] for request in endpoint.requests)
        assert first == second == record_id
        assert third != record_id
        attempts = (await desk.ok("GET", f"/v1/records/{record_id}/attempts"))["items"]
        assert sorted(attempt["webhook_id"] for attempt in attempts) == sorted([first, second, third])


async def seen(endpoint, number):
    return len(endpoint.requests) == number


async def test_rate_of_an_environment_bounds_what_leaves_in_any_window(tmp_path, endpoint):
    clock = FakeClock()
    async with running(tmp_path, clock) as desk:
        delivery = await desk.delivery(rate_per_s=20)
        await desk.ok("PATCH", f"/v1/connections/{delivery.connection_id}", {"base_url": endpoint.url})
        await post(delivery, 30)
        await quiet(desk)
        assert endpoint.requests == [], "what left before the start is not known: the first one waits, too"
        for number in range(1, 11):
            clock.advance(0.05)
            await until(lambda number=number: seen(endpoint, number))
        await quiet(desk)
        assert len(endpoint.requests) == 10
        await passing(desk, in_states(desk, delivered=30), step_s=0.1, limit_s=50)
        await idle(desk, 10, step=5)
        await post(delivery, 30)
        await quiet(desk)
        assert len(endpoint.requests) == 31, "ten idle seconds are worth one request"
        await passing(desk, in_states(desk, delivered=60), step_s=0.1, limit_s=50)
