from __future__ import annotations

from datetime import timedelta

import pytest
from sqlalchemy import text

from healthdesk.domain.states import (
    ConnectionState,
    Environment,
    Grant,
    HoldReason,
    IntegrationState,
    OnUnknown,
)
from healthdesk.errors import Conflict, Malformed, NotFound
from healthdesk.store import activity, connections, desk, integrations, preferences, sources
from healthdesk.store.rows import HeartbeatSettings, MemberRow, VerificationSettings
from healthdesk.store.targets import delivery_targets
from tests.store.test_problems import check
from tests.store.world import PRODUCTION, TESTING, UNAUTHORIZED


async def test_a_connection_is_kept_and_its_secrets_are_apart(world):
    verification = VerificationSettings(scheme="hmac", header="X-Sig", id_header="X-Id")
    heartbeat = HeartbeatSettings("HEAD", "/health", 204)
    connection_id = await world.add_connection(
        name="GitLab", heartbeat=heartbeat, verification=verification, callback_secret_enc="cb"
    )
    row = await world.store.read(connections.get, connection_id)
    assert (row.name, row.heartbeat, row.verification) == ("GitLab", heartbeat, verification)
    assert (row.state, row.state_since) == (ConnectionState.UNKNOWN, world.clock.now())
    assert not row.judged_by_deliveries
    assert not hasattr(row, "credentials_enc")
    secret = await world.store.read(connections.get_secret, connection_id)
    assert (secret.credentials_enc, secret.callback_secret_enc, secret.name) == ("enc", "cb", "GitLab")
    assert (await world.store.read(connections.get, world.connection_id)).judged_by_deliveries


async def test_a_connection_changes_only_what_may_change(world):
    changes = {
        "name": "new",
        "heartbeat": HeartbeatSettings("GET", "/up", 200),
        "verification": VerificationSettings(scheme="standard_webhooks"),
        "next_check": world.clock.now(),
    }
    await world.store.write(connections.update, world.connection_id, changes)
    row = await world.store.read(connections.get, world.connection_id)
    assert (row.name, row.heartbeat, row.verification.scheme, row.next_check) == (
        "new",
        HeartbeatSettings("GET", "/up", 200),
        "standard_webhooks",
        world.clock.now(),
    )
    await world.store.write(connections.update, world.connection_id, {"heartbeat": None})
    assert (await world.store.read(connections.get, world.connection_id)).heartbeat is None
    with pytest.raises(ValueError, match="state"):
        await world.store.write(connections.update, world.connection_id, {"state": "failing"})
    with pytest.raises(NotFound):
        await world.store.write(connections.update, "con_unknown", {"name": "x"})


async def test_a_connection_in_use_is_not_disconnected_and_an_unused_one_loses_its_secrets(world):
    with pytest.raises(Conflict, match="CRM endpoint"):
        await world.store.write(connections.delete, world.connection_id, world.clock.now())
    unused = await world.add_connection(callback_secret_enc="cb")
    await world.store.write(connections.delete, unused, world.clock.now())
    with pytest.raises(NotFound):
        await world.store.read(connections.get, unused)
    kept = await world.store.read(
        lambda conn: conn.execute(
            text(
                "SELECT credentials_enc || credential_hint || callback_secret_enc FROM connections WHERE id = :id"
            ),
            {"id": unused},
        ).scalar_one()
    )
    assert kept == ""
    page = await world.store.read(connections.page)
    assert [row.id for row in page.items] == [world.connection_id]


async def test_members_come_and_go(world):
    await world.store.write(connections.put_member, world.connection_id, "bob", Grant.USER)
    await world.store.write(connections.put_member, world.connection_id, "bob", Grant.MANAGER)
    row = await world.store.read(connections.get, world.connection_id)
    assert row.members == [MemberRow("bob", "manager")]
    assert await world.store.write(connections.remove_member, world.connection_id, "bob")
    assert not await world.store.write(connections.remove_member, world.connection_id, "bob")


async def test_a_due_check_is_claimed_once_and_again_when_nobody_reports(world):
    now = world.clock.now()
    due = await world.add_connection(next_check=now)
    await world.add_connection(next_check=now + timedelta(hours=1))
    assert await world.store.read(connections.next_check_at) == now
    (claimed,) = await world.store.write(connections.claim_due_checks, now, 10)
    assert (claimed.id, claimed.credentials_enc) == (due, "enc")
    assert await world.store.write(connections.claim_due_checks, now, 10) == []
    world.clock.advance(150)
    (again,) = await world.store.write(connections.claim_due_checks, world.clock.now(), 10)
    assert again.id == due


async def test_checks_page_newest_first(world):
    for _ in range(5):
        world.clock.advance(60)
        await check(world, ConnectionState.CONNECTED)
    first = await world.store.read(connections.heartbeats, world.connection_id, limit=3)
    rest = await world.store.read(connections.heartbeats, world.connection_id, limit=3, after=first.next)
    times = [row.at for row in first.items + rest.items]
    assert times == sorted(times, reverse=True)
    assert (len(times), rest.next) == (5, None)


