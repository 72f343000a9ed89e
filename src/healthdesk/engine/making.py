"""What is sent of a record: its data, the fix in force, the environment's mapping, the format of the body, the address.

Pure: the same record and settings make the same bytes each time. When it was sent, and with it the signature, is all that
differs between two attempts.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Any
from urllib.parse import quote

from healthdesk.connectors.urls import join_url
from healthdesk.domain import mapping
from healthdesk.domain.bodies import JSON_TYPE, parse_data, plain_data, render_body
from healthdesk.domain.delivery import Fix
from healthdesk.domain.signing import sign
from healthdesk.domain.states import BodyFormat
from healthdesk.domain.templating import MISSING, Facts, Template, join_path, sendable, text_of
from healthdesk.engine.targets import Target
from healthdesk.engine.ways import BODILESS
from healthdesk.errors import MappingError
from healthdesk.store.rows import ClaimedRecord

SAMPLE_HEADER = "healthdesk-sample"
_CONTROL = re.compile(r"[\x00-\x1f\x7f]+")
_MOST_HEADER = 8_000
_MOST_URL = 8_000


@dataclass(slots=True)
class Made:
    """A request but for the time it is sent at: `headers` have the content type and the webhook-id, no signature yet.

    `said` is what of the record an answer may repeat where that is more than its data: posted, fixed and mapped values.
    """

    method: str
    url: str
    headers: dict[str, str]
    body: bytes
    said: Any = None


@dataclass(frozen=True, slots=True)
class Content:
    """The data of a record: as it was posted or fixed (`record`, which templates name), and as the mapping leaves it."""

    record: Any
    mapped: Any


def content_of(target: Target, claimed: ClaimedRecord, facts: Facts, fix: Fix | None = None) -> Content:
    """Return what is sent of a record as a document. Raises MappingError."""
    record = parse_data(claimed.data if fix is None or fix.body is None else fix.body)
    if fix is not None and fix.body is None:
        record = mapping.apply(fix.mapping, record, facts)
    return Content(record, mapping.apply(target.delivery.mapping, record, facts))


def make(target: Target, claimed: ClaimedRecord, facts: Facts | None = None, fix: Fix | None = None) -> Made:
    """Return the request that delivers one record. Raises MappingError for what cannot be made of it.

    `facts` are the record's own, where its environment's `way.needs_facts` says so; `fix` is the one in force.
    """
    way = target.way
    if way.direct and fix is None:
        headers = {"content-type": claimed.content_type or JSON_TYPE, **target.headers}
        return Made(target.method, target.url, _completed(headers, claimed), claimed.data)
    if way.wrong is not None:
        raise way.wrong
    facts = facts or Facts(claimed.id, claimed.webhook_id, sample=claimed.sample)
    data, content_type = claimed.data, claimed.content_type
    if fix is not None and fix.body is not None:
        data, content_type = fix.body, fix.content_type or content_type
    delivery = target.delivery
    as_it_is = delivery.body is BodyFormat.AS_POSTED and not delivery.mapping
    fix_maps = fix is not None and fix.body is None and bool(fix.mapping)
    record: Any = None
    said = [plain_data(claimed.data)]
    if target.method in BODILESS:
        body, content_type = b"", ""
    elif as_it_is and not fix_maps:
        body = data
        said.append(plain_data(data))
    else:
        content = content_of(target, claimed, facts, fix)
        record = content.record
        said += [record, content.mapped]
        body, content_type = render_body(delivery.body, content.mapped, delivery.xml_root)
    if way.needs_facts and record is None:
        record = content_of(target, claimed, facts, fix).record if data else {}
    url = address_of(target, facts, record)
    headers = {} if target.method in BODILESS else {"content-type": content_type or JSON_TYPE}
    headers |= headers_of(target, facts, record)
    if fix is not None:
        for name, value in fix.headers.items():
            put_header(headers, name, sendable(value, f"the header {name} of the fix"))
    return Made(target.method, url, _completed(headers, claimed), body, said)


def signed(target: Target, made: Made, timestamp_s: int) -> dict[str, str]:
    """Return a request's headers as they are sent at a time: signed over the bytes of its body."""
    headers = made.headers
    headers["webhook-timestamp"] = str(timestamp_s)
    if target.signing_secrets:
        headers["webhook-signature"] = sign(
            target.signing_secrets, headers["webhook-id"], timestamp_s, made.body
        )
    return headers


def _completed(headers: dict[str, str], claimed: ClaimedRecord) -> dict[str, str]:
    headers["webhook-id"] = claimed.webhook_id
    if claimed.sample:
        headers[SAMPLE_HEADER] = "true"
    return headers


def address_of(target: Target, facts: Facts, record: Any) -> str:
    """Return where a target's requests go to. Raises MappingError."""
    way = target.way
    if way.path is None or way.query is None:
        return target.url
    return url_of(way.base_url, way.path, way.query, facts, record)


def url_of(base_url: str, path: Template, query: Template, facts: Facts, record: Any) -> str:
    """Return the URL of a record: each value is encoded, none leads out of its segment. Raises MappingError."""
    parts: list[str] = []
    for part, value in path.values(facts, record):
        if isinstance(part, str):
            parts.append(part)
            continue
        text = "" if value is MISSING else text_of(value)
        if not text or text in (".", ".."):
            what = f"the record's {_name(part)} is {text or 'missing'}, and the path needs it"
            raise MappingError(what, fix="correct the record, or the path of the integration")
        parts.append(_encoded(text, part))
    rest = "".join(
        part if isinstance(part, str) else "" if value is MISSING else _encoded(text_of(value), part)
        for part, value in query.values(facts, record)
    )
    url = join_url(base_url, "".join(parts) + (f"?{rest}" if rest else ""))
    if len(url) > _MOST_URL:
        raise MappingError(
            f"the URL has more than {_MOST_URL} characters", fix="name shorter values in the path"
        )
    return url


def headers_of(target: Target, facts: Facts, record: Any) -> dict[str, str]:
    """Return the target's headers with their templates filled in; one whose value the record lacks is left out."""
    headers: dict[str, str] = {}
    for name, value in target.headers.items():
        template = target.way.headers.get(name)
        if template is None or name.lower() in target.secret_headers:
            headers[name] = value
            continue
        made = template.render(facts, record)
        if made is MISSING:
            continue
        text = _CONTROL.sub(" ", text_of(made)).strip()
        if len(text) > _MOST_HEADER:
            raise MappingError(
                f"the header {name} has more than {_MOST_HEADER} characters", fix="name a shorter value"
            )
        headers[name] = sendable(text, f"the header {name}")
    return headers


def put_header(headers: dict[str, str], name: str, value: str) -> None:
    """Set a header, whatever the case in which it is there already."""
    for given in [each for each in headers if each.lower() == name.lower()]:
        del headers[given]
    headers[name] = value


def _encoded(text: str, part: tuple[str, ...]) -> str:
    # A character that was replaced would lead to another address.
    return quote(sendable(text, f"the record's {_name(part)}"), safe="")


def _name(part: tuple[str, ...]) -> str:
    return join_path(part[1:]) if part[0] == "data" else part[0]
