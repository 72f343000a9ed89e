"""Handing over what somebody who leaves owns, after naming what goes with it."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING

from healthdesk.api.connections import Connection
from healthdesk.api.instances import InstanceFilter
from healthdesk.api.people import HandOver
from healthdesk.errors import HealthdeskError
from healthdesk.tui.flows.asking import ask_until_taken
from healthdesk.tui.format import Line, dim, line
from healthdesk.tui.screens.dialog import Question
from healthdesk.tui.screens.fields import Field, Values
from healthdesk.tui.screens.forms import Form
from healthdesk.tui.view.words import plural

if TYPE_CHECKING:
    from healthdesk.tui.screens.base import DeskScreen

EVERYTHING, ONE = "everything", "one"
MOST_NAMED = 8
PAGE = 500


async def hand_over(screen: DeskScreen, user: str, row: Connection | None) -> str:
    """Ask whom to give a connection to, or all that `user` owns, and name what goes with it before it does."""
    whats = [(EVERYTHING, f"everything of {user}")]
    if row is not None:
        whats.insert(0, (ONE, row.name))
    fields = [
        Field("what", "What", whats[0][0], options=tuple(whats)),
        Field("to", "To", hint="the name they log in with", required=True),
    ]

    async def send(values: Values) -> str:
        given = [row] if row is not None and values["what"] == ONE else None
        to = values["to"].strip()
        told = await _what_goes(screen, user, given)
        if not isinstance(screen.app.screen, Form):  # a form that was left is no place to ask
            raise HealthdeskError("Nothing was handed over", fix="Hand it over again.")
        question = Question(
            f"Hand over to {to}", told, (("hand_over", "Hand over"),), ascii_only=screen.ascii_only
        )
        if await screen.ask(question) is None:
            raise HealthdeskError("Nothing was handed over", fix="Name somebody else, or leave with esc.")
        choice = HandOver(to=to, connection_ids=[each.id for each in given or ()])
        return (await screen.client.people_hand_over(user, choice)).sentence

    form = partial(Form, f"Hand over · {user}", fields, button="Go on", doing="Reading what goes with it…")
    return await ask_until_taken(screen, form, send) or ""


async def _what_goes(screen: DeskScreen, user: str, given: list[Connection] | None) -> list[Line]:
    """Return what goes with these connections; with None all of the user, whosever connections it works with."""
    owned = given if given is not None else await _connections_of(screen, user)
    chosen = InstanceFilter(owner=user)
    if given is not None:
        chosen.connection_id = [each.id for each in given]
    totals = await screen.client.instances_count(chosen)
    lines = [line(f"{plural(len(owned), 'connection')} of {user}:")] if owned else []
    lines += [line(f"  {each.app_name} · {each.name}") for each in owned[:MOST_NAMED]]
    if len(owned) > MOST_NAMED:
        lines.append(line(f"  and {len(owned) - MOST_NAMED:,} more"))
    more = "" if totals.exact else "+"
    whose = "of theirs that work with it" if given is not None else f"of {user}, with whatever connection"
    lines.append(
        line(f"{totals.total:,}{more} tasks and proof syncs {whose}, and the repeating tasks, go along.")
    )
    if owned:
        lines.append(
            line(dim(f"They go on with the credentials of {user}: update them before these are revoked."))
        )
    return lines


async def _connections_of(screen: DeskScreen, user: str) -> list[Connection]:
    found: list[Connection] = []
    after: str | None = None
    while True:
        page = await screen.client.people_connections(user, after=after, limit=PAGE)
        found += page.items
        after = page.next
        if after is None:
            return found
