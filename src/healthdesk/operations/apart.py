"""Testing apart from production: what is tried in the one never reaches the other's system."""

from __future__ import annotations

from collections.abc import Collection

from healthdesk.connectors.urls import join_url
from healthdesk.domain.masking import redact_url
from healthdesk.domain.states import Environment
from healthdesk.errors import Malformed
from healthdesk.store.rows import EnvironmentRow, IntegrationRow

SHARED = "testing and production deliver through one connection, and nothing of testing may reach production"
OWN_CONNECTION = (
    "give testing a connection of its own: `healthdesk connections add` makes one, with the address and the credentials"
    " of the testing system"
)


def refuse_shared(row: IntegrationRow, given: Collection[Environment]) -> None:
    """Raise Malformed where environments share the connection that one of them is `given` now."""
    if given and len({each.connection_id for each in row.environments}) < len(row.environments):
        which = Environment.TESTING if Environment.TESTING in given else Environment.PRODUCTION
        raise Malformed(SHARED, field=f"{which.value}.connection_id", fix=OWN_CONNECTION)


def apart_notes(environments: Collection[EnvironmentRow]) -> list[str]:
    """Return what to see to where both environments reach one address: through one connection, or through two."""
    if len(environments) < 2:
        return []
    if len({each.connection_id for each in environments}) == 1:
        return [f"{SHARED[:1].upper()}{SHARED[1:]}: {OWN_CONNECTION}."]
    return same_url_notes(*((each.base_url, each.path) for each in environments))


def same_url_notes(one: tuple[str, str], other: tuple[str, str]) -> list[str]:
    """Return what to see to where base URL and path of both come to one URL."""
    url = join_url(*one)
    told = "only the accounts of their connections tell apart what is tried from what is real"
    same = f"Testing and production deliver to the same URL, {redact_url(url)}: {told}."
    return [same] if url == join_url(*other) else []
