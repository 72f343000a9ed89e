"""`healthdesk integrations circuit` and `healthdesk sources silence`, and how both are shown."""

from __future__ import annotations

import argparse
from typing import TYPE_CHECKING

from healthdesk.cli import options
from healthdesk.cli.command import Command, UsageError
from healthdesk.cli.desk import Desk
from healthdesk.cli.marks import DIM, GOOD, WARN, Cell
from healthdesk.cli.tables import Column
from healthdesk.domain.durations import format_span
from healthdesk.domain.states import CircuitState, Environment

if TYPE_CHECKING:
    from healthdesk.api.flow import Circuit, SourcePulse

_DONE = {
    "close": "Closed the circuit of {name} in {environment}. Held records are sent now.",
    "probe": "One record of {name} in {environment} is sent as a probe now, as soon as there is one.",
    "open": "Opened the circuit of {name} in {environment}. Records are held; one is sent as a probe at {probe}.",
}


def circuit_cell(desk: Desk, circuit: Circuit) -> Cell:
    """Return the state of a circuit in one line: since when, why, and what comes next."""
    if circuit.state is CircuitState.CLOSED:
        return Cell("Closed", GOOD)
    words = [circuit.state.value.capitalize()]
    if circuit.since is not None:
        words.append(f"since {desk.out.time(circuit.since)}")
    if circuit.reason and circuit.state is not CircuitState.RAMPING:
        words.append(f"after {circuit.reason}" if "attempts" in circuit.reason else circuit.reason)
    text = " ".join(words)
    if circuit.state is CircuitState.OPEN and circuit.next_probe_at is not None:
        text += f"; one record is sent as a probe at {desk.out.time(circuit.next_probe_at)}"
    elif circuit.state is CircuitState.PROBING:
        text += "; one record is under way as a probe"
    return Cell(text, WARN)


def _circuit_arguments(parser: argparse.ArgumentParser) -> None:
    options.integration(parser)
    options.environment(parser, default=Environment.PRODUCTION.value)
    act = parser.add_mutually_exclusive_group(required=True)
    act.add_argument("--close", dest="do", action="store_const", const="close", help="send again, all of it")
    act.add_argument("--probe", dest="do", action="store_const", const="probe", help="send one record now")
    act.add_argument("--open", dest="do", action="store_const", const="open", help="hold records, and probe")


async def circuit(desk: Desk, args: argparse.Namespace) -> None:
    """Close, probe or open the circuit of an environment."""
    from healthdesk.api.flow import CircuitChange

    integration_id = await desk.integration_id(args.integration)
    environment = Environment(args.environment)
    item = await desk.client.integration_circuit(
        integration_id, CircuitChange(environment=environment, do=args.do)
    )
    (view,) = [each for each in item.environments if each.environment is environment]
    probe = desk.out.time(view.circuit.next_probe_at) if view.circuit.next_probe_at else "once one waits"
    desk.out.done(item, _DONE[args.do].format(name=item.name, environment=environment.shown, probe=probe))


CIRCUIT = Command(
    "circuit", "close, probe or open the circuit of an environment", run=circuit, arguments=_circuit_arguments
)


def _silence_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("source", metavar="SOURCE", help="key or id")
    parser.add_argument("--integration", required=True, metavar="INTEGRATION", help="id or name")
    options.environment(parser, default=Environment.PRODUCTION.value)
    gap = parser.add_mutually_exclusive_group(required=True)
    gap.add_argument("--after", type=options.duration, metavar="TIME", help="a problem after so long, as 6h")
    gap.add_argument("--never", action="store_true", help="never a problem")
    gap.add_argument("--learnt", action="store_true", help="as learnt from its usual gaps (production alone)")


async def silence(desk: Desk, args: argparse.Namespace) -> None:
    """Say when it is a problem that a source sends nothing."""
    from healthdesk.api.flow import Silence

    if args.after == 0:
        raise UsageError("--after 0s: say --never for that")
    wanted = Silence(
        integration_id=await desk.integration_id(args.integration),
        environment=Environment(args.environment),
        after_s=0 if args.never else args.after,
    )
    item = await desk.client.source_silence(args.source, wanted)
    when = f"after {format_span(args.after)}" if args.after else "never" if args.never else "as learnt"
    desk.out.done(item, f"Silence of {item.name} is a problem of {args.integration}: {when}.")


SILENCE = Command("silence", "say when its silence is a problem", run=silence, arguments=_silence_arguments)


def print_pulses(desk: Desk, pulses: list[SourcePulse]) -> None:
    """Print how often a source sends where, and when its silence is a problem."""
    out = desk.out

    def row(item: SourcePulse) -> list[Cell | str]:
        last = out.time(item.last_at) if item.last_at else Cell("–", DIM)
        usual = f"every {format_span(round(item.usual_s))}" if item.usual_s else Cell("not learnt", DIM)
        how = "set" if item.set_s is not None else "learnt"
        unknown = Cell("not known yet" if item.set_s is None else "never", DIM)
        after = f"{format_span(round(item.after_s))} ({how})" if item.after_s else unknown
        state = Cell("✗ Silent", WARN) if item.silent else ""
        return [item.integration_name, item.environment.shown, last, usual, after, state]

    columns = (
        Column("Integration", flex=True),
        Column("Environment"),
        Column("Last record"),
        Column("Usually"),
        Column("Silent after"),
        Column(""),
    )
    out.line()
    out.table(columns, [row(each) for each in pulses], empty="It is enabled for no integration.")
