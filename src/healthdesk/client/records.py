"""Calls about records and callbacks."""

from __future__ import annotations

from collections.abc import Sequence

from pydantic import TypeAdapter

from healthdesk.api.callbacks import Callback, CallbackDetail, CallbackFilter
from healthdesk.api.common import Count, Page
from healthdesk.api.jobs import Job, JobPlan
from healthdesk.api.ledger import Ledger, LedgerQuery
from healthdesk.api.records import (
    Accepted,
    Attempt,
    AttemptDetail,
    Direction,
    OperatorRecordCreate,
    Order,
    RecordDetail,
    RecordFilter,
    RecordPage,
)
from healthdesk.api.resends import ResendAll, ResendMarked, ResendOne, Resent
from healthdesk.client.params import callback_filter, optional, paging, record_filter, seg
from healthdesk.client.transport import LONG_TIMEOUT_S, Transport, encode

_PAGE = TypeAdapter(RecordPage)
_COUNT = TypeAdapter(Count)
_DETAIL = TypeAdapter(RecordDetail)
_ACCEPTED = TypeAdapter(Accepted)
_ATTEMPTS = TypeAdapter(Page[Attempt])
_ATTEMPT = TypeAdapter(AttemptDetail)
_RESENT = TypeAdapter(Resent)
_PLAN = TypeAdapter(JobPlan)
_JOB = TypeAdapter(Job)
_LEDGER = TypeAdapter(Ledger)
_CALLBACKS = TypeAdapter(Page[Callback])
_CALLBACK = TypeAdapter(CallbackDetail)

EVERYTHING = RecordFilter()


class RecordCalls:
    """The log, its records and attempts, resends, the ledger, and callbacks."""

    _http: Transport

    async def records_list(
        self,
        chosen: RecordFilter = EVERYTHING,
        *,
        after: str | None = None,
        limit: int = 50,
        direction: Direction = "newest",
        order: Order | None = None,
    ) -> RecordPage:
        """A page of the log; one that is short and has `next` goes on after it."""
        query = record_filter(chosen) + paging(after, limit, direction) + optional(order=order)
        return await self._http.call(_PAGE, "GET", "/v1/records", query=query)

    async def records_count(self, chosen: RecordFilter = EVERYTHING, *, exact: bool = False) -> Count:
        """How many records the filter matches; `exact` counts past the limit."""
        query = record_filter(chosen)
        if exact:
            query.append(("exact", "true"))
        return await self._http.call(
            _COUNT, "GET", "/v1/records/count", query=query, timeout_s=LONG_TIMEOUT_S
        )

    async def record_create(self, new: OperatorRecordCreate, *, data_json: bytes | None = None) -> Accepted:
        """Add a record. `data_json` is sent byte for byte in place of `new.data`."""
        body = encode(new)
        if data_json is not None:
            body = encode(new, without="data")[:-1] + b', "data": ' + data_json + b"}"
        return await self._http.call(_ACCEPTED, "POST", "/v1/records", body=body)

    async def record(self, record_id: str) -> RecordDetail:
        """One record with everything its window shows, values masked."""
        return await self._http.call(_DETAIL, "GET", f"/v1/records/{seg(record_id)}")

    async def record_reveal(self, record_id: str) -> RecordDetail:
        """One record with its values in clear; the activity log says who looked."""
        return await self._http.call(_DETAIL, "POST", f"/v1/records/{seg(record_id)}/reveal")

    async def record_attempts(
        self, record_id: str, *, after: str | None = None, limit: int = 50
    ) -> Page[Attempt]:
        """Attempts of a record."""
        path = f"/v1/records/{seg(record_id)}/attempts"
        return await self._http.call(_ATTEMPTS, "GET", path, query=paging(after, limit))

    async def record_attempt(self, record_id: str, attempt_id: str) -> AttemptDetail:
        """One attempt with its bodies."""
        path = f"/v1/records/{seg(record_id)}/attempts/{seg(attempt_id)}"
        return await self._http.call(_ATTEMPT, "GET", path)

    async def record_attempt_reveal(self, record_id: str, attempt_id: str) -> AttemptDetail:
        """One attempt with its values in clear; the activity log says who looked."""
        path = f"/v1/records/{seg(record_id)}/attempts/{seg(attempt_id)}/reveal"
        return await self._http.call(_ATTEMPT, "POST", path)

    async def record_resend(
        self,
        record_id: str,
        *,
        new_webhook_id: bool = False,
        delivered_too: bool = False,
        asked_too: bool = False,
    ) -> Resent:
        """Resend one record."""
        body = ResendOne(new_webhook_id=new_webhook_id, delivered_too=delivered_too, asked_too=asked_too)
        return await self._http.call(_RESENT, "POST", f"/v1/records/{seg(record_id)}/resend", body=body)

    async def records_resend(
        self,
        ids: Sequence[str],
        *,
        new_webhook_id: bool = False,
        delivered_too: bool = False,
        asked_too: bool = False,
        dry_run: bool = False,
    ) -> Resent:
        """Resend these records in one transaction; or what that would do, with nothing changed."""
        body = ResendMarked(
            ids=list(ids),
            new_webhook_id=new_webhook_id,
            delivered_too=delivered_too,
            asked_too=asked_too,
            dry_run=dry_run,
        )
        return await self._http.call(
            _RESENT, "POST", "/v1/records/resend", body=body, timeout_s=LONG_TIMEOUT_S
        )

    async def records_resend_plan(self, chosen: RecordFilter) -> JobPlan:
        """What resending all that the filter matches will do; nothing is changed."""
        body = ResendAll(filter=chosen, dry_run=True)
        return await self._http.call(
            _PLAN, "POST", "/v1/records/resend-all", body=body, timeout_s=LONG_TIMEOUT_S
        )

    async def records_resend_all(self, chosen: RecordFilter, *, expect: int) -> Job:
        """Begin a careful job over all that the filter matches, if that still is `expect` records."""
        body = ResendAll(filter=chosen, expect=expect)
        return await self._http.call(
            _JOB, "POST", "/v1/records/resend-all", body=body, timeout_s=LONG_TIMEOUT_S
        )

    async def ledger(self, chosen: LedgerQuery | None = None) -> Ledger:
        """Totals by state, and whether they balance; of a period line by line."""
        query = optional(**chosen.model_dump()) if chosen else []
        return await self._http.call(_LEDGER, "GET", "/v1/ledger", query=query, timeout_s=LONG_TIMEOUT_S)

    async def callbacks_list(
        self, chosen: CallbackFilter | None = None, *, after: str | None = None, limit: int = 50
    ) -> Page[Callback]:
        """Callbacks, newest first."""
        query = (callback_filter(chosen) if chosen else []) + paging(after, limit)
        return await self._http.call(_CALLBACKS, "GET", "/v1/callbacks", query=query)

    async def callback(self, callback_id: str) -> CallbackDetail:
        """One callback with headers and body."""
        return await self._http.call(_CALLBACK, "GET", f"/v1/callbacks/{seg(callback_id)}")

    async def callback_reveal(self, callback_id: str) -> CallbackDetail:
        """One callback with its values in clear; the activity log says who looked."""
        return await self._http.call(_CALLBACK, "POST", f"/v1/callbacks/{seg(callback_id)}/reveal")

    async def callback_reprocess(self, callback_id: str) -> CallbackDetail:
        """Process an accepted callback again."""
        return await self._http.call(_CALLBACK, "POST", f"/v1/callbacks/{seg(callback_id)}/reprocess")
