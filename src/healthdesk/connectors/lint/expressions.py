"""Expressions: functions that exist, comparisons that can hold, conditions that depend on the answer."""

from __future__ import annotations

import difflib
from collections.abc import Iterator
from itertools import pairwise
from typing import Any, get_args, get_type_hints

import jmespath.lexer
import jmespath.parser
from jmespath.functions import Functions

from healthdesk.connectors.lint.notes import Notes
from healthdesk.connectors.spec import Expression
from healthdesk.connectors.spec.base import Part
from healthdesk.connectors.toml_lines import Path

CONDITIONS = frozenset({"success", "when", "more", "done", "account_id"})
_OF_THE_ANSWER = frozenset({"field", "current", "index", "slice", "identity"})
_ORDER = frozenset({"lt", "lte", "gt", "gte"})

Node = dict[str, Any]


def check_expressions(notes: Notes) -> None:
    """Check every expression of the manifest."""
    for path, text in expressions(notes.manifest):
        tree: Any = jmespath.parser.Parser().parse(text).parsed
        nodes = list(_nodes(tree))
        for node in nodes:
            if node["type"] == "function_expression":
                _check_function(notes, path, node)
            elif node["type"] == "comparator":
                _check_comparison(notes, path, node)
        _check_quotes(notes, path, text)
        if path[-1] in CONDITIONS:
            if not any(node["type"] in _OF_THE_ANSWER for node in nodes):
                notes.error(
                    path,
                    f"{text!r} says the same of every answer",
                    "name a member of the answer without quotes",
                )
            _check_conjunctions(notes, path, nodes)


def expressions(part: Part, path: Path = ()) -> Iterator[tuple[Path, str]]:
    """List every expression in a part of a manifest with its place."""
    hints = get_type_hints(type(part), include_extras=True)
    for name, field in type(part).model_fields.items():
        value, key = getattr(part, name), field.alias or name
        if isinstance(value, str):
            if hints[name] == Expression or Expression in get_args(hints[name]):
                yield (*path, key), value
        elif isinstance(value, Part):
            yield from expressions(value, (*path, key))
        elif isinstance(value, list):
            for at, each in enumerate(value):
                if isinstance(each, Part):
                    yield from expressions(each, (*path, key, at))


def _nodes(tree: Node) -> Iterator[Node]:
    pending = [tree]
    while pending:
        node = pending.pop()
        yield node
        pending.extend(child for child in node["children"] if isinstance(child, dict))


def _check_function(notes: Notes, path: Path, node: Node) -> None:
    name = node["value"]
    known = Functions.FUNCTION_TABLE.get(name)
    if known is None:
        near = difflib.get_close_matches(name, Functions.FUNCTION_TABLE, n=1)
        fix = f"did you mean {near[0]}()?" if near else "jmespath.org lists those there are"
        notes.error(path, f"there is no function {name}()", fix)
        return
    signature, given = known["signature"], len(node["children"])
    variadic = bool(signature) and signature[-1].get("variadic", False)
    if (given < len(signature)) if variadic else (given != len(signature)):
        least = "at least " if variadic else ""
        notes.error(path, f"{name}() takes {least}{len(signature)} values, not {given}", "correct the call")


def _check_comparison(notes: Notes, path: Path, node: Node) -> None:
    for side in node["children"]:
        if side["type"] == "field" and side["value"] in ("true", "false", "null"):
            notes.error(
                path,
                f"{side['value']} is a member of that name here",
                f"write `{side['value']}`, in backquotes",
            )
        if node["value"] in _ORDER and side["type"] == "literal" and not _is_number(side["value"]):
            notes.error(
                path,
                f"{side['value']!r} has no order: only numbers have, so this is never true",
                "compare with ==",
            )


def _is_number(value: object) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)


def _check_quotes(notes: Notes, path: Path, text: str) -> None:
    """A name in double quotes beside == is mostly meant as text."""
    tokens = [token for token in jmespath.lexer.Lexer().tokenize(text) if token["type"] != "eof"]
    for before, token in pairwise(tokens):
        if before["type"] in ("eq", "ne") and token["type"] == "quoted_identifier":
            name = token["value"]
            notes.error(path, f'"{name}" is a member of that name, not text', f"write '{name}'")


def _check_conjunctions(notes: Notes, path: Path, nodes: list[Node]) -> None:
    """`a == 'x' && a == 'y'` holds of nothing."""
    for node in nodes:
        if node["type"] != "and_expression":
            continue
        wanted: dict[str, list[object]] = {}
        for part in _parts(node):
            if part["type"] == "comparator" and part["value"] == "eq":
                left, right = part["children"]
                if left["type"] == "literal":
                    left, right = right, left
                if right["type"] == "literal":
                    wanted.setdefault(repr(left), []).append(right["value"])
        if any(value != values[0] for values in wanted.values() for value in values):
            notes.error(path, "this is never true: one member equals two values", "write || for either")
            return


def _parts(node: Node) -> Iterator[Node]:
    if node["type"] == "and_expression":
        for child in node["children"]:
            yield from _parts(child)
    else:
        yield node
