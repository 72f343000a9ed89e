"""`manifest.toml` as a whole."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Annotated, Literal

from pydantic import Field, model_validator

from healthdesk.connectors.spec.auth import AuthManifest
from healthdesk.connectors.spec.base import AppId, Expression, FieldManifest, Label, Part, Template
from healthdesk.connectors.spec.callbacks import CallbackManifest
from healthdesk.connectors.spec.datasets import DatasetManifest
from healthdesk.connectors.spec.errors import ErrorRule, RateLimits
from healthdesk.connectors.spec.heartbeat import HeartbeatManifest, ProbeManifest
from healthdesk.connectors.spec.paging import Paging
from healthdesk.connectors.spec.tasks import TasksManifest


class Manifest(Part):
    """One app: what it is called, what it asks for, how it is called, what its answers mean.

    `fields` are settings of a connection that are no credentials; `headers` go with every request. `message` is an
    expression for what the app says in a refusal. Without `heartbeat` a connection is judged by its deliveries.
    """

    id: AppId
    name: Label
    summary: Annotated[str, Field(max_length=200)] = ""
    kinds: list[Literal["tasks", "proof", "delivery"]] = []
    docs: str = ""
    base_url: Template = ""
    headers: dict[str, Template] = {}
    fields: list[FieldManifest] = []
    auth: Annotated[list[AuthManifest], Field(min_length=1)]
    heartbeat: list[HeartbeatManifest] = []
    message: Expression | None = None
    errors: list[ErrorRule] = []
    rate_limits: RateLimits = RateLimits()
    paging: Paging = Paging()
    probes: list[ProbeManifest] = []
    tasks: TasksManifest | None = None
    datasets: list[DatasetManifest] = []
    callbacks: CallbackManifest | None = None

    @model_validator(mode="after")
    def _consistent(self) -> Manifest:
        for what, ids in (
            ("authentication method", [each.id for each in self.auth]),
            ("field", [each.key for each in self.fields]),
            ("probe", [each.id for each in self.probes]),
            ("dataset", [each.id for each in self.datasets]),
        ):
            _refuse_twice(what, ids)
        known = {each.id for each in self.auth}
        for heartbeat in self.heartbeat:
            for method in [*heartbeat.auth, *(name for also in heartbeat.also for name in also.auth)]:
                if method not in known:
                    raise ValueError(f"heartbeat: there is no authentication method {method}")
        if ("tasks" in self.kinds) != (self.tasks is not None):
            raise ValueError("kinds and [tasks] do not agree")
        if ("proof" in self.kinds) != bool(self.datasets):
            raise ValueError("kinds and [[datasets]] do not agree")
        return self

    def method(self, auth_id: str) -> AuthManifest | None:
        """Return one method of authentication, or None."""
        return next((each for each in self.auth if each.id == auth_id), None)

    def heartbeat_for(self, auth_id: str) -> HeartbeatManifest | None:
        """Return the heartbeat of a method of authentication, or None."""
        return next((each for each in self.heartbeat if not each.auth or auth_id in each.auth), None)


def _refuse_twice(what: str, ids: Iterable[str]) -> None:
    seen: set[str] = set()
    for each in ids:
        if each in seen:
            raise ValueError(f"the {what} {each} is there twice")
        seen.add(each)
