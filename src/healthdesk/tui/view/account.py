"""The window of a connection: the verdict on an app and account, its cards, and what stands over its tables."""

from __future__ import annotations

from collections.abc import Sequence

from healthdesk.api.accounts import AccountView, ConnectionCard
from healthdesk.api.common import Explanation
from healthdesk.api.connections import Connection
from healthdesk.api.health import Evidence
from healthdesk.api.instances import InstanceTotals
from healthdesk.domain.states import ConnectionState
from healthdesk.tui.format import Line, Span, Tone, dim, fit, key, line, width_of
from healthdesk.tui.view.connection import connection_head, expires_words, members_words, state_span
from healthdesk.tui.view.times import View, since, stamp
from healthdesk.tui.view.words import blame_word, plural

LABEL = 13
ROOMY = 56
"""From how many cells on a card has two columns."""
MOST_NAMED = 4
MOST_SHORT = 2
"""Lines of a short verdict: what is wrong, and from when to when."""
SHOWN = {"": "all", "failed": "failed", "blocked": "blocked"}
"""Which rows of a table are shown: the quick filter."""


def account_head(
    view: View,
    account: AccountView,
    connection: Connection,
    found: Evidence,
    others: Sequence[ConnectionCard],
    *,
    short: bool = False,
) -> list[Line]:
    """Return the verdict on the worst connection, what it blocks, and the connections that have no card.

    A short one leaves the table under it room: of what helps it has the key.
    """
    lines = connection_head(connection, view, found)
    if short and connection.explanation is not None and len(lines) > MOST_SHORT:
        lines = [(*lines[0], Span("  "), key(connection.explanation.key)), *lines[1:MOST_SHORT]]
    told = account.explanation
    own = connection.explanation.sentence if connection.explanation is not None else ""
    if connection.state is ConnectionState.CONNECTED and told is not None and told.sentence != own:
        beside = _beside(state_span(connection), told, view)
        lines = beside[:1] if short else [*beside, *(lines if own else ())]
    if account.blocked:
        lines.append(line(Span("▪ ", Tone.WARN), account.blocked))
    if others:
        lines.append(others_line(others))
    return lines


def _beside(state: Span, told: Explanation, view: View) -> list[Line]:
    """Return what is wrong though the connection works, whose fault it is and what helps."""
    helps: list[Span | str] = [dim(f"Since {since(told.since, view)}. ")] if told.since else []
    if told.blame:
        helps.append(dim(f"{blame_word(told.blame).capitalize()}: "))
    helps.append(told.next_action)
    first = line(Span(f"{state.text}: ", state.tone), told.sentence)
    return [first, line(*helps)] if line(*helps) else [first]


def disconnected_head(told: Explanation | None) -> list[Line]:
    """Return what is said of an integration whose connections are all gone."""
    lines = [
        line(
            Span("○ Disconnected: ", Tone.WARN),
            told.sentence if told is not None else "it has no connection.",
        )
    ]
    if told is not None and told.next_action:
        lines.append(line(dim("What to do: "), told.next_action))
    return lines


def others_line(others: Sequence[ConnectionCard]) -> Line:
    """Return whose connections have no card, the broken ones first."""
    broken = [card for card in others if card.connection.state is ConnectionState.FAILING]
    well = [card for card in others if card.connection.state is not ConnectionState.FAILING]
    named = [_owner_span(card) for card in (*broken, *well)[:MOST_NAMED]]
    parts: list[Span | str] = []
    for each in named:
        parts += [", " if parts else "", each]
    more = f" and {len(others) - MOST_NAMED} more" if len(others) > MOST_NAMED else ""
    return line(dim("Connections of others: "), *parts, more, "  ", key("w"))


def _owner_span(card: ConnectionCard) -> Span:
    state = state_span(card.connection)
    return Span(f"{state.text[:1]} {card.connection.owner}", state.tone)


def card_title(card: ConnectionCard) -> str:
    """Return `Admin connection · bob`."""
    return f"{card.title} · {card.connection.owner}"


def card_lines(card: ConnectionCard, view: View, width: int, *, tall: bool = False) -> list[Line]:
    """Return a card `width` cells wide: state, since when, last healthy, last checked, owner, members, expiry.

    A tall one says of the credential what it is, and both whom to ask where it is not the operator's to mend.
    """
    return _roomy(card, view, width, tall=tall) if width >= ROOMY else _slim(card, view, width, tall=tall)


