"""Labels and controls: rows, and the head of one."""

from __future__ import annotations

from healthdesk.api.labels import Label
from healthdesk.domain.instance_states import LabelKind
from healthdesk.tui.format import Line, Span, Tone, block, dim, key, line, strong
from healthdesk.tui.view.tasks import fact
from healthdesk.tui.view.times import View, full
from healthdesk.tui.view.words import plural
from healthdesk.tui.widgets.columns import Column

LABEL_COLUMNS = [
    Column("Label or control", 20, flex=3),
    Column("Kind", 8),
    Column("Proof syncs", 11, right=True),
    Column("Members", 20, flex=3),
]
KINDS = tuple((kind.value, kind.value) for kind in LabelKind)


def label_cells(label: Label) -> list[Span]:
    """Return the cells of a label or control."""
    return [
        Span(label.name),
        Span(label.kind.value, Tone.DIM),
        Span(f"{label.proof_syncs:,}"),
        Span(", ".join(label.members) or "nobody", Tone.PLAIN if label.members else Tone.WARN),
    ]


def label_explain(label: Label) -> list[Line]:
    """Explain a label or control in two lines."""
    return [
        line(
            label.description.partition("\n")[0]
            or f"{plural(label.proof_syncs, 'proof sync')} filed under it."
        ),
        line(dim("Members see what was collected; "), key("e"), dim(" adds and removes them")),
    ]


def label_head(label: Label, you: str) -> list[Line]:
    """Return the top of a label's window."""
    lines = [
        line(strong(label.name), dim(f"  {label.kind.value} · {plural(label.proof_syncs, 'proof sync')}")),
        line(dim("Members: "), ", ".join(label.members) or "nobody"),
    ]
    if you and you not in label.members:
        lines.append(
            line(Span("You are no member: you see which proof there is, not what was collected.", Tone.WARN))
        )
    return lines


def label_lines(label: Label, view: View) -> list[Line]:
    """Return everything about a label or control."""
    return [
        fact("Name", label.name),
        fact("Kind", label.kind.value),
        fact("Members", ", ".join(label.members) or "nobody"),
        fact("Proof syncs", f"{label.proof_syncs:,}"),
        fact("Created", f"{full(label.created_at, view)} by {label.created_by}"),
        fact("Label", dim(label.id)),
        (),
        *(line(part) for part in block(label.description)),
    ]
