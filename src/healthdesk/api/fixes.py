"""Fix and resend: what is sent instead of what was posted, with the difference and the author."""

from __future__ import annotations

from datetime import datetime

from pydantic import Field

from healthdesk.api.common import Input, Note, Output
from healthdesk.api.delivery import MappingStep
from healthdesk.domain.states import Environment


class FixGiven(Input):
    """A change to what is sent: a whole `body` (one record only), or steps of a `mapping`; and headers to add or replace.

    `version` is that of the record when its body was shown: a fix of what changed meanwhile is refused.
    """

    body: str | None = Field(default=None, max_length=4_194_304)
    mapping: list[MappingStep] = Field(default=[], max_length=200)
    headers: dict[str, str] = {}
    note: Note = ""
    version: str = ""
    reveal: bool = False
    """Of a preview: values in clear, where the operator may reveal them; the activity log says who looked."""


class Moved(Output):
    """A value that a fix sends as `to` instead of as `path`, both dotted."""

    path: str
    to: str


class FixPreview(Output):
    """What a fix would send, values in clear where they were asked for and may be revealed, else masked.

    Masked, a value that the fix changes reads `•••• (changed)`, and a constant that the fix itself gives is shown.
    """

    before: str
    after: str
    data: str = ""
    """The record's data as it is sent now, before the environment's mapping: what a `body` replaces."""
    url: str = ""
    difference: list[str] = []
    """What moved, `~ path → path`, and lines of a unified difference of the rest, `+`, `-` or space first."""
    moved: list[Moved] = []
    headers: dict[str, str] = {}
    changed: bool = True
    masked: bool = False
    warnings: list[str] = []
    """Such as a required field that the fixed body still lacks."""
    version: str = ""
    record_id: str = ""
    """The record it was tried on."""
    tried: int = 1
    """On how many records it was tried: one, or up to 200 of a problem's."""
    changes: int = 0
    """Of how many of those it changes what is sent."""
    total: int = 1
    """How many records it is for."""


class Fix(Output):
    """A fix as it was made. The original is kept."""

    id: str
    at: datetime
    made_by: str
    record_id: str | None = None
    problem_id: str | None = None
    mapping: list[MappingStep] = []
    headers: dict[str, str] = {}
    note: str = ""
    body: bool = False
    """Whether the whole body was replaced."""
    in_force: bool = False
    """Whether it is what the record sends now."""


class FixResend(FixGiven):
    """Fix one record and resend it at once unless `resend` is False; the rest is as a resend takes it."""

    resend: bool = True
    new_webhook_id: bool = False
    delivered_too: bool = False
    asked_too: bool = False


class MappingSave(Input):
    """Put what worked as a fix into an environment, for all records from now on: steps before its mapping, and headers.

    At least one of both is given. A header replaces one of the same name, and its value is meant as it stands: no template.
    """

    environment: Environment
    mapping: list[MappingStep] = Field(default=[], max_length=200)
    headers: dict[str, str] = {}
