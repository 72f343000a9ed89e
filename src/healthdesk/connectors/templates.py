"""Renders the templates of a manifest: text, and the requests that are made of it.

Every template is read once and kept. What has no value is left out of queries, forms and JSON; in a path, a base URL
or a header it is an error that names the field.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import lru_cache
from typing import Any, Final
from urllib.parse import quote, urlencode

from healthdesk.connectors.outgoing import Outgoing
from healthdesk.connectors.paths import as_text
from healthdesk.connectors.same import Same
from healthdesk.connectors.spec import RequestTemplate
from healthdesk.connectors.urls import join_url
from healthdesk.errors import ConnectorError

Values = Mapping[str, object]


class _Missing:
    """Stands for what has no value; no text of an app can be it."""


class _Null:
    """Stands for JSON's null, which empties a field; as text it is empty."""


MISSING: Final = _Missing()
NULL: Final = _Null()
_PART = re.compile(r"\{\{|\}\}|\{([a-z][a-z0-9_]*)\}")
_ONE = re.compile(r"\{([a-z][a-z0-9_]*)\}")
_ACCEPT = {"json": "application/json", "xml": "application/xml, text/xml"}
_MOST_TEXT = 1_000_000


@dataclass(frozen=True, slots=True)
class Text:
    """A template as its parts: literals, and names in tuples of one."""

    parts: tuple[str | tuple[str], ...]

    def render(self, values: Values, encode: Callable[[str], str] | None = None) -> str | _Missing:
        """Return the text, each value encoded; MISSING where one of them is."""
        made: list[str] = []
        for part in self.parts:
            if isinstance(part, str):
                made.append(part)
                continue
            value = values.get(part[0])
            if value is None:
                return MISSING
            text = as_value(value)
            made.append(encode(text) if encode else text)
        return "".join(made)

    def filled(self, values: Values) -> str:
        """Return the text with what has no value left empty."""
        return "".join(
            part if isinstance(part, str) else as_value(values.get(part[0])) for part in self.parts
        )

    @property
    def names(self) -> list[str]:
        """Return the names it asks for."""
        return [part[0] for part in self.parts if not isinstance(part, str)]

    def missing(self, values: Values, *, empty: bool = False) -> list[str]:
        """Return the names without a value; with `empty` also those whose value is an empty text."""
        gone = (None, "") if empty else (None,)
        return [name for name in self.names if values.get(name) in gone]


@lru_cache(maxsize=4096)
def text(template: str) -> Text:
    """Read a template."""
    parts: list[str | tuple[str]] = []
    literal, position = "", 0
    for match in _PART.finditer(template):
        literal += template[position : match.start()]
        position = match.end()
        if match[1] is None:
            literal += match[0][0]
            continue
        if literal:
            parts.append(literal)
        parts.append((match[1],))
        literal = ""
    literal += template[position:]
    return Text((*parts, literal) if literal else tuple(parts))


def rendered(template: str, values: Values, what: str) -> str:
    """Return a template's text; a ConnectorError names the field that has no value. `what` is what it is for."""
    made = text(template).render(values)
    if isinstance(made, _Missing):
        raise _missing(text(template).missing(values), what)
    return made


def filled(template: str, values: Values) -> str:
    """Return a sentence with what has no value left empty."""
    return text(template).filled(values)


def as_value(value: object) -> str:
    """Return a value as it stands in a URL, a header or a form. None and NULL are nothing."""
    if value is NULL:
        return ""
    return value if isinstance(value, str) else as_text(value, _MOST_TEXT)


def _missing(names: list[str], what: str) -> ConnectorError:
    name = names[0] if names else "a value"
    return ConnectorError(f"{name} is missing, and {what} needs it", fix=f"give {name}", field=name)


def _encoded(value: str) -> str:
    return quote(value, safe="", errors="replace")


@dataclass(frozen=True, slots=True)
class Extra:
    """What paging adds to a request: parameters, and where they go."""

    values: Mapping[str, object]
    into: str = "query"


