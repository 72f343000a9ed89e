"""`healthdesk records ledger`: every record in one state, and whether the totals balance."""

from __future__ import annotations

import argparse
from typing import TYPE_CHECKING

from healthdesk.cli import marks, options
from healthdesk.cli.command import FAILED
from healthdesk.cli.desk import Desk
from healthdesk.cli.marks import Cell
from healthdesk.cli.tables import Column

if TYPE_CHECKING:
    from healthdesk.api.ledger import Ledger, LedgerRow


def ledger_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the arguments of `ledger`."""
    options.time_range(parser)
    parser.add_argument("--integration", metavar="INTEGRATION", help="id or name")
    options.environment(parser)


async def ledger(desk: Desk, args: argparse.Namespace) -> int | None:
    """Print the totals, of a period with the reason of each state; one that does not balance is exit code 1."""
    from healthdesk.api.ledger import LedgerQuery

    asked = LedgerQuery(
        arrived_from=options.when(desk, args.arrived_from, "--from"),
        arrived_to=options.when(desk, args.arrived_to, "--to"),
        integration_id=await desk.integration_id(args.integration) if args.integration else None,
        environment=args.environment,
    )
    answer = await desk.client.ledger(asked)
    if desk.out.as_json:
        desk.out.model(answer)
        return None if answer.balanced else FAILED
    states = ("delivered", "failed", "retrying", "held", "unknown", "queued", "sending", "awaiting_receipt")
    columns = (
        Column("Integration", flex=True),
        Column("Environment"),
        Column("Accepted", right=True),
        *(
            Column(state.replace("_", " ").capitalize(), right=True, spare=spare)
            for spare, state in enumerate(states)
        ),
        Column("Removed", right=True, spare=9),
        Column("Balanced"),
    )

    def row(item: LedgerRow) -> list[Cell | str]:
        numbers = (item.accepted, *(item.states.get(state, 0) for state in states), item.removed)
        name = item.integration_name or item.integration_id
        return [
            name,
            item.environment.shown,
            *(f"{number:,}" for number in numbers),
            marks.yes_no(item.balanced, wanted=True),
        ]

    desk.out.table(columns, [row(item) for item in answer.rows], empty="No records yet: nothing to balance.")
    if answer.lines:
        _print_lines(desk, answer)
    return None if answer.balanced else FAILED


def _print_lines(desk: Desk, answer: Ledger) -> None:
    """Print a period's records by state and reason, samples apart."""
    names = {(row.integration_id, row.environment): row.integration_name for row in answer.rows}
    columns = (
        Column("Integration", flex=True),
        Column("Environment"),
        Column("State"),
        Column("Reason", flex=True),
        Column("Samples"),
        Column("Records", right=True),
    )
    desk.out.line()
    desk.out.table(
        columns,
        [
            [
                names.get((line.integration_id, line.environment)) or line.integration_id,
                line.environment.shown,
                line.state.value,
                line.reason or "–",
                "~ samples" if line.sample else "",
                f"{line.count:,}",
            ]
            for line in answer.lines
        ],
        empty="",
    )
