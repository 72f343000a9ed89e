"""The fields of a delivery method, and what is made of them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from pydantic import ValidationError

from healthdesk.api.apps import AppDelivery
from healthdesk.api.delivery import (
    BatchSettings,
    CircuitSettings,
    DeliveryMethod,
    LookupSettings,
    OrderSettings,
    ReceiptSettings,
)
from healthdesk.client.delivery_words import BODIES
from healthdesk.client.mapping_text import HELP, steps_of, text_of
from healthdesk.domain.durations import format_span, parse_span
from healthdesk.domain.states import BodyFormat, CallbackScheme
from healthdesk.tui.flows.asked_fields import asked_fields, asked_values
from healthdesk.tui.flows.connection_forms import SCHEMES
from healthdesk.tui.screens.fields import Field, Values

NO, YES = "no", "yes"
NO_YES = ((NO, "no"), (YES, "yes"))
XML = ("body", (BodyFormat.XML.value,))
WAITS = (("wait", "wait for it"), ("go_on", "go on"))
AFTER = (("failed", "it failed"), ("unknown", "it is unknown"), ("resend", "it is sent again"))
RECEIPT_SCHEMES = tuple(each for each in SCHEMES if each[0] != CallbackScheme.NONE)


REFUSED = (
    "JMESPath over the answer of a 2xx: what it finds is the error. `error`, or",
    "`success == \x60false\x60 && message` where a 200 may say that a record was not taken.",
)
RESULTS = (
    "JMESPath over the answer: where the list of results is, and in each of them id, status and error.",
)
OF_A_RESULT = (
    ("result_id", "    id of each", "JMESPath; empty: in the order sent"),
    ("result_status", "    status of each", "JMESPath; no 2xx: it failed"),
    ("result_error", "    error of each", "JMESPath; not empty: it failed"),
)
RECEIPTS = (
    "Answers that mean later are HTTP statuses. Record, word and error are JMESPath over the body of a receipt;",
    "without a word every receipt confirms.",
)
OF_A_RECEIPT = (
    ("statuses", "  after the answers", True),
    ("id", "  its record at", True),
    ("status", "  its word at", False),
    ("delivered", "    that it is there", False),
    ("failed", "    that it failed", False),
    ("error", "  its error at", False),
)
"""Settings of receipts beside deadline and scheme, and whether they are needed."""
LISTS = ("statuses", "delivered", "failed")


def receipt_text(value: str | list[str] | list[int]) -> str:
    """Return a setting of receipts as it is typed: words and statuses with commas between them."""
    return value if isinstance(value, str) else ", ".join(map(str, value))


def delivery_fields(now: DeliveryMethod) -> list[Field]:
    """Return the fields; a part that is not used shows only whether it is."""
    batch, order, lookup = now.batch, now.order, now.lookup
    receipt, circuit = now.receipt or ReceiptSettings(), now.circuit
    return [
        Field("body", "Body", now.body.value, options=tuple((each.value, words) for each, words in BODIES.items())),
        Field("xml_root", "  root element", now.xml_root, required=True, when=XML),
        Field("mapping", "Mapping", text_of(now.mapping), long=True, help=lambda _: HELP),
        Field("refused", "Refused when", now.refused, "JMESPath; empty: not on 2xx", path="delivery.refused", help=lambda _: REFUSED),
        _switch("batched", "Batches", on=batch is not None),
        Field("size", "  up to", str(batch.size) if batch else "100", required=True, when=("batched", (YES,))),
        Field("wait_s", "  waits, seconds", f"{batch.wait_s:g}" if batch else "1", required=True, when=("batched", (YES,))),
        Field("items", "  the list under", batch.items if batch else "", "empty: the body is the list", when=("batched", (YES,))),
        Field("results", "  results at", batch.results if batch else "", "JMESPath; empty: one status for all", when=("batched", (YES,)), help=lambda _: RESULTS),
        *(Field(name, label, getattr(batch, name) if batch else "", hint, when=("batched", (YES,)), help=lambda _: RESULTS) for name, label, hint in OF_A_RESULT),
        _switch("ordered", "In order", on=order is not None),
        Field("order_key", "  by", order.key if order else "", "participant.id", required=True, when=("ordered", (YES,)), path="delivery.order.key"),
        Field("after_failed", "  when one failed, later", order.after_failed if order else "wait", options=WAITS, when=("ordered", (YES,))),
        _switch("looked_up", "Looked up", on=lookup is not None, help="Before a record whose arrival is unknown is sent again, the endpoint is asked."),
        Field("lookup_path", "  path", lookup.path if lookup else "", "/records/{webhook_id}", required=True, when=("looked_up", (YES,)), path="delivery.lookup.path"),
        Field("lookup_found", "  there when", lookup.found if lookup else "", "JMESPath; empty: any 2xx", when=("looked_up", (YES,)), path="delivery.lookup.found"),
        _switch("confirmed", "Confirmed later", on=now.receipt is not None, help="An endpoint that answers 202 and posts a receipt to /v1/receipts/… when it is done."),
        Field("deadline_s", "  within", format_span(receipt.deadline_s), "15m, 1h, 1d", required=True, when=("confirmed", (YES,))),
        Field("scheme", "  verified by", receipt.scheme.value, options=RECEIPT_SCHEMES, when=("confirmed", (YES,))),
        *(Field(f"receipt_{name}", label, receipt_text(getattr(receipt, name)), required=needed, when=("confirmed", (YES,)), path=f"delivery.receipt.{name}", help=lambda _: RECEIPTS) for name, label, needed in OF_A_RECEIPT),
        Field("after", "  without one", receipt.after, options=AFTER, when=("confirmed", (YES,))),
        _switch("circuit", "Circuit", on=circuit.enabled, help="It holds records while the endpoint keeps failing, and probes it with one."),
        Field("share", "  opens at, percent", f"{circuit.share * 100:g}", required=True, when=("circuit", (YES,))),
        Field("least", "  of at least, attempts", str(circuit.least), required=True, when=("circuit", (YES,))),
        Field("open_s", "  probes after", format_span(circuit.open_s), "30s, 5m", required=True, when=("circuit", (YES,))),
    ]  # fmt: skip


def operation_fields(operations: Mapping[str, AppDelivery], now: DeliveryMethod) -> list[Field]:
    """Return the fields for an operation of the app and its inputs, where the app has some."""
    if not operations:
        return []
    named = [(name, each.name) for name, each in operations.items()]
    fields = [
        Field(
            "operation",
            "Operation",
            now.operation,
            options=(("", "none: path, method and body as set here"), *named),
            help=lambda values: _operation_help(operations, values),
            path="delivery.operation",
        )
    ]
    for name, each in operations.items():
        inputs = now.inputs if name == now.operation else {}
        fields += [
            replace(field, when=("operation", (name,)))
            for field in asked_fields(each.fields, name, "delivery.inputs", inputs)
        ]
    return fields


def _operation_help(operations: Mapping[str, AppDelivery], values: Values) -> tuple[str, ...]:
    chosen = operations.get(values.get("operation", ""))
    return (chosen.help,) if chosen is not None and chosen.help else ()


def _switch(name: str, label: str, *, on: bool, help: str = "") -> Field:
    return Field(name, label, YES if on else NO, options=NO_YES, help=(lambda _: (help,)) if help else None)


def check_delivery(before: DeliveryMethod, values: Values) -> dict[str, str]:
    """Return what is wrong with it, by field."""
    wrong: dict[str, str] = {}
    try:
        steps_of(values.get("mapping", ""))
    except ValueError as error:
        wrong["mapping"] = str(error)
    for name, kind in (("size", int), ("least", int), ("wait_s", float), ("share", float)):
        if name in values and not _reads(kind, values[name]):
            wrong[name] = "is a whole number" if kind is int else "is a number"
    for name in ("deadline_s", "open_s"):
        if name in values and not _reads(parse_span, values[name]):
            wrong[name] = "is a time like 30s, 15m or 1h"
    if wrong:
        return wrong
    try:
        delivery_of(values, before)
    except ValidationError as error:
        found = error.errors()[0]
        loc = found["loc"]
        name = next((str(part) for part in reversed(loc) if isinstance(part, str)), "")
        name = {"key": "order_key", "path": "lookup_path", "enabled": "circuit"}.get(name, name)
        name = f"receipt_{name}" if f"receipt_{name}" in values else name
        wrong[name if name in values else "body"] = found["msg"][:1].lower() + found["msg"][1:]
    return wrong


def _reads(read: Any, text: str) -> bool:
    try:
        read(text.strip())
    except ValueError:
        return False
    return True


def delivery_of(values: Values, before: DeliveryMethod) -> DeliveryMethod:
    """Return the delivery method that was entered; what the form does not ask is as it was."""
    known = before.model_dump(mode="json")
    known["body"] = values["body"]
    if "operation" in values:
        known["operation"] = values["operation"]
        known["inputs"] = asked_values(values, values["operation"]) if values["operation"] else {}
    if "xml_root" in values:
        known["xml_root"] = values["xml_root"].strip()
    known["mapping"] = [step.model_dump(mode="json") for step in steps_of(values["mapping"])]
    known["refused"] = values["refused"].strip()
    known["batch"] = known["order"] = known["lookup"] = known["receipt"] = None
    if values["batched"] == YES:
        batch = before.batch.model_dump() if before.batch else {}
        batch |= {
            "size": int(values["size"]),
            "wait_s": float(values["wait_s"]),
            **{
                name: values[name].strip()
                for name in ("items", "results", *(each for each, _, _ in OF_A_RESULT))
            },
        }
        known["batch"] = BatchSettings(**batch)
    if values["ordered"] == YES:
        known["order"] = OrderSettings.model_validate(
            {"key": values["order_key"].strip(), "after_failed": values["after_failed"]}
        )
    if values["looked_up"] == YES:
        lookup = before.lookup.model_dump() if before.lookup else {}
        lookup |= {"path": values["lookup_path"].strip(), "found": values["lookup_found"].strip()}
        known["lookup"] = LookupSettings(**lookup)
    if values["confirmed"] == YES:
        receipt = before.receipt.model_dump() if before.receipt else {}
        receipt |= {
            "deadline_s": _seconds(values["deadline_s"]),
            "scheme": values["scheme"],
            "after": values["after"],
            **{name: _receipt_value(name, values[f"receipt_{name}"]) for name, _, _ in OF_A_RECEIPT},
        }
        known["receipt"] = ReceiptSettings(**receipt)
    circuit = before.circuit.model_dump() | {"enabled": values["circuit"] == YES}
    if values["circuit"] == YES:
        circuit |= {
            "share": float(values["share"]) / 100,
            "least": int(values["least"]),
            "open_s": _seconds(values["open_s"]),
        }
    known["circuit"] = CircuitSettings(**circuit)
    return DeliveryMethod.model_validate(known)


def _receipt_value(name: str, text: str) -> str | list[str]:
    words = [word.strip() for word in text.split(",")]
    return [word for word in words if word] if name in LISTS else text.strip()


def _seconds(text: str) -> float:
    return parse_span(text.strip())
