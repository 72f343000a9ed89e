"""The ledger of a period: every record that arrived in it, in exactly one state, with the reason."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from healthdesk.api.ledger import Ledger
from healthdesk.domain.states import Environment, ErrorKind, HoldReason, RecordState
from healthdesk.tui.format import Line, Span, Tone, dim, key, line, strong
from healthdesk.tui.view.environment import TITLES
from healthdesk.tui.view.filters import CUSTOM, DAYS
from healthdesk.tui.view.log import HOLDS
from healthdesk.tui.view.times import View, stamp
from healthdesk.tui.view.words import RECORD, plural
from healthdesk.tui.widgets.columns import Column
from healthdesk.tui.widgets.filter_bar import ANY, Chip

LEDGER_COLUMNS = [
    Column("", 1),
    Column("", 1),
    Column("Integration", 16, flex=3),
    Column("Environment", 11),
    Column("State", 17),
    Column("Reason", 16, flex=4),
    Column("Records", 9, right=True),
]
PERIODS = ("7d", "24h", "1h", "30d", ANY)
RECEIPT = "receipt"
ORDER = (
    RecordState.FAILED,
    RecordState.UNKNOWN,
    RecordState.HELD,
    RecordState.RETRYING,
    RecordState.AWAITING_RECEIPT,
    RecordState.QUEUED,
    RecordState.SENDING,
    RecordState.DELIVERED,
)
LOG_STATES = {
    RecordState.QUEUED: "waiting",
    RecordState.SENDING: "waiting",
    RecordState.AWAITING_RECEIPT: "awaiting",
}
"""What the log's chip calls a state, where not by its name."""


@dataclass(frozen=True, slots=True)
class Entry:
    """Records of one environment in one state for one reason."""

    integration_id: str
    name: str
    environment: Environment
    state: RecordState
    reason: str
    sample: bool
    count: int

    @property
    def id(self) -> str:
        """What identifies it."""
        return f"{self.integration_id}:{self.environment}:{self.state}:{self.reason}:{self.sample}"


def ledger_chips() -> list[Chip]:
    """Return the chips: period, integration, environment."""
    days = [*((value, DAYS[value][0]) for value in PERIODS), (CUSTOM, "dates…")]
    environments = ((ANY, "any"), *((each.value, TITLES[each]) for each in Environment))
    return [
        Chip("when", "Arrived", tuple(days), value=PERIODS[0], default=PERIODS[0]),
        Chip("integration", "To", ((ANY, "all"),)),
        Chip("environment", "Env", environments),
    ]


def entries_of(ledger: Ledger) -> list[Entry]:
    """Return the lines of a ledger, by integration and environment, the worst state first; of all times the totals."""
    names = {row.integration_id: row.integration_name or row.integration_id for row in ledger.rows}
    entries = [
        Entry(
            each.integration_id,
            names.get(each.integration_id, each.integration_id),
            each.environment,
            each.state,
            each.reason,
            each.sample,
            each.count,
        )
        for each in ledger.lines
    ]
    if ledger.arrived_from is None and ledger.arrived_to is None:
        entries = [
            Entry(
                row.integration_id,
                names[row.integration_id],
                row.environment,
                RecordState(state),
                "",
                False,
                count,
            )
            for row in ledger.rows
            for state, count in row.states.items()
            if count
        ]
    return sorted(entries, key=_place)


def _place(entry: Entry) -> tuple[str, bool, int, str, bool]:
    testing = entry.environment is Environment.TESTING
    return entry.name.lower(), testing, ORDER.index(entry.state), entry.reason, entry.sample


def entry_cells(entry: Entry) -> list[Span]:
    """Return the cells of a line of the ledger."""
    word = RECORD[entry.state]
    testing = entry.environment is Environment.TESTING
    return [
        Span(word.glyph, word.tone),
        Span("~" if entry.sample else " ", Tone.ACCENT),
        Span(entry.name),
        Span(TITLES[entry.environment], Tone.ACCENT if testing else Tone.DIM),
        Span(word.text, word.tone),
        Span(reason_words(entry.reason) or "–", Tone.PLAIN if entry.reason else Tone.DIM),
        Span(f"{entry.count:,}"),
    ]


