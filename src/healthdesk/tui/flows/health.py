"""What is decided about the health of a connection: drift, the end of its credentials, its push heartbeat."""

from __future__ import annotations

from collections.abc import Mapping
from functools import partial
from typing import TYPE_CHECKING

from healthdesk.api.connections import Connection, ConnectionEdit
from healthdesk.api.pings import Ping, PingSchedule, PingSet
from healthdesk.domain.durations import format_span, parse_duration
from healthdesk.tui.flows.app_fields import expiry_day, expiry_field
from healthdesk.tui.flows.app_values import check_place, expiry_of
from healthdesk.tui.flows.asking import ask_until_taken
from healthdesk.tui.flows.connections import told
from healthdesk.tui.format import Span, Tone, dim, line
from healthdesk.tui.screens.address import AddressNotice
from healthdesk.tui.screens.dialog import Question
from healthdesk.tui.screens.fields import Field
from healthdesk.tui.screens.forms import Form
from healthdesk.tui.view.pings import ping_set_lines
from healthdesk.tui.view.times import full

if TYPE_CHECKING:
    from healthdesk.tui.screens.base import DeskScreen

GRACE_S = 300.0
LENGTHS = {"every": (60, 366 * 86_400, "1m to 366d"), "grace": (10, 30 * 86_400, "10s to 30d")}


async def accept_drift(screen: DeskScreen, connection: Connection) -> str:
    """Take account, site and scopes as they are now, after naming what changed."""
    lines = [line(each.sentence) for each in connection.drift]
    lines += [
        (),
        line(dim("From now on this is what is meant: the warning ends. Nothing is sent to the app.")),
    ]
    question = Question(
        f"Accept the change · {connection.name}", lines, (("accept", "Accept"),), ascii_only=screen.ascii_only
    )
    if await screen.ask(question) is None:
        return ""
    return told(await screen.client.connection_accept_drift(connection.id))


async def enter_expiry(screen: DeskScreen, connection_id: str) -> str:
    """Ask for the day on which the credentials end."""
    connection = await screen.client.connection(connection_id)
    view = screen.view()
    before = expiry_day(connection, view)
    intro = [line(dim("Empty: they are not known to end."))]
    if connection.expires_at is not None and not before:
        intro = [line(dim(f"The app says {full(connection.expires_at, view)}. What is entered here wins."))]
    form = partial(
        Form, f"Expiry · {connection.name}", [expiry_field(before)], intro=intro, check=check_place
    )

    async def send(values: Mapping[str, str]) -> str:
        if values["expires_at"].strip() == before:
            return "Nothing was changed."
        changes = ConnectionEdit(expires_at=expiry_of(values, view))
        changed = await screen.client.connection_edit(connection_id, changes)
        if changed.expires_at is None:
            return f"{changed.name}: no end is known."
        return f"{changed.name} ends {full(changed.expires_at, view)}."

    return await ask_until_taken(screen, form, send) or ""


async def set_ping(screen: DeskScreen, connection_id: str, ping: Ping | None) -> str:
    """Ask when pings are expected, and show the address where it is new."""
    form = partial(Form, "Push heartbeat", ping_fields(ping, screen.view().zone), check=check_ping)

    async def send(values: Mapping[str, str]) -> Ping:
        return await screen.client.connection_ping_set(connection_id, ping_of(values))

    made = await ask_until_taken(screen, form, send)
    return await _shown(screen, made) if made is not None else ""


async def new_address(screen: DeskScreen, ping: Ping) -> str:
    """Make a new address, after saying that the one before ends."""
    lines = [
        line(f"The address that ends in {ping.hint} is refused from then on."),
        line(dim("Give the job the new one, or it is late soon.")),
    ]
    question = Question(
        f"New address · {ping.object_name}",
        lines,
        (("new", "Make a new address"),),
        ascii_only=screen.ascii_only,
    )
    if await screen.ask(question) is None:
        return ""
    wanted = PingSet(schedule=ping.schedule, grace_s=ping.grace_s, new_address=True)
    return await _shown(screen, await screen.client.connection_ping_set(ping.object_id, wanted))


async def _shown(screen: DeskScreen, made: Ping) -> str:
    if made.url:
        title = f"Push heartbeat · {made.object_name}"
        lines = ping_set_lines(made)
        await screen.ask(AddressNotice(title, lines, address=made.url, ascii_only=screen.ascii_only))
        return f"{made.object_name} waits for its first ping."
    return f"{made.object_name}: expected from now on; its address is as before."


async def remove_ping(screen: DeskScreen, ping: Ping) -> str:
    """Expect no pings any more, after saying what is lost."""
    lines = [
        line(Span(f"Its address ({ping.hint}) is refused from then on.", Tone.BAD)),
        line("The connection is judged by its deliveries again."),
    ]
    question = Question(
        f"Remove the push heartbeat · {ping.object_name}",
        lines,
        (("remove", "Remove"),),
        ascii_only=screen.ascii_only,
    )
    if await screen.ask(question) is None:
        return ""
    await screen.client.connection_ping_remove(ping.object_id)
    return f"{ping.object_name} has no push heartbeat any more."


# The form


def ping_fields(ping: Ping | None, zone: str) -> list[Field]:
    """Return the fields of a push heartbeat: by interval or by cron expression."""
    schedule = ping.schedule if ping is not None else PingSchedule(every_s=3600, zone=zone)
    kinds = (("every", "every so often"), ("cron", "by a cron expression"))
    return [
        Field("kind", "A ping is expected", "cron" if schedule.cron else "every", options=kinds),
        Field(
            "every",
            "Every",
            format_span(schedule.every_s) if schedule.every_s else "",
            "1h, 15m or 1d",
            required=True,
            when=("kind", ("every",)),
            path="schedule.every_s",
        ),
        Field(
            "cron",
            "Cron expression",
            schedule.cron,
            "0 3 * * *",
            required=True,
            when=("kind", ("cron",)),
            path="schedule.cron",
        ),
        Field(
            "zone",
            "Its time zone",
            schedule.zone,
            "Europe/Berlin",
            when=("kind", ("cron",)),
            path="schedule.zone",
        ),
        Field(
            "grace",
            "How late it may be",
            format_span(ping.grace_s if ping is not None else GRACE_S),
            "5m",
            required=True,
            path="grace_s",
        ),
    ]


def check_ping(values: Mapping[str, str]) -> dict[str, str]:
    """Return which lengths of time are none, or out of bounds."""
    wrong = {}
    for name, (least, most, bounds) in LENGTHS.items():
        text = values.get(name, "").strip()
        if not text:
            continue
        try:
            seconds = parse_duration(text)
        except ValueError:
            wrong[name] = "is a length of time such as 90s, 15m, 2h or 7d"
            continue
        if not least <= seconds <= most:
            wrong[name] = f"is {bounds}"
    return wrong


def ping_of(values: Mapping[str, str]) -> PingSet:
    """Return what was entered."""
    if values["kind"] == "every":
        schedule = PingSchedule(every_s=parse_duration(values["every"].strip()))
    else:
        schedule = PingSchedule(cron=values["cron"].strip(), zone=values["zone"].strip() or "UTC")
    return PingSet(schedule=schedule, grace_s=parse_duration(values["grace"].strip()))
