"""Calls about sample data, the probe of a configuration, and promoting testing to production."""

from __future__ import annotations

from pydantic import TypeAdapter

from healthdesk.api.integrations import ChangedIntegration
from healthdesk.api.jobs import Job
from healthdesk.api.samples import Probe, Probed, Promote, Promotion, SamplePlan, SampleSend
from healthdesk.client.params import seg
from healthdesk.client.transport import LONG_TIMEOUT_S, Transport

_PLAN = TypeAdapter(SamplePlan)
_JOB = TypeAdapter(Job)
_PROBED = TypeAdapter(Probed)
_PROMOTION = TypeAdapter(Promotion)
_CHANGED = TypeAdapter(ChangedIntegration)


class SampleCalls:
    """What is tried before launch."""

    _http: Transport

    async def sample_plan(self, new: SampleSend) -> SamplePlan:
        """What sending samples would do; nothing is sent."""
        body = new.model_copy(update={"dry_run": True})
        return await self._http.call(_PLAN, "POST", "/v1/samples", body=body)

    async def sample_send(self, new: SampleSend) -> Job:
        """Send sample data; the job tells how far it is."""
        return await self._http.call(_JOB, "POST", "/v1/samples", body=new, timeout_s=LONG_TIMEOUT_S)

    async def integration_test(self, integration_id: str, probe: Probe) -> Probed:
        """Send one signed probe to an environment's endpoint; no record is made."""
        path = f"/v1/integrations/{seg(integration_id)}/test"
        return await self._http.call(_PROBED, "POST", path, body=probe, timeout_s=LONG_TIMEOUT_S)

    async def integration_promotion(self, integration_id: str) -> Promotion:
        """What promoting testing to production would change."""
        return await self._http.call(_PROMOTION, "GET", f"/v1/integrations/{seg(integration_id)}/promotion")

    async def integration_promote(self, integration_id: str, new: Promote) -> ChangedIntegration:
        """Copy the testing environment's settings to production, as they were shown; the secrets of a new production are shown this once."""
        path = f"/v1/integrations/{seg(integration_id)}/promote"
        return await self._http.call(_CHANGED, "POST", path, body=new)
