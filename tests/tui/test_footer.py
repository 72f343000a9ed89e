"""Every key that the footer shows does what it says, wherever on the screen the focus is."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import pytest
from textual import events

from healthdesk.api.records import RecordFilter
from healthdesk.tui.action import Action
from healthdesk.tui.actions import AREAS, footer_of
from healthdesk.tui.screens.acting import ActingScreen
from healthdesk.tui.screens.app_integration import AppIntegrationScreen
from healthdesk.tui.screens.attempt import AttemptScreen
from healthdesk.tui.screens.callback import CallbackScreen
from healthdesk.tui.screens.connection import ConnectionScreen
from healthdesk.tui.screens.expiries import ExpiriesScreen
from healthdesk.tui.screens.fix import FixScreen
from healthdesk.tui.screens.heartbeat import HeartbeatScreen
from healthdesk.tui.screens.integration import IntegrationScreen
from healthdesk.tui.screens.integrations import IntegrationsScreen
from healthdesk.tui.screens.job import JobScreen
from healthdesk.tui.screens.jobs import JobsScreen
from healthdesk.tui.screens.label import LabelScreen
from healthdesk.tui.screens.labels import LabelsScreen
from healthdesk.tui.screens.ledger import LedgerScreen
from healthdesk.tui.screens.members import MembersScreen
from healthdesk.tui.screens.people import PeopleScreen
from healthdesk.tui.screens.problem import ProblemScreen
from healthdesk.tui.screens.proof import ProofScreen
from healthdesk.tui.screens.record import RecordScreen
from healthdesk.tui.screens.saved_filters import SavedFiltersScreen
from healthdesk.tui.screens.source import SourceScreen
from healthdesk.tui.screens.sources import SourcesScreen
from healthdesk.tui.screens.task import TaskScreen
from healthdesk.tui.screens.tasks import TasksScreen
from healthdesk.tui.screens.template import TemplateScreen
from healthdesk.tui.screens.templates import TemplatesScreen
from healthdesk.tui.widgets.filter_bar import FilterBar
from tests.tui.desk import Driver, open_desk
from tests.tui.fake_client import FakeDesk
from tests.tui.fake_delivery import DeliveryDesk
from tests.tui.fake_jobs import JOB_ID, a_job
from tests.tui.fake_proof import ProofDesk
from tests.tui.test_registry import SCREENS
from tests.tui.test_task_window import LINKED


def delivering() -> DeliveryDesk:
    desk = DeliveryDesk()
    desk.total = 50
    desk.jobs = [a_job()]
    return desk


def windows(desk: FakeDesk) -> list[ActingScreen]:
    if isinstance(desk, ProofDesk):
        return [
            TaskScreen(LINKED),
            TasksScreen(),
            TemplateScreen("tpl_1"),
            TemplatesScreen(),
            ProofScreen("prf_1"),
            LabelScreen("lbl_2"),
            LabelsScreen(),
            AppIntegrationScreen("int_jira"),
            IntegrationsScreen(),
        ]
    record = desk.record_at(0).id
    return [
        ConnectionScreen("con_jira"),
        HeartbeatScreen("con_jira", "hb_1", name="jira"),
        ExpiriesScreen(),
        MembersScreen("con_jira"),
        PeopleScreen(),
        IntegrationScreen("int_crm"),
        SourcesScreen(),
        SourceScreen("src_sleep"),
        LedgerScreen(),
        RecordScreen(record),
        AttemptScreen(record, "att_1"),
        FixScreen(record),
        ProblemScreen("prb_1"),
        JobsScreen(),
        JobScreen(JOB_ID),
        SavedFiltersScreen(RecordFilter(), relative=False),
        CallbackScreen("cbk_1"),
    ]


async def reached(driver: Driver, screen: Any) -> Iterable[str]:
    """Return what of the footer is out of reach: of each widget that can have the focus, on each tab."""
    taken: list[str] = []
    screen.why_not = lambda _: ""
    screen.do = taken.append
    missing = []
    for widget in list(screen.focus_chain):
        screen.set_focus(widget)
        await driver.settle()
        if screen.focused is not widget or isinstance(widget, FilterBar):
            continue  # the chips have a footer of their own
        footer: list[Action] = footer_of(screen.context, without=screen.off_footer())
        for action in footer:
            driver.app.post_message(events.Key(action.key, action.key if len(action.key) == 1 else None))
        await driver.settle()
        lost = [action.key for action in footer if action.id not in taken]
        missing += [f"{type(screen).__name__}: {key} on {widget!r}" for key in lost]
        taken.clear()
    return missing


@pytest.mark.parametrize("make", [delivering, ProofDesk])
async def test_each_key_of_the_footer_does_its_action_wherever_the_focus_is(make: Any):
    desk = make()
    missing: list[str] = []
    async with open_desk(desk, area="connections") as driver:
        for screen in windows(desk):
            await driver.app.push_screen(screen)
            await driver.settle()
            missing += await reached(driver, screen)
            await driver.app.pop_screen()
        if make is delivering:
            for area in AREAS:
                await driver.app.action_area(area)
                await driver.settle()
                missing += await reached(driver, driver.app.screen)
    assert not missing


def test_every_screen_is_among_them():
    shown = {type(each).CONTEXT for desk in (delivering(), ProofDesk()) for each in windows(desk)}
    assert {screen.CONTEXT for screen in SCREENS} == shown | set(AREAS)
