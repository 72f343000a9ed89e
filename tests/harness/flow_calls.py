"""Calls of the client about circuits and silence, as `client_calls` has them."""

from healthdesk.api.flow import CircuitChange, Silence
from healthdesk.domain.states import Environment
from tests.harness import wire

FLOW_CALLS = {
    "circuit": (
        lambda c: c.integration_circuit("int_1", CircuitChange(environment=Environment.TESTING, do="probe")),
        "POST /v1/integrations/int_1/circuit",
        wire.integration(),
        {"environment": "testing", "do": "probe"},
    ),
    "silence": (
        lambda c: c.source_silence("heart", Silence(integration_id="int_1", after_s=3600)),
        "POST /v1/sources/heart/silence",
        wire.source(),
        {"integration_id": "int_1", "after_s": 3600.0},
    ),
}
