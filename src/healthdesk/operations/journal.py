"""Who did what, and the values kept for each operator."""

from __future__ import annotations

import json
import re
from typing import Any

from healthdesk.api.common import Page
from healthdesk.api.desk import Activity, Preference
from healthdesk.domain.addresses import redact_text
from healthdesk.errors import Malformed
from healthdesk.operations.desk import Desk
from healthdesk.operations.paging import cursor, to_page
from healthdesk.store import activity, preferences
from healthdesk.store.rows import ActivityRow

_PREFERENCE_KEY = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,99}")
_LARGEST_PREFERENCE = 16_384


async def list_activity(
    desk: Desk, user: str | None, object_id: str | None, after: str | None, limit: int
) -> Page[Activity]:
    """Return what was done, newest first."""
    desk.require("activity.list")
    rows = await desk.read(
        activity.page, user=user, object_id=object_id, after=cursor("act", after), limit=limit
    )
    return to_page(rows, _shown)


def _shown(row: ActivityRow) -> Activity:
    """Return an entry as it is shown: an address of before secrets were refused in them may stand in it."""
    entry = Activity.model_validate(row, from_attributes=True)
    return entry.model_copy(update={"detail": _without_secrets(entry.detail)})


def _without_secrets(value: Any) -> Any:
    if isinstance(value, dict):
        return {name: _without_secrets(each) for name, each in value.items()}
    if isinstance(value, list):
        return [_without_secrets(each) for each in value]
    return redact_text(value) if isinstance(value, str) else value


async def preference(desk: Desk, key: str) -> Preference:
    """Return a value kept for this operator; None when there is none."""
    desk.require("preferences.show")
    return Preference(value=await desk.read(preferences.get, desk.operator.user, _key(key)))


async def set_preference(desk: Desk, key: str, value: Any) -> None:
    """Keep a value for this operator. How somebody likes their lists is no activity of the desk."""
    desk.require("preferences.edit")
    if len(json.dumps(value)) > _LARGEST_PREFERENCE:
        raise Malformed(f"a value is at most {_LARGEST_PREFERENCE} bytes", field="value")
    await desk.ctx.store.write(preferences.put, desk.operator.user, _key(key), value, desk.now())


def _key(key: str) -> str:
    if not _PREFERENCE_KEY.fullmatch(key):
        raise Malformed("a key is 1 to 100 letters, digits, dots, dashes and underscores", field="key")
    return key
