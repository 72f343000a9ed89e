"""What the loop of instances and those who do the work say to each other."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, Protocol

from healthdesk.connectors.connector import Connector
from healthdesk.domain.exchange import Exchange, Failure
from healthdesk.domain.instance_states import InstanceState, RunOutcome
from healthdesk.domain.states import Trigger
from healthdesk.store.rows import ConnectionSecretRow, IntegrationRow
from healthdesk.store.rows_instances import InstanceRow

Conn = Any
"""The store's connection inside a transaction, handed to queries and never looked into."""


@dataclass(frozen=True, slots=True)
class Work:
    """One instance that is to be run now, leased to this daemon, and what it runs with."""

    instance: InstanceRow
    integration: IntegrationRow
    connection: ConnectionSecretRow
    connector: Connector
    trigger: Trigger
    triggered_by: str = ""


@dataclass(frozen=True, slots=True)
class Done:
    """What a run came to. The loop stores it in one transaction with the instance's state, its run and its problem.

    `state` is the instance's from now on; with a `failure` that tells of the connection's health it stays as it was, and
    the connection is checked instead. `keep` is called inside that transaction, first, and stores what is the kind's own.
    `run_id` names the run that was committed as an intent before; without one a run is stored where something happened:
    an `unchanged` one on schedule leaves none. `again_s` asks for another run that soon, whatever the schedule.
    """

    outcome: RunOutcome
    state: InstanceState
    failure: Failure | None = None
    exchange: Exchange | None = None
    keep: Callable[[Conn], None] | None = None
    run_id: str | None = None
    detail: Mapping[str, Any] = field(default_factory=dict)
    content_hash: str = ""
    rows: int | None = None
    cut: bool = False
    again_s: float | None = None


class Worker(Protocol):
    """Does the work of one kind of instance."""

    async def run(self, work: Work) -> Done:
        """Do it. Whatever the app answers is in what it returns; ConnectorError, VaultError and store errors are raised."""
        ...
