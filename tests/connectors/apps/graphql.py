"""A GraphQL server in small, for the fakes of apps that speak it: it refuses what the schema does not have.

It reads the part of a vendor's schema that a fake answers for (types, inputs and arguments; what is neither is a scalar)
and queries with variables, aliases and inline fragments. Directives and named fragments are not needed here.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

_TOKEN = re.compile(
    r'"(?:\\.|[^"\\])*"|\.\.\.|\$?[A-Za-z_][A-Za-z0-9_]*|-?\d+(?:\.\d+)?|[{}()\[\]:!=]|#[^\n]*|[\s,]+|.',
    re.DOTALL,
)
_PLAIN = {
    "String": lambda value: isinstance(value, str),
    "ID": lambda value: isinstance(value, str | int) and not isinstance(value, bool),
    "Int": lambda value: isinstance(value, int) and not isinstance(value, bool),
    "Boolean": lambda value: isinstance(value, bool),
    "JSON": lambda value: isinstance(value, str),
    "TimelessDate": lambda value: isinstance(value, str) and bool(re.fullmatch(r"\d{4}-\d\d-\d\d", value)),
}


class Refused(Exception):
    """What the query has that the schema has not."""


@dataclass
class Selection:
    """A field, or an inline fragment (`on` is its type then)."""

    name: str
    alias: str = ""
    arguments: dict[str, Any] = field(default_factory=dict)
    selections: list[Selection] = field(default_factory=list)
    on: str = ""


@dataclass
class Variable:
    """A reference to a variable in the arguments of a field."""

    name: str


@dataclass
class Operation:
    kind: str
    name: str
    variables: dict[str, str]
    selections: list[Selection]


class _Reader:
    def __init__(self, text: str) -> None:
        self.tokens = [each for each in _TOKEN.findall(text) if each.strip(", \n\t") and each[0] != "#"]
        self.at = 0

    @property
    def next(self) -> str:
        return self.tokens[self.at] if self.at < len(self.tokens) else ""

    def take(self, wanted: str = "") -> str:
        token = self.next
        if not token or (wanted and token != wanted):
            raise Refused(f'Syntax Error: Expected "{wanted or "Name"}", found "{token or "<EOF>"}".')
        self.at += 1
        return token

    def many(self, opening: str, closing: str, one: Callable[[], Any]) -> list[Any]:
        made = []
        if self.next == opening:
            self.take(opening)
            while self.next != closing:
                made.append(one())
            self.take(closing)
        return made

    def type(self) -> str:
        if self.next == "[":
            self.take("[")
            made = f"[{self.type()}]"
            self.take("]")
        else:
            made = self.take()
        if self.next == "!":
            made += self.take("!")
        return made

    def named_type(self) -> tuple[str, str]:
        name = self.take()
        self.take(":")
        return name, self.type()

    def value(self) -> Any:
        if self.next == "[":
            return self.many("[", "]", self.value)
        if self.next == "{":
            return dict(self.many("{", "}", self.argument))
        token = self.take()
        if token.startswith("$"):
            return Variable(token[1:])
        if token.startswith('"'):
            return token[1:-1]
        if token in ("true", "false"):
            return token == "true"
        return int(token) if token.lstrip("-").isdigit() else token

    def argument(self) -> tuple[str, Any]:
        name = self.take()
        self.take(":")
        return name, self.value()

    def selection(self) -> Selection:
        if self.next == "...":
            self.take("...")
            self.take("on")
            on = self.take()
            return Selection("...", on=on, selections=self.many("{", "}", self.selection))
        name = alias = self.take()
        if self.next == ":":
            self.take(":")
            name = self.take()
        arguments = dict(self.many("(", ")", self.argument))
        return Selection(name, alias, arguments, self.many("{", "}", self.selection))


def read_operation(query: str) -> Operation:
    """Read a query of one operation."""
    reader = _Reader(query)
    kind, name = reader.take(), reader.take()
    variables = dict(reader.many("(", ")", reader.named_type))
    selections = reader.many("{", "}", reader.selection)
    if reader.next:
        raise Refused(f'Syntax Error: Unexpected "{reader.next}".')
    return Operation(kind, name, {each[1:]: given for each, given in variables.items()}, selections)


class Schema:
    """Types and inputs by name, each with its fields: their types, and the types of their arguments."""

    def __init__(self, sdl: str) -> None:
        reader = _Reader(sdl)
        self.types: dict[str, dict[str, tuple[str, dict[str, str]]]] = {}
        while reader.next:
            reader.take()
            name = reader.take()
            self.types[name] = dict(reader.many("{", "}", lambda: self._field(reader)))

    @staticmethod
    def _field(reader: _Reader) -> tuple[str, tuple[str, dict[str, str]]]:
        name = reader.take()
        arguments = dict(reader.many("(", ")", reader.named_type))
        reader.take(":")
        return name, (reader.type(), arguments)

    def execute(
        self,
        operation: Operation,
        variables: Mapping[str, Any],
        resolvers: Mapping[str, Callable[..., Any]],
    ) -> dict[str, Any]:
        """Return the data, each root field by its resolver; raises Refused, and what a resolver raises."""
        for name in variables:
            if name not in operation.variables:
                raise Refused(f'Variable "${name}" is not defined by operation "{operation.name}".')
        for name, wanted in operation.variables.items():
            self._check(f"${name}", wanted, variables.get(name))
        root = {"query": "Query", "mutation": "Mutation"}[operation.kind]
        self._select(root, operation.selections, operation)
        data = {}
        for each in operation.selections:
            arguments = {name: _filled(value, variables) for name, value in each.arguments.items()}
            arguments = {name: value for name, value in arguments.items() if value is not None}
            for name, wanted in self.types[root][each.name][1].items():
                self._check(f"{each.name}.{name}", wanted, arguments.get(name))
            found = resolvers[each.name](**arguments)
            data[each.alias] = self._projected(
                self.types[root][each.name][0], each.selections, found, variables
            )
        return data

    def _check(self, where: str, wanted: str, value: Any) -> None:
        if value is None:
            if wanted.endswith("!"):
                raise Refused(f'Variable "{where}" of required type "{wanted}" was not provided.')
            return
        kind = wanted.rstrip("!")
        if kind.startswith("["):
            for each in value if isinstance(value, list) else [value]:
                self._check(where, kind[1:-1], each)
        elif kind in self.types:
            if not isinstance(value, dict):
                raise Refused(f'Variable "{where}" is no {kind}.')
            for name in value:
                if name not in self.types[kind]:
                    raise Refused(f'Field "{name}" is not defined by type "{kind}".')
            for name, (inner, _) in self.types[kind].items():
                self._check(f"{where}.{name}", inner, value.get(name))
        elif kind in _PLAIN and not _PLAIN[kind](value):
            raise Refused(f'Variable "{where}" got invalid value {value!r}; it is no {kind}.')

    def _select(self, kind: str, selections: list[Selection], operation: Operation) -> None:
        """Refuse a selection that the type does not have, or arguments that its field does not take."""
        known = self.types[kind]
        for each in selections:
            if each.on:
                self._select(each.on, each.selections, operation)
                continue
            if each.name not in known:
                raise Refused(f'Cannot query field "{each.name}" on type "{kind}".')
            inner, arguments = known[each.name]
            for name, value in each.arguments.items():
                if name not in arguments:
                    raise Refused(f'Unknown argument "{name}" on field "{kind}.{each.name}".')
                self._declared(operation, value, arguments[name])
            base = inner.strip("[]!")
            if (base in self.types) != bool(each.selections):
                raise Refused(
                    f'Field "{each.name}" of type "{inner}" must have the right selection of subfields.'
                )
            if base in self.types:
                self._select(base, each.selections, operation)

    def _declared(self, operation: Operation, value: Any, wanted: str) -> None:
        if isinstance(value, Variable):
            given = operation.variables.get(value.name)
            if given is None:
                raise Refused(f'Variable "${value.name}" is not defined by operation "{operation.name}".')
            if not _fits(given, wanted):
                raise Refused(
                    f'Variable "${value.name}" of type "{given}" used in position expecting type "{wanted}".'
                )

    def _projected(
        self, kind: str, selections: list[Selection], value: Any, variables: Mapping[str, Any]
    ) -> Any:
        if isinstance(value, list):
            return [self._projected(kind, selections, each, variables) for each in value]
        if not isinstance(value, dict) or not selections:
            return value
        made: dict[str, Any] = {}
        for each in selections:
            if each.on:
                made |= (
                    self._projected(each.on, each.selections, value, variables)
                    if value.get("__on") == each.on
                    else {}
                )
                continue
            found = value.get(each.name)
            if callable(found):
                found = found(**{name: _filled(given, variables) for name, given in each.arguments.items()})
            inner = self.types[kind.strip("[]!")][each.name][0]
            made[each.alias] = self._projected(inner, each.selections, found, variables)
        return made


def _fits(given: str, wanted: str) -> bool:
    """Tell whether a variable of one type may stand where another is wanted."""
    if wanted.endswith("!") and not given.endswith("!"):
        return False
    given, wanted = given.rstrip("!"), wanted.rstrip("!")
    if given.startswith("[") and wanted.startswith("["):
        return _fits(given[1:-1], wanted[1:-1])
    return given == wanted


def _filled(value: Any, variables: Mapping[str, Any]) -> Any:
    if isinstance(value, Variable):
        return variables.get(value.name)
    if isinstance(value, list):
        return [_filled(each, variables) for each in value]
    if isinstance(value, dict):
        return {name: _filled(each, variables) for name, each in value.items()}
    return value
