"""Saving a filter of the log, and removing one."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING

from healthdesk.api.filters import SavedFilter, SavedFilterCreate
from healthdesk.api.records import RecordFilter
from healthdesk.tui import messages
from healthdesk.tui.flows.asking import ask_until_taken
from healthdesk.tui.format import Span, Tone, dim, line
from healthdesk.tui.screens.dialog import Question
from healthdesk.tui.screens.fields import Field, Values
from healthdesk.tui.screens.forms import Form
from healthdesk.tui.view.log_filters import DATES, described_filter

if TYPE_CHECKING:
    from healthdesk.tui.screens.base import DeskScreen

REGION = "filters-region"
YES = "yes"


async def save_filter(screen: DeskScreen, now: RecordFilter, *, relative: bool) -> str:
    """Save a filter under a name. Dates that count back from now would stand still: they are left out unless wanted."""
    dated = any(getattr(now, end) for ends in DATES.values() for end in ends[:2])
    fields = [
        Field("name", "Name", required=True, help=lambda _: ("Your own of that name is replaced.",)),
        Field("shared", "For", options=(("", "me"), (YES, "everybody"))),
    ]
    if dated:
        options = (("", "leave them out"), (YES, "as they are now"))
        fields.append(Field("dates", "Dates", "" if relative else YES, options=options))
    told = [line(described_filter(now.model_copy(update={"lookup": {}}), screen.view()))]
    if now.lookup:
        told.append(line(Span("Values looked up are of people, and are not saved.", Tone.WARN)))

    async def send(values: Values) -> SavedFilter:
        left_out: dict[str, object] = {"lookup": {}}
        if values.get("dates") != YES:
            left_out |= {end: None for ends in DATES.values() for end in ends[:2]}
        new = SavedFilterCreate(
            name=values["name"], filter=now.model_copy(update=left_out), shared=values["shared"] == YES
        )
        return await screen.client.filter_save(new)

    form = partial(Form, "Save the filter", fields, intro=told)
    saved = await ask_until_taken(screen, form, send)
    if saved is None:
        return ""
    screen.post_message(messages.RowAdded(REGION, saved.id))
    return f"Saved as {saved.name}."


async def remove_filter(screen: DeskScreen, row: SavedFilter) -> str:
    """Remove a saved filter after a question."""
    lines = [line(f"{row.name} of {row.owner}"), line(dim(described_filter(row.filter, screen.view())))]
    if row.shared:
        lines.append(line(Span("It is shared: nobody has it any more then.", Tone.WARN)))
    question = Question("Remove the filter", lines, (("remove", "Remove"),), ascii_only=screen.ascii_only)
    if await screen.ask(question) is None:
        return ""
    await screen.client.filter_remove(row.id)
    return f"{row.name} is removed."
