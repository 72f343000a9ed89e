"""How records are delivered beyond a plain POST: mapping, body, batches, lookups, receipts, ordering, circuit."""

from __future__ import annotations

from typing import Any, Literal

from pydantic import Field

from healthdesk.api.common import Input
from healthdesk.domain.states import BodyFormat, CallbackScheme, MappingVerb


class MappingStep(Input):
    r"""One step of a mapping over a record's data, in order.

    `path` and `to` are dotted (`answers.0.score`; a dot in a key is `\.`). `set` puts `value` there, `default` only where
    nothing or null is, `rename` moves to `to`, `remove` takes away, `format` rewrites the value there as `how` says
    (docs/delivery.md lists them: `text`, `number`, `integer`, `boolean`, `upper`, `lower`, `trim`, `date:%d.%m.%Y`, `join:;`).
    A text `value` may hold `{id}`, `{webhook_id}`, `{source}`, `{level}`, `{completed_at}`, `{sample}` and
    `{data.path}`.
    """

    do: MappingVerb
    path: str = Field(min_length=1, max_length=500)
    to: str = Field(default="", max_length=500)
    value: Any = None
    how: str = Field(default="", max_length=100)


class BatchSettings(Input):
    """Up to `size` records in one request, as a JSON array, under `items` where that is named.

    A partial batch waits at most `wait_s`. `results` is the JMESPath of the list of per-item results in the answer, in
    the order sent unless `result_id` names each one's webhook-id; an item failed when `result_error` of it is not
    empty, or `result_status` of it is another number than 2xx; without a number it says nothing of its record. Without
    `results` the answer's status is that of every item.
    """

    size: int = Field(ge=2, le=1000)
    wait_s: float = Field(default=1.0, ge=0, le=60)
    items: str = Field(default="", max_length=100)
    results: str = Field(default="", max_length=500)
    result_id: str = Field(default="", max_length=500)
    result_status: str = Field(default="", max_length=500)
    result_error: str = Field(default="", max_length=500)


class LookupSettings(Input):
    """How the endpoint is asked whether it has a record: `path` is a template as that of the environment.

    It has it when `found` (JMESPath over the answer's body) is neither null, false nor empty, or without `found` on any
    2xx. It does not on 404 and 410, or where `found` finds nothing. Any other answer leaves it open: it is asked again.
    """

    path: str = Field(min_length=1, max_length=2000)
    method: Literal["GET", "POST", "HEAD"] = "GET"
    body: str = Field(default="", max_length=10_000)
    found: str = Field(default="", max_length=500)


class ReceiptSettings(Input):
    """An endpoint that answers 202 and confirms later.

    `statuses` are the answers that mean "later". `id`, `status` and `error` are JMESPath over the receipt's body; `delivered`
    and `failed` are the words of `status`. Without `status` every receipt confirms. A record whose receipt did not come
    within `deadline_s` is looked up where a lookup is declared, else it goes as `after` says.
    """

    deadline_s: float = Field(default=3600, ge=1, le=30 * 86400)
    statuses: list[int] = Field(default=[202], min_length=1, max_length=20)
    scheme: CallbackScheme = CallbackScheme.STANDARD_WEBHOOKS
    signature: dict[str, str] = {}
    """For `hmac` and `token`: header, algorithm, encoding, prefix, as for callbacks."""
    id: str = Field(default='"webhook-id" || webhook_id || id', max_length=500)
    status: str = Field(default="status", max_length=500)
    error: str = Field(default="error || message", max_length=500)
    delivered: list[str] = ["delivered", "ok", "success", "succeeded", "accepted", "processed", "true"]
    failed: list[str] = ["failed", "error", "rejected", "invalid", "false"]
    after: Literal["failed", "unknown", "resend"] = "failed"


class OrderSettings(Input):
    """Records with one value at `key` (dotted path in data) go one after the other.

    A later one waits until the earlier is delivered, or given up where `after_failed` is `go_on`.
    """

    key: str = Field(min_length=1, max_length=500)
    after_failed: Literal["wait", "go_on"] = "wait"


class CircuitSettings(Input):
    """When an environment's circuit opens: `share` of at least `least` attempts failed within `window_s`.

    Only failures that are not the record's own count: no answer, 5xx, 429, refused credentials, a wrong address. After
    `open_s` one record is sent as a probe (each failed probe doubles the wait, up to `longest_s`); a good one ramps back.
    """

    enabled: bool = True
    share: float = Field(default=0.7, gt=0, le=1)
    least: int = Field(default=10, ge=2, le=10_000)
    window_s: float = Field(default=300, ge=10, le=3600)
    open_s: float = Field(default=30, ge=1, le=3600)
    longest_s: float = Field(default=900, ge=1, le=86400)


class DeliveryMethod(Input):
    """How one environment delivers. All of it is optional: by default `data` is posted byte for byte.

    The environment's `path` and `headers` are templates: `{id}`, `{webhook_id}`, `{source}`, `{level}`, `{completed_at}`,
    `{sample}`, `{data.path}`; values are escaped for where they stand. `operation` names one of the app's delivery operations
    (`healthdesk apps salesforce` lists them) and `inputs` its inputs; path, method and body come from it then.
    A 2xx means that a record is delivered, unless `refused` (JMESPath over the answer's body) finds something in it that is
    neither null, false nor empty: the record is refused then, and a text that it finds is the error.
    """

    body: BodyFormat = BodyFormat.AS_POSTED
    xml_root: str = Field(default="record", max_length=100)
    mapping: list[MappingStep] = Field(default=[], max_length=200)
    refused: str = Field(default="", max_length=500)
    batch: BatchSettings | None = None
    lookup: LookupSettings | None = None
    receipt: ReceiptSettings | None = None
    order: OrderSettings | None = None
    circuit: CircuitSettings = CircuitSettings()
    operation: str = Field(default="", max_length=100)
    inputs: dict[str, str] = {}
