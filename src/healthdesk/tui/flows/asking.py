"""Asking with a form until the daemon takes what was entered: a refusal costs nobody what they typed."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from functools import partial
from typing import TYPE_CHECKING, TypeVar

from pydantic import ValidationError

from healthdesk.errors import ApiRefused, HealthdeskError
from healthdesk.tui.screens.acting import refusal
from healthdesk.tui.screens.forms import Form

if TYPE_CHECKING:
    from healthdesk.tui.screens.base import DeskScreen

T = TypeVar("T")


async def ask_until_taken(
    screen: DeskScreen, form: partial[Form], send: Callable[[Mapping[str, str]], Awaitable[T]]
) -> T | None:
    """Return what `send` made of the values of the form, or None when it was left.

    When it is refused, the form is there again: filled in, secrets too, with the reason, at the field at fault.
    """
    given: Mapping[str, str] = {}
    why, at_fault = "", ""
    while True:
        values = await screen.ask(
            form(given=given, refusal=why, at_fault=at_fault, ascii_only=screen.ascii_only)
        )
        if values is None:
            return None
        try:
            return await send(values)
        except HealthdeskError as error:
            why = refusal(error)
            at_fault = error.field if isinstance(error, ApiRefused) else ""
        except ValidationError as error:
            found = [(".".join(map(str, item["loc"])), item["msg"]) for item in error.errors()]
            why = "; ".join(_wrong(place.rpartition(".")[2], told) for place, told in found)
            at_fault = found[0][0]
        given = values


def _wrong(name: str, told: str) -> str:
    return f"{name.replace('_', ' ')}: {told[:1].lower()}{told[1:]}"
