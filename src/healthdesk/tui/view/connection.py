"""The window of a connection: verdict, card, and its heartbeats."""

from __future__ import annotations

from healthdesk.api.connections import Connection, Heartbeat
from healthdesk.domain.states import ConnectionState
from healthdesk.tui.format import Line, Span, Tone, dim, fit, key, line
from healthdesk.tui.view.times import View, full, millis, since, stamp
from healthdesk.tui.view.words import CONNECTION, blame_word
from healthdesk.tui.widgets.columns import Column

HEARTBEAT_COLUMNS = [
    Column("", 1),
    Column("Checked", 12),
    Column("By", 11),
    Column("Status", 6, right=True),
    Column("Took", 8, right=True),
    Column("What it said", 20, flex=3),
    Column("After it", 18),
]


def connection_head(connection: Connection, view: View) -> list[Line]:
    """Return the verdict, then the facts of the connection."""
    word = CONNECTION[connection.state]
    explanation = connection.explanation
    sentence = f": {explanation.sentence}" if explanation and explanation.sentence else ""
    lines = [line(Span(f"{word.glyph} {connection.state_word}{sentence}", word.tone))]
    if explanation is not None:
        told: list[Span | str] = []
        if explanation.since:
            told.append(dim(f"Since {since(explanation.since, view)}"))
        if explanation.blame:
            told.append(dim(f" · {blame_word(explanation.blame)}"))
        if explanation.next_action:
            told += [dim(" · "), explanation.next_action]
        if explanation.key:
            told += [dim("  "), key(explanation.key)]
        lines.append(line(*told))
    elif connection.state is ConnectionState.UNKNOWN:
        lines.append(line(dim("Nobody has asked it yet. "), key("c"), dim(" checks it now.")))
    return lines


def connection_card(connection: Connection, view: View) -> list[Line]:
    """Return the card: owner, when it worked, how it is checked, what is known of its secret."""
    beat = connection.heartbeat
    judged = (
        f"{beat.method} {beat.path} answers {beat.expected_status}"
        if beat
        else "by deliveries (no heartbeat)"
    )
    secret = f"{connection.auth} {connection.credential_hint}".strip()
    pairs = [
        ("Address", connection.base_url, "Owner", connection.owner),
        ("Credential", secret, "Connected on", stamp(connection.connected_on, view).strip()),
        ("Judged", judged, "Last healthy", stamp(connection.last_healthy, view).strip()),
        (
            "Callbacks",
            callbacks_word(connection),
            "Last checked",
            stamp(connection.last_checked, view).strip(),
        ),
    ]
    rows = [
        line(dim(f"{left:<11}"), fit(what, 38), " ", dim(f"{right:<13}"), other)
        for left, what, right, other in pairs
    ]
    if connection.members:
        members = ", ".join(f"{member.user} ({member.grant})" for member in connection.members)
        rows.append(line(dim(f"{'Members':<11}"), members))
    return rows


def callbacks_word(connection: Connection) -> str:
    """Return how its callbacks are verified."""
    scheme = connection.verification.scheme.replace("_", " ")
    hint = f" {connection.callback_secret_hint}" if connection.callback_secret_hint else ""
    return "not verified" if scheme == "none" else f"{scheme}{hint}"


def connection_facts(connection: Connection, view: View) -> list[Line]:
    """Return everything about it, for copying."""
    rows = [
        ("Connection", f"{connection.name} ({connection.id})"),
        ("App", connection.app_name),
        ("Address", connection.base_url),
        ("State", connection.state_word),
        ("Owner", connection.owner),
        ("Last healthy", full(connection.last_healthy, view)),
        ("Last checked", full(connection.last_checked, view)),
        ("Next check", full(connection.next_check, view)),
        ("Callback URL", connection.callback_url),
    ]
    return [line(dim(f"{name:<13}"), value) for name, value in rows if value]


def heartbeat_cells(beat: Heartbeat, view: View) -> list[Span]:
    """Return the cells of one check."""
    word = CONNECTION[beat.state_after]
    return [
        Span("✓", Tone.GOOD) if beat.ok else Span("✗", Tone.BAD),
        Span(stamp(beat.at, view)),
        Span(beat.trigger.value, Tone.DIM),
        Span(str(beat.status or "–")),
        Span(millis(beat.duration_ms), Tone.DIM),
        Span(beat.sentence or ("as expected" if beat.ok else beat.kind.replace("_", " "))),
        Span(word.text, word.tone),
    ]
