from __future__ import annotations

from datetime import timedelta

import pytest

from healthdesk.domain.states import AlertEvent, AlertState
from healthdesk.errors import Malformed, NotFound
from healthdesk.store import alerts, daemons, problems, records
from tests.store.test_problems import fail, only
from tests.store.world import PRODUCTION, TESTING, UNAUTHORIZED


async def channels_told(world, problem_id=None, event=AlertEvent.OPENED):
    rows = (await world.store.read(alerts.page, problem_id=problem_id, limit=500)).items
    return {row.channel_id for row in rows if row.event is event}


async def claim(world, **options):
    return await world.store.write(alerts.claim, world.clock.now(), 10, **options)


async def settle(world, alert, **result):
    await world.store.write(
        alerts.settle,
        alert.id,
        world.clock.now(),
        **({"ok": True, "title": "title", "body": "body"} | result),
    )


async def test_without_a_rule_every_channel_is_told(world):
    mail, chat = await world.add_channel("mail"), await world.add_channel("chat")
    await fail(world)
    assert await channels_told(world) == {mail, chat}


async def test_a_rule_sends_an_integrations_problems_to_its_own_channels_only(world):
    mail, chat = await world.add_channel("mail"), await world.add_channel("chat")
    other = await world.add_integration("Other", world.connection_id)
    await world.add_rule(chat, integration_id=world.integration_id)
    await fail(world)
    mine = await only(world)
    assert await channels_told(world, mine.id) == {chat}
    record = world.record(integration_id=other)
    await world.store.accept(record)
    world.integration_id = other
    (claimed,) = await world.claim()
    await world.step([world.failed(claimed)])
    theirs = await only(world, integration_id=other)
    assert await channels_told(world, theirs.id) == {mail, chat}


async def test_a_general_rule_narrows_what_has_no_rule_of_its_own(world):
    mail, chat, pager = [await world.add_channel(name) for name in ("mail", "chat", "pager")]
    await world.add_rule(mail, environments=[PRODUCTION, TESTING])
    await world.add_rule(chat, integration_id=world.integration_id, environments=[PRODUCTION])
    await fail(world)
    await fail(world, environment=TESTING)
    by_environment = {row.environment: row.id for row in (await world.store.read(problems.page)).items}
    assert await channels_told(world, by_environment[PRODUCTION]) == {chat}
    assert await channels_told(world, by_environment[TESTING]) == {mail}
    assert pager


async def test_testing_is_silent_unless_a_rule_names_it(world):
    mail, chat = await world.add_channel("mail"), await world.add_channel("chat")
    await fail(world, environment=TESTING)
    silent = await only(world)
    assert await channels_told(world, silent.id) == set()
    rule = await world.add_rule(mail, integration_id=world.integration_id)
    await world.store.write(alerts.update_rule, rule, environments=[PRODUCTION, TESTING])
    await world.store.write(problems.resolve, silent.id, by="alice", now=world.clock.now())
    await fail(world, environment=TESTING)
    assert await channels_told(world, event=AlertEvent.REOPENED) == {mail}
    assert chat


async def test_a_disabled_rule_narrows_nothing(world):
    mail, chat = await world.add_channel("mail"), await world.add_channel("chat")
    rule = await world.add_rule(chat)
    await world.store.write(alerts.update_rule, rule, enabled=False)
    await fail(world)
    assert await channels_told(world) == {mail, chat}


async def test_a_connections_problem_goes_where_those_who_use_it_want_it(world):
    mail, chat = await world.add_channel("mail"), await world.add_channel("chat")
    await world.add_rule(chat, integration_id=world.integration_id)
    await fail(world, why=UNAUTHORIZED)
    first = await only(world)
    assert await channels_told(world, first.id) == {chat}
    await world.add_integration("Other", world.connection_id)
    await world.store.write(problems.resolve, first.id, by="x", now=world.clock.now())
    await fail(world, why=UNAUTHORIZED)
    assert await channels_told(world, first.id, AlertEvent.REOPENED) == {mail, chat}


