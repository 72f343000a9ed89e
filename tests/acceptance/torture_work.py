"""Tasks and proof under kill -9: created, edited on both sides and collected, while the line drops now and then."""

from __future__ import annotations

import asyncio
import random
from collections import Counter
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import TypeVar

from aiohttp import web

from healthdesk.api.instances import Instance, InstanceFilter, InstanceSync
from healthdesk.api.proof import ProofSyncCreate
from healthdesk.api.tasks import Task, TaskCreate, TaskEdit
from healthdesk.client.client import Client
from healthdesk.domain.instance_runs import JITTER
from healthdesk.domain.instance_states import InstanceKind, InstanceState, LinkState, RunOutcome, WorkStatus
from healthdesk.errors import ApiRefused, HealthdeskError
from tests.connectors.apps.fake import Lost
from tests.harness.desk import Desk
from tests.harness.serving import until
from tests.harness.work import GithubNow, connect, integrate_proof, integrate_tasks, passes

T = TypeVar("T")

TASK_CLIENTS = 3
EVERY_S = 3600.0
"""How often a task is checked by itself, unless it is told otherwise."""

ROUND_S = EVERY_S * (1 + JITTER) + 60.0
"""After this each task is due once more, however far its time was spread."""

ROUNDS = 8
"""So many of them may pass until what was cut off or lost is repaired by itself."""


@dataclass
class Promised:
    """What was asked for: by the name a task was created with, what it shall be called and be."""

    ids: dict[str, str] = field(default_factory=dict)
    names: dict[str, str] = field(default_factory=dict)
    done: set[str] = field(default_factory=set)
    bodies: dict[str, str] = field(default_factory=dict)
    """What somebody wrote into the issue there, by the task's id."""


