"""The log's filter as chips: what can be chosen or typed, what it asks of the daemon, and how it is said in words."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from datetime import datetime
from enum import StrEnum
from typing import TypeVar

from healthdesk.api.records import RecordFilter
from healthdesk.api.sources import Source
from healthdesk.domain.states import Environment, ErrorKind, HoldReason, RecordState
from healthdesk.tui.view.filters import CUSTOM, DAYS, range_word, when_range
from healthdesk.tui.view.times import View
from healthdesk.tui.widgets.filter_bar import ANY, Chip

STATES: dict[str, tuple[str, list[RecordState]]] = {
    ANY: ("any", []),
    "failed": ("failed", [RecordState.FAILED]),
    "retrying": ("retrying", [RecordState.RETRYING]),
    "unknown": ("unknown", [RecordState.UNKNOWN]),
    "held": ("held", [RecordState.HELD]),
    "trouble": (
        "in trouble",
        [RecordState.FAILED, RecordState.RETRYING, RecordState.UNKNOWN, RecordState.HELD],
    ),
    "waiting": ("on the way", [RecordState.QUEUED, RecordState.SENDING]),
    "awaiting": ("awaiting receipt", [RecordState.AWAITING_RECEIPT]),
    "delivered": ("delivered", [RecordState.DELIVERED]),
}

DATES = {
    "when": ("arrived_from", "arrived_to", "arrived"),
    "completed": ("completed_from", "completed_to", "were completed"),
    "first": ("first_attempt_from", "first_attempt_to", "were first tried"),
    "last": ("last_attempt_from", "last_attempt_to", "were last tried"),
}
"""Date chips: the two ends they set in the filter, and what it is called when days are asked for."""

NOT_KEPT = frozenset({"problem", "job", "lookup"})
"""Chips that are not kept for the operator: what they name will be gone, or is the value of a person."""

STATUSES = (400, 401, 403, 404, 409, 413, 422, 429, 500, 502, 503, 504)
"""HTTP statuses that the chip steps through; any other is typed."""
OF_RECORDS = tuple(
    kind for kind in ErrorKind
    if kind not in (ErrorKind.LATE, ErrorKind.EXPIRING, ErrorKind.DRIFT, ErrorKind.FLAPPING, ErrorKind.OFFLINE)
    and kind.value != "silent"
)  # fmt: skip
"""Error kinds that a record can have."""
LONGEST_TEXT = 200
BETWEEN_LEVELS = " | "
_LISTED = re.compile(r"[,;\s]+")
_PAIR = re.compile(r"\s*([^=;]+?)\s*=\s*([^;]+?)\s*(?:;|$)")

Word = TypeVar("Word", bound=StrEnum)


def log_chips() -> list[Chip]:
    """Return the chips of the log; all but the first four are quiet."""
    days = (*((value, word) for value, (word, _) in DAYS.items()), (CUSTOM, "dates…"))
    statuses = ((ANY, "any"), *((str(status), str(status)) for status in STATUSES))
    return [
        Chip("source", "Source", ((ANY, "all"),)),
        Chip("state", "Status", tuple((value, word) for value, (word, _) in STATES.items())),
        Chip("environment", "Env", ((ANY, "any"), *((item.value, item.shown) for item in Environment))),
        Chip("when", "", days),
        Chip("level", "Level", ((ANY, "any"),), quiet=True),
        Chip("http", "HTTP", statuses, quiet=True, typed=True),
        Chip("kind", "Error", _options(OF_RECORDS), quiet=True),
        Chip("text", "Text", ((ANY, "any"),), quiet=True, typed=True, hint="in errors and ids"),
        Chip("lookup", "Lookup", ((ANY, "any"),), quiet=True, typed=True, hint="field = value"),
        Chip("completed", "Completed", days, quiet=True),
        Chip("first", "First attempt", days, quiet=True),
        Chip("last", "Last attempt", days, quiet=True),
        Chip("sample", "Real or sample", ((ANY, "both"), ("no", "real"), ("yes", "samples")), quiet=True),
        Chip("hold", "Held for", _options(HoldReason), quiet=True),
        Chip("integration", "To", ((ANY, "all"),), quiet=True),
        Chip("problem", "Problem", ((ANY, "any"),), quiet=True),
        Chip("job", "Job", ((ANY, "any"),), quiet=True),
    ]  # fmt: skip


def _options(words: Iterable[StrEnum]) -> tuple[tuple[str, str], ...]:
    return ((ANY, "any"), *((word.value, word.value.replace("_", " ")) for word in words))


def source_choices(sources: Sequence[Source], chosen: str) -> dict[str, list[tuple[str, str]]]:
    """Return what the chips of sources, levels and lookup fields can be, by chip; of the chosen source, if one is."""
    meant = [source for source in sources if chosen in (ANY, source.key)]
    levels = dict.fromkeys(level for source in meant for level in source.levels)
    fields = dict.fromkeys(field.name for source in meant for field in source.fields if field.lookup)
    return {
        "source": [(ANY, "all"), *((source.key, source.name) for source in sources)],
        "level": [(ANY, "any"), *((level, level) for level in levels)],
        "lookup": [(ANY, "any"), *((f"{name} = ", f"{name} = ") for name in fields)],
    }


def record_filter(values: Mapping[str, str], view: View) -> RecordFilter:
    """Return what the log's chips ask for. What `mistake` finds wrong is left out."""
    environment = values.get("environment", ANY)
    sample = values.get("sample", ANY)
    ranges: dict[str, datetime | None] = {}
    for name, (first, last, _) in DATES.items():
        ranges[first], ranges[last] = when_range(values, view, name)
    return RecordFilter(
        integration_id=values.get("integration") or None,
        environment=Environment(environment) if environment else None,
        source=values.get("source") or None,
        states=_states(values.get("state", ANY)),
        problem_id=values.get("problem") or None,
        levels=[level for level in values.get("level", ANY).split(BETWEEN_LEVELS) if level],
        statuses=[int(part) for part in _listed(values.get("http", ANY)) if _is_status(part)],
        error_kinds=_words(values.get("kind", ANY), ErrorKind),
        hold_reasons=_words(values.get("hold", ANY), HoldReason),
        sample=sample == "yes" if sample else None,
        text=values.get("text", ANY).strip()[:LONGEST_TEXT],
        lookup={match[1]: match[2] for match in _PAIR.finditer(values.get("lookup", ANY))},
        job_id=values.get("job") or None,
        **ranges,
    )


