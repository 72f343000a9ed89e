"""What the host's administrator decides: config.toml and HEALTHDESK_<SECTION>__<KEY>, as one frozen model.

`config_values` holds the kinds of value, `config_sources` reads the file and the environment and words the errors.
"""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from pydantic import (
    BaseModel,
    ConfigDict,
    Field,
    ValidationError,
    ValidationInfo,
    field_validator,
    model_validator,
)

from healthdesk.config_sources import explain, find_config_file, merge_environment, read_toml
from healthdesk.config_values import (
    Address,
    Directory,
    Network,
    Principals,
    PublicUrl,
    Schedule,
    Seconds,
    SocketPath,
    Switch,
    Whole,
    check_database_url,
    split_address,
    wrong,
)
from healthdesk.paths import credential_key_file, default_paths


class Section(BaseModel):
    """A table of config.toml. The TOML name of a key is its alias where the attribute carries a unit."""

    model_config = ConfigDict(frozen=True, extra="forbid", validate_default=True)


class ServerSection(Section):
    """The public listener."""

    listen: Address = Field(default="127.0.0.1:8085", description="Address and port of the public listener.")
    public_url: PublicUrl = Field(
        default="",
        description="The address outsiders use, shown with every callback URL. Default: the listener's.",
    )
    header_timeout_s: Seconds = Field(
        default=15.0, gt=0, alias="header_timeout", description="The longest the head of a request may take."
    )
    idle_timeout_s: Seconds = Field(
        default=660.0,
        gt=0,
        alias="idle_timeout",
        description="How long a connection without a request is kept; longer than a proxy before it keeps it.",
    )
    max_connections: Whole = Field(
        default=4096, ge=1, description="Connections at once; further ones are answered 503 and closed."
    )

    @field_validator("public_url", mode="after")
    @classmethod
    def _default_url(cls, value: str, info: ValidationInfo) -> str:
        return value or f"http://{info.data.get('listen', '')}"

    @property
    def address(self) -> tuple[str, int]:
        """`listen` as host and port."""
        return split_address(self.listen)


class OperatorSection(Section):
    """The operators' Unix socket."""

    socket: SocketPath = Field(description="The Unix socket of the operator API.")
    group: str = Field(
        default="", description="The group that may open the socket. Default: the daemon's own group."
    )


class Retention(Section):
    """How many days are kept of what is closed; failed and held records stay until they are."""

    bodies: Whole = Field(
        default=30, ge=1, description="Days that bodies of records, attempts and callbacks are kept."
    )
    rest: Whole = Field(default=90, ge=1, description="Days that everything else of a closed record is kept.")

    @model_validator(mode="before")
    @classmethod
    def _one_number(cls, value: Any) -> Any:
        if isinstance(value, int) and not isinstance(value, bool):
            return {"bodies": value, "rest": value}
        if isinstance(value, (dict, Retention)):
            return value
        raise wrong(f"{value!r} is not a number of days", "write 30, or { bodies = 30, rest = 90 }")


class StorageSection(Section):
    """The database."""

    data_dir: Directory = Field(description="Where the daemon keeps its files.")
    database_url: str = Field(
        default="", description="SQLite file or PostgreSQL database. Default: healthdesk.db in `data_dir`."
    )
    retention_days: Retention = Field(
        default_factory=Retention,
        description="Days that closed things are kept: one number, or `bodies` and `rest`.",
    )

    @field_validator("database_url", mode="before")
    @classmethod
    def _check_url(cls, value: Any, info: ValidationInfo) -> str:
        if value == "":
            return f"sqlite:///{info.data.get('data_dir', Path())}/healthdesk.db"
        return check_database_url(value, (info.context or {}).get("base"))


class SecuritySection(Section):
    """Secrets and limits."""

    key_file: Directory = Field(
        description="The key that encrypts secrets at rest, readable by the daemon alone."
    )
    allow_private_networks: tuple[Network, ...] = Field(
        default=(), description="Private networks that deliveries, heartbeats and alerts may reach."
    )
    max_body_bytes: Whole = Field(
        default=1_048_576, ge=1024, le=64 * 1_048_576, description="The largest body of a record or callback."
    )
    use_proxy: Switch = Field(
        default=False, description="Whether outgoing calls use HTTP_PROXY and HTTPS_PROXY."
    )


class RolesSection(Section):
    """Who may do what: users, and @groups. root is always an administrator."""

    administrators: Principals = Field(default=(), description="Users and @groups that may do everything.")
    managers: Principals = Field(
        default=(), description="Users and @groups that may change, resend and reveal."
    )
    members: Principals = Field(default=(), description="Users and @groups that may read.")


