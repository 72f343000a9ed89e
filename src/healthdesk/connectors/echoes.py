"""Takes the credential out of what an endpoint answers: some repeat the request that they refuse."""

from __future__ import annotations

import base64
import html
import re
from bisect import bisect_right
from collections.abc import Iterable

from healthdesk.domain.masking import MASK

SHORTEST = 4
"""A shorter secret is not looked for: it stands in any answer by chance."""

_MASK = MASK.encode()
# Runs of JSON's escapes have a limit, because the expression remembers every turn; it does not part a pair of them.
_ESCAPE = re.compile(
    rb"((?:\\u[dD][89abAB][0-9a-fA-F]{2}\\u[dD][c-fC-F][0-9a-fA-F]{2}|\\u[0-9a-fA-F]{4}){1,64})"
    rb'|\\(["\\/])|%([0-9a-fA-F]{2})|&(?:#[0-9]{1,7}|#[xX][0-9a-fA-F]{1,6}|[a-z]{2,4});'
)

_Span = tuple[int, int]


class Secrets:
    """The secrets of one request, and how an answer may repeat them: as they are, in base64, or escaped.

    Kept beside the target and asked for every answer, so an answer without an escape costs one search a form.
    """

    __slots__ = ("_forms",)

    def __init__(self, values: Iterable[str] = ()) -> None:
        forms: dict[bytes, None] = {}
        for value in values:
            plain = value.encode()
            if len(plain) < SHORTEST:
                continue
            forms[plain] = None
            for encoded in (base64.b64encode(plain), base64.urlsafe_b64encode(plain)):
                forms[encoded.rstrip(b"=")] = None
        # the longest first: one form may be a part of another
        self._forms = tuple(sorted(forms, key=len, reverse=True))

    def __bool__(self) -> bool:
        return bool(self._forms)

    def __repr__(self) -> str:
        """Show none: a traceback or a log line must not hold a secret."""
        return f"Secrets({len(self._forms)} forms)"

    def out_of(self, body: bytes, *, cut: bool = False) -> bytes:
        """Return the bytes with every secret masked; where they were `cut`, also the start of one at their end."""
        if self.are_in(body):
            body = _masked(body, [*self._spans(body), *self._escaped_spans(body)])
        if cut:
            for form in self._forms:
                for length in range(min(len(form) - 1, len(body)), SHORTEST - 1, -1):
                    if body.endswith(form[:length]):
                        return body[:-length] + _MASK
        return body

    def out_of_text(self, text: str) -> str:
        """Return the text with every secret masked."""
        raw = text.encode("utf-8", "surrogatepass")
        return self.out_of(raw).decode("utf-8", "replace") if self.are_in(raw) else text

    def out_of_headers(self, headers: dict[str, str]) -> dict[str, str]:
        """Return the headers with every secret masked, in names too."""
        if not self.are_in("\n".join([*headers, *headers.values()]).encode()):
            return headers
        return {self.out_of_text(name): self.out_of_text(value) for name, value in headers.items()}

    def are_in(self, raw: bytes) -> bool:
        """Tell whether any secret is in there."""
        for form in self._forms:
            if form in raw:
                return True
        if not self._forms or not (b"\\" in raw or b"%" in raw or b"&" in raw):
            return False
        read = _ESCAPE.sub(_meant, raw)
        return any(form in read for form in self._forms)

    def _spans(self, raw: bytes) -> list[_Span]:
        found: list[_Span] = []
        for form in self._forms:
            at = raw.find(form)
            while at >= 0:
                found.append((at, at + len(form)))
                at = raw.find(form, at + 1)
        return found

    def _escaped_spans(self, raw: bytes) -> list[_Span]:
        """Return where secrets stand that can be read only without the escapes of JSON, URLs and HTML."""
        read = bytearray()
        starts, origins = [0], [0]
        """Where each run of bytes starts in what is read, and where in `raw`: an escape is a run of its own."""
        position = 0
        for escape in _ESCAPE.finditer(raw):
            read += raw[position : escape.start()]
            for place in (escape.start(), escape.end()):
                starts.append(len(read))
                origins.append(place)
                if place == escape.start():
                    read += _meant(escape)
            position = escape.end()
        read += raw[position:]

        def origin(at: int, *, end: bool) -> int:
            run = bisect_right(starts, at - 1 if end else at) - 1
            if run % 2:  # inside an escape
                return origins[run + 1] if end else origins[run]
            return origins[run] + at - starts[run]

        return [(origin(a, end=False), origin(b, end=True)) for a, b in self._spans(bytes(read))]


NO_SECRETS = Secrets()


def _meant(escape: re.Match[bytes]) -> bytes:
    """Return the bytes that an escape of JSON, of a URL or of HTML stands for."""
    units, mark, octet = escape.groups()
    if mark:
        return mark
    if octet:
        return bytes.fromhex(octet.decode())
    if units:
        read = bytes.fromhex(units.replace(b"\\u", b"").decode()).decode("utf-16-be", "surrogatepass")
        return read.encode("utf-8", "surrogatepass")
    return html.unescape(escape[0].decode()).encode("utf-8", "surrogatepass")


def _masked(raw: bytes, spans: list[_Span]) -> bytes:
    pieces: list[bytes] = []
    position = 0
    for start, end in sorted(spans):
        if end <= position:
            continue
        if start >= position:
            pieces += [raw[position:start], _MASK]
        position = end
    return b"".join(pieces) + raw[position:]
