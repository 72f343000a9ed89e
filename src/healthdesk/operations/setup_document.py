"""A whole set-up as a document: what operators configure, by name, without secrets. In a file it is TOML.

What a file leaves out stays as it is on the desk; what the desk has beside the file stays, too.
"""

from __future__ import annotations

import tomllib
from collections.abc import Iterator
from typing import Any, Literal

import tomli_w
from pydantic import BaseModel, ValidationError

from healthdesk.api.common import Input, Name
from healthdesk.api.connections import AuthMethod, CallbackVerification, HeartbeatRequest, Settings
from healthdesk.api.integrations import EnvironmentSettings, ProofSettings, TaskSettings
from healthdesk.api.labels import LabelCreate
from healthdesk.api.sources import SourceCreate
from healthdesk.api.tasks import Schedule, TaskName, TemplateTask
from healthdesk.domain.states import Environment, Grant, IntegrationKind
from healthdesk.errors import Malformed

HEAD = """\
# The set-up of a healthdesk desk, as `healthdesk import` reads it. Secrets are not in it: the import asks for those of what
# is new, or takes them from a file of its own (--secrets). What is left out here stays as it is.
"""


class SetupConnection(Input):
    """A connection. `fields` are those of its credentials that are no secrets; whose it is decides who imports it."""

    name: Name
    app: str = "http-endpoint"
    auth: AuthMethod = "none"
    fields: dict[str, str] = {}
    base_url: str = ""
    settings: Settings = {}
    heartbeat: HeartbeatRequest | None = None
    verification: CallbackVerification = CallbackVerification()
    callback_secret: bool = False
    callback_limit_per_minute: int | None = None
    members: dict[str, Grant] = {}


class SetupEnvironment(EnvironmentSettings):
    """An environment of a delivery integration; `connection` is the name of one."""

    connection_id: str = ""
    connection: Name
    paused: bool = False


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


class SetupSource(SourceCreate):
    """A source, and the names of the integrations that it is enabled for."""

    enabled: list[str] = []


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

    def items(self) -> Iterator[tuple[str, str, BaseModel]]:
        """Yield (kind, key, item) of everything."""
        for kind in KINDS:
            for item in getattr(self, kind):
                yield kind, key_of(item), item


KINDS = ("connections", "integrations", "sources", "channels", "rules", "labels", "templates")


def key_of(item: BaseModel) -> str:
    """Return what tells an item from others of its kind: its name, of a source its key, of a control its kind too."""
    if isinstance(item, SourceCreate):
        return item.key
    if isinstance(item, LabelCreate):
        return f"{item.kind.value} {item.name}"
    return str(getattr(item, "name", ""))


def rendered(document: SetupDocument) -> str:
    """Return a document as TOML, what is as by default left out."""
    plain: dict[str, Any] = {"healthdesk": 1}
    for kind in KINDS:
        items = [_plain(item) for item in getattr(document, kind)]
        if items:
            plain[kind] = items
    return HEAD + "\n" + tomli_w.dumps(plain, multiline_strings=True)


def _plain(item: BaseModel) -> dict[str, Any]:
    """Return an item for TOML, which has no null; the names that tell it apart are always there."""
    plain: dict[str, Any] = _without_null(item.model_dump(mode="json", exclude_defaults=True))
    return plain


def _without_null(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: _without_null(each) for key, each in value.items() if each is not None}
    if isinstance(value, list):
        return [_without_null(each) for each in value if each is not None]
    return value


def parsed(text: str) -> SetupDocument:
    """Read a document; Malformed says where it is wrong. Nothing that is said of it quotes what may be a secret."""
    try:
        document = SetupDocument.model_validate(tomllib.loads(text))
    except tomllib.TOMLDecodeError as error:
        raise Malformed(f"this is no TOML: {error}", field="text") from None
    except ValidationError as error:
        first = error.errors(include_input=False, include_url=False)[0]
        where = ".".join(str(part) for part in first["loc"])
        raise Malformed(f"{where}: {first['msg']}", field=where or "text") from None
    seen: set[tuple[str, str]] = set()
    for kind, key, _ in document.items():
        if (kind, key) in seen:
            raise Malformed(f"{kind}: {key} is there twice", field=kind)
        seen.add((kind, key))
    return document
