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


_WORST_FIRST = (
    ("connections_failing", "connection", "failing"),
    ("records_failed", "record", "failed"),
    ("tasks_failed", "task", "failed"),
    ("proof_failed", "proof sync", "failed"),
    ("records_unknown", "record", "of unknown fate"),
    ("alerts_failed", "alert", "not sent"),
    ("connections_suspect", "connection", "being checked again"),
    ("records_held", "record", "held"),
)
"""Counts that need somebody, each with what is counted and what is so of it."""


def worst_first(counts: Mapping[str, int], *, writable: bool, offline: bool = False) -> str:
    """Return the one sentence for the top of every screen."""
    of_the_desk = {
        "The database cannot be written": not writable,
        "The desk is offline: nothing is judged": offline,
    }
    parts = [sentence for sentence, so in of_the_desk.items() if so]
    parts += [
        f"{plural(number, noun)} {state}"
        for name, noun, state in _WORST_FIRST
        if (number := counts.get(name, 0))
    ]
    if not parts and (problems := counts.get("problems_open", 0)):
        parts.append(f"{plural(problems, 'problem')} open")
    if parts:
        return " · ".join(parts)
    total = counts.get("connections", 0)
    if total == 0:
        return "No connections yet"
    return "The connection is healthy" if total == 1 else f"All {total:,} connections healthy"
