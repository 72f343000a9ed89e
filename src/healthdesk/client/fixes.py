"""Calls about fixes: what is sent instead of what was posted."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from pydantic import TypeAdapter

from healthdesk.api.delivery import MappingStep
from healthdesk.api.fixes import Fix, FixGiven, FixPreview, FixResend, MappingSave
from healthdesk.api.integrations import Integration
from healthdesk.api.records import RecordDetail
from healthdesk.client.params import seg
from healthdesk.client.transport import LONG_TIMEOUT_S, Transport
from healthdesk.domain.states import Environment

_PREVIEW = TypeAdapter(FixPreview)
_DETAIL = TypeAdapter(RecordDetail)
_FIXES = TypeAdapter(list[Fix])
_INTEGRATION = TypeAdapter(Integration)


class FixCalls:
    """Fix one record, see what a fix does, and keep a mapping that works. All of a problem is fixed by a job."""

    _http: Transport

    async def record_fix_preview(self, record_id: str, fix: FixGiven) -> FixPreview:
        """What a fix would send of one record; nothing is changed."""
        path = f"/v1/records/{seg(record_id)}/fix/preview"
        return await self._http.call(_PREVIEW, "POST", path, body=fix)

    async def record_fix(self, record_id: str, fix: FixResend) -> RecordDetail:
        """Fix one record, and resend it unless the fix says otherwise."""
        return await self._http.call(_DETAIL, "POST", f"/v1/records/{seg(record_id)}/fix", body=fix)

    async def record_unfix(self, record_id: str) -> RecordDetail:
        """Let the record be sent as it was posted again; nothing is resent."""
        return await self._http.call(_DETAIL, "POST", f"/v1/records/{seg(record_id)}/unfix")

    async def record_fixes(self, record_id: str) -> list[Fix]:
        """The fixes that were made of a record, oldest first."""
        return await self._http.call(_FIXES, "GET", f"/v1/records/{seg(record_id)}/fixes")

    async def problem_fix_preview(self, problem_id: str, fix: FixGiven) -> FixPreview:
        """What a fix would send of a problem's newest record, and how many of the problem it changes."""
        path = f"/v1/problems/{seg(problem_id)}/fix/preview"
        return await self._http.call(_PREVIEW, "POST", path, body=fix, timeout_s=LONG_TIMEOUT_S)

    async def integration_mapping_save(
        self,
        integration_id: str,
        environment: Environment,
        mapping: Sequence[MappingStep],
        headers: Mapping[str, str] | None = None,
    ) -> Integration:
        """Put steps before the mapping of an environment, and headers to its own, for all records from now on."""
        body = MappingSave(environment=environment, mapping=list(mapping), headers=dict(headers or {}))
        path = f"/v1/integrations/{seg(integration_id)}/mapping"
        return await self._http.call(_INTEGRATION, "POST", path, body=body)
