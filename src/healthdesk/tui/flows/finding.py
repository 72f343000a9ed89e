"""Asking for the words that the names in a list are narrowed to."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING

from healthdesk.tui.flows.asking import ask_until_taken
from healthdesk.tui.screens.fields import Field, Values
from healthdesk.tui.screens.forms import Form

if TYPE_CHECKING:
    from healthdesk.tui.screens.base import DeskScreen

LONGEST = 200
"""Characters of a text that names are looked through for, as the API takes it."""


async def ask_words(
    screen: DeskScreen, title: str, now: str = "", *, asked: str = "Words of the name"
) -> str | None:
    """Return the words, empty for any name, or None when the question was left."""

    async def send(values: Values) -> str:
        return values["text"].strip()

    def check(values: Values) -> dict[str, str]:
        return {"text": f"has up to {LONGEST} characters"} if len(values["text"].strip()) > LONGEST else {}

    fields = [Field("text", asked, now, hint="empty: any")]
    form = partial(Form, f"Find · {title}", fields, button="Find", check=check)
    return await ask_until_taken(screen, form, send)
