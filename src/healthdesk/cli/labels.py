"""`healthdesk labels`: labels and controls, under which proof is filed."""

from __future__ import annotations

import argparse
from typing import TYPE_CHECKING, Any

from healthdesk.cli import options
from healthdesk.cli.command import FAILED, Command, UsageError
from healthdesk.cli.desk import Desk
from healthdesk.cli.marks import Cell
from healthdesk.cli.tables import Column
from healthdesk.domain.instance_states import LabelKind

if TYPE_CHECKING:
    from healthdesk.api.labels import Label


def _one(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("label", metavar="LABEL", help="id or name")


def _list_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--kind", choices=options.words(LabelKind), help="only labels, or only controls")
    options.paging(parser)


async def list_(desk: Desk, args: argparse.Namespace) -> None:
    """Print labels and controls."""
    kind = None if args.kind is None else LabelKind(args.kind)
    page = await desk.collect(
        lambda after, limit: desk.client.labels_list(kind=kind, after=after, limit=limit),
        limit=args.limit,
        after=args.after,
    )
    columns = (
        Column("Id"),
        Column("Kind"),
        Column("Name", flex=True),
        Column("Members", flex=True, spare=1),
        Column("Proof syncs", right=True),
    )

    def row(item: Label) -> list[Cell | str]:
        return [
            item.id,
            item.kind.value,
            item.name,
            ", ".join(item.members),
            f"{item.proof_syncs:,}",
        ]

    desk.out.page(page, columns, row, empty="No labels or controls yet. `healthdesk labels add` adds one.")


def print_label(desk: Desk, item: Label) -> None:
    """Print a label or control."""
    out = desk.out
    if out.as_json:
        out.model(item)
        return
    out.facts(
        [
            ("Id", item.id),
            ("Kind", item.kind.value),
            ("Name", item.name),
            ("Description", item.description),
            ("Members", ", ".join(item.members) or "nobody"),
            ("Proof syncs", f"{item.proof_syncs:,}"),
            ("Created", f"{out.time(item.created_at)} by {item.created_by}"),
        ]
    )


async def show(desk: Desk, args: argparse.Namespace) -> None:
    """Print one label or control."""
    print_label(desk, await desk.client.label(await desk.label_id(args.label)))


def _add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--name", required=True, help="what people call it")
    parser.add_argument(
        "--kind", choices=options.words(LabelKind), default=LabelKind.LABEL.value, help="label"
    )
    parser.add_argument("--description", default="", help="what it is for")
    parser.add_argument("--member", action="append", metavar="USER", help="a member beside you, repeatable")


async def add(desk: Desk, args: argparse.Namespace) -> None:
    """Add a label or control; whoever adds it is a member."""
    from healthdesk.api.labels import LabelCreate

    new = LabelCreate(
        kind=LabelKind(args.kind), name=args.name, description=args.description, members=args.member or []
    )
    print_label(desk, await desk.client.label_create(new))


def _edit_arguments(parser: argparse.ArgumentParser) -> None:
    _one(parser)
    parser.add_argument("--name", help="what people call it")
    parser.add_argument("--description", help="what it is for")
    parser.add_argument("--add-member", action="append", metavar="USER", help="repeatable")
    parser.add_argument("--remove-member", action="append", metavar="USER", help="repeatable")


async def edit(desk: Desk, args: argparse.Namespace) -> None:
    """Change a label or control, or its members."""
    from healthdesk.api.labels import LabelEdit

    label_id = await desk.label_id(args.label)
    fields: dict[str, Any] = {
        name: value for name in ("name", "description") if (value := getattr(args, name)) is not None
    }
    if args.add_member or args.remove_member:
        members = (await desk.client.label(label_id)).members
        gone = args.remove_member or []
        strangers = [user for user in gone if user not in members]
        if strangers:
            raise UsageError(
                f"{strangers[0]} is no member of it", f"its members: {', '.join(members) or 'nobody'}"
            )
        fields["members"] = [user for user in [*members, *(args.add_member or [])] if user not in gone]
    if not fields:
        raise UsageError("nothing to change", f"see `{args.prog} --help`")
    print_label(desk, await desk.client.label_edit(label_id, LabelEdit(**fields)))


def _remove_arguments(parser: argparse.ArgumentParser) -> None:
    _one(parser)
    options.yes(parser)


async def remove(desk: Desk, args: argparse.Namespace) -> int | None:
    """Remove a label or control that no proof is filed under."""
    desk.ask.require_yes(args.yes)
    item = await desk.client.label(await desk.label_id(args.label))
    question = f"Remove the {item.kind.value} {item.name} ({item.id})?"
    if not args.yes and not desk.ask.confirm(desk.out.safe(question)):
        desk.out.note("Nothing was changed.")
        return FAILED
    await desk.client.label_remove(item.id)
    desk.out.done(item, f"Removed {item.name}.")
    return None


COMMANDS = (
    Command("list", "list labels and controls", run=list_, arguments=_list_arguments),
    Command("show", "show one with its members", run=show, arguments=_one),
    Command("add", "add a label or control", run=add, arguments=_add_arguments),
    Command("edit", "change it, or its members", run=edit, arguments=_edit_arguments),
    Command("remove", "remove one that no proof is filed under", run=remove, arguments=_remove_arguments),
)
