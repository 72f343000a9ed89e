"""Health of connections on a desk whose engine runs, against fake apps and endpoints, on a clock that the test moves."""

from __future__ import annotations

import contextlib
from dataclasses import replace
from datetime import timedelta

import jwt
import pytest
from cryptography.fernet import Fernet
from tests.connectors.apps.fake import Fault
from tests.connectors.apps.fake_github import FakeGithub
from tests.integration.http_desk import http_desk
from tests.integration.test_engine_clock import idle, passing, place, quiet, rechecked, running

from healthdesk.connectors.connector import Connector
from healthdesk.domain.states import Role, Trigger
from healthdesk.engine import due
from healthdesk.key_file import KeyLines
from healthdesk.operations.desk import Operator
from healthdesk.store import checks, connections
from healthdesk.testing import FakeClock, FakeEndpoint, hold
from healthdesk.vault import Vault

DAY = 86_400


@pytest.fixture
async def github():
    async with FakeGithub() as server:
        yield server


@pytest.fixture
async def endpoint():
    async with FakeEndpoint() as server:
        yield server


async def github_connection(desk, github, **more):
    return await desk.ok(
        "POST",
        "/v1/connections",
        {
            "app": "github",
            "name": "GitHub",
            "base_url": github.url,
            "credentials": {"auth": "token", "fields": dict(github.credentials)},
            **more,
        },
    )


async def show(desk, made):
    return await desk.ok("GET", f"/v1/connections/{made['id']}")


async def check(desk, made):
    return await desk.ok("POST", f"/v1/connections/{made['id']}/check")


async def evidence(desk, made):
    return await desk.ok("GET", f"/v1/connections/{made['id']}/evidence")


async def open_problems(desk):
    return (await desk.ok("GET", "/v1/problems"))["items"]


# apps


async def test_a_check_of_an_app_tells_whose_the_credential_is_and_until_when(tmp_path, github):
    async with running(tmp_path, FakeClock()) as desk:
        made = await check(desk, await github_connection(desk, github))
        assert (made["state"], made["account"], made["scopes"]) == (
            "connected",
            "octocat",
            ["repo", "read:org"],
        )
        assert (made["expires_at"][:10], made["expires_from"], made["expires_in"]) == (
            "2026-04-20",
            "learnt",
            "",
        )
        assert made["drift"] == []
        rows = (await desk.ok("GET", f"/v1/connections/{made['id']}/transitions"))["items"]
        assert [(row["from_state"], row["to_state"]) for row in rows] == [("unknown", "connected")]


async def test_a_refused_token_is_red_at_once_with_evidence(tmp_path, github):
    async with running(tmp_path, FakeClock()) as desk:
        made = await check(desk, await github_connection(desk, github))
        good_at = made["last_checked"]
        desk.engine.ctx.clock.advance(60)
        github.fault = Fault.WRONG_CREDENTIALS
        assert (await check(desk, made))["state"] == "failing"
        seen = await evidence(desk, made)
        assert seen["last_good"]["at"] == good_at
        assert (seen["last_good"]["status"], seen["first_bad"]["status"]) == (200, 401)
        assert seen["last_good"]["identity"]["account"] == "octocat"
        assert (seen["comparison"], seen["key"], seen["blame"]) == (
            "same account, same site",
            "u",
            "credential",
        )
        assert {"what": "status", "before": "200", "after": "401"} in seen["differences"]
        assert "Bad credentials" in seen["first_bad"]["response_body"]
        assert github.credentials["token"] not in str(seen)
        first_bad = seen["first_bad"]["id"]
        await check(desk, made)
        assert (await evidence(desk, made))["first_bad"]["id"] == first_bad
        whole = await desk.ok("GET", f"/v1/connections/{made['id']}/heartbeats/{first_bad}")
        assert (whole["id"], whole["status"], whole["url"]) == (first_bad, 401, f"{github.url}/user")
        assert "Bad credentials" in whole["response_body"]
        assert github.credentials["token"] not in str(whole)
        desk.operator = Operator("mia", Role.MEMBER)
        whole = await desk.ok("GET", f"/v1/connections/{made['id']}/heartbeats/{first_bad}")
        assert (whole["status"], whole["response_body"]) == (401, "")
        for_members = await evidence(desk, made)
        assert (for_members["first_bad"]["response_body"], for_members["first_bad"]["status"]) == ("", 401)
        desk.operator = Operator("alice", Role.ADMINISTRATOR)
        github.fault = Fault.NONE
        assert (await check(desk, made))["state"] == "connected"
        assert (await evidence(desk, made))["first_bad"] is None


