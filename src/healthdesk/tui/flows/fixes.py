"""Fixing: asking for one change, and keeping a mapping that worked."""

from __future__ import annotations

import json
from collections.abc import Mapping
from functools import partial
from typing import TYPE_CHECKING

from healthdesk.api.delivery import MappingStep
from healthdesk.api.fixes import FixGiven
from healthdesk.api.jobs import Job
from healthdesk.api.records import Record
from healthdesk.client.mapping_text import value_of
from healthdesk.domain.job_states import JobItemState
from healthdesk.domain.states import MappingVerb, RecordState
from healthdesk.errors import HealthdeskError
from healthdesk.tui.flows.asking import ask_until_taken
from healthdesk.tui.screens.dialog import Question
from healthdesk.tui.screens.fields import Field, Values
from healthdesk.tui.screens.forms import Form
from healthdesk.tui.view.fixes import HEADER, Header, saving_question
from healthdesk.tui.view.words import plural

if TYPE_CHECKING:
    from healthdesk.tui.screens.base import DeskScreen

_WITH_VALUE = (MappingVerb.SET.value, MappingVerb.DEFAULT.value)
_STEPS = tuple(verb.value for verb in MappingVerb)
_KINDS = {
    MappingVerb.SET: "set a value",
    MappingVerb.DEFAULT: "default, where there is none",
    MappingVerb.RENAME: "rename",
    MappingVerb.FORMAT: "format",
    MappingVerb.REMOVE: "remove",
}
_PATH = r"Dotted: answers.0.score. A dot in a key is written \."
_VALUE = "JSON, or a text. {level}, {source}, {completed_at}, {id}, {webhook_id}, {sample} and {data.path} are filled in."
_NOTE = "It is kept with the fix and shown to everybody: no values of people."
_HOW = "text, number, integer, boolean, upper, lower, trim, date:%d.%m.%Y, join:;"


async def ask_change(
    screen: DeskScreen, before: MappingStep | Header | None = None
) -> MappingStep | Header | None:
    """Ask for one change: a step of the mapping, or a header."""
    given: Mapping[str, str] = {}
    if isinstance(before, MappingStep):
        value = (
            before.value if isinstance(before.value, str) else json.dumps(before.value, ensure_ascii=False)
        )
        given = {
            "do": before.do.value,
            "path": before.path,
            "to": before.to,
            "how": before.how,
            "value": value,
        }
    elif before is not None:
        given = {"do": HEADER, "name": before[0], "header": before[1]}
    kinds = (*((verb.value, word) for verb, word in _KINDS.items()), (HEADER, "header"))
    fields = [
        Field("do", "Change", options=kinds),
        Field("path", "Path", hint="risk_level", required=True, when=("do", _STEPS), help=lambda _: (_PATH,)),
        Field("value", "Value", hint="high", when=("do", _WITH_VALUE), help=lambda _: (_VALUE,)),
        Field("to", "New path", required=True, when=("do", (MappingVerb.RENAME.value,)), help=lambda _: (_PATH,)),
        Field("how", "Format", required=True, when=("do", (MappingVerb.FORMAT.value,)), help=lambda _: (_HOW,)),
        Field("name", "Header", hint="x-tenant", required=True, when=("do", (HEADER,))),
        Field("header", "Its value", when=("do", (HEADER,)), help=lambda _: ("No secrets: they are of the connection.",)),
    ]  # fmt: skip

    async def send(values: Values) -> MappingStep | Header:
        return change_of(values)

    form = partial(Form, "Change what is sent", fields, button="Take it", given=given)
    return await ask_until_taken(screen, form, send)


async def ask_note(screen: DeskScreen, before: str) -> str | None:
    """Ask for the note of a fix: it is kept with it, and stands on the timeline of its records. None when left."""
    field = Field("note", "Note", before, "why it is sent otherwise", help=lambda _: (_NOTE,))

    async def send(values: Values) -> str:
        return FixGiven(note=values["note"].strip()).note

    form = partial(Form, "Note of the fix", [field], button="Take it")
    return await ask_until_taken(screen, form, send)


def change_of(values: Values) -> MappingStep | Header:
    """Return the change that was entered. A value that is no JSON is a text."""
    if values["do"] == HEADER:
        return values["name"].strip(), values["header"].strip()
    verb = MappingVerb(values["do"])
    return MappingStep(
        do=verb,
        path=values["path"],
        to=values.get("to", ""),
        how=values.get("how", ""),
        value=value_of(values["value"]) if verb.value in _WITH_VALUE else None,
    )


async def save_job_mapping(screen: DeskScreen, job: Job) -> str:
    """Keep the mapping of a fix that a job delivered with, on the integration and environment of its records."""
    page = await screen.client.job_records(job.id, states=(JobItemState.DELIVERED,), limit=1)
    if not page.items:
        raise HealthdeskError("Nothing of the job was delivered", fix="Fix the rest first.")
    return await save_mapping(screen, await screen.client.record(page.items[0].record_id), job.fix_id)


async def save_mapping(screen: DeskScreen, record: Record, fix_id: str | None) -> str:
    """Keep the mapping of a fix that worked for a record, after a question."""
    fixes = await screen.client.record_fixes(record.id)
    fix = next((fix for fix in fixes if fix.id == fix_id), None)
    if fix is None or not (fix.mapping or fix.headers):
        raise HealthdeskError("The fix has no steps and no headers", fix="A body is of one record only.")
    return await offer_mapping(screen, record, fix.mapping, fix.headers)


async def offer_mapping(
    screen: DeskScreen, record: Record, steps: list[MappingStep], headers: Mapping[str, str]
) -> str:
    """Ask whether steps and headers that worked are kept, and keep them."""
    where = f"{record.integration_name or record.integration_id} · {record.environment.shown}"
    question = Question(
        "Save the mapping",
        saving_question(steps, headers, where),
        (("save", "Save it"),),
        leave="Not now",
        ascii_only=screen.ascii_only,
    )
    if await screen.ask(question) is None:
        return ""
    await screen.client.integration_mapping_save(record.integration_id, record.environment, steps, headers)
    counts = (("step", len(steps)), ("header", len(headers)))
    kept = " and ".join(plural(count, noun) for noun, count in counts if count)
    return f"Saved on {where}: {kept} for all records from now on."


def nothing_to_save(record: Record) -> str:
    """Return why no mapping of a record can be kept, or an empty string."""
    if record.fix_id is None:
        return "it was not fixed"
    return "" if record.state is RecordState.DELIVERED else "it was not delivered with the fix yet"
