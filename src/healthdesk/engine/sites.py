"""Where a connection leads: two of one site see the same issues."""

from __future__ import annotations

from collections.abc import Mapping
from urllib.parse import urlsplit

from healthdesk.connectors.registry import Registry
from healthdesk.connectors.spec import Manifest
from healthdesk.connectors.texts import rendered
from healthdesk.errors import ConnectorError
from healthdesk.store.rows import ConnectionRow


def same_site(apps: Registry, one: ConnectionRow, other: ConnectionRow) -> bool:
    """Tell whether two connections of an app lead to one site.

    What the app told decides; where one of them was not checked yet, the host that is asked.
    """
    if one.app != other.app:
        return False
    told = [_told(each) for each in (one, other)]
    if all(told):
        return told[0] == told[1]
    return _host(apps, one) == _host(apps, other)


def site_of(apps: Registry, row: ConnectionRow) -> str:
    """Return the site of a connection for people: what the app told, else the host that is asked."""
    return _told(row) or _host(apps, row)


def app_base_url(manifest: Manifest, auth: str, settings: Mapping[str, str]) -> str:
    """Return where an app lives by its manifest, for people; empty where only a token tells."""
    method = manifest.method(auth)
    template = (method.base_url if method else "") or manifest.base_url
    try:
        return rendered(template, settings, "the base URL")
    except ConnectorError:
        return ""


def _told(row: ConnectionRow) -> str:
    told = str((row.identity or {}).get("site") or "")
    return (urlsplit(told).netloc or told).casefold()


def _host(apps: Registry, row: ConnectionRow) -> str:
    base_url = row.base_url
    if not base_url and row.app in apps:
        base_url = app_base_url(apps.get(row.app).manifest, row.auth, row.settings)
    return urlsplit(base_url).netloc.casefold()
