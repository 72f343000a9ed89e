"""How `healthdesk integrations show` says how an environment delivers."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from healthdesk.api.delivery import DeliveryMethod


def method_facts(method: DeliveryMethod) -> list[tuple[str, str]]:
    """Return a label and a sentence for each thing that is not as by default; the mapping step by step."""
    said = method.model_fields_set
    if not said:
        return []
    from healthdesk.client import delivery_words as words
    from healthdesk.client.mapping_text import step_text

    facts: list[tuple[str, str]] = []
    if "body" in said:
        facts.append(("Body", words.body_words(method)))
    if method.operation:
        facts.append(("Operation", method.operation))
        facts += [(f"  {name}", value) for name, value in sorted(method.inputs.items())]
    facts += [
        ("Mapping" if number == 0 else "", f"{step.do.value} {step_text(step)}")
        for number, step in enumerate(method.mapping)
    ]
    if method.refused:
        facts.append(("Refused", words.refused_words(method)))
    if method.batch is not None:
        facts.append(("Batches", words.batch_words(method.batch)))
    if method.order is not None:
        facts.append(("Order", words.order_words(method.order)))
    if method.lookup is not None:
        facts.append(("Lookup", words.lookup_words(method.lookup)))
    if method.receipt is not None:
        facts.append(("Receipts", words.receipt_words(method.receipt)))
    if "circuit" in said:
        facts.append(("Circuit rule", words.opens_words(method.circuit)))
    return facts
