"""A fix in words: its changes as rows, the difference it makes, and what is said before it is sent."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from healthdesk.api.delivery import MappingStep
from healthdesk.api.fixes import FixGiven, FixPreview
from healthdesk.api.problems import ProblemRow
from healthdesk.api.records import RecordDetail
from healthdesk.domain.states import MappingVerb
from healthdesk.tui.format import Line, Span, Tone, dim, key, line, strong
from healthdesk.tui.view.words import RECORD, plural
from healthdesk.tui.widgets.columns import Column

BODY, HEADER = "body", "header"
Header = tuple[str, str]
"""Name and value."""
COLUMNS = [
    Column("#", 3, right=True),
    Column("Change", 9),
    Column("Where", 16, flex=2),
    Column("What", 20, flex=4),
]
_TONES = {"~": Tone.ACCENT, "+": Tone.GOOD, "-": Tone.BAD, "@": Tone.DIM}
_TO = {MappingVerb.RENAME: "→ {to}", MappingVerb.FORMAT: "as {how}", MappingVerb.REMOVE: ""}


@dataclass(frozen=True, slots=True)
class Change:
    """One row of a fix: a step of the mapping, a header, or the whole body. `number` counts from one."""

    number: int
    kind: str
    path: str
    told: str

    @property
    def id(self) -> str:
        """What the row is known by."""
        return f"{self.kind}/{self.number}"

    @property
    def is_step(self) -> bool:
        """Whether it is a step of the mapping: these have an order."""
        return self.kind not in (BODY, HEADER)


def changes_of(fix: FixGiven) -> list[Change]:
    """Return the rows of a fix: body, steps in their order, headers."""
    body = (
        [(BODY, "", f"replaced, {plural(len(fix.body.splitlines()), 'line')}")]
        if fix.body is not None
        else []
    )
    steps = [(step.do.value, step.path, step_told(step)) for step in fix.mapping]
    headers = [(HEADER, name, value) for name, value in fix.headers.items()]
    return [Change(number, *row) for number, row in enumerate([*body, *steps, *headers], start=1)]


def given(fix: FixGiven, change: Change) -> MappingStep | Header:
    """Return what a row of a fix was made of, to be edited."""
    if change.kind == HEADER:
        return change.path, fix.headers[change.path]
    return fix.mapping[_step_of(fix, change)]


def without(fix: FixGiven, change: Change) -> FixGiven:
    """Return a fix without one of its rows."""
    if change.kind == BODY:
        return fix.model_copy(update={"body": None, "version": ""})
    if change.kind == HEADER:
        kept = {name: value for name, value in fix.headers.items() if name != change.path}
        return fix.model_copy(update={"headers": kept})
    at = _step_of(fix, change)
    return fix.model_copy(update={"mapping": [*fix.mapping[:at], *fix.mapping[at + 1 :]]})


def with_change(fix: FixGiven, made: MappingStep | Header, before: Change | None) -> FixGiven:
    """Return a fix with another row, or with one in the place of `before`."""
    at = len(fix.mapping)
    if before is not None:
        at = _step_of(fix, before) if before.kind != HEADER else at
        fix = without(fix, before)
    if not isinstance(made, MappingStep):
        return fix.model_copy(update={"headers": {**fix.headers, made[0]: made[1]}})
    return fix.model_copy(update={"mapping": [*fix.mapping[:at], made, *fix.mapping[at:]]})


def moved(fix: FixGiven, change: Change, by: int) -> FixGiven | None:
    """Return a fix with a step carried out one earlier (-1) or later (1), or None where it cannot be."""
    at = _step_of(fix, change)
    if not change.is_step or not 0 <= at + by < len(fix.mapping):
        return None
    steps = list(fix.mapping)
    steps[at], steps[at + by] = steps[at + by], steps[at]
    return fix.model_copy(update={"mapping": steps})


def _step_of(fix: FixGiven, change: Change) -> int:
    return change.number - 1 - (1 if fix.body is not None else 0)


def step_told(step: MappingStep) -> str:
    """Return what a step makes of its path: `= "high"`, `→ risk.level`, `as number`."""
    if step.do in _TO:
        return _TO[step.do].format(to=step.to, how=step.how)
    return f"= {json.dumps(step.value, ensure_ascii=False)}"


def step_words(step: MappingStep) -> str:
    """Return a step in one line."""
    return f"{step.do.value} {step.path} {step_told(step)}".rstrip()


def change_cells(change: Change) -> list[Span]:
    """Return the cells of a change."""
    return [dim(str(change.number)), Span(change.kind, Tone.ACCENT), Span(change.path), Span(change.told)]


def difference_lines(preview: FixPreview, fix: FixGiven) -> list[Line]:
    """Return what a fix changes: warnings, the headers it gives, the difference of the bodies."""
    lines = [line(Span(f"⚠ {warning}", Tone.WARN)) for warning in preview.warnings]
    if preview.masked:
        lines.append(line(dim("Values are masked; "), key("v"), dim(" reveals them.")))
    if not preview.changed:
        lines.append(line(Span("It changes nothing of what is sent.", Tone.WARN)))
    lines += [line(Span(f"+ {name}: {value}", Tone.GOOD)) for name, value in fix.headers.items()]
    lines += [line(Span(text, _TONES.get(text[:1], Tone.PLAIN))) for text in preview.difference]
    return lines


def how_many(preview: FixPreview) -> str:
    """Return of how many records of a problem a fix changes what is sent."""
    if preview.total <= 1 and preview.tried <= 1:
        return ""
    if preview.tried >= preview.total:
        return f"It changes {preview.changes:,} of {plural(preview.total, 'record')}."
    return f"It changes {preview.changes:,} of the {preview.tried:,} that were tried; it is for {plural(preview.total, 'record')}."


def fixing_head(
    record: RecordDetail,
    preview: FixPreview | None,
    problem: ProblemRow | None,
    *,
    sent: bool,
    note: str = "",
) -> list[Line]:
    """Return what is fixed, how far it is, and the note that is kept with it."""
    if problem is not None:
        lines = [line(Span(f"✗ {problem.cause}", Tone.BAD), dim(f"  {problem.place}, all of the problem"))]
    else:
        word = RECORD[record.state]
        lines = [line(Span(f"{word.glyph} {word.text}", word.tone), f"  {record.error}")]
    if sent:
        lines.append(line(Span("Sent with the fix; waiting for the answer.", Tone.ACCENT)))
    elif preview is not None:
        lines.append(line(how_many(preview) or "The difference stands below.", dim("  Nothing is sent yet.")))
    elif record.likely is not None:
        lines.append(line(dim("Likely: "), record.likely.sentence))
    if note:
        lines.append(line(dim("Note: "), note))
    return lines


def nothing_yet_lines(*, one: bool) -> list[Line]:
    """Return what can be done while nothing is changed yet."""
    lines = [line(dim("Nothing is changed yet. "), key("n"), " adds a step or a header")]
    if one:
        lines.append(line(dim("  "), key("b"), " edits the whole body of this one record"))
    return lines


def saving_question(steps: Sequence[MappingStep], headers: Mapping[str, str], where: str) -> list[Line]:
    """Return what is said before steps and headers that worked are kept."""
    told = ["The steps go before those that are there."] if steps else []
    told += ["A header takes the place of one of its name."] if headers else []
    return [
        line("It worked. Shall all records from now on be sent so?"),
        line(dim(where)),
        (),
        *(line(strong("  "), step_words(step)) for step in steps),
        *(line(strong("  "), f"header {name}: {value}") for name, value in headers.items()),
        (),
        line(dim(" ".join([*told, "What was posted is kept as it is."]))),
    ]


def json_told(text: str) -> tuple[bool, str]:
    """Return whether a text is JSON, and where it is not."""
    try:
        json.loads(text)
    except json.JSONDecodeError as error:
        return False, f"line {error.lineno}, column {error.colno}: {error.msg}"
    except RecursionError:
        return False, "it is nested too deeply"
    return True, "JSON"
