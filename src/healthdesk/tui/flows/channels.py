"""Adding, testing and removing channels."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

from healthdesk.api.alerts import Channel
from healthdesk.tui.format import Span, Tone, dim, line
from healthdesk.tui.screens.dialog import Notice, Question
from healthdesk.tui.screens.forms import Field, Form
from healthdesk.tui.view.alerts import test_lines

if TYPE_CHECKING:
    from healthdesk.tui.screens.base import DeskScreen

FIELDS = (
    Field("name", "Name", hint="on-call mail", required=True),
    Field("url", "Apprise URL", hint="mailto://…, slack://…, json://…", secret=True, required=True),
)
INTRO = (
    line(dim("The URL holds the channel's secrets: it is encrypted, and never shown whole again.")),
    line(dim("Until a rule narrows it, the channel gets every problem's opening and recovery.")),
)


def check_channel(values: Mapping[str, str]) -> dict[str, str]:
    """Return what is plainly wrong; the daemon checks the rest."""
    url = values.get("url", "").strip()
    return {"url": "has the form service://…"} if url and "://" not in url else {}


async def add_channel(screen: DeskScreen) -> str:
    """Ask for a channel, add it, and offer a test."""
    form = Form(
        "New channel", FIELDS, button="Add", intro=INTRO, check=check_channel, ascii_only=screen.ascii_only
    )
    values = await screen.ask(form)
    if values is None:
        return ""
    channel = await screen.client.channel_create(values["name"].strip(), values["url"].strip())
    return f"{channel.name} is added. t sends a test message."


async def test_channel(screen: DeskScreen, channel: Channel) -> str:
    """Send a test message and show what became of it."""
    screen.desk.tell(f"Sending a test message to {channel.name}…")
    result = await screen.client.channel_test(channel.id)
    lines = test_lines(channel, result)
    await screen.ask(Notice(f"Test of {channel.name}", lines, ascii_only=screen.ascii_only))
    return f"{channel.name}: {'it works' if result.ok else 'the test failed'}."


async def remove_channel(screen: DeskScreen, channel: Channel) -> str:
    """Remove a channel, after naming it and what is lost."""
    lines = [
        line(f"{channel.kind} · {channel.url}"),
        (),
        line(Span("Its address and secrets are erased. No alert goes there any more.", Tone.BAD)),
    ]
    question = Question(
        f"Remove {channel.name}", lines, (("remove", "Remove"),), ascii_only=screen.ascii_only
    )
    if await screen.ask(question) is None:
        return ""
    await screen.client.channel_remove(channel.id)
    return f"{channel.name} is removed."
