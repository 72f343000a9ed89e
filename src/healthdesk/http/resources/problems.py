"""Routes of problems, channels, rules and alerts."""

from __future__ import annotations

from healthdesk.api.alerts import Alert, Channel, ChannelCreate, ChannelTest, Rule, RuleCreate, RuleEdit
from healthdesk.api.common import Page
from healthdesk.api.problems import Acknowledge, Mute, ProblemDetail, ProblemRow, Resolve
from healthdesk.http.query import AlertList, Paging, ProblemList
from healthdesk.http.route import Call, Route
from healthdesk.operations import channels, problems, rules


async def _list(call: Call) -> Page[ProblemRow]:
    query = call.query(ProblemList)
    return await problems.list_all(
        call.desk, query.state, query.integration_id, query.connection_id, query.after, query.limit
    )


async def _show(call: Call) -> ProblemDetail:
    return await problems.show(call.desk, call.path["id"])


async def _ack(call: Call) -> ProblemDetail:
    return await problems.acknowledge(call.desk, call.path["id"], call.body(Acknowledge))


async def _mute(call: Call) -> ProblemDetail:
    return await problems.mute(call.desk, call.path["id"], call.body(Mute))


async def _resolve(call: Call) -> ProblemDetail:
    return await problems.resolve(call.desk, call.path["id"], call.body(Resolve))


async def _channels(call: Call) -> Page[Channel]:
    page = call.query(Paging)
    return await channels.list_all(call.desk, page.after, page.limit)


async def _add_channel(call: Call) -> Channel:
    return await channels.add(call.desk, call.body(ChannelCreate))


async def _channel(call: Call) -> Channel:
    return await channels.show(call.desk, call.path["id"])


async def _remove_channel(call: Call) -> None:
    await channels.remove(call.desk, call.path["id"])


async def _test_channel(call: Call) -> ChannelTest:
    return await channels.test(call.desk, call.path["id"])


async def _rules(call: Call) -> Page[Rule]:
    page = call.query(Paging)
    return await rules.list_all(call.desk, page.after, page.limit)


async def _add_rule(call: Call) -> Rule:
    return await rules.add(call.desk, call.body(RuleCreate))


async def _rule(call: Call) -> Rule:
    return await rules.show(call.desk, call.path["id"])


async def _edit_rule(call: Call) -> Rule:
    return await rules.edit(call.desk, call.path["id"], call.body(RuleEdit))


async def _remove_rule(call: Call) -> None:
    await rules.remove(call.desk, call.path["id"])


async def _alerts(call: Call) -> Page[Alert]:
    query = call.query(AlertList)
    return await channels.alerts(call.desk, query.problem_id, query.channel_id, query.after, query.limit)


_ONE = "/v1/problems/{id}"
_CHANNEL = "/v1/channels/{id}"
_RULE = "/v1/rules/{id}"

ROUTES = (
    Route(
        "GET",
        "/v1/problems",
        "problems.list",
        "Problems, newest first; without `state` those that are not resolved.",
        _list,
        Page[ProblemRow],
        query=ProblemList,
    ),
    Route("GET", _ONE, "problems.show", "One problem with its evidence and alerts.", _show, ProblemDetail),
    Route(
        "POST",
        _ONE + "/ack",
        "problems.ack",
        "Take a problem: no further alerts but its recovery.",
        _ack,
        ProblemDetail,
        Acknowledge,
    ),
    Route(
        "POST",
        _ONE + "/mute",
        "problems.mute",
        "Silence it for a while; 0 unmutes.",
        _mute,
        ProblemDetail,
        Mute,
    ),
    Route(
        "POST",
        _ONE + "/resolve",
        "problems.resolve",
        "Close it by hand; a new failure reopens it.",
        _resolve,
        ProblemDetail,
        Resolve,
    ),
    Route(
        "GET",
        "/v1/channels",
        "channels.list",
        "Channels, oldest first.",
        _channels,
        Page[Channel],
        query=Paging,
    ),
    Route(
        "POST",
        "/v1/channels",
        "channels.add",
        "Add a channel by its Apprise URL.",
        _add_channel,
        Channel,
        ChannelCreate,
        status=201,
    ),
    Route("GET", _CHANNEL, "channels.show", "One channel, its URL masked.", _channel, Channel),
    Route("DELETE", _CHANNEL, "channels.remove", "Remove a channel.", _remove_channel, status=204),
    Route(
        "POST",
        _CHANNEL + "/test",
        "channels.test",
        "Send a test message and answer what became of it.",
        _test_channel,
        ChannelTest,
    ),
    Route("GET", "/v1/rules", "rules.list", "Rules, oldest first.", _rules, Page[Rule], query=Paging),
    Route("POST", "/v1/rules", "rules.add", "Add a rule.", _add_rule, Rule, RuleCreate, status=201),
    Route("GET", _RULE, "rules.show", "One rule.", _rule, Rule),
    Route("PATCH", _RULE, "rules.edit", "Change a rule; what is absent stays.", _edit_rule, Rule, RuleEdit),
    Route("DELETE", _RULE, "rules.remove", "Remove a rule.", _remove_rule, status=204),
    Route(
        "GET",
        "/v1/alerts",
        "alerts.list",
        "Messages of the outbox, newest first.",
        _alerts,
        Page[Alert],
        query=AlertList,
    ),
)
