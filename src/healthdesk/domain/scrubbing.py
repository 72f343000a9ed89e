"""Takes the values of a record out of words that the other side wrote.

An endpoint that refuses a record often repeats what it refuses: the value whole, a part of it, a number in
another notation, a name without its surname. What is doubtful is masked: a sentence with one word too few can
be looked up by who may reveal the record, a value that left cannot be taken back.
"""

from __future__ import annotations

import html
import re
import unicodedata
from collections.abc import Iterable, Iterator

MASK = "••••"

_WHOLE_WORD_BELOW = 4
"""Values shorter than this are masked as whole words only: a `no` is not masked inside `notice`."""

_PART_CHARS = 10
"""A stretch of a longer value, from the start of a word, is masked when it has at least this many characters."""

_NAME_WORDS = 8
_MAX_NUMBER_CHARS = 40

_WORD = re.compile(r"\w+")
_NUMBER = re.compile(r"(?<![A-Za-z_\d])\d+(?:[.,]\d+)*(?:[eE][+-]?\d+)?")
_IDENTIFIER_PARTS = re.compile(r"[\W_]+")
_ESCAPED = re.compile(r"\\u([0-9a-fA-F]{4})|%([0-7][0-9a-fA-F])")
_PERSONAL = re.compile(
    r"[^\s@<>\"'=:,;()]+@[^\s@<>\"'=:,;()]+"  # mail addresses
    r"|(?<!\d)\d{1,4}([-/.])\d{1,2}\1\d{1,4}(?![\d.])"  # dates
    r"|\+?\d(?:[ ()/-]{0,2}\d){5,}"  # telephone and other long numbers
)


def values_of(data: object) -> frozenset[str]:
    """Return every string, number and boolean of the data as text, spaces tidied; nulls and blanks are none."""
    values: set[str] = set()
    stack = [data]
    while stack:
        node = stack.pop()
        if isinstance(node, dict):
            stack.extend(node.values())
        elif isinstance(node, list | tuple):
            stack.extend(node)
        elif isinstance(node, bool):
            values.add("true" if node else "false")
        elif isinstance(node, str):
            values.add(plain(node))
        elif isinstance(node, int | float):
            values.add(_number_text(node))
    values.discard("")
    return frozenset(values)


def plain(text: str) -> str:
    """Return the text as one line: composed characters, single spaces, nothing that does not print."""
    composed = unicodedata.normalize("NFC", text)
    return " ".join("".join([char if char.isprintable() else " " for char in composed]).split())


def unescaped(text: str) -> str:
    r"""Return the text without HTML entities, `\u00e9` and `%C3` for plain characters, which may hide a value."""
    return _ESCAPED.sub(lambda match: chr(int(match[1] or match[2], 16)), html.unescape(text))


def scrub(text: str, values: frozenset[str], keep: str = "") -> str:
    """Return the text as one line with every trace of the values masked.

    Masked are the values whole (in any case), long parts of them, words of short ones that look like names, numbers
    equal to one (also rounded), and whatever looks like a mail address, a date or a long number. `keep` is a word
    (the name of a field) that stays. Without values there is nothing to hide.
    """
    if not values:
        return plain(text)
    shown, hidden = _traces(text, values)
    kept = list(_places(shown, keep)) if keep else []
    return _masked(shown, [span for span in hidden if not any(_is_within(span, place) for place in kept)])


def is_repeated(word: str, text: str, values: frozenset[str]) -> bool:
    """Tell whether a word of the text is there as part of a value that the text repeats."""
    if not values:
        return False
    shown, hidden = _traces(text, values)
    places = list(_places(shown, word)) or list(_places(shown, word, alone=False))
    return any(
        start < place[1] and place[0] < end and not _is_within((start, end), place)
        for place in places
        for start, end in hidden
    )


def _traces(text: str, values: frozenset[str]) -> tuple[str, list[tuple[int, int]]]:
    """Return the text as one line, and where in it are traces of values."""
    shown = plain(unescaped(text))
    folded = _fold(shown)
    spans = (
        *_whole(folded, values),
        *_parts(folded, values),
        *_names(shown, folded, values),
        *_numbers(shown, values),
        *(match.span() for match in _PERSONAL.finditer(shown)),
    )
    return shown, sorted(spans)


def _places(shown: str, word: str, *, alone: bool = True) -> Iterator[tuple[int, int]]:
    """Find where a word stands, alone or anywhere."""
    at = shown.find(word)
    while at >= 0:
        if not alone or _stands_alone(shown, at, at + len(word)):
            yield at, at + len(word)
        at = shown.find(word, at + 1)


def _is_within(span: tuple[int, int], place: tuple[int, int]) -> bool:
    return place[0] <= span[0] and span[1] <= place[1]


