"""Routes of instances: tasks and proof syncs, their runs, and the issues that tasks are linked with."""

from __future__ import annotations

from healthdesk.api.common import Page
from healthdesk.api.instances import (
    Attach,
    AttachReview,
    FindIssue,
    FoundIssues,
    Instance,
    InstanceFilter,
    InstanceSync,
    InstanceTotals,
    IssueRef,
    Reconnect,
    Reconnected,
    Run,
)
from healthdesk.http.query import InstanceList, Paging
from healthdesk.http.route import Call, Route
from healthdesk.operations import instance_actions, instances, linking


async def _list(call: Call) -> Page[Instance]:
    asked = call.query(InstanceList)
    return await instances.list_all(call.desk, asked, asked.after, asked.limit)


async def _count(call: Call) -> InstanceTotals:
    return await instances.count(call.desk, call.query(InstanceFilter))


async def _show(call: Call) -> Instance:
    return await instances.show(call.desk, call.path["id"])


async def _runs(call: Call) -> Page[Run]:
    page = call.query(Paging)
    return await instances.list_runs(call.desk, call.path["id"], page.after, page.limit)


async def _sync(call: Call) -> Instance:
    return await instance_actions.sync(call.desk, call.path["id"], call.body(InstanceSync))


async def _unlink(call: Call) -> Instance:
    return await instance_actions.unlink(call.desk, call.path["id"])


async def _find(call: Call) -> FoundIssues:
    return await linking.find(call.desk, call.path["id"], call.body(FindIssue))


async def _review(call: Call) -> AttachReview:
    return await linking.review(call.desk, call.path["id"], call.body(IssueRef))


async def _attach(call: Call) -> Instance:
    return await linking.attach(call.desk, call.path["id"], call.body(Attach))


async def _create_issue(call: Call) -> Instance:
    return await instance_actions.create_issue(call.desk, call.path["id"])


async def _reconnect(call: Call) -> Reconnected:
    return await instance_actions.reconnect(call.desk, call.path["id"], call.body(Reconnect))


_ONE = "/v1/instances/{id}"

ROUTES = (
    Route(
        "GET",
        "/v1/instances",
        "instances.list",
        "Tasks and proof syncs of integrations, with their status.",
        _list,
        Page[Instance],
        query=InstanceList,
    ),
    Route(
        "GET",
        "/v1/instances/count",
        "instances.list",
        "How many match, by status.",
        _count,
        InstanceTotals,
        query=InstanceFilter,
    ),
    Route("GET", _ONE, "instances.show", "One task or proof sync, and why it is as it is.", _show, Instance),
    Route(
        "GET",
        _ONE + "/runs",
        "instances.runs",
        "What its runs did, newest first.",
        _runs,
        Page[Run],
        query=Paging,
    ),
    Route(
        "POST",
        _ONE + "/sync",
        "instances.sync",
        "Sync now and answer when it is done, or after `wait_s` seconds.",
        _sync,
        Instance,
        InstanceSync,
    ),
    Route(
        "POST",
        _ONE + "/unlink",
        "instances.unlink",
        "Part a task from its issue; both stay as they are.",
        _unlink,
        Instance,
    ),
    Route(
        "POST",
        _ONE + "/find",
        "instances.attach",
        "Find an issue by its key, its URL or words of its title.",
        _find,
        FoundIssues,
        FindIssue,
    ),
    Route(
        "POST",
        _ONE + "/review",
        "instances.attach",
        "What of the task an issue would overwrite, and the digest that attaching wants.",
        _review,
        AttachReview,
        IssueRef,
    ),
    Route(
        "POST",
        _ONE + "/attach",
        "instances.attach",
        "Link a task with an existing issue, which overwrites it as was reviewed.",
        _attach,
        Instance,
        Attach,
    ),
    Route(
        "POST",
        _ONE + "/create-issue",
        "instances.create_issue",
        "Create a new issue for a task that is unlinked, or whose issue was deleted.",
        _create_issue,
        Instance,
    ),
    Route(
        "POST",
        _ONE + "/reconnect",
        "instances.reconnect",
        "Give a task another connection, and all others of the same user and app that lost theirs.",
        _reconnect,
        Reconnected,
        Reconnect,
    ),
)
