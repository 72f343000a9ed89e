"""How an environment delivers, in words: what the screens and `healthdesk integrations show` say alike."""

from __future__ import annotations

from healthdesk.api.delivery import (
    BatchSettings,
    CircuitSettings,
    DeliveryMethod,
    LookupSettings,
    OrderSettings,
    ReceiptSettings,
)
from healthdesk.domain.durations import format_span
from healthdesk.domain.states import BodyFormat

BODIES = {
    BodyFormat.AS_POSTED: "as it was posted, byte for byte",
    BodyFormat.JSON: "JSON",
    BodyFormat.FORM: "form fields",
    BodyFormat.XML: "XML",
}
AFTER = {"failed": "failed", "unknown": "unknown", "resend": "sent again"}


def body_words(method: DeliveryMethod) -> str:
    """Return what the body is. What a mapping changes is no longer what was posted: it is written as JSON."""
    if method.body is BodyFormat.AS_POSTED and method.mapping:
        return "JSON, as the mapping leaves it"
    return BODIES[method.body] + (f", in <{method.xml_root}>" if method.body is BodyFormat.XML else "")


def refused_words(method: DeliveryMethod) -> str:
    """Return which answers of success are refusals."""
    return f"also by a 2xx in which {method.refused} finds something" if method.refused else "by status"


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
