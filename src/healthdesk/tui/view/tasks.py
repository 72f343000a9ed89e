"""Tasks: rows, the head of a task's window, and everything about it with its issue."""

from __future__ import annotations

from healthdesk.api.common import Explanation
from healthdesk.api.instances import Instance, Issue
from healthdesk.api.tasks import Task
from healthdesk.domain.durations import format_span
from healthdesk.domain.instance_states import LinkState
from healthdesk.tui.format import Line, Span, Tone, block, dim, key, line, strong
from healthdesk.tui.view.instance_words import UNLINKED, WORK, failed, instance_word
from healthdesk.tui.view.times import View, ago, full, since
from healthdesk.tui.view.words import Word, blame_word
from healthdesk.tui.widgets.columns import Column

LABEL = 16
NO_INTEGRATION = Word("·", "–", Tone.DIM)

TASK_COLUMNS = [
    Column("", 1),
    Column("Task", 20, flex=4),
    Column("Status", 11),
    Column("Due", 10),
    Column("Assignee", 8, flex=1),
    Column("Issue", 9, flex=1),
    Column("Integration", 15, flex=1),
    Column("Template", 12, flex=1, from_width=100),
    Column("Integration of", 14, flex=1, from_width=130),
]


def task_word(task: Task) -> Word:
    """Return how the integration of a task is shown; one that never had any is quiet."""
    return NO_INTEGRATION if task.instance is None else instance_word(task.instance)


def task_cells(task: Task, view: View) -> list[Span]:
    """Return the cells of a task."""
    word, work = task_word(task), WORK[task.status]
    instance = task.instance
    return [
        Span(word.glyph, word.tone),
        Span(task.name),
        Span(task.status_word or work.text, work.tone),
        due_span(task, view),
        Span(task.assignee or "–", Tone.DIM),
        Span((instance.external_key if instance else "") or "–", Tone.DIM),
        Span(word.text, word.tone if word.tone is not Tone.GOOD else Tone.DIM),
        Span(task.template_name or "–", Tone.DIM),
        Span((instance.integration_name if instance else "") or "–", Tone.DIM),
    ]


def due_span(task: Task, view: View) -> Span:
    """Return when it is due; what is overdue warns."""
    if not task.due:
        return Span("–", Tone.DIM)
    late = task.due < view.local(view.now).date().isoformat() and task.status.value != "done"
    return Span(task.due, Tone.WARN if late else Tone.PLAIN)


def refused_of(task: Task) -> dict[str, str]:
    """Return what the daemon refuses on a task and on what syncs it, by the words of both."""
    return (task.instance.refused if task.instance is not None else {}) | task.refused


def task_explain(task: Task, view: View) -> list[Line]:
    """Explain a task in two lines: how it is with its issue, and what helps."""
    instance = task.instance
    if instance is None:
        return [
            line(
                "It has no integration. ",
                key("enter"),
                dim(" opens it, "),
                key("L"),
                dim(" there chooses one."),
            ),
            line(
                dim(
                    f"Created by {task.created_by}, changed {since(task.updated_at, view)} by {task.updated_by}."
                )
            ),
        ]
    return verdict_lines(instance, view)


def task_head(task: Task, view: View) -> list[Line]:
    """Return the top of a task's window: what it is, then how it is with its issue."""
    work = WORK[task.status]
    facts = [f"due {task.due}" if task.due else "", task.assignee, task.template_name]
    told = "".join(f" · {fact}" for fact in facts if fact)
    lines = [
        line(
            Span(f"{work.glyph} {task.status_word or work.text}", work.tone),
            strong(f"  {task.name}"),
            dim(told),
        )
    ]
    if task.instance is None:
        return [
            *lines,
            line(dim("No integration. "), key("L"), dim(" chooses one: a new issue, or one that exists.")),
        ]
    return [*lines, *verdict_lines(task.instance, view)]


def verdict_lines(instance: Instance, view: View) -> list[Line]:
    """Return status, where the issue is and when it was checked; then why, and what helps."""
    word = instance_word(instance)
    where = " · ".join(part for part in (instance.app_name, instance.external_key) if part)
    checked = (
        f"checked {ago(instance.last_checked, view)} ago" if instance.last_checked else "not checked yet"
    )
    running = " · running now" if instance.running else ""
    first = line(Span(f"{word.glyph} {word.text}", word.tone), f"  {where}", dim(f" · {checked}{running}"))
    return [first, *why_lines(instance)]


