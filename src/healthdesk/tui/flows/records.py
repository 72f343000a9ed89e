"""Resending: one, the marked ones, all in the filter."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from healthdesk.api.records import Record, RecordFilter, Resent
from healthdesk.domain.states import RecordState
from healthdesk.errors import ApiRefused
from healthdesk.tui.screens.dialog import Question
from healthdesk.tui.view.resend import delivered_question, marked_question, plan_lines, resent_sentence
from healthdesk.tui.view.words import plural

if TYPE_CHECKING:
    from healthdesk.tui.screens.base import DeskScreen

SAME, NEW = "same", "new"
CONFLICT = 409
ID_CHOICES = ((SAME, "Same webhook-id"), (NEW, "New webhook-id"))


def asks_before_resend(record: Record) -> bool:
    """Return whether a resend of the record asks something first: its endpoint has it already."""
    return record.state in (RecordState.DELIVERED, RecordState.AWAITING_RECEIPT)


async def resend_one(screen: DeskScreen, record: Record) -> str:
    """Resend a record; one that was delivered only after asking which webhook-id it gets."""
    new_id = False
    if asks_before_resend(record):
        question = Question(
            "Resend a delivered record", delivered_question(record), ID_CHOICES, ascii_only=screen.ascii_only
        )
        answer = await screen.ask(question)
        if answer is None:
            return ""
        new_id = answer == NEW
    return resent_sentence(await screen.client.record_resend(record.id, new_webhook_id=new_id))


async def resend_marked(screen: DeskScreen, ids: Sequence[str], delivered: int) -> str:
    """Resend the marked records after a confirmation."""
    choices: Sequence[tuple[str, str]] = ((SAME, f"Resend {len(ids):,}"),)
    if delivered:
        choices = ID_CHOICES
    title = f"Resend {plural(len(ids), 'marked record')}"
    question = Question(title, marked_question(len(ids), delivered), choices, ascii_only=screen.ascii_only)
    answer = await screen.ask(question)
    if answer is None:
        return ""
    total = Resent(resent=0)
    for start in range(0, len(ids), 500):
        part = await screen.client.records_resend(ids[start : start + 500], new_webhook_id=answer == NEW)
        total = Resent(resent=total.resent + part.resent, skipped={**total.skipped, **part.skipped})
    return resent_sentence(total)


async def resend_all(screen: DeskScreen, chosen: RecordFilter, described: str) -> str:
    """Resend every record of the filter, after a confirmation that states count, groups and filter.

    Records that arrive while the question is read are not in it. When those in it change, it is asked again.
    """
    chosen = chosen.model_copy(update={"arrived_to": chosen.arrived_to or screen.view().now})
    while True:
        try:
            return await _resend_planned(screen, chosen, described)
        except ApiRefused as error:
            if error.status != CONFLICT:
                raise
            screen.desk.tell("What the filter matches has changed meanwhile. This is the new plan.", ok=False)


async def _resend_planned(screen: DeskScreen, chosen: RecordFilter, described: str) -> str:
    plan = await screen.client.records_resend_plan(chosen)
    if plan.total == 0:
        screen.desk.tell("Nothing in this filter can be resent.", ok=False)
        return ""
    title = f"Resend {plural(plan.total, 'record')}"
    choices = (("resend", f"Resend {plan.total:,}"),)
    lines = plan_lines(plan, described, screen.view())
    answer = await screen.ask(Question(title, lines, choices, ascii_only=screen.ascii_only))
    if answer is None:
        return ""
    return resent_sentence(await screen.client.records_resend_all(chosen, expect=plan.total))
