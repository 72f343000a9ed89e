"""The desk at a glance: the sentence that matters, and the numbers behind it."""

from __future__ import annotations

from collections.abc import Mapping

from healthdesk import __version__
from healthdesk.api import API_VERSION
from healthdesk.api.desk import Status, You
from healthdesk.operations.desk import Desk
from healthdesk.operations.explain import plural
from healthdesk.operations.writable import writable_of
from healthdesk.store import daemons
from healthdesk.store import desk as queries


async def show(desk: Desk) -> Status:
    """Return how the desk is, and who is asking."""
    desk.require("status.show")
    ctx, now = desk.ctx, desk.now()
    counts = await desk.read(queries.counts, now)
    error = await writable_of(desk.engine).error()
    running = await desk.read(daemons.running, now)
    offline_since = desk.engine.heartbeats.sentinels.offline_since
    return Status(
        version=__version__,
        api_version=API_VERSION,
        daemon_id=ctx.daemon_id,
        started_at=next((row.started_at for row in running if row.id == ctx.daemon_id), now),
        now=now,
        database=ctx.store.dialect,
        writable=error is None,
        offline_since=offline_since,
        public_url=ctx.config.server.public_url,
        you=You(user=desk.operator.user, role=desk.operator.role),
        sentence=worst_first(counts, writable=error is None, offline=offline_since is not None),
        counts=dict(counts),
        administrators=desk.administrators(),
        connectors_left_out=[error.what for error in ctx.apps.refused],
    )


def worst_first(counts: Mapping[str, int], *, writable: bool, offline: bool = False) -> str:
    """Return the one sentence for the top of every screen."""

    def number(name: str) -> int:
        return counts.get(name, 0)

    of_the_desk = {
        "The database cannot be written": not writable,
        "The desk is offline: nothing is judged": offline,
    }
    parts = [sentence for sentence, so in of_the_desk.items() if so]
    if failing := number("connections_failing"):
        parts.append(f"{plural(failing, 'connection')} failing")
    if failed := number("records_failed"):
        parts.append(f"{plural(failed, 'record')} failed")
    if unknown := number("records_unknown"):
        parts.append(f"{plural(unknown, 'record')} of unknown fate")
    if alerts := number("alerts_failed"):
        parts.append(f"{plural(alerts, 'alert')} not sent")
    if suspect := number("connections_suspect"):
        parts.append(f"{plural(suspect, 'connection')} being checked again")
    if held := number("records_held"):
        parts.append(f"{plural(held, 'record')} held")
    if not parts and (problems := number("problems_open")):
        parts.append(f"{plural(problems, 'problem')} open")
    if parts:
        return " · ".join(parts)
    total = number("connections")
    if total == 0:
        return "No connections yet"
    return "The connection is healthy" if total == 1 else f"All {total:,} connections healthy"
