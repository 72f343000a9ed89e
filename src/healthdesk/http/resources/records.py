"""Routes of records, their attempts and resends, and of callbacks."""

from __future__ import annotations

from healthdesk.api.callbacks import Callback, CallbackDetail, CallbackFilter
from healthdesk.api.common import Count, Page
from healthdesk.api.jobs import Job, JobCreate, JobPlan
from healthdesk.api.ledger import Ledger, LedgerQuery
from healthdesk.api.records import (
    Accepted,
    Attempt,
    AttemptDetail,
    OperatorRecordCreate,
    RecordDetail,
    RecordPage,
)
from healthdesk.api.resends import ResendAll, ResendMarked, ResendOne, Resent
from healthdesk.http.query import CallbackList, Paging, RecordCount, RecordList
from healthdesk.http.route import Call, Route
from healthdesk.operations import callbacks, jobs, records, resends


async def _list(call: Call) -> RecordPage:
    query = call.query(RecordList)
    return await records.list_all(
        call.desk, query.chosen(), query.after, query.limit, query.direction, query.order
    )


async def _count(call: Call) -> Count:
    query = call.query(RecordCount)
    return await records.count(call.desk, query.chosen(), exact=query.exact)


async def _add(call: Call) -> Accepted:
    return await records.add(call.desk, call.body(OperatorRecordCreate), call.raw)


async def _show(call: Call) -> RecordDetail:
    return await records.show(call.desk, call.path["id"])


async def _reveal(call: Call) -> RecordDetail:
    return await records.reveal(call.desk, call.path["id"])


async def _attempts(call: Call) -> Page[Attempt]:
    page = call.query(Paging)
    return await records.attempts(call.desk, call.path["id"], page.after, page.limit)


async def _attempt(call: Call) -> AttemptDetail:
    return await records.attempt(call.desk, call.path["id"], call.path["attempt_id"])


async def _reveal_attempt(call: Call) -> AttemptDetail:
    return await records.reveal_attempt(call.desk, call.path["id"], call.path["attempt_id"])


async def _resend(call: Call) -> Resent:
    return await resends.one(call.desk, call.path["id"], call.body(ResendOne))


async def _resend_marked(call: Call) -> Resent:
    return await resends.marked(call.desk, call.body(ResendMarked))


async def _resend_all(call: Call) -> JobPlan | Job:
    given = call.body(ResendAll)
    choice = JobCreate(filter=given.filter, expect=given.expect)
    return await (jobs.plan(call.desk, choice) if given.dry_run else jobs.create(call.desk, choice))


async def _ledger(call: Call) -> Ledger:
    return await records.ledger(call.desk, call.query(LedgerQuery))


async def _callbacks(call: Call) -> Page[Callback]:
    query = call.query(CallbackList)
    chosen = CallbackFilter(
        integration_id=query.integration_id,
        connection_id=query.connection_id,
        states=query.state,
        arrived_from=query.arrived_from,
        arrived_to=query.arrived_to,
    )
    return await callbacks.list_all(call.desk, chosen, query.after, query.limit, query.direction)


async def _callback(call: Call) -> CallbackDetail:
    return await callbacks.show(call.desk, call.path["id"])


async def _reveal_callback(call: Call) -> CallbackDetail:
    return await callbacks.reveal(call.desk, call.path["id"])


async def _reprocess(call: Call) -> CallbackDetail:
    return await callbacks.reprocess(call.desk, call.path["id"])


_ONE = "/v1/records/{id}"

ROUTES = (
    Route(
        "GET",
        "/v1/records",
        "records.list",
        "A page of the log, filtered.",
        _list,
        RecordPage,
        query=RecordList,
    ),
    Route(
        "GET",
        "/v1/records/count",
        "records.count",
        "How many records the filter matches; told from about 10,000 unless `exact` is asked for.",
        _count,
        Count,
        query=RecordCount,
    ),
    Route(
        "POST",
        "/v1/records",
        "records.add",
        "Add a record; `data` is kept byte for byte.",
        _add,
        Accepted,
        OperatorRecordCreate,
        status=202,
    ),
    Route(
        "POST",
        "/v1/records/resend",
        "records.resend",
        "Resend these records in one transaction.",
        _resend_marked,
        Resent,
        ResendMarked,
    ),
    Route(
        "POST",
        "/v1/records/resend-all",
        "records.resend_all",
        "Resend all that the filter matches, as a careful job, or with `dry_run` say what that will do.",
        _resend_all,
        JobPlan | Job,
        ResendAll,
    ),
    Route("GET", _ONE, "records.show", "One record, values masked.", _show, RecordDetail),
    Route(
        "POST",
        _ONE + "/reveal",
        "records.reveal",
        "One record with its values in clear; the activity log says who looked.",
        _reveal,
        RecordDetail,
    ),
    Route(
        "GET",
        _ONE + "/attempts",
        "records.attempts",
        "Attempts of a record, oldest first.",
        _attempts,
        Page[Attempt],
        query=Paging,
    ),
    Route(
        "GET",
        _ONE + "/attempts/{attempt_id}",
        "records.attempts",
        "One attempt with its bodies, values masked.",
        _attempt,
        AttemptDetail,
    ),
    Route(
        "POST",
        _ONE + "/attempts/{attempt_id}/reveal",
        "records.reveal",
        "One attempt with its values in clear; the activity log says who looked.",
        _reveal_attempt,
        AttemptDetail,
    ),
    Route("POST", _ONE + "/resend", "records.resend", "Resend one record.", _resend, Resent, ResendOne),
    Route(
        "GET",
        "/v1/ledger",
        "ledger.show",
        "Totals by state, and whether they balance; of a period line by line.",
        _ledger,
        Ledger,
        query=LedgerQuery,
    ),
    Route(
        "GET",
        "/v1/callbacks",
        "callbacks.list",
        "Callbacks, newest first.",
        _callbacks,
        Page[Callback],
        query=CallbackList,
    ),
    Route(
        "GET",
        "/v1/callbacks/{id}",
        "callbacks.show",
        "One callback with headers and body, values masked.",
        _callback,
        CallbackDetail,
    ),
    Route(
        "POST",
        "/v1/callbacks/{id}/reveal",
        "callbacks.reveal",
        "The callback with its values in clear; the activity log says who looked.",
        _reveal_callback,
        CallbackDetail,
    ),
    Route(
        "POST",
        "/v1/callbacks/{id}/reprocess",
        "callbacks.reprocess",
        "Process a callback again.",
        _reprocess,
        CallbackDetail,
    ),
)
