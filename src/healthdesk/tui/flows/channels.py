"""Adding, testing and removing channels."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from functools import partial
from typing import TYPE_CHECKING

from healthdesk.api.alerts import Channel, Rule, RuleCreate, RuleEdit
from healthdesk.domain.states import Environment
from healthdesk.tui.flows.asking import ask_until_taken
from healthdesk.tui.format import Span, Tone, dim, line
from healthdesk.tui.messages import RowAdded
from healthdesk.tui.screens.dialog import Notice, Question
from healthdesk.tui.screens.fields import Field, Values
from healthdesk.tui.screens.forms import Form
from healthdesk.tui.view.alerts import test_lines
from healthdesk.tui.view.words import plural

if TYPE_CHECKING:
    from healthdesk.tui.screens.base import DeskScreen

MOST = 500
NO, YES = "no", "yes"
NO_YES = ((NO, "no"), (YES, "yes"))
OF = "channel/"
"""What the names of the fields of channels begin with."""
SCOPE = "Told of it now: every channel that no rule narrows. From here on, only those chosen here."
ONLY = "Its problems go to these channels only."
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
    """Choose the channels that an integration's problems go to, and to no others: some that are there, a new one."""
    channels = (await screen.client.channels_list(limit=MOST)).items
    rules = (await screen.client.rules_list(limit=MOST)).items
    rule = next((item for item in rules if item.integration_id == integration_id and item.enabled), None)
    form = partial(
        Form,
        f"Add Notifications · {name}",
        notification_fields(channels, rule),
        button="Save" if rule else "Add",
        intro=[line(dim(ONLY if rule else SCOPE))],
        check=check_notifications,
    )

    async def send(values: Values) -> Rule:
        chosen = chosen_channels(values, rule.channel_ids if rule else [])
        if values["new"] == YES:
            added = await screen.client.channel_create(values["name"].strip(), values["url"].strip())
            chosen.append(added.id)
        environments = list(Environment) if values["testing"] == YES else [Environment.PRODUCTION]
        if rule is None:
            new = RuleCreate(
                name=name, integration_id=integration_id, environments=environments, channel_ids=chosen
            )
            return await screen.client.rule_create(new)
        changes = RuleEdit(channel_ids=chosen, environments=environments)
        return await screen.client.rule_edit(rule.id, changes)

    saved = await ask_until_taken(screen, form, send)
    if saved is None:
        return ""
    testing = "Those of TESTING too." if Environment.TESTING in saved.environments else "TESTING is silent."
    return f"Problems of {name} go to {plural(len(saved.channel_ids), 'channel')} only. {testing}"


def notification_fields(channels: Sequence[Channel], rule: Rule | None) -> list[Field]:
    """Return a field for each channel, those of a new one, and whether testing is told."""
    taken = rule.channel_ids if rule else []
    testing = rule is not None and Environment.TESTING in rule.environments
    return [
        *(
            Field(f"{OF}{each.id}", each.name, YES if each.id in taken else NO, options=NO_YES)
            for each in channels
        ),
        Field("new", "A new channel", NO if channels else YES, options=NO_YES),
        *(replace(field, label=f"  {field.label.lower()}", when=("new", (YES,))) for field in FIELDS),
        Field(
            "testing",
            "Problems of TESTING",
            YES if testing else NO,
            options=((NO, "are silent"), (YES, "go there too")),
        ),
    ]


def chosen_channels(values: Values, before: Sequence[str]) -> list[str]:
    """Return the ids of the channels that were chosen, those from before first."""
    chosen = [name.removeprefix(OF) for name, value in values.items() if name.startswith(OF) and value == YES]
    return [*(each for each in before if each in chosen), *(each for each in chosen if each not in before)]


def check_notifications(values: Values) -> dict[str, str]:
    """Return what is wrong: a new channel's address, or that there is no channel."""
    wrong = check_channel(values)
    if values["new"] == NO and not chosen_channels(values, ()):
        wrong["new"] = "choose a channel, or make a new one; `healthdesk rules remove` ends it"
    return wrong


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
