"""What a form is made of: its fields, and what becomes of what was entered."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from pydantic import ValidationError

from healthdesk.errors import ApiRefused, HealthdeskError
from healthdesk.tui.format import Line, dim, key, line

UNCHECKED = "save unchecked"
"""Among the values of a form when it is to be saved without asking the app."""
URL = re.compile(r"https?://[^\s<>]+[^\s<>.,;:)]")

Values = Mapping[str, str]


@dataclass(frozen=True, slots=True)
class Field:
    """A field: text, a secret (never shown), a file of several lines, a `long` text, or one of `options`.

    `when` names another field and the values of it that make this one apply. `help` gives the lines under the field
    while it has the focus, by the values of the form. `path` is how the API calls it, where not by its name.
    """

    name: str
    label: str
    value: str = ""
    hint: str = ""
    secret: bool = False
    options: tuple[tuple[str, str], ...] = ()
    required: bool = False
    when: tuple[str, tuple[str, ...]] | None = None
    multiline: bool = False
    help: Callable[[Values], Sequence[str]] | None = None
    path: str = ""
    long: bool = False

    def is_at(self, at_fault: str, *, exactly: bool) -> bool:
        """Return whether the API means this field by a dotted path, or by the last part of it."""
        mine = self.path or self.name
        return at_fault == mine if exactly else at_fault.rpartition(".")[2] == mine.rpartition(".")[2]


@dataclass(frozen=True, slots=True)
class Outcome:
    """What became of what a form sent: a value, or why there is none."""

    value: Any = None
    error: HealthdeskError | None = None


def help_line(text: str) -> Line:
    """Return a line of help; an address in it can be copied."""
    return line(dim(text), key(" ctrl+y"), dim(" copies it")) if URL.search(text) else line(dim(text))


def model_refusal(error: ValidationError) -> ApiRefused:
    """Return a refusal of what the daemon would not even read."""
    found = [(".".join(map(str, item["loc"])), item["msg"]) for item in error.errors()]
    why = "; ".join(
        f"{place.rpartition('.')[2].replace('_', ' ')}: {told[:1].lower()}{told[1:]}" for place, told in found
    )
    return ApiRefused(why, status=400, slug="malformed", field=found[0][0])
