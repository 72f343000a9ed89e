"""Members of a connection: who else may use it, and who may manage its health."""

from __future__ import annotations

import asyncio
import re

from healthdesk.api.connections import Member
from healthdesk.api.people import MemberGrant
from healthdesk.domain.activity import Verb
from healthdesk.errors import Conflict, Malformed, NotFound
from healthdesk.host.users import Names, hint_about
from healthdesk.operations.desk import Conn, Desk
from healthdesk.store import connections as queries
from healthdesk.store.rows import ConnectionRow

OWNER = "owner"

_USER = re.compile(r"[^\s/:,\x00-\x1f\x7f]{1,100}")
"""What a user of a host may be called, generously: https://systemd.io/USER_NAMES/ says what each system allows."""


def user_name(text: str, field: str) -> str:
    """Return the name of a user as it is given, or raise Malformed where no user can be called that."""
    if not _USER.fullmatch(text):
        raise Malformed(
            f"{text!r} cannot be a user of the host", field=field, fix="give the name that `id -un` prints"
        )
    return text


async def hint(desk: Desk, user: str) -> str:
    """Return why a user can do nothing on the desk as it is; empty where they can.

    It is no refusal: a user may be made, or get a role, later.
    """
    return await asyncio.to_thread(hint_about, user, desk.ctx.config.roles, Names())


async def list_all(desk: Desk, connection_id: str) -> list[Member]:
    """Return who holds something on a connection, its owner first."""
    desk.require("connections.show")
    row = await desk.read(queries.get, connection_id)
    held = [(row.owner, OWNER), *((each.user, each.grant) for each in row.members)]
    return [Member(user=user, grant=grant, hint=await hint(desk, user)) for user, grant in held]


async def put(desk: Desk, connection_id: str, user: str, wanted: MemberGrant) -> Member:
    """Make a user a member of a connection, or change what they hold; Conflict for its owner, who holds all of it."""
    await grant(desk, connection_id, user, wanted)
    return Member(user=user, grant=wanted.grant.value, hint=await hint(desk, user))


async def grant(desk: Desk, connection_id: str, user: str, wanted: MemberGrant) -> None:
    """Do it, without looking at the host whether there is such a user."""
    user_name(user, "user")

    def change(conn: Conn) -> bool:
        row = _row(conn, desk, connection_id, user)
        before = {each.user: each.grant for each in row.members}.get(user, "")
        if before == wanted.grant.value:
            return False
        queries.put_member(conn, connection_id, user, wanted.grant)
        detail = {"user": user, "before": before, "after": wanted.grant.value}
        desk.note(conn, Verb.ADDED_MEMBER, "connection", connection_id, row.name, detail)
        return True

    if await desk.ctx.store.write(change):
        desk.tell(("connection", connection_id))


async def remove(desk: Desk, connection_id: str, user: str) -> None:
    """Take a user off a connection; NotFound where they are no member, Conflict for its owner."""

    def change(conn: Conn) -> None:
        row = _row(conn, desk, connection_id, user)
        before = {each.user: each.grant for each in row.members}.get(user, "")
        if not queries.remove_member(conn, connection_id, user):
            raise NotFound(
                f"{user} is no member of {row.name}",
                fix=f"`healthdesk connections members {row.id}` lists them",
            )
        detail = {"user": user, "before": before, "after": ""}
        desk.note(conn, Verb.REMOVED_MEMBER, "connection", connection_id, row.name, detail)

    await desk.write(change, ("connection", connection_id))


def _row(conn: Conn, desk: Desk, connection_id: str, user: str) -> ConnectionRow:
    """Return a connection whose members the operator may change, locked, once `user` is not its owner."""
    row = queries.get_secret(conn, connection_id, lock=True)
    desk.require("connections.members", desk.standing_on(row))
    if user == row.owner:
        raise Conflict(
            f"{user} owns {row.name}, and stays on it as long as that is so",
            fix=f"another owner is made with `healthdesk connections make-me-owner {row.id}`,"
            f" or `healthdesk connections hand-over {user} --to USER --connection {row.id}`",
        )
    return row
