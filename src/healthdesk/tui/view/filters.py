"""Filters as chips: what can be chosen, and what it asks of the daemon."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, date, datetime, time, timedelta

from healthdesk.api.callbacks import CallbackFilter
from healthdesk.domain.states import CallbackState, ConnectionState, ProblemState
from healthdesk.tui.view.times import View
from healthdesk.tui.widgets.filter_bar import ANY, Chip

DAYS: dict[str, tuple[str, timedelta | None]] = {
    ANY: ("any time", None),
    "1h": ("last hour", timedelta(hours=1)),
    "24h": ("last 24 hours", timedelta(days=1)),
    "7d": ("last 7 days", timedelta(days=7)),
    "30d": ("last 30 days", timedelta(days=30)),
}
CUSTOM = "custom"


def when_range(
    values: Mapping[str, str], view: View, name: str = "when"
) -> tuple[datetime | None, datetime | None]:
    """Return the range a date chip asks for; the beginning is a whole minute.

    Two days are a range as well as two times (of saved filters); of days, the last is in it.
    """
    choice = values.get(name, ANY)
    if "/" in choice:
        first, _, last = choice.partition("/")
        return _moment(first, view), _moment(last, view, after=True)
    length = DAYS.get(choice, DAYS[ANY])[1]
    if length is None:
        return None, None
    return (view.now - length).replace(second=0, microsecond=0), None


def _moment(text: str, view: View, *, after: bool = False) -> datetime | None:
    return datetime.fromisoformat(text) if "T" in text else day_start(text, view, after=after)


def day_start(text: str, view: View, *, after: bool = False) -> datetime | None:
    """Return when a day begins (or the one after it) in the operator's zone, or None for no day."""
    day = parse_day(text)
    if day is None:
        return None
    if after:
        day += timedelta(days=1)
    local = datetime.combine(day, time())
    local = local.replace(tzinfo=view.tz) if view.tz is not None else local.astimezone()
    return local.astimezone(UTC)


def parse_day(text: str) -> date | None:
    """Return the day that `2026-11-22` names, or None."""
    try:
        return date.fromisoformat(text.strip())
    except ValueError:
        return None


def custom_range(first: str, last: str) -> str | None:
    """Return the value of the date chip for two days, either may be empty; None when they are wrong."""
    for text in (first, last):
        if text.strip() and parse_day(text) is None:
            return None
    if not first.strip() and not last.strip():
        return ANY
    begin, end = parse_day(first), parse_day(last)
    if begin and end and begin > end:
        return None
    return f"{first.strip()}/{last.strip()}"


def range_word(value: str) -> str:
    """Return what a date chip with two days, or two times, is called."""
    first, _, last = (part[:16].replace("T", " ") for part in value.partition("/"))
    return f"{first or '…'} – {last or '…'}"


def connection_chips() -> list[Chip]:
    """Return the chips of Connections."""
    states = {
        ANY: "any",
        "trouble": "in trouble",
        ConnectionState.FAILING.value: "failing",
        ConnectionState.SUSPECT.value: "checking again",
        ConnectionState.CONNECTED.value: "connected",
        ConnectionState.UNKNOWN.value: "not checked yet",
    }
    kinds = ((ANY, "all"), ("connection", "connections"), ("integration", "integrations"))
    return [Chip("state", "Status", tuple(states.items())), Chip("kind", "Show", kinds)]


def problem_chips() -> list[Chip]:
    """Return the chips of Problems."""
    states = ((ANY, "unresolved"), *((state.value, state.value) for state in SHOWN_PROBLEMS), ("all", "all"))
    return [Chip("state", "State", states)]


SHOWN_PROBLEMS = (ProblemState.OPEN, ProblemState.ACKNOWLEDGED, ProblemState.RESOLVED)


def problem_states(values: Mapping[str, str]) -> list[ProblemState]:
    """Return which problems the chips ask for; empty is what the daemon shows by itself."""
    choice = values.get("state", ANY)
    if choice == "all":
        return list(SHOWN_PROBLEMS)
    return [state for state in SHOWN_PROBLEMS if state.value == choice]


def callback_chips() -> list[Chip]:
    """Return the chips of Callbacks."""
    states = ((ANY, "any"), *((state.value, state.value) for state in CallbackState))
    return [
        Chip("state", "Status", states),
        Chip("connection", "From", ((ANY, "all"),)),
        Chip("when", "", tuple((value, word) for value, (word, _) in DAYS.items())),
    ]


def callback_filter(values: Mapping[str, str], view: View) -> CallbackFilter:
    """Return what the chips of Callbacks ask for."""
    begin, end = when_range(values, view)
    state = values.get("state", ANY)
    return CallbackFilter(
        connection_id=values.get("connection") or None,
        states=[CallbackState(state)] if state else [],
        arrived_from=begin,
        arrived_to=end,
    )


def activity_chips(user: str) -> list[Chip]:
    """Return the chips of Activity."""
    mine = ((user, f"me ({user})"),) if user else ()
    return [Chip("user", "Who", ((ANY, "everybody"), *mine))]