class Work:
    """Operators of a desk who create and edit tasks and collect proof until they are told to stop."""

    def __init__(self, desk: Desk, github: GithubNow, rng: random.Random) -> None:
        self.desk, self.github, self.rng = desk, github, rng
        self.promised = Promised()
        self.stop = asyncio.Event()
        self.dropped = 0
        self.tasks_id = self.proof_id = ""

    async def set_up(self) -> None:
        async with self.desk.client() as client:
            connection_id = await connect(client, self.github)
            self.tasks_id = await integrate_tasks(client, self.github, connection_id)
            integration_id, label_id = await integrate_proof(client, self.github)
            dataset = "repository_collaborators"
            made = await client.proof_sync_create(
                ProofSyncCreate(
                    integration_id=integration_id,
                    connection_id=connection_id,
                    dataset=dataset,
                    fields=dict(self.github.datasets[dataset]),
                    label_id=label_id,
                )
            )
            self.proof_id = made.id
        self.github.loses = self._loses

    def _loses(self, request: web.Request, body: bytes) -> Lost:
        """Drop one line in twelve, half of them once what was asked is done."""
        if request.path == "/user" or self.stop.is_set() or self.rng.random() > 1 / 12:
            return Lost.NOTHING
        self.dropped += 1
        return self.rng.choice((Lost.REQUEST, Lost.ANSWER))

    async def run(self) -> None:
        async with asyncio.TaskGroup() as group:
            for number in range(TASK_CLIENTS):
                group.create_task(self._tasks(number))
            group.create_task(self._proof())

    async def _tasks(self, number: int) -> None:
        turn = 0
        while not self.stop.is_set():
            turn += 1
            name = f"Task {number} {turn}"
            task_id = await self._create(name)
            self.promised.ids[name] = task_id
            self.promised.names[task_id] = name
            await asyncio.sleep(self.rng.random() * 0.3)
            await self._edit(task_id, name)

    async def _create(self, name: str) -> str:
        """Create a task once: whether one was stored that was not answered is looked up."""

        async def create(client: Client) -> str:
            for each in (await client.tasks_list(text=name)).items:
                if each.name == name:
                    return each.id
            return (await client.task_create(TaskCreate(name=name, integration_id=self.tasks_id))).id

        return await self._until_done(create)

    async def _edit(self, task_id: str, name: str) -> None:
        match self.rng.choice(("name", "done", "there", "nothing")):
            case "name":
                await self._until_done(
                    lambda client: client.task_edit(task_id, TaskEdit(name=f"{name} again"))
                )
                self.promised.names[task_id] = f"{name} again"
            case "done":
                edit = TaskEdit(status=WorkStatus.DONE)
                await self._until_done(lambda client: client.task_edit(task_id, edit))
                self.promised.done.add(task_id)
            case "there":
                for issue in self.github.issues.values():
                    if issue["title"] == name:
                        issue["body"] = self.promised.bodies[task_id] = f"Written into {name}"

    async def _proof(self) -> None:
        while not self.stop.is_set():
            await self._until_done(lambda client: client.instance_sync(self.proof_id, InstanceSync(wait_s=1)))
            await asyncio.sleep(self.rng.random() * 0.5)

    async def _until_done(self, act: Callable[[Client], Awaitable[T]]) -> T:
        while True:
            try:
                async with self.desk.client() as client:
                    return await act(client)
            except ApiRefused as error:
                if error.status < 500:
                    raise
            except HealthdeskError:
                pass  # the daemon is being killed or started
            await asyncio.sleep(0.1)

    async def account(self) -> dict[str, object]:
        """Let hours pass until all is repaired by itself, then compare what was asked for with what there is."""
        rounds = 0
        while True:
            async with self.desk.client() as client:
                await until(lambda: at_rest(client), timeout_s=120.0)
                failed = await client.instances_count()
                # What is due at a start is spread over a while: one round may leave it for the next.
                if rounds > 1 and failed.succeeded == failed.total:
                    return {**await self._compare(client), "hours": rounds}
                found = await _all(client, InstanceFilter(state=["failed_or_blocked", "pending"]))
            assert rounds < ROUNDS, [(each.name, each.state_word, each.error) for each in found[:5]]
            rounds += 1
            self.desk.kill()
            await passes(self.desk, ROUND_S)
            await self.desk.start()

    async def _compare(self, client: Client) -> dict[str, object]:
        promised, issues = self.promised, self.github.issues
        tasks = {each.id: each for each in await _all_tasks(client)}
        assert set(tasks) == set(promised.ids.values()), (
            "tasks are there that nobody asked for, or are missing"
        )
        titles = Counter(each["title"] for each in issues.values())
        twice = {title: count for title, count in titles.items() if count > 1}
        assert not twice, f"issues that are there more than once: {twice}"
        assert set(titles) == set(promised.names.values()), set(titles) ^ set(promised.names.values())
        assert len(issues) == len(tasks), f"{len(issues)} issues of {len(tasks)} tasks"
        by_title = {each["title"]: each for each in issues.values()}
        runs: Counter[RunOutcome] = Counter()
        for task in tasks.values():
            self._compare_one(task, by_title[promised.names[task.id]])
            for run in (await client.instance_runs(task.id, limit=500)).items:
                runs[run.outcome] += 1
                assert run.finished_at is not None, f"{task.name}: {run}"
        proof = await client.proof_sync(self.proof_id)
        assert (proof.state, proof.rows) == (InstanceState.SUCCEEDED, 230)
        collected = (await client.instance_runs(self.proof_id, limit=500)).items
        assert all(run.outcome is not RunOutcome.RUNNING for run in collected)
        whole = [run for run in collected if run.outcome in (RunOutcome.COLLECTED, RunOutcome.UNCHANGED)]
        assert {(run.rows, run.content_hash) for run in whole} == {(230, proof.content_hash)}
        totals = await client.instances_count(InstanceFilter(kind=InstanceKind.TASK))
        assert (totals.total, totals.succeeded, totals.failed) == (len(tasks), len(tasks), 0)
        return {
            "tasks": len(tasks),
            "issues": len(issues),
            "lines_dropped": self.dropped,
            "runs": {outcome.value: count for outcome, count in sorted(runs.items())},
            "proof_runs": {
                outcome.value: count
                for outcome, count in sorted(Counter(run.outcome for run in collected).items())
            },
        }

    def _compare_one(self, task: Task, issue: dict[str, object]) -> None:
        done = task.id in self.promised.done
        assert task.instance is not None
        assert task.instance.link is LinkState.LINKED
        assert task.instance.external_key.endswith(f"#{issue['number']}"), task
        assert task.name == self.promised.names[task.id] == issue["title"]
        assert (task.status is WorkStatus.DONE) == done == (issue["state"] == "closed"), (task, issue)
        assert task.description == (issue["body"] or "") == self.promised.bodies.get(task.id, ""), (
            task,
            issue,
        )


async def at_rest(client: Client) -> bool:
    """Tell whether nothing runs or is due."""
    now = datetime.now(UTC)
    return all(
        not each.running and (each.next_at is None or each.next_at > now)
        for each in await _all(client, InstanceFilter())
    )


async def _all(client: Client, chosen: InstanceFilter) -> list[Instance]:
    found: list[Instance] = []
    after = None
    while True:
        page = await client.instances_list(chosen, after=after, limit=500)
        found += page.items
        after = page.next
        if after is None:
            return found


async def _all_tasks(client: Client) -> list[Task]:
    found: list[Task] = []
    after = None
    while True:
        page = await client.tasks_list(after=after, limit=500)
        found += page.items
        after = page.next
        if after is None:
            return found
