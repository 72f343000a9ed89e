"""Resending: one, the marked ones, all in the filter."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from typing import TYPE_CHECKING, Any

from healthdesk.api.fixes import FixGiven
from healthdesk.api.jobs import Job, JobPlan
from healthdesk.api.records import Record, RecordFilter
from healthdesk.api.resends import Resent
from healthdesk.domain.states import RecordState
from healthdesk.domain.undecided import may_have_arrived
from healthdesk.errors import ApiRefused
from healthdesk.tui.flows.asking import ask_until_taken
from healthdesk.tui.screens.dialog import Question
from healthdesk.tui.screens.fields import Field, Values
from healthdesk.tui.screens.forms import Form
from healthdesk.tui.view.record import short_id
from healthdesk.tui.view.resend import (
    asked_question,
    delivered_question,
    marked_question,
    plan_lines,
    resent_sentence,
)
from healthdesk.tui.view.words import plural

if TYPE_CHECKING:
    from healthdesk.tui.screens.base import DeskScreen

SAME, NEW = "same", "new"
SLOWER = "slower"
CONFLICT = 409
LOOK_UP = "look_up"
AT_ONCE = 500
_ALL = {"delivered_too": True, "asked_too": True}
ASKED_CHOICES = ((LOOK_UP, "Look up now"), (SAME, "Resend it all the same"))
ID_CHOICES = ((SAME, "Same webhook-id"), (NEW, "New webhook-id"))


def asks_before_resend(record: Record) -> bool:
    """Return whether a resend of the record asks something first, as far as is known here: its endpoint has it, or is
    asked whether it has it.
    """
    return record.state in (RecordState.DELIVERED, RecordState.AWAITING_RECEIPT, RecordState.UNKNOWN)


def resend_reason(state: RecordState) -> str:
    """Return why a record in this state is not resent, or an empty string."""
    match state:
        case RecordState.QUEUED | RecordState.SENDING:
            return "it is on its way"
        case RecordState.HELD:
            return "it is held, and sent when its integration runs again"
        case _:
            return ""


def look_up_reason(record: Record) -> str:
    """Return why the endpoint is not asked for a record, or an empty string."""
    if may_have_arrived(record.state, record.tried):
        return ""
    match record.state:
        case RecordState.SENDING:
            return "it is being sent; what became of it is told in a moment"
        case RecordState.DELIVERED:
            return "it is delivered"
        case _:
            return "it was not sent yet, so its endpoint cannot have it"


async def look_up(screen: DeskScreen, record: Record) -> str:
    """Ask the endpoint now whether it has a record."""
    found = await screen.client.record_look_up(record.id)
    return found.sentence


async def resend_one(screen: DeskScreen, record: Record) -> str:
    """Resend a record; what its endpoint has or is asked for only after a question."""
    how = await how_again(screen, record)
    if how is None:
        return ""
    return resent_sentence(await screen.client.record_resend(record.id, **how))


async def how_again(screen: DeskScreen, record: Record) -> dict[str, Any] | None:
    """Return how a record is sent again, None for not at all.

    The daemon says what it is now: on the screen it may still have failed when its endpoint took it a second ago.
    """
    now = await _resent(screen, [record.id], dry_run=True, **_ALL)
    how: dict[str, Any] = dict.fromkeys(("new_webhook_id", *_ALL), False)
    if now.delivered:
        title, lines, choices = "Resend a delivered record", delivered_question(record), ID_CHOICES
    elif now.asked:
        title, lines, choices = "Resend before it is looked up", asked_question(record), ASKED_CHOICES
    else:
        return how
    answer = await screen.ask(Question(title, lines, choices, ascii_only=screen.ascii_only))
    if answer == LOOK_UP:
        screen.desk.tell(await look_up(screen, record))
    if answer in (None, LOOK_UP):
        return None
    return how | {
        "new_webhook_id": answer == NEW,
        "delivered_too": bool(now.delivered),
        "asked_too": bool(now.asked),
    }


async def resend_marked(screen: DeskScreen, ids: Sequence[str]) -> str:
    """Resend the marked records after a confirmation; what their endpoint is asked for is left out."""
    now = await _resent(screen, ids, dry_run=True, **_ALL)
    choices: Sequence[tuple[str, str]] = ((SAME, f"Resend {len(ids) - now.asked:,}"),)
    if now.delivered:
        choices = ID_CHOICES
    title = f"Resend {plural(len(ids), 'marked record')}"
    lines = marked_question(len(ids), now)
    answer = await screen.ask(Question(title, lines, choices, ascii_only=screen.ascii_only))
    if answer is None:
        return ""
    wanted = {"new_webhook_id": answer == NEW, "delivered_too": bool(now.delivered)}
    return resent_sentence(await _resent(screen, ids, **wanted))


async def _resent(screen: DeskScreen, ids: Sequence[str], **how: bool) -> Resent:
    """Return what became of records, or would; as many at once as the daemon takes."""
    total = Resent(resent=0)
    for start in range(0, len(ids), AT_ONCE):
        part = await screen.client.records_resend(ids[start : start + AT_ONCE], **how)
        total = Resent(
            resent=total.resent + part.resent,
            skipped={**total.skipped, **part.skipped},
            delivered=total.delivered + part.delivered,
            asked=total.asked + part.asked,
        )
    return total


async def resend_all(screen: DeskScreen, chosen: RecordFilter, described: str) -> str:
    """Resend every record of the filter as a job, after a confirmation."""
    job = await begin_job(screen, chosen, described)
    return begun_sentence(job) if job is not None else ""


def begun_sentence(job: Job) -> str:
    """Return what is told of a job that was just begun."""
    return f"{short_id(job.id)} begun: {plural(job.total, 'record')}, the first one first."


async def begin_job(
    screen: DeskScreen, chosen: RecordFilter, described: str, *, fix: FixGiven | None = None
) -> Job | None:
    """Begin a job over every record of the filter, after a confirmation that states what it does.

    Records that arrive while the question is read are not in it. When those in it change to more than a few more of
    what was shown, it is asked again.
    """
    chosen = chosen.model_copy(update={"arrived_to": chosen.arrived_to or screen.view().now})
    rate: float | None = None
    confirmed: JobPlan | None = None
    while True:
        try:
            plan = await screen.client.job_plan(chosen, rate_per_s=rate, fix=fix)
            if confirmed is not None and plan.total and not plan.goes_beyond(confirmed):
                return await screen.client.job_create(chosen, expect=plan.total, rate_per_s=rate, fix=fix)
            if confirmed is not None:
                told = "What the filter matches has changed meanwhile. This is the new plan."
                screen.desk.tell(told, ok=False)
            confirmed = None
            answer = await _ask_plan(screen, plan, described)
            if answer == SLOWER:
                rate = await _ask_rate(screen, plan) or rate
                continue
            if answer is None:
                return None
            confirmed = plan
            return await screen.client.job_create(chosen, expect=plan.total, rate_per_s=rate, fix=fix)
        except ApiRefused as error:
            if error.status != CONFLICT:
                raise


async def _ask_plan(screen: DeskScreen, plan: JobPlan, described: str) -> str | None:
    if plan.total == 0:
        screen.desk.tell("Nothing in this filter can be resent.", ok=False)
        return None
    title = f"Resend {plural(plan.total, 'record')}"
    choices = (("resend", f"Resend {plan.total:,}"), (SLOWER, "At a rate…"))
    lines = plan_lines(plan, described, screen.view())
    answer: str | None = await screen.ask(Question(title, lines, choices, ascii_only=screen.ascii_only))
    return answer


async def _ask_rate(screen: DeskScreen, plan: JobPlan) -> float | None:
    """Ask how many records a second at most; None when that was left."""
    most = f" The endpoint takes {plan.rate_per_s:g} a second." if plan.rate_per_s else ""
    field = Field(
        "rate", "Records a second", hint="such as 5", required=True, help=lambda _: (f"At most.{most}",)
    )

    def check(values: Values) -> dict[str, str]:
        try:
            return {} if float(values["rate"]) > 0 else {"rate": "is more than 0"}
        except ValueError:
            return {"rate": "is a number"} if values["rate"].strip() else {}

    async def send(values: Values) -> float:
        return float(values["rate"])

    return await ask_until_taken(
        screen, partial(Form, "Resend at a rate", [field], button="Plan", check=check), send
    )
