"""Takes the values of a record out of words that the other side wrote.

An endpoint that refuses a record often repeats what it refuses: the value whole, a part of it, a number in
another notation, a name without its surname. What is doubtful is masked: a sentence with one word too few can
be looked up by who may reveal the record, a value that left cannot be taken back.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from functools import cached_property

from healthdesk.domain.spans import MASK, Span, is_within, masked, places, stands_alone
from healthdesk.domain.values import fold, plain, readings, squashed, unescaped

__all__ = ["MASK", "Scrubber", "scrub"]

_WHOLE_WORD_BELOW = 4
"""Values shorter than this are masked as whole words only: a `no` is not masked inside `notice`."""

_PART_CHARS = 10
"""A stretch of a longer value, from the start of a word, is masked when it has at least this many characters."""

_PARTS_OF_FIRST_CHARS = 300
_PARTS_OF_ALL_CHARS = 131_072
"""Parts are looked for in the beginning of each value (that is what is repeated when it is cut short), up to a
total that a hostile record cannot make expensive."""

_FEW, _BEGINNING_CHARS = 200, 12
"""Up to so many values each is looked for by itself; more of them (a batch has thousands) are found by how they begin."""

_READ_CHARS = 1000
_CUT_CHARS = 60
"""A longer text is cut, and its end masked: a value may begin there that can no longer be recognized."""

_NAME_WORDS = 8
_MAX_DECIMALS = 9

_MARKS = " .,;:!?#$&*/\\()[]{}<>'\"`-_"

_WORD = re.compile(r"\w+")
_CODE = re.compile(r"\w{3}\d|\d\w{3}|\w\d\w\w|\w\w\d\w")
_IDENTIFIER_PARTS = re.compile(r"[\W_]+")
_IDENTIFIER_WORD = re.compile(r"[A-Z]+(?![a-z])|[A-Z]?[a-z]+|\d+")
_CAMEL_CASE = re.compile(r"[A-Za-z]*[a-z]+[A-Z]")
_NUMBER = re.compile(r"(?<![A-Za-z_\d])\d+(?:[.,]\d+)*(?:[eE][+-]?\d+)?")
_PERSONAL = re.compile(
    r"[^\s@<>\"'=:,;()]{1,80}@[^\s@<>\"'=:,;()]+"  # mail addresses
    r"|(?<!\d)\d{1,4}([-/.])\d{1,2}\1\d{1,4}(?![\d.])"  # dates
    r"|\+?\d(?:[ ()/-]{0,2}\d){5,}"  # telephone and other long numbers
)


def scrub(text: str, values: frozenset[str], keep: str = "") -> str:
    """Return the text as one line with every trace of the values masked; `keep` is a word that stays."""
    return Scrubber(values).scrub(text, keep)


class Scrubber:
    """Knows the values of one record, and finds their traces in texts."""

    def __init__(self, values: frozenset[str]) -> None:
        self._values = values

    def __bool__(self) -> bool:
        return bool(self._values)

    def scrub(
        self,
        text: str,
        keep: str | frozenset[str] = "",
        spared: frozenset[str] = frozenset(),
        *,
        guess: bool = True,
    ) -> str:
        """Return the text as one line with every trace of the values masked.

        Masked are the values whole (in any case), long parts of them, words of short ones that look like names,
        numbers equal to one (also rounded), and whatever looks like a mail address, a date or a long number.
        `keep` is a word (the name of a field) or texts that stay wherever they stand, `spared` are values in lower case
        that stay; without `guess` what only looks like personal data stays. Without values there is nothing to hide.
        """
        if not self._values or not text:
            return plain(text)
        shown, hidden = self._traces(text, guess=guess)
        words = {keep} if isinstance(keep, str) else keep
        kept = [place for word in words if word for place in places(shown, word)]
        if kept or spared:
            hidden = [
                span
                for span in hidden
                if not any(is_within(span, place) for place in kept)
                and fold(shown[span[0] : span[1]]) not in spared
            ]
        return masked(shown, hidden)

    def is_repeated(self, word: str, text: str) -> bool:
        """Tell whether a word of the text is there as part of a value that the text repeats."""
        if not self._values:
            return False
        shown, hidden = self._traces(text)
        found = list(places(shown, word)) or list(places(shown, word, alone=False))
        return any(
            start < place[1] and place[0] < end and not is_within((start, end), place)
            for place in found
            for start, end in hidden
        )

    def holds(self, word: str) -> bool:
        """Tell whether an identifier is, or is made of, a value: `patient_Smith`, `aliceSmith`; not `risk_level` of `risk`."""
        folded = fold(word)
        return (
            folded in self._names
            or any(
                known == folded
                or (len(known) >= _WHOLE_WORD_BELOW and known in folded and not _is_simple(value))
                for known, value in self._possible(folded)
            )
            or any(part in self._name_words for part in _IDENTIFIER_PARTS.split(word))
            or self._is_written_as_one(word)
        )

    def _is_written_as_one(self, word: str) -> bool:
        """Tell whether an identifier is a value without the marks between its words, or words of it in another order."""
        bare = squashed(word)
        if bare in self._squashed or any(known in bare for known in self._phrases):
            return True
        parts = {squashed(part) for part in _IDENTIFIER_WORD.findall(word)}
        return len(parts) > 1 and any(len(parts & words) > 1 for words in self._words_of_names)

    @cached_property
    def _whole(self) -> list[tuple[str, str]]:
        """The values in lower case, each with its original; also without the marks around them."""
        whole = [(fold(value), value) for value in self._values]
        bare = [(bare, value) for known, value in whole if (bare := known.strip(_MARKS)) != known and bare]
        return whole + bare

    @cached_property
    def _by_beginning(self) -> dict[str, list[tuple[str, str]]]:
        by_beginning: dict[str, list[tuple[str, str]]] = {}
        for each in self._whole:
            by_beginning.setdefault(each[0][:_BEGINNING_CHARS], []).append(each)
        return by_beginning

    def _possible(self, folded: str) -> Iterable[tuple[str, str]]:
        """Return of `_whole` at least what is in the text."""
        if len(self._whole) <= _FEW:
            return self._whole
        stretches = {
            folded[at : at + length]
            for length in range(1, _BEGINNING_CHARS + 1)
            for at in range(len(folded) - length + 1)
        }
        return [each for stretch in stretches for each in self._by_beginning.get(stretch, ())]

    @cached_property
    def _beginnings(self) -> str:
        long = (known[:_PARTS_OF_FIRST_CHARS] for known, _ in self._whole if len(known) > _PART_CHARS)
        return "\0".join(long)[:_PARTS_OF_ALL_CHARS]

    @cached_property
    def _name_words(self) -> set[str]:
        words: set[str] = set()
        for value in self._values:
            if not value.isalnum():
                words |= _name_words(value)
        return words

    @cached_property
    def _names(self) -> set[str]:
        return {fold(word) for word in self._name_words}

    @cached_property
    def _squashed(self) -> set[str]:
        return {squashed(value) for value in self._values} - {""}

    @cached_property
    def _phrases(self) -> set[str]:
        """The values of several words, written as one."""
        phrases = (squashed(value) for value in self._values if " " in value)
        return {phrase for phrase in phrases if len(phrase) > _WHOLE_WORD_BELOW}

    @cached_property
    def _words_of_names(self) -> list[set[str]]:
        names = (_name_words(value) for value in self._values if not value.isalnum())
        return [{squashed(word) for word in words} for words in names if len(words) > 1]

    @cached_property
    def _numbers(self) -> set[float]:
        return {number for value in self._values for number in readings(value)}

    @cached_property
    def _rounded(self) -> dict[int, set[float]]:
        """The numbers with a fraction, rounded to so many decimals as were asked for."""
        return {}

    def _traces(self, text: str, *, guess: bool = True) -> tuple[str, list[Span]]:
        """Return the text as one line, and where in it are traces of values."""
        shown = plain(unescaped(text[: 4 * _READ_CHARS]))
        spans: list[Span] = []
        if len(shown) > _READ_CHARS:
            shown = shown[:_READ_CHARS]
            spans.append((_READ_CHARS - _CUT_CHARS, _READ_CHARS))
        folded = fold(shown)
        spans += self._whole_in(folded)
        spans += self._words_in(shown, folded)
        if any(char.isdigit() for char in shown):
            spans += self._numbers_in(shown)
        if guess:
            spans += (match.span() for match in _PERSONAL.finditer(shown))
        return shown, sorted(spans)

    def _whole_in(self, folded: str) -> Iterator[Span]:
        for known, _ in self._possible(folded):
            at = folded.find(known)
            if at < 0 or not any(char.isalnum() for char in known):
                continue
            length = len(known)
            while at >= 0:
                if length >= _WHOLE_WORD_BELOW or stands_alone(folded, at, at + length):
                    yield at, at + length
                at = folded.find(known, at + 1)

    def _words_in(self, shown: str, folded: str) -> Iterator[Span]:
        """Find words of names, identifiers made of values, and stretches of long values (which may be cut short)."""
        known = self._beginnings
        for word in _WORD.finditer(shown):
            start, end = word.span()
            if folded[start:end] in self._names or (
                self.holds(word[0]) if "_" in word[0] else self._is_phrase(word[0])
            ):
                yield start, end
            at = known.find(folded[start : start + _PART_CHARS]) if known else -1
            if at < 0 or start + _PART_CHARS > len(folded):
                continue
            end, at = start + _PART_CHARS, at + _PART_CHARS
            while end < len(folded) and at < len(known) and folded[end] == known[at]:
                end, at = end + 1, at + 1
            yield start, end

    def _is_phrase(self, word: str) -> bool:
        if _CAMEL_CASE.match(word) is None:
            return len(word) > _WHOLE_WORD_BELOW and fold(word) in self._phrases
        return self._is_written_as_one(word)

    def _numbers_in(self, shown: str) -> Iterator[Span]:
        numbers, rounded = self._numbers, self._rounded
        for token in _NUMBER.finditer(shown) if numbers else ():
            meant = readings(token[0])
            if not numbers.isdisjoint(meant):
                yield token.span()
            elif len(token[0]) > 1:
                decimals = len(re.split(r"[.,]", token[0])[-1]) if re.search(r"[.,]", token[0]) else 0
                decimals = min(decimals, _MAX_DECIMALS)
                if decimals not in rounded:
                    fractions = (number for number in numbers if not number.is_integer())
                    rounded[decimals] = {round(number, decimals) for number in fractions} - {0.0}
                if not rounded[decimals].isdisjoint(meant):
                    yield token.span()


def _name_words(value: str) -> set[str]:
    """Return the words of a short value that look like names or codes."""
    if value.islower() and not _CODE.search(value):
        return set()
    words = _WORD.findall(value[:200])
    if not 1 < len(words) <= _NAME_WORDS:
        return set()
    return {
        word
        for word in words
        if (len(word) >= 3 and not word[0].islower() and word[0].isalpha())
        or (len(word) >= _WHOLE_WORD_BELOW and any(char.isdigit() for char in word))
    }


def _is_simple(value: str) -> bool:
    return value.isascii() and value.isalpha() and value.islower()
