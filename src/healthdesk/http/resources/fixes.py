"""Routes of fixes: what is sent instead of what was posted."""

from __future__ import annotations

from healthdesk.api.fixes import Fix, FixGiven, FixPreview, FixResend, MappingSave
from healthdesk.api.integrations import Integration
from healthdesk.api.records import RecordDetail
from healthdesk.http.route import Call, Route
from healthdesk.operations import fixes, problem_fixes


async def _preview(call: Call) -> FixPreview:
    return await fixes.preview_one(call.desk, call.path["id"], call.body(FixGiven))


async def _fix(call: Call) -> RecordDetail:
    return await fixes.fix_one(call.desk, call.path["id"], call.body(FixResend))


async def _unfix(call: Call) -> RecordDetail:
    return await fixes.unfix(call.desk, call.path["id"])


async def _list(call: Call) -> list[Fix]:
    return await fixes.list_of(call.desk, call.path["id"])


async def _preview_problem(call: Call) -> FixPreview:
    return await problem_fixes.preview_problem(call.desk, call.path["id"], call.body(FixGiven))


async def _save(call: Call) -> Integration:
    return await fixes.save_mapping(call.desk, call.path["id"], call.body(MappingSave))


_RECORD = "/v1/records/{id}"

ROUTES = (
    Route(
        "POST",
        _RECORD + "/fix/preview",
        "records.fix",
        "What a fix would send of one record; nothing is changed.",
        _preview,
        FixPreview,
        FixGiven,
    ),
    Route(
        "POST",
        _RECORD + "/fix",
        "records.fix",
        "Fix one record and resend it; the original and the author are kept.",
        _fix,
        RecordDetail,
        FixResend,
    ),
    Route(
        "POST",
        _RECORD + "/unfix",
        "records.fix",
        "Let a record be sent as it was posted again; nothing is resent.",
        _unfix,
        RecordDetail,
    ),
    Route("GET", _RECORD + "/fixes", "records.fix", "The fixes of a record, oldest first.", _list, list[Fix]),
    Route(
        "POST",
        "/v1/problems/{id}/fix/preview",
        "records.fix",
        "What a fix would send of a problem's newest record, and of how many it changes that.",
        _preview_problem,
        FixPreview,
        FixGiven,
    ),
    Route(
        "POST",
        "/v1/integrations/{id}/mapping",
        "integrations.mapping",
        "Keep steps and headers that worked on an environment, for all records from now on.",
        _save,
        Integration,
        MappingSave,
    ),
)
