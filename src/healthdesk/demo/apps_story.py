"""The apps' part of the headless story: tokens are revoked, GitLab fails, and everything is well again in the end."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import UTC, datetime

from healthdesk.demo.connecting import PLANNED, renew
from healthdesk.demo.running import RunningDemo
from healthdesk.domain.states import ConnectionState, ErrorKind


@dataclass(slots=True)
class Seen:
    """How many apps are connected in the end, their checks `since`, and the credentials that end within 30 days."""

    connections: int = 0
    checks: int = 0
    expiring: int = 0
    since: datetime = field(default_factory=lambda: datetime.now(UTC))

    def as_json(self) -> dict[str, int]:
        """Return the members of the closing object."""
        return {"connections": self.connections, "checks": self.checks, "expiring": self.expiring}


async def look_at_broken(demo: RunningDemo) -> list[str]:
    """Check every app now that all is broken; return, in words, what the desk did not notice."""
    wrong = []
    for app in PLANNED:
        await demo.client.connection_check(demo.setup.connected.ids[app])
    for app in ("jira", "slack"):
        wrong += await _unnoticed_refusal(demo, app)
    gitlab = await demo.client.connection(demo.setup.connected.ids["gitlab"])
    if gitlab.state is not ConnectionState.SUSPECT:
        wrong.append(f"GitLab answered 503 and is {gitlab.state_word}")
    return wrong


async def _unnoticed_refusal(demo: RunningDemo, app: str) -> list[str]:
    """Say that a revoked token was not noticed, or nothing where its evidence is complete."""
    found = await demo.client.connection_evidence(demo.setup.connected.ids[app])
    if (
        found.state is ConnectionState.FAILING
        and found.last_good is not None
        and found.first_bad is not None
        and found.first_bad.kind == ErrorKind.AUTHENTICATION
    ):
        return []
    return [f"{PLANNED[app].name} revoked its token and the desk says: {found.state.value} {found.sentence}"]


async def look_at_mended(demo: RunningDemo, seen: Seen) -> list[str]:
    """Give Jira its new token, check the others, and count; return, in words, what is not well."""
    client, connected = demo.client, demo.setup.connected
    await renew(client, connected, "jira")
    wrong = []
    for app, connection_id in connected.ids.items():
        after = await client.connection_check(connection_id)
        checks = (await client.connection_heartbeats(connection_id, limit=500)).items
        seen.checks += sum(each.at >= seen.since for each in checks)
        if after.state is ConnectionState.CONNECTED:
            seen.connections += 1
        else:
            wrong.append(f"{PLANNED[app].name} is mended and {after.state_word}")
    seen.expiring = len((await client.connections_expiring(within_days=30)).items)
    if not seen.expiring:
        wrong.append("GitHub's token ends in 6 days and the desk does not know it")
    return wrong
