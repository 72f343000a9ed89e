"""Sample data, the testing environment's probe, and promoting it to production."""

from __future__ import annotations

from typing import Any

from pydantic import Field

from healthdesk.api.common import Input, Output
from healthdesk.api.records import AttemptDetail
from healthdesk.domain.states import Environment


class SampleSend(Input):
    """Send sample data: one record for each level of each source. `sources` are keys; none means all.

    Production asks for `confirm`, the integration's name. With `dry_run` nothing is sent and the plan is answered.
    """

    integration_id: str
    environment: Environment = Environment.TESTING
    sources: list[str] = Field(default=[], max_length=500)
    confirm: str = ""
    dry_run: bool = False


class SampleOf(Output):
    """What is sent of one source, or why nothing is: `skipped` is the reason."""

    source: str
    name: str
    levels: list[str] = []
    records: int = 0
    skipped: str = ""


class SamplePlan(Output):
    """What sending samples will do. `warning` is to be shown before it is sent."""

    integration_id: str
    integration_name: str
    environment: Environment
    endpoint: str
    total: int
    sources: list[SampleOf]
    warning: str


class Probe(Input):
    """Test configuration: send one signed probe to an environment's endpoint.

    Production asks for `confirm`, the integration's name.
    """

    environment: Environment = Environment.TESTING
    confirm: str = ""


class Probed(Output):
    """The exchange of a probe: what was sent, what came back, and what it means."""

    ok: bool
    """Whether the endpoint accepted it."""
    sentence: str
    blame: str = ""
    next_action: str = ""
    exchange: AttemptDetail | None = None


class SettingChange(Output):
    """One setting that testing and production have differently."""

    name: str
    testing: Any = None
    production: Any = None
    copied: bool = True
    """False for what stays: the connection and with it the credentials, keys, secrets."""
    why: str = ""


class Promotion(Output):
    """What promoting testing to production copies. `version` is what `Promote` confirms."""

    changes: list[SettingChange]
    copied: int
    version: str
    creates: bool = False
    """Whether there is no production environment yet: then a connection for it must be named."""
    notes: list[str] = []
    """What to see to: both environments deliver to one address."""


class Promote(Input):
    """Copy the testing environment's settings to production, as shown under `version`."""

    version: str
    connection_id: str | None = None
