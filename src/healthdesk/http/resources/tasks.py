"""Routes of tasks and of templates, the repeating tasks."""

from __future__ import annotations

from healthdesk.api.common import Page
from healthdesk.api.tasks import Task, TaskCreate, TaskEdit, Template, TemplateCreate, TemplateEdit
from healthdesk.http.query import Paging, TaskList
from healthdesk.http.route import Call, Route
from healthdesk.operations import tasks, templates


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


async def _templates(call: Call) -> Page[Template]:
    page = call.query(Paging)
    return await templates.list_all(call.desk, page.after, page.limit)


async def _add_template(call: Call) -> Template:
    return await templates.add(call.desk, call.body(TemplateCreate))


async def _show_template(call: Call) -> Template:
    return await templates.show(call.desk, call.path["id"])


async def _edit_template(call: Call) -> Template:
    return await templates.edit(call.desk, call.path["id"], call.body(TemplateEdit))


async def _remove_template(call: Call) -> None:
    await templates.remove(call.desk, call.path["id"])


async def _create(call: Call) -> Task:
    return await templates.create(call.desk, call.path["id"])


_ONE = "/v1/tasks/{id}"
_TEMPLATE = "/v1/templates/{id}"

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
    Route(
        "GET",
        "/v1/templates",
        "templates.list",
        "Templates, the repeating tasks, oldest first.",
        _templates,
        Page[Template],
        query=Paging,
    ),
    Route(
        "POST",
        "/v1/templates",
        "templates.add",
        "Add a template; its tasks are created under your own connection.",
        _add_template,
        Template,
        TemplateCreate,
        status=201,
    ),
    Route("GET", _TEMPLATE, "templates.show", "One template.", _show_template, Template),
    Route(
        "PATCH",
        _TEMPLATE,
        "templates.edit",
        "Change a template; a null takes its integration away, tasks that exist stay as they are.",
        _edit_template,
        Template,
        TemplateEdit,
    ),
    Route(
        "DELETE",
        _TEMPLATE,
        "templates.remove",
        "Remove a template; tasks that were made from it stay.",
        _remove_template,
        status=204,
    ),
    Route(
        "POST",
        _TEMPLATE + "/create",
        "templates.create",
        "Create a task from a template now, whatever its schedule.",
        _create,
        Task,
        status=201,
    ),
)
