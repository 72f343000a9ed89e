"""Integrations and their environments."""

from __future__ import annotations

from datetime import datetime
from typing import Literal

from pydantic import Field

from healthdesk.api.apps import AppField
from healthdesk.api.common import Input, Name, Output
from healthdesk.api.delivery import DeliveryMethod
from healthdesk.api.flow import Circuit
from healthdesk.api.instances import InstanceTotals
from healthdesk.api.keys import NewSecret
from healthdesk.domain.instance_states import FieldDirection, WorkStatus
from healthdesk.domain.states import Environment, HoldReason, IntegrationKind, IntegrationState, OnUnknown

DeliveryVerb = Literal["POST", "PUT", "PATCH", "GET", "DELETE"]
"""GET and DELETE have no body: what they say of a record is in the path."""
TaskField = Literal["name", "description", "status", "due", "assignee"]


class EnvironmentSettings(Input):
    """Where and how records of one environment are delivered: `connection_id` and a path on its base URL."""

    connection_id: str
    path: str = Field(default="", max_length=2000)
    method: DeliveryVerb = "POST"
    headers: dict[str, str] = {}
    concurrency: int | None = Field(default=None, ge=1, le=256)
    rate_per_s: float | None = Field(default=None, gt=0)
    timeout_s: float | None = Field(default=None, gt=0, le=300)
    on_unknown: OnUnknown = OnUnknown.RESEND
    accept_limit_per_minute: int | None = Field(default=None, ge=1)
    delivery: DeliveryMethod = DeliveryMethod()


class EnvironmentEdit(Input):
    """Changes to one environment; what is absent stays."""

    connection_id: str | None = None
    path: str | None = Field(default=None, max_length=2000)
    method: DeliveryVerb | None = None
    headers: dict[str, str] | None = None
    concurrency: int | None = Field(default=None, ge=1, le=256)
    rate_per_s: float | None = Field(default=None, gt=0)
    timeout_s: float | None = Field(default=None, gt=0, le=300)
    on_unknown: OnUnknown | None = None
    accept_limit_per_minute: int | None = Field(default=None, ge=1)
    delivery: DeliveryMethod | None = None
    """Replaces what was set, whole."""


class TaskSettings(Input):
    """How tasks and external issues belong together.

    `container` is the project or list that issues are created in. `directions` says for name, description, status, due
    and assignee which way each is synced (both, where it is not named). `statuses` gives for each status of the desk the
    id of theirs, `their_statuses` for ids of theirs the desk's: what is not named follows from whether theirs is done.
    `people` gives for users of the desk what the app calls them. `values` are further fields of a creation: texts in which
    `{name}`, `{description}`, `{due}`, `{assignee}` and `{template}` are filled in.
    """

    container: dict[str, str] = {}
    directions: dict[TaskField, FieldDirection] = {}
    statuses: dict[WorkStatus, str] = {}
    their_statuses: dict[str, WorkStatus] = {}
    people: dict[str, str] = {}
    values: dict[str, str] = {}
    every_s: float = Field(default=3600, ge=60, le=366 * 86400)
    """How often each task is synced."""


class ProofSettings(Input):
    """How often proof is collected, where a proof sync does not say otherwise."""

    every_s: float = Field(default=86400, ge=300, le=366 * 86400)


class IntegrationCreate(Input):
    """A new integration. Of kind delivery it has one or both environments; of kind tasks the admin connection
    `connection_id` and `tasks`; of kind proof an `app` and `proof`.

    `unchecked` saves what is of tasks without asking the app first.
    """

    kind: IntegrationKind = IntegrationKind.DELIVERY
    name: Name
    production: EnvironmentSettings | None = None
    testing: EnvironmentSettings | None = None
    app: str | None = None
    connection_id: str | None = None
    tasks: TaskSettings | None = None
    proof: ProofSettings | None = None
    unchecked: bool = False


class IntegrationEdit(Input):
    """Changes to an integration; an environment given here that does not exist yet is created. `tasks` and `proof` replace
    what was set.
    """

    name: Name | None = None
    production: EnvironmentEdit | None = None
    testing: EnvironmentEdit | None = None
    connection_id: str | None = None
    tasks: TaskSettings | None = None
    proof: ProofSettings | None = None
    unchecked: bool = False


class ChoicesAsked(Input):
    """What the app offers for tasks in a container, asked through a connection."""

    connection_id: str
    container: dict[str, str] = {}


class StatusChoice(Output):
    """A status an issue can have there: its id, its name for people, whether it means done."""

    id: str
    name: str
    done: bool = False


class Choices(Output):
    """What a task integration is configured from: their statuses, the further fields a creation wants, and a mapping to
    begin with.
    """

    noun: str
    container: list[AppField]
    statuses: list[StatusChoice]
    fields: list[AppField] = []
    suggested: TaskSettings


class EnvironmentView(Output):
    """One environment of an integration as it is."""

    environment: Environment
    connection_id: str
    connection_name: str = ""
    endpoint: str = ""
    """Full URL records are sent to."""
    path: str = ""
    method: str = "POST"
    headers: dict[str, str] = {}
    concurrency: int
    rate_per_s: float | None = None
    timeout_s: float
    on_unknown: OnUnknown
    accept_limit_per_minute: int | None = None
    delivery: DeliveryMethod = DeliveryMethod()
    circuit: Circuit = Circuit()
    receipt_secret_hint: str = ""
    state: IntegrationState
    hold_reason: HoldReason | None = None
    key_hint: str = ""
    key_created_at: datetime | None = None
    signing_secret_hint: str = ""
    totals: dict[str, int] = {}
    """Records by state, from the ledger."""


class Integration(Output):
    """An integration with its environments and enabled sources."""

    id: str
    kind: IntegrationKind
    name: str
    environments: list[EnvironmentView] = []
    app: str = ""
    app_name: str = ""
    connection_id: str | None = None
    """Of kind tasks the admin connection, None once that was disconnected."""
    connection_name: str = ""
    admin: str = ""
    """Who owns the admin connection."""
    state: IntegrationState = IntegrationState.ACTIVE
    """Of kinds tasks and proof; an environment has its own."""
    tasks: TaskSettings | None = None
    proof: ProofSettings | None = None
    totals: InstanceTotals | None = None
    sources: list[str] = []
    """Keys of the sources enabled for it."""
    records_url: str = ""
    receipts_url: str = ""
    """Where endpoints of environments that await receipts post them."""
    notes: list[str] = []
    """What to see to, told by what added or changed it: fields that creations want and nothing is said of."""
    created_at: datetime
    created_by: str


class EnvironmentChoice(Input):
    """Which environment an action is for; None means both where both exist."""

    environment: Environment | None = None


class ChangedIntegration(Integration):
    """An integration as a change left it, with the secrets that sign what goes to the environments it made."""

    new_signing_secrets: list[NewSecret] = []
    """One for each environment that this request made, shown this once."""
