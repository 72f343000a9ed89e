"""The Connections area: rows of apps and accounts, and of the delivery integrations beside them, worst first."""

from __future__ import annotations

from collections.abc import Container, Iterable, Mapping
from dataclasses import dataclass

from healthdesk.api.accounts import AccountRow
from healthdesk.api.common import Explanation
from healthdesk.domain.states import (
    ConnectionState,
    HoldReason,
    IntegrationKind,
    IntegrationState,
    ProblemState,
    RecordState,
)
from healthdesk.errors import ConnectorError
from healthdesk.operations.account_groups import Account, Totals, accounts_of, worst_of
from healthdesk.operations.account_rows import account_of, account_rows
from healthdesk.operations.desk import Desk
from healthdesk.operations.explain import explain_connection, explain_problem, plural, word_of
from healthdesk.operations.paging import everything
from healthdesk.operations.refusals import refused_on
from healthdesk.store import connections as connection_queries
from healthdesk.store import integrations as integration_queries
from healthdesk.store import problems as problem_queries
from healthdesk.store.rows import ConnectionRow, IntegrationRow, ProblemRow

_MOST_PROBLEMS = 500


@dataclass(frozen=True, slots=True)
class Everything:
    """What the area and the connection window are made from."""

    connections: list[ConnectionRow]
    integrations: list[IntegrationRow]
    accounts: list[Account]
    totals: Totals
    problems: list[ProblemRow]


async def read_everything(desk: Desk) -> Everything:
    """Read all connections and integrations, the numbers of instances, and the problems that are not resolved."""
    connections = await everything(desk, connection_queries.page)
    integrations = await everything(desk, integration_queries.page)
    totals = await desk.engine.instances.counts.by_place()
    problems = await desk.read(
        problem_queries.page,
        states=(ProblemState.OPEN, ProblemState.ACKNOWLEDGED),
        limit=_MOST_PROBLEMS,
    )
    accounts = accounts_of(connections, integrations, totals)
    return Everything(connections, integrations, accounts, totals, problems.items)


async def list_all(desk: Desk) -> list[AccountRow]:
    """Return every row, worst first."""
    desk.require("accounts.list")
    found = await read_everything(desk)
    rows = account_rows(
        found.accounts,
        lambda app: app_name(desk, app),
        desk.now(),
        integrations=found.integrations,
        totals=found.totals,
        problems=found.problems,
    )
    delivered = integration_rows(found.integrations, found.connections, found.problems)
    _refuse(desk, found, [*rows, *delivered])
    delivering = {each for row in delivered for each in row.details["connections"]}
    return sorted(
        [*(row for row in rows if not _told_by_integration(row, delivering)), *delivered], key=_severity
    )


def _refuse(desk: Desk, found: Everything, rows: Iterable[AccountRow]) -> None:
    """Give each row what the operator may not do on the connection that its keys act on."""
    known = {each.id: each for each in found.connections}
    of_integration = {each.id: connection_acted_on(each) for each in found.integrations}
    for row in rows:
        connection = known.get(row.id if row.kind == "connection" else of_integration[row.id] or "")
        if connection is not None:
            row.refused = refused_on(desk, connection)


def connection_acted_on(row: IntegrationRow) -> str | None:
    """Return the connection that keys on a delivery integration act on: the one that keeps it, else the first one's."""
    held = [each for each in row.environments if each.hold_reason is HoldReason.CONNECTION]
    return next((each.connection_id for each in (*held, *row.environments)), None)


def _told_by_integration(row: AccountRow, delivering: Container[str]) -> bool:
    """Tell whether the row of a delivery integration says all there is to say of a connection."""
    told = row.kind == "connection" and all(each in delivering for each in row.details["connections"])
    in_trouble = row.state in (ConnectionState.FAILING, ConnectionState.SUSPECT)
    return told and not (in_trouble or row.total or row.expires_in or row.flapping or row.drifted)


