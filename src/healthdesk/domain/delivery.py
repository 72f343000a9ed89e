"""How one environment delivers, as the engine reads it: the settings of `DeliveryMethod` on the wire, word for word."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal, Protocol

from healthdesk.domain.states import BodyFormat, CallbackScheme, MappingVerb


class Step(Protocol):
    """One step of a mapping; that of the wire fits it as well as `MappingStep`."""

    @property
    def do(self) -> MappingVerb:
        """What is done."""
        ...

    @property
    def path(self) -> str:
        """Where, dotted."""
        ...

    @property
    def to(self) -> str:
        """Where a `rename` moves it."""
        ...

    @property
    def value(self) -> Any:
        """What `set` and `default` put there."""
        ...

    @property
    def how(self) -> str:
        """How `format` rewrites it."""
        ...


@dataclass(frozen=True, slots=True)
class MappingStep:
    """One step of a mapping over a record's data."""

    do: MappingVerb
    path: str
    to: str = ""
    value: Any = None
    how: str = ""


@dataclass(frozen=True, slots=True)
class Batch:
    """Up to `size` records in one request; a partial one waits `wait_s`."""

    size: int
    wait_s: float = 1.0
    items: str = ""
    results: str = ""
    result_id: str = ""
    result_status: str = ""
    result_error: str = ""


@dataclass(frozen=True, slots=True)
class Lookup:
    """How the endpoint is asked whether it has a record."""

    path: str
    method: str = "GET"
    body: str = ""
    found: str = ""


@dataclass(frozen=True, slots=True)
class Receipt:
    """How an endpoint confirms later: `statuses` mean "later", the rest reads its receipts."""

    deadline_s: float = 3600
    statuses: tuple[int, ...] = (202,)
    scheme: CallbackScheme = CallbackScheme.STANDARD_WEBHOOKS
    signature: Mapping[str, str] = field(default_factory=dict)
    id: str = '"webhook-id" || webhook_id || id'
    status: str = "status"
    error: str = "error || message"
    delivered: tuple[str, ...] = ("delivered", "ok", "success", "succeeded", "accepted", "processed", "true")
    failed: tuple[str, ...] = ("failed", "error", "rejected", "invalid", "false")
    after: Literal["failed", "unknown", "resend"] = "failed"


@dataclass(frozen=True, slots=True)
class Order:
    """Records with one value at `key` go one after the other."""

    key: str
    after_failed: Literal["wait", "go_on"] = "wait"


@dataclass(frozen=True, slots=True)
class Circuit:
    """When an environment's circuit opens, and how it closes again."""

    enabled: bool = True
    share: float = 0.7
    least: int = 10
    window_s: float = 300
    open_s: float = 30
    longest_s: float = 900


@dataclass(frozen=True, slots=True)
class DeliveryMethod:
    """All of it; by default `data` is sent byte for byte, and any 2xx means that it is delivered."""

    body: BodyFormat = BodyFormat.AS_POSTED
    xml_root: str = "record"
    mapping: tuple[MappingStep, ...] = ()
    refused: str = ""
    batch: Batch | None = None
    lookup: Lookup | None = None
    receipt: Receipt | None = None
    order: Order | None = None
    circuit: Circuit = Circuit()
    operation: str = ""
    inputs: Mapping[str, str] = field(default_factory=dict)


PLAIN = DeliveryMethod()
"""That of an environment that says nothing of it."""


def steps_from(given: Sequence[Mapping[str, Any]]) -> tuple[MappingStep, ...]:
    """Return the steps of a mapping as they are stored."""
    return tuple(MappingStep(**{**step, "do": MappingVerb(step["do"])}) for step in given)


def method_from(stored: Mapping[str, Any]) -> DeliveryMethod:
    """Return a method as `environments.delivery` has it; what is not there is as by default."""
    if not stored:
        return PLAIN
    receipt, order, lookup = stored.get("receipt"), stored.get("order"), stored.get("lookup")
    batch, circuit = stored.get("batch"), stored.get("circuit")
    return DeliveryMethod(
        body=BodyFormat(stored.get("body", BodyFormat.AS_POSTED)),
        xml_root=stored.get("xml_root", PLAIN.xml_root),
        mapping=steps_from(stored.get("mapping", ())),
        refused=stored.get("refused", ""),
        batch=None if batch is None else Batch(**batch),
        lookup=None if lookup is None else Lookup(**lookup),
        receipt=None if receipt is None else _receipt(receipt),
        order=None if order is None else Order(**order),
        circuit=PLAIN.circuit if circuit is None else Circuit(**circuit),
        operation=stored.get("operation", ""),
        inputs=dict(stored.get("inputs", {})),
    )


def _receipt(stored: Mapping[str, Any]) -> Receipt:
    members = dict(stored)
    for name in ("statuses", "delivered", "failed"):
        if name in members:
            members[name] = tuple(members[name])
    if "scheme" in members:
        members["scheme"] = CallbackScheme(members["scheme"])
    return Receipt(**members)


@dataclass(frozen=True, slots=True)
class Fix:
    """What is sent of a record instead of what was posted: a `body`, else a `mapping` of it; and headers to add or replace."""

    body: bytes | None = None
    content_type: str = ""
    mapping: Sequence[Step] = ()
    headers: Mapping[str, str] = field(default_factory=dict)
