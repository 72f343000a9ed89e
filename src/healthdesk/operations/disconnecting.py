"""Disconnect: a page that says what will stop, then the end of a connection."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from healthdesk.api.people import ConnectionUses
from healthdesk.domain.activity import Verb
from healthdesk.domain.instance_states import InstanceKind
from healthdesk.operations.desk import Conn, Desk
from healthdesk.operations.explain import plural
from healthdesk.store import connections as queries
from healthdesk.store import disconnecting
from healthdesk.store.disconnecting import Disconnected, Uses
from healthdesk.store.rows import ConnectionRow

ERASED = "Its credentials are erased and cannot be brought back, and its callbacks are refused."


async def uses(desk: Desk, connection_id: str) -> ConnectionUses:
    """Return what stops when a connection is disconnected, and how each of it is repaired."""
    desk.require("connections.uses")
    row, found = await desk.read(
        lambda conn: (queries.get(conn, connection_id), disconnecting.uses(conn, connection_id))
    )
    app_name = desk.ctx.apps.get(row.app).name if row.app in desk.ctx.apps else row.app
    return ConnectionUses(
        connection_id=row.id,
        name=row.name,
        app_name=app_name,
        account=row.account,
        tasks=found.count(InstanceKind.TASK),
        proof_syncs=found.count(InstanceKind.PROOF),
        samples=found.samples,
        administers=found.administers,
        delivers=found.delivers,
        templates=found.templates,
        sentences=list(_sentences(found, app_name)),
    )


async def disconnect(desk: Desk, connection_id: str) -> None:
    """Erase a connection's secrets and end it; Conflict while an integration delivers through it.

    What works with it loses its configuration and waits for another connection; authorizations under way for it, its push
    heartbeat and its problems end.
    """

    def change(conn: Conn) -> Disconnected:
        row = queries.get_secret(conn, connection_id, lock=True)
        desk.require("connections.disconnect", desk.standing_on(row))
        done = disconnecting.disconnect(conn, connection_id, desk.operator.user, desk.now())
        desk.note(conn, Verb.DISCONNECTED, "connection", connection_id, row.name, _detail(row, done.uses))
        return done

    done = await desk.write(change, ("connection", connection_id))
    bus = desk.ctx.bus
    for problem_id in done.problems:
        bus.publish("problem.changed", problem_id)
    for noun, touched in (
        ("instance", done.uses.owners),
        ("integration", done.uses.administers),
        ("template", done.uses.templates),
    ):
        if touched:
            bus.publish(f"{noun}.changed", "")
    await desk.engine.refresh()


def _detail(row: ConnectionRow, found: Uses) -> dict[str, object]:
    """Return what the activity log says of it: whose it was, and what lost it."""
    said: dict[str, object] = {
        "owner": row.owner,
        "account": row.account,
        "tasks": found.count(InstanceKind.TASK),
        "proof_syncs": found.count(InstanceKind.PROOF),
        "administered": found.administers,
        "templates": found.templates,
    }
    return {name: value for name, value in said.items() if value}


def _sentences(found: Uses, app_name: str) -> Iterator[str]:
    if found.delivers:
        verb = "delivers" if len(found.delivers) == 1 else "deliver"
        yield (
            f"{', '.join(found.delivers)} {verb} through it: it cannot be disconnected before their environments have"
            " another connection."
        )
    yield ERASED
    if tasks := found.count(InstanceKind.TASK):
        yield (
            f"The connection configuration is lost for all of the {plural(tasks, 'task')} that"
            f" {_owners(found.owners[InstanceKind.TASK])} configured with it: they are not synced any more."
        )
        yield (
            f"To reconnect, open one of them and reconnect it: that fixes all other tasks of {app_name} by the same"
            " user."
        )
    if proof := found.count(InstanceKind.PROOF):
        yield f"The connection configuration is lost for {plural(proof, 'proof sync')}: nothing is collected any more."
        yield (
            "To go on, connect again and give each of them the new connection with Change connection, or add a new proof"
            " sync."
        )
    if found.administers:
        each = "it" if len(found.administers) == 1 else "them"
        yield (
            f"It is the admin connection of {', '.join(found.administers)}: no task is added to {each} before another"
            " one is chosen."
        )
    if found.templates:
        yield f"Repeating tasks that create with it need another connection: {', '.join(found.templates)}."


def _owners(owners: Mapping[str, int]) -> str:
    """Return `alice`, or `alice (2) and bob (1)`."""
    if len(owners) == 1:
        return next(iter(owners))
    told = [f"{owner} ({number:,})" for owner, number in owners.items()]
    return f"{', '.join(told[:-1])} and {told[-1]}"
