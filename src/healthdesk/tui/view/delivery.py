"""How an environment delivers: body and mapping, batches, order, lookups, receipts, when its circuit opens."""

from __future__ import annotations

from healthdesk.api.delivery import (
    BatchSettings,
    CircuitSettings,
    DeliveryMethod,
    LookupSettings,
    MappingStep,
    OrderSettings,
    ReceiptSettings,
)
from healthdesk.domain.durations import format_span
from healthdesk.domain.states import BodyFormat
from healthdesk.tui.format import Line, dim, line, strong
from healthdesk.tui.view.mapping_text import step_text

BODIES = {
    BodyFormat.AS_POSTED: "as it was posted, byte for byte",
    BodyFormat.JSON: "JSON",
    BodyFormat.FORM: "form fields",
    BodyFormat.XML: "XML",
}
LABEL = 11
AFTER = {"failed": "failed", "unknown": "unknown", "resend": "sent again"}


def delivery_lines(method: DeliveryMethod) -> list[Line]:
    """Return how records are made and sent, a line for each thing that is set; the mapping step by step."""
    root = f", in <{method.xml_root}>" if method.body is BodyFormat.XML else ""
    lines = [_row("Body", f"{BODIES[method.body]}{root}")]
    if method.operation:
        inputs = ", ".join(f"{name}={value}" for name, value in sorted(method.inputs.items()))
        lines.append(_row("Operation", f"{method.operation} {inputs}".rstrip()))
    lines += mapping_lines(method.mapping)
    if method.batch is not None:
        lines.append(_row("Batches", batch_words(method.batch)))
    lines.append(_row("Order", order_words(method.order)))
    lines.append(_row("Lookup", lookup_words(method.lookup)))
    lines.append(_row("Receipts", receipt_words(method.receipt)))
    lines.append(_row("Circuit", opens_words(method.circuit)))
    return lines


def mapping_lines(steps: list[MappingStep]) -> list[Line]:
    """Return the mapping, a line a step, numbered."""
    if not steps:
        return [_row("Mapping", "none")]
    return [
        line(
            dim(f"{'Mapping' if number == 1 else '':<{LABEL}} "),
            f"{number:>2} ",
            strong(step.do.value),
            f" {step_text(step)}",
        )
        for number, step in enumerate(steps, start=1)
    ]


def batch_words(batch: BatchSettings) -> str:
    """Return how records are put together."""
    under = f' under "{batch.items}"' if batch.items else ""
    results = f"; results from {batch.results}" if batch.results else ""
    return f"up to {batch.size} in one request{under}, waiting {batch.wait_s:g} s{results}"


def order_words(order: OrderSettings | None) -> str:
    """Return in which order records go."""
    if order is None:
        return "none: each goes as soon as it can"
    after = "the later ones wait" if order.after_failed == "wait" else "the later ones go on"
    return f"by {order.key}; when one failed {after}"


def lookup_words(lookup: LookupSettings | None) -> str:
    """Return how the endpoint is asked for a record whose arrival is unknown."""
    if lookup is None:
        return "none: the endpoint is not asked for unknown ones"
    found = f", there when {lookup.found}" if lookup.found else ""
    return f"{lookup.method} {lookup.path}{found}"


def receipt_words(receipt: ReceiptSettings | None) -> str:
    """Return whether the endpoint confirms later."""
    if receipt is None:
        return "none: a 2xx is delivered"
    statuses = ", ".join(map(str, receipt.statuses))
    deadline = format_span(receipt.deadline_s)
    return f"after {statuses} within {deadline} ({receipt.scheme.value}), else {AFTER[receipt.after]}"


def opens_words(circuit: CircuitSettings) -> str:
    """Return when a circuit opens."""
    if not circuit.enabled:
        return "never opens"
    return (
        f"opens when {circuit.share:.0%} of at least {circuit.least} attempts failed in {format_span(circuit.window_s)}; "
        f"probed after {format_span(circuit.open_s)}"
    )


def _row(name: str, value: str) -> Line:
    return line(dim(f"{name:<{LABEL}} "), value)
