"""Who owns a connection and who may use it: taking one over, adding, changing and removing members."""

from __future__ import annotations

from collections.abc import Mapping
from functools import partial
from typing import TYPE_CHECKING

from healthdesk.api.connections import Connection, CredentialsUpdate, CredentialsUpdated, Member
from healthdesk.api.people import MakeMeOwner, MemberGrant
from healthdesk.domain.states import Grant
from healthdesk.tui.flows.asking import ask_until_taken
from healthdesk.tui.flows.credentials import Renewal, ended, renew
from healthdesk.tui.format import dim, line
from healthdesk.tui.messages import RowAdded
from healthdesk.tui.screens.dialog import Question
from healthdesk.tui.screens.fields import Field
from healthdesk.tui.screens.forms import Form

if TYPE_CHECKING:
    from healthdesk.tui.screens.base import DeskScreen

GRANTS = ((Grant.USER.value, "user"), (Grant.MANAGER.value, "manager"))
GRANT_MEANS = {
    Grant.USER.value: "May use the connection for tasks and proof syncs of their own, and sync these.",
    Grant.MANAGER.value: "Manages its health, too: checks it, renews its credentials, disconnects it, names members.",
}


async def make_me_owner(screen: DeskScreen, connection_id: str) -> str:
    """Take a connection over with credentials of one's own; what syncs with it goes on with them."""
    connection = await screen.client.connection(connection_id)

    async def send(update: CredentialsUpdate) -> CredentialsUpdated:
        new = MakeMeOwner.model_validate(update.model_dump(exclude_unset=True))
        return await screen.client.connection_make_me_owner(connection_id, new)

    told = f"It is {connection.owner}'s. Give credentials of your own: what syncs with it goes on with them."
    renewal = Renewal(
        connection, f"Make me owner · {connection.name}", "Make me owner", send, (line(dim(told)),)
    )
    owned = await renew(screen, renewal)
    if owned is None:
        return ""
    return f"{owned.name} belongs to {owned.owner} now. {await ended(screen, owned, 'replaced')}"


async def add_member(screen: DeskScreen, connection: Connection) -> str:
    """Ask for a user and what they may do."""
    fields = [Field("user", "User", hint="the name they log in with", required=True), _grant_field()]
    form = partial(Form, f"Add a member · {connection.name}", fields, button="Add")

    async def send(values: Mapping[str, str]) -> Member:
        grant = MemberGrant(grant=Grant(values["grant"]))
        return await screen.client.connection_member_set(connection.id, values["user"].strip(), grant)

    member = await ask_until_taken(screen, form, send)
    if member is None:
        return ""
    screen.post_message(RowAdded("members-region", member.user))
    return f"{member.user} is {_as(member.grant)} of {connection.name}. {member.hint}".strip()


async def change_member(screen: DeskScreen, connection: Connection, member: Member) -> str:
    """Ask what a member may do."""
    form = partial(Form, f"{member.user} · {connection.name}", [_grant_field(member.grant)])

    async def send(values: Mapping[str, str]) -> str:
        if values["grant"] == member.grant:
            return "Nothing was changed."
        grant = MemberGrant(grant=Grant(values["grant"]))
        changed = await screen.client.connection_member_set(connection.id, member.user, grant)
        return f"{changed.user} is {_as(changed.grant)} of {connection.name}."

    return await ask_until_taken(screen, form, send) or ""


async def remove_member(screen: DeskScreen, connection: Connection, member: Member) -> str:
    """Take a member's grant away, after saying what that means."""
    lines = [
        line(f"{member.user} may no longer use {connection.name}."),
        line(dim("What they made with it stays, and is synced with it as before.")),
    ]
    question = Question(f"Remove {member.user}", lines, (("remove", "Remove"),), ascii_only=screen.ascii_only)
    if await screen.ask(question) is None:
        return ""
    await screen.client.connection_member_remove(connection.id, member.user)
    return f"{member.user} is no member of {connection.name} any more."


def _grant_field(now: str = Grant.USER.value) -> Field:
    return Field(
        "grant", "May", now, options=GRANTS, help=lambda values: (GRANT_MEANS[values.get("grant", now)],)
    )


def _as(grant: str) -> str:
    return "a manager" if grant == Grant.MANAGER.value else "a user"
