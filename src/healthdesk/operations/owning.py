"""Owners of connections: take one over with credentials of one's own, and hand over those of somebody who leaves."""

from __future__ import annotations

from typing import Any

from healthdesk.api.common import Page
from healthdesk.api.connections import Connection, CredentialsUpdated
from healthdesk.api.people import HandedOver, HandOver, MakeMeOwner
from healthdesk.domain.activity import Verb
from healthdesk.errors import Conflict, Malformed
from healthdesk.operations import credentials, members
from healthdesk.operations.connections import view
from healthdesk.operations.desk import Conn, Desk
from healthdesk.operations.explain import plural, sentence
from healthdesk.operations.given import given_credentials
from healthdesk.operations.paging import cursor, to_page
from healthdesk.store import connections as queries
from healthdesk.store import owning
from healthdesk.store.owning import Given
from healthdesk.store.rows import ConnectionRow, ConnectionSecretRow


async def make_me_owner(desk: Desk, connection_id: str, new: MakeMeOwner) -> CredentialsUpdated:
    """Make the operator the owner of a connection, with credentials of their own, once the app took them.

    What works with it goes on with these. The tasks, proof syncs and templates that its owner before configured with it
    are the new owner's; those of others stay theirs. Raises what new credentials raise: nothing is changed then.
    """
    row = await desk.read(queries.get_secret, connection_id)
    desk.require("connections.make_me_owner", desk.standing_on(row))
    # Nothing of the owner before is taken for the new one's, not even a user name.
    given = await given_credentials(desk, desk.ctx.apps.get(row.app), new, row.settings)
    moved = Given()

    def take_over(conn: Conn, before: ConnectionSecretRow) -> dict[str, Any]:
        nonlocal moved
        desk.require("connections.make_me_owner", desk.standing_on(before))
        moved = owning.give(conn, connection_id, before.owner, desk.operator.user)
        return _counts(moved)

    made = await credentials.replace(desk, row, new, given, Verb.MADE_OWNER, take_over)
    _tell(desk, moved)
    return made


async def list_of(desk: Desk, user: str, after: str | None, limit: int) -> Page[Connection]:
    """Return the connections that somebody owns, oldest first."""
    desk.require("people.connections")
    members.user_name(user, "user")
    rows = await desk.read(owning.of_owner, user, after=cursor("con", after), limit=limit)
    return to_page(rows, lambda row: view(desk, row))


async def hand_over(desk: Desk, user: str, choice: HandOver) -> HandedOver:
    """Give connections of somebody to somebody else, with what they configured with them; their credentials stay.

    With no connection named it is everything of theirs, tasks and proof syncs with the connections of others or without
    one, too. Conflict where one is not theirs: nothing is changed then.
    """
    desk.require("people.hand_over")
    members.user_name(user, "user")
    to = members.user_name(choice.to, "to")
    if to == user:
        raise Malformed(f"{user} has them already", field="to", fix="name somebody else")
    given: list[ConnectionRow] = []
    moved = Given()

    def change(conn: Conn) -> None:
        nonlocal moved
        given.clear()
        moved = Given()
        for each in sorted(set(choice.connection_ids)) or owning.ids_of(conn, user):
            row = queries.get_secret(conn, each, lock=True)
            if row.owner != user:
                raise Conflict(f"{row.name} is {row.owner}'s, not {user}'s", fix="name those of one owner")
            went = owning.give(conn, each, user, to)
            desk.note(conn, Verb.HANDED_OVER, "connection", each, row.name, _owners(row, to, went))
            given.append(row)
            moved = _sum(moved, went)
        if not choice.connection_ids:
            rest = owning.give_rest(conn, user, to)
            if rest != Given():
                detail = {"before": user, "after": to, **_counts(rest)}
                desk.note(conn, Verb.HANDED_OVER, "person", user, user, detail)
                moved = _sum(moved, rest)

    await desk.ctx.store.write(change)
    if given or moved != Given():
        desk.tell(*(("connection", row.id) for row in given))
        _tell(desk, moved)
    said = _said(user, to, given, moved)
    if hint := await members.hint(desk, to):
        said = f"{said} {sentence(hint)}"
    return HandedOver(connections=[row.id for row in given], instances=moved.instances, sentence=said)


def _owners(before: ConnectionRow, to: str, moved: Given) -> dict[str, Any]:
    return {"before": before.owner, "after": to, **_counts(moved)}


def _counts(moved: Given) -> dict[str, int]:
    counted = {"instances": moved.instances, "templates": moved.templates}
    return {name: number for name, number in counted.items() if number}


def _sum(one: Given, other: Given) -> Given:
    return Given(one.instances + other.instances, one.templates + other.templates)


def _tell(desk: Desk, moved: Given) -> None:
    for plural_noun in _counts(moved):
        desk.ctx.bus.publish(f"{plural_noun.removesuffix('s')}.changed", "")


def _said(user: str, to: str, given: list[ConnectionRow], moved: Given) -> str:
    """Return what became of it, and what is left to do, for people."""
    if not given and moved == Given():
        return f"{user} owns nothing here: nothing was changed."
    said = []
    if given:
        names = ", ".join(row.name for row in given)
        said.append(f"{to} owns {plural(len(given), 'connection')} of {user}: {names}.")
    counted = ((moved.instances, "tasks and proof syncs"), (moved.templates, "repeating tasks"))
    if went := [f"{number:,} of their {what}" for number, what in counted if number]:
        said.append(f"{' and '.join(went)} went along.")
    if given:
        said.append(f"They go on with the credentials of {user}: update them before these are revoked.")
    return " ".join(said)
