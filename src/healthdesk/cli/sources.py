"""`healthdesk sources`."""

from __future__ import annotations

import argparse
from typing import TYPE_CHECKING, Any

from healthdesk.cli import options
from healthdesk.cli.command import Command, UsageError
from healthdesk.cli.desk import Desk
from healthdesk.cli.flow import SILENCE, print_pulses
from healthdesk.cli.marks import Cell, yes_no
from healthdesk.cli.tables import Column

if TYPE_CHECKING:
    from healthdesk.api.sources import Source, SourceField

TYPES = ("string", "number", "integer", "boolean", "date", "datetime", "object", "array", "any")
_MARKS = {
    "required": ("required", True),
    "optional": ("required", False),
    "open": ("sensitive", False),
    "lookup": ("lookup", True),
}
FIELD_HELP = (
    "a field of the data as NAME[:TYPE][:required][:open][:lookup][:example=TEXT], repeatable; TYPE is one of "
    + ", ".join(TYPES)
    + "; open: its values need no masking; lookup: records are found by its value. No fields: data is not validated"
)


async def list_(desk: Desk, args: argparse.Namespace) -> None:
    """Print every source."""
    columns = (
        Column("Key"),
        Column("Name", flex=True),
        Column("Levels", flex=True, spare=1),
        Column("Fields", right=True),
        Column("Enabled for", right=True),
        Column("Id", spare=2),
    )

    def row(item: Source) -> list[Cell | str]:
        count = len(item.integrations)
        enabled = f"{count} integration{'' if count == 1 else 's'}"
        return [item.key, item.name, ", ".join(item.levels), str(len(item.fields)), enabled, item.id]

    page = await desk.collect(
        lambda after, limit: desk.client.sources_list(after=after, limit=limit),
        limit=args.limit,
        after=args.after,
    )
    desk.out.page(page, columns, row, empty="No sources yet. `healthdesk sources add` adds one.")


async def _show(desk: Desk, item: Source) -> None:
    out = desk.out
    if out.as_json:
        out.model(item)
        return
    names = await desk.integration_names(item.integrations)
    out.facts(
        [
            ("Key", item.key),
            ("Name", item.name),
            ("Id", item.id),
            ("Levels", ", ".join(item.levels)),
            ("Enabled for", ", ".join(names) or "no integration"),
            ("Created", f"{out.time(item.created_at)} by {item.created_by}"),
        ]
    )
    columns = (
        Column("Field"),
        Column("Type"),
        Column("Required"),
        Column("Masked"),
        Column("Lookup"),
        Column("Example", flex=True),
    )
    rows: list[list[Cell | str]] = [
        [
            field.name,
            field.type,
            *(yes_no(each) for each in (field.required, field.sensitive, field.lookup)),
            field.example,
        ]
        for field in item.fields
    ]
    out.line()
    out.table(columns, rows, empty="No fields: its data is not validated.")
    if item.pulses:
        print_pulses(desk, item.pulses)


async def show(desk: Desk, args: argparse.Namespace) -> None:
    """Print one source with its fields."""
    await _show(desk, await desk.client.source(args.source))


def field(text: str) -> SourceField:
    """Return the field that `NAME:TYPE:required` describes; an example is the rest of the text."""
    from healthdesk.api.sources import SourceField

    before, _, example = text.partition(":example=")
    name, *rest = before.split(":")
    settings: dict[str, Any] = {"name": name} | ({"example": example} if example else {})
    for word in rest:
        if word in TYPES:
            settings["type"] = word
        elif word in _MARKS:
            key, value = _MARKS[word]
            settings[key] = value
        else:
            raise UsageError(f"--field {text!r}: {word!r} is not known", FIELD_HELP)
    return SourceField(**settings)


def _settings(args: argparse.Namespace) -> dict[str, Any]:
    fields: dict[str, Any] = {}
    if args.name is not None:
        fields["name"] = args.name
    if args.level is not None:
        fields["levels"] = args.level
    if args.field is not None:
        fields["fields"] = [field(text) for text in args.field]
    return fields


def _settings_arguments(parser: argparse.ArgumentParser, *, named: bool) -> None:
    parser.add_argument("--name", required=named, help="what people call it")
    parser.add_argument("--level", action="append", metavar="LEVEL", help="a level it may have, repeatable")
    parser.add_argument("--field", action="append", metavar="FIELD", help=FIELD_HELP)


def _add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("key", metavar="KEY", help="what records name in `source`: a-z, 0-9, - and _")
    _settings_arguments(parser, named=True)


async def add(desk: Desk, args: argparse.Namespace) -> None:
    """Add a source."""
    from healthdesk.api.sources import SourceCreate

    await _show(desk, await desk.client.source_create(SourceCreate(key=args.key, **_settings(args))))


def _one(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("source", metavar="SOURCE", help="key or id")


def _edit_arguments(parser: argparse.ArgumentParser) -> None:
    _one(parser)
    _settings_arguments(parser, named=False)
    parser.add_argument("--no-levels", action="store_true", help="take every level away")
    parser.add_argument(
        "--no-fields", action="store_true", help="take every field away: data is not validated"
    )


async def edit(desk: Desk, args: argparse.Namespace) -> None:
    """Change a source; levels and fields given here replace those it has."""
    from healthdesk.api.sources import SourceEdit

    fields = _settings(args)
    for key, gone in (("levels", args.no_levels), ("fields", args.no_fields)):
        if gone and key in fields:
            raise UsageError(f"--no-{key} contradicts --{key[:-1]}")
        if gone:
            fields[key] = []
    if not fields:
        raise UsageError("nothing to change", f"see `{args.prog} --help`")
    await _show(desk, await desk.client.source_edit(args.source, SourceEdit(**fields)))


def _enable_arguments(parser: argparse.ArgumentParser) -> None:
    _one(parser)
    parser.add_argument("--integration", required=True, metavar="INTEGRATION", help="id or name")


async def enable(desk: Desk, args: argparse.Namespace) -> None:
    """Let records of the source be delivered through an integration."""
    item = await _enable(desk, args, enabled=True)
    desk.out.done(item, f"Records of {item.name} are accepted for {args.integration}.")


async def disable(desk: Desk, args: argparse.Namespace) -> None:
    """Accept no more records of the source for an integration."""
    item = await _enable(desk, args, enabled=False)
    desk.out.done(item, f"Records of {item.name} are no longer accepted for {args.integration}.")


async def _enable(desk: Desk, args: argparse.Namespace, *, enabled: bool) -> Source:
    from healthdesk.api.sources import SourceEnable

    integration_id = await desk.integration_id(args.integration)
    choice = SourceEnable(integration_id=integration_id, enabled=enabled)
    return await desk.client.source_enable(args.source, choice)


COMMANDS = (
    Command("list", "list sources", run=list_, arguments=options.paging),
    Command("show", "show a source and its fields", run=show, arguments=_one),
    Command("add", "add a source", run=add, arguments=_add_arguments),
    Command("edit", "change a source", run=edit, arguments=_edit_arguments),
    Command("enable", "deliver its records through an integration", run=enable, arguments=_enable_arguments),
    Command(
        "disable",
        "accept no more of its records for an integration",
        run=disable,
        arguments=_enable_arguments,
    ),
    SILENCE,
)
