"""`healthdesk instances`: the issue that a task is linked with."""

from __future__ import annotations

import argparse
from typing import TYPE_CHECKING, Any

from healthdesk.cli import options
from healthdesk.cli.command import FAILED, Command
from healthdesk.cli.desk import Desk
from healthdesk.cli.instance_view import one, print_instance
from healthdesk.cli.marks import Cell
from healthdesk.cli.tables import Column

if TYPE_CHECKING:
    from healthdesk.api.instances import AttachReview, FoundIssues, Issue


def _find_arguments(parser: argparse.ArgumentParser) -> None:
    one(parser)
    parser.add_argument("issue", metavar="ISSUE", help="its key, its URL, or words of its title")
    parser.add_argument(
        "--integration", metavar="INTEGRATION", help="id or name, for a task that has none yet"
    )
    parser.add_argument(
        "--connection", metavar="CONNECTION", help="id or name of yours, where you have more than one"
    )


def _attach_arguments(parser: argparse.ArgumentParser) -> None:
    _find_arguments(parser)
    options.yes(parser)


async def _places(desk: Desk, args: argparse.Namespace) -> dict[str, Any]:
    places: dict[str, Any] = {}
    if args.integration is not None:
        places["integration_id"] = await desk.integration_id(args.integration)
    if args.connection is not None:
        places["connection_id"] = await desk.connection_id(args.connection)
    return places


async def _found(desk: Desk, args: argparse.Namespace, instance_id: str) -> FoundIssues:
    from healthdesk.api.instances import FindIssue

    wanted = FindIssue(text=args.issue, **await _places(desk, args))
    return await desk.client.instance_find(instance_id, wanted)


def _print_found(desk: Desk, found: FoundIssues) -> None:
    columns = (
        Column("Id"),
        Column("Key"),
        Column("Title", flex=True),
        Column("Status", flex=True, spare=1),
        Column("Attached to", flex=True),
        Column("URL", below=True),
    )
    rows: list[list[Cell | str]] = [
        [item.id, item.key, item.title, item.status_name or item.status, item.attached_to, item.url]
        for item in found.issues
    ]
    desk.out.table(columns, rows, empty="Nothing was found.")
    if found.cut:
        desk.out.line("There are more: give more words, or the key.")


async def find(desk: Desk, args: argparse.Namespace) -> None:
    """Print the issues that could be attached."""
    found = await _found(desk, args, await desk.instance_id(args.instance))
    if desk.out.as_json:
        desk.out.model(found)
    else:
        _print_found(desk, found)


def _only(found: FoundIssues, text: str) -> Issue | None:
    """Return the issue that was meant: the one that is called so, else the only one."""
    called = [item for item in found.issues if text.strip() in (item.id, item.key, item.url)]
    meant = called or found.issues
    return meant[0] if len(meant) == 1 else None


def _print_review(desk: Desk, review: AttachReview) -> None:
    out = desk.out
    issue = review.issue
    out.line(" ".join(part for part in (issue.key or issue.id, issue.title, issue.url) if part))
    out.line(review.warning)
    columns = (Column("Field"), Column("The task says", flex=True), Column("It will say", flex=True))
    rows = [
        [change.label or change.field, change.before or "–", change.after or "–"] for change in review.changes
    ]
    out.table(columns, rows, empty="Nothing of the task changes.")


async def attach(desk: Desk, args: argparse.Namespace) -> int | None:
    """Attach an existing issue after showing what it overwrites."""
    from healthdesk.api.instances import Attach, IssueRef
    from healthdesk.errors import ClientError

    desk.ask.require_yes(args.yes)
    instance_id = await desk.instance_id(args.instance)
    found = await _found(desk, args, instance_id)
    issue = _only(found, args.issue)
    if issue is None:
        if not desk.out.as_json and found.issues:
            _print_found(desk, found)
        raise ClientError(
            f"{len(found.issues) or 'no'} issues fit {args.issue!r}",
            fix="give the key, the id or the URL of one: `healthdesk instances find` lists them",
        )
    ref: dict[str, Any] = {"id": issue.id, "key": issue.key, "container": issue.container}
    ref |= await _places(desk, args)
    review = await desk.client.instance_review(instance_id, IssueRef(**ref))
    if not desk.out.as_json:
        _print_review(desk, review)
    if not args.yes and not desk.ask.confirm("Overwrite the task with this issue?"):
        desk.out.note("Nothing was changed.")
        return FAILED
    item = await desk.client.instance_attach(instance_id, Attach(**ref, reviewed=review.digest))
    desk.out.done(item, f"{item.name} is linked with {item.external_key or item.external_url}.")
    return None


def _unlink_arguments(parser: argparse.ArgumentParser) -> None:
    one(parser)
    options.yes(parser)


async def unlink(desk: Desk, args: argparse.Namespace) -> int | None:
    """Part a task from its issue."""
    desk.ask.require_yes(args.yes)
    instance_id = await desk.instance_id(args.instance)
    item = await desk.client.instance(instance_id)
    issue = item.external_key or item.external_url or "its issue"
    question = f"Unlink {item.name} from {issue}? Both stay as they are and are no longer synced."
    if not args.yes and not desk.ask.confirm(desk.out.safe(question)):
        desk.out.note("Nothing was changed.")
        return FAILED
    item = await desk.client.instance_unlink(instance_id)
    desk.out.done(item, f"{item.name} is unlinked from {issue}.")
    return None


async def create_issue(desk: Desk, args: argparse.Namespace) -> None:
    """Have a new issue created."""
    item = await desk.client.instance_create_issue(await desk.instance_id(args.instance))
    if desk.out.as_json:
        desk.out.model(item)
        return
    desk.out.line(f"A new issue is created for {item.name}.")
    print_instance(desk, item)


def _reconnect_arguments(parser: argparse.ArgumentParser) -> None:
    one(parser)
    parser.add_argument(
        "--connection", required=True, metavar="CONNECTION", help="id or name of the connection to use"
    )


async def reconnect(desk: Desk, args: argparse.Namespace) -> None:
    """Give a task another connection, and all others of the same user and app that lost theirs."""
    from healthdesk.api.instances import Reconnect

    instance_id = await desk.instance_id(args.instance)
    choice = Reconnect(connection_id=await desk.connection_id(args.connection))
    done = await desk.client.instance_reconnect(instance_id, choice)
    desk.out.done(done, done.sentence)


COMMANDS = (
    Command("find", "find an issue by key, URL or words of its title", run=find, arguments=_find_arguments),
    Command(
        "attach",
        "link a task with an existing issue, which overwrites the task",
        run=attach,
        arguments=_attach_arguments,
    ),
    Command("unlink", "part a task from its issue", run=unlink, arguments=_unlink_arguments),
    Command(
        "create-issue",
        "have a new issue created for a task that is unlinked or whose issue was deleted",
        run=create_issue,
        arguments=one,
    ),
    Command(
        "reconnect",
        "give a task another connection, and all others of the same user and app that lost theirs",
        run=reconnect,
        arguments=_reconnect_arguments,
    ),
)
