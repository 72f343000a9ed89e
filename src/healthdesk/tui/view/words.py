"""States as glyph, word and tone: never colour alone."""

from __future__ import annotations

from dataclasses import dataclass

from healthdesk.api.connections import Heartbeat
from healthdesk.domain.states import (
    AlertState,
    AttemptOutcome,
    Blame,
    CallbackState,
    ConnectionState,
    ErrorKind,
    ProblemState,
    RecordState,
)
from healthdesk.tui.format import Span, Tone


@dataclass(frozen=True, slots=True)
class Word:
    """How a state is shown."""

    glyph: str
    text: str
    tone: Tone = Tone.PLAIN


RECORD = {
    RecordState.QUEUED: Word("·", "Queued", Tone.DIM),
    RecordState.SENDING: Word("→", "Sending"),
    RecordState.DELIVERED: Word("✓", "Delivered", Tone.GOOD),
    RecordState.AWAITING_RECEIPT: Word("○", "Awaiting receipt"),
    RecordState.RETRYING: Word("↻", "Retry", Tone.WARN),
    RecordState.FAILED: Word("✗", "Failed", Tone.BAD),
    RecordState.UNKNOWN: Word("?", "Unknown", Tone.WARN),
    RecordState.HELD: Word("⏸", "Held", Tone.WARN),
}

CONNECTION = {
    ConnectionState.UNKNOWN: Word("○", "Not checked yet", Tone.DIM),
    ConnectionState.CONNECTED: Word("●", "Connected", Tone.GOOD),
    ConnectionState.SUSPECT: Word("↻", "Checking again", Tone.WARN),
    ConnectionState.FAILING: Word("✗", "Connection failure", Tone.BAD),
}

PROBLEM = {
    ProblemState.FORMING: Word("·", "forming", Tone.DIM),
    ProblemState.OPEN: Word("✗", "open", Tone.BAD),
    ProblemState.ACKNOWLEDGED: Word("▸", "ack", Tone.WARN),
    ProblemState.RESOLVED: Word("✓", "resolved", Tone.GOOD),
}

ATTEMPT = {
    AttemptOutcome.SENDING: Word("→", "sending"),
    AttemptOutcome.DELIVERED: Word("✓", "delivered", Tone.GOOD),
    AttemptOutcome.REFUSED: Word("✗", "refused", Tone.BAD),
    AttemptOutcome.FAILED: Word("✗", "failed", Tone.BAD),
    AttemptOutcome.UNKNOWN: Word("?", "unknown", Tone.WARN),
    AttemptOutcome.INTERRUPTED: Word("?", "interrupted", Tone.WARN),
}

CALLBACK = {
    CallbackState.ACCEPTED: Word("·", "Accepted"),
    CallbackState.PROCESSED: Word("✓", "Processed", Tone.GOOD),
    CallbackState.FAILED: Word("✗", "Failed", Tone.BAD),
    CallbackState.REJECTED: Word("✗", "Rejected", Tone.BAD),
}

ALERT = {
    AlertState.QUEUED: Word("·", "Queued", Tone.DIM),
    AlertState.SENDING: Word("→", "Sending"),
    AlertState.SENT: Word("✓", "Sent", Tone.GOOD),
    AlertState.RETRYING: Word("↻", "Retrying", Tone.WARN),
    AlertState.FAILED: Word("✗", "Failed", Tone.BAD),
    AlertState.SUPERSEDED: Word("–", "Superseded", Tone.DIM),
}

BLAME = {
    Blame.CREDENTIAL: "the credential",
    Blame.PERMISSION: "a permission",
    Blame.CONFIGURATION: "configuration or mapping",
    Blame.THEM: "them",
    Blame.US: "us",
}


def blame_word(blame: str) -> str:
    """Return whose fault it is, for people."""
    return next((word for known, word in BLAME.items() if known.value == blame), blame)


def check_glyph(check: Heartbeat) -> Span:
    """Return whether a check was good; one that was put off says neither."""
    if check.kind == ErrorKind.OFFLINE.value:
        return Span("·", Tone.DIM)
    return Span("✓", Tone.GOOD) if check.ok else Span("✗", Tone.BAD)


def check_words(check: Heartbeat) -> Span:
    """Return what a check came to: what was said, else `as expected` or the kind of its failure."""
    return Span(check.sentence or ("as expected" if check.ok else check.kind.replace("_", " ")))


def connection_label(app: str, name: str, account: str) -> str:
    """Return `Jira · ops@acme.io`: what a connection is called and its account, none of it twice, beside its app."""
    if name.casefold().startswith(app.casefold()):
        name = name[len(app) :].strip(" ·-–:")
    if account and account.casefold() in name.casefold():
        return name
    return " · ".join(part for part in (name, account) if part)


def one_of(noun: str) -> str:
    """Return `entry` for `entries`, `row` for `rows`."""
    return noun.removesuffix("ies") + "y" if noun.endswith("ies") else noun.removesuffix("s")


def plural(count: int, noun: str, many: str = "") -> str:
    """Return `1 record`, `1,204 records`."""
    return f"{count:,} {noun if count == 1 else many or noun + 's'}"
