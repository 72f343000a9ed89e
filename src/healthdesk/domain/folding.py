"""Reduces a message to its pattern: what stays the same when the same thing goes wrong for another record."""

from __future__ import annotations

import hashlib
import re

from healthdesk.domain.scrubbing import Scrubber
from healthdesk.domain.values import plain, unescaped

_QUOTED = re.compile(r"(?<!\w)'[^']*'(?!\w)|\"[^\"]*\"|`[^`]*`|“[^”]*”|«[^»]*»|(?<!\w)‘[^’]*’(?!\w)")
_TOKEN = re.compile(r"[^\s,;:!()\[\]{}<>=|]+")
_SENTENCE_END = ".!?:"
_MAX_PATTERN_CHARS = 300
_READ_CHARS = 1000

_COMMON_WORDS = """
    a an and are at bad be been but by can cannot could data does done empty error errors expected
    failed false field fields for format found from got had has have high id if in input internal
    invalid is it its least length level long low many may maximum message minimum missing more most
    must name no none not null number of on one only or other out parameter present property
    provided record request required response risk server short should such than that the there this
    to too true type unexpected unknown url user valid value values was were when will with wrong
    yes you your
"""
COMMON = frozenset(_COMMON_WORDS.split())
"""Words an error message is made of. An answer that is one of them, such as `no`, is not what varies in it."""


def pattern(text: str, scrubber: Scrubber | None = None) -> str:
    """Return the text without its variable parts: values, quoted parts, numbers, ids, addresses and names."""
    line = _QUOTED.sub(" ? ", plain(unescaped(text[:_READ_CHARS])))
    if scrubber is not None:
        line = scrubber.scrub(line, spared=COMMON)
    words: list[str] = []
    first = True
    for token in _TOKEN.findall(line):
        word = token.strip(".'\"")
        if not word:
            continue
        kept = word.lower() if _is_fixed(word, first=first) else "?"
        if kept != "?" or not words or words[-1] != "?":
            words.append(kept)
        first = token[-1] in _SENTENCE_END
    return " ".join(words)[:_MAX_PATTERN_CHARS]


def digest(*parts: object) -> str:
    """Return a short stable name for the parts together."""
    return hashlib.sha256("\0".join(str(part) for part in parts).encode(errors="replace")).hexdigest()[:32]


def _is_fixed(word: str, *, first: bool) -> bool:
    """Tell whether a word belongs to the message itself; a capital inside a sentence is a name."""
    if not all(char.isalpha() or char in "_.-'/" for char in word) or len(word) > 40:
        return False
    return first or word.isupper() or not word[0].isupper()
