"""The file of a backup: lines of JSON, one a row, the same for both databases.

First a line that says what it is, then for each table a line with its columns and a line a row, and at the end how many rows
each table has and a digest of every line before: a file that broke off, or was changed, is not taken for a backup.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import json
import zlib
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from healthdesk.errors import BackupError

FORMAT = 1
KINDS = ("text", "integer", "float", "boolean", "bytes")

_NAME = "healthdesk-backup"
_ENCODE = json.JSONEncoder(separators=(",", ":"), ensure_ascii=False).encode
_AGAIN = "take another backup, or another copy of this one"


@dataclass(frozen=True, slots=True)
class Head:
    """What a backup says of itself: the schema's revision, the program that made it, when, and from which database."""

    revision: str
    version: str
    made_at: str
    database: str


@dataclass(frozen=True, slots=True)
class TableHead:
    """A table begins; `columns` are (name, one of KINDS)."""

    name: str
    columns: tuple[tuple[str, str], ...]


Row = tuple[Any, ...]


class Writer:
    """Makes the lines of a backup, in the order in which its methods are called."""

    def __init__(self) -> None:
        self._digest = hashlib.sha256()
        self._rows: dict[str, int] = {}
        self._binary: tuple[int, ...] = ()
        self._table = ""

    def head(self, head: Head) -> bytes:
        """Return the first line."""
        return self._line(
            {
                _NAME: FORMAT,
                "revision": head.revision,
                "version": head.version,
                "made_at": head.made_at,
                "database": head.database,
            }
        )

    def table(self, table: TableHead) -> bytes:
        """Return the line with which a table begins."""
        self._table = table.name
        self._rows[table.name] = 0
        self._binary = tuple(n for n, (_, kind) in enumerate(table.columns) if kind == "bytes")
        return self._line({"table": table.name, "columns": [list(each) for each in table.columns]})

    def rows(self, rows: Iterable[Sequence[Any]]) -> bytes:
        """Return the lines of rows of the table that was begun last."""
        lines = []
        for row in rows:
            values = list(row)
            for index in self._binary:
                if values[index] is not None:
                    values[index] = base64.b64encode(values[index]).decode()
            lines.append(self._line(values))
        self._rows[self._table] += len(lines)
        return b"".join(lines)

    def end(self) -> bytes:
        """Return the last line."""
        return _ENCODE({"rows": self._rows, "sha256": self._digest.hexdigest()}).encode() + b"\n"

    @property
    def counted(self) -> Mapping[str, int]:
        """Return how many rows of each table were written."""
        return self._rows

    def _line(self, value: Any) -> bytes:
        line = _ENCODE(value).encode() + b"\n"
        self._digest.update(line)
        return line


class Reader:
    """Reads a backup: `head`, then tables and rows; what is not as it was written raises BackupError, which says `name`."""

    def __init__(self, lines: Iterable[bytes], name: str = "this backup") -> None:
        self._name = name
        self._lines = iter(lines)
        self._begun = False
        self._digest = hashlib.sha256()
        self.rows: dict[str, int] = {}
        self.whole = False
        """Whether the last line was there and fits all before."""
        first = self._next()
        try:
            said = json.loads(first)
            if said[_NAME] != FORMAT:
                raise BackupError(
                    f"{name} is of format {said[_NAME]}; this healthdesk reads {FORMAT}",
                    fix=f"restore it with the healthdesk that made it, {said.get('version', 'a newer one')}",
                )
            self.head = Head(said["revision"], said["version"], said["made_at"], said["database"])
        except (ValueError, KeyError, TypeError):
            raise self._no_backup() from None
        self._begun = True
        self._digest.update(first)

    def __iter__(self) -> Iterator[TableHead | Row]:
        """Yield a TableHead, then its rows, and so on; it ends once the last line was found to be right."""
        table: TableHead | None = None
        binary: tuple[int, ...] = ()
        while True:
            line = self._next()
            try:
                said = json.loads(line)
                if isinstance(said, dict) and "sha256" in said:
                    self._check(said)
                    return
                self._digest.update(line)
                if isinstance(said, dict):
                    table = _table(said)
                    binary = tuple(n for n, (_, kind) in enumerate(table.columns) if kind == "bytes")
                    self.rows[table.name] = 0
                    yield table
                    continue
                if table is None or len(said) != len(table.columns):
                    raise self._damaged("a row does not fit its table")
                for index in binary:
                    if said[index] is not None:
                        said[index] = base64.b64decode(said[index], validate=True)
            except (ValueError, KeyError, TypeError, binascii.Error):
                raise self._damaged("a line is not as it was written") from None
            self.rows[table.name] += 1
            yield tuple(said)

    def verify(self) -> Mapping[str, int]:
        """Read to the end and return how many rows of each table there are."""
        for _ in self:
            pass
        return self.rows

    def _check(self, said: Mapping[str, Any]) -> None:
        if said["sha256"] != self._digest.hexdigest() or said["rows"] != self.rows:
            raise self._damaged("its digest does not fit")
        try:
            more = next(self._lines, b"")
        except EOFError:
            raise self._broken_off() from None
        except (OSError, zlib.error):  # a compressed file ends with a digest of its own
            raise self._damaged("it cannot be unpacked") from None
        if more:
            raise self._damaged("something follows its end")
        self.whole = True

    def _next(self) -> bytes:
        try:
            line = next(self._lines)
        except (EOFError, StopIteration):  # a compressed file that broke off is an EOFError
            line = b""
        except (OSError, zlib.error) as error:
            if isinstance(error, OSError) and error.errno is not None:
                raise BackupError(f"{self._name} cannot be read: {error.strerror}") from None
            raise (self._damaged("it cannot be unpacked") if self._begun else self._no_backup()) from None
        if not line.endswith(b"\n"):
            raise self._broken_off()
        return line

    def _broken_off(self) -> BackupError:
        return BackupError(f"{self._name} is not whole: it broke off", fix=_AGAIN)

    def _damaged(self, how: str) -> BackupError:
        return BackupError(f"{self._name} is damaged: {how}", fix=_AGAIN)

    def _no_backup(self) -> BackupError:
        return BackupError(
            f"{self._name} is no backup of healthdesk",
            fix="give a file that `healthdesk backup` wrote, as it is",
        )


def _table(said: Mapping[str, Any]) -> TableHead:
    columns = tuple((str(name), str(kind)) for name, kind in said["columns"])
    if any(kind not in KINDS for _, kind in columns):
        raise ValueError
    return TableHead(str(said["table"]), columns)
