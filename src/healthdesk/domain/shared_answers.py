"""What one record may keep of an answer to several: nothing of the others, which another look at it would show.

An endpoint repeats what it refuses. Of an answer to the whole batch every value of its records is taken out, the record's own
too: whose a value is cannot be told where two have the same. Of what is said of one record the traces of the others are.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

from healthdesk.domain.folding import COMMON
from healthdesk.domain.masking import masked_key
from healthdesk.domain.scrubbing import MASK, Scrubber
from healthdesk.domain.values import plain, unescaped, values_of

_MOST_DEPTH = 100
_MOST_READ = 16_384
"""So many characters of an answer are looked through; whatever comes after them is masked unseen."""

_Look = Callable[[str], str]


def without_values(body: bytes, scrubber: Scrubber) -> bytes:
    """Return the body of an answer to all without any value of theirs: JSON keeps its shape, of other text the beginning."""
    if not body.strip():
        return body
    text = body.decode("utf-8-sig", "replace")
    try:
        told = json.loads(text)
        left = _MOST_READ

        def look(leaf: str) -> str:
            nonlocal left
            left -= len(leaf)
            return MASK if left < 0 else _unless_same(leaf, scrubber.scrub(leaf))

        kept = _without(told, look, lambda key, taken: masked_key(key, scrubber, taken), numbers=True)
        return body if kept == told else json.dumps(kept, ensure_ascii=False).encode(errors="replace")
    except (ValueError, RecursionError):
        return _unless_same(text, scrubber.scrub(text)).encode(errors="replace")


def without_others(told: Any, own: Any, scrubber: Scrubber) -> Any:
    """Return what is said of one record without traces of the others; what it repeats of its `own` values stays."""
    values = values_of(own)
    spared = COMMON | {word.lower() for value in values for word in (value, *value.split())}

    def look(leaf: str) -> str:
        if leaf.lower() in spared:
            return leaf
        return _unless_same(leaf, scrubber.scrub(leaf, values, spared, guess=False))

    def key(name: str, taken: dict[str, Any]) -> str:
        return name if name.isidentifier() or look(name) == name else masked_key(name, scrubber, taken)

    return _without(told, look, key, numbers=False)


def _unless_same(text: str, scrubbed: str) -> str:
    return text if scrubbed == plain(unescaped(text)) else scrubbed


def _without(
    node: Any, look: _Look, name: Callable[[str, dict[str, Any]], str], *, numbers: bool, depth: int = 0
) -> Any:
    """Return the same shape looked through. Numbers are looked at where `numbers`, else, as truths are, kept or masked
    with the texts beside them: of an object that repeats a whole value nothing else is shown.
    """
    if isinstance(node, dict | list) and depth >= _MOST_DEPTH:
        return MASK
    if isinstance(node, list):
        return [_without(each, look, name, numbers=numbers, depth=depth + 1) for each in node]
    if isinstance(node, str):
        return look(node)
    if isinstance(node, dict):
        kept: dict[str, Any] = {}
        for key, item in node.items():
            kept[name(key, kept)] = _without(item, look, name, numbers=numbers, depth=depth + 1)
        repeats = any(
            new == MASK and old != MASK for new, old in zip(kept.values(), node.values(), strict=True)
        )
        if repeats:
            kept = {key: MASK if isinstance(item, bool | int | float) else item for key, item in kept.items()}
        return kept
    if (
        numbers
        and isinstance(node, int | float)
        and not isinstance(node, bool)
        and look(str(node)) != str(node)
    ):
        return MASK
    return node
