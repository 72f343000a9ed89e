"""On which line of a TOML text each key and each element stands; `tomllib` tells values without their places."""

from __future__ import annotations

import re
import tomllib
from collections.abc import Mapping

Path = tuple[str | int, ...]
"""A place in a document, as pydantic writes it: keys, and positions in arrays."""

_BLANK = re.compile(r"(?:[ \t\r\n]|#[^\n]*)*")
_BARE_KEY = re.compile(r"[A-Za-z0-9_-]+")
_STRING = re.compile(
    r'"""(?:[^\\]|\\.)*?"""(?:"{0,2})'
    r"|'''.*?'''(?:'{0,2})"
    r'|"(?:[^"\\\n]|\\.)*"'
    r"|'[^'\n]*'",
    re.DOTALL,
)
_SCALAR = re.compile(r"[^,\]}#\n]+")


def lines_of(text: str) -> Mapping[Path, int]:
    """Return the line, from 1, of every key, table and element of `text`, which `tomllib` has accepted.

    A table is where it is first named. Raises RecursionError for what is nested as deep as tomllib would refuse.
    """
    return _Scanner(text).scan()


def line_of(lines: Mapping[Path, int], path: Path) -> int:
    """Return the line of `path`, or of the nearest thing around it that is there; 1 for the document."""
    return next((lines[path[:end]] for end in range(len(path), 0, -1) if path[:end] in lines), 1)


class _Scanner:
    def __init__(self, text: str) -> None:
        self._text = text
        self._at = 0
        self._counted = 0
        self._line = 1
        self._lines: dict[Path, int] = {}
        self._counts: dict[Path, int] = {}

    def scan(self) -> Mapping[Path, int]:
        table: Path = ()
        while self._skip():
            if self._take("[["):
                table = self._array_of_tables(self._key())
                self._take("]]")
            elif self._take("["):
                table = self._table(self._key())
                self._take("]")
            else:
                self._pair(table)
        return self._lines

    def _array_of_tables(self, keys: list[str]) -> Path:
        path = (*self._descend(keys[:-1]), keys[-1])
        self._note(path)
        self._counts[path] = self._counts.get(path, 0) + 1
        table = (*path, self._counts[path] - 1)
        self._note(table)
        return table

    def _table(self, keys: list[str]) -> Path:
        return self._descend(keys)

    def _descend(self, keys: list[str]) -> Path:
        """Follow a header's keys from the top: a name that is an array of tables means its last table."""
        path: Path = ()
        for key in keys:
            path = (*path, key)
            self._note(path)
            if path in self._counts:
                path = (*path, self._counts[path] - 1)
        return path

    def _pair(self, table: Path) -> None:
        path = table
        for key in self._key():
            path = (*path, key)
            self._note(path)
        self._take("=")
        self._skip()
        self._value(path)

    def _value(self, path: Path) -> None:
        if self._take("["):
            index = 0
            while not self._closed("]"):
                self._note((*path, index))
                self._value((*path, index))
                index += 1
                self._skip()
                self._take(",")
        elif self._take("{"):
            while not self._closed("}"):
                self._pair(path)
                self._skip()
                self._take(",")
        elif (
            match := _STRING.match(self._text, self._at) or _SCALAR.match(self._text, self._at)
        ) is not None:
            self._at = match.end()

    def _key(self) -> list[str]:
        """Read a key, dotted or not."""
        keys = []
        while True:
            self._skip()
            if (match := _BARE_KEY.match(self._text, self._at)) is not None:
                keys.append(match.group())
            elif (match := _STRING.match(self._text, self._at)) is not None:
                keys.append(next(iter(tomllib.loads(f"{match.group()} = 0"))))
            else:
                raise ValueError(f"no key at character {self._at}: tomllib would have refused this")
            self._at = match.end()
            self._skip()
            if not self._take("."):
                return keys

    def _closed(self, bracket: str) -> bool:
        """Tell whether the array or table ends here, as it does at the end of the text."""
        return not self._skip() or self._take(bracket)

    def _skip(self) -> bool:
        """Pass blanks, line ends and comments; tell whether something follows."""
        match = _BLANK.match(self._text, self._at)
        assert match is not None
        self._at = match.end()
        return self._at < len(self._text)

    def _take(self, text: str) -> bool:
        if not self._text.startswith(text, self._at):
            return False
        self._at += len(text)
        return True

    def _note(self, path: Path) -> None:
        self._line += self._text.count("\n", self._counted, self._at)
        self._counted = self._at
        self._lines.setdefault(path, self._line)
