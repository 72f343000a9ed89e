"""The text of alerts.

It is made of our own words, of names that operators gave, and of a problem's safe cause; nothing that an endpoint
said and no value of a record is ever in it.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta

from healthdesk.domain.states import AlertEvent, Blame, Environment, ErrorKind
from healthdesk.domain.units import RECORD, counted, listed, noun, repaired
from healthdesk.domain.values import plain

_MAX_NAME_CHARS = 100
_MAX_CAUSE_CHARS = 300

_FAULT: Mapping[Blame, str] = {
    Blame.CREDENTIAL: "the credential of the connection",
    Blame.PERMISSION: "a permission that the account lacks at the endpoint",
    Blame.CONFIGURATION: "the configuration: the form, the mapping or the address",
    Blame.THEM: "the endpoint's side",
    Blame.US: "healthdesk itself",
}

_NEWS: Mapping[AlertEvent, str] = {
    AlertEvent.OPENED: "failing",
    AlertEvent.REOPENED: "failing again",
    AlertEvent.RECOVERED: "recovered",
    AlertEvent.TEST: "test",
}


@dataclass(frozen=True, slots=True)
class AlertFacts:
    """A problem as an alert tells it.

    `where` is the integration's or connection's name, `at` when this is written (for a recovery: when it recovered).
    `count` is how many records that failed it holds up now, `retrying` those of them that are tried again by
    themselves, `held` how many more wait behind its connection, `total` how many it ever held up since it opened.
    With another `unit` than records these are tasks or proof syncs. `blocked` is how many of each wait behind its
    connection, `repaired` how many did when it recovered.
    """

    problem_id: str
    where: str
    environment: Environment | None
    safe_cause: str
    status: int | None
    count: int
    since: datetime
    at: datetime
    blame: Blame
    next_action: str
    owner: str = ""
    retrying: int = 0
    held: int = 0
    total: int = 0
    kind: ErrorKind | None = None
    unit: str = RECORD
    blocked: Mapping[str, int] = field(default_factory=dict)
    repaired: Mapping[str, int] = field(default_factory=dict)

    @property
    def waiting(self) -> dict[str, int]:
        """Return how many of each unit wait for it."""
        return {self.unit: self.count + self.held, **self.blocked}


_STANDING: Mapping[ErrorKind, tuple[str, str]] = {
    ErrorKind.EXPIRING: ("", "the credential does not end soon any more"),
    ErrorKind.DRIFT: ("the credential is another one", "the credential is what it should be"),
    ErrorKind.FLAPPING: ("goes to and fro", "quiet again"),
    ErrorKind.SILENT: ("a source is silent", "the source sends again"),
}
"""By kind, what a problem that stands is called in a title, and what its end is; an expiry is called by its days."""


def render_alert(event: AlertEvent, facts: AlertFacts) -> tuple[str, str]:
    """Return title and body: what failed, how many, why, since when, whose fault, and the command that opens it."""
    name = _short(facts.where, _MAX_NAME_CHARS) or "healthdesk"
    place = f"{name} ({facts.environment.shown})" if facts.environment else name
    cause = _short(facts.safe_cause, _MAX_CAUSE_CHARS)
    command = f"healthdesk problems show {facts.problem_id}"
    if event is AlertEvent.TEST:
        return render_test(name, facts.at)
    if facts.kind is not None and facts.kind in _STANDING:
        return _render_standing(event, facts, facts.kind, place, cause, command)
    if event is AlertEvent.RECOVERED:
        title = f"{place}: recovered"
        lines = [
            f"{place} works again.",
            f"It was: {cause}",
            f"From {_time(facts.since)} to {_time(facts.at)} ({_duration(facts.at - facts.since)})",
        ]
        if facts.total:
            many = noun(facts.unit, 2)
            lines.append(f"{many[:1].upper()}{many[1:]} it held up: {facts.total:,}")
        if facts.repaired:
            lines.append(f"Repaired: {repaired(facts.repaired)}")
        return title, "\n".join([*lines, "", f"Details: {command}"])
    waiting = listed(facts.waiting)
    how_many = f", {waiting}" if waiting else ""
    title = f"{place}: {_NEWS[event]}{how_many}"
    lines = [
        f"What: {_what(facts, place)}",
        f"Why: {cause}",
        f"Since: {_time(facts.since)} ({_duration(facts.at - facts.since)})",
        f"At fault: {_FAULT[facts.blame]}",
        f"Next: {_short(facts.next_action, _MAX_CAUSE_CHARS)}",
    ]
    if facts.owner:
        lines.append(f"Owner: {_short(facts.owner, _MAX_NAME_CHARS)}")
    return title, "\n".join([*lines, "", f"Open it: {command}"])


def _render_standing(
    event: AlertEvent, facts: AlertFacts, kind: ErrorKind, place: str, cause: str, command: str
) -> tuple[str, str]:
    """Return title and body of a problem that stands while something is so; no record waits for it."""
    called, over = _STANDING[kind]
    fault = "the source: what should send its records" if kind is ErrorKind.SILENT else _FAULT[facts.blame]
    if event is AlertEvent.RECOVERED:
        lines = [f"{place}: {over}.", f"It was: {cause}"]
        return f"{place}: {over}", "\n".join([*lines, "", f"Details: {command}"])
    lines = [
        f"What: {cause}",
        f"At fault: {fault}",
        f"Next: {_short(facts.next_action, _MAX_CAUSE_CHARS)}",
    ]
    if kind is not ErrorKind.EXPIRING:
        lines.insert(1, f"Since: {_time(facts.since)} ({_duration(facts.at - facts.since)})")
    if facts.owner:
        lines.append(f"Owner: {_short(facts.owner, _MAX_NAME_CHARS)}")
    title = f"{place}: {called or cause[:1].lower() + cause[1:]}"
    return title, "\n".join([*lines, "", f"Open it: {command}"])


def render_test(channel_name: str, at: datetime) -> tuple[str, str]:
    """Return title and body of a channel's test message."""
    name = _short(channel_name, _MAX_NAME_CHARS)
    body = f"This is a test of the channel {name}, sent {_time(at)}. Problems of the desk arrive like this."
    return "healthdesk: test", f"{body}\n\nSee what is sent: healthdesk channels list"


