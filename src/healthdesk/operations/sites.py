"""Where a connection leads: two of one site see the same issues."""

from __future__ import annotations

from urllib.parse import urlsplit

from healthdesk.operations.connection_fields import app_base_url
from healthdesk.operations.desk import Desk
from healthdesk.store.rows import ConnectionRow


def same_site(desk: Desk, one: ConnectionRow, other: ConnectionRow) -> bool:
    """Tell whether two connections of an app lead to one site.

    What the app told decides; where one of them was not checked yet, the host that is asked.
    """
    if one.app != other.app:
        return False
    told = [_told(each) for each in (one, other)]
    if all(told):
        return told[0] == told[1]
    return _host(desk, one) == _host(desk, other)


def site_of(desk: Desk, row: ConnectionRow) -> str:
    """Return the site of a connection for people: what the app told, else the host that is asked."""
    return _told(row) or _host(desk, row)


def _told(row: ConnectionRow) -> str:
    told = str((row.identity or {}).get("site") or "")
    return (urlsplit(told).netloc or told).casefold()


def _host(desk: Desk, row: ConnectionRow) -> str:
    base_url = row.base_url
    if not base_url and row.app in desk.ctx.apps:
        base_url = app_base_url(desk.ctx.apps.get(row.app).manifest, row.auth, row.settings)
    return urlsplit(base_url).netloc.casefold()
