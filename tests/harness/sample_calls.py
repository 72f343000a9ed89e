"""Every client call about samples, probes and promoting, as the client's test and the route table check it."""

from __future__ import annotations

from typing import Any

from healthdesk.api.samples import Probe, Probed, Promote, Promotion, SettingChange
from tests.harness import wire

SAMPLE_CALLS: dict[str, Any] = {
    "integration test": (
        lambda c: c.integration_test("int_1", Probe()),
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
