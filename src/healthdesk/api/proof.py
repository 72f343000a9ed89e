"""Proof syncs: what they collect, their settings, what a run collected, and what changed since the one before."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from pydantic import Field

from healthdesk.api.common import Input, Name, Output
from healthdesk.api.instances import Instance


class ProofSyncCreate(Input):
    """A new proof sync. `name` is made from the dataset where it is left out; `every_s` is the integration's then."""

    integration_id: str
    connection_id: str | None = None
    dataset: str
    fields: dict[str, str] = {}
    label_id: str
    name: Name | None = None
    every_s: float | None = Field(default=None, ge=300, le=366 * 86400)
    unchecked: bool = False
    """Save without asking the app first."""


class ProofSyncSettings(Input):
    """Changes to a proof sync, put to the app before they are saved; what is absent stays. An empty name is the generated one."""

    fields: dict[str, str] | None = None
    dataset: str | None = None
    label_id: str | None = None
    name: str | None = Field(default=None, max_length=100)
    every_s: float | None = Field(default=None, ge=300, le=366 * 86400)
    unchecked: bool = False


class ChangeConnection(Input):
    """Let a proof sync collect with another connection of the same app."""

    connection_id: str
    unchecked: bool = False


class ProofSync(Instance):
    """A proof sync whole."""

    dataset: str
    dataset_name: str = ""
    fields: dict[str, str] = {}
    named: bool = False
    generated_name: str = ""
    rows: int | None = None
    content_hash: str = ""
    last_run_id: str | None = None


class ColumnView(Output):
    """A column of a dataset."""

    key: str
    label: str


class Contents(Output):
    """A page of what a run collected. `after` of the next page is `next`, a row number."""

    run_id: str
    columns: list[ColumnView]
    rows: list[list[str]]
    total: int
    next: str | None = None
    collected_at: datetime
    content_hash: str


class RowChange(Output):
    """A row that differs, whole: by the keys of its columns, what it said before and what it says."""

    id: str
    before: dict[str, str]
    after: dict[str, str]


class Difference(Output):
    """What a run collected that the one before did not, and the other way round, by the dataset's id column.

    Rows are those of `columns`; `columns_added` and `columns_removed` are the keys of those that only one run has. With
    `cut` the lists hold the first 500 of each kind, and `totals` counts all `added`, `removed` and `changed`.
    """

    run_id: str
    before_run_id: str | None = None
    columns: list[ColumnView]
    columns_added: list[str] = []
    columns_removed: list[str] = []
    added: list[list[str]] = []
    removed: list[list[str]] = []
    changed: list[RowChange] = []
    totals: dict[str, int] = {}
    unchanged: int = 0
    cut: bool = False


class InstanceView(Output):
    """What View leads to: the proof, for members of the label or control it is filed under; for others, where to ask."""

    member: bool
    proof: ProofSync | None = None
    labels: list[dict[str, Any]] = []
    """For those who are no members: every label and control with `id`, `kind`, `name` and `members`, its own first."""
