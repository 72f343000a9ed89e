"""Headers that operators give: of an environment, or of a fix. They are shown, so no secret belongs into them."""

from __future__ import annotations

import re
from collections.abc import Mapping

from healthdesk.domain.masking import is_secret_header
from healthdesk.errors import Malformed

_NAME = re.compile(r"[!#$%&'*+.^_`|~0-9A-Za-z-]+")
_CONTROL = re.compile(r"[\x00-\x1f\x7f]")
_NOT_HERE = frozenset(
    {
        "host", "content-length", "transfer-encoding", "connection", "te", "trailer", "upgrade", "expect",
        "webhook-id", "webhook-timestamp", "webhook-signature",
    }
)  # fmt: skip
_MOST = 50
_LONGEST = 2000


def check_headers(headers: Mapping[str, str], field: str) -> None:
    """Raise Malformed for headers that cannot be sent, that the desk sets, or that are secrets."""
    if len(headers) > _MOST:
        raise Malformed(f"more than {_MOST} headers", field=field)
    for name, value in headers.items():
        if not _NAME.fullmatch(name):
            raise Malformed("a name is not a header name", field=field)
        if name.lower() in _NOT_HERE:
            raise Malformed(f"the header {name} is set by the desk", field=field, fix="leave it out")
        if is_secret_header(name):
            raise Malformed(
                f"the header {name} is a secret, and these headers are shown to operators",
                field=field,
                fix="put it into the connection's credentials, where the authentication method `header` holds a header of"
                " its own: `healthdesk connections update-credentials --auth header`",
            )
        if _CONTROL.search(value) or len(value) > _LONGEST:
            raise Malformed(f"the value of {name} cannot be sent", field=field)
