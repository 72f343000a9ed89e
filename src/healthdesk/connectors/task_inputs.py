"""What requests on issues want of what an operator says: the id of a person, a moment for a day, done for a status."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, date, datetime, time

from healthdesk.connectors.client import AppClient
from healthdesk.connectors.paths import find, text_at
from healthdesk.connectors.spec import AssigneeLookup, TasksManifest
from healthdesk.connectors.texts import NULL
from healthdesk.domain.exchange import Exchange, Failure, Sent
from healthdesk.domain.states import Blame, ErrorKind
from healthdesk.errors import ConnectorError

_MOST_PAGES = 20
_EMPTIED = {"due": ("due", "due_ms"), "assignee": ("assignee", "assignee_id")}
_NOON = time(12, tzinfo=UTC)


async def completed(
    client: AppClient, tasks: TasksManifest, container: Mapping[str, object], given: dict[str, object]
) -> tuple[dict[str, object], Failure | None, Exchange | None]:
    """Return the inputs with `due_ms`, `done` and `assignee_id` where they follow from what is given.

    What is given as an empty text and is among the fields that null empties is that null.
    With a failure nothing may be sent: the app was asked for the assignee, and refused or knows nobody of that name.
    Raises ConnectorError for a date that is none, or a status that the manifest does not list.
    """
    added: dict[str, object] = {}
    for field in tasks.clears:
        if given.get(field) == "":
            added.update(dict.fromkeys(_EMPTIED[field], NULL))
    if due := given.get("due"):
        added["due_ms"] = _milliseconds(str(due))
    status = given.get("status")
    if status and tasks.statuses.values:
        added["done"] = _done(tasks, str(status))
    if (name := given.get("assignee")) and tasks.assignee is not None:
        found, failure, exchange = await _person(client, tasks.assignee, container, str(name))
        if failure is not None:
            return given, failure, exchange
        added["assignee_id"] = found
    return {**given, **added}, None, None


def _milliseconds(due: str) -> int:
    """Return noon in UTC of an ISO date, which is that day nearly everywhere, in milliseconds since 1970."""
    try:
        day = date.fromisoformat(due[:10])
    except ValueError:
        raise ConnectorError(
            f"{due[:40]!r} is not a date", fix="write it as 2026-03-31", field="due"
        ) from None
    return int(datetime.combine(day, _NOON).timestamp() * 1000)


def _done(tasks: TasksManifest, status: str) -> bool:
    for each in tasks.statuses.values:
        if each.id == status:
            return each.done
    known = ", ".join(each.id for each in tasks.statuses.values)
    raise ConnectorError(f"there is no status {status[:40]!r}", fix=f"one of {known}", field="status")


async def _person(
    client: AppClient, lookup: AssigneeLookup, container: Mapping[str, object], name: str
) -> tuple[object, Failure | None, Exchange | None]:
    """Return the id the app has for somebody, as it writes it; else why there is none."""
    wanted = name.strip().casefold()
    exchange = None
    inputs = {**container, "assignee": name.strip()}
    async for page in client.pages(
        lookup.request, inputs, on="tasks", items=lookup.items, most_pages=_MOST_PAGES
    ):
        exchange = page.reply.exchange
        if page.reply.failure is not None:
            return None, page.reply.failure, exchange
        for item in page.items:
            called = [text_at(each, item) for each in (lookup.id, *lookup.names)]
            if wanted in [each.casefold() for each in called if each]:
                return find(lookup.id, item), None, exchange
    app = client.app.name
    safe = f"{app} knows nobody of the assignee's name who can be assigned"
    failure = Failure(
        kind=ErrorKind.CONFIGURATION,
        blame=Blame.CONFIGURATION,
        permanent=True,
        sentence=f"{app} knows nobody called {name[:80]} who can be assigned",
        safe_sentence=safe,
        next_action="Correct the assignee, or give them access there",
        sent=Sent.NO,
        field="assignee",
    )
    return None, failure, exchange
