"""Renders the request templates of a manifest.

Every template is read once and kept. What has no value is left out of queries, forms and JSON; in a path, a base URL
or a header it is an error that names the field.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, replace
from functools import lru_cache
from urllib.parse import quote, urlencode

from healthdesk.connectors.json_templates import json_maker
from healthdesk.connectors.outgoing import Outgoing
from healthdesk.connectors.same import Same
from healthdesk.connectors.spec import RequestTemplate
from healthdesk.connectors.texts import MISSING, NULL, Text, Values, as_value, missing_value, text
from healthdesk.connectors.urls import join_url
from healthdesk.errors import ConnectorError

_ACCEPT = {"json": "application/json", "xml": "application/xml, text/xml"}


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
            json_maker(template.variables if template.graphql else template.json_body)
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
            raise missing_value(names, "the path")
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


def beside(outgoing: Outgoing, headers: Mapping[str, str]) -> Outgoing:
    """Return a request with more headers; one that is there already is replaced."""
    if not headers:
        return outgoing
    sent = dict(outgoing.headers)
    for name, value in headers.items():
        _put(sent, name, value)
    return replace(outgoing, headers=sent)


def _header(name: str, template: Text, values: Values) -> str:
    made = template.render(values)
    if not isinstance(made, str):
        raise missing_value(template.missing(values), f"the header {name}")
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


@lru_cache(maxsize=4096)
def _request(same: Same[RequestTemplate]) -> Request:
    return Request(same.it)


def request(template: RequestTemplate) -> Request:
    """Return a request template as it was read the first time."""
    return _request(Same(template))
