"""`healthdesk instances add|settings|change-connection|delete|view|export`: proof syncs and what they collected."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import TYPE_CHECKING, Any

from healthdesk.cli import options
from healthdesk.cli.command import FAILED, NOT_PERMITTED, Command, UsageError
from healthdesk.cli.desk import Desk
from healthdesk.cli.instance_view import one, print_instance
from healthdesk.cli.marks import BAD, DIM, GOOD, WARN, Cell
from healthdesk.cli.tables import Column
from healthdesk.cli.whole_file import refuse_there, whole_file

if TYPE_CHECKING:
    from collections.abc import Sequence

    from healthdesk.api.proof import ColumnView, Difference, InstanceView, ProofSync

_MARKS = {
    "added": Cell("+ added", GOOD),
    "removed": Cell("- removed", BAD),
    "changed": Cell("~ changed", WARN),
}


def _settings_arguments(parser: argparse.ArgumentParser, *, label_required: bool) -> None:
    parser.add_argument(
        "--field", action="append", metavar="KEY=VALUE", help="what the dataset asks for, repeatable"
    )
    parser.add_argument(
        "--label", metavar="LABEL", required=label_required, help="what it is filed under: id or name"
    )
    parser.add_argument("--name", help="its name, in the place of the generated one")
    parser.add_argument(
        "--every", type=options.duration, metavar="TIME", help="how often it is collected, such as 12h"
    )
    parser.add_argument("--unchecked", action="store_true", help="save it without asking the app first")


async def _settings(desk: Desk, args: argparse.Namespace) -> dict[str, Any]:
    fields: dict[str, Any] = {}
    if args.field is not None:
        fields["fields"] = options.pairs(args.field, "--field", "=")
    if args.label is not None:
        fields["label_id"] = await desk.label_id(args.label)
    if args.name is not None:
        fields["name"] = args.name
    if args.every is not None:
        fields["every_s"] = args.every
    if args.unchecked:
        fields["unchecked"] = True
    return fields


def print_proof(desk: Desk, item: ProofSync) -> None:
    """Print a proof sync."""
    print_instance(desk, item)
    if desk.out.as_json:
        return
    desk.out.heading("Collects")
    desk.out.facts(
        [
            ("Dataset", f"{item.dataset_name} ({item.dataset})"),
            *((key, value) for key, value in item.fields.items()),
            ("Rows", "" if item.rows is None else f"{item.rows:,}"),
            ("Content hash", item.content_hash),
            ("Run", item.last_run_id or ""),
        ]
    )


def _add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--integration", required=True, metavar="INTEGRATION", help="id or name")
    parser.add_argument("--dataset", required=True, help="`healthdesk apps show APP` lists those of an app")
    parser.add_argument(
        "--connection", metavar="CONNECTION", help="id or name, where you may use more than one of the app"
    )
    _settings_arguments(parser, label_required=True)


async def add(desk: Desk, args: argparse.Namespace) -> None:
    """Add a proof sync; the app is asked first, and it is collected at once."""
    from healthdesk.api.proof import ProofSyncCreate

    fields = await _settings(desk, args)
    fields["integration_id"] = await desk.integration_id(args.integration)
    if args.connection is not None:
        fields["connection_id"] = await desk.connection_id(args.connection)
    print_proof(desk, await desk.client.proof_sync_create(ProofSyncCreate(dataset=args.dataset, **fields)))


def _edit_arguments(parser: argparse.ArgumentParser) -> None:
    one(parser)
    parser.add_argument("--dataset", help="collect another dataset of the app")
    _settings_arguments(parser, label_required=False)
    parser.add_argument("--generated-name", action="store_true", help="call it by what it collects")


async def settings(desk: Desk, args: argparse.Namespace) -> None:
    """Change a proof sync; fields that are not given stay."""
    from healthdesk.api.proof import ProofSyncSettings

    fields = await _settings(desk, args)
    if args.generated_name:
        if args.name is not None:
            raise UsageError("--name and --generated-name exclude each other")
        fields["name"] = ""
    if args.dataset is not None:
        fields["dataset"] = args.dataset
    if not fields.keys() - {"unchecked"}:
        raise UsageError("nothing to change", f"see `{args.prog} --help`")
    proof_id = await desk.instance_id(args.instance)
    print_proof(desk, await desk.client.instance_settings(proof_id, ProofSyncSettings(**fields)))


def _change_arguments(parser: argparse.ArgumentParser) -> None:
    one(parser)
    parser.add_argument(
        "--connection", required=True, metavar="CONNECTION", help="another one of the same app: id or name"
    )
    parser.add_argument("--unchecked", action="store_true", help="save it without asking the app first")


async def change_connection(desk: Desk, args: argparse.Namespace) -> None:
    """Let a proof sync collect with another connection of the same app."""
    from healthdesk.api.proof import ChangeConnection

    proof_id = await desk.instance_id(args.instance)
    choice = ChangeConnection(
        connection_id=await desk.connection_id(args.connection), unchecked=args.unchecked
    )
    print_proof(desk, await desk.client.instance_change_connection(proof_id, choice))


def _delete_arguments(parser: argparse.ArgumentParser) -> None:
    one(parser)
    options.yes(parser)


async def delete(desk: Desk, args: argparse.Namespace) -> int | None:
    """Delete a proof sync and everything it collected."""
    desk.ask.require_yes(args.yes)
    item = await desk.client.proof_sync(await desk.instance_id(args.instance))
    question = f"Delete {item.name} ({item.id}) and everything it collected?"
    if not args.yes and not desk.ask.confirm(desk.out.safe(question)):
        desk.out.note("Nothing was changed.")
        return FAILED
    await desk.client.instance_delete(item.id)
    desk.out.done(item, f"Deleted {item.name}.")
    return None


def _run_arguments(parser: argparse.ArgumentParser) -> None:
    one(parser)
    parser.add_argument(
        "--run", metavar="RUN", help="what this run collected (the last one): `healthdesk instances runs`"
    )


def _view_arguments(parser: argparse.ArgumentParser) -> None:
    _run_arguments(parser)
    parser.add_argument("--difference", action="store_true", help="what changed since the run before")
    options.paging(parser)


async def view(desk: Desk, args: argparse.Namespace) -> int | None:
    """Print what a proof sync collected; for those who are no members of its label or control, whom to ask."""
    seen = await desk.client.instance_view(await desk.instance_id(args.instance))
    if seen.proof is None:
        return _not_a_member(desk, seen)
    run_id = args.run or seen.proof.last_run_id
    if run_id is None:
        desk.out.done(seen.proof, f"{seen.proof.name} did not collect anything yet.")
        return None
    if args.difference:
        _print_difference(desk, await desk.client.proof_difference(seen.proof.id, run_id))
        return None
    after, limit = args.after, args.limit
    page = await desk.client.proof_contents(seen.proof.id, run_id, after=after, limit=min(limit, 500))
    rows = list(page.rows)
    while page.next is not None and len(rows) < limit:
        more = min(limit - len(rows), 500)
        page = await desk.client.proof_contents(seen.proof.id, run_id, after=page.next, limit=more)
        rows += page.rows
    page = page.model_copy(update={"rows": rows})
    if desk.out.as_json:
        desk.out.model(page)
        return None
    desk.out.line(f"{seen.proof.name}, {page.total:,} rows, {desk.out.time(page.collected_at)}", DIM)
    desk.out.table(_columns(page.columns), rows, empty="It collected no rows.")
    if page.next is not None:
        desk.out.line(f"{len(rows)} shown, there are more: --after {page.next}", DIM)
    return None


def _columns(columns: Sequence[ColumnView]) -> list[Column]:
    return [Column(each.label, flex=True) for each in columns]


def _not_a_member(desk: Desk, seen: InstanceView) -> int:
    if desk.out.as_json:
        desk.out.model(seen)
        return NOT_PERMITTED
    desk.out.note(
        "You are no member of what it is filed under. Its members see it, those of the first one here:"
    )
    rows = [[each["kind"], each["name"], ", ".join(each["members"])] for each in seen.labels]
    columns = (Column("Kind"), Column("Name", flex=True), Column("Members", flex=True))
    desk.out.table(columns, rows, empty="There are no labels or controls.")
    return NOT_PERMITTED


def _print_difference(desk: Desk, found: Difference) -> None:
    out = desk.out
    if out.as_json:
        out.model(found)
        return
    if found.before_run_id is None:
        out.line("It is the first run that collected something.")
        return
    rows: list[list[Cell | str]] = [[_MARKS["added"], *row] for row in found.added]
    rows += [[_MARKS["removed"], *row] for row in found.removed]
    for change in found.changed:
        cells: list[Cell | str] = [_MARKS["changed"]]
        for column in found.columns:
            was, now = change.before.get(column.key, ""), change.after.get(column.key, "")
            cells.append(now if was == now else f"{was or '–'} → {now or '–'}")
        rows.append(cells)
    counts = ", ".join(f"{found.totals.get(kind, 0):,} {kind}" for kind in _MARKS)
    out.line(f"{counts}, {found.unchanged:,} as before, since the run {found.before_run_id}", DIM)
    out.table((Column(""), *_columns(found.columns)), rows, empty="Nothing changed.")
    if found.cut:
        out.line("There are more differences than are listed: export both runs to compare them.", DIM)


def _export_arguments(parser: argparse.ArgumentParser) -> None:
    _run_arguments(parser)
    parser.add_argument("--format", choices=("csv", "json"), default="csv", help="csv")
    parser.add_argument("--output", required=True, metavar="FILE", help="where to; an existing file is kept")
    parser.add_argument("--overwrite", action="store_true", help="replace a file that is there")


async def export(desk: Desk, args: argparse.Namespace) -> None:
    """Write what a run collected to a file."""
    path = Path(args.output)
    refuse_there(path, overwrite=args.overwrite)
    proof = await desk.client.proof_sync(await desk.instance_id(args.instance))
    run_id = args.run or proof.last_run_id
    if run_id is None:
        raise UsageError(
            f"{proof.name} did not collect anything yet", "`healthdesk instances sync` does it now"
        )
    data = await desk.client.proof_export(proof.id, run_id, args.format)
    with whole_file(path) as file:
        file.write(data)
    desk.out.done(proof, f"Wrote {len(data):,} bytes of {proof.name} to {path}.")


COMMANDS = (
    Command("add", "add a proof sync; the app is asked first", run=add, arguments=_add_arguments),
    Command("settings", "change what a proof sync collects", run=settings, arguments=_edit_arguments),
    Command(
        "change-connection",
        "let a proof sync collect with another connection",
        run=change_connection,
        arguments=_change_arguments,
    ),
    Command("delete", "delete a proof sync with all it collected", run=delete, arguments=_delete_arguments),
    Command("view", "what a proof sync collected, and what changed", run=view, arguments=_view_arguments),
    Command("export", "write what was collected to a file", run=export, arguments=_export_arguments),
)
