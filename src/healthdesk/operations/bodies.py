"""Stored bodies as people see them: values masked, or in clear once revealed."""

from __future__ import annotations

import base64
from collections.abc import Mapping

from healthdesk.api.records import Body
from healthdesk.domain.masking import mask_text


def content_type_of(headers: Mapping[str, str]) -> str:
    """Return the content type that headers name."""
    return next((value for name, value in headers.items() if name.lower() == "content-type"), "")


def gone(content_type: str = "") -> Body:
    """Return what is shown of a body that retention removed."""
    return Body(content_type=content_type, masked=False)


def clear_body(body: bytes, content_type: str, *, cut: bool = False) -> Body:
    """Return a body as it is; what is no text comes as base64."""
    try:
        text, encoded = body.decode("utf-8"), None
    except UnicodeDecodeError:
        text, encoded = None, base64.b64encode(body).decode("ascii")
    return Body(content_type=content_type, size=len(body), text=text, base64=encoded, masked=False, cut=cut)


def masked_body(
    body: bytes,
    content_type: str,
    *,
    cut: bool = False,
    under: str = "",
    values: frozenset[str] = frozenset(),
    clear: frozenset[str] = frozenset(),
    refusal: bool = False,
) -> Body:
    """Return a body with its values masked; what a `refusal` says is shown without the `values` of the record."""
    text = mask_text(body, content_type, under=under, values=values, clear=clear, refusal=refusal)
    return Body(content_type=content_type, size=len(body), text=text, masked=True, cut=cut)
