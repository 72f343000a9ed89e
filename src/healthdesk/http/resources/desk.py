"""Routes of the desk itself: status, activity, preferences."""

from __future__ import annotations

from healthdesk.api.common import Page
from healthdesk.api.desk import Activity, Preference, Status
from healthdesk.http.query import ActivityList
from healthdesk.http.route import Call, Route
from healthdesk.operations import journal, status


async def _status(call: Call) -> Status:
    return await status.show(call.desk)


async def _activity(call: Call) -> Page[Activity]:
    query = call.query(ActivityList)
    return await journal.list_activity(call.desk, query.user, query.object_id, query.after, query.limit)


async def _preference(call: Call) -> Preference:
    return await journal.preference(call.desk, call.path["key"])


async def _set_preference(call: Call) -> None:
    await journal.set_preference(call.desk, call.path["key"], call.body(Preference).value)


ROUTES = (
    Route("GET", "/v1/status", "status.show", "How the desk is, and who is asking.", _status, Status),
    Route(
        "GET",
        "/v1/activity",
        "activity.list",
        "Who did what, newest first.",
        _activity,
        Page[Activity],
        query=ActivityList,
    ),
    Route(
        "GET",
        "/v1/preferences/{key}",
        "preferences.show",
        "A value kept for this operator; null when there is none.",
        _preference,
        Preference,
    ),
    Route(
        "PUT",
        "/v1/preferences/{key}",
        "preferences.edit",
        "Keep a value for this operator.",
        _set_preference,
        input=Preference,
        status=204,
    ),
)
