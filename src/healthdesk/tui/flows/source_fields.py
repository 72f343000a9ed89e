"""Adding, changing and removing the fields of a source."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, get_args

from healthdesk.api.sources import FieldType, Source, SourceEdit, SourceField
from healthdesk.tui.flows.asking import ask_until_taken
from healthdesk.tui.format import Span, Tone, line
from healthdesk.tui.screens.dialog import Question
from healthdesk.tui.screens.fields import Field, Values
from healthdesk.tui.screens.forms import Form

if TYPE_CHECKING:
    from healthdesk.tui.screens.base import DeskScreen

NO, YES = "no", "yes"
NO_YES = ((NO, "no"), (YES, "yes"))
TYPES = tuple((each, each) for each in get_args(FieldType))


async def add_field(screen: DeskScreen, source: Source) -> str:
    """Ask for a field that records of the source have from now on."""
    return await _put_field(screen, source, None)


async def edit_field(screen: DeskScreen, source: Source, field: SourceField) -> str:
    """Ask for changes of a field."""
    return await _put_field(screen, source, field)


async def _put_field(screen: DeskScreen, source: Source, before: SourceField | None) -> str:
    others = [each for each in source.fields if before is None or each.name != before.name]
    form = partial(
        Form,
        f"{'Edit field' if before else 'Add a field'} · {source.name}",
        field_fields(before),
        button="Save" if before else "Add",
        check=partial(_check_field, {each.name for each in others}),
    )

    async def send(values: Values) -> str:
        put = field_of(values)
        if put == before:
            return "Nothing was changed."
        fields = [put if each == before else each for each in source.fields]
        if before is None:
            fields.append(put)
        await screen.client.source_edit(source.id, SourceEdit(fields=fields))
        return f"{put.name} of {source.name} is saved."

    return await ask_until_taken(screen, form, send) or ""


def field_fields(now: SourceField | None) -> list[Field]:
    """Return the fields of a field."""
    known = now or SourceField(name="x")
    return [
        Field("name", "Field", now.name if now else "", "risk_level", required=True),
        Field("type", "Type", known.type, options=TYPES),
        Field("required", "Required", _yes(known.required), options=NO_YES),
        Field("example", "Example", known.example, "71", help=lambda _: ("Samples are made after it.",)),
        Field(
            "sensitive",
            "Masked",
            _yes(known.sensitive),
            options=NO_YES,
            help=lambda _: ("Masked values are shown once an operator reveals them; that is noted.",),
        ),
        Field(
            "lookup",
            "Records are found by it",
            _yes(known.lookup),
            options=NO_YES,
            help=lambda _: ("A keyed hash is kept beside each record; the value itself is in no index.",),
        ),
    ]


def _yes(on: bool) -> str:  # noqa: FBT001 - the value of a field
    return YES if on else NO


def field_of(values: Values) -> SourceField:
    """Return the field that was entered."""
    return SourceField.model_validate(
        {
            "name": values["name"].strip(),
            "type": values["type"],
            "example": values["example"].strip(),
            **{name: values[name] == YES for name in ("required", "sensitive", "lookup")},
        }
    )


def _check_field(taken: set[str], values: Values) -> dict[str, str]:
    return {"name": "is a field of it already"} if values["name"].strip() in taken else {}


async def remove_field(screen: DeskScreen, source: Source, field: SourceField) -> str:
    """Remove a field, after saying what follows."""
    lines = [
        line(f"{source.name} · {field.name}"),
        (),
        line("Its values are not validated any more, and are masked."),
        *([line(Span("Records are not found by it any more.", Tone.BAD))] if field.lookup else []),
    ]
    question = Question("Remove the field", lines, (("remove", "Remove"),), ascii_only=screen.ascii_only)
    if await screen.ask(question) is None:
        return ""
    fields = [each for each in source.fields if each.name != field.name]
    await screen.client.source_edit(source.id, SourceEdit(fields=fields))
    return f"{field.name} of {source.name} is removed."
