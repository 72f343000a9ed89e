"""What a state looks like: glyph, word and colour, so that no state is told by colour alone."""

from __future__ import annotations

from dataclasses import dataclass

from healthdesk.domain.instance_states import InstanceState, RunOutcome
from healthdesk.domain.states import (
    AlertState,
    AttemptOutcome,
    CallbackState,
    ConnectionState,
    ProblemState,
    RecordState,
)

GOOD, BAD, WARN, DIM, STRONG = "good", "bad", "warn", "dim", "strong"

_CODES = {GOOD: "32", BAD: "31", WARN: "33", DIM: "2", STRONG: "1"}


@dataclass(frozen=True, slots=True)
class Cell:
    """A piece of text with a tone. The text is cleaned when it is printed."""

    text: str
    tone: str = ""


def paint(text: str, tone: str) -> str:
    """Return `text` in the colour of `tone`."""
    code = _CODES.get(tone)
    return f"\x1b[{code}m{text}\x1b[0m" if code and text else text


_RECORD = {
    RecordState.QUEUED: ("○", "Queued", ""),
    RecordState.SENDING: ("→", "Sending", ""),
    RecordState.DELIVERED: ("✓", "Delivered", GOOD),
    RecordState.AWAITING_RECEIPT: ("◷", "Awaiting receipt", ""),
    RecordState.RETRYING: ("↻", "Retrying", WARN),
    RecordState.FAILED: ("✗", "Failed", BAD),
    RecordState.UNKNOWN: ("?", "Unknown", WARN),
    RecordState.HELD: ("⏸", "Held", WARN),
}
_OUTCOME = {
    AttemptOutcome.SENDING: ("→", "Sending", ""),
    AttemptOutcome.DELIVERED: ("✓", "Delivered", GOOD),
    AttemptOutcome.REFUSED: ("✗", "Refused", BAD),
    AttemptOutcome.FAILED: ("✗", "Failed", BAD),
    AttemptOutcome.UNKNOWN: ("?", "Unknown", WARN),
    AttemptOutcome.INTERRUPTED: ("?", "Interrupted", WARN),
}
_CONNECTION = {
    ConnectionState.UNKNOWN: ("○", DIM),
    ConnectionState.CONNECTED: ("●", GOOD),
    ConnectionState.SUSPECT: ("↻", WARN),
    ConnectionState.FAILING: ("✗", BAD),
}
_CALLBACK = {
    CallbackState.ACCEPTED: ("○", "Accepted", ""),
    CallbackState.PROCESSED: ("✓", "Processed", GOOD),
    CallbackState.FAILED: ("✗", "Failed", BAD),
    CallbackState.REJECTED: ("✗", "Rejected", BAD),
}
_PROBLEM = {
    ProblemState.FORMING: ("↻", "Forming", WARN),
    ProblemState.OPEN: ("✗", "Open", BAD),
    ProblemState.ACKNOWLEDGED: ("◷", "Acknowledged", WARN),
    ProblemState.RESOLVED: ("✓", "Resolved", GOOD),
}
_ALERT = {
    AlertState.QUEUED: ("○", "Queued", ""),
    AlertState.SENDING: ("→", "Sending", ""),
    AlertState.SENT: ("✓", "Sent", GOOD),
    AlertState.RETRYING: ("↻", "Retrying", WARN),
    AlertState.FAILED: ("✗", "Failed", BAD),
    AlertState.SUPERSEDED: ("–", "Superseded", DIM),
}
_INSTANCE = {
    InstanceState.PENDING: ("○", DIM),
    InstanceState.SUCCEEDED: ("✓", GOOD),
    InstanceState.CREATION_FAILED: ("✗", BAD),
    InstanceState.SYNC_FAILED: ("✗", BAD),
    InstanceState.FAILED: ("✗", BAD),
}
_RUN = {
    RunOutcome.RUNNING: ("→", ""),
    RunOutcome.FAILED: ("✗", BAD),
    RunOutcome.INTERRUPTED: ("?", WARN),
    RunOutcome.CONFLICT: ("⚠", WARN),
}


def record(state: RecordState, last_status: int | None = None) -> Cell:
    """Return the mark of a record's state; a failure names the status."""
    glyph, word, tone = _RECORD[state]
    status = f" {last_status}" if last_status and state in (RecordState.FAILED, RecordState.RETRYING) else ""
    return Cell(f"{glyph} {word}{status}", tone)


def outcome(state: AttemptOutcome) -> Cell:
    """Return the mark of an attempt."""
    glyph, word, tone = _OUTCOME[state]
    return Cell(f"{glyph} {word}", tone)


def connection(state: ConnectionState, word: str) -> Cell:
    """Return the mark of a connection; the word comes from the daemon."""
    glyph, tone = _CONNECTION[state]
    return Cell(f"{glyph} {word}", tone)


def instance(state: InstanceState, word: str, *, blocked: bool = False) -> Cell:
    """Return the mark of a task or proof sync; the word comes from the daemon."""
    glyph, tone = _INSTANCE[state]
    return Cell(f"{glyph} {word}, blocked", BAD) if blocked else Cell(f"{glyph} {word}", tone)


def run(outcome: RunOutcome, word: str) -> Cell:
    """Return the mark of a run of a task or proof sync; the word comes from the daemon."""
    glyph, tone = _RUN.get(outcome, ("✓", GOOD))
    return Cell(f"{glyph} {word}", tone)


def callback(state: CallbackState) -> Cell:
    """Return the mark of a callback."""
    glyph, word, tone = _CALLBACK[state]
    return Cell(f"{glyph} {word}", tone)


def problem(state: ProblemState, *, muted: bool = False) -> Cell:
    """Return the mark of a problem."""
    glyph, word, tone = _PROBLEM[state]
    return Cell(f"{glyph} {word}{', muted' if muted else ''}", tone)


def alert(state: AlertState) -> Cell:
    """Return the mark of an alert."""
    glyph, word, tone = _ALERT[state]
    return Cell(f"{glyph} {word}", tone)


def yes_no(value: bool, *, wanted: bool = False) -> Cell:  # noqa: FBT001 - a cell of one value
    """Return the mark of something that is or is not; not to be is a failure only where it is `wanted`."""
    if value:
        return Cell("✓ yes", GOOD)
    return Cell("✗ no", BAD) if wanted else Cell("– no", DIM)
