"""A whole set-up as a document: what operators configure, by name, without secrets. In a file it is TOML (`setup_text`).

What a file leaves out stays as it is on the desk; what the desk has beside the file stays, too.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Literal

from pydantic import BaseModel, Field, field_validator, model_validator

from healthdesk.api.common import Input, Name
from healthdesk.api.connections import AuthMethod, CallbackVerification, HeartbeatRequest, Settings
from healthdesk.api.integrations import EnvironmentSettings, ProofSettings, TaskSettings
from healthdesk.api.labels import LabelCreate
from healthdesk.api.pings import PingSchedule
from healthdesk.api.records import RecordFilter
from healthdesk.api.sources import SourceCreate
from healthdesk.api.tasks import Schedule, TaskName, TemplateTask
from healthdesk.domain.states import Environment, Grant, IntegrationKind

HEALTH_TWICE = "a connection has a heartbeat, by which it is called, or a ping, by which it calls: not both"


class SetupPing(Input):
    """What is expected of a connection that pings the desk; its address is a secret, and made by the import."""

    schedule: PingSchedule
    grace_s: float = Field(default=300, ge=10, le=30 * 86_400)


class SetupConnection(Input):
    """A connection. `fields` are those of its credentials that are no secrets; whose it is decides who imports it.

    Without `verification` its callbacks are verified as its app signs them. `optional_secrets` are the keys of secrets that its
    method does not need and that it has all the same, such as a client certificate: the import asks for them, too.
    """

    name: Name
    app: str = "http-endpoint"
    auth: AuthMethod = "none"
    fields: dict[str, str] = {}
    base_url: str = ""
    settings: Settings = {}
    heartbeat: HeartbeatRequest | None = None
    ping: SetupPing | None = None
    verification: CallbackVerification | None = None
    callback_secret: bool = False
    optional_secrets: list[str] = []
    callback_limit_per_minute: int | None = None
    members: dict[str, Grant] = {}

    @model_validator(mode="after")
    def _health_by_one(self) -> SetupConnection:
        if self.heartbeat is not None and self.ping is not None:
            raise ValueError(HEALTH_TWICE)
        return self


class SetupEnvironment(EnvironmentSettings):
    """An environment of a delivery integration; `connection` is the name of one."""

    connection_id: str = ""
    connection: Name
    paused: bool = False

    @field_validator("connection_id")
    @classmethod
    def _by_name(cls, _given: str) -> str:
        raise ValueError("a file names its connections: write connection = … in its place")


class SetupIntegration(Input):
    """An integration of any kind."""

    name: Name
    kind: IntegrationKind = IntegrationKind.DELIVERY
    production: SetupEnvironment | None = None
    testing: SetupEnvironment | None = None
    app: str = ""
    connection: str = ""
    tasks: TaskSettings | None = None
    proof: ProofSettings | None = None
    paused: bool = False

    def places(self) -> list[tuple[str, SetupEnvironment]]:
        """Return the environments that are given, each with its name."""
        both = (("production", self.production), ("testing", self.testing))
        return [(name, place) for name, place in both if place is not None]


class SetupSilence(Input):
    """After how many seconds a source's silence is a problem where that was set; 0 is never."""

    integration: Name
    environment: Environment = Environment.PRODUCTION
    after_s: float = Field(ge=0, le=366 * 86400)


class SetupSource(SourceCreate):
    """A source, and the names of the integrations that it is enabled for. Where `silence` does not say, it is learnt."""

    enabled: list[str] = []
    silence: list[SetupSilence] = []


class SetupChannel(Input):
    """A channel: its URL is a secret."""

    name: Name


class SetupRule(Input):
    """A rule, for the integration or connection of that name or for all problems."""

    name: Name
    integration: str = ""
    connection: str = ""
    environments: list[Environment] = []
    channels: list[str] = []
    recoveries: bool = True
    enabled: bool = True


class SetupTemplate(Input):
    """A repeating task."""

    name: TaskName
    task: TemplateTask
    schedule: Schedule | None = None
    integration: str = ""
    connection: str = ""


class SetupProof(Input):
    """A proof sync, filed under the label or the control of that name. Without `every_s` as often as its integration says."""

    name: Name
    integration: Name
    connection: str = ""
    dataset: str
    fields: dict[str, str] = {}
    label: str = ""
    control: str = ""
    every_s: float | None = Field(default=None, ge=300, le=366 * 86400)


class SetupFilter(Input):
    """A saved filter that is shared; `integration` is the name of the one that it narrows to."""

    name: Name
    integration: str = ""
    filter: RecordFilter = RecordFilter()


class SetupDocument(Input):
    """Everything, in the order in which it is made: what comes later names what came before."""

    healthdesk: Literal[1] = 1
    connections: list[SetupConnection] = []
    integrations: list[SetupIntegration] = []
    sources: list[SetupSource] = []
    channels: list[SetupChannel] = []
    rules: list[SetupRule] = []
    labels: list[LabelCreate] = []
    templates: list[SetupTemplate] = []
    proof_syncs: list[SetupProof] = []
    filters: list[SetupFilter] = []

    def items(self) -> Iterator[tuple[str, str, BaseModel]]:
        """Yield (kind, key, item) of everything."""
        for kind in KINDS:
            for item in getattr(self, kind):
                yield kind, key_of(item), item


KINDS = tuple(name for name in SetupDocument.model_fields if name != "healthdesk")


def key_of(item: BaseModel) -> str:
    """Return what tells an item from others of its kind: its name, of a source its key, of a control its kind too."""
    if isinstance(item, SourceCreate):
        return item.key
    if isinstance(item, LabelCreate):
        return f"{item.kind.value} {item.name}"
    return str(getattr(item, "name", ""))
