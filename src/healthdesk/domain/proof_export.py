"""Proof as a file: CSV that a spreadsheet takes for nothing but text, and JSON. Both are made in parts."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Iterable, Iterator, Mapping, Sequence

from healthdesk.domain.proof import Row

_CHUNK = 65_536
_ENCODE = json.JSONEncoder(ensure_ascii=False, separators=(",", ":")).encode
_FORMULA = ("=", "+", "-", "@", "\t", "\r")


def plain_cell(cell: str) -> str:
    """Return a cell that no spreadsheet takes for a formula.

    One that begins with = + - @, a tab or a carriage return gets an apostrophe before it, as OWASP advises
    (https://owasp.org/www-community/attacks/CSV_Injection).
    """
    return f"'{cell}" if cell.startswith(_FORMULA) else cell


def as_csv(labels: Sequence[str], rows: Iterable[Row]) -> Iterator[bytes]:
    """Return a CSV file (RFC 4180, UTF-8), the labels of its columns first; cells are plain ones."""
    buffer = io.StringIO(newline="")
    writer = csv.writer(buffer)
    writer.writerow([plain_cell(label) for label in labels])
    for row in rows:
        writer.writerow([plain_cell(cell) for cell in row])
        if buffer.tell() >= _CHUNK:
            yield _drained(buffer)
    yield _drained(buffer)


def as_json(head: Mapping[str, object], columns: Sequence[str], rows: Iterable[Row]) -> Iterator[bytes]:
    """Return a JSON document: the members of `head`, then `rows`, an object each with the keys of the columns."""
    buffer = io.StringIO()
    buffer.write("{" + "".join(f"{_ENCODE(name)}:{_ENCODE(value)},\n" for name, value in head.items()))
    buffer.write('"rows":[')
    for number, row in enumerate(rows):
        buffer.write((",\n" if number else "\n") + _ENCODE(dict(zip(columns, row, strict=True))))
        if buffer.tell() >= _CHUNK:
            yield _drained(buffer)
    buffer.write("\n]}\n")
    yield _drained(buffer)


def _drained(buffer: io.StringIO) -> bytes:
    text = buffer.getvalue()
    buffer.seek(0)
    buffer.truncate()
    return text.encode()