async def test_a_rule_for_the_connection_goes_first(world):
    _mail, chat = await world.add_channel("mail"), await world.add_channel("chat")
    await world.add_rule(chat, connection_id=world.connection_id)
    await fail(world, why=UNAUTHORIZED)
    assert await channels_told(world) == {chat}


async def recover(world, claimed):
    await world.store.write(records.resend, [each.id for each in claimed], by="x", now=world.clock.now())
    await world.step([world.delivered(each) for each in await world.claim()])


async def test_a_recovery_is_told_to_whom_the_opening_was_told(world):
    chat = await world.add_channel("chat")
    claimed, _ = await fail(world)
    await world.add_channel("added later")
    await settle(world, (await claim(world))[0])
    await recover(world, claimed)
    assert await channels_told(world, event=AlertEvent.RECOVERED) == {chat}


async def test_a_rule_can_leave_recoveries_out(world):
    chat = await world.add_channel("chat")
    await world.add_rule(chat, recoveries=False)
    claimed, _ = await fail(world)
    await recover(world, claimed)
    assert await channels_told(world, event=AlertEvent.RECOVERED) == set()


async def test_a_problems_news_reach_a_channel_in_order_one_at_a_time(world):
    await world.add_channel("chat")
    claimed, _ = await fail(world)
    (opening,) = await claim(world)
    assert (opening.event, opening.tries, opening.url_enc) == (AlertEvent.OPENED, 1, "enc")
    assert opening.problem.count == 1
    await recover(world, claimed)
    assert (opening.integration_name, opening.channel_name) == ("CRM endpoint", "chat")
    assert await claim(world) == [], "the recovery waits for the opening"
    await settle(world, opening, ok=False, error="busy", next_at=world.clock.now() + timedelta(seconds=30))
    assert await claim(world) == []
    world.clock.advance(30)
    (opening,) = await claim(world)
    assert opening.tries == 2
    await settle(world, opening)
    (recovery,) = await claim(world)
    assert recovery.event is AlertEvent.RECOVERED


async def test_busy_channels_are_passed_over(world):
    mail, chat = await world.add_channel("mail"), await world.add_channel("chat")
    await fail(world)
    assert [each.channel_id for each in await claim(world, skip_channels=[mail])] == [chat]
    assert await world.store.read(alerts.next_due) == world.clock.now()


async def test_what_became_of_a_message_is_kept_on_it_and_on_the_channel(world):
    chat = await world.add_channel("chat")
    await fail(world)
    (alert,) = await claim(world)
    await settle(world, alert, ok=False, error="refused")
    (row,) = (await world.store.read(alerts.page, states=(AlertState.FAILED,))).items
    assert (row.state, row.error, row.title, row.channel_name) == (
        AlertState.FAILED,
        "refused",
        "title",
        "chat",
    )
    channel = await world.store.read(alerts.get_channel, chat)
    assert (channel.last_error, channel.last_error_at) == ("refused", world.clock.now())


async def test_a_message_that_was_being_sent_when_the_daemon_died_is_sent_again(world):
    await world.add_channel("chat")
    await fail(world)
    (alert,) = await claim(world)
    now = world.clock.now()
    assert await world.store.write(alerts.recover, now, daemon_id="dmn_one", others_are_dead=True) == 0
    await world.store.write(daemons.register, "dmn_one", now, timedelta(seconds=30))
    assert await world.store.write(alerts.recover, now, daemon_id="dmn_two", others_are_dead=False) == 0
    assert await world.store.write(daemons.renew, "dmn_one", now, timedelta(seconds=-1))
    assert await world.store.write(alerts.recover, now, daemon_id="dmn_two", others_are_dead=False) == 1
    (again,) = await claim(world)
    assert (again.id, again.tries) == (alert.id, 2)


async def test_a_message_claimed_by_a_commit_that_was_not_heard_of_is_sent_again(world):
    await world.add_channel("chat")
    await fail(world)
    (alert,) = await claim(world)
    now, mine = world.clock.now(), world.store.daemon_id
    assert await world.store.write(alerts.recover_lost, now, daemon_id=mine, known=[alert.id]) == 0
    assert await claim(world) == []
    assert await world.store.write(alerts.recover_lost, now, daemon_id=mine, known=[]) == 1
    (again,) = await claim(world)
    assert again.id == alert.id