def holds_value(word: str, values: frozenset[str]) -> bool:
    """Tell whether an identifier is, or is made of, a value: `Smith`, `patient_Smith`; but not `risk_level` of `risk`."""
    folded = _fold(word)
    parts = set(_IDENTIFIER_PARTS.split(word))
    for value in values:
        known = _fold(value)
        if known == folded or (len(known) >= _WHOLE_WORD_BELOW and known in folded and not _is_simple(value)):
            return True
        names = _name_words(value)
        if folded in names or any(_fold(part) in names and part in value for part in parts):
            return True
    return False


def _is_simple(value: str) -> bool:
    return value.isascii() and value.isalpha() and value.islower()


def _number_text(number: float) -> str:
    try:
        return str(number)
    except ValueError:  # an int with more digits than Python prints
        return ""


def _fold(text: str) -> str:
    """Return the text in lower case with every character at its place."""
    lower = text.lower()
    if len(lower) == len(text):
        return lower
    return "".join([char.lower() if len(char.lower()) == 1 else char for char in text])


def _whole(folded: str, values: Iterable[str]) -> Iterator[tuple[int, int]]:
    for value in values:
        known = _fold(value)
        length = len(known)
        if not any(char.isalnum() for char in known):
            continue
        at = folded.find(known)
        while at >= 0:
            if length >= _WHOLE_WORD_BELOW or _stands_alone(folded, at, at + length):
                yield at, at + length
            at = folded.find(known, at + 1)


def _stands_alone(text: str, start: int, end: int) -> bool:
    before = text[start - 1] if start else " "
    after = text[end] if end < len(text) else " "
    return not (before.isalnum() or before == "_" or after.isalnum() or after == "_")


def _parts(folded: str, values: Iterable[str]) -> Iterator[tuple[int, int]]:
    """Find stretches of long values, as an endpoint cuts them short."""
    known = "\0".join(_fold(value) for value in values if len(value) > _PART_CHARS)
    for word in _WORD.finditer(folded) if known else ():
        start = word.start()
        at = known.find(folded[start : start + _PART_CHARS])
        end = start + _PART_CHARS
        if at < 0 or end > len(folded):
            continue
        at += _PART_CHARS
        while end < len(folded) and at < len(known) and folded[end] == known[at]:
            end, at = end + 1, at + 1
        yield start, end


def _names(shown: str, folded: str, values: frozenset[str]) -> Iterator[tuple[int, int]]:
    """Find single words of short values that look like names, addresses or codes."""
    names: set[str] = set()
    for value in values:
        names |= _name_words(value)
    for word in _WORD.finditer(shown) if names else ():
        if folded[word.start() : word.end()] in names or ("_" in word[0] and holds_value(word[0], values)):
            yield word.span()


def _name_words(value: str) -> set[str]:
    words = _WORD.findall(value)
    if not 1 < len(words) <= _NAME_WORDS:
        return set()
    return {
        _fold(word)
        for word in words
        if (len(word) >= 3 and not word[0].islower() and word[0].isalpha())
        or (len(word) >= _WHOLE_WORD_BELOW and any(char.isdigit() for char in word))
    }


def _numbers(shown: str, values: Iterable[str]) -> Iterator[tuple[int, int]]:
    tokens = list(_NUMBER.finditer(shown))
    if not tokens:
        return
    numbers = {number for value in values for number in _readings(value)}
    fractions = [number for number in numbers if not number.is_integer()]
    for token in tokens:
        readings = _readings(token[0])
        decimals = len(token[0]) - 1 - max(token[0].rfind("."), token[0].rfind(","))
        decimals = 0 if decimals == len(token[0]) else min(decimals, 15)
        rounds = len(token[0]) >= 2 and any(
            (rounded := round(number, decimals)) and rounded in readings
            for number in fractions
            if number < 1e15
        )
        if rounds or any(reading in numbers for reading in readings):
            yield token.span()


def _readings(text: str) -> list[float]:
    """Return what number the text can mean: commas separate thousands or decimals; the sign is left out."""
    digits = text.strip().lstrip("+-")
    if not digits[:1].isdigit() or len(digits) > _MAX_NUMBER_CHARS:
        return []
    found: list[float] = []
    for candidate in {digits.replace(",", ""), digits.replace(".", "").replace(",", ".")}:
        try:
            found.append(float(candidate))
        except ValueError:
            continue
    return found


def _masked(shown: str, hidden: list[tuple[int, int]]) -> str:
    pieces: list[str] = []
    position = 0
    open_mask = False
    for start, end in hidden:
        if end <= position:
            continue
        between = shown[position:start]
        if not open_mask or between.strip(" -./,"):
            pieces += [between, MASK]
        position, open_mask = end, True
    return "".join(pieces) + shown[position:]