def why_lines(instance: Instance) -> list[Line]:
    """Return why it is not well, and what helps; nothing where it is."""
    found = instance.explanation
    if found is None and not (failed(instance) or instance.blocked):
        if instance.link is LinkState.UNLINKED:
            return [
                line(key("i"), dim(" attaches an existing issue, "), key("I"), dim(" creates a new one."))
            ]
        return []
    sentence = found.sentence if found is not None else instance.error
    helps = (found.next_action if found is not None else "") or instance.next_action
    pressed = found.key if found is not None else ""
    lines = [line(Span(sentence, Tone.WARN if instance.blocked else Tone.BAD))] if sentence else []
    if helps or pressed:
        lines.append(line(dim("Next: "), key(f"{pressed} ") if pressed else "", helps))
    return lines


def fact(name: str, *parts: str | Span) -> Line:
    """Return a fact of a window: its name in a column of its own."""
    return line(dim(f"{name:<{LABEL}}"), *parts)


def task_lines(task: Task, view: View) -> list[Line]:
    """Return everything about a task: its fields, its integration and issue, its description."""
    work = WORK[task.status]
    lines = [
        fact("Name", task.name),
        fact("Status", Span(task.status_word or work.text, work.tone)),
        fact("Due date", due_span(task, view)),
        fact("Assignee", task.assignee or "–"),
    ]
    if task.template_id:
        lines.append(
            fact(
                "Template", task.template_name or task.template_id, dim("  "), key("enter"), dim(" opens it")
            )
        )
    lines += [(), line(strong("Integrations"))]
    if task.instance is None:
        lines.append(line(dim("  None. "), key("L"), dim(" chooses one: a new issue, or one that exists.")))
    else:
        lines += instance_facts(task.instance, task.issue, view)
    lines += [(), line(strong("Description"))]
    lines += [line(part) for part in block(task.description)] if task.description else [line(dim("–"))]
    lines += [
        (),
        fact("Created", f"{full(task.created_at, view)} by {task.created_by}"),
        fact("Changed", f"{full(task.updated_at, view)} by {task.updated_by}"),
        fact("Task", dim(task.id)),
    ]
    return lines


def instance_facts(instance: Instance, issue: Issue | None, view: View) -> list[Line]:
    """Return the issue of a task, how it is synced, and the whole error."""
    word = instance_word(instance)
    lines = [
        fact(
            "Integration",
            strong(instance.integration_name or instance.integration_id),
            dim(f" · {instance.app_name}"),
        )
    ]
    lines += issue_facts(instance, issue)
    lines.append(fact("Sync status", Span(f"{word.glyph} {word.text}", word.tone), _beside(instance)))
    if instance.error:
        lines += [fact("Error message", Span(part, Tone.BAD)) for part in block(instance.error)[:1]]
        lines += [fact("", Span(part, Tone.BAD)) for part in block(instance.error)[1:]]
        if instance.blame:
            lines.append(fact("At fault", blame_word(instance.blame)))
    if instance.next_action:
        lines.append(fact("What to do", instance.next_action))
    if instance.explanation is not None:
        lines += explained(instance.explanation, instance)
    lines += [
        fact("Last checked", full(instance.last_checked, view)),
        fact("Last good", full(instance.last_succeeded, view)),
        fact(
            "Next",
            full(instance.next_at, view),
            dim(f"  every {format_span(instance.every_s)}" if instance.every_s else ""),
        ),
        fact(
            "Connection",
            instance.connection_name or "disconnected: K reconnects it",
            dim(f" · {instance.owner}"),
        ),
    ]
    return lines


def issue_facts(instance: Instance, issue: Issue | None) -> list[Line]:
    """Return which issue it is, where, and how it was read last."""
    if not (instance.external_key or instance.external_url):
        return [fact("Issue", dim("none"))]
    was = instance.link in (LinkState.UNLINKED, LinkState.DELETED)
    note = {LinkState.UNLINKED: f" {UNLINKED.text.lower()}", LinkState.DELETED: " deleted there"}.get(
        instance.link or LinkState.LINKED, ""
    )
    lines = [
        fact(
            "Issue",
            Span(instance.external_key or "–", Tone.DIM if was else Tone.STRONG),
            Span(note, Tone.WARN),
        )
    ]
    if instance.external_url:
        lines.append(fact("URL", instance.external_url, dim("  "), key("o"), dim(" copies it")))
    if issue is not None:
        lines.append(
            fact(
                "Issue status", issue.status_name or issue.status or "–", dim(" (done)" if issue.done else "")
            )
        )
        if issue.title:
            lines.append(fact("Issue title", issue.title))
        if issue.assignee:
            lines.append(fact("Issue assignee", issue.assignee))
    return lines


def explained(found: Explanation, instance: Instance) -> list[Line]:
    """Return the explanation where it says more than the error does."""
    return [] if found.sentence in ("", instance.error) else [fact("Why", found.sentence)]


def _beside(instance: Instance) -> Span:
    return Span("  blocked by its connection", Tone.WARN) if instance.blocked else dim("")
