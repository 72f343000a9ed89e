"""Proof: the head of its window, what was collected as a table, the difference to the run before, where to ask."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from rich.cells import cell_len

from healthdesk.api.instances import Instance, Run
from healthdesk.api.proof import ColumnView, Contents, Difference, InstanceView, ProofSync
from healthdesk.domain.durations import format_span
from healthdesk.tui.format import Line, Span, Tone, clean, dim, key, line, strong
from healthdesk.tui.view.instance_words import instance_word
from healthdesk.tui.view.tasks import fact, why_lines
from healthdesk.tui.view.times import View, ago, full
from healthdesk.tui.view.words import plural
from healthdesk.tui.widgets.columns import Column

LEAST, MOST = 6, 30
"""How many cells of the table's width a column asks for."""
LABEL_COLUMNS = [
    Column("Label or control", 18, flex=2),
    Column("Kind", 8),
    Column("Members", 20, flex=3),
]


@dataclass(frozen=True, slots=True)
class Row:
    """A row of what was collected, by its number from 0; `before` says what differed, by column."""

    number: int
    cells: Sequence[str]
    mark: str = " "
    before: dict[str, str] = field(default_factory=dict)


MARKS = {"+": Tone.GOOD, "-": Tone.BAD, "~": Tone.WARN, " ": Tone.PLAIN}
MARK_WORDS = {"+": "added", "-": "removed", "~": "changed"}


def rows_of(contents: Contents, first: int) -> list[Row]:
    """Return a page of rows; `first` is the number of its first."""
    return [Row(first + index, cells) for index, cells in enumerate(contents.rows)]


def data_columns(columns: Sequence[ColumnView], rows: Sequence[Row], *, marked: bool = False) -> list[Column]:
    """Return the columns of a table, as wide as the rows seen first need; what does not fit is shown by `enter`."""
    made = [Column("", 1)] if marked else []
    for at, column in enumerate(columns):
        cells = [row.cells[at] for row in rows if at < len(row.cells)]
        longest = max([cell_len(clean(column.label)), *(cell_len(clean(cell)) for cell in cells)])
        made.append(Column(clean(column.label), min(max(LEAST, longest), MOST), flex=1))
    return made


def data_cells(row: Row, columns: Sequence[ColumnView], *, marked: bool = False) -> list[Span]:
    """Return the cells of a row; in a difference its mark first, and changed cells warn."""
    tone = MARKS[row.mark]
    spans = [
        Span(
            row.cells[at] if at < len(row.cells) else "",
            Tone.WARN if column.key in row.before else tone if row.mark in "+-" else Tone.PLAIN,
        )
        for at, column in enumerate(columns)
    ]
    return [Span(row.mark, tone), *spans] if marked else spans


def row_lines(row: Row, columns: Sequence[ColumnView]) -> list[Line]:
    """Return a row whole, a column a line; what changed with what it said before."""
    width = max((cell_len(clean(column.label)) for column in columns), default=0) + 2
    lines = []
    for at, column in enumerate(columns):
        value = row.cells[at] if at < len(row.cells) else ""
        label = dim(clean(column.label).ljust(width))
        if column.key in row.before:
            was = Span(row.before[column.key] or "–", Tone.DIM)
            lines.append(line(label, was, dim(" → "), Span(value or "–", Tone.WARN)))
        else:
            lines.append(line(label, value or "–"))
    return lines


def row_explain(row: Row, columns: Sequence[ColumnView]) -> list[Line]:
    """Explain a row in two lines: what became of it, and all its values."""
    if row.before:
        labels = {column.key: column.label for column in columns}
        at = {column.key: index for index, column in enumerate(columns)}
        parts: list[str | Span] = []
        for name, was in row.before.items():
            value = row.cells[at[name]] if name in at else ""
            parts += [
                dim(f"{labels.get(name, name)}: "),
                was or "–",
                dim(" → "),
                Span(value or "–", Tone.WARN),
                "  ",
            ]
        return [line(*parts), line(key("enter"), dim(" shows the whole row"))]
    word = MARK_WORDS.get(row.mark, f"row {row.number + 1:,}")
    values = " · ".join(value for value in row.cells if value)
    return [line(Span(f"{word}  ", MARKS[row.mark]), values), line(key("enter"), dim(" shows the whole row"))]


