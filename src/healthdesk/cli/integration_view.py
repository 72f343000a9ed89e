"""How `healthdesk integrations` shows an integration and its environments."""

from __future__ import annotations

from typing import TYPE_CHECKING

from healthdesk.cli import task_settings
from healthdesk.cli.delivery_view import method_facts
from healthdesk.cli.desk import Desk
from healthdesk.cli.flow import circuit_cell
from healthdesk.cli.marks import GOOD, WARN, Cell
from healthdesk.domain.states import Environment, IntegrationKind, IntegrationState

if TYPE_CHECKING:
    from healthdesk.api.integrations import EnvironmentView, Integration


def state(view: EnvironmentView) -> Cell:
    """Return the mark of an environment."""
    if view.state is IntegrationState.PAUSED:
        return Cell("⏸ Paused", WARN)
    if view.hold_reason is not None:
        return Cell(f"⏸ Held ({view.hold_reason})", WARN)
    return Cell("● Active", GOOD)


def print_integration(desk: Desk, item: Integration) -> None:
    """Print an integration with its environments."""
    out = desk.out
    if out.as_json:
        out.model(item)
        return
    if item.kind is not IntegrationKind.DELIVERY:
        task_settings.print_of_apps(desk, item)
        return
    out.facts(
        [
            ("Id", item.id),
            ("Name", item.name),
            ("Kind", item.kind.value),
            ("Sources", ", ".join(item.sources) or "none enabled: `healthdesk sources enable`"),
            ("Records go to", item.records_url),
            (
                "Receipts go to",
                item.receipts_url if any(each.delivery.receipt for each in item.environments) else "",
            ),
            ("Created", f"{out.time(item.created_at)} by {item.created_by}"),
        ]
    )
    for view in item.environments:
        shown = view.environment.shown
        out.heading(shown[:1].upper() + shown[1:])
        limit = view.accept_limit_per_minute
        made = f", made {out.time(view.key_created_at)}" if view.key_created_at else ""
        out.facts(
            [
                ("Status", state(view)),
                ("Circuit", circuit_cell(desk, view.circuit)),
                ("Connection", f"{view.connection_name} ({view.connection_id})"),
                ("Endpoint", f"{view.method} {view.endpoint}"),
                ("Headers", "; ".join(f"{name}: {value}" for name, value in view.headers.items())),
                ("Concurrency", str(view.concurrency)),
                ("Rate", f"{view.rate_per_s:g} a second" if view.rate_per_s else "no limit"),
                ("Timeout", f"{view.timeout_s:g} s"),
                *((label, out.safe(text)) for label, text in method_facts(view.delivery)),
                ("Arrival unknown", view.on_unknown.value),
                ("Accepts", f"{limit} a minute" if limit else "no limit"),
                (
                    "Key",
                    f"{view.key_hint}{made}"
                    if view.key_hint
                    else f"none: make one with `{command_for_key(item.id, view.environment)}`",
                ),
                (
                    "Signing secret",
                    view.signing_secret_hint
                    or f"unsigned: make one with `{command_for_key(item.id, view.environment)} --signing`",
                ),
                (
                    "Receipt secret",
                    view.receipt_secret_hint
                    or f"none: make one with `{command_for_key(item.id, view.environment)} --receipt`"
                    if view.delivery.receipt
                    else "",
                ),
                ("Records", ", ".join(f"{count:,} {key}" for key, count in view.totals.items() if count)),
            ]
        )


def command_for_key(integration_id: str, environment: Environment) -> str:
    """Return the command that makes the environment's bearer key."""
    named = "" if environment is Environment.PRODUCTION else f" --environment {environment}"
    return f"healthdesk integrations keys {integration_id} --new{named}"
