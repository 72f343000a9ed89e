"""Delivery operations: how records become things of an app."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import Field, model_validator

from healthdesk.connectors.spec.base import (
    Expression,
    FieldManifest,
    Label,
    Misplaced,
    Part,
    RequestTemplate,
    placeholders,
    strings,
)


class DeliveryOperation(Part):
    """One way to deliver records: a `request` that carries up to `most` of them as the placeholder `{records}`.

    `item` is the template of one of them: it may name `record` (its data as mapped), `webhook_id`, `id` and the inputs
    `fields`, which may name members of the record. With `spread` the members of the record stand in the item itself,
    beside those of `item`. `results` finds what the answer says of each, in the order sent, or named by `result_id` (the
    webhook-id). A result failed when `result_error` of it is not empty or `result_status` is another number than 2xx.
    With `others` `delivered` an answer names only what failed, or not all that went well.
    """

    name: Label
    help: str = ""
    fields: list[FieldManifest] = []
    request: RequestTemplate
    item: dict[str, Any]
    spread: bool = False
    most: Annotated[int, Field(ge=1, le=1000)] = 1
    results: Expression
    result_id: Expression | None = None
    result_status: Expression | None = None
    result_error: Expression | None = None
    others: Literal["missing", "delivered"] = "missing"

    @model_validator(mode="after")
    def _complete(self) -> DeliveryOperation:
        if "records" not in self.request.names():
            raise Misplaced("the request does not carry {records}", "request")
        for at, text in strings(self.item):
            try:
                placeholders(text)
            except ValueError as error:
                raise Misplaced(str(error), "item", *at) from None
        if not self.spread and "record" not in self.of_item():
            raise Misplaced("an item does not carry {record}", "item")
        if self.others == "delivered" and self.result_id is None:
            raise Misplaced("others are told apart by result_id", "others")
        return self

    def of_item(self) -> set[str]:
        """Return the placeholders of an item."""
        return {name for _, text in strings(self.item) for name in placeholders(text)}
