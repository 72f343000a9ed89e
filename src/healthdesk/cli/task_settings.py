"""Integrations of kinds tasks and proof on the command line: their options, and how they are printed."""

from __future__ import annotations

import argparse
from typing import TYPE_CHECKING, Any

from healthdesk.cli import options
from healthdesk.cli.command import UsageError
from healthdesk.cli.desk import Desk
from healthdesk.cli.marks import GOOD, WARN, Cell
from healthdesk.domain.durations import format_span
from healthdesk.domain.instance_states import FieldDirection, WorkStatus
from healthdesk.domain.states import Environment, IntegrationKind, IntegrationState

if TYPE_CHECKING:
    from healthdesk.api.integrations import Integration

_OF_TASKS = {"set": "container", "map": "directions", "status": "statuses", "their_status": "their_statuses"}
_OF_TASKS |= {"person": "people", "value": "values"}
"""Options that fill mappings of the settings, by name of the option."""

_OF_ENVIRONMENTS = (
    "path",
    "method",
    "header",
    "concurrency",
    "rate",
    "timeout",
    "on_unknown",
    "accept_limit",
)


def settings_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the options of settings of kinds tasks and proof."""
    group = parser.add_argument_group("kinds tasks and proof")
    group.add_argument(
        "--set", action="append", metavar="FIELD=VALUE", help="where issues are created, as project=OPS"
    )
    group.add_argument(
        "--map",
        action="append",
        metavar="FIELD=WAY",
        help=f"which way name, description, status, due or assignee goes: {', '.join(FieldDirection)}",
    )
    group.add_argument(
        "--status", action="append", metavar="OURS=THEIRS", help="their status, by name or id, as done=Closed"
    )
    group.add_argument(
        "--their-status", action="append", metavar="THEIRS=OURS", help="what a further one of theirs means"
    )
    group.add_argument("--person", action="append", metavar="USER=NAME", help="what the app calls a user")
    group.add_argument(
        "--value",
        action="append",
        metavar="FIELD=TEXT",
        help="a further field of new issues; {name} is filled in",
    )
    group.add_argument(
        "--every", type=options.duration, metavar="TIME", help="how often it is synced or collected"
    )
    group.add_argument("--unchecked", action="store_true", help="save without asking the app first")


def of_apps(args: argparse.Namespace) -> bool:
    """Tell whether an option of kinds tasks and proof was given."""
    return args.every is not None or any(getattr(args, name) for name in _OF_TASKS)


def may_be_of_apps(args: argparse.Namespace) -> bool:
    """Tell whether a connection alone was given, which kind tasks takes too."""
    elsewhere = any(getattr(args, name) is not None for name in _OF_ENVIRONMENTS)
    return args.connection is not None and not elsewhere and args.environment == Environment.PRODUCTION


def refuse_environments(args: argparse.Namespace) -> None:
    """Raise UsageError for an option that only a delivery has."""
    given = [name for name in _OF_ENVIRONMENTS if getattr(args, name) is not None]
    if given:
        raise UsageError(
            f"--{given[0].replace('_', '-')} belongs to integrations of kind delivery", "leave it out"
        )


def task_settings(args: argparse.Namespace, before: dict[str, Any]) -> dict[str, Any]:
    """Return task settings, those before with what the options change. An empty value takes an entry away."""
    settings = {name: dict(before.get(name, {})) for name in _OF_TASKS.values()}
    for option, name in _OF_TASKS.items():
        given = options.pairs(getattr(args, option) or [], f"--{option.replace('_', '-')}", "=")
        _check_words(option, given)
        settings[name] = {key: value for key, value in (settings[name] | given).items() if value}
    if args.every is not None:
        settings["every_s"] = args.every
    elif "every_s" in before:
        settings["every_s"] = before["every_s"]
    return settings


def _check_words(option: str, given: dict[str, str]) -> None:
    known: dict[str, tuple[list[str], list[str]]] = {
        "map": (list(given), [way.value for way in FieldDirection]),
        "status": ([status.value for status in WorkStatus], list(given.values())),
        "their_status": (list(given), [status.value for status in WorkStatus]),
    }
    keys, values = known.get(option, (list(given), list(given.values())))
    for key, value in given.items():
        if key not in keys:
            raise UsageError(f"--{option} {key}={value}: there is no {key}", f"one of {', '.join(keys)}")
        if value and value not in values:
            name = option.replace("_", "-")
            raise UsageError(f"--{name} {key}={value}: there is no {value}", f"one of {', '.join(values)}")


def state(item: Integration) -> Cell:
    """Return the mark of an integration of kind tasks or proof."""
    if item.state is IntegrationState.PAUSED:
        return Cell("⏸ Paused", WARN)
    if item.kind is IntegrationKind.TASKS and item.connection_id is None:
        return Cell("⚠ No admin connection", WARN)
    return Cell("● Active", GOOD)


def print_of_apps(desk: Desk, item: Integration) -> None:
    """Print an integration of kind tasks or proof."""
    out, tasks, totals = desk.out, item.tasks, item.totals
    admin = f"{item.connection_name} ({item.connection_id}), {item.admin}'s"
    gone = f"disconnected: `healthdesk integrations edit {item.id} --connection` gives it another"
    every_s = tasks.every_s if tasks else item.proof.every_s if item.proof else 0
    counted = (
        f"{totals.total:,}: {totals.succeeded:,} succeeded, {totals.failed:,} failed" if totals else "none"
    )
    out.facts(
        [
            ("Id", item.id),
            ("Name", item.name),
            ("Kind", item.kind.value),
            ("Status", state(item)),
            ("App", item.app_name),
            ("Admin connection", "" if tasks is None else admin if item.connection_id else gone),
            ("Every", format_span(every_s)),
            ("Tasks" if tasks else "Proof syncs", counted),
            ("Created", f"{out.time(item.created_at)} by {item.created_by}"),
        ]
    )
    if tasks is None:
        return
    out.heading("Mapping")
    mapped = (
        ("Created in", tasks.container),
        ("Ways", tasks.directions),
        ("Statuses", tasks.statuses),
        ("Theirs", tasks.their_statuses),
        ("People", tasks.people),
        ("Further fields", tasks.values),
    )
    out.facts((label, "; ".join(f"{key}={value}" for key, value in each.items())) for label, each in mapped)
    for note in item.notes:
        out.note(note)
