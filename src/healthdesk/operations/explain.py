"""Why something is not well, in a sentence or two: what, since when, whose fault, and the key that helps.

Pure: rows in, explanations out. Times stay data, so that each reader sees them in their own zone.
"""

from __future__ import annotations

from datetime import datetime

from healthdesk.api.common import Explanation
from healthdesk.domain.advice import next_action
from healthdesk.domain.exchange import Failure
from healthdesk.domain.expiry import cause_words, near_words, renewal_words
from healthdesk.domain.health import CREDENTIAL_KINDS, RECHECKS_S, state_word
from healthdesk.domain.states import Blame, ConnectionState, ErrorKind, HoldReason, RecordState
from healthdesk.domain.units import counted
from healthdesk.store.rows import AttemptRow, ConnectionRow, ProblemRow, RecordRow
from healthdesk.store.standing import drift_of

CHECKED_BEFORE_FAILING = len(RECHECKS_S)
QUIETLY = "Its single outages are not announced until it is quiet again."

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


def word_of(row: ConnectionRow) -> str:
    """Return the word for the state of a connection."""
    kind = row.failure.kind.value if row.failure is not None else ""
    return state_word(row.state, row.judged_by_deliveries, pinged=row.pinged, kind=kind)


def explain_connection(row: ConnectionRow, now: datetime | None = None) -> Explanation | None:
    """Return why a connection is not connected, or what is to be done about one that is; None when all is well.

    `now` lets an end of the credential that is near be told.
    """
    if row.state is ConnectionState.FAILING:
        return _flapping_too(row, _failing(row))
    if row.state is ConnectionState.SUSPECT:
        return _flapping_too(row, _suspect(row))
    if row.flapping_since is not None:
        return Explanation(
            sentence=f"{row.name} goes to and fro between connected and failing. {QUIETLY}",
            since=row.flapping_since,
            blame=Blame.THEM.value,
            next_action="Look at what its checks say.",
            key="enter",
        )
    if drift := drift_of(row.identity, row.identity_connected):
        return Explanation(
            sentence=" ".join(each.sentence for each in drift),
            since=row.last_healthy,
            blame=(
                Blame.PERMISSION if all(each.what == "scopes" for each in drift) else Blame.CONFIGURATION
            ).value,
            next_action="Update the credentials with those that are meant, or accept the change.",
            key="u",
        )
    if now is not None and row.expires_at is not None and near_words(row.expires_at, now):
        return Explanation(
            sentence=sentence(f"{row.name}: {cause_words(row.expires_at, now, row.auth)}"),
            blame=Blame.CREDENTIAL.value,
            next_action=f"{renewal_words(row.auth)}.",
            key="u",
        )
    return _unchecked(row)


def explain_put_off(since: datetime) -> Explanation:
    """Return why a check was not judged."""
    return Explanation(
        sentence="Not judged: the desk itself is offline, and reaches no other host either.",
        since=since,
        blame=Blame.US.value,
        next_action="Look at this host's network. What was put off is checked by itself once it is back.",
        key="c",
    )


def said_of(name: str, said: str) -> str:
    """Return what is said of a connection as a sentence, after its name; a connection may be called as its app is."""
    told = sentence(said)
    return told if told.casefold().startswith(name.casefold()) else f"{name}: {told}"


def _failing(row: ConnectionRow) -> Explanation:
    failure = row.failure
    if failure is None:
        return Explanation(sentence="The last check failed.", since=row.state_since, key="c")
    return Explanation(
        sentence=said_of(row.name, failure.sentence),
        since=row.state_since,
        blame=failure.blame.value,
        next_action=failure.next_action,
        key=_helping_key(row, failure),
    )


def _helping_key(row: ConnectionRow, failure: Failure) -> str:
    if row.pinged:
        return "enter"  # it cannot be called, so a check is no help; its window says what was expected when
    return "u" if failure.kind is ErrorKind.AUTHENTICATION else _HELP.get(failure.blame, "c")


def _suspect(row: ConnectionRow) -> Explanation:
    failure = row.failure
    what = said_of(row.name, failure.sentence) if failure else f"{row.name} is in doubt."
    return Explanation(
        sentence=what + _recheck_words(row),
        since=row.state_since,
        blame=failure.blame.value if failure else "",
        next_action=failure.next_action if failure else "",
        key="c",
    )


def _recheck_words(row: ConnectionRow) -> str:
    """Return which recheck comes next, and how long after the check before: the third is waited for the longest."""
    number = row.suspect_checks
    if not number:
        return ""
    words = f" Checking again, {number} of {CHECKED_BEFORE_FAILING}"
    refused = row.failure is not None and row.failure.kind in CREDENTIAL_KINDS
    if refused or row.judged_by_deliveries or number > CHECKED_BEFORE_FAILING:
        return words + "."
    return f"{words}, {RECHECKS_S[number - 1] / 60:.0f} min after the check before."


def _flapping_too(row: ConnectionRow, said: Explanation) -> Explanation:
    if row.flapping_since is not None:
        said.sentence += f" It goes to and fro. {QUIETLY}"
    return said


def _unchecked(row: ConnectionRow) -> Explanation | None:
    if row.state is not ConnectionState.UNKNOWN:
        return None
    if row.pinged:
        return Explanation(
            sentence="No ping came yet.",
            next_action="Let the job ping the address that `healthdesk pings set` printed.",
        )
    if row.judged_by_deliveries:
        return Explanation(
            sentence="Judged by deliveries: nothing was delivered yet.",
            next_action="Configure a heartbeat to check it without records.",
            key="e",
        )
    return Explanation(sentence="Not checked yet.", next_action="Check it now.", key="c")


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
    if row.state is RecordState.AWAITING_RECEIPT:
        return Explanation(
            sentence="The endpoint took it and confirms later: its receipt is awaited.",
            since=row.last_attempt_at,
            next_action="Nothing now: what becomes of it is told by its receipt, or by its deadline.",
            key="enter",
        )
    if row.state is RecordState.UNKNOWN and row.next_attempt_at is not None:
        return Explanation(
            sentence=f"It is not known whether the endpoint has this record: it is asked. {sentence(row.error)}".strip(),
            since=row.last_attempt_at,
            blame=blame,
            next_action="Nothing now: it is sent again only if it is not there.",
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
    if last.status is not None and 200 <= last.status < 300:
        # It did take it: what failed is told by its receipt, by the item of a batch, or by the deadline.
        return f"the endpoint answered {last.status}{took}"
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
    return Explanation(
        sentence="Held: its connection is failing.",
        since=row.arrived_at,
        next_action="Repair the connection; held records are then sent.",
        key="c",
    )


def explain_problem(problem: ProblemRow, failed: int) -> Explanation:
    """Return what the worst problem of an integration says of it."""
    held_up = counted(problem.count, problem.unit)
    others = f" of {failed:,}" if failed > problem.count else ""
    return Explanation(
        sentence=f"{held_up}{others} failed: {sentence(problem.cause)}",
        since=problem.since,
        blame=problem.blame,
        next_action=problem.next_action,
        key="enter",
    )
