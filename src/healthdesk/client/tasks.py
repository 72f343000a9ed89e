"""Calls about tasks and repeating tasks (templates)."""

from __future__ import annotations

from pydantic import TypeAdapter

from healthdesk.api.common import Page
from healthdesk.api.tasks import Task, TaskCreate, TaskEdit, Template, TemplateCreate, TemplateEdit
from healthdesk.client.params import optional, paging, seg
from healthdesk.client.transport import LONG_TIMEOUT_S, Transport
from healthdesk.domain.instance_states import WorkStatus

_TASK = TypeAdapter(Task)
_TASKS = TypeAdapter(Page[Task])
_TEMPLATE = TypeAdapter(Template)
_TEMPLATES = TypeAdapter(Page[Template])


class TaskCalls:
    """Tasks of the desk, and the templates that create them on a schedule."""

    _http: Transport

    async def tasks_list(
        self,
        *,
        status: WorkStatus | None = None,
        template_id: str | None = None,
        integration_id: str | None = None,
        assignee: str | None = None,
        text: str | None = None,
        after: str | None = None,
        limit: int = 50,
    ) -> Page[Task]:
        """Tasks that match, newest first."""
        query = paging(after, limit) + optional(
            status=status,
            template_id=template_id,
            integration_id=integration_id,
            assignee=assignee,
            text=text,
        )
        return await self._http.call(_TASKS, "GET", "/v1/tasks", query=query)

    async def task(self, task_id: str) -> Task:
        """One task with its integration and its issue as it was read last."""
        return await self._http.call(_TASK, "GET", f"/v1/tasks/{seg(task_id)}")

    async def task_create(self, new: TaskCreate) -> Task:
        """Add a task; with an integration its issue is created."""
        return await self._http.call(_TASK, "POST", "/v1/tasks", body=new, timeout_s=LONG_TIMEOUT_S)

    async def task_edit(self, task_id: str, changes: TaskEdit) -> Task:
        """Change a task; what is synced goes to its issue."""
        path = f"/v1/tasks/{seg(task_id)}"
        return await self._http.call(_TASK, "PATCH", path, body=changes, timeout_s=LONG_TIMEOUT_S)

    async def task_remove(self, task_id: str) -> None:
        """Remove a task; its issue stays."""
        await self._http.raw("DELETE", f"/v1/tasks/{seg(task_id)}")

    async def templates_list(self, *, after: str | None = None, limit: int = 50) -> Page[Template]:
        """Every repeating task."""
        return await self._http.call(_TEMPLATES, "GET", "/v1/templates", query=paging(after, limit))

    async def template(self, template_id: str) -> Template:
        """One repeating task."""
        return await self._http.call(_TEMPLATE, "GET", f"/v1/templates/{seg(template_id)}")

    async def template_create(self, new: TemplateCreate) -> Template:
        """Add a repeating task."""
        return await self._http.call(_TEMPLATE, "POST", "/v1/templates", body=new)

    async def template_edit(self, template_id: str, changes: TemplateEdit) -> Template:
        """Change a repeating task; tasks that exist stay as they are."""
        path = f"/v1/templates/{seg(template_id)}"
        return await self._http.call(_TEMPLATE, "PATCH", path, body=changes)

    async def template_remove(self, template_id: str) -> None:
        """Remove a repeating task; the tasks made from it stay."""
        await self._http.raw("DELETE", f"/v1/templates/{seg(template_id)}")

    async def template_create_task(self, template_id: str) -> Task:
        """Create a task from a template now."""
        path = f"/v1/templates/{seg(template_id)}/create"
        return await self._http.call(_TASK, "POST", path, timeout_s=LONG_TIMEOUT_S)
