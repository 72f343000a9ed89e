"""Rows of Connections: connections and delivery integrations beside each other, worst first."""

from __future__ import annotations

from collections.abc import Mapping

from healthdesk.api.accounts import AccountRow
from healthdesk.domain.states import ConnectionState
from healthdesk.tui.format import Line, Span, Tone, dim, key, line
from healthdesk.tui.view.expiry import EXPIRED
from healthdesk.tui.view.times import View, ago, since
from healthdesk.tui.view.words import CONNECTION, blame_word, connection_label, plural
from healthdesk.tui.widgets.columns import Column

ACCOUNT_COLUMNS = [
    Column("", 1),
    Column("App", 13, flex=1),
    Column("Account", 16, flex=5),
    Column("Status", 22, flex=5),
    Column("Instances", 11, right=True),
    Column("Checked", 7, right=True),
    Column("Blame", 24, from_width=118),
]
RECORDS = "records"
DELIVERIES = "Judged by deliveries"


def account_id(row: AccountRow) -> str:
    """Return what identifies a row."""
    return f"{row.kind}:{row.id}"


def account_glyph(row: AccountRow) -> Span:
    """Return the row's glyph: failing, paused, to be looked at, ending soon, checking, connected, unknown."""
    word = CONNECTION[row.state]
    if row.state is ConnectionState.FAILING:
        return Span(word.glyph, word.tone)
    if row.paused:
        return Span("⏸", Tone.WARN)
    if row.state is ConnectionState.CONNECTED and (row.flapping or row.drifted):
        return Span("⚠", Tone.WARN)
    if row.state is ConnectionState.CONNECTED and row.expires_in:
        return Span("⚠" if row.expires_in == EXPIRED else "◷", Tone.WARN)
    return Span(word.glyph, word.tone)


def account_cells(row: AccountRow, view: View) -> list[Span]:
    """Return the cells of a row."""
    glyph = account_glyph(row)
    return [
        glyph,
        Span(row.app),
        Span(account_word(row)),
        Span(status_words(row), glyph.tone),
        instances(row),
        Span(ago(row.checked_at, view), Tone.DIM),
        Span(blame_word(row.explanation.blame) if row.explanation else "", Tone.DIM),
    ]


def account_word(row: AccountRow) -> str:
    """Return the account, after the connection's own name; an integration's stands in the column before."""
    if row.kind == "integration":
        return row.account or "–"
    return connection_label(row.app, row.name, row.account) or "–"


def status_words(row: AccountRow) -> str:
    """Return the status, with what belongs to it."""
    words = row.state_word or CONNECTION[row.state].text
    if row.state is ConnectionState.SUSPECT and row.suspect_checks:
        words += f" {row.suspect_checks}/3"
    if row.paused:
        return "Paused" if row.state is not ConnectionState.FAILING else f"{words} · paused"
    if row.state is ConnectionState.CONNECTED and (beside := _beside(row)):
        return f"{words} · {beside}"
    return words


def _beside(row: AccountRow) -> str:
    """Return what stands behind the word of one that works: what is to be done about it."""
    if row.flapping:
        return "flapping"
    if row.drifted:
        return "changed"
    return row.expires_in.replace("less than an hour", "< 1 hour")


def disconnected(row: AccountRow) -> bool:
    """Return whether a row is an integration of tasks or proof whose connections are all gone."""
    return row.kind == "integration" and row.unit not in ("", RECORDS)


def instances(row: AccountRow) -> Span:
    """Return `✗ 131 rec`, `✗ 12 / 40`, `✓ 17`; `– 6` while nobody knows whether the connection works."""
    if row.kind == "integration" and not disconnected(row):
        if row.failed:
            return Span(f"✗ {row.failed:,} rec", Tone.BAD)
        if row.held:
            return Span(f"⏸ {row.held:,} rec", Tone.WARN)
        return Span(f"✓ {row.total:,} rec", Tone.GOOD) if row.total else Span("–", Tone.DIM)
    if row.failed:
        return Span(f"✗ {row.failed:,} / {row.total:,}", Tone.BAD)
    if not row.total:
        return Span("–", Tone.DIM)
    if row.state is ConnectionState.CONNECTED:
        return Span(f"✓ {row.total:,}", Tone.GOOD)
    return Span(f"– {row.total:,}", Tone.DIM)


def account_explain(row: AccountRow, view: View) -> list[Line]:
    """Explain a row in two lines: what, since when, whose fault, the key that helps."""
    explanation = row.explanation
    if explanation is not None and explanation.sentence:
        when = f" Since {since(explanation.since, view)}." if explanation.since else ""
        said = explanation.sentence.startswith("Paused")
        paused = Span("Paused. ", Tone.WARN) if row.paused and not said else ""
        first = line(paused, explanation.sentence, dim(when))
        second: list[Span | str] = []
        if explanation.key:
            second += [key(explanation.key), "  "]
        if explanation.blame:
            second.append(dim(f"{blame_word(explanation.blame).capitalize()}: "))
        second.append(explanation.next_action)
        return [first, line(*second)]
    if row.kind == "integration":
        parts = []
        for count, word in ((row.failed, "failed"), (row.retrying, "retrying"), (row.held, "held")):
            if count:
                parts.append(f"{count:,} {word}")
        told = ", ".join(parts) if parts else "nothing failed"
        resumes = "   p resumes it" if row.paused else ""
        return [line(f"{plural(row.total, 'record')}: {told}."), line(dim(f"l shows its records{resumes}"))]
    match row.state:
        case ConnectionState.CONNECTED:
            told = (
                "Healthy."
                if row.state_word != DELIVERIES
                else "No heartbeat is set; deliveries tell whether it works."
            )
            return [
                line(told),
                line(dim(f"Checked {ago(row.checked_at, view)} ago." if row.checked_at else "")),
            ]
        case ConnectionState.UNKNOWN:
            return [line("Not checked yet."), line(key("c"), dim(" checks it now"))]
        case _:
            return [line(status_words(row))]


def keep_account(row: AccountRow, values: Mapping[str, str]) -> bool:
    """Return whether a row passes the chips."""
    kind, state = values.get("kind", ""), values.get("state", "")
    if kind and row.kind != kind:
        return False
    if state == "trouble":
        bad = row.state in (ConnectionState.FAILING, ConnectionState.SUSPECT)
        return bad or row.paused or bool(row.failed or row.held)
    return not state or row.state.value == state