async def test_credentials_that_the_key_does_not_open_are_no_green_light(tmp_path, github):
    clock = FakeClock()
    async with running(tmp_path, clock) as desk:
        made = await check(desk, await github_connection(desk, github))
        store, sealed = desk.engine.ctx.store, Vault(KeyLines(tmp_path, (Fernet.generate_key().decode(),)))
        kept = (await store.read(connections.get_secret, made["id"])).credentials_enc
        other = {"credentials_enc": sealed.encrypt("{}")}
        await store.write(lambda conn: connections.update(conn, made["id"], other))
        assert (await check(desk, made))["state"] == "suspect"
        await rechecked(desk)
        shown = await show(desk, made)
        assert (shown["state"], shown["explanation"]["blame"]) == ("failing", "us")
        assert "its credentials cannot be read" in shown["explanation"]["sentence"]
        await store.write(lambda conn: connections.update(conn, made["id"], {"credentials_enc": kept}))
        assert (await check(desk, made))["state"] == "connected"


async def test_a_connection_whose_connector_is_gone_is_no_green_light(tmp_path, github):
    async with running(tmp_path, FakeClock()) as desk:
        made = await check(desk, await github_connection(desk, github))
        del desk.engine.ctx.apps._apps["github"]
        await check(desk, made)
        await rechecked(desk)
        shown = await show(desk, made)
        assert (shown["state"], shown["explanation"]["blame"]) == ("failing", "us")
        assert "Put its connector back" in shown["explanation"]["next_action"]


async def test_a_connector_that_cannot_even_be_made_is_a_failed_check(tmp_path, github):
    class Broken(Connector):
        def __init__(self, client):
            raise KeyError(client)

    async with running(tmp_path, FakeClock()) as desk:
        made = await check(desk, await github_connection(desk, github))
        apps = desk.engine.ctx.apps
        apps._apps["github"] = replace(apps.get("github"), connector=Broken)
        shown = await check(desk, made)
        assert (shown["state"], shown["explanation"]["blame"]) == ("suspect", "us")
        assert "failed: KeyError" in shown["explanation"]["sentence"]


async def test_a_check_that_waited_while_the_key_was_replaced_is_made_with_the_new_one(tmp_path, github):
    async with running(tmp_path, FakeClock()) as desk:
        made = await check(desk, await github_connection(desk, github))
        row = await desk.engine.ctx.store.read(connections.get_secret, made["id"])
        assert (await desk.ok("POST", "/v1/key/rotate"))["state"] == "done"
        assert await desk.engine.heartbeats._checker.check(made["id"], Trigger.SCHEDULE, row)
        assert (await show(desk, made))["state"] == "connected"


async def test_an_app_that_asks_to_slow_down_is_asked_again_when_it_said(tmp_path, github):
    clock = FakeClock()
    async with running(tmp_path, clock) as desk:
        made = await check(desk, await github_connection(desk, github))
        github.fault = Fault.RATE_LIMIT
        limited = await check(desk, made)
        assert (limited["state"], limited["suspect_checks"]) == ("suspect", 1)
        due_at = (clock.now() + timedelta(seconds=61)).isoformat().replace("+00:00", "Z")
        assert limited["next_check"] == due_at
        github.fault = Fault.NONE
        clock.advance(59)
        await idle(desk, 3)
        assert (await show(desk, made))["state"] == "connected"


async def test_an_operator_who_checks_again_and_again_does_not_make_it_red(tmp_path, endpoint):
    clock = FakeClock()
    async with running(tmp_path, clock) as desk:
        made = await check(desk, await desk.connection(base_url=endpoint.url, heartbeat={"path": "/me"}))
        await endpoint.stop()
        first = await check(desk, made)
        for _ in range(5):
            again = await check(desk, made)
            assert (again["state"], again["suspect_checks"]) == ("suspect", 1)
            assert again["next_check"] == first["next_check"]
        assert len((await desk.ok("GET", f"/v1/connections/{made['id']}/heartbeats"))["items"]) == 8
        await rechecked(desk)
        assert (await show(desk, made))["state"] == "failing"


