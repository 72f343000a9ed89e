"""An attempt as a curl command: the bytes that were sent, with variables where secrets were."""

from __future__ import annotations

import re
import shlex

from healthdesk.api.records import Attempt, Body, RecordDetail
from healthdesk.domain.scrubbing import MASK

LEFT_OUT = frozenset(
    {
        "content-length", "host", "accept-encoding", "connection", "transfer-encoding",
        # Signed is another moment and, where a record was mended, another body.
        "webhook-signature", "webhook-timestamp",
    }
)  # fmt: skip


def curl_of(detail: RecordDetail) -> str:
    """Return a curl command of the last attempt, empty when nothing was sent."""
    return curl(detail.attempts[-1], detail.request_body) if detail.attempts else ""


def curl(attempt: Attempt, body: Body | None) -> str:
    """Return a curl command of an attempt, empty when nothing was sent.

    The body is as it was sent, byte for byte. Secrets are not in it: the shell takes them from variables, `$TOKEN`
    for the credential.
    """
    if not attempt.url:
        return ""
    words = ["curl", "-X", shlex.quote(attempt.method or "POST"), shlex.quote(attempt.url)]
    for name, value in sorted(attempt.request_headers.items()):
        if name.lower() not in LEFT_OUT:
            words += ["-H", _header(name, value)]
    before = ""
    if body is not None and body.base64:
        before = f"printf %s {shlex.quote(body.base64)} | base64 -d | "
        words += ["--data-binary", "@-"]
    elif body is not None and body.text:
        words += ["--data-raw", shlex.quote(body.text)]
    return before + " ".join(words)


def _header(name: str, value: str) -> str:
    before, masked, _ = value.partition(MASK)
    if not masked:
        return shlex.quote(f"{name}: {value}")
    variable = "TOKEN" if name.lower() == "authorization" else re.sub(r"[^A-Z0-9]", "_", name.upper())
    return f'{shlex.quote(f"{name}: {before}")}"${{{variable}}}"'


def curl_refusal(attempt: Attempt | None, body: Body | None) -> str:
    """Return why no command can be made that sends what was sent, or an empty string."""
    if attempt is None or not attempt.url:
        return "nothing was sent yet"
    if body is None or (body.text == "" and not body.base64):
        return ""
    if body.text is None and body.base64 is None:
        return "its body was removed by retention"
    if body.cut:
        return "its body is not kept whole"
    if body.masked:
        return "its values are masked, so it would send something else; v reveals them first"
    return ""
