"""What the window of a fix shows, and what its workers tell it."""

from __future__ import annotations

from dataclasses import dataclass

from textual.message import Message

from healthdesk.api.delivery import MappingStep
from healthdesk.api.fixes import FixPreview
from healthdesk.api.jobs import Job
from healthdesk.api.problems import ProblemRow
from healthdesk.api.records import RecordDetail
from healthdesk.tui.view.fixes import Change, Header


@dataclass(frozen=True, slots=True)
class Fixing:
    """What the window shows: the record (of a problem, its sample) and what the fix would send of it."""

    record: RecordDetail
    preview: FixPreview | None


@dataclass
class ChangeTaken(Message):
    """A change was entered, in the place of the row with this number, or as another one."""

    change: MappingStep | Header
    before: Change | None


@dataclass
class BodyTaken(Message):
    """The body was edited, as it was at this version of the record."""

    text: str
    version: str


@dataclass
class NoteTaken(Message):
    """A note was written, or taken away."""

    note: str


@dataclass
class Widened(Message):
    """The fix is to be for all of a problem."""

    problem: ProblemRow


@dataclass
class Begun(Message):
    """All of a problem are sent with the fix, as a job."""

    job: Job


@dataclass
class Resent(Message):
    """The record was sent with the fix."""

    record: RecordDetail
