"""Follows a list from page to page, as its manifest says it goes on."""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING
from urllib.parse import urljoin

from yarl import URL

from healthdesk.connectors import paths
from healthdesk.connectors.spec import Paging, RequestTemplate
from healthdesk.connectors.spec.errors import Operation
from healthdesk.connectors.templates import Extra
from healthdesk.connectors.texts import as_value
from healthdesk.domain.scrubbing import MASK

if TYPE_CHECKING:
    from healthdesk.connectors.client import AppClient, Reply

MOST_PAGES = 100
_MOST_NEXT = 8_192


@dataclass(slots=True)
class Page:
    """One page of a list. `items` are what the expression for them gave; none where the reply failed.

    `more` says on the last page that is given that there would be others.
    """

    reply: Reply
    items: list[object] = field(default_factory=list)
    more: bool = False


@dataclass(frozen=True, slots=True)
class _Next:
    """Where the next page is: parameters, or a URL."""

    extra: Extra | None = None
    url: str = ""
    wrong: str = ""
    """What is wrong with what the app says of it."""

    @property
    def key(self) -> str:
        return self.url or repr(self.extra)


async def pages(
    client: AppClient,
    request: RequestTemplate,
    inputs: Mapping[str, object],
    *,
    on: Operation,
    items: str,
    paging: Paging,
    success: str | None,
    most_pages: int,
    most_bytes: int,
) -> AsyncIterator[Page]:
    """Yield page after page; the last one has the failure, or says that there are more than `most_pages`."""
    step = _first(paging)
    seen = {step.key}
    received = 0
    for number in range(1, most_pages + 1):
        reply = await client.call(
            request, inputs, on=on, success=success, most_bytes=most_bytes, extra=step.extra, url=step.url
        )
        found = paths.items(items, reply.document) if reply.ok else None
        if found is None:
            if reply.ok:
                reply = replace(reply, failure=client.missing(reply, "without the list that was asked for"))
            yield Page(reply)
            return
        received += len(found)
        following = _following(paging, reply, len(found), received, number)
        if following is not None and not following.wrong and following.key in seen:
            following = _Next(wrong="with a list that goes round in circles")
        if following is not None and following.wrong:
            yield Page(replace(reply, failure=client.missing(reply, following.wrong)), found)
            return
        yield Page(reply, found, more=following is not None and number == most_pages)
        if following is None:
            return
        step = following
        seen.add(step.key)


def _first(paging: Paging) -> _Next:
    values: dict[str, object] = {}
    if paging.size_param:
        values[paging.size_param] = paging.size
    if not paging.ask_first:
        return _Next(Extra(values, paging.into)) if values else _Next()
    if paging.type == "page":
        values[paging.param] = paging.start
    elif paging.type == "offset":
        values[paging.param] = _offset_start(paging)
    return _Next(Extra(values, paging.into)) if values else _Next()


def _offset_start(paging: Paging) -> int:
    """Return the first offset: items are counted from 0 unless the manifest says otherwise."""
    return paging.start if "start" in paging.model_fields_set else 0


def _following(paging: Paging, reply: Reply, count: int, received: int, number: int) -> _Next | None:
    """Return where the next page is, or None after the last."""
    if paging.type == "none":
        return None
    if paging.more is not None and not paths.holds(paging.more, reply.document):
        return None
    if paging.type in ("page", "offset"):
        sized = paging.size_param or "size" in paging.model_fields_set
        if not count or (paging.more is None and sized and count < paging.size):
            return None
        at = paging.start + number if paging.type == "page" else _offset_start(paging) + received
        return _with(paging, at)
    if paging.type == "link":
        # Only apps with such lists load httpx: it brings a screen's libraries with it.
        import httpx

        links = httpx.Response(200, headers={"link": reply.headers.get("link", "")}).links
        return _url(links.get("next", {}).get("url"), reply)
    if paging.type == "header":
        return _cursor(paging, reply.headers.get(paging.next_header.lower()))
    found = paths.find(paging.next or "", reply.document)
    return _url(found, reply) if paging.type == "url" else _cursor(paging, found)


def _cursor(paging: Paging, found: object) -> _Next | None:
    if found is None or found is False or found == "":
        return None
    if isinstance(found, dict | list) or len(as_value(found)) > _MOST_NEXT or MASK in as_value(found):
        return _Next(wrong="with a mark for the next page that cannot be sent")
    return _with(paging, found)


def _with(paging: Paging, value: object) -> _Next:
    values: dict[str, object] = {paging.param: value}
    if paging.size_param:
        values[paging.size_param] = paging.size
    return _Next(Extra(values, paging.into))


def _url(found: object, reply: Reply) -> _Next | None:
    if found is None or found is False or found == "":
        return None
    elsewhere = _Next(wrong="with an address for the next page that is not its own")
    if not isinstance(found, str) or len(found) > _MOST_NEXT or MASK in found:
        return elsewhere
    try:
        url = URL(urljoin(reply.url, found))
        if url.origin() != URL(reply.url).origin() or url.user is not None or url.password is not None:
            return elsewhere
    except ValueError:
        return elsewhere
    return _Next(url=str(url.with_fragment(None)))