def render_offline(since: datetime, until: datetime, put_off: int) -> tuple[str, str]:
    """Return title and body of the one message that tells of the time in which the desk itself was offline."""
    checks = "1 check was" if put_off == 1 else f"{put_off:,} checks were"
    span = f"{_time(since)} to {_time(until)} ({_duration(until - since)})"
    lines = [
        f"The desk was offline from {span}; {checks} put off.",
        "It reached no other host, so it judged none: no connection was called failing for it.",
        "",
        "How things are now: healthdesk status",
    ]
    return "healthdesk: the desk was offline", "\n".join(lines)


def _what(facts: AlertFacts, place: str) -> str:
    if facts.unit != RECORD:
        return f"{counted(facts.count, facts.unit)} of {place} failed"
    records = _what_of_records(facts, place)
    if not facts.blocked:
        return records or f"{place} fails; no record waits for it so far"
    blocked = f"{listed(facts.blocked)} blocked until it works again"
    return f"{records}; {blocked}" if records else f"{place} fails; {blocked}"


def _what_of_records(facts: AlertFacts, place: str) -> str:
    if facts.held:
        return _what_is_held(facts, place)
    if not facts.count:
        return ""
    delivered = f"{counted(facts.count, RECORD)} of {place} not delivered"
    if not facts.retrying:
        return delivered
    again = "it is" if facts.retrying == 1 else "they are"
    if facts.retrying >= facts.count:
        return f"{delivered}; {again} tried again"
    return f"{delivered}; {facts.retrying:,} of them tried again"


def _what_is_held(facts: AlertFacts, place: str) -> str:
    waiting = facts.count + facts.held
    parts = [f"{counted(waiting, RECORD)} of {place} not delivered"]
    if facts.retrying:
        parts.append(f"{facts.retrying:,} of them tried again")
    which = ("it is" if waiting == 1 else "they are") if not facts.count else f"{facts.held:,} of them"
    return "; ".join([*parts, f"{which} held until it works again"])


def _time(at: datetime) -> str:
    return at.astimezone(UTC).strftime("%Y-%m-%d %H:%M UTC")


def _duration(length: timedelta) -> str:
    minutes = int(length.total_seconds() // 60)
    if minutes < 1:
        return "less than a minute"
    days, hours, minutes = minutes // 1440, minutes // 60 % 24, minutes % 60
    parts = [(days, "d"), (hours, "h"), (minutes, "min")]
    return " ".join(f"{number} {unit}" for number, unit in parts if number)


def _short(text: str, limit: int) -> str:
    """Return the text on one line: a line break in a name would be one in a mail's header."""
    line = plain(text)
    return line if len(line) <= limit else line[: limit - 1] + "…"
