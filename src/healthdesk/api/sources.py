"""Sources: what produces records, with levels and fields."""

from __future__ import annotations

from datetime import datetime
from typing import Literal

from pydantic import Field

from healthdesk.api.common import Input, Name, Output
from healthdesk.api.flow import SourcePulse

FieldType = Literal["string", "number", "integer", "boolean", "date", "datetime", "object", "array", "any"]


class SourceField(Input):
    """A field of a source's data: its `name` is a key of `data`."""

    name: str = Field(min_length=1, max_length=100)
    type: FieldType = "any"
    required: bool = False
    example: str = Field(default="", max_length=200)
    sensitive: bool = True
    lookup: bool = False
    """Records are found by this field's value: a keyed hash of it is kept beside the record."""


class SourceCreate(Input):
    """A new source. `key` is what records name in `source`; no fields means data is not validated."""

    key: str = Field(pattern=r"^[a-z0-9][a-z0-9_-]{0,63}$")
    name: Name
    levels: list[str] = Field(default=[], max_length=50)
    fields: list[SourceField] = Field(default=[], max_length=500)


class SourceEdit(Input):
    """Changes to a source; what is absent stays."""

    name: Name | None = None
    levels: list[str] | None = Field(default=None, max_length=50)
    fields: list[SourceField] | None = Field(default=None, max_length=500)


class SourceEnable(Input):
    """Whether records of the source may be delivered through an integration."""

    integration_id: str
    enabled: bool = True


class Source(Output):
    """What produces records: an HRA, a form, an assessment."""

    id: str
    key: str
    name: str
    levels: list[str]
    fields: list[SourceField]
    integrations: list[str] = []
    """Ids of the integrations it is enabled for."""
    pulses: list[SourcePulse] = []
    """How often it sends to each, where that is known."""
    created_at: datetime
    created_by: str
