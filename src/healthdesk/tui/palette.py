"""The palette: every action of the screen, every list, every area, by name."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import TYPE_CHECKING, Any

from textual.app import SystemCommand
from textual.screen import Screen

from healthdesk.tui.actions import AREAS, TITLES, action_of, actions_of
from healthdesk.tui.screens.base import DeskScreen
from healthdesk.tui.screens.expiries import ExpiriesScreen
from healthdesk.tui.screens.integrations import IntegrationsScreen
from healthdesk.tui.screens.jobs import JobsScreen
from healthdesk.tui.screens.labels import LabelsScreen
from healthdesk.tui.screens.ledger import LedgerScreen
from healthdesk.tui.screens.people import PeopleScreen
from healthdesk.tui.screens.sources import SourcesScreen
from healthdesk.tui.screens.tasks import TasksScreen
from healthdesk.tui.screens.templates import TemplatesScreen

if TYPE_CHECKING:
    from healthdesk.tui.app import HealthdeskApp

LISTS: dict[str, Callable[[], Screen[Any]]] = {
    "expiries": ExpiriesScreen,
    "tasks": TasksScreen,
    "templates": TemplatesScreen,
    "labels": LabelsScreen,
    "integrations": IntegrationsScreen,
    "people": PeopleScreen,
    "jobs": JobsScreen,
    "sources": SourcesScreen,
    "ledger": LedgerScreen,
}
"""Lists that the palette opens from everywhere, by their actions in Connections or the Log."""


def commands(app: HealthdeskApp, screen: Screen[Any]) -> Iterable[SystemCommand]:
    """Return what the palette offers while `screen` is on top."""
    if isinstance(screen, DeskScreen):
        for action in actions_of(screen.context):
            reason = screen.why_not(action)
            told = f"not now: {reason}" if reason else action.help
            yield SystemCommand(action.label, told, lambda action_id=action.id: screen.do(action_id))
    for action_id, made in LISTS.items():
        listed = action_of("connections", action_id) or action_of("log", action_id)
        here = isinstance(screen, DeskScreen) and action_of(screen.CONTEXT, action_id)
        if listed is not None and not here:
            yield SystemCommand(listed.label, listed.help, lambda made=made: app.push_screen(made()))
    for number, (name, title) in enumerate(zip(AREAS, TITLES, strict=True), start=1):
        yield SystemCommand(title, f"Area {number}", lambda name=name: app.run_worker(app.action_area(name)))
    yield SystemCommand("Theme", "Choose the colours", app.action_change_theme)
    yield SystemCommand("Quit", "Leave healthdesk", app.action_quit)
