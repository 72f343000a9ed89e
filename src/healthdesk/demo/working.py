"""Gives the demo's desk work: tasks with issues at GitHub and Jira, a repeating one, and proof from GitHub."""

from __future__ import annotations

from dataclasses import dataclass

from healthdesk.api.instances import InstanceFilter
from healthdesk.api.integrations import Integration, IntegrationCreate, ProofSettings, TaskSettings
from healthdesk.api.labels import LabelCreate
from healthdesk.api.proof import ProofSyncCreate
from healthdesk.api.tasks import Schedule, TaskCreate, TemplateCreate, TemplateTask
from healthdesk.client.client import Client
from healthdesk.demo.issues import DELETED, OWNER, PROJECT, REMOVED, REPOSITORY
from healthdesk.domain.instance_states import LabelKind
from healthdesk.domain.states import IntegrationKind

WEBSITE, OPS, ACCESS = "Website issues", "Operations", "Access reviews"
TEMPLATE = "Quarterly key rotation"
CONTROL, LABEL = "CC6.1 Logical access", "Vendors"
REFUSED = "Patch the bastion"
"""Its issue at Jira cannot be done before somebody fills a field there."""

WEBSITE_TASKS = ("Renew the TLS certificate", DELETED)
OPS_TASKS = (REFUSED, "Write the incident report")
EVERY_S = 60.0
COLLECTED_EVERY_S = 300.0


@dataclass(frozen=True, slots=True)
class Working:
    """The tasks by name and the proof syncs by what they collect of."""

    tasks: dict[str, str]
    proof: dict[str, str]


async def set_up_work(client: Client, connections: dict[str, str]) -> Working:
    """Make integrations, tasks and proof syncs. Tasks of an earlier demo go: their issues were in another world."""
    known = {each.name: each for each in (await client.integrations_list(limit=500)).items}
    await _forget_tasks(client)
    website = known.get(WEBSITE) or await client.integration_create(
        _tasks(WEBSITE, connections["github"], {"owner": OWNER, "repo": REPOSITORY})
    )
    ops = known.get(OPS) or await client.integration_create(
        _tasks(OPS, connections["jira"], {"project": PROJECT, "issue_type": "Task"})
    )
    tasks = {}
    for integration, names in ((website, WEBSITE_TASKS), (ops, OPS_TASKS)):
        for name in names:
            made = await client.task_create(TaskCreate(name=name, integration_id=integration.id))
            tasks[name] = made.id
    made = await client.template_create_task(await _template(client, website))
    tasks[made.name] = made.id
    return Working(tasks, await _proof(client, known.get(ACCESS), connections["github"]))


def _tasks(name: str, connection_id: str, container: dict[str, str]) -> IntegrationCreate:
    return IntegrationCreate(
        kind=IntegrationKind.TASKS,
        name=name,
        connection_id=connection_id,
        tasks=TaskSettings(container=container, every_s=EVERY_S),
    )


async def _forget_tasks(client: Client) -> None:
    for task in (await client.tasks_list(limit=500)).items:
        await client.task_remove(task.id)


async def _template(client: Client, integration: Integration) -> str:
    for each in (await client.templates_list(limit=500)).items:
        if each.name == TEMPLATE:
            return each.id
    made = await client.template_create(
        TemplateCreate(
            name=TEMPLATE,
            task=TemplateTask(name="Rotate the root keys, {date}", due_in_days=14),
            schedule=Schedule(cron="0 8 1 */3 *"),
            integration_id=integration.id,
        )
    )
    return made.id


async def _proof(client: Client, integration: Integration | None, connection_id: str) -> dict[str, str]:
    """Return the proof syncs by repository; those of an earlier demo go on."""
    if integration is None:
        integration = await client.integration_create(
            IntegrationCreate(
                kind=IntegrationKind.PROOF,
                name=ACCESS,
                app="github",
                proof=ProofSettings(every_s=COLLECTED_EVERY_S),
            )
        )
        control = await client.label_create(LabelCreate(kind=LabelKind.CONTROL, name=CONTROL))
        await client.label_create(LabelCreate(name=LABEL))
        for repository in (REPOSITORY, REMOVED):
            await client.proof_sync_create(
                ProofSyncCreate(
                    integration_id=integration.id,
                    connection_id=connection_id,
                    dataset="repository_collaborators",
                    fields={"owner": OWNER, "repo": repository},
                    label_id=control.id,
                )
            )
    chosen = InstanceFilter(integration_id=[integration.id])
    there = (await client.instances_list(chosen, limit=500)).items
    return {each.name.rpartition("/")[2]: each.id for each in there}
