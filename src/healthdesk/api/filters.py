"""Saved filters of the log."""

from __future__ import annotations

from datetime import datetime

from healthdesk.api.common import Input, Name, Output
from healthdesk.api.records import RecordFilter


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
