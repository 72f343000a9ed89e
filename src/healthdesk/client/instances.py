"""Calls about instances: tasks and proof syncs of integrations, and the issues that tasks are linked with."""

from __future__ import annotations

from pydantic import TypeAdapter

from healthdesk.api.common import Page
from healthdesk.api.instances import (
    Attach,
    AttachReview,
    FindIssue,
    FoundIssues,
    Instance,
    InstanceFilter,
    InstanceSync,
    InstanceTotals,
    IssueRef,
    Reconnect,
    Reconnected,
    Run,
)
from healthdesk.client.params import instance_filter, paging, seg
from healthdesk.client.transport import LONG_TIMEOUT_S, Transport

_ONE = TypeAdapter(Instance)
_PAGE = TypeAdapter(Page[Instance])
_TOTALS = TypeAdapter(InstanceTotals)
_RUNS = TypeAdapter(Page[Run])
_FOUND = TypeAdapter(FoundIssues)
_REVIEW = TypeAdapter(AttachReview)
_RECONNECTED = TypeAdapter(Reconnected)

EVERY = InstanceFilter()
SYNC = InstanceSync()


class InstanceCalls:
    """Tasks and proof syncs: their status, their runs, and what is done with them."""

    _http: Transport

    async def instances_list(
        self, chosen: InstanceFilter = EVERY, *, after: str | None = None, limit: int = 50
    ) -> Page[Instance]:
        """Tasks and proof syncs that match, proof syncs first, each kind oldest first."""
        query = instance_filter(chosen) + paging(after, limit)
        return await self._http.call(_PAGE, "GET", "/v1/instances", query=query)

    async def instances_count(self, chosen: InstanceFilter = EVERY) -> InstanceTotals:
        """How many match, and how many of them succeeded and failed."""
        query = instance_filter(chosen)
        return await self._http.call(_TOTALS, "GET", "/v1/instances/count", query=query)

    async def instance(self, instance_id: str) -> Instance:
        """One task or proof sync, with why it is as it is and what cannot be done with it."""
        return await self._http.call(_ONE, "GET", f"/v1/instances/{seg(instance_id)}")

    async def instance_sync(self, instance_id: str, choice: InstanceSync = SYNC) -> Instance:
        """Sync now; answers with the instance as it is then, at the latest after `wait_s` seconds."""
        path = f"/v1/instances/{seg(instance_id)}/sync"
        timeout_s = max(LONG_TIMEOUT_S, choice.wait_s + 30)
        return await self._http.call(_ONE, "POST", path, body=choice, timeout_s=timeout_s)

    async def instance_unlink(self, instance_id: str) -> Instance:
        """Part a task from its issue; both stay as they are."""
        return await self._http.call(_ONE, "POST", f"/v1/instances/{seg(instance_id)}/unlink")

    async def instance_find(self, instance_id: str, wanted: FindIssue) -> FoundIssues:
        """Issues at the app, by key, URL or words of the title."""
        path = f"/v1/instances/{seg(instance_id)}/find"
        return await self._http.call(_FOUND, "POST", path, body=wanted, timeout_s=LONG_TIMEOUT_S)

    async def instance_review(self, instance_id: str, issue: IssueRef) -> AttachReview:
        """What of the task an issue would overwrite."""
        path = f"/v1/instances/{seg(instance_id)}/review"
        return await self._http.call(_REVIEW, "POST", path, body=issue, timeout_s=LONG_TIMEOUT_S)

    async def instance_attach(self, instance_id: str, issue: Attach) -> Instance:
        """Link the task with an issue and overwrite it, as the review said."""
        path = f"/v1/instances/{seg(instance_id)}/attach"
        return await self._http.call(_ONE, "POST", path, body=issue, timeout_s=LONG_TIMEOUT_S)

    async def instance_create_issue(self, instance_id: str) -> Instance:
        """Have a new issue created for a task that is unlinked, or whose issue was deleted."""
        path = f"/v1/instances/{seg(instance_id)}/create-issue"
        return await self._http.call(_ONE, "POST", path, timeout_s=LONG_TIMEOUT_S)

    async def instance_reconnect(self, instance_id: str, choice: Reconnect) -> Reconnected:
        """Give a task another connection, and all others of the same user and app that lost theirs."""
        path = f"/v1/instances/{seg(instance_id)}/reconnect"
        return await self._http.call(_RECONNECTED, "POST", path, body=choice)

    async def instance_runs(
        self, instance_id: str, *, after: str | None = None, limit: int = 50
    ) -> Page[Run]:
        """What its runs did, newest first."""
        path = f"/v1/instances/{seg(instance_id)}/runs"
        return await self._http.call(_RUNS, "GET", path, query=paging(after, limit))
