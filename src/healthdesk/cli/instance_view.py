"""One task or proof sync, as people read it."""

from __future__ import annotations

import argparse
from typing import TYPE_CHECKING

from healthdesk.cli import marks
from healthdesk.cli.desk import Desk

if TYPE_CHECKING:
    from healthdesk.api.instances import Instance


def one(parser: argparse.ArgumentParser) -> None:
    """Add the instance that a command is about."""
    parser.add_argument("instance", metavar="INSTANCE", help="id or name of a task or proof sync")


def print_instance(desk: Desk, item: Instance) -> None:
    """Print one task or proof sync."""
    out = desk.out
    if out.as_json:
        out.model(item)
        return
    why = item.explanation
    out.facts(
        [
            ("Status", marks.instance(item.state, item.state_word, blocked=item.blocked)),
            ("Error", item.error),
            ("Why", why.sentence if why else ""),
            ("Whose fault", (why.blame if why else "") or item.blame),
            ("Next", (why.next_action if why else "") or item.next_action),
            ("Running", "now" if item.running else ""),
            ("Id", item.id),
            ("Name", item.name),
            ("Kind", item.kind.value),
            ("Integration", _named(item.integration_name, item.integration_id)),
            ("App", item.app_name),
            ("Connection", _named(item.connection_name, item.connection_id or "none: disconnected")),
            ("Owner", item.owner),
            ("Template", item.template_name),
            ("Label or control", item.label_name),
            ("Issue", " ".join(part for part in (item.external_key, item.external_url) if part)),
            ("Problem", item.problem_id or ""),
            ("Last checked", out.time(item.last_checked)),
            ("Last succeeded", out.time(item.last_succeeded)),
            ("Next run", out.time(item.next_at) if item.next_at else ""),
        ]
    )
    if item.refused:
        out.heading("Not now")
        out.facts((name.replace("_", " "), reason) for name, reason in item.refused.items())


def _named(name: str, known_as: str) -> str:
    return f"{name} ({known_as})" if name else known_as