async def test_an_integration_shows_its_environments_sources_and_totals(world):
    await world.accept(3)
    row = await world.store.read(integrations.get, world.integration_id)
    assert (row.name, row.sources) == ("CRM endpoint", ["heart", "sleep"])
    production, testing = row.environments
    assert (production.environment, production.connection_name, production.base_url) == (
        PRODUCTION,
        "CRM",
        "https://crm.example",
    )
    assert production.totals["queued"] == 3
    assert (testing.concurrency, testing.on_unknown) == (None, OnUnknown.RESEND)
    assert set(testing.totals.values()) == {0}
    assert [each.id for each in (await world.store.read(integrations.page)).items] == [row.id]


async def test_an_environment_changes_what_is_given(world):
    changes = {"path": "/hra", "headers": {"X-A": "b"}, "concurrency": 4, "rate_per_s": 2.5, "timeout_s": 9}
    await world.store.write(
        integrations.put_environment, world.integration_id, TESTING, changes, world.clock.now()
    )
    _, testing = (await world.store.read(integrations.get, world.integration_id)).environments
    assert {name: getattr(testing, name) for name in changes} == changes
    with pytest.raises(ValueError, match="state"):
        await world.store.write(
            integrations.put_environment,
            world.integration_id,
            TESTING,
            {"state": "paused"},
            world.clock.now(),
        )
    await world.store.write(integrations.rename, world.integration_id, "New name")
    assert (await world.store.read(integrations.get, world.integration_id)).name == "New name"


async def test_a_new_environment_needs_a_connection(world):
    from healthdesk.domain.states import IntegrationKind

    now = world.clock.now()
    await world.store.write(
        integrations.insert, integration_id="int_x", name="x", kind=IntegrationKind.DELIVERY, now=now, by="a"
    )
    with pytest.raises(Malformed):
        await world.store.write(integrations.put_environment, "int_x", PRODUCTION, {"path": "/"}, now)


async def test_pausing_says_what_changed_and_why_records_wait(world):
    pause = (integrations.set_state, world.integration_id)
    assert await world.store.write(*pause, TESTING, IntegrationState.PAUSED) == [TESTING]
    assert await world.store.write(*pause, None, IntegrationState.PAUSED) == [PRODUCTION]
    assert await world.store.write(*pause, None, IntegrationState.PAUSED) == []
    environments = (await world.store.read(integrations.get, world.integration_id)).environments
    assert {each.hold_reason for each in environments} == {HoldReason.PAUSED}
    await world.store.write(*pause, None, IntegrationState.ACTIVE)
    await check(world, ConnectionState.FAILING, UNAUTHORIZED)
    environments = (await world.store.read(integrations.get, world.integration_id)).environments
    assert {each.hold_reason for each in environments} == {HoldReason.CONNECTION}


async def add_key(world, name, overlap_s=0, environment=PRODUCTION):
    world.clock.advance(1)
    return await world.store.write(
        integrations.insert_key,
        key_id=world.new("key"),
        integration_id=world.integration_id,
        environment=environment,
        key_hash=name.encode(),
        hint=name,
        now=world.clock.now(),
        by="alice",
        overlap_s=overlap_s,
    )


async def test_a_new_key_replaces_the_one_before_after_the_overlap(world):
    assert await add_key(world, "one") is None
    await add_key(world, "elsewhere", environment=TESTING)
    until = await add_key(world, "two", overlap_s=60)
    assert until == world.clock.now() + timedelta(seconds=60)
    find = integrations.find_key
    assert (await world.store.read(find, b"one", world.clock.now())).environment is PRODUCTION
    world.clock.advance(60)
    assert await world.store.read(find, b"one", world.clock.now()) is None
    assert (await world.store.read(find, b"two", world.clock.now())).hint == "two"
    assert (await world.store.read(find, b"elsewhere", world.clock.now())).environment is TESTING
    keys = await world.store.read(integrations.keys, world.integration_id, world.clock.now())
    assert [key.hint for key in keys] == ["two", "elsewhere"]
    production, _ = (await world.store.read(integrations.get, world.integration_id)).environments
    assert production.key_hint == "two"
    assert await world.store.write(integrations.expire_old_keys, world.clock.now()) == 1
    await add_key(world, "three")
    assert await world.store.read(find, b"two", world.clock.now()) is None


async def test_signing_secrets_overlap_while_they_rotate(world):
    for name, overlap in (("first", 0), ("second", 3600)):
        world.clock.advance(1)
        await world.store.write(
            integrations.insert_secret,
            "signing",
            secret_id=world.new("sec"),
            integration_id=world.integration_id,
            environment=PRODUCTION,
            secret_enc=name,
            hint=name,
            now=world.clock.now(),
            by="alice",
            overlap_s=overlap,
        )

    async def valid():
        rows = await world.store.read(
            integrations.signing_secrets, world.integration_id, PRODUCTION, world.clock.now()
        )
        targets = await world.store.read(delivery_targets, world.clock.now())
        by_environment = {target.environment: target.signing_secrets_enc for target in targets}
        assert by_environment[PRODUCTION] == tuple(row.secret_enc for row in rows)
        assert by_environment[TESTING] == ()
        return [row.secret_enc for row in rows]

    assert await valid() == ["second", "first"]
    world.clock.advance(3600)
    assert await valid() == ["second"]