class Request:
    """A request template, read once. `render` makes it a request."""

    def __init__(self, template: RequestTemplate) -> None:
        self._method = template.method
        self._path = text(template.path)
        self._plain_path = None if {"{", "}"} & set(template.path) else template.path
        self._query = [(_encoded(name), name, text(value)) for name, value in template.query.items()]
        self._headers = {name: text(value) for name, value in template.headers.items()}
        self._form = [(name, text(value)) for name, value in template.form.items()]
        self._graphql = template.graphql
        self._json = (
            _json(template.variables if template.graphql else template.json_body)
            if template.graphql or template.json_body is not None
            else None
        )
        self._is_list = isinstance(template.json_body, list)
        self._content_type = template.content_type or (
            "application/x-www-form-urlencoded" if self._form else "application/json"
        )
        self._accept = _ACCEPT.get(template.answer, "")

    def render(
        self, base_url: str, headers: Mapping[str, str], values: Values, extra: Extra | None = None
    ) -> Outgoing:
        """Return the request under a base URL. `headers` are templates that go with every request of the app."""
        added = extra.values if extra and extra.into == "query" else {}
        url = join_url(base_url, self._path_of(values))
        if query := self._query_of(values, added):
            url = f"{url}{'&' if '?' in url else '?'}{query}"
        sent = {"Accept": self._accept} if self._accept else {}
        for name, of_all in headers.items():
            _put(sent, name, _header(name, text(of_all), values))
        for name, template in self._headers.items():
            _put(sent, name, _header(name, template, values))
        body = self._body(values, extra.values if extra and extra.into != "query" else {})
        if body is None:
            return Outgoing(self._method, url, sent)
        if not any(name.lower() == "content-type" for name in sent):
            sent["Content-Type"] = self._content_type
        return Outgoing(self._method, url, sent, body)

    def _path_of(self, values: Values) -> str:
        if self._plain_path is not None:
            return self._plain_path
        if names := self._path.missing(values, empty=True):
            raise _missing(names, "the path")
        path = self._path.render(values, _encoded)
        assert isinstance(path, str)
        # A value may not lead out of its segment: `..` is resolved before a request is sent.
        if any(each in (".", "..") for each in path.partition("?")[0].split("/")):
            names = [part[0] for part in self._path.parts if not isinstance(part, str)]
            name = next((each for each in names if as_value(values[each]) in (".", "..")), "the path")
            raise ConnectorError(f"{name} cannot be . or ..", fix=f"give another {name}", field=name)
        return path

    def _query_of(self, values: Values, added: Mapping[str, object]) -> str:
        pairs = [
            f"{encoded}={_encoded(made)}"
            for encoded, name, template in self._query
            if name not in added and isinstance(made := template.render(values), str)
        ]
        pairs += [f"{_encoded(name)}={_encoded(as_value(value))}" for name, value in added.items()]
        return "&".join(pairs)

    def _body(self, values: Values, added: Mapping[str, object]) -> bytes | None:
        if self._form:
            pairs = [
                (name, value)
                for name, template in self._form
                if isinstance(value := template.render(values), str)
            ]
            return urlencode(pairs, errors="replace").encode()
        if self._json is None:
            return None
        made: object = self._json(values)
        if made is NULL:
            made = None
        if made is MISSING:
            made = [] if self._is_list else {}
        for name, each in added.items():
            _set(made, name.split("."), each)
        if self._graphql:
            made = {"query": self._graphql, "variables": made}
        return json.dumps(made, ensure_ascii=False).encode("utf-8", "replace")


def _header(name: str, template: Text, values: Values) -> str:
    made = template.render(values)
    if isinstance(made, _Missing):
        raise _missing(template.missing(values), f"the header {name}")
    return made


def _put(headers: dict[str, str], name: str, value: str) -> None:
    """Set a header, whatever the case in which it is there already."""
    for given in [each for each in headers if each.lower() == name.lower()]:
        del headers[given]
    headers[name] = value


def _set(body: object, names: list[str], value: object) -> None:
    """Set a member of a JSON body, making the objects that lead to it."""
    for name in names[:-1]:
        if not isinstance(body, dict):
            return
        body = body.setdefault(name, {})
    if isinstance(body, dict):
        body[names[-1]] = value


Maker = Callable[[Values], object]


def _json(value: Any, *, whole: bool = False) -> Maker:
    """Read a JSON template: what it returns makes the value, or MISSING where nothing in it has one.

    With `whole` it is part of an element of an array, which is left out as soon as anything within has no value.
    """
    if isinstance(value, str):
        return _json_text(value)
    if isinstance(value, dict):
        return _json_object({name: _json(each, whole=whole) for name, each in value.items()}, whole=whole)
    if isinstance(value, list | tuple):
        return _json_array([_json(each, whole=True) for each in value])
    return lambda _: value


def document(template: Any, values: Values) -> Any:
    """Return a JSON template with its values filled in; {} where nothing in it has one."""
    made = _json(template)(values)
    return {} if made is MISSING else made


def _json_text(template: str) -> Maker:
    if one := _ONE.fullmatch(template):
        name = one[1]

        def typed(values: Values) -> object:
            value = values.get(name)
            return MISSING if value is None else value

        return typed
    return text(template).render


def _json_object(members: dict[str, Maker], *, whole: bool = False) -> Maker:
    """Members without a value are left out; with `whole` the object is, as soon as one is."""

    def make(values: Values) -> object:
        made = {
            name: None if value is NULL else value
            for name, each in members.items()
            if (value := each(values)) is not MISSING
        }
        return MISSING if members and (not made or (whole and len(made) < len(members))) else made

    return make


def _json_array(elements: list[Maker]) -> Maker:
    def make(values: Values) -> object:
        given = [value for each in elements if (value := each(values)) is not MISSING]
        # what empties a list is an empty one, not one of nulls
        return MISSING if elements and not given else [value for value in given if value is not NULL]

    return make


@lru_cache(maxsize=4096)
def _request(same: Same[RequestTemplate]) -> Request:
    return Request(same.it)


def request(template: RequestTemplate) -> Request:
    """Return a request template as it was read the first time."""
    return _request(Same(template))