def mistake(values: Mapping[str, str]) -> str:
    """Return what is wrong with what was typed into the chips, or an empty string."""
    if not all(map(_is_status, _listed(values.get("http", ANY)))):
        return "HTTP statuses are written 422, or 500, 503."
    lookup = values.get("lookup", ANY).strip()
    if lookup and not _PAIR.search(lookup):
        return "A lookup is written field = value, with the value whole; several are parted by semicolons."
    return ""


def _listed(text: str) -> list[str]:
    return [part for part in _LISTED.split(text) if part]


def _is_status(text: str) -> bool:
    return text.isascii() and text.isdigit() and 100 <= int(text) <= 599


def _states(choice: str) -> list[RecordState]:
    return STATES[choice][1] if choice in STATES else _words(choice, RecordState)


def _words(choice: str, kind: type[Word]) -> list[Word]:
    known = {word.value: word for word in kind}
    return [known[part] for part in _listed(choice) if part in known]


def describe_filter(chips: Sequence[Chip]) -> str:
    """Return the filter in words, for confirmations and empty lists."""
    parts = [f"{chip.label} {chip.word}" if chip.quiet else chip.word for chip in chips if chip.value != ANY]
    return " · ".join(parts) if parts else "all records"


def chip_values(chosen: RecordFilter, view: View) -> tuple[dict[str, str], dict[str, str]]:
    """Return the values of the chips that ask for a filter (as one that was saved), and what new ones are called.

    Times are written in the operator's zone.
    """
    values = {
        "source": chosen.source or ANY,
        "state": next(
            (name for name, (_, states) in STATES.items() if states == chosen.states),
            ",".join(chosen.states),
        ),
        "environment": chosen.environment.value if chosen.environment else ANY,
        "level": BETWEEN_LEVELS.join(chosen.levels),
        "http": ", ".join(map(str, chosen.statuses)),
        "kind": ",".join(chosen.error_kinds),
        "hold": ",".join(chosen.hold_reasons),
        "text": chosen.text,
        "lookup": "; ".join(f"{name} = {value}" for name, value in chosen.lookup.items()),
        "sample": ANY if chosen.sample is None else "yes" if chosen.sample else "no",
        "integration": chosen.integration_id or ANY,
        "problem": chosen.problem_id or ANY,
        "job": chosen.job_id or ANY,
    }
    for name, (first, last, _) in DATES.items():
        ends = [getattr(chosen, end) for end in (first, last)]
        told = "/".join(view.local(end).isoformat(timespec="minutes") if end else "" for end in ends)
        values[name] = told if told != "/" else ANY
    words = {name: range_word(values[name]) for name in DATES if values[name]}
    words |= {name: values[name].replace(",", ", ").replace("_", " ") for name in ("state", "kind", "hold")}
    return values, words


def described_filter(chosen: RecordFilter, view: View) -> str:
    """Return any filter in words, as the chips would say it."""
    values, words = chip_values(chosen, view)
    chips = []
    for chip in log_chips():
        told = (*chip.options, (values[chip.name], words.get(chip.name) or values[chip.name]))
        known = values[chip.name] in dict(chip.options)
        chips.append(replace(chip, value=values[chip.name], options=chip.options if known else told))
    return describe_filter(chips)


def is_relative(values: Mapping[str, str]) -> bool:
    """Return whether a date chip counts back from now."""
    return any(values.get(name) and values[name] in DAYS for name in DATES)
