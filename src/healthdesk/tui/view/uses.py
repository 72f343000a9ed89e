"""What stops when a connection is disconnected, for the page that asks first."""

from __future__ import annotations

from healthdesk.api.connections import ConnectionUses
from healthdesk.tui.format import Line, Span, Tone, dim, line
from healthdesk.tui.view.words import connection_label, plural


def uses_lines(uses: ConnectionUses) -> list[Line]:
    """Return what it is, what is lost, what stops by name, and how each can be repaired."""
    own = connection_label(uses.app_name, uses.name, uses.account)
    label = f"{uses.app_name} · {own}" if own else uses.app_name
    lines = [
        line(label),
        (),
        line(Span("Its credentials are erased and cannot be brought back.", Tone.BAD)),
        line("Its callbacks are refused."),
    ]
    stops = [
        plural(count, noun)
        for count, noun in ((uses.tasks, "task"), (uses.proof_syncs, "proof sync"))
        if count
    ]
    if not stops and not uses.sentences and not uses.administers:
        return [*lines, line(dim("Nothing else uses it."))]
    lines.append(())
    if stops:
        lines.append(line("This stops: ", Span(" and ".join(stops), Tone.BAD)))
        lines += [line(dim("  "), name) for name in uses.samples]
        if (more := uses.tasks + uses.proof_syncs - len(uses.samples)) > 0 and uses.samples:
            lines.append(line(dim(f"  and {more:,} more")))
    if uses.templates:
        lines.append(line(dim("From the templates: "), ", ".join(uses.templates)))
    if uses.administers:
        lines.append(line(dim("Without an admin connection: "), ", ".join(uses.administers)))
    if uses.sentences:
        lines.append(())
        lines += [line(sentence) for sentence in uses.sentences]
    return lines