async def test_targets_have_all_that_delivering_needs(world):
    await check(world, ConnectionState.FAILING, UNAUTHORIZED)
    target, _ = await world.store.read(delivery_targets, world.clock.now())
    assert (target.integration_name, target.connection_name, target.owner) == ("CRM endpoint", "CRM", "alice")
    assert (target.credentials_enc, target.has_heartbeat, target.connection_state) == (
        "enc",
        False,
        ConnectionState.FAILING,
    )


async def test_sources_are_found_by_id_and_key_and_changed(world):
    heart, sleep = world.sources
    assert (await world.store.read(sources.get, heart)).key == "heart"
    assert (await world.store.read(sources.get, "sleep")).id == sleep
    await world.store.write(sources.update, heart, name="Heart health", levels=["low"], fields=[])
    row = await world.store.read(sources.get, heart)
    assert (row.name, row.levels, row.fields) == ("Heart health", ["low"], [])
    assert row.integrations == [world.integration_id]
    with pytest.raises(Conflict):
        await world.add_source("heart")
    for missing in (
        world.store.read(sources.get, "x"),
        world.store.write(sources.update, "src_x", name="x"),
    ):
        with pytest.raises(NotFound):
            await missing


async def test_enabling_says_whether_it_changed_anything(world):
    heart = world.sources[0]
    place = (heart, world.integration_id)
    assert not await world.store.write(sources.enable, *place, True)
    assert await world.store.write(sources.enable, *place, False)
    assert not await world.store.write(sources.enable, *place, False)
    pairs = await world.store.read(sources.enabled)
    assert [(integration, source.key) for integration, source in pairs] == [(world.integration_id, "sleep")]
    with pytest.raises(NotFound):
        await world.store.write(sources.enable, heart, "int_x", True)


async def test_activity_pages_by_user_and_object(world):
    for n in range(6):
        world.clock.advance(1)
        await world.store.write(
            activity.add,
            activity_id=world.new("act"),
            at=world.clock.now(),
            user=["alice", "bob"][n % 2],
            verb="edited",
            object_kind="connection",
            object_id=f"con_{n % 3}",
            detail={"n": n},
        )
    everything = (await world.store.read(activity.page, limit=4)).items
    assert [row.detail["n"] for row in everything] == [5, 4, 3, 2]
    mine = (await world.store.read(activity.page, user="bob")).items
    assert [row.detail["n"] for row in mine] == [5, 3, 1]
    of_object = (await world.store.read(activity.page, object_id="con_0", newest_first=False)).items
    assert [row.detail["n"] for row in of_object] == [0, 3]


async def test_preferences_are_each_operators_own(world):
    now = world.clock.now()
    await world.store.write(preferences.put, "alice", "log", {"states": ["failed"]}, now)
    await world.store.write(preferences.put, "alice", "log", {"states": []}, now)
    assert await world.store.read(preferences.get, "alice", "log") == {"states": []}
    assert await world.store.read(preferences.get, "bob", "log") is None
    await world.store.write(preferences.put, "alice", "log", None, now)
    assert await world.store.read(preferences.get, "alice", "log") is None


async def test_status_counts(world):
    await world.accept(2)
    (claimed,) = await world.claim(free=1)
    await world.step([world.failed(claimed)])
    await check(world, ConnectionState.FAILING, UNAUTHORIZED)
    counts = await world.store.read(desk.counts, world.clock.now())
    assert {name: number for name, number in counts.items() if number} == {
        "records_accepted": 2,
        "records_queued": 1,
        "records_failed": 1,
        "connections": 1,
        "connections_failing": 1,
        "problems_open": 2,
    }


async def test_what_fails_in_testing_is_counted_apart(world):
    await world.accept(1, environment=Environment.TESTING)
    counts = await world.store.read(desk.counts, world.clock.now())
    assert {name: number for name, number in counts.items() if number} == {
        "testing_accepted": 1,
        "testing_queued": 1,
        "connections": 1,
    }


async def test_settings_of_the_desk_are_kept(world):
    assert await world.store.read(desk.setting, "x") is None
    await world.store.write(desk.set_setting, "x", "1")
    await world.store.write(desk.set_setting, "x", "2")
    assert await world.store.read(desk.setting, "x") == "2"


async def test_times_are_exact_and_aware_and_naive_ones_are_refused(world):
    from healthdesk.store.columns import from_micros, to_micros

    at = world.clock.now() + timedelta(microseconds=1)
    assert from_micros(to_micros(at)) == at
    with pytest.raises(TypeError):
        to_micros(at.replace(tzinfo=None))


async def test_a_read_cannot_write(world):
    from healthdesk.errors import StoreUnavailable

    with pytest.raises(StoreUnavailable, match=r"readonly|read-only"):
        await world.store.read(desk.set_setting, "x", "1")
    assert await world.store.read(desk.setting, "x") is None
