"""The window of a connection: verdict, card, details, and its heartbeats."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from itertools import zip_longest
from urllib.parse import urlsplit

from healthdesk.api.connections import Connection, Heartbeat
from healthdesk.api.health import Evidence
from healthdesk.api.pings import Ping
from healthdesk.domain.states import ConnectionState
from healthdesk.tui.format import Line, Span, Tone, dim, fit, key, line, width_of
from healthdesk.tui.view.evidence import span_line
from healthdesk.tui.view.expiry import EXPIRED
from healthdesk.tui.view.pings import ping_line
from healthdesk.tui.view.times import View, full, millis, since, stamp
from healthdesk.tui.view.words import CONNECTION, blame_word, check_glyph, check_words, plural
from healthdesk.tui.widgets.columns import Column

LEFT, RIGHT = 11, 13
"""Cells of the labels in the two columns of the card."""
MEMBERS_FROM = 100
"""From how many cells on a card names the members; a narrower one counts them."""


def pinged(connection: Connection) -> bool:
    """Return whether a push heartbeat decides its health."""
    return connection.heartbeat is None and not connection.judged_by_deliveries


def state_span(connection: Connection) -> Span:
    """Return glyph and words of its state; a warning where it is connected and something is to be done."""
    word = CONNECTION[connection.state]
    if connection.state is not ConnectionState.CONNECTED:
        checks = f" {connection.suspect_checks}/3" if connection.suspect_checks else ""
        suspect = checks if connection.state is ConnectionState.SUSPECT else ""
        return Span(f"{word.glyph} {connection.state_word}{suspect}", word.tone)
    if connection.flapping_since is not None or connection.drift:
        return Span(f"⚠ {connection.state_word}", Tone.WARN)
    if connection.expires_in:
        glyph = "⚠" if connection.expires_in == EXPIRED else "◷"
        return Span(f"{glyph} {connection.state_word} · {connection.expires_in}", Tone.WARN)
    return Span(f"{word.glyph} {connection.state_word}", word.tone)


def connection_head(connection: Connection, view: View, found: Evidence | None = None) -> list[Line]:
    """Return the verdict, from the last good to the first bad check, whose fault it is and what helps."""
    state = state_span(connection)
    explanation = connection.explanation
    told = explanation.sentence.removeprefix(f"{connection.name}: ") if explanation else ""
    repeats = told.rstrip(".") == connection.state_word
    lines = [line(Span(f"{state.text}: {told}" if told and not repeats else state.text, state.tone))]
    span = span_line(found, view) if found is not None and connection.state in BROKEN else ()
    if span:
        lines.append(span)
    if explanation is None:
        return lines
    helps: list[Span | str] = [key(explanation.key), "  "] if explanation.key else []
    if explanation.since and not span:
        helps.append(dim(f"Since {since(explanation.since, view)}. "))
    if explanation.blame:
        helps.append(dim(f"{blame_word(explanation.blame).capitalize()}: "))
    helps.append(explanation.next_action)
    if connection.drift and connection.state is ConnectionState.CONNECTED:
        helps += ["  ", key("A"), dim(" accepts it")]
    return [*lines, line(*helps)] if line(*helps) else lines


BROKEN = (ConnectionState.SUSPECT, ConnectionState.FAILING)


def connection_card(
    connection: Connection,
    view: View,
    *,
    ping: Ping | None = None,
    width: int = 74,
    connected_on: datetime | None = None,
) -> list[Line]:
    """Return the card, `width` cells wide: whose the credential is, when it worked, how long it lasts.

    `connected_on` is what that means in the window of an account: for one's own connection, when it was last used.
    """
    room = max(20, width - RIGHT - 14 - 2)
    wide = room - LEFT
    left = [
        ("Account", connection.account),
        ("Site", place_of(connection)),
        ("Credential", f"{connection.auth} {connection.credential_hint}".strip()),
        ("Scopes", scopes_words(connection.scopes, wide)),
        ("Expires", expires_words(connection, view)),
        ("Callbacks", callbacks_word(connection)),
        ("Judged", judged_words(connection)),
        ("Members", members_words(connection) if width >= MEMBERS_FROM else ""),
    ]
    connected = connected_on or connection.connected_on
    right = [
        ("Connected on", stamp(connected, view).strip() if connected else ""),
        ("Last healthy", stamp(connection.last_healthy, view).strip()),
        ("Last checked", stamp(connection.last_checked, view).strip()),
        ("Next check", since(connection.next_check, view) if connection.next_check else ""),
        ("Owner", owner_words(connection)),
    ]
    rows = [
        line(dim(f"{one:<{LEFT}}"), fit(what, wide), "  ", dim(f"{other:<{RIGHT}}"), value)
        for (one, what), (other, value) in zip_longest(_told(left), _told(right), fillvalue=("", ""))
    ]
    if before := previous_line(connection, view):
        rows.append(line(dim(f"{'Before':<{LEFT}}"), *before))
    if ping is not None:
        rows.append(line(dim(f"{'Pings':<{LEFT}}"), *ping_line(ping, view)))
    return rows


def members_words(connection: Connection) -> str:
    """Return `bob (manager), carol`."""
    return ", ".join(
        f"{member.user} (manager)" if member.grant == "manager" else member.user
        for member in connection.members
    )


def owner_words(connection: Connection) -> str:
    """Return `alice`, `alice + 2` with members."""
    return f"{connection.owner} + {len(connection.members)}" if connection.members else connection.owner


def _told(pairs: Sequence[tuple[str, str]]) -> list[tuple[str, str]]:
    return [(name, value) for name, value in pairs if value]


def place_of(connection: Connection) -> str:
    """Return the site that the app told, and the host where that says more."""
    host = urlsplit(connection.base_url).netloc.rpartition("@")[2]
    site = urlsplit(connection.site).netloc or connection.site
    return site if host in site or not host else " · ".join(part for part in (site, host) if part)


def scopes_words(scopes: Sequence[str] | None, width: int) -> str:
    """Return the scopes where they fit into `width` cells, else how many there are."""
    if scopes is None:
        return ""
    named = ", ".join(scopes) or "none"
    return named if width_of(named) <= width else plural(len(scopes), "scope")


def expires_words(connection: Connection, view: View) -> str:
    """Return when the credential ends, how long that is and who said so."""
    if connection.expires_at is None:
        return ""
    near = f" · {connection.expires_in}" if connection.expires_in else ""
    return f"{stamp(connection.expires_at, view).strip()}{near} ({connection.expires_from})"


def judged_words(connection: Connection) -> str:
    """Return what decides its health."""
    beat = connection.heartbeat
    if beat is None:
        return "by its pings" if pinged(connection) else "by deliveries (no heartbeat)"
    asked = f"{beat.method} {beat.path}"
    return f"{asked} answers {beat.expected_status}" if connection.app == "http-endpoint" else asked


def previous_line(connection: Connection, view: View) -> Line:
    """Return until when the credentials before the last update can be put back; empty when they cannot."""
    until = connection.previous_until
    if until is None or until <= view.now:
        return ()
    hint = f"{connection.previous_hint} " if connection.previous_hint else "those before "
    return line(hint, f"can be put back until {since(until, view)}  ", key("B"))


def callbacks_word(connection: Connection) -> str:
    """Return how its callbacks are verified."""
    scheme = connection.verification.scheme.replace("_", " ")
    if scheme == "none":
        return "not verified"
    if connection.callback_secret_hint:
        return f"{scheme} {connection.callback_secret_hint}"
    return f"{scheme}, waits for its secret" if scheme == "asana" else f"{scheme}, rejected: no secret"


def connection_facts(connection: Connection, view: View, ping: Ping | None = None) -> list[Line]:
    """Return everything about it: the Details tab, and what is copied."""
    members = ", ".join(f"{member.user} ({member.grant})" for member in connection.members)
    settings = ", ".join(f"{name} {value}" for name, value in connection.settings.items())
    limit = connection.callback_limit_per_minute
    rows: list[tuple[str, str | Line]] = [
        ("Connection", f"{connection.name} ({connection.id})"),
        ("App", connection.app_name),
        ("State", f"{connection.state_word} since {full(connection.state_since, view)}"),
        ("Account", connection.account),
        ("Site", connection.site),
        ("Address", connection.base_url),
        ("Settings", settings),
        ("Credential", f"{connection.auth} {connection.credential_hint}".strip()),
        ("Scopes", ", ".join(connection.scopes or ())),
        ("Expires", expires_words(connection, view)),
        ("Before", previous_line(connection, view)),
        ("Judged", judged_words(connection)),
        ("Pings", ping_line(ping, view) if ping is not None else ""),
        ("Ping address", f"{ping.hint} (shown whole only when it is made)" if ping is not None else ""),
        ("Flapping", f"since {full(connection.flapping_since, view)}" if connection.flapping_since else ""),
        ("Changed", " ".join(each.sentence for each in connection.drift)),
        ("Connected on", full(connection.connected_on, view) if connection.connected_on else ""),
        ("Last healthy", full(connection.last_healthy, view)),
        ("Last checked", full(connection.last_checked, view)),
        ("Next check", full(connection.next_check, view) if connection.next_check else ""),
        ("Callback URL", connection.callback_url),
        ("Callbacks", callbacks_word(connection)),
        ("Limit", f"{limit} callbacks a minute" if limit else ""),
        ("Owner", connection.owner),
        ("Members", members),
        ("Created", f"{full(connection.created_at, view)} by {connection.created_by}"),
    ]
    return [
        line(dim(f"{name:<13}"), *(value if isinstance(value, tuple) else (value,)))
        for name, value in rows
        if value
    ]


def heartbeat_columns(view: View) -> list[Column]:
    """Return the columns of its checks; the time column names the zone."""
    return [
        Column("", 1),
        Column(f"Checked {view.zone}"[:12], 12),
        Column("By", 11),
        Column("Status", 6, right=True),
        Column("Took", 8, right=True),
        Column("What it said", 20, flex=3),
        Column("After it", 18),
    ]


def heartbeat_cells(beat: Heartbeat, view: View) -> list[Span]:
    """Return the cells of one check."""
    word = CONNECTION[beat.state_after]
    return [
        check_glyph(beat),
        Span(stamp(beat.at, view)),
        Span(beat.trigger.value, Tone.DIM),
        Span(str(beat.status or "–")),
        Span(millis(beat.duration_ms), Tone.DIM),
        check_words(beat),
        Span(word.text, word.tone),
    ]
