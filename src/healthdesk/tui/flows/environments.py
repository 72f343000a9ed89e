"""Testing configuration, and changing where and how an environment delivers."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import partial
from typing import TYPE_CHECKING

from healthdesk.api.connections import Connection
from healthdesk.api.integrations import ChangedIntegration, EnvironmentView, Integration, IntegrationEdit
from healthdesk.domain.states import Environment
from healthdesk.errors import HealthdeskError
from healthdesk.tui.flows.adding import new_connection
from healthdesk.tui.flows.asking import ask_until_taken
from healthdesk.tui.flows.environment_fields import (
    NEW,
    check_environment,
    connection_options,
    environment_edit,
    environment_fields,
)
from healthdesk.tui.flows.own_connections import usable_connections
from healthdesk.tui.flows.probing import test_configuration
from healthdesk.tui.flows.secrets import show_secrets
from healthdesk.tui.format import Line, Span, Tone, dim, line
from healthdesk.tui.screens.dialog import Question
from healthdesk.tui.screens.fields import Field, Values
from healthdesk.tui.screens.forms import Form
from healthdesk.tui.view.environment import TITLES

if TYPE_CHECKING:
    from healthdesk.tui.screens.base import DeskScreen

DELIVERY = "delivery"
NOTHING = "Nothing was changed."


async def configure_testing(screen: DeskScreen, integration: Integration) -> str:
    """Set up the testing environment, or change it; then offer to test it."""
    saved = await _change(screen, integration, Environment.TESTING, named=False)
    if saved is None:
        return ""
    now = environment_of(saved, Environment.TESTING)
    where = f"{now.method} {now.endpoint}" if now is not None else ""
    noted = [line(Span(f"⚠ {note}", Tone.WARN)) for note in saved.notes]
    question = Question(
        f"{integration.name} · TESTING",
        [
            line(Span("✓ TESTING is saved. ", Tone.GOOD), dim(where)),
            *noted,
            (),
            line("A signed probe shows whether it works. No record is made of it."),
        ],
        (("test", "Test configuration"),),
        leave="Not now",
        ascii_only=screen.ascii_only,
    )
    if await screen.ask(question) is None:
        return f"TESTING of {integration.name} is saved. `t` sends sample data to it."
    return await test_configuration(screen, saved, Environment.TESTING)


async def edit_environment(screen: DeskScreen, integration: Integration, which: Environment) -> str:
    """Change the integration's name, and where and how one of its environments delivers."""
    saved = await _change(screen, integration, which, named=True)
    if saved is None:
        return ""
    if isinstance(saved, ChangedIntegration):
        return " ".join([f"{TITLES[which]} of {saved.name} is saved.", *saved.notes])
    return NOTHING


async def _change(
    screen: DeskScreen, integration: Integration, which: Environment, *, named: bool
) -> Integration | None:
    """Return the integration as it was saved, as it was where nothing was changed, or None where it was left."""
    before = environment_of(integration, which)
    able = await _able(screen)
    found = await deliverable(screen)
    given: Values = {}

    async def send(values: Values) -> Mapping[str, str] | Integration:
        if values["connection_id"] == NEW:
            return values
        return await _save(screen, integration, which, values, before)

    while True:
        name = [Field("name", "Name", integration.name, required=True)] if named else []
        form = partial(
            Form,
            _title(integration, which),
            [
                *name,
                *environment_fields(
                    which, before, connection_options(apart_from(integration, which, found), before)
                ),
            ],
            intro=_intro(which),
            check=check_environment,
            given=given,
        )
        answer = await ask_until_taken(screen, form, send)
        if answer is None:
            return None
        if isinstance(answer, Integration):
            if isinstance(answer, ChangedIntegration):
                await show_secrets(screen, answer.name, answer.new_signing_secrets)
            return answer
        added: Connection | None = await new_connection(screen, able)
        if added is not None:
            found.insert(0, added)
        given = {**answer, "connection_id": added.id if added is not None else NEW}


def apart_from(integration: Integration, which: Environment, found: Sequence[Connection]) -> list[Connection]:
    """Return the connections without that of the other environment: nothing of testing reaches production."""
    taken = {each.connection_id for each in integration.environments if each.environment is not which}
    return [each for each in found if each.id not in taken]


async def deliverable(screen: DeskScreen) -> list[Connection]:
    """Return the connections that records can be delivered on, and that the operator may use."""
    able = await _able(screen)
    return [each for each in await usable_connections(screen) if each.app in able]


async def _able(screen: DeskScreen) -> set[str]:
    return {app.id for app in await screen.client.apps() if DELIVERY in app.kinds or app.delivery}


async def _save(
    screen: DeskScreen,
    integration: Integration,
    which: Environment,
    values: Values,
    before: EnvironmentView | None,
) -> Integration:
    edit = environment_edit(values, before)
    changes = IntegrationEdit()
    if edit.model_fields_set:
        changes = changes.model_copy(update={which.value: edit})
    if (name := values.get("name", "").strip()) and name != integration.name:
        changes = changes.model_copy(update={"name": name})
    if not changes.model_fields_set:
        return integration
    return await screen.client.integration_edit(integration.id, changes)


def environment_of(integration: Integration, which: Environment) -> EnvironmentView | None:
    """Return one environment of an integration, or None where it is not set up."""
    return next((each for each in integration.environments if each.environment is which), None)


async def choose_environment(
    screen: DeskScreen,
    integration: Integration,
    title: str,
    *,
    lines: Sequence[Line] = (),
    first: Environment = Environment.PRODUCTION,
) -> Environment | None:
    """Return the one environment there is; of two ask which, `first` offered first. None where that was left."""
    there = sorted(
        (item.environment for item in integration.environments), key=lambda each: each is not first
    )
    if not there:
        raise HealthdeskError(
            f"{integration.name} delivers nowhere yet.", fix="`E` sets up its testing environment."
        )
    if len(there) == 1:
        return there[0]
    question = Question(
        f"{title} · {integration.name}",
        lines or [line("Of which environment?")],
        [(each.value, TITLES[each]) for each in there],
        ascii_only=screen.ascii_only,
    )
    answer = await screen.ask(question)
    return None if answer is None else Environment(answer)


def _title(integration: Integration, which: Environment) -> str:
    if which is Environment.TESTING:
        return f"Testing configuration · {integration.name} · TESTING"
    return f"Edit integration · {integration.name} · {TITLES[which]}"


def _intro(which: Environment) -> list[Line]:
    if which is Environment.TESTING:
        return [line(dim("An endpoint, key and secret of its own: nothing sent here reaches production."))]
    return [line(Span("This is production: records of people are sent there.", Tone.WARN))]
