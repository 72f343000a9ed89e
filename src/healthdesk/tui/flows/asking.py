"""Asking with a form until the daemon takes what was entered: a refusal costs nobody what they typed."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from functools import partial
from typing import TYPE_CHECKING, Any, TypeVar, cast

from textual.worker import Worker

from healthdesk.tui.screens.fields import Outcome
from healthdesk.tui.screens.forms import Form

if TYPE_CHECKING:
    from healthdesk.tui.screens.base import DeskScreen

T = TypeVar("T")


async def ask_until_taken(
    screen: DeskScreen, form: partial[Form], send: Callable[[Mapping[str, str]], Awaitable[T]]
) -> T | None:
    """Return what `send` made of the values of the form, or None when it was left before it was sent.

    Where it is left while it is sent, what becomes of it is waited for all the same: a refusal is raised then.
    """
    answer: Worker[Outcome] | Outcome | None = await screen.ask(form(send=send, ascii_only=screen.ascii_only))
    if isinstance(answer, Worker):
        answer = await answer.wait()
    if answer is None:
        return None
    if answer.error is not None:
        raise answer.error
    value: Any = answer.value
    return cast("T", value)
