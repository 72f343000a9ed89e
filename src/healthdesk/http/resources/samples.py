"""Routes of sample data, the probe of an environment, and promoting testing to production."""

from __future__ import annotations

from healthdesk.api.integrations import ChangedIntegration
from healthdesk.api.jobs import Job
from healthdesk.api.samples import Probe, Probed, Promote, Promotion, SamplePlan, SampleSend
from healthdesk.http.route import Call, Route
from healthdesk.operations import probing, promoting, samples


async def _send(call: Call) -> SamplePlan | Job:
    choice = call.body(SampleSend)
    if choice.dry_run:
        return await samples.plan(call.desk, choice)
    return await samples.send(call.desk, choice)


async def _test(call: Call) -> Probed:
    return await probing.probe(call.desk, call.path["id"], call.body(Probe))


async def _promotion(call: Call) -> Promotion:
    return await promoting.promotion(call.desk, call.path["id"])


async def _promote(call: Call) -> ChangedIntegration:
    return await promoting.promote(call.desk, call.path["id"], call.body(Promote))


_ONE = "/v1/integrations/{id}"

ROUTES = (
    Route(
        "POST",
        "/v1/samples",
        "samples.send",
        "Send one sample for each level of each source as a job, or with `dry_run` say what that will send.",
        _send,
        SamplePlan | Job,
        SampleSend,
    ),
    Route(
        "POST",
        _ONE + "/test",
        "integrations.test",
        "Send one signed probe to an environment's endpoint and answer the exchange; no record is stored.",
        _test,
        Probed,
        Probe,
    ),
    Route(
        "GET",
        _ONE + "/promotion",
        "integrations.show",
        "What testing and production have differently, and what of it promoting copies.",
        _promotion,
        Promotion,
    ),
    Route(
        "POST",
        _ONE + "/promote",
        "integrations.promote",
        "Copy testing's settings to production, as they were compared; credentials stay.",
        _promote,
        ChangedIntegration,
        Promote,
    ),
)