def _slim(card: ConnectionCard, view: View, width: int, *, tall: bool) -> list[Line]:
    connection = card.connection
    state = state_span(connection)
    connected = _day(card, view)
    ends = f"ends {stamp(connection.expires_at, view).strip()[:6].strip()}" if connection.expires_at else ""
    members = plural(len(connection.members), "member") if connection.members else ""
    rows = [
        _ends(line(state), [f"Connected on {connected}", f"on {connected}"] if connected else [], width),
        _ends(_pair("Last healthy", stamp(connection.last_healthy, view)), [ends], width),
        _ends(_pair("Last checked", stamp(connection.last_checked, view)), [members], width),
    ]
    if tall:
        rows += [
            _pair("Account", connection.account or "–"),
            _pair("Credential", f"{connection.auth} {connection.credential_hint}".strip()),
        ]
        rows += [_pair("Expires", expires_words(connection, view))] if connection.expires_at else []
        rows += [_pair("Members", members_words(connection))] if connection.members else []
        rows += [line(dim(card.ask))] if card.ask else []
    return rows


def _roomy(card: ConnectionCard, view: View, width: int, *, tall: bool) -> list[Line]:
    connection = card.connection
    half = width // 2
    connected = stamp(card.connected_on, view).strip() if card.connected_on else "not used yet"
    left = [
        line(state_span(connection)),
        _pair("Last healthy", stamp(connection.last_healthy, view).strip()),
        _pair("Last checked", stamp(connection.last_checked, view).strip()),
    ]
    right = [_pair("Connected on", connected), _pair("Owner", connection.owner)]
    right.append(_pair("Members", members_words(connection) or "none"))
    if connection.expires_at is not None or tall:
        left.append(_pair("Credential", f"{connection.auth} {connection.credential_hint}".strip()))
        right.append(_pair("Expires", expires_words(connection, view) or "not known to"))
    rows = [
        (*_cut(one, half - 2), Span("  "), *_cut(other, width - half))
        for one, other in zip(left, right, strict=True)
    ]
    return [*rows, line(dim(card.ask))] if card.ask and tall else rows


def _day(card: ConnectionCard, view: View) -> str:
    """Return `9 Jul`, or the year with it when it is another one."""
    if card.connected_on is None:
        return ""
    told = stamp(card.connected_on, view).strip()
    return told.rpartition(" ")[0] if ":" in told else told


def _pair(name: str, value: str) -> Line:
    return line(dim(f"{name:<{LABEL}}"), value)


def _ends(begin: Line, ends: Sequence[str], width: int) -> Line:
    """Return a line that ends with the first of `ends` that has room."""
    used = sum(width_of(span.text) for span in begin)
    for end in ends:
        gap = width - used - width_of(end)
        if end and gap >= 2:
            return (*begin, Span(" " * gap), dim(end))
    return begin


def _cut(parts: Line, width: int) -> Line:
    """Return a line in exactly `width` cells."""
    cut: list[Span] = []
    for span in parts:
        room = min(width_of(span.text), width)
        cut.append(Span(fit(span.text, room), span.tone))
        width -= room
    return (*cut, Span(" " * width))


def none_shown(shown: str, words: str) -> str:
    """Return what is said where nothing is left of a table: `None with “root” in its name is failed.`"""
    named = f" with “{words}” in its name" if words else ""
    return f"None{named} is {SHOWN[shown] if shown else 'there'}."


def totals_line(totals: InstanceTotals, shown: str, width: int, words: str = "") -> Line:
    """Return `All 40  ✓ 28 succeeded  ✗ 12 failed  ▪ 11 blocked   f [all] failed blocked` in up to `width` cells.

    Without room for the words of the counts their glyphs say it.
    """
    told = _totals(totals, shown, words, worded=True)
    fits = sum(width_of(span.text) for span in told) <= width
    return told if fits else _totals(totals, shown, words, worded=False)


def _totals(totals: InstanceTotals, shown: str, words: str, *, worded: bool) -> Line:
    more = "" if totals.exact else "+"
    counts = (
        ("✓", totals.succeeded, "succeeded", Tone.GOOD),
        ("✗", totals.failed, "failed", Tone.BAD),
        ("▪", totals.blocked, "blocked", Tone.WARN),
    )
    parts: list[Span | str] = [f"All {totals.total:,}{more}"]
    for glyph, count, word, tone in counts:
        told = f"{glyph} {count:,}" + (f" {word}" if worded else "")
        parts += ["  ", Span(told, tone if count else Tone.DIM)]
    parts += ["   ", key("b")]
    for value, word in SHOWN.items():
        parts += [" ", Span(f"[{word}]", Tone.STRONG) if value == shown else dim(word)]
    if words:
        parts += ["  ", key("/"), " ", Span(f"“{words}”", Tone.STRONG)]
    return line(*parts)
