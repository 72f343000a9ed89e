"""How the windows of tasks and proof look: fixed clock, zone, size and theme. Behaviour is asserted elsewhere."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from textual.pilot import Pilot
from textual.screen import Screen

from healthdesk.tui.app import HealthdeskApp
from healthdesk.tui.screens.app_integration import AppIntegrationScreen
from healthdesk.tui.screens.proof import ProofScreen
from healthdesk.tui.screens.task import TaskScreen
from healthdesk.tui.screens.tasks import TasksScreen
from healthdesk.tui.screens.template import TemplateScreen
from tests.tui.desk import LARGE, SMALL, Driver, make_app
from tests.tui.fake_proof import ProofDesk
from tests.tui.fake_tasks import FAILED, LINKED, UNLINKED
from tests.tui.task_desk import NEXT_TAB


def not_a_member(desk: ProofDesk) -> None:
    desk.member = False


def nothing(_: ProofDesk) -> None:
    """Leave the desk as it is."""


def proof() -> Screen[Any]:
    return ProofScreen("prf_1")


SCENES: dict[str, tuple[Callable[[], Screen[Any]], tuple[int, int], list[str], Callable[[ProofDesk], None], dict[str, Any]]] = {
    "tasks": (TasksScreen, SMALL, [], nothing, {}),
    "tasks-wide": (TasksScreen, LARGE, ["j"], nothing, {}),
    "task-linked": (lambda: TaskScreen(LINKED), SMALL, [], nothing, {}),
    "task-failed": (lambda: TaskScreen(FAILED), SMALL, [], nothing, {}),
    "task-failed-wide": (lambda: TaskScreen(FAILED), LARGE, [], nothing, {}),
    "task-unlinked": (lambda: TaskScreen(UNLINKED), SMALL, [], nothing, {}),
    "task-runs": (lambda: TaskScreen(FAILED), SMALL, [NEXT_TAB, "j"], nothing, {}),
    "task-edit": (lambda: TaskScreen(LINKED), SMALL, ["e"], nothing, {}),
    "review": (lambda: TaskScreen(UNLINKED), SMALL, ["i", *"logs", "enter", "enter"], nothing, {}),
    "template": (lambda: TemplateScreen("tpl_1"), SMALL, [], nothing, {}),
    "proof": (proof, SMALL, [], nothing, {}),
    "proof-wide": (proof, LARGE, [], nothing, {}),
    "proof-ascii": (proof, SMALL, [NEXT_TAB], nothing, {"ascii_only": True}),
    "difference": (proof, SMALL, [NEXT_TAB, "j", "j"], nothing, {}),
    "not-a-member": (proof, SMALL, [], not_a_member, {}),
    "mapping": (lambda: AppIntegrationScreen("int_jira"), SMALL, [], nothing, {}),
    "mapping-form": (lambda: AppIntegrationScreen("int_jira"), SMALL, ["F"], nothing, {}),
}  # fmt: skip


@pytest.mark.parametrize("name", SCENES)
def test_scene(name: str, snap_compare: Any) -> None:
    make, size, keys, prepare, options = SCENES[name]
    desk = ProofDesk()
    prepare(desk)

    async def reach(pilot: Pilot[None]) -> None:
        assert isinstance(pilot.app, HealthdeskApp)
        driver = Driver(pilot.app, pilot)
        await driver.settle()
        await pilot.app.push_screen(make())
        await driver.settle()
        await driver.press(*keys)

    app = make_app(desk, area="connections", **options)
    assert snap_compare(app, terminal_size=size, run_before=reach)
