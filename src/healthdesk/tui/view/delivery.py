"""How an environment delivers: body and mapping, batches, order, lookups, receipts, when its circuit opens."""

from __future__ import annotations

from healthdesk.api.delivery import DeliveryMethod, MappingStep
from healthdesk.client.delivery_words import (
    batch_words,
    body_words,
    lookup_words,
    opens_words,
    order_words,
    receipt_words,
    refused_words,
)
from healthdesk.client.mapping_text import step_text
from healthdesk.tui.format import Line, dim, line, strong

LABEL = 11


def delivery_lines(method: DeliveryMethod) -> list[Line]:
    """Return how records are made and sent, a line for each thing that is set; the mapping step by step."""
    lines = [_row("Body", body_words(method))]
    if method.operation:
        inputs = ", ".join(f"{name}={value}" for name, value in sorted(method.inputs.items()))
        lines.append(_row("Operation", f"{method.operation} {inputs}".rstrip()))
    lines += mapping_lines(method.mapping)
    if method.refused:
        lines.append(_row("Refused", refused_words(method)))
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


def _row(name: str, value: str) -> Line:
    return line(dim(f"{name:<{LABEL}} "), value)