def reason_words(reason: str) -> str:
    """Return why records are in their state: what holds them, their kind of error, or that it was confirmed."""
    if reason == RECEIPT:
        return "confirmed by a receipt"
    hold = next((each for each in HoldReason if each.value == reason), None)
    if hold is not None:
        return HOLDS.get(hold, hold.value)
    return reason.replace("_", " ")


def balance_line(ledger: Ledger, view: View) -> Line:
    """Say whether every record is in exactly one state: of how many, of which period."""
    accepted = sum(row.accepted for row in ledger.rows)
    samples = sum(row.samples for row in ledger.rows)
    removed = sum(row.removed for row in ledger.rows)
    counted = sum(sum(row.states.values()) for row in ledger.rows)
    told = f"{plural(accepted, 'record')} accepted{_period(ledger, view)}"
    if samples:
        told += f", {samples:,} of them samples"
    if removed:
        told += f", {removed:,} removed by retention"
    if ledger.balanced:
        return line(Span("✓ Balanced.", Tone.GOOD), f" {told}.")
    why = f"✗ Not balanced: {accepted:,} accepted, {counted + removed:,} counted."
    return line(Span(why, Tone.BAD), dim(" `healthdesk doctor` says more."))


def _period(ledger: Ledger, view: View) -> str:
    begin, end = ledger.arrived_from, ledger.arrived_to
    if begin and end:
        return f" {stamp(begin, view).strip()} – {stamp(end, view).strip()} {view.zone}"
    if begin:
        return f" since {stamp(begin, view).strip()} {view.zone}"
    return f" before {stamp(end, view).strip()} {view.zone}" if end else ""


def row_lines(ledger: Ledger, entry: Entry) -> list[Line]:
    """Return the totals of the environment that a line belongs to, each state with its count, and their sum."""
    lines = []
    for row in ledger.rows:
        if (row.integration_id, row.environment) != (entry.integration_id, entry.environment):
            continue
        lines += [line(strong(f"{entry.name} · {TITLES[entry.environment]}")), ()]
        for state in ORDER:
            if count := row.states.get(state.value, 0):
                word = RECORD[state]
                lines.append(line(f"{count:>9,}  ", Span(f"{word.glyph} {word.text.lower()}", word.tone)))
        if row.removed:
            lines.append(line(f"{row.removed:>9,}  ", dim("removed by retention")))
        lines.append(line(dim("─" * 9)))
        total = sum(row.states.values()) + row.removed
        glyph, tone = ("✓", Tone.GOOD) if row.balanced else ("✗", Tone.BAD)
        lines.append(line(f"{total:>9,}  ", Span(f"{glyph} of {row.accepted:,} accepted", tone)))
    return lines


def entry_explain(entry: Entry) -> list[Line]:
    """Explain a line of the ledger."""
    word = RECORD[entry.state]
    kind = "sample" if entry.sample else "record"
    why = f": {reason_words(entry.reason)}" if entry.reason else ""
    where = f"{entry.name} · {TITLES[entry.environment]}"
    return [
        line(f"{plural(entry.count, kind)} {word.text.lower()}{why}.", dim(f" {where}")),
        line(key("enter"), dim(" shows them in the log")),
    ]


def log_values(entry: Entry, when: str) -> Mapping[str, str]:
    """Return the chips of the log that show the records of a line."""
    values = {
        "integration": entry.integration_id,
        "environment": entry.environment.value,
        "state": LOG_STATES.get(entry.state, entry.state.value),
        "when": when,
        "sample": "yes" if entry.sample else "no",
    }
    if entry.reason in {each.value for each in HoldReason}:
        values["hold"] = entry.reason
    elif entry.reason in {each.value for each in ErrorKind}:
        values["kind"] = entry.reason
    return values
