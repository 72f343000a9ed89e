"""Asking with a form until the daemon takes what was entered: a refusal costs nobody what they typed."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from functools import partial
from typing import TYPE_CHECKING, TypeVar

from pydantic import ValidationError

from healthdesk.errors import HealthdeskError
from healthdesk.tui.screens.acting import refusal
from healthdesk.tui.screens.forms import Form

if TYPE_CHECKING:
    from healthdesk.tui.screens.base import DeskScreen

T = TypeVar("T")


async def ask_until_taken(
    screen: DeskScreen, form: partial[Form], send: Callable[[Mapping[str, str]], Awaitable[T]]
) -> T | None:
    """Return what `send` made of the values of the form, or None when it was left.

    When it is refused, the form is there again: filled in, secrets too, with the reason.
    """
    given: Mapping[str, str] = {}
    why = ""
    while True:
        values = await screen.ask(form(given=given, refusal=why, ascii_only=screen.ascii_only))
        if values is None:
            return None
        try:
            return await send(values)
        except HealthdeskError as error:
            why = refusal(error)
        except ValidationError as error:
            why = "; ".join(_wrong(str(item["loc"][-1]), item["msg"]) for item in error.errors())
        given = values


def _wrong(name: str, told: str) -> str:
    return f"{name.replace('_', ' ')}: {told[:1].lower()}{told[1:]}"
