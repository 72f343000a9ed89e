"""What was collected as proof: its canonical text, its hash, and how it is kept.

The canonical text is a JSON array in UTF-8, each row on a line of its own between the lines of the brackets, without
spaces; its first row are the keys of the columns. Rows are in the order of their id, those of one id (and all without one) by what they say, so that an
app that lists them in another order has not changed anything. The content hash is the SHA-256 of that text.
"""

from __future__ import annotations

import hashlib
import json
import zlib
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import islice

Row = tuple[str, ...]
Order = tuple[int, int, str, str]

MOST_CHARACTERS = 4_000_000
"""Characters that a page of contents holds at most: one cell may have thousands."""

_CHUNK = 65_536
_END = b"\n]"
_ENCODE = json.JSONEncoder(ensure_ascii=False, separators=(",", ":")).encode


@dataclass(frozen=True, slots=True)
class Packed:
    """Rows as they are kept: the deflated canonical text, and its hash in hexadecimal."""

    content_hash: str
    body: bytes
    rows: int


def packed(columns: Sequence[str], rows: Iterable[Mapping[str, str]], id_column: str = "") -> Packed:
    """Return rows as they are kept; a cell that a row lacks is empty. `id_column` tells rows apart, where there is one."""
    told = (tuple(row.get(key, "") for key in columns) for row in rows)
    if id_column in columns:
        at = columns.index(id_column)
        ordered = sorted(told, key=lambda row: (id_order(row[at]), row))
    else:
        ordered = sorted(told)
    digest, deflate = hashlib.sha256(), zlib.compressobj()
    parts: list[bytes] = []
    for number, line in enumerate((tuple(columns), *ordered)):
        text = ((",\n" if number else "[\n") + _ENCODE(line)).encode()
        digest.update(text)
        parts.append(deflate.compress(text))
    digest.update(_END)
    parts += [deflate.compress(_END), deflate.flush()]
    return Packed(digest.hexdigest(), b"".join(parts), len(ordered))


def id_order(known_as: str) -> Order:
    """Return where an id comes: numbers by their size, before others by their letters."""
    if known_as.isascii() and known_as.isdigit():
        digits = known_as.lstrip("0")
        return (0, len(digits), digits, known_as)
    return (1, 0, "", known_as)


def unpacked(body: bytes) -> Iterator[Row]:
    """Return the rows that were packed one after the other; no more than a part of them is in memory."""
    for line in islice(_lines(body), 1, None):
        yield tuple(json.loads(line))


def page(body: bytes, start: int, limit: int) -> list[Row]:
    """Return `limit` rows from the one numbered `start` (from 0), or fewer, but one, where they are long."""
    rows: list[Row] = []
    room = MOST_CHARACTERS
    for line in islice(_lines(body), 1 + start, 1 + start + limit):
        room -= len(line)
        if rows and room < 0:
            break
        rows.append(tuple(json.loads(line)))
    return rows


def _lines(body: bytes) -> Iterator[str]:
    """Return the rows of a canonical text as JSON, the keys first: no row has a line break, for JSON escapes it."""
    inflate = zlib.decompressobj()
    begun = b""
    while not inflate.eof:
        text = inflate.decompress(body, _CHUNK)
        body = inflate.unconsumed_tail
        if not text and not body:
            return
        *whole, begun = (begun + text).split(b"\n")
        for line in whole:
            if line != b"[":
                yield line.decode().removesuffix(",")
