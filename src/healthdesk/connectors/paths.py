"""JMESPath over what an app answered: compiled once, and never raising whatever the answer is."""

from __future__ import annotations

import re
from collections.abc import Callable
from functools import lru_cache

import jmespath

# A name, or names with dots: most expressions, and a tenth of the interpreter's time.
_PLAIN = re.compile(r"[A-Za-z_][A-Za-z0-9_]*(?:\.[A-Za-z_][A-Za-z0-9_]*)*")
# What jmespath lets through when the types in a hostile answer are not those an expression was written for.
_WRONG_TYPES = (ValueError, TypeError, ArithmeticError, LookupError, AttributeError, RecursionError)

MOST_ITEMS = 100_000
MOST_TEXT = 200
"""Characters of a value that is shown on one line: a name, an id."""


def find(expression: str, document: object) -> object:
    """Return what an expression finds in a document; None where it finds nothing or the types do not fit it."""
    try:
        return _compiled(expression)(document)
    except _WRONG_TYPES:
        return None


def holds(expression: str, document: object) -> bool:
    """Return whether an expression is true of a document, as JMESPath means it: not null, false or empty."""
    found = find(expression, document)
    return found is not None and found is not False and found not in ("", [], {})


def items(expression: str, document: object) -> list[object] | None:
    """Return the list that an expression finds, an object as the only item; None where there is neither."""
    found = find(expression, document)
    if isinstance(found, list):
        return found[:MOST_ITEMS]
    return [found] if isinstance(found, dict) else None


def text_at(expression: str | None, document: object, most: int = MOST_TEXT) -> str:
    """Return what an expression finds as one line of text, empty where there is none."""
    return one_line(find(expression, document), most) if expression else ""


def one_line(value: object, most: int = MOST_TEXT) -> str:
    """Return a value of an answer as text that can be kept and shown on a line; lists are joined by commas."""
    found = value if type(value) is str and len(value) <= most and value.isascii() else as_text(value, most)
    if not (found.isascii() and found.isprintable()):
        found = "".join([char if char.isprintable() else " " for char in as_text(found, most)])
    return " ".join(found.split()) if " " in found else found


def as_text(value: object, most: int) -> str:
    """Return a value of an answer as text without characters that a database or a screen refuses."""
    if isinstance(value, str):
        kept = value[:most]
    elif isinstance(value, bool):
        kept = "true" if value else "false"
    elif isinstance(value, int | float):
        kept = _number(value)[:most]
    elif isinstance(value, list):
        # what is in a list within the list is no value of it: a hostile one is as deep as Python recurses
        plain = (as_text(each, most) for each in value[:most] if not isinstance(each, list))
        kept = ", ".join(part for part in plain if part)[:most]
    else:
        return ""
    if kept.isascii() and kept.isprintable():
        return kept
    return "".join([char if char.isprintable() or char in "\n\t" else _replaced(char) for char in kept])


def _replaced(char: str) -> str:
    """Return what stands for a character that does not print: spaces and marks of other scripts stay themselves."""
    if char == "\x00" or "\ud800" <= char <= "\udfff":
        return "\ufffd"
    return char if char > "\x9f" else ("" if char == "\r" else " ")


def _number(value: float) -> str:
    if isinstance(value, float) and value.is_integer() and abs(value) < 2**53:
        return str(int(value))
    try:
        return str(value)
    except ValueError:  # an int with more digits than Python prints
        return ""


@lru_cache(maxsize=4096)
def _compiled(expression: str) -> Callable[[object], object]:
    if expression == "@":
        return lambda document: document
    if _PLAIN.fullmatch(expression):
        return _walk(tuple(expression.split(".")))
    return jmespath.compile(expression).search


def _walk(keys: tuple[str, ...]) -> Callable[[object], object]:
    def search(document: object) -> object:
        for key in keys:
            if not isinstance(document, dict):
                return None
            document = document.get(key)
        return document

    return search
