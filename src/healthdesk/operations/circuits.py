"""Circuits by hand: close, probe now, open."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime

from healthdesk.api.flow import CircuitChange
from healthdesk.api.integrations import Integration
from healthdesk.domain import circuit as rules
from healthdesk.domain.activity import Verb
from healthdesk.domain.circuit import CircuitFacts
from healthdesk.domain.delivery import Circuit, method_from
from healthdesk.domain.states import CircuitState, IntegrationKind
from healthdesk.errors import Conflict, Malformed, NotFound
from healthdesk.operations.desk import Conn, Desk
from healthdesk.operations.integration_views import view
from healthdesk.store import circuits as queries
from healthdesk.store import integrations
from healthdesk.store.rows import IntegrationRow

_VERBS = {"close": Verb.CLOSED_CIRCUIT, "probe": Verb.PROBED, "open": Verb.OPENED_CIRCUIT}


async def change(desk: Desk, integration_id: str, wanted: CircuitChange) -> Integration:
    """Close the circuit of an environment, send its probe now, or open it; Conflict where that is so already."""
    desk.require("integrations.circuit")
    now, by = desk.now(), desk.operator.user

    def act(conn: Conn) -> IntegrationRow:
        row = integrations.get(conn, integration_id)
        if row.kind is not IntegrationKind.DELIVERY:
            raise Malformed(f"{row.name} delivers no records: it has no circuit")
        found = [each for each in row.environments if each.environment is wanted.environment]
        if not found:
            raise NotFound(f"{row.name} has no environment {wanted.environment.value}")
        settings = method_from(found[0].delivery).circuit
        before = queries.get(conn, integration_id, wanted.environment)
        after = _after(wanted.do, before, settings, now, by)
        if not queries.change(conn, integration_id, wanted.environment, before, after):
            raise Conflict("the circuit changed meanwhile", fix="Look at it again.")
        detail = {"environment": wanted.environment.value}
        desk.note(conn, _VERBS[wanted.do], "integration", integration_id, row.name, detail)
        return integrations.get(conn, integration_id)

    row = await desk.write(act, ("integration", integration_id))
    await desk.engine.refresh()
    return view(desk, row)


def _after(do: str, before: CircuitFacts, settings: Circuit, now: datetime, by: str) -> CircuitFacts:
    if do == "close":
        if before.state is CircuitState.CLOSED:
            raise Conflict("the circuit is closed already")
        return rules.closed(now)
    if do == "probe":
        if before.state is not CircuitState.OPEN:
            raise Conflict(
                f"the circuit is {before.state.value}, not open: there is nothing to probe",
                fix="" if before.state is CircuitState.CLOSED else "Wait for its probe, or close it.",
            )
        return replace(before, probe_at=now)
    if before.holds:
        raise Conflict(f"the circuit is {before.state.value} already")
    if not settings.enabled:
        raise Conflict(
            "the circuit of this environment is switched off",
            fix="Pause the environment instead, or switch its circuit on: delivery.circuit.enabled.",
        )
    return rules.opened(rules.CLOSED, settings, now, f"{by} opened it")
