"""What the desk does with an app, by its manifest. A folder's `connector.py` overrides what data cannot say."""

from __future__ import annotations

from collections.abc import Mapping

from healthdesk.connectors.client import AppClient, Page, Reply
from healthdesk.connectors.heartbeat import CheckOutcome
from healthdesk.connectors.results import (
    NOTHING,
    Collected,
    ExternalTask,
    FieldsAnswer,
    StatusesAnswer,
    TaskAnswer,
    TaskInputs,
    TasksAnswer,
    TaskStatus,
)

__all__ = [
    "AppClient",
    "CheckOutcome",
    "Collected",
    "Connector",
    "ExternalTask",
    "FieldsAnswer",
    "Page",
    "Reply",
    "StatusesAnswer",
    "TaskAnswer",
    "TaskInputs",
    "TaskStatus",
    "TasksAnswer",
]


class Connector:
    """One connection to one app. Whatever the app answers, no method raises for it: the failure is in what it returns.

    A ConnectorError is raised for what is wrong on our side: an operation the app does not have, an input that is
    missing. `check` returns even that as a failure.
    """

    def __init__(self, client: AppClient) -> None:
        self.client = client
        self.manifest = client.app.manifest

    async def check(self) -> CheckOutcome:
        """Send the heartbeat, and what else tells who we are there."""
        raise NotImplementedError

    async def probe(self, probe_id: str, inputs: Mapping[str, object] = NOTHING) -> Reply:
        """Prove that the account may do one thing, without doing it."""
        raise NotImplementedError

    async def create_task(self, container: Mapping[str, object], task: TaskInputs) -> TaskAnswer:
        """Create an issue. The answer holds what the app said of it, which may be no more than its id."""
        raise NotImplementedError

    async def get_task(self, container: Mapping[str, object], id: str, key: str = "") -> TaskAnswer:
        """Read an issue."""
        raise NotImplementedError

    async def update_task(
        self, container: Mapping[str, object], id: str, key: str, changes: TaskInputs
    ) -> TaskAnswer:
        """Change what is given of an issue; the status by the app's transition, where it has one. Returns the issue then."""
        raise NotImplementedError

    async def search_tasks(self, container: Mapping[str, object], text: str) -> TasksAnswer:
        """Find issues by text: the first page of them."""
        raise NotImplementedError

    async def statuses(self, container: Mapping[str, object]) -> StatusesAnswer:
        """Return the statuses an issue can have."""
        raise NotImplementedError

    async def task_fields(self, container: Mapping[str, object]) -> FieldsAnswer:
        """Return the further fields that a creation needs."""
        raise NotImplementedError

    def find_reference(self, text: str) -> dict[str, str] | None:
        """Return the inputs of `get_task` that a pasted URL or key tells (`id`, `key`, the container's), or None."""
        raise NotImplementedError

    async def collect(self, dataset_id: str, inputs: Mapping[str, object] = NOTHING) -> Collected:
        """Collect a dataset, all its pages."""
        raise NotImplementedError
