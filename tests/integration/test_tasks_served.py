"""A desk that runs: a task and a template become issues of an app, and follow them."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from tests.connectors.apps.fake_github import FakeGithub
from tests.harness.serving import served_desk, until

from healthdesk.api.connections import ConnectionCreate
from healthdesk.api.integrations import IntegrationCreate
from healthdesk.api.tasks import TaskCreate, TaskEdit, TemplateCreate
from healthdesk.client.client import Client
from healthdesk.domain.instance_states import WorkStatus
from healthdesk.domain.states import IntegrationKind


async def settled(client: Client, task_id: str, key: str = "") -> Any:
    """Wait until a task is synced; with `key` linked with that issue."""

    async def there() -> Any:
        task = await client.task(task_id)
        synced = task.instance
        done = synced is not None and synced.state_word == "Succeeded" and not synced.running
        return task if done and (not key or synced.external_key == key) else None

    return await until(there)


async def test_tasks_and_templates_become_issues_that_are_followed(tmp_path: Path) -> None:
    async with FakeGithub() as github, served_desk(tmp_path) as desk, desk.client() as client:
        credentials = {"auth": github.auth, "fields": dict(github.credentials)}
        connection = await client.connection_create(
            ConnectionCreate(app="github", name="GitHub", base_url=github.url, credentials=credentials)
        )
        integration = await client.integration_create(
            IntegrationCreate(
                kind=IntegrationKind.TASKS,
                name="Issues",
                connection_id=connection.id,
                tasks={"container": dict(github.container)},
            )
        )
        made = await client.task_create(TaskCreate(name="Rotate the keys", integration_id=integration.id))
        task = await settled(client, made.id)
        assert task.issue.title == "Rotate the keys"
        assert task.instance.external_url

        await client.task_edit(made.id, TaskEdit(status=WorkStatus.DONE, version=task.version))

        async def closed() -> Any:
            found = await client.task(made.id)
            return found if found.issue is not None and found.issue.done else None

        assert (await until(closed)).issue.status == "closed"
        template = await client.template_create(
            TemplateCreate(name="Weekly", task={"name": "Rotate {date}"}, integration_id=integration.id)
        )
        repeated = await settled(client, (await client.template_create_task(template.id)).id)
        assert repeated.template_name == "Weekly"
        assert repeated.instance.external_key != task.instance.external_key
        shown = await client.integration(integration.id)
        assert shown.totals is not None
        assert (shown.totals.total, shown.totals.failed) == (2, 0)
        await client.task_remove(made.id)
        assert not [path for method, path in github.requests if method == "DELETE"]
