"""A request as a curl command that can be pasted into a shell. Secrets are variables, which the shell asks for."""

from __future__ import annotations

import base64
import re
import shlex
from collections.abc import Callable, Mapping

from healthdesk.domain.scrubbing import MASK

_LEFT_OUT = frozenset(
    {
        "host", "content-length", "connection", "transfer-encoding", "accept-encoding", "expect",
        # Signed is another moment and, once somebody edits the command, another body: the endpoint would refuse it.
        "webhook-signature", "webhook-timestamp",
    }
)  # fmt: skip
_IN_URL = re.compile(MASK)
_IN_HEADER = re.compile(rf"{MASK}(?:\S{{4}}$)?")
"""Of a long token the end is shown behind the mask."""
_NAME = re.compile(r"[^A-Za-z0-9]+")
_LARGEST_ARGUMENT = 100_000
"""A single argument of a command may not have more than 128 KiB on Linux (MAX_ARG_STRLEN)."""


def curl(
    method: str,
    url: str,
    headers: Mapping[str, str],
    body: bytes | None = b"",
    *,
    left_out: str = "the body",
    certificate: bool = False,
) -> str:
    """Return a command over several lines. `body` None stands for one that is not shown, `left_out` says why.

    What is masked in a header or the URL becomes `${NAME:?…}`: the shell says what is missing rather than sending nonsense.
    With `certificate` it asks for the files of a client certificate and its key.
    """
    variables = _Variables()
    parts = [f"curl -g -X {shlex.quote(method)} {variables.into(url, _IN_URL, _url_name)}"]
    if certificate:
        parts.append('--cert "${CLIENT_CERT:?the file of the client certificate}"')
        parts.append('--key "${CLIENT_KEY:?the file of its key}"')
    for name, value in headers.items():
        if name.lower() not in _LEFT_OUT:
            line = f"{name}: {value}" if value else f"{name};"
            parts.append(f"-H {variables.into(line, _IN_HEADER, _header_name(name))}")
    lines = {name.lower(): value for name, value in headers.items()}
    if "accept-encoding" in lines:
        parts.append("--compressed")
    piped = ""
    if body is None:
        parts.append(f'--data-raw "${{BODY:?{left_out}}}"')
    elif body:
        if "content-type" not in lines:
            parts.append("-H 'content-type:'")
        text = _text(body)
        if text is None:
            piped = f"printf %s {base64.b64encode(body).decode()} | base64 -d | "
            parts.append("--data-binary @-")
        else:
            parts.append(f"--data-raw {shlex.quote(text)}")
    return piped + " \\\n  ".join(parts)


def _text(body: bytes) -> str | None:
    """Return a body that can stand in an argument, None for one that has to come through a pipe."""
    if len(body) > _LARGEST_ARGUMENT or b"\0" in body:
        return None
    try:
        return body.decode()
    except UnicodeDecodeError:
        return None


class _Variables:
    """The variables of a command, each under a name of its own: different secrets may stand behind the same word."""

    def __init__(self) -> None:
        self._taken = {"BODY", "CLIENT_CERT", "CLIENT_KEY"}

    def into(self, text: str, masked: re.Pattern[str], name_of: Callable[[str], str]) -> str:
        """Return a text quoted for the shell, with a variable where something is masked."""
        quoted, position = [], 0
        for match in masked.finditer(text):
            before = text[position : match.start()]
            if before:
                quoted.append(shlex.quote(before))
            name = self._new(name_of(text[: match.start()]))
            quoted.append(f'"${{{name}:?left out of what is stored}}"')
            position = match.end()
        if position < len(text) or not quoted:
            quoted.append(shlex.quote(text[position:]))
        return "".join(quoted)

    def _new(self, wanted: str) -> str:
        name, number = wanted, 1
        while name in self._taken:
            number += 1
            name = f"{wanted}_{number}"
        self._taken.add(name)
        return name


def _url_name(before: str) -> str:
    """Return the variable for what is masked in a URL after this: the parameter's name, or the password's."""
    found = re.search(r"[?&]([^=&?]+)=$", before)
    if found:
        return _variable(found[1])
    return "URL_PASSWORD" if before.endswith(":") else "URL_PART"


def _header_name(name: str) -> Callable[[str], str]:
    return lambda _before: _variable(name)


def _variable(name: str) -> str:
    made = _NAME.sub("_", name).strip("_").upper() or "SECRET"
    return f"V_{made}" if made[0].isdigit() else made