class HeartbeatSection(Section):
    """The calls that decide a connection's health."""

    every_s: Seconds = Field(
        default=86400.0, gt=0, alias="every", description="Time between heartbeats of a connection."
    )
    jitter: float = Field(default=0.1, ge=0, lt=1, description="How far the time varies, as a part of it.")
    sentinels: tuple[Address, ...] = Field(
        default=(),
        description="host:port addresses that tell whether the desk is online. "
        "Default: the last three hosts that answered.",
    )


class DeliverySection(Section):
    """How records are sent, unless their integration says otherwise."""

    schedule: Schedule = Field(
        default=(0.0, 5.0, 300.0, 1800.0, 7200.0, 18000.0, 36000.0, 36000.0),
        description="The wait before each try; after the last one a record has failed.",
    )
    timeout_s: Seconds = Field(
        default=30.0, gt=0, alias="timeout", description="The longest one attempt may take."
    )
    concurrency: Whole = Field(
        default=16, ge=1, le=1000, description="Attempts in flight for one integration's environment."
    )
    jitter: float = Field(default=0.2, ge=0, lt=1, description="How far a wait varies, as a part of it.")
    stored_body_bytes: Whole = Field(
        default=65536,
        ge=0,
        le=16 * 1_048_576,
        description="How much of a response body is kept with an attempt.",
    )


class AlertsSection(Section):
    """How alerts are sent."""

    enabled: Switch = Field(default=True, description="Whether alerts leave the desk.")
    timeout_s: Seconds = Field(
        default=20.0, gt=0, alias="timeout", description="The longest one message may take."
    )
    schedule: Schedule = Field(
        default=(0.0, 30.0, 300.0, 1800.0, 7200.0, 21600.0, 43200.0),
        description="The wait before each try of a message; after the last one it has failed.",
    )


class ConnectorsSection(Section):
    """Connectors beside those that come with healthdesk."""

    folders: tuple[Directory, ...] = Field(
        default=(),
        description="Folders of connectors: each is one, or holds some. What is in them runs as the daemon.",
    )


class Config(Section):
    """Everything config.toml says, with defaults filled in and paths made absolute."""

    server: ServerSection = Field(default_factory=ServerSection)
    operator: OperatorSection
    storage: StorageSection
    security: SecuritySection
    roles: RolesSection = Field(default_factory=RolesSection)
    heartbeat: HeartbeatSection = Field(default_factory=HeartbeatSection)
    delivery: DeliverySection = Field(default_factory=DeliverySection)
    alerts: AlertsSection = Field(default_factory=AlertsSection)
    connectors: ConnectorsSection = Field(default_factory=ConnectorsSection)


def load_config(path: Path | None, environ: Mapping[str, str], *, uid: int | None = None) -> Config:
    """Read `path`, or the file HEALTHDESK_CONFIG names, or the default file; the environment overrides it.

    Raises ConfigError with the file or variable, the key and the likely fix.
    """
    places = default_paths(environ, os.getuid() if uid is None else uid)
    file = find_config_file(path, environ, places.config)
    tree: dict[str, Any] = read_toml(file) if file is not None else {}
    variables = merge_environment(tree, environ, Config)
    defaults = (
        ("operator", "socket", places.socket),
        ("storage", "data_dir", places.data_dir),
        ("security", "key_file", places.key_file),
    )
    for section, key, value in defaults:
        if isinstance(table := tree.setdefault(section, {}), dict):
            table.setdefault(key, value)
    # systemd hands the key to this very start of the service, so it goes before what the file says.
    credential = credential_key_file(environ)
    if (
        credential is not None
        and ("security", "key_file") not in variables
        and isinstance(tree["security"], dict)
    ):
        tree["security"]["key_file"] = credential
    base = (file.parent if file is not None else Path.cwd()).absolute()
    try:
        return Config.model_validate(tree, context={"base": base})
    except ValidationError as error:
        raise explain(error, Config, file=file, variables=variables) from None


@dataclass(frozen=True, slots=True)
class ConfigKey:
    """One key, as documentation names it."""

    section: str
    key: str
    description: str

    @property
    def variable(self) -> str:
        """The environment variable that sets it."""
        return f"HEALTHDESK_{self.section}__{self.key}".upper()


def config_keys() -> Iterator[ConfigKey]:
    """List every key in the order of the model."""
    for section, table in Config.model_fields.items():
        model = table.annotation
        if isinstance(model, type) and issubclass(model, BaseModel):
            for name, field in model.model_fields.items():
                yield ConfigKey(section, field.alias or name, field.description or "")
