"""Closing, probing and opening the circuit of an environment by hand."""

from __future__ import annotations

from typing import TYPE_CHECKING

from healthdesk.api.flow import CircuitChange
from healthdesk.api.integrations import EnvironmentView, Integration
from healthdesk.client.delivery_words import opens_words
from healthdesk.domain.states import CircuitState
from healthdesk.tui.format import Line, dim, line
from healthdesk.tui.screens.dialog import Question
from healthdesk.tui.view.environment import TITLES, circuit_span
from healthdesk.tui.view.words import plural

if TYPE_CHECKING:
    from healthdesk.tui.screens.base import DeskScreen

DONE = {
    "close": "is closed: its records go at once",
    "probe": "is probed with one record now",
    "open": "is open: its records are held",
}


async def change_circuit(screen: DeskScreen, integration: Integration, item: EnvironmentView) -> str:
    """Show the circuit of an environment, and do with it what is chosen."""
    circuit, which = item.circuit, TITLES[item.environment]
    lines: list[Line] = [line(circuit_span(circuit, screen.view()))]
    if circuit.reason:
        lines.append(line(dim("Why   "), circuit.reason))
    if held := item.totals.get("held", 0):
        lines.append(line(dim("Held  "), plural(held, "record")))
    lines += [line(dim(f"It {opens_words(item.delivery.circuit)}.")), ()]
    if circuit.state is CircuitState.CLOSED:
        lines.append(line("Opened by hand, it holds every record until it is closed or a probe is good."))
        choices = [("open", "Open it")]
    else:
        lines.append(line("Probe: one record goes, and what becomes of it decides. Close: all go again."))
        choices = [("probe", "Probe now"), ("close", "Close it")]
    question = Question(
        f"Circuit · {integration.name} · {which}", lines, choices, ascii_only=screen.ascii_only
    )
    answer = await screen.ask(question)
    if answer is None:
        return ""
    await screen.client.integration_circuit(
        integration.id, CircuitChange(environment=item.environment, do=answer)
    )
    return f"The circuit of {integration.name} · {which} {DONE[answer]}."