async def test_another_account_behind_the_credential_is_drift_until_it_is_accepted(tmp_path, github):
    async with running(tmp_path, FakeClock()) as desk:
        made = await check(desk, await github_connection(desk, github))
        github.account_id, github.account = "99", "hubot"
        drifted = await check(desk, made)
        assert drifted["state"] == "connected"
        (change,) = drifted["drift"]
        assert (change["what"], change["after"]) == ("account", "hubot (99)")
        assert drifted["explanation"]["blame"] == "configuration"
        (problem,) = await open_problems(desk)
        assert (problem["kind"], problem["connection_id"]) == ("drift", made["id"])
        accepted = await desk.ok("POST", f"/v1/connections/{made['id']}/accept-drift")
        assert (accepted["drift"], accepted["explanation"]) == ([], None)
        assert await open_problems(desk) == []
        done = (await desk.ok("GET", "/v1/activity"))["items"]
        assert [each["verb"] for each in done].count("accepted drift") == 1
        await desk.ok("POST", f"/v1/connections/{made['id']}/accept-drift")
        assert len((await desk.ok("GET", "/v1/activity"))["items"]) == len(done), (
            "there was nothing to accept"
        )


# ends of credentials


async def test_an_end_that_comes_nearer_is_warned_of_and_on_the_calendar(tmp_path, github):
    clock = FakeClock()
    async with running(tmp_path, clock) as desk:
        made = await check(desk, await github_connection(desk, github))
        for days, cause in ((20, "token expires in 29 days"), (23, "token expires in 6 days")):
            clock.advance(days * DAY)
            await idle(desk, 120, step=20)
            assert [each["cause"] for each in await open_problems(desk)] == [cause]
        (row,) = await desk.ok("GET", "/v1/accounts")
        assert (row["state_word"], row["expires_in"]) == ("Connected", "6 days")
        (entry,) = (await desk.ok("GET", "/v1/connections/expiring?within_days=30"))["items"]
        assert (entry["connection_id"], entry["word"], entry["warned_days"]) == (made["id"], "6 days", 7)
        assert entry["problem_id"] == (await open_problems(desk))[0]["id"]
        assert (await desk.ok("GET", "/v1/connections/expiring?within_days=3"))["items"] == []
        later = (clock.now() + timedelta(days=400)).isoformat()
        await desk.ok("PATCH", f"/v1/connections/{made['id']}", {"expires_at": later})
        await idle(desk, 2)
        assert await open_problems(desk) == []


async def test_a_json_web_token_tells_its_own_end(tmp_path, endpoint):
    clock = FakeClock()
    ends = clock.now() + timedelta(days=5)
    token = jwt.encode({"sub": "desk", "exp": int(ends.timestamp())}, "k" * 32, algorithm="HS256")
    async with running(tmp_path, clock) as desk:
        made = await desk.connection(
            base_url=endpoint.url,
            credentials={"auth": "bearer", "token": token},
            heartbeat={"path": "/me"},
            unchecked=True,
        )
        made = await check(desk, made)
        assert (made["expires_in"], made["expires_from"]) == ("5 days", "learnt")
        await idle(desk, 80, step=20)
        assert [each["cause"] for each in await open_problems(desk)] == ["token expires in 5 days"]


# when the desk itself is offline


@contextlib.asynccontextmanager
async def desk_with_sentinel(tmp_path, clock, endpoint):
    """A desk, a server that tells whether it is online, and a connection to the endpoint that works."""
    async with (
        FakeEndpoint() as sentinel,
        running(tmp_path, clock, HEARTBEAT__SENTINELS=f"127.0.0.1:{sentinel.port}") as desk,
    ):
        await desk.ok("POST", "/v1/channels", {"name": "chat", "url": "json://127.0.0.1:9/x"})
        made = await desk.connection(base_url=endpoint.url, heartbeat={"path": "/me"}, name="checked")
        assert (await check(desk, made))["state"] == "connected"
        clock.advance(10)
        yield desk, sentinel, made


