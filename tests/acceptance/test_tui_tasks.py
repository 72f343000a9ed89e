"""The screen, a daemon process and an app: tasks with their issues, and proof, as an operator goes about them."""

from __future__ import annotations

from datetime import UTC

from pydantic import SecretStr
from textual.widgets import Input

from healthdesk.api.connections import ConnectionCreate, Credentials
from healthdesk.api.instances import InstanceFilter
from healthdesk.client.client import Client
from healthdesk.domain.instance_states import InstanceKind, InstanceState, LinkState
from healthdesk.tui.app import HealthdeskApp
from healthdesk.tui.screens.chooser import Chooser
from healthdesk.tui.screens.connections import ConnectionsScreen
from healthdesk.tui.screens.dialog import Question
from healthdesk.tui.screens.forms import Form
from healthdesk.tui.screens.integrations import IntegrationsScreen
from healthdesk.tui.screens.labels import LabelsScreen
from healthdesk.tui.screens.proof import ProofScreen
from healthdesk.tui.screens.review import Review
from healthdesk.tui.screens.task import TaskScreen
from healthdesk.tui.screens.tasks import TasksScreen
from tests.acceptance.test_tui_connects import Operator
from tests.connectors.apps.fake_github import FakeGithub
from tests.harness.desk import temporary_desk


async def connect(client: Client, github: FakeGithub) -> None:
    secrets = {key: SecretStr(value) for key, value in github.credentials.items()}
    new = ConnectionCreate(
        app="github",
        name="GitHub of ops",
        base_url=github.url,
        credentials=Credentials(auth=github.auth, fields=secrets),
    )
    await client.connection_create(new)


async def fill(operator: Operator, **values: str) -> None:
    """Put texts into the fields of the form, `__` for the slash in their names."""
    for name, text in values.items():
        editor = next(
            each for each in operator.app.screen.query(Input) if each.name == name.replace("__", "/")
        )
        editor.value = text


async def test_a_task_gets_an_issue_is_unlinked_and_attached_and_proof_is_collected_through_the_screen() -> (
    None
):
    async with temporary_desk() as desk, FakeGithub() as github, desk.client() as client:
        await connect(client, github)
        app = HealthdeskApp(client, tz=UTC)
        async with app.run_test(size=(160, 45)) as pilot:
            operator = Operator(app, pilot)
            await operator.sees("GitHub")
            await pilot.press("i")
            await operator.is_on(IntegrationsScreen)
            await pilot.press("n")
            await operator.is_on(Question)
            await pilot.press("right", "enter")
            await operator.is_on(Chooser)
            await pilot.press("enter")
            await operator.is_on(Form)
            place = {f"container__{key}": value for key, value in github.container.items()}
            await fill(operator, name="Ops issues", **place)
            await pilot.press("ctrl+s")
            await operator.sees("Ops issues · fields and statuses")
            await pilot.press("ctrl+s")
            await operator.is_on(IntegrationsScreen)
            await operator.sees("Ops issues")

            await pilot.press("escape", "T")
            await operator.is_on(TasksScreen)
            await operator.sees("No tasks yet.")
            await pilot.press("n")
            await operator.is_on(Chooser)
            await pilot.press("enter")
            await operator.is_on(Form)
            await fill(operator, name="Rotate the keys")
            await pilot.press("ctrl+s")
            await operator.sees("Succeeded")
            (task,) = (await client.tasks_list()).items
            assert task.instance is not None
            assert task.instance.state is InstanceState.SUCCEEDED

            await pilot.press("enter")
            await operator.is_on(TaskScreen)
            await operator.sees("✓ Succeeded")
            await operator.sees(task.instance.external_key)
            await pilot.press("D")
            await operator.is_on(Question)
            await pilot.press("right", "enter")
            await operator.sees("– Unlinked")

            await pilot.press("i")
            await operator.is_on(Form)
            await pilot.press(*"Rotate", "enter")
            await operator.is_on(Chooser)
            await pilot.press("enter")
            await operator.is_on(Review)
            await operator.sees("As in")
            await pilot.press("right", "enter")
            await operator.sees("✓ Succeeded")
            shown = await client.task(task.id)
            assert shown.instance is not None
            assert shown.instance.link is LinkState.LINKED
            assert shown.instance.external_key == task.instance.external_key

            await pilot.press("escape", "escape", "L")
            await operator.is_on(LabelsScreen)
            await pilot.press("n")
            await operator.is_on(Form)
            await fill(operator, name="Access reviews")
            await pilot.press("ctrl+s")
            await operator.sees("Access reviews")
            await pilot.press("escape", "i")
            await operator.is_on(IntegrationsScreen)
            await pilot.press("n")
            await operator.is_on(Question)
            await pilot.press("right", "right", "enter")
            await operator.is_on(Chooser)
            await pilot.press(*"github", "enter")
            await operator.is_on(Form)
            await pilot.press("ctrl+s")
            await operator.sees("GitHub proof")
            await pilot.press("escape", "P")
            await operator.is_on(Chooser)
            await pilot.press("enter")
            await operator.sees("dataset")
            await pilot.press("enter")
            await operator.is_on(Form)
            await fill(operator, fields__owner="octo-org", fields__repo="hello-world")
            await pilot.press("ctrl+s")
            await operator.is_on(ConnectionsScreen)
            (proof,) = (await client.instances_list(InstanceFilter(kind=InstanceKind.PROOF))).items
            await app.push_screen(ProofScreen(proof.id))
            await operator.sees("✓ Succeeded")
            await operator.sees("Login")
