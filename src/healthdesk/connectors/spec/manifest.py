"""`manifest.toml` as a whole."""

from __future__ import annotations

from collections.abc import Collection, Iterable
from typing import Annotated, Literal

from pydantic import Field, model_validator

from healthdesk.connectors.spec.auth import AuthManifest
from healthdesk.connectors.spec.base import (
    AppId,
    Expression,
    FieldManifest,
    Key,
    Label,
    Misplaced,
    Part,
    Template,
)
from healthdesk.connectors.spec.callbacks import CallbackManifest
from healthdesk.connectors.spec.datasets import DatasetManifest
from healthdesk.connectors.spec.delivery import DeliveryOperation
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
    delivery: dict[Key, DeliveryOperation] = {}
    callbacks: CallbackManifest | None = None

    @model_validator(mode="after")
    def _consistent(self) -> Manifest:
        _refuse_twice("authentication method", ("auth", "id"), [each.id for each in self.auth])
        _refuse_twice("field", ("fields", "key"), [each.key for each in self.fields])
        _refuse_twice("probe", ("probes", "id"), [each.id for each in self.probes])
        _refuse_twice("dataset", ("datasets", "id"), [each.id for each in self.datasets])
        known = [each.id for each in self.auth]
        for at, heartbeat in enumerate(self.heartbeat):
            _refuse_unknown(known, heartbeat.auth, "heartbeat", at, "auth")
            for number, also in enumerate(heartbeat.also):
                _refuse_unknown(known, also.auth, "heartbeat", at, "also", number, "auth")
        if ("tasks" in self.kinds) != (self.tasks is not None):
            raise Misplaced("kinds and [tasks] do not agree", "kinds")
        if ("proof" in self.kinds) != bool(self.datasets):
            raise Misplaced("kinds and [[datasets]] do not agree", "kinds")
        if self.delivery and "delivery" not in self.kinds:
            raise Misplaced("kinds and [delivery] do not agree", "kinds")
        return self

    def method(self, auth_id: str) -> AuthManifest | None:
        """Return one method of authentication, or None."""
        return next((each for each in self.auth if each.id == auth_id), None)

    def heartbeat_for(self, auth_id: str) -> HeartbeatManifest | None:
        """Return the heartbeat of a method of authentication, or None."""
        return next((each for each in self.heartbeat if not each.auth or auth_id in each.auth), None)


def _refuse_twice(what: str, place: tuple[str, str], ids: Iterable[str]) -> None:
    seen: set[str] = set()
    for at, each in enumerate(ids):
        if each in seen:
            raise Misplaced(f"the {what} {each} is there twice", place[0], at, place[1])
        seen.add(each)


def _refuse_unknown(known: Collection[str], methods: Iterable[str], *place: str | int) -> None:
    for at, method in enumerate(methods):
        if method not in known:
            raise Misplaced(
                f"there is no authentication method {method}, only {', '.join(known)}", *place, at
            )
