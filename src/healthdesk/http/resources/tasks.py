"""Routes of tasks and of templates, the repeating tasks."""

from __future__ import annotations

from healthdesk.api.common import Page
from healthdesk.api.tasks import Task, TaskCreate, TaskEdit
from healthdesk.http.query import TaskList
from healthdesk.http.route import Call, Route
from healthdesk.operations import tasks


async def _list(call: Call) -> Page[Task]:
    page = call.query(TaskList)
    return await tasks.list_all(call.desk, page, page.after, page.limit)


async def _add(call: Call) -> Task:
    return await tasks.add(call.desk, call.body(TaskCreate))


async def _show(call: Call) -> Task:
    return await tasks.show(call.desk, call.path["id"])


async def _edit(call: Call) -> Task:
    return await tasks.edit(call.desk, call.path["id"], call.body(TaskEdit))


async def _remove(call: Call) -> None:
    await tasks.remove(call.desk, call.path["id"])


_ONE = "/v1/tasks/{id}"

ROUTES = (
    Route("GET", "/v1/tasks", "tasks.list", "Tasks, newest first.", _list, Page[Task], query=TaskList),
    Route(
        "POST",
        "/v1/tasks",
        "tasks.add",
        "Add a task; with an integration its issue is created under your own connection.",
        _add,
        Task,
        TaskCreate,
        status=201,
    ),
    Route("GET", _ONE, "tasks.show", "One task, and its issue as it was read last.", _show, Task),
    Route(
        "PATCH",
        _ONE,
        "tasks.edit",
        "Change a task; one that is linked is synced at once. With `version`, 409 when it changed since.",
        _edit,
        Task,
        TaskEdit,
    ),
    Route("DELETE", _ONE, "tasks.remove", "Remove a task; its issue stays.", _remove, status=204),
)
