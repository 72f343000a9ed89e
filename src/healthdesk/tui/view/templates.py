"""Repeating tasks: rows, and everything about one."""

from __future__ import annotations

from healthdesk.api.tasks import Template
from healthdesk.tui.format import Line, Span, Tone, block, dim, key, line, strong
from healthdesk.tui.view.tasks import fact
from healthdesk.tui.view.times import View, full, since, stamp
from healthdesk.tui.view.words import plural
from healthdesk.tui.widgets.columns import Column

BY_HAND = "by hand only"


def template_columns(view: View) -> list[Column]:
    """Return the columns of templates; the time column names the zone."""
    return [
        Column("", 1),
        Column("Template", 18, flex=3),
        Column("Repeats", 14, flex=2),
        Column(f"Next {view.zone}"[:12], 12),
        Column("Tasks", 5, right=True),
        Column("Integration", 12, flex=1),
        Column("Owner", 8, flex=1, from_width=90),
    ]


def template_glyph(template: Template) -> Span:
    """Return whether its last task could be created."""
    if template.error:
        return Span("✗", Tone.BAD)
    return Span("◷", Tone.GOOD) if template.schedule is not None else Span("○", Tone.DIM)


def template_cells(template: Template, view: View) -> list[Span]:
    """Return the cells of a template."""
    return [
        template_glyph(template),
        Span(template.name),
        Span(template.schedule_word or BY_HAND, Tone.DIM),
        Span(stamp(template.next_at, view)),
        Span(f"{template.tasks:,}"),
        Span(template.integration_name or "–", Tone.DIM),
        Span(template.owner, Tone.DIM),
    ]


def template_explain(template: Template, view: View) -> list[Line]:
    """Explain a template in two lines."""
    if template.error:
        return [
            line(Span(template.error, Tone.BAD)),
            line(dim("Next: "), key("e"), dim(" edits it, "), key("I"), dim(" creates a task now")),
        ]
    last = f"last {since(template.last_at, view)}" if template.last_at else "none yet"
    return [
        line(f"{plural(template.tasks, 'task')} made from it, {last}."),
        line(dim("Each is called "), template.task.name),
    ]


def template_head(template: Template, view: View) -> list[Line]:
    """Return the top of a template's window."""
    glyph = template_glyph(template)
    when = f"next {full(template.next_at, view)}" if template.next_at else "next by hand"
    lines = [
        line(glyph, strong(f" {template.name}"), dim(f"  {template.schedule_word or BY_HAND}")),
        line(when, dim(f" · last {full(template.last_at, view)}" if template.last_at else " · none yet")),
    ]
    if template.error:
        lines.append(line(Span(f"The last task could not be created: {template.error}", Tone.BAD)))
    return lines


def template_lines(template: Template, view: View) -> list[Line]:
    """Return everything about a template."""
    task = template.task
    lines = [
        fact("Schedule", template.schedule_word or BY_HAND),
        fact("Next", full(template.next_at, view)),
        fact("Last", full(template.last_at, view)),
        fact("Integration", template.integration_name or "–"),
        fact("Owner", template.owner),
        (),
        line(strong("Each task")),
        fact("Name", task.name),
        fact(
            "Due",
            "–" if task.due_in_days is None else f"{plural(task.due_in_days, 'day')} after it is created",
        ),
        fact("Assignee", task.assignee or "–"),
    ]
    lines += [fact(name[:13], str(value)) for name, value in task.fields.items()]
    lines.append(fact("Description", "" if task.description else "–"))
    lines += [line(f"  {part}") for part in block(task.description)] if task.description else []
    return [
        *lines,
        (),
        fact("Created", f"{full(template.created_at, view)} by {template.created_by}"),
        fact("Template", dim(template.id)),
    ]
