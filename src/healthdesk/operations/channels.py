"""Channels: add, test, remove. An Apprise URL holds secrets and is never returned whole."""

from __future__ import annotations

from healthdesk.api.alerts import Alert, Channel, ChannelCreate, ChannelTest
from healthdesk.api.common import Page
from healthdesk.domain.activity import Verb
from healthdesk.errors import ChannelError
from healthdesk.operations.desk import Conn, Desk
from healthdesk.operations.paging import cursor, known_problem, model_of, to_page
from healthdesk.operations.secrets import plain
from healthdesk.store import alerts as queries
from healthdesk.store.naming import refuse_taken
from healthdesk.store.rows import ChannelRow

view = model_of(Channel)


async def list_all(desk: Desk, after: str | None, limit: int) -> Page[Channel]:
    """Return channels by age."""
    desk.require("channels.list")
    return to_page(await desk.read(queries.channels, after=cursor("chn", after), limit=limit), view)


async def show(desk: Desk, channel_id: str) -> Channel:
    """Return a channel."""
    desk.require("channels.show")
    return view(await desk.read(queries.get_channel, channel_id))


async def add(desk: Desk, new: ChannelCreate) -> Channel:
    """Add a channel; ChannelError names the part of its URL that is wrong."""
    desk.require("channels.add")
    url = plain(new.url)
    try:
        checked = await desk.engine.check_channel_url(url)
    except TimeoutError:
        raise ChannelError("the URL could not be checked in time", fix="try again") from None
    now = desk.now()
    channel_id = desk.ctx.ids.new("chn", now)

    def change(conn: Conn) -> ChannelRow:
        refuse_taken(conn, "channel", new.name)
        queries.insert_channel(
            conn,
            channel_id=channel_id,
            name=new.name,
            url_enc=desk.ctx.vault.encrypt(url),
            url=checked.masked_url,
            kind=checked.kind,
            now=now,
            by=desk.operator.user,
        )
        desk.note(conn, Verb.ADDED, "channel", channel_id, new.name, {"kind": checked.kind})
        return queries.get_channel(conn, channel_id)

    return view(await desk.write(change, ("channel", channel_id)))


async def remove(desk: Desk, channel_id: str) -> None:
    """Remove a channel; what was still to be sent to it is not."""
    desk.require("channels.remove")

    def change(conn: Conn) -> None:
        row = queries.get_channel(conn, channel_id)
        queries.delete_channel(conn, channel_id, desk.now())
        desk.note(conn, Verb.REMOVED, "channel", channel_id, row.name)

    await desk.write(change, ("channel", channel_id), ("rule", ""))


async def test(desk: Desk, channel_id: str) -> ChannelTest:
    """Send a test message and return what became of it."""
    desk.require("channels.test")
    row = await desk.read(queries.get_channel, channel_id)
    url = desk.ctx.vault.decrypt(await desk.read(queries.channel_url, channel_id))
    result = await desk.engine.test_channel(url, row.name)

    def change(conn: Conn) -> None:
        error = "" if result.ok else result.sentence
        queries.record_test(conn, channel_id, desk.now(), ok=result.ok, error=error)
        desk.note(conn, Verb.TESTED, "channel", channel_id, row.name, {"ok": result.ok})

    await desk.write(change, ("channel", channel_id))
    return ChannelTest.model_validate(result, from_attributes=True)


async def alerts(
    desk: Desk, problem_id: str | None, channel_id: str | None, after: str | None, limit: int
) -> Page[Alert]:
    """Return messages of the outbox, newest first."""
    desk.require("alerts.list")
    problem_id = await known_problem(desk, problem_id)
    rows = await desk.read(
        queries.page, problem_id=problem_id, channel_id=channel_id, after=cursor("alt", after), limit=limit
    )
    return to_page(rows, model_of(Alert))
