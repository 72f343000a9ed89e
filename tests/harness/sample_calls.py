"""Every client call about samples, probes, promoting and set-ups, as the client's test and the route table check it."""

from __future__ import annotations

from typing import Any

from healthdesk.api.jobs import Job
from healthdesk.api.samples import (
    Probe,
    Probed,
    Promote,
    Promotion,
    SampleOf,
    SamplePlan,
    SampleSend,
    SettingChange,
)
from healthdesk.api.setup import SetupApplied, SetupGiven, SetupPlan
from healthdesk.domain.job_states import JobItemState, JobKind, JobStage, JobState
from healthdesk.domain.states import Environment
from tests.harness import wire

PLAN = SamplePlan(
    integration_id="int_1",
    integration_name="CRM",
    environment=Environment.TESTING,
    endpoint="https://crm.acme.io/v2/hra",
    total=3,
    sources=[
        SampleOf(source="heart-health", name="Heart health", levels=["low", "moderate", "high"], records=3),
        SampleOf(source="sleep", name="Sleep", skipped="not enabled for CRM"),
    ],
    warning="Samples use sample values.",
)

SAMPLE_CALLS: dict[str, Any] = {
    "setup export": (lambda c: c.setup_export(), "GET /v1/setup", "healthdesk = 1\n", None),
    "setup plan": (
        lambda c: c.setup_plan(SetupGiven(text="healthdesk = 1")),
        "POST /v1/setup",
        SetupPlan(changes=[], version="1a"),
        {"text": "healthdesk = 1", "version": ""},
    ),
    "setup import": (
        lambda c: c.setup_import(
            SetupGiven(text="healthdesk = 1", secrets={"channels.Ops.url": "json://x"}), "1a"
        ),
        "POST /v1/setup",
        SetupApplied(changes=[], version="1a"),
        {"text": "healthdesk = 1", "secrets": {"channels.Ops.url": "json://x"}, "version": "1a"},
    ),
    "sample plan": (
        lambda c: c.sample_plan(SampleSend(integration_id="int_1")),
        "POST /v1/samples",
        PLAN,
        {"integration_id": "int_1", "dry_run": True},
    ),
    "sample send": (
        lambda c: c.sample_send(SampleSend(integration_id="int_1", sources=["heart-health"])),
        "POST /v1/samples",
        Job(
            id="job_1",
            kind=JobKind.SAMPLE,
            state=JobState.RUNNING,
            stage=JobStage.REST,
            total=3,
            counts={JobItemState.SENT: 3},
            created_at=wire.NOW,
            created_by="alice",
        ),
        {"integration_id": "int_1", "sources": ["heart-health"]},
    ),
    "integration test": (
        lambda c: c.integration_test("int_1", Probe(environment=Environment.TESTING)),
        "POST /v1/integrations/int_1/test",
        Probed(ok=True, sentence="The endpoint accepted the signed probe (200)."),
        {"environment": "testing"},
    ),
    "promotion": (
        lambda c: c.integration_promotion("int_1"),
        "GET /v1/integrations/int_1/promotion",
        Promotion(
            changes=[SettingChange(name="path", testing="/v2", production="/v1")], copied=1, version="1a"
        ),
        None,
    ),
    "promote": (
        lambda c: c.integration_promote("int_1", Promote(version="1a", connection_id="con_1")),
        "POST /v1/integrations/int_1/promote",
        wire.changed_integration(new_signing_secrets=[wire.new_secret()]),
        {"version": "1a", "connection_id": "con_1"},
    ),
}
