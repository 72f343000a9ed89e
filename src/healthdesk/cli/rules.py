"""`healthdesk rules`."""

from __future__ import annotations

import argparse
import contextlib
from collections.abc import Awaitable, Callable
from functools import partial
from typing import TYPE_CHECKING, Any

from healthdesk.cli import options
from healthdesk.cli.command import FAILED, Command, UsageError
from healthdesk.cli.desk import Desk
from healthdesk.cli.marks import Cell, yes_no
from healthdesk.cli.tables import Column
from healthdesk.domain.states import Environment

if TYPE_CHECKING:
    from healthdesk.api.alerts import Rule
    from healthdesk.api.common import Page


class _Names:
    """The names of what rules are about, as far as the desk tells them."""

    def __init__(self, named: dict[str, str]) -> None:
        self._named = named

    @classmethod
    async def of(cls, desk: Desk) -> _Names:
        """Ask for them; what cannot be asked keeps its id."""
        from healthdesk.errors import ApiRefused

        named: dict[str, str] = {}
        fetches: tuple[Callable[..., Awaitable[Page[Any]]], ...] = (
            desk.client.integrations_list,
            desk.client.connections_list,
            desk.client.channels_list,
        )
        for fetch in fetches:
            with contextlib.suppress(ApiRefused):
                page = await desk.collect(partial(_page_of, fetch), limit=10_000, after=None)
                named.update((item.id, item.name) for item in page.items)
        return cls(named)

    def about(self, item: Rule) -> str:
        """Return whose problems a rule is about."""
        subject = item.integration_id or item.connection_id
        return self._of(subject) if subject else "everything"

    def channels(self, item: Rule) -> str:
        """Return where a rule sends them."""
        return ", ".join(self._of(channel) for channel in item.channel_ids)

    def _of(self, known_by: str) -> str:
        name = self._named.get(known_by)
        return f"{name} ({known_by})" if name else known_by


async def _page_of(fetch: Callable[..., Awaitable[Page[Any]]], after: str | None, limit: int) -> Page[Any]:
    return await fetch(after=after, limit=limit)


async def list_(desk: Desk, args: argparse.Namespace) -> None:
    """Print rules."""
    columns = (
        Column("Enabled"),
        Column("Id"),
        Column("Name", flex=True),
        Column("Problems of", flex=True),
        Column("Environment", spare=2),
        Column("Channels", flex=True),
        Column("Recoveries", spare=1),
    )

    names = _Names({}) if desk.out.as_json else await _Names.of(desk)

    def row(item: Rule) -> list[Cell | str]:
        return [
            yes_no(item.enabled),
            item.id,
            item.name,
            names.about(item),
            ", ".join(item.environments) or Environment.PRODUCTION.value,
            names.channels(item),
            yes_no(item.recoveries),
        ]

    page = await desk.collect(
        lambda after, limit: desk.client.rules_list(after=after, limit=limit),
        limit=args.limit,
        after=args.after,
    )
    desk.out.page(page, columns, row, empty="No rules: every channel is told about every problem.")


async def _show(desk: Desk, item: Rule) -> None:
    out = desk.out
    if out.as_json:
        out.model(item)
        return
    names = await _Names.of(desk)
    out.facts(
        [
            ("Id", item.id),
            ("Name", item.name),
            ("Enabled", yes_no(item.enabled)),
            ("Problems of", names.about(item)),
            ("Environment", ", ".join(item.environments) or Environment.PRODUCTION.value),
            ("Channels", names.channels(item)),
            ("Recoveries", yes_no(item.recoveries)),
            ("Created", f"{out.time(item.created_at)} by {item.created_by}"),
        ]
    )


def _settings_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--channel", action="append", metavar="CHANNEL", help="id or name, repeatable")
    parser.add_argument(
        "--environment",
        action="append",
        choices=[*options.words(Environment), "both"],
        help="problems of this environment, repeatable, or both (production: testing is silent unless named)",
    )
    parser.add_argument(
        "--recoveries", action=argparse.BooleanOptionalAction, default=None, help="tell recoveries too (yes)"
    )


async def _settings(desk: Desk, args: argparse.Namespace) -> dict[str, Any]:
    fields: dict[str, Any] = {}
    if args.name is not None:
        fields["name"] = args.name
    if args.channel is not None:
        fields["channel_ids"] = [await desk.channel_id(text) for text in args.channel]
    if args.environment is not None:
        fields["environments"] = list(Environment) if "both" in args.environment else args.environment
    if args.recoveries is not None:
        fields["recoveries"] = args.recoveries
    return fields


def _add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--name", required=True, help="what people call it")
    group = parser.add_mutually_exclusive_group()
    group.add_argument("--integration", metavar="INTEGRATION", help="only problems of this one: id or name")
    group.add_argument("--connection", metavar="CONNECTION", help="only problems of this one: id or name")
    _settings_arguments(parser)


async def add(desk: Desk, args: argparse.Namespace) -> None:
    """Add a rule."""
    from healthdesk.api.alerts import RuleCreate

    if not args.channel:
        raise UsageError("--channel is missing", "see `healthdesk channels list`")
    fields = await _settings(desk, args)
    if args.integration is not None:
        fields["integration_id"] = await desk.integration_id(args.integration)
    if args.connection is not None:
        fields["connection_id"] = await desk.connection_id(args.connection)
    await _show(desk, await desk.client.rule_create(RuleCreate(**fields)))


def _one(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("rule", metavar="RULE", help="id or name")


def _edit_arguments(parser: argparse.ArgumentParser) -> None:
    _one(parser)
    parser.add_argument("--name", help="what people call it")
    parser.add_argument(
        "--enabled", action=argparse.BooleanOptionalAction, default=None, help="whether it applies"
    )
    _settings_arguments(parser)


async def edit(desk: Desk, args: argparse.Namespace) -> None:
    """Change a rule; channels given here replace those it has."""
    from healthdesk.api.alerts import RuleEdit

    fields = await _settings(desk, args)
    if args.enabled is not None:
        fields["enabled"] = args.enabled
    if not fields:
        raise UsageError("nothing to change", f"see `{args.prog} --help`")
    await _show(desk, await desk.client.rule_edit(await desk.rule_id(args.rule), RuleEdit(**fields)))


def _remove_arguments(parser: argparse.ArgumentParser) -> None:
    _one(parser)
    options.yes(parser)


async def remove(desk: Desk, args: argparse.Namespace) -> int | None:
    """Remove a rule."""
    desk.ask.require_yes(args.yes)
    item = await desk.client.rule(await desk.rule_id(args.rule))
    if not args.yes and not desk.ask.confirm(desk.out.safe(f"Remove the rule {item.name} ({item.id})?")):
        desk.out.note("Nothing was changed.")
        return FAILED
    await desk.client.rule_remove(item.id)
    desk.out.done(item, f"Removed {item.name}.")
    return None


COMMANDS = (
    Command("list", "list rules", run=list_, arguments=options.paging),
    Command("add", "send an integration's problems to its own channels", run=add, arguments=_add_arguments),
    Command("edit", "change a rule", run=edit, arguments=_edit_arguments),
    Command("remove", "remove a rule", run=remove, arguments=_remove_arguments),
)
