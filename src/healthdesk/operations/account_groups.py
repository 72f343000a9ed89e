"""Which connections belong together in a row of Connected accounts: an app and account, and what an integration ties.

Pure: rows in, groups out. The admin connection of a task integration and those that its tasks work with are one row,
whosever accounts they are: they stand and fall for the same integration.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field

from healthdesk.domain.health import WORST_FIRST
from healthdesk.domain.instance_states import InstanceKind
from healthdesk.domain.states import IntegrationKind
from healthdesk.store.instance_totals import Where
from healthdesk.store.rows import ConnectionRow, IntegrationRow
from healthdesk.store.rows_instances import InstanceTotals

Totals = Mapping[Where, InstanceTotals]


@dataclass(frozen=True, slots=True)
class Account:
    """An app and account: its connections, the worst first, the integrations they work for, and how many instances.

    `totals` are those of its connections, and of its task integrations those whose connection was disconnected.
    """

    connections: tuple[ConnectionRow, ...]
    integrations: tuple[IntegrationRow, ...] = ()
    totals: Totals = field(default_factory=dict)

    @property
    def worst(self) -> ConnectionRow:
        """Return the connection that decides how the account is."""
        return self.connections[0]

    @property
    def ids(self) -> frozenset[str]:
        """Return the ids of its connections."""
        return frozenset(each.id for each in self.connections)

    @property
    def admin_ids(self) -> frozenset[str]:
        """Return the ids of the admin connections of its task integrations."""
        admins = {each.connection_id for each in self.integrations if each.kind is IntegrationKind.TASKS}
        return self.ids & admins

    def counted(self, kind: InstanceKind | None = None, connection_id: str | None = None) -> InstanceTotals:
        """Return how many instances there are, of a kind, of a connection."""
        return summed(
            numbers
            for (used, _, of_kind), numbers in self.totals.items()
            if (kind is None or of_kind is kind) and (connection_id is None or used == connection_id)
        )


def summed(numbers: Iterable[InstanceTotals]) -> InstanceTotals:
    """Return the sum of totals."""
    found = list(numbers)
    names = ("total", "succeeded", "failed", "blocked", "pending")
    return InstanceTotals(**{name: sum(getattr(each, name) for each in found) for name in names})


def accounts_of(
    connections: Iterable[ConnectionRow],
    integrations: Iterable[IntegrationRow] = (),
    totals: Totals | None = None,
) -> list[Account]:
    """Return the accounts of these connections, in the order in which they come.

    Where the app tells no account, each connection is an account: two on one host may well be two.
    """
    rows = {row.id: row for row in connections}
    tasks = [each for each in integrations if each.kind is IntegrationKind.TASKS]
    numbers = totals or {}
    ties = _Ties(rows)
    first: dict[tuple[str, str], str] = {}
    for row in rows.values():
        if row.account:
            ties.tie(first.setdefault((row.app, row.account), row.id), row.id)
    used: dict[str, list[str]] = {each.id: [each.connection_id or ""] for each in tasks}
    for connection_id, integration_id, _ in numbers:
        if connection_id is not None and integration_id in used:
            used[integration_id].append(connection_id)
    for each in tasks:
        known = [known for known in used[each.id] if known in rows and rows[known].app == each.app]
        for other in known[1:]:
            ties.tie(known[0], other)
    of_proof = [each for each in integrations if each.kind is IntegrationKind.PROOF]
    return [_account(group, tasks, of_proof, used, numbers) for group in ties.groups(rows)]


def _account(
    rows: Sequence[ConnectionRow],
    tasks: Iterable[IntegrationRow],
    of_proof: Iterable[IntegrationRow],
    used: Mapping[str, Sequence[str]],
    totals: Totals,
) -> Account:
    ids = {row.id for row in rows}
    tied = [each for each in tasks if ids.intersection(used[each.id])]
    tied_ids = {each.id for each in tied}
    mine = {
        where: numbers
        for where, numbers in totals.items()
        if where[0] in ids or (where[0] is None and where[1] in tied_ids)
    }
    collecting = {integration_id for _, integration_id, _ in mine}
    return Account(
        connections=tuple(sorted(rows, key=_worst)),
        integrations=(*tied, *(each for each in of_proof if each.id in collecting)),
        totals=mine,
    )


def without_connection(
    integrations: Iterable[IntegrationRow], accounts: Iterable[Account], totals: Totals
) -> list[tuple[IntegrationRow, InstanceTotals]]:
    """Return the integrations of tasks and proof that no account shows whole, with what waits there for a connection."""
    shown = {each.id for account in accounts for each in account.integrations}
    left = []
    for each in integrations:
        kind = _KINDS.get(each.kind)
        if kind is None:
            continue
        numbers = totals.get((None, each.id, kind), InstanceTotals())
        of_tasks = each.kind is IntegrationKind.TASKS
        if (of_tasks and each.id not in shown) or (not of_tasks and numbers.total):
            left.append((each, numbers))
    return left


_KINDS = {IntegrationKind.TASKS: InstanceKind.TASK, IntegrationKind.PROOF: InstanceKind.PROOF}


def worst_of(rows: Iterable[ConnectionRow]) -> ConnectionRow | None:
    """Return the connection in the worst state, of several the one that is in it for the longest."""
    return min(rows, key=_worst, default=None)


def _worst(row: ConnectionRow) -> tuple[int, float]:
    return WORST_FIRST.index(row.state), row.state_since.timestamp()


class _Ties:
    """Which ids belong together: a forest in which every tree has one root."""

    def __init__(self, ids: Iterable[str]) -> None:
        self._parent = {each: each for each in ids}

    def root(self, known: str) -> str:
        """Return what stands for the group of an id."""
        while self._parent[known] != known:
            self._parent[known] = self._parent[self._parent[known]]
            known = self._parent[known]
        return known

    def tie(self, one: str, other: str) -> None:
        """Let two ids belong together."""
        self._parent[self.root(other)] = self.root(one)

    def groups(self, rows: Mapping[str, ConnectionRow]) -> list[list[ConnectionRow]]:
        """Return the rows by group."""
        found: dict[str, list[ConnectionRow]] = {}
        for known, row in rows.items():
            found.setdefault(self.root(known), []).append(row)
        return list(found.values())
