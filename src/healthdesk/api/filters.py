"""Saved filters of the log."""

from __future__ import annotations

from datetime import datetime
from typing import Literal

from healthdesk.api.common import Input, Name, Output
from healthdesk.api.records import RecordFilter

TOTAL_HEADER = "healthdesk-total"
"""With a file of the log: how many records it will have, `10000+` where more than that."""

ExportFormat = Literal["csv", "jsonl"]


class ExportChoice(Input):
    """What a file of the log holds. Values of `bodies` are masked unless `reveal`."""

    format: ExportFormat = "csv"
    bodies: bool = False
    reveal: bool = False


class SavedFilterCreate(Input):
    """A filter under a name, one's own or shared with every operator. A name of one's own that exists is replaced."""

    name: Name
    filter: RecordFilter
    shared: bool = False


class SavedFilter(Output):
    """A filter that was saved."""

    id: str
    name: str
    owner: str
    shared: bool
    filter: RecordFilter
    created_at: datetime