async def test_while_the_desk_is_offline_nothing_is_judged_and_one_message_says_so_after(tmp_path, endpoint):
    clock = FakeClock()
    async with desk_with_sentinel(tmp_path, clock, endpoint) as (desk, sentinel, made):
        await sentinel.stop()
        await endpoint.stop()
        for _ in range(5):
            assert (await check(desk, made))["state"] == "connected"
            clock.advance(30)
            await quiet(desk)
        (put_off, *_) = (await desk.ok("GET", f"/v1/connections/{made['id']}/heartbeats"))["items"]
        assert (put_off["kind"], put_off["ok"], put_off["state_after"]) == ("offline", False, "connected")
        explanation = (await show(desk, made))["explanation"]
        assert explanation["sentence"].startswith("Not judged: the desk itself is offline")
        status = await desk.ok("GET", "/v1/status")
        assert status["offline_since"] == explanation["since"]
        assert status["sentence"].startswith("The desk is offline")
        assert (await desk.ok("GET", "/v1/alerts"))["items"] == []
        assert await open_problems(desk) == []

        await sentinel.start()

        async def back():
            return (await desk.ok("GET", "/v1/status"))["offline_since"] is None

        await passing(desk, back)
        (message,) = (await desk.ok("GET", "/v1/alerts"))["items"]
        assert message["title"] == "healthdesk: the desk was offline"
        assert "1 check was put off" in message["body"]

        async def judged():
            return (await show(desk, made))["state"] == "suspect"

        await passing(desk, judged, limit_s=200)
        await idle(desk, 30)
        assert len((await desk.ok("GET", "/v1/alerts"))["items"]) == 1


async def test_a_restart_while_offline_does_not_lose_the_message(tmp_path, endpoint):
    clock = FakeClock()
    async with FakeEndpoint() as sentinel:
        sentinels = {"HEARTBEAT__SENTINELS": f"127.0.0.1:{sentinel.port}"}
        async with running(tmp_path, clock, **sentinels) as desk:
            await desk.ok("POST", "/v1/channels", {"name": "chat", "url": "json://127.0.0.1:9/x"})
            made = await desk.connection(base_url=endpoint.url, heartbeat={"path": "/me"}, name="checked")
            clock.advance(10)
            await sentinel.stop()
            await endpoint.stop()
            await check(desk, made)
            since = (await desk.ok("GET", "/v1/status"))["offline_since"]
            assert since is not None
        clock.advance(600)
        await sentinel.start()
        async with running(tmp_path, clock, **sentinels) as desk:

            async def told():
                return bool((await desk.ok("GET", "/v1/alerts"))["items"])

            await passing(desk, told)
            (message,) = (await desk.ok("GET", "/v1/alerts"))["items"]
            assert message["title"] == "healthdesk: the desk was offline"
        async with running(tmp_path, clock, **sentinels) as desk:
            await idle(desk, 30)
            assert len((await desk.ok("GET", "/v1/alerts"))["items"]) == 1


async def test_an_endpoint_that_is_down_is_judged_while_the_sentinel_answers(tmp_path, endpoint):
    async with desk_with_sentinel(tmp_path, FakeClock(), endpoint) as (desk, _, made):
        await endpoint.stop()
        assert (await check(desk, made))["state"] == "suspect"
        assert (await desk.ok("GET", "/v1/status"))["offline_since"] is None


async def test_deliveries_of_a_desk_that_is_offline_turn_nothing_red(tmp_path, endpoint):
    clock = FakeClock()
    async with desk_with_sentinel(tmp_path, clock, endpoint) as (desk, sentinel, _):
        delivery = await place(desk, endpoint)
        await delivery.post()

        async def state_is(state):
            return (await desk.ok("GET", f"/v1/connections/{delivery.connection_id}"))["state"] == state

        await passing(desk, lambda: state_is("connected"))
        await sentinel.stop()
        await endpoint.stop()
        await delivery.post()
        for _ in range(4):
            clock.advance(600)
            await idle(desk, 3)
            assert await state_is("connected")
        await sentinel.start()
        await delivery.post()
        await passing(desk, lambda: state_is("suspect"), limit_s=200)


