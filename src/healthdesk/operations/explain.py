"""Why something is not well, in a sentence or two: what, since when, whose fault, and the key that helps.

Pure: rows in, explanations out. Times stay data, so that each reader sees them in their own zone.
"""

from __future__ import annotations

from healthdesk.api.common import Explanation
from healthdesk.domain.advice import next_action
from healthdesk.domain.health import RECHECKS_S
from healthdesk.domain.states import Blame, ConnectionState, ErrorKind, HoldReason, RecordState
from healthdesk.store.rows import AttemptRow, ConnectionRow, ProblemRow, RecordRow

CHECKED_BEFORE_FAILING = len(RECHECKS_S)

_HELP = {Blame.CREDENTIAL: "u", Blame.PERMISSION: "u", Blame.CONFIGURATION: "e"}


def plural(count: int, noun: str) -> str:
    """Return `1 record`, `2 records`, with thousands apart."""
    return f"{count:,} {noun}" + ("" if count == 1 else "s")


def sentence(text: str) -> str:
    """Return text as a sentence: a capital first (names such as risk_level stay), a full stop last."""
    text = text.strip()
    if not text:
        return ""
    if text.split(maxsplit=1)[0].isalpha():
        text = text[0].upper() + text[1:]
    return text if text[-1] in ".!?…" else text + "."


def explain_connection(row: ConnectionRow) -> Explanation | None:
    """Return why a connection is not connected, or None when it is well."""
    failure = row.failure
    if row.state is ConnectionState.FAILING:
        if failure is None:
            return Explanation(sentence="The last check failed.", since=row.state_since, key="c")
        return Explanation(
            sentence=f"{row.name}: {sentence(failure.sentence)}",
            since=row.state_since,
            blame=failure.blame.value,
            next_action=failure.next_action,
            key="u" if failure.kind is ErrorKind.AUTHENTICATION else _HELP.get(failure.blame, "c"),
        )
    if row.state is ConnectionState.SUSPECT:
        what = f"{row.name}: {sentence(failure.sentence)}" if failure else f"{row.name} is in doubt."
        step = (
            f" Checking again, {row.suspect_checks} of {CHECKED_BEFORE_FAILING}."
            if row.suspect_checks
            else ""
        )
        return Explanation(
            sentence=what + step,
            since=row.state_since,
            blame=failure.blame.value if failure else "",
            next_action=failure.next_action if failure else "",
            key="c",
        )
    if row.judged_by_deliveries:
        if row.state is ConnectionState.UNKNOWN:
            return Explanation(
                sentence="Judged by deliveries: nothing was delivered yet.",
                next_action="Configure a heartbeat to check it without records.",
                key="e",
            )
        return None
    if row.state is ConnectionState.UNKNOWN:
        return Explanation(sentence="Not checked yet.", next_action="Check it now.", key="c")
    return None


def explain_record(row: RecordRow, last: AttemptRow | None) -> Explanation | None:
    """Return why a record is not delivered, or None when it is or is on its way."""
    blame = last.blame if last else ""
    action = last.next_action if last else ""
    since = row.first_attempt_at
    if row.state is RecordState.FAILED:
        return Explanation(
            sentence=f"Failed: {_outcome(last)}. {sentence(row.error)}".strip(),
            since=since,
            blame=blame,
            next_action=_when_final(last) or "Resend it when the cause is mended.",
            key="s",
        )
    if row.state is RecordState.RETRYING:
        return Explanation(
            sentence=f"Retrying: {_outcome(last)}. {sentence(row.error)}".strip(),
            since=since,
            blame=blame,
            next_action=action or "It is sent again by itself; resend it to try now.",
            key="s",
        )
    if row.state is RecordState.UNKNOWN:
        return Explanation(
            sentence=f"It is not known whether the endpoint has this record. {sentence(row.error)}".strip(),
            since=row.last_attempt_at,
            blame=blame,
            next_action="Look at the endpoint; a resend keeps the webhook-id, so a receiver that honours it drops a repeat.",
            key="s",
        )
    if row.state is RecordState.HELD:
        return _held(row)
    return None


def _when_final(last: AttemptRow | None) -> str:
    return next_action(last.error_kind, last.next_action, final=True) if last else ""


def _outcome(last: AttemptRow | None) -> str:
    if last is None:
        return "it was not delivered"
    took = f" in {_duration(last.duration_ms)}" if last.duration_ms is not None else ""
    if last.status is not None:
        verb = "refused the record" if 400 <= last.status < 500 else "did not take the record"
        return f"the endpoint {verb}, {last.status}{took}"
    return f"no answer{took}" if last.finished_at else "the attempt was interrupted"


def _duration(milliseconds: float) -> str:
    return f"{milliseconds:.0f} ms" if milliseconds < 1000 else f"{milliseconds / 1000:.1f} s"


def _held(row: RecordRow) -> Explanation:
    if row.hold_reason is HoldReason.PAUSED:
        return Explanation(
            sentence="Held: the integration is paused.",
            since=row.arrived_at,
            next_action="Resume the integration; held records are then sent by themselves.",
            key="p",
        )
    if row.hold_reason is HoldReason.CIRCUIT:
        what, action = "Held: too many deliveries failed.", "It is tried again by itself."
    else:
        what, action = (
            "Held: its connection is failing.",
            "Repair the connection; held records are then sent.",
        )
    return Explanation(sentence=what, since=row.arrived_at, next_action=action, key="c")


def explain_problem(problem: ProblemRow, failed: int) -> Explanation:
    """Return what the worst problem of an integration says of it."""
    held_up = plural(problem.count, "record")
    others = f" of {failed:,}" if failed > problem.count else ""
    return Explanation(
        sentence=f"{held_up}{others} failed: {sentence(problem.cause)}",
        since=problem.since,
        blame=problem.blame,
        next_action=problem.next_action,
        key="enter",
    )
