"""Adding and changing sources, enabling them for an integration, and when their silence is a problem."""

from __future__ import annotations

import re
from collections.abc import Sequence
from functools import partial
from typing import TYPE_CHECKING

from healthdesk.api.flow import Silence
from healthdesk.api.integrations import Integration
from healthdesk.api.sources import Source, SourceCreate, SourceEdit, SourceEnable
from healthdesk.domain.durations import format_span, parse_duration
from healthdesk.domain.states import Environment
from healthdesk.tui.flows.asking import ask_until_taken
from healthdesk.tui.format import Span, Tone, dim, line
from healthdesk.tui.messages import RowAdded
from healthdesk.tui.screens.dialog import Question
from healthdesk.tui.screens.fields import Field, Values
from healthdesk.tui.screens.forms import Form
from healthdesk.tui.view.environment import TITLES
from healthdesk.tui.view.sources import after_words
from healthdesk.tui.view.times import span

if TYPE_CHECKING:
    from healthdesk.tui.screens.base import DeskScreen

KEY = re.compile(r"[a-z0-9][a-z0-9_-]{0,63}")
LEARNT, SET, NEVER = "learnt", "set", "never"


async def add_source(screen: DeskScreen, region: str = "") -> str:
    """Ask for a new source; its fields are added in its window."""
    fields = [
        Field("name", "Name", "", "Heart health", required=True),
        Field(
            "key",
            "Key",
            "",
            "heart-health",
            required=True,
            help=lambda _: ("What records name in `source`. It stays for good.",),
        ),
        _levels_field(()),
    ]
    form = partial(Form, "New source", fields, button="Add", check=_check_source)

    async def send(values: Values) -> Source:
        new = SourceCreate(
            name=values["name"].strip(), key=values["key"].strip(), levels=levels_of(values["levels"])
        )
        return await screen.client.source_create(new)

    added = await ask_until_taken(screen, form, send)
    if added is None:
        return ""
    if region:
        screen.post_message(RowAdded(region, added.id))
    return f"{added.name} is added. Enter adds its fields, O enables it."


async def edit_source(screen: DeskScreen, source: Source) -> str:
    """Ask for another name and other levels."""
    fields = [Field("name", "Name", source.name, required=True), _levels_field(source.levels)]

    async def send(values: Values) -> str:
        changes = SourceEdit()
        if (name := values["name"].strip()) != source.name:
            changes = changes.model_copy(update={"name": name})
        if (levels := levels_of(values["levels"])) != source.levels:
            changes = changes.model_copy(update={"levels": levels})
        if not changes.model_fields_set:
            return "Nothing was changed."
        return f"{(await screen.client.source_edit(source.id, changes)).name} is saved."

    form = partial(Form, f"Edit source · {source.name}", fields)
    return await ask_until_taken(screen, form, send) or ""


def _levels_field(now: Sequence[str]) -> Field:
    return Field(
        "levels",
        "Levels",
        ", ".join(now),
        "low, moderate, high; empty: none",
        help=lambda _: ("Lowest first. A record names one of them; sample data has one of each.",),
    )


def levels_of(text: str) -> list[str]:
    """Return the levels that were entered, each once, in their order."""
    return list(dict.fromkeys(each.strip() for each in text.split(",") if each.strip()))


def _check_source(values: Values) -> dict[str, str]:
    key = values["key"].strip()
    told = "has small letters, digits, - and _, and begins with a letter or digit"
    return {"key": told} if key and not KEY.fullmatch(key) else {}


async def enable(screen: DeskScreen, source: Source, integration: Integration) -> str:
    """Enable a source for an integration; disable it after a question."""
    enabled = integration.id in source.integrations
    if enabled:
        lines = [
            line(f"{source.name} · {integration.name}"),
            (),
            line(Span("Its records are refused from now on.", Tone.BAD)),
            line(dim("Those that were accepted stay, and are delivered.")),
        ]
        question = Question(
            f"Disable {source.name}", lines, (("disable", "Disable"),), ascii_only=screen.ascii_only
        )
        if await screen.ask(question) is None:
            return ""
    choice = SourceEnable(integration_id=integration.id, enabled=not enabled)
    await screen.client.source_enable(source.id, choice)
    return f"{source.name} is {'disabled' if enabled else 'enabled'} for {integration.name}."


async def set_silence(
    screen: DeskScreen, source: Source, integration_id: str, name: str, which: Environment
) -> str:
    """Ask when the silence of a source towards an environment is a problem."""
    found = (
        each for each in source.pulses if (each.integration_id, each.environment) == (integration_id, which)
    )
    pulse = next(found, None)
    set_s = pulse.set_s if pulse is not None else None
    now = LEARNT if set_s is None else SET if set_s else NEVER
    learnt = f" ({span(pulse.usual_s)} is usual)" if pulse is not None and pulse.usual_s else ""
    fields = [
        Field(
            "how",
            "It is a problem",
            now,
            options=(
                (LEARNT, f"as learnt from its gaps{learnt}"),
                (SET, "after a time"),
                (NEVER, "never"),
            ),
        ),
        Field(
            "after_s",
            "  after",
            format_span(set_s) if set_s else "1d",
            "2h, 1d",
            required=True,
            when=("how", (SET,)),
        ),
    ]
    intro = [line(dim("Now: "), after_words(pulse), dim(f" · {name} · {TITLES[which]}"))]
    form = partial(Form, f"Silence · {source.name}", fields, intro=intro, check=_check_silence)

    async def send(values: Values) -> str:
        after_s = {LEARNT: None, NEVER: 0.0}.get(values["how"])
        if values["how"] == SET:
            after_s = float(parse_duration(values["after_s"].strip()))
        wanted = Silence(integration_id=integration_id, environment=which, after_s=after_s)
        await screen.client.source_silence(source.id, wanted)
        return f"Silence of {source.name} towards {name} · {TITLES[which]} is saved."

    return await ask_until_taken(screen, form, send) or ""


def _check_silence(values: Values) -> dict[str, str]:
    if "after_s" not in values:
        return {}
    try:
        parse_duration(values["after_s"].strip())
    except ValueError:
        return {"after_s": "is a time like 2h or 1d"}
    return {}
