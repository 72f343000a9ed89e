"""Routes of what keeps deliveries in check: circuits, and sources that send nothing."""

from __future__ import annotations

from healthdesk.api.flow import CircuitChange, Silence
from healthdesk.api.integrations import Integration
from healthdesk.api.sources import Source
from healthdesk.http.route import Call, Route
from healthdesk.operations import circuits, silence


async def _circuit(call: Call) -> Integration:
    return await circuits.change(call.desk, call.path["id"], call.body(CircuitChange))


async def _silence(call: Call) -> Source:
    return await silence.set_silence(call.desk, call.path["id"], call.body(Silence))


ROUTES = (
    Route(
        "POST",
        "/v1/integrations/{id}/circuit",
        "integrations.circuit",
        "Close, probe or open the circuit of an environment.",
        _circuit,
        Integration,
        CircuitChange,
    ),
    Route(
        "POST",
        "/v1/sources/{id}/silence",
        "sources.silence",
        "Say when a source's silence is a problem, by id or key.",
        _silence,
        Source,
        Silence,
    ),
)
