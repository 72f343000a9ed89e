"""What is sent of records that go several at a time, or by an operation of an app. Pure."""

from __future__ import annotations

import json
from typing import Any

from healthdesk.domain.bodies import render_body
from healthdesk.domain.delivery import Fix
from healthdesk.domain.states import BodyFormat
from healthdesk.domain.templating import Facts, sendable
from healthdesk.engine.making import SAMPLE_HEADER, Made, address_of, content_of, headers_of, put_header
from healthdesk.engine.targets import Target
from healthdesk.store.rows import ClaimedRecord


def item_of(target: Target, record: ClaimedRecord, facts: Facts | None, fix: Fix | None) -> Any:
    """Return what stands for one record in a request. Raises MappingError."""
    facts = facts or Facts(record.id, record.webhook_id, sample=record.sample)
    content = content_of(target, record, facts, fix)
    app = target.proof.app
    if app is None:
        return content.mapped
    item = app.item(content.mapped, content.record, facts)
    render_body(BodyFormat.JSON, item)  # what has no JSON fails here, and not those it would go with
    return item


def part_of(item: Any) -> bytes:
    """Return an item as its record keeps it: of what was sent, its own part."""
    return json.dumps(item, ensure_ascii=False, separators=(",", ":")).encode("utf-8", "replace")


def own_headers(record: ClaimedRecord, fix: Fix | None, *, alone: bool) -> dict[str, str]:
    """Return the headers that a record brings: those of its fix where it goes alone, and the mark of a sample.

    Raises MappingError.
    """
    given = fix.headers if alone and fix is not None else {}
    headers = {name: sendable(value, f"the header {name} of the fix") for name, value in given.items()}
    if record.sample:
        put_header(headers, SAMPLE_HEADER, "true")
    return headers


def request_of(target: Target, items: list[Any], headers: dict[str, str]) -> Made:
    """Return the request that carries items, with these headers beside the target's. It has no webhook-id yet.

    By an app, as far as it is known without a token. Raises MappingError.
    """
    app = target.proof.app
    if app is not None:
        outline = app.outline(items, headers)
        return Made(outline.method, outline.url, dict(outline.headers), outline.body)
    delivery, batch = target.delivery, target.delivery.batch
    within = batch.items if batch is not None else ""
    document: Any = {within: items} if within else items
    if delivery.body is BodyFormat.XML and not within:
        document = {"item": items}
    body, content_type = render_body(delivery.body, document, delivery.xml_root)
    sent = {"content-type": content_type} | headers_of(target, Facts(), {})
    for name, value in headers.items():
        put_header(sent, name, value)
    return Made(target.method, address_of(target, Facts(), {}), sent, body)


def part_alone(target: Target, record: ClaimedRecord, facts: Facts | None, fix: Fix | None) -> Made:
    """Return the request that would carry a record alone; `body` is the record's own part of it. Raises MappingError."""
    item = item_of(target, record, facts, fix)
    made = request_of(target, [item], own_headers(record, fix, alone=True))
    made.body = part_of(item)
    return made
