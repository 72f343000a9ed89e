"""The part of tasks and proof in the headless story: what fails has its own cause, and all is well in the end."""

from __future__ import annotations

from healthdesk.api.instances import Instance
from healthdesk.api.tasks import TaskEdit
from healthdesk.demo.issues import DELETED, REMOVED
from healthdesk.demo.running import RunningDemo
from healthdesk.demo.working import OPS_TASKS, REFUSED
from healthdesk.domain.instance_states import InstanceState, WorkStatus
from healthdesk.domain.states import ConnectionState


async def look_at_broken_work(demo: RunningDemo) -> list[str]:
    """Sync what broke at the apps; return, in words, what the desk took for something else.

    Jira's connection fails by now: its tasks wait. GitHub is well, and an issue and a repository there are gone.
    """
    client, working = demo.client, demo.setup.working
    wrong = []
    deleted = await client.instance_sync(working.tasks[DELETED])
    wrong += _unlike(deleted, InstanceState.SYNC_FAILED)
    wrong += _unlike(await client.instance_sync(working.proof[REMOVED]), InstanceState.FAILED)
    github = await client.connection(demo.setup.connected.ids["github"])
    if github.state is not ConnectionState.CONNECTED:
        wrong.append(f"an issue and a repository are gone, and GitHub is {github.state_word}")
    return wrong


async def look_at_mended_work(demo: RunningDemo) -> tuple[int, int, list[str]]:
    """Mend tasks and proof as operators do; return how many of each are well, and in words what is not.

    Jira's workflow goes on refusing one task.
    """
    client, working = demo.client, demo.setup.working
    wrong = []
    await client.instance_create_issue(working.tasks[DELETED])
    await client.task_edit(working.tasks[REFUSED], TaskEdit(status=WorkStatus.DONE))
    tasks = {name: await client.instance_sync(task_id) for name, task_id in working.tasks.items()}
    proof = [await client.instance_sync(proof_id) for proof_id in working.proof.values()]
    for name, instance in tasks.items():
        wanted = InstanceState.SYNC_FAILED if name == REFUSED else InstanceState.SUCCEEDED
        wrong += _unlike(instance, wanted)
    for instance in proof:
        wrong += _unlike(instance, InstanceState.SUCCEEDED)
    wrong += [f"{name} is still blocked" for name in OPS_TASKS if tasks[name].blocked]
    return _well(list(tasks.values())), _well(proof), wrong


def _well(instances: list[Instance]) -> int:
    return sum(each.state is InstanceState.SUCCEEDED for each in instances)


def _unlike(instance: Instance, wanted: InstanceState) -> list[str]:
    if instance.state is wanted and not instance.blocked:
        return []
    said = f" ({instance.error})" if instance.error else ""
    return [f"{instance.name} should be {wanted.value} and is {instance.state_word}{said}"]
