"""The values of a record as text, and text in the forms in which it is compared."""

from __future__ import annotations

import html
import re
import unicodedata

_MAX_NUMBER_CHARS = 40
_ESCAPED = re.compile(r"\\u([0-9a-fA-F]{4})|((?:%[0-9a-fA-F]{2})+)")


def values_of(data: object) -> frozenset[str]:
    """Return every string, number and boolean of the data as text, spaces tidied; nulls and blanks are none."""
    values: set[str] = set()
    stack = [data]
    while stack:
        node = stack.pop()
        if isinstance(node, str):
            values.add(plain(node))
        elif isinstance(node, dict):
            stack.extend(node.values())
        elif isinstance(node, list | tuple):
            stack.extend(node)
        elif isinstance(node, bool):
            values.add("true" if node else "false")
        elif isinstance(node, int | float):
            values.add(_number_text(node))
    values.discard("")
    return frozenset(values)


def plain(text: str) -> str:
    """Return the text as one line: composed characters, single spaces, nothing that does not print."""
    if not (text.isascii() and text.isprintable()):
        composed = unicodedata.normalize("NFC", text)
        text = "".join([char if char.isprintable() else " " for char in composed])
    return " ".join(text.split())


def unescaped(text: str) -> str:
    r"""Return the text without HTML entities, `\u00e9` and `%C3` for plain characters, which may hide a value."""
    if "&" in text:
        text = html.unescape(text)
    if "\\u" in text or "%" in text:
        text = _ESCAPED.sub(_character, text)
    return text


def _character(escape: re.Match[str]) -> str:
    if escape[1]:
        return chr(int(escape[1], 16))
    return bytes.fromhex(escape[2].replace("%", "")).decode("utf-8", "replace")


def fold(text: str) -> str:
    """Return the text in lower case with every character at its place."""
    lower = text.lower()
    if len(lower) == len(text):
        return lower
    return "".join([char.lower() if len(char.lower()) == 1 else char for char in text])


def squashed(text: str) -> str:
    """Return letters and digits alone, in lower case and without accents: `Zsófia Quill` is `zsofiaquill`."""
    if not text.isascii():
        text = unicodedata.normalize("NFKD", text)
    return "".join([char for char in text.casefold() if char.isalnum()])


def readings(text: str) -> list[float]:
    """Return what number the text can mean: commas separate thousands or decimals; the sign is left out."""
    digits = text.lstrip("+-")
    if not digits[:1].isdigit() or len(digits) > _MAX_NUMBER_CHARS:
        return []
    forms = (
        {digits.replace(",", ""), digits.replace(".", "").replace(",", ".")} if "," in digits else {digits}
    )
    if digits.count(".") > 1:
        forms.add(digits.replace(".", ""))
    found: list[float] = []
    for form in forms:
        try:
            found.append(float(form))
        except ValueError:
            continue
    return found


def _number_text(number: float) -> str:
    try:
        return str(number)
    except ValueError:  # an int with more digits than Python prints
        return ""
