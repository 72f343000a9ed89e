"""What is said before and after a resend."""

from __future__ import annotations

from healthdesk.api.jobs import JobPlan
from healthdesk.api.records import Record
from healthdesk.api.resends import Resent
from healthdesk.domain.states import RecordState
from healthdesk.tui.format import Line, Span, Tone, dim, line
from healthdesk.tui.view.times import View, since, span
from healthdesk.tui.view.words import plural

MOST_GROUPS = 8
MOST_PLACES = 2


def plan_lines(plan: JobPlan, described: str, view: View) -> list[Line]:
    """Return the confirmation of resend all: where, how old, why they failed, what is skipped, how it goes on."""
    places = plan.environments[:MOST_PLACES]
    if len(plan.environments) > MOST_PLACES:
        places.append(f"{plural(len(plan.environments) - MOST_PLACES, 'other')}")
    age = ""
    if plan.oldest is not None and plan.newest is not None:
        age = f" · arrived {since(plan.oldest, view)} – {since(plan.newest, view)} {view.zone}"
    lines = [line(f"{', '.join(places)}{age}".removeprefix(" · ")), line(dim(f"Filter: {described}")), ()]
    lines += _group_lines(plan)
    if len(plan.sources) > 1:
        named = [f"{source} {count:,}" for source, count in plan.sources.items()]
        lines.append(line(dim(f"of {', '.join(named)}")))
    lines += [(), line(how_it_goes(plan))]
    lines.append(line(dim("It stops by itself if the same failure comes back. They keep their webhook-id.")))
    return lines


def _group_lines(plan: JobPlan) -> list[Line]:
    lines: list[Line] = []
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
    lines.append(line(dim(f"{plan.skipped_delivered:>7,}  already delivered (skipped)")))
    if plan.skipped_other:
        lines.append(line(dim(f"{plan.skipped_other:>7,}  on the way or held (skipped)")))
    if plan.fixed:
        lines.append(line(f"{plan.fixed:>7,}  changed by the fix"))
    return lines


def how_it_goes(plan: JobPlan) -> str:
    """Return `First 1, then 5, then the rest at 20/s: about 7 s.`"""
    pace = f" at {plan.rate_per_s:g}/s" if plan.rate_per_s else ""
    lasts = f": about {span(max(1.0, plan.seconds))}" if plan.seconds else ""
    return f"First 1, then 5, then the rest{pace}{lasts}."


def delivered_question(record: Record) -> list[Line]:
    """Return what to weigh before a record that its endpoint took is sent again."""
    became = "was taken by its endpoint, which" if record.state is RecordState.AWAITING_RECEIPT else ""
    became = f"{became} has not confirmed it yet." if became else "was delivered already."
    return [
        line(f"{record.source_name or record.source} · {record.environment.shown} {became}"),
        (),
        line("Same webhook-id: an endpoint that checks it drops the repeat."),
        line("New webhook-id: the endpoint takes it as another record."),
    ]


def asked_question(record: Record) -> list[Line]:
    """Return what to weigh before a record whose endpoint is asked for it is sent again."""
    return [
        line(f"{record.source_name or record.source} · {record.environment.shown} may have arrived."),
        line("Its endpoint is asked whether it has it, and it is sent again by itself where it has not."),
        (),
        line("Sent before that is answered, it may arrive twice."),
    ]


def marked_question(count: int, now: Resent) -> list[Line]:
    """Return what is said before marked records are sent again. `now` is what the daemon counts of them."""
    lines = [line(f"{plural(count, 'record')} marked in the log.")]
    if now.asked:
        said = f"{plural(now.asked, 'record')} of them left out: the endpoint is asked whether it has them."
        lines.append(line(said))
    if now.delivered:
        lines.append(line(Span(f"{plural(now.delivered, 'record')} of them delivered already.", Tone.WARN)))
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