def difference_rows(found: Difference) -> list[Row]:
    """Return what differs: removed, added, then changed rows as they are now."""
    rows: list[Row] = []
    for mark, cells_of in (("-", found.removed), ("+", found.added)):
        rows += [Row(len(rows) + index, cells, mark) for index, cells in enumerate(cells_of)]
    for change in found.changed:
        cells = [change.after.get(column.key, "") for column in found.columns]
        before = {
            column.key: change.before.get(column.key, "")
            for column in found.columns
            if change.before.get(column.key, "") != change.after.get(column.key, "")
        }
        rows.append(Row(len(rows), cells, "~", before))
    return rows


def difference_words(found: Difference) -> Line:
    """Return how many rows differ, and how many do not."""
    if found.before_run_id is None:
        return line(dim("There is no run before this one to compare it with."))
    shown = {"added": len(found.added), "removed": len(found.removed), "changed": len(found.changed)}
    parts: list[str | Span] = []
    for mark, word in MARK_WORDS.items():
        many = found.totals.get(word, shown[word])
        parts.append(Span(f"{mark}{many:,} {word}  ", MARKS[mark] if many else Tone.DIM))
    parts.append(dim(f"{found.unchanged:,} unchanged"))
    for mark, keys in (("+", found.columns_added), ("-", found.columns_removed)):
        parts += [Span(f"  {mark}column {each}", MARKS[mark]) for each in keys]
    if found.cut:
        parts.append(Span("  not all are shown", Tone.WARN))
    return line(*parts)


def proof_head(detail: InstanceView, name: str, run: Run | None, view: View) -> list[Line]:
    """Return the top of the window; for those who are no members, whom to ask."""
    proof = detail.proof
    if proof is None:
        return [
            line(
                Span(
                    f"✗ You are no member of the label or control that {name or 'this proof'} is filed under.",
                    Tone.WARN,
                )
            ),
            line(dim("All labels and controls, the one it is filed under first: ask one of its members.")),
        ]
    word = instance_word(proof)
    filed = f"{proof.label_name}" if proof.label_name else ""
    told = " · ".join(part for part in (proof.app_name, proof.dataset_name, filed) if part)
    checked = f"run {ago(proof.last_checked, view)} ago" if proof.last_checked else "not run yet"
    lines = [
        line(Span(f"{word.glyph} {word.text}", word.tone), strong(f"  {proof.name}"), dim(f" · {checked}")),
        line(dim(told), dim(" · running now" if proof.running else "")),
        *why_lines(proof),
    ]
    if run is not None:
        lines.append(line(Span(f"Shown: the run of {full(run.started_at, view)}", Tone.ACCENT)))
    return lines


def contents_words(contents: Contents | None, view: View) -> str:
    """Return how many rows were collected when, with the beginning of their hash."""
    if contents is None:
        return ""
    return f"{plural(contents.total, 'row')} · {full(contents.collected_at, view)} · {contents.content_hash[:12]}"


def proof_lines(proof: ProofSync, view: View) -> list[Line]:
    """Return everything about a proof sync."""
    word = instance_word(proof)
    lines = [
        fact("Name", proof.name, dim("" if proof.named else "  made from what it collects")),
        fact("Dataset", proof.dataset_name or proof.dataset, dim(f" · {proof.app_name}")),
    ]
    lines += [fact(f"  {name}"[:13], value) for name, value in proof.fields.items()]
    lines += [
        fact("Label", proof.label_name or "–"),
        fact("Integration", proof.integration_name),
        fact("Connection", proof.connection_name or "disconnected: O changes it", dim(f" · {proof.owner}")),
        fact("Every", format_span(proof.every_s) if proof.every_s else "–"),
        (),
        fact("Status", Span(f"{word.glyph} {word.text}", word.tone)),
        *_errors(proof),
        fact("Last checked", full(proof.last_checked, view)),
        fact("Last good", full(proof.last_succeeded, view)),
        fact("Next", full(proof.next_at, view)),
        fact("Rows", "–" if proof.rows is None else f"{proof.rows:,}"),
        fact("Content hash", proof.content_hash or "–"),
        fact("Proof sync", dim(proof.id)),
    ]
    return lines


def _errors(instance: Instance) -> list[Line]:
    lines = [fact("Error message", Span(instance.error, Tone.BAD))] if instance.error else []
    if instance.next_action:
        lines.append(fact("What to do", instance.next_action))
    return lines


def label_row_cells(label: dict[str, Any]) -> list[Span]:
    """Return the cells of a label or control in the list for those who are no members."""
    members = label.get("members") or []
    return [
        Span(str(label.get("name", ""))),
        Span(str(label.get("kind", "")), Tone.DIM),
        Span(", ".join(map(str, members)) or "–"),
    ]
