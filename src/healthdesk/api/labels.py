"""Labels and controls, under which proof is filed."""

from __future__ import annotations

from datetime import datetime

from pydantic import Field

from healthdesk.api.common import Input, Name, Output
from healthdesk.domain.instance_states import LabelKind


class LabelCreate(Input):
    """A new label or control. Whoever makes it is its first member."""

    kind: LabelKind = LabelKind.LABEL
    name: Name
    description: str = Field(default="", max_length=2000)
    members: list[str] = Field(default=[], max_length=500)


class LabelEdit(Input):
    """Changes to a label; what is absent stays. `members` replaces all of them."""

    name: Name | None = None
    description: str | None = Field(default=None, max_length=2000)
    members: list[str] | None = Field(default=None, max_length=500)


class Label(Output):
    """A label or control, its members, and how many proof syncs are filed under it."""

    id: str
    kind: LabelKind
    name: str
    description: str = ""
    members: list[str] = []
    proof_syncs: int = 0
    created_at: datetime
    created_by: str