def app_name(desk: Desk, app: str) -> str:
    """Return what an app is called."""
    try:
        return desk.ctx.apps.get(app).name
    except ConnectorError:
        return app


def integration_rows(
    integrations: Iterable[IntegrationRow],
    connections: Iterable[ConnectionRow],
    problems: Iterable[ProblemRow],
) -> list[AccountRow]:
    """Return a row a delivery integration, with its records' numbers."""
    known = {row.id: row for row in connections}
    worst_problem: dict[str, ProblemRow] = {}
    for problem in problems:
        if problem.integration_id is not None:
            before = worst_problem.get(problem.integration_id)
            if before is None or problem.count > before.count:
                worst_problem[problem.integration_id] = problem
    return [
        _integration_row(row, known, worst_problem.get(row.id))
        for row in integrations
        if row.kind is IntegrationKind.DELIVERY
    ]


def _integration_row(
    row: IntegrationRow, known: Mapping[str, ConnectionRow], problem: ProblemRow | None
) -> AccountRow:
    used = [known[each.connection_id] for each in row.environments if each.connection_id in known]
    worst = worst_of(used)
    state = worst.state if worst else ConnectionState.UNKNOWN
    totals: dict[str, int] = {}
    for environment in row.environments:
        for name, count in environment.totals.items():
            totals[name] = totals.get(name, 0) + count
    paused = bool(row.environments) and all(
        each.state is IntegrationState.PAUSED for each in row.environments
    )
    failed, held = totals.get(RecordState.FAILED, 0), totals.get(RecordState.HELD, 0)
    return AccountRow(
        kind="integration",
        id=row.id,
        name=row.name,
        app=row.name,
        account=", ".join(dict.fromkeys(account_of(each) for each in used)),
        state=state,
        state_word=word_of(worst) if worst else "Not checked yet",
        suspect_checks=worst.suspect_checks if worst else 0,
        paused=paused,
        failed=failed,
        held=held,
        retrying=totals.get(RecordState.RETRYING, 0),
        total=sum(totals.get(each, 0) for each in RecordState),
        unit="records",
        checked_at=worst.last_checked if worst else None,
        explanation=_explain(worst, problem, failed=failed, held=held, paused=paused),
        details={
            "connections": list(dict.fromkeys(each.id for each in used)),
            "environments": {
                each.environment.value: {"state": each.state.value, "totals": dict(each.totals)}
                for each in row.environments
            },
        },
    )


def _explain(
    worst: ConnectionRow | None, problem: ProblemRow | None, *, failed: int, held: int, paused: bool
) -> Explanation | None:
    if worst is not None and worst.state is ConnectionState.FAILING:
        explanation = explain_connection(worst)
        if explanation is not None and held:
            explanation.sentence += f" {plural(held, 'record')} held until it is repaired."
        return explanation
    if problem is not None and problem.count:
        return explain_problem(problem, failed)
    if failed:
        return Explanation(
            sentence=f"{plural(failed, 'record')} failed.",
            next_action="Open the log, mend the cause and resend them.",
            key="enter",
        )
    if paused:
        waiting = f"{plural(held, 'record')} held." if held else "Records that arrive are held."
        return Explanation(sentence=f"Paused: {waiting}", next_action="Resume it to send them.", key="p")
    return explain_connection(worst) if worst is not None else None


def _severity(row: AccountRow) -> tuple[int, int, int, str, str, str]:
    """Return what rows are sorted by: failing, then failed records, in doubt, paused, to be looked at, unknown, well."""
    if row.state is ConnectionState.FAILING:
        rank = 0
    elif row.failed:
        rank = 1
    elif row.state is ConnectionState.SUSPECT:
        rank = 2
    elif row.paused or row.held:
        rank = 3
    elif row.state is ConnectionState.UNKNOWN and row.explanation is not None:
        rank = 5
    elif row.kind == "connection" and row.explanation is not None:
        rank = 4  # it works, and there is something to do
    else:
        rank = 6
    return rank, -row.failed, -row.held, row.app.lower(), row.account.lower(), row.name.lower()