async def test_removing_a_channel_takes_its_messages_back_and_erases_its_url(world):
    chat, mail = await world.add_channel("chat"), await world.add_channel("mail")
    both = await world.add_rule(chat, mail)
    only_chat = await world.add_rule(chat)
    await fail(world)
    taken = {each.channel_id: each for each in await claim(world)}
    await world.store.write(alerts.delete_channel, chat, world.clock.now())
    await settle(world, taken[chat])
    rows = {row.channel_id: row for row in (await world.store.read(alerts.page)).items}
    assert rows[chat].state is AlertState.SUPERSEDED
    with pytest.raises(NotFound):
        await world.store.read(alerts.channel_url, chat)
    assert (await world.store.read(alerts.get_rule, both)).channel_ids == [mail]
    with pytest.raises(NotFound):
        await world.store.read(alerts.get_rule, only_chat)
    assert [row.id for row in (await world.store.read(alerts.channels)).items] == [mail]


async def test_a_recovery_that_was_not_sent_yet_is_taken_back_when_it_fails_again(world):
    await world.add_channel("chat")
    claimed, _ = await fail(world)
    await settle(world, (await claim(world))[0])
    await recover(world, claimed)
    await fail(world)
    told = await world.store.read(alerts.of_problem, (await only(world)).id)
    assert [(each.event, each.state) for each in told] == [
        (AlertEvent.OPENED, AlertState.SENT),
        (AlertEvent.RECOVERED, AlertState.SUPERSEDED),
        (AlertEvent.REOPENED, AlertState.QUEUED),
    ]


async def test_an_opening_that_is_over_before_it_could_be_sent_is_told_to_nobody(world):
    await world.add_channel("chat")
    claimed, _ = await fail(world)
    await recover(world, claimed)
    told = await world.store.read(alerts.of_problem, (await only(world)).id)
    assert [(each.event, each.state) for each in told] == [(AlertEvent.OPENED, AlertState.SUPERSEDED)]
    assert await claim(world) == []


async def test_a_claimed_message_can_be_put_back_or_withdrawn(world):
    await world.add_channel("chat")
    await fail(world)
    (alert,) = await claim(world)
    later = world.clock.now() + timedelta(minutes=1)
    await world.store.write(alerts.postpone, alert.id, later)
    assert (await claim(world), await world.store.read(alerts.next_due)) == ([], later)
    world.clock.advance(60)
    (alert,) = await claim(world)
    assert alert.tries == 1
    await world.store.write(alerts.supersede, alert.id)
    await settle(world, alert)
    (row,) = (await world.store.read(alerts.page)).items
    assert row.state is AlertState.SUPERSEDED


async def test_rules_are_edited_and_know_their_channels(world):
    chat = await world.add_channel("chat")
    rule = await world.add_rule(chat, environments=[TESTING])
    await world.store.write(alerts.update_rule, rule, name="night", environments=[], recoveries=False)
    row = await world.store.read(alerts.get_rule, rule)
    assert (row.name, row.environments, row.recoveries, row.channel_ids) == ("night", [], False, [chat])
    with pytest.raises(Malformed):
        await world.store.write(alerts.update_rule, rule, channel_ids=["chn_unknown"])
    await world.store.write(alerts.delete_rule, rule)
    with pytest.raises(NotFound):
        await world.store.write(alerts.delete_rule, rule)


async def test_a_message_of_no_problem_keeps_its_own_words(world):
    chat = await world.add_channel("chat")
    await world.store.write(
        alerts.enqueue,
        alert_id=world.new("alt"),
        channel_id=chat,
        event=AlertEvent.TEST,
        now=world.clock.now(),
        title="hello",
        body="there",
    )
    (alert,) = await claim(world)
    assert (alert.event, alert.title, alert.body, alert.problem) == (AlertEvent.TEST, "hello", "there", None)