async def test_without_sentinels_the_hosts_that_answered_lately_are_asked(tmp_path, endpoint):
    clock = FakeClock()
    async with FakeEndpoint() as other, running(tmp_path, clock) as desk:
        first = await desk.connection(base_url=endpoint.url, heartbeat={"path": "/me"}, name="first")
        second = await desk.connection(base_url=other.url, heartbeat={"path": "/me"}, name="second")
        await check(desk, second)
        await check(desk, first)
        clock.advance(10)
        await endpoint.stop()
        assert (await check(desk, first))["state"] == "suspect", "the other host accepts connections"
        clock.advance(10)
        await other.stop()
        assert (await check(desk, second))["state"] == "connected", "neither does: the desk is offline"


async def test_a_desk_that_knows_one_host_only_takes_itself_for_online(tmp_path, endpoint):
    async with running(tmp_path, FakeClock()) as desk:
        made = await desk.connection(base_url=endpoint.url, heartbeat={"path": "/me"})
        await check(desk, made)
        await endpoint.stop()
        assert (await check(desk, made))["state"] == "suspect"


# bursts


async def due_now(desk, count, url, now):
    for number in range(count):
        made = await desk.connection(
            base_url=url, heartbeat={"path": "/me"}, name=f"{url} {number}", unchecked=True
        )
        await desk.engine.ctx.store.write(checks.give_back, [made["id"]], now)


async def test_a_slow_host_holds_up_no_more_than_its_share(tmp_path, endpoint):
    clock = FakeClock()
    async with FakeEndpoint() as slow, running(tmp_path, clock) as desk:
        await due_now(desk, due.PER_HOST + 6, slow.url, clock.now())
        await due_now(desk, 1, endpoint.url, clock.now())
        await quiet(desk)
        before = len(slow.requests)
        slow.behave(hold())
        now = clock.now()
        rows = (await desk.ok("GET", "/v1/connections?limit=100"))["items"]
        await desk.engine.ctx.store.write(checks.give_back, [row["id"] for row in rows], now)
        seen = len(endpoint.requests)
        desk.engine.heartbeats.wake()
        await endpoint.wait_for(seen + 1)
        await slow.wait_for(before + due.PER_HOST)
        assert len(slow.requests) == before + due.PER_HOST
        slow.release()


async def test_checks_that_wait_long_behind_a_slow_host_are_made_by_one_daemon(tmp_path, endpoint):
    clock = FakeClock()
    async with http_desk(tmp_path, clock=clock) as desk:
        await due_now(desk, due.PER_HOST * 2 + 4, endpoint.url, clock.now())
        one, other = (due.DueQueue(desk.engine.ctx, due.CHECKS) for _ in range(2))
        begun = await one.take(due.AT_ONCE)
        assert len(begun) == due.PER_HOST
        assert await other.take(due.AT_ONCE) == []
        done = [each.id for each in begun]
        await desk.engine.ctx.store.write(checks.give_back, done, clock.now() + timedelta(days=1))
        clock.advance(checks.CHECK_LEASE.total_seconds() + 1)
        theirs = await other.take(due.AT_ONCE)
        for each in done:
            one.done(each)
        ours = await one.take(due.AT_ONCE)
        assert len(theirs) == due.PER_HOST
        assert {each.id for each in ours}.isdisjoint(each.id for each in theirs)


async def test_what_is_overdue_when_the_desk_starts_is_no_burst(tmp_path, endpoint):
    clock = FakeClock()
    async with running(tmp_path, clock) as desk:
        ctx = desk.engine.ctx
        await due_now(desk, 3, endpoint.url, clock.now())
        await quiet(desk)
        await desk.engine.stop(5)
        rows = (await desk.ok("GET", "/v1/connections?limit=100"))["items"]
        clock.advance(2 * DAY)
        put = await ctx.store.write(checks.spread_overdue, clock.now(), apart_s=600.0, at_once=1)
        assert put == len(rows) - 1
        times = sorted(row["next_check"] for row in (await desk.ok("GET", "/v1/connections"))["items"])
        assert len(set(times)) == len(rows)
