"""Credentials that go with every request as they are: headers, parameters of the URL, user and password."""

from __future__ import annotations

import base64
import json
import re
from collections.abc import Iterable, Mapping
from dataclasses import replace
from secrets import token_hex
from urllib.parse import quote, unquote_plus

from healthdesk.connectors.auth.credentials import StoredCredentials
from healthdesk.connectors.auth.failures import misconfigured
from healthdesk.connectors.client_certificates import certificate_of
from healthdesk.connectors.echoes import Secrets
from healthdesk.connectors.outgoing import NotAuthorized, Outgoing
from healthdesk.connectors.spec.auth import AuthManifest
from healthdesk.connectors.texts import text

_CONTROL = re.compile(r"[\x00-\x1f\x7f]")


def basic(username: str, password: str) -> str:
    """Return the value of a header for basic authentication."""
    return "Basic " + base64.b64encode(f"{username}:{password}".encode()).decode("ascii")


def auth_headers(credentials: StoredCredentials) -> dict[str, str]:
    """Return the headers that authenticate a request to an HTTP endpoint."""
    if credentials.auth == "bearer":
        return {"Authorization": f"Bearer {credentials.token}"}
    if credentials.auth == "basic":
        return {"Authorization": basic(credentials.username, credentials.password)}
    if credentials.auth == "header":
        return {credentials.header_name: credentials.token}
    return {}


def secret_headers(credentials: StoredCredentials) -> frozenset[str]:
    """Return the lower-case names of the headers whose values are secret, for `Request.secret_headers`."""
    return frozenset(name.lower() for name in auth_headers(credentials))


def secrets_of(credentials: StoredCredentials) -> Secrets:
    """Return what no answer may repeat, for `Request.secrets`: the token or password, and the basic form."""
    if credentials.auth == "basic":
        header = basic(credentials.username, credentials.password)
        return Secrets((credentials.password, header.removeprefix("Basic ").rstrip("=")))
    return Secrets((credentials.secret,) if credentials.auth != "none" else ())


def fill(template: str, values: Mapping[str, str], where: str) -> str:
    """Return the template with its values; NotAuthorized names the one that there is not, and `where` it stands."""
    read = text(template)
    if missing := read.missing(values):
        raise NotAuthorized(misconfigured(f"{where} needs {missing[0]}, which is not set"))
    return read.filled(values)


class StaticAuthorizer:
    """Adds headers, parameters and basic authentication of a method to each request."""

    def __init__(self, method: AuthManifest, values: Mapping[str, str], settings: Mapping[str, str]) -> None:
        self._method = method
        optional = {field.key: field.default for field in method.fields}
        self._values = {**optional, **values}
        self._settings = settings
        self._open = {field.key: self._values[field.key] for field in method.fields if not field.secret}
        self._hidden = [self._values[field.key] for field in method.fields if field.secret]
        # What stands for a secret until the request is sent: nobody else can write it, and it survives any encoding.
        self._marks = {f"~{token_hex(16)}~": key for key in method.in_requests if self._values.get(key)}

    async def values(self) -> Mapping[str, str]:
        """Return the fields that are not secret, and a mark for each secret that requests may name."""
        return {**self._open, **{key: mark for mark, key in self._marks.items()}}

    async def authorize(self, request: Outgoing) -> Outgoing:
        """Return the request with the method's headers and parameters, and secrets in the place of their marks."""
        for mark, key in self._marks.items():
            request = _with_secret(request, mark, self._values[key])
        return decorate(self._method, request, {**self._values, **self._settings}, self._hidden)

    async def refused(self, _sent: Outgoing) -> bool:
        """Return False: there is nothing newer to try."""
        return False


def _with_secret(request: Outgoing, mark: str, secret: str) -> Outgoing:
    """Return the request with a secret where its mark stands: in the URL percent-encoded, in the body as JSON or a form."""
    if mark in request.url:
        request = replace(request, url=request.url.replace(mark, quote(secret, safe="")))
    if mark.encode() in request.body:
        content_type = next(
            (text for name, text in request.headers.items() if name.lower() == "content-type"), ""
        )
        told = quote(secret, safe="") if "form" in content_type else json.dumps(secret)[1:-1]
        request = replace(request, body=request.body.replace(mark.encode(), told.encode()))
    return request


def decorate(
    method: AuthManifest, request: Outgoing, values: Mapping[str, str], hidden: Iterable[str]
) -> Outgoing:
    """Return the request with the headers, parameters and basic authentication of a method.

    What is empty is left out. `hidden` are the secrets among the values. Raises NotAuthorized.
    """
    secrets = [each for each in hidden if each]
    added: dict[str, str] = {}
    for name_template, template in method.headers.items():
        name = fill(name_template, values, "a header's name")
        value = fill(template, values, f"the header {name}")
        # A header whose only value is optional and not given is none.
        asked = text(template).names
        if value and (not asked or any(values[key] for key in asked)):
            added[name] = value
    if method.basic is not None:
        user, password = (fill(each, values, "basic authentication") for each in method.basic)
        added["Authorization"] = basic(user, password)
        secrets.append(added["Authorization"].removeprefix("Basic ").rstrip("="))
    for name, value in added.items():
        if _CONTROL.search(value) or not value.isascii():
            raise NotAuthorized(misconfigured(f"the header {name} would contain what no header can"))
    names = frozenset(name.lower() for name in added)
    parameters = {
        fill(name, values, "a parameter's name"): fill(template, values, name)
        for name, template in method.query.items()
    }
    kept = {name: value for name, value in request.headers.items() if name.lower() not in names}
    return replace(
        request,
        url=with_query(request.url, parameters),
        headers={**kept, **added},
        secret_headers=request.secret_headers | names,
        secret_parameters=request.secret_parameters | parameters.keys(),
        secrets=Secrets(secrets) if secrets else request.secrets,
        certificate=certificate_of(method, values) or request.certificate,
    )


def with_query(url: str, parameters: Mapping[str, str]) -> str:
    """Return the URL with parameters, in the place of its own of the same names; those without a value are left out."""
    added = {name: value for name, value in parameters.items() if value}
    if not added:
        return url
    address, _, query = url.partition("?")
    own = (pair for pair in query.split("&") if pair and unquote_plus(pair.partition("=")[0]) not in added)
    more = (f"{quote(name, safe='')}={quote(value, safe='')}" for name, value in added.items())
    return f"{address}?{'&'.join([*own, *more])}"
