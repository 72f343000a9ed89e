"""What stops when a connection is disconnected, for the page that asks first."""

from __future__ import annotations

from healthdesk.api.people import ConnectionUses
from healthdesk.tui.format import Line, Span, Tone, dim, line
from healthdesk.tui.view.words import connection_label


def uses_lines(uses: ConnectionUses) -> list[Line]:
    """Return what it is, what is lost and how that can be repaired, as the daemon says, and what stops by name."""
    own = connection_label(uses.app_name, uses.name, uses.account)
    lines = [line(f"{uses.app_name} · {own}" if own else uses.app_name), ()]
    for number, sentence in enumerate(uses.sentences):
        lines.append(line(Span(sentence, Tone.PLAIN if number else Tone.BAD)))
    if not (uses.tasks or uses.proof_syncs or uses.administers or uses.templates):
        return [*lines, line(dim("Nothing else uses it."))]
    if uses.samples:
        more = uses.tasks + uses.proof_syncs - len(uses.samples)
        rest = f" and {more:,} more" if more > 0 else ""
        lines += [(), line(dim("Stops: "), ", ".join(uses.samples), rest)]
    return lines
