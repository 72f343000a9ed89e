"""What is said before and after a resend."""

from __future__ import annotations

from healthdesk.api.records import Record, ResendPlan, Resent
from healthdesk.tui.format import Line, Span, Tone, dim, line
from healthdesk.tui.view.times import View, since
from healthdesk.tui.view.words import plural

MOST_GROUPS = 8


def plan_lines(plan: ResendPlan, described: str, view: View) -> list[Line]:
    """Return the confirmation of resend all: filter, age, groups with what failed, what is skipped."""
    lines = [line(f"Filter: {described}")]
    if plan.oldest is not None and plan.newest is not None:
        lines.append(
            line(dim(f"Arrived {since(plan.oldest, view)} – {since(plan.newest, view)} {view.zone}"))
        )
    lines.append(())
    for group in plan.groups[:MOST_GROUPS]:
        what = " ".join(part for part in (str(group.status or ""), group.error or group.error_kind) if part)
        told = (
            f"  ← problem still {group.problem_state}"
            if group.problem_state in ("open", "acknowledged")
            else ""
        )
        lines.append(line(f"{group.count:>7,}  {what or 'no error'}", Span(told, Tone.WARN)))
    if len(plan.groups) > MOST_GROUPS:
        rest = sum(group.count for group in plan.groups[MOST_GROUPS:])
        lines.append(line(f"{rest:>7,}  {plural(len(plan.groups) - MOST_GROUPS, 'other cause')}"))
    if plan.skipped_delivered:
        lines.append(line(dim(f"{plan.skipped_delivered:>7,}  already delivered (skipped)")))
    if plan.skipped_other:
        lines.append(line(dim(f"{plan.skipped_other:>7,}  on the way or held (skipped)")))
    lines += [(), line(dim("They are queued in one step and keep their webhook-id, so the endpoint"))]
    lines.append(line(dim("drops those it has seen.")))
    return lines


def delivered_question(record: Record) -> list[Line]:
    """Return what to weigh before a delivered record is sent again."""
    return [
        line(f"{record.source_name or record.source} · {record.environment.value} was delivered already."),
        (),
        line("Same webhook-id: an endpoint that checks it drops the repeat."),
        line("New webhook-id: the endpoint takes it as another record."),
    ]


def marked_question(count: int, delivered: int) -> list[Line]:
    """Return what is said before marked records are sent again."""
    lines = [line(f"{plural(count, 'record')} marked in the log.")]
    if delivered:
        lines.append(line(Span(f"{plural(delivered, 'record')} of them delivered already.", Tone.WARN)))
        lines.append(line("Same webhook-id: an endpoint that checks it drops the repeat."))
        lines.append(line("New webhook-id: the endpoint takes it as another record."))
    return lines


def resent_sentence(resent: Resent) -> str:
    """Return what a resend did."""
    told = f"{plural(resent.resent, 'record')} queued again"
    if resent.skipped:
        reason = next(iter(resent.skipped.values()))
        told += f"; {plural(len(resent.skipped), 'record')} skipped ({reason})"
    return told + "."
