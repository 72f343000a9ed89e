"""Adding, changing and removing labels and controls."""

from __future__ import annotations

import re
from functools import partial
from typing import TYPE_CHECKING, Any

from healthdesk.api.labels import Label, LabelCreate, LabelEdit
from healthdesk.domain.instance_states import LabelKind
from healthdesk.tui.flows.asking import ask_until_taken
from healthdesk.tui.flows.tasks import shown_text
from healthdesk.tui.format import line
from healthdesk.tui.messages import RowAdded
from healthdesk.tui.screens.dialog import Question
from healthdesk.tui.screens.fields import Field, Values
from healthdesk.tui.screens.forms import Form
from healthdesk.tui.view.labels import KINDS

if TYPE_CHECKING:
    from healthdesk.tui.screens.base import DeskScreen


def label_fields(label: Label | None, you: str) -> list[Field]:
    """Return the fields of a label or control; `you` are the first member of a new one."""
    kind = [] if label else [Field("kind", "Kind", LabelKind.CONTROL.value, options=KINDS)]
    return [
        *kind,
        Field("name", "Name", label.name if label else "", required=True),
        Field("description", "Description", shown_text(label.description) if label else "", long=True),
        Field(
            "members",
            "Members",
            ", ".join(label.members) if label else you,
            "alice, bob",
            help=lambda _: ("They see what its proof syncs collect; nobody else does.",),
        ),
    ]


def members_of(values: Values) -> list[str]:
    """Return the members that were entered, each once, in their order."""
    return list(dict.fromkeys(each for each in re.split(r"[,;\s]+", values["members"].strip()) if each))


async def add_label(screen: DeskScreen, region: str = "") -> str:
    """Ask for a new label or control."""
    you = screen.desk.status.you.user if screen.desk.status else ""

    async def send(values: Values) -> Label:
        new = LabelCreate(
            kind=LabelKind(values["kind"]),
            name=values["name"],
            description=values["description"],
            members=members_of(values),
        )
        return await screen.client.label_create(new)

    form = partial(Form, "New label or control", label_fields(None, you), button="Add")
    added = await ask_until_taken(screen, form, send)
    if added is None:
        return ""
    if region:
        screen.post_message(RowAdded(region, added.id))
    return f"{added.name} is added."


async def edit_label(screen: DeskScreen, label_id: str) -> str:
    """Ask for changes of a label or control, its members among them."""
    label = await screen.client.label(label_id)

    async def send(values: Values) -> str:
        changes = label_changes(values, label)
        if not changes.model_fields_set:
            return "Nothing was changed."
        return f"{(await screen.client.label_edit(label_id, changes)).name} is saved."

    form = partial(Form, f"Edit label · {label.name}", label_fields(label, ""))
    return await ask_until_taken(screen, form, send) or ""


def label_changes(values: Values, before: Label) -> LabelEdit:
    """Return what was changed, and nothing else."""
    known: dict[str, Any] = {}
    if (name := values["name"].strip()) != before.name:
        known["name"] = name
    if values["description"] != shown_text(before.description):
        known["description"] = values["description"]
    if (members := members_of(values)) != before.members:
        known["members"] = members
    return LabelEdit(**known)


async def remove_label(screen: DeskScreen, label: Label) -> str:
    """Remove a label or control; the daemon refuses while proof is filed under it."""
    lines = [line(label.name), (), line("Nothing can be filed under it any more.")]
    question = Question("Remove the label", lines, (("remove", "Remove"),), ascii_only=screen.ascii_only)
    if await screen.ask(question) is None:
        return ""
    await screen.client.label_remove(label.id)
    return f"{label.name} is removed."
