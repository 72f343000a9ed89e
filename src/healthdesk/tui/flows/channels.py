"""Adding, testing and removing channels."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from functools import partial
from typing import TYPE_CHECKING

from healthdesk.api.alerts import Channel, RuleCreate, RuleEdit
from healthdesk.tui.flows.asking import ask_until_taken
from healthdesk.tui.format import Span, Tone, dim, line
from healthdesk.tui.messages import RowAdded
from healthdesk.tui.screens.dialog import Notice, Question
from healthdesk.tui.screens.fields import Field
from healthdesk.tui.screens.forms import Form
from healthdesk.tui.view.alerts import test_lines
from healthdesk.tui.view.words import plural

if TYPE_CHECKING:
    from healthdesk.tui.screens.base import DeskScreen

MOST = 500
NEW_CHANNEL = "new"
SCOPE = "Told of it now: every channel that no rule narrows. From here on, only those chosen here."
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
    form = partial(Form, "New channel", FIELDS, button="Add", intro=INTRO, check=check_channel)

    async def send(values: Mapping[str, str]) -> str:
        channel = await screen.client.channel_create(values["name"].strip(), values["url"].strip())
        screen.post_message(RowAdded("channels-region", channel.id))
        return f"{channel.name} is added. t sends a test message."

    return await ask_until_taken(screen, form, send) or ""


async def add_notifications(screen: DeskScreen, integration_id: str, name: str) -> str:
    """Send an integration's problems to a channel: a new one, or one that is there."""
    channels = (await screen.client.channels_list(limit=MOST)).items
    rules = (await screen.client.rules_list(limit=MOST)).items
    rule = next((item for item in rules if item.integration_id == integration_id and item.enabled), None)
    taken = rule.channel_ids if rule else []
    known = tuple((item.id, item.name) for item in channels if item.id not in taken)
    fields = [
        Field("channel", "Channel", options=((NEW_CHANNEL, "a new one"), *known)),
        *(replace(field, when=("channel", (NEW_CHANNEL,))) for field in FIELDS),
    ]
    told = [item.name for item in channels if item.id in taken]
    intro = line(dim(f"Told of it now: {', '.join(told)}." if told else SCOPE))
    form = partial(
        Form, f"Add Notifications · {name}", fields, button="Add", intro=[intro], check=check_channel
    )

    async def send(values: Mapping[str, str]) -> str:
        if values["channel"] != NEW_CHANNEL:
            return values["channel"]
        return (await screen.client.channel_create(values["name"].strip(), values["url"].strip())).id

    channel_id = await ask_until_taken(screen, form, send)
    if channel_id is None:
        return ""
    if rule is None:
        new = RuleCreate(name=name, integration_id=integration_id, channel_ids=[channel_id])
        rule = await screen.client.rule_create(new)
    else:
        rule = await screen.client.rule_edit(rule.id, RuleEdit(channel_ids=[*taken, channel_id]))
    return f"Problems of {name} go to {plural(len(rule.channel_ids), 'channel')} only. `healthdesk rules` changes it."


async def test_channel(screen: DeskScreen, channel: Channel) -> str:
    """Send a test message and show what became of it."""
    screen.desk.tell(f"Sending a test message to {channel.name}…")
    result = await screen.client.channel_test(channel.id)
    lines = test_lines(channel, result)
    screen.desk.hush()
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
