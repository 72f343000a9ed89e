"""Credentials of a connection: how they are kept, and whether a request can carry them."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from healthdesk.connectors.auth.tokens import Tokens
from healthdesk.connectors.spec.auth import AuthManifest
from healthdesk.connectors.spec.base import FieldManifest, placeholders
from healthdesk.errors import ConnectorError

AuthMethod = str

_TOKEN = re.compile(r"[!#$%&'*+.^_`|~0-9A-Za-z-]+")
_CONTROL = re.compile(r"[\x00-\x1f\x7f]")
_CONTROL_IN_LINES = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f]")
# The desk or HTTP itself sets these; a credential under such a name would break the request or be overwritten.
_RESERVED = frozenset(
    {
        "host", "content-length", "content-type", "transfer-encoding", "connection", "te", "trailer", "upgrade",
        "expect", "keep-alive", "proxy-authorization", "proxy-connection", "cookie",
        "webhook-id", "webhook-timestamp", "webhook-signature",
    }
)  # fmt: skip
_FLAT = ("token", "username", "password", "header_name")
"""Values that are kept beside `auth`, as they were before apps had fields of their own: older daemons read them."""


@dataclass(frozen=True, slots=True, init=False)
class StoredCredentials:
    """The secrets of a connection as the vault encrypts them: `to_json` is the plain text.

    `auth` is the id of one of the app's methods, `values` its fields; an empty value is none. `tokens` are those that
    came with them where they were granted in a browser, or that were in use when they were put aside.
    """

    auth: AuthMethod
    values: Mapping[str, str]
    tokens: Tokens | None

    def __init__(
        self,
        auth: AuthMethod = "none",
        values: Mapping[str, str] | None = None,
        *,
        tokens: Tokens | None = None,
        **more: str,
    ) -> None:
        given = {**(values or {}), **more}
        object.__setattr__(self, "auth", auth)
        object.__setattr__(self, "values", {key: value for key, value in given.items() if value})
        object.__setattr__(self, "tokens", tokens)

    def __repr__(self) -> str:
        """Show the method only: a traceback or a log line must not hold a secret."""
        return f"StoredCredentials(auth={self.auth!r})"

    def to_json(self) -> str:
        """Return the JSON text that `from_json` reads."""
        members: dict[str, Any]
        if self.tokens is None and self.values.keys() <= set(_FLAT):
            members = {"auth": self.auth, **self.values}
        else:
            members = {"auth": self.auth, "values": dict(self.values)}
        if self.tokens is not None:
            members["tokens"] = self.tokens.to_json()
        return json.dumps(members)

    @classmethod
    def from_json(cls, text: str) -> StoredCredentials:
        """Read what `to_json` wrote; an empty text is no credentials."""
        if not text:
            return cls()
        try:
            return cls._read(json.loads(text))
        except (ValueError, TypeError, KeyError, AttributeError):
            # The parser's own message may quote the text, which is secret.
            raise ConnectorError(
                "the stored credentials cannot be read", fix="update the credentials"
            ) from None

    @classmethod
    def _read(cls, members: dict[str, Any]) -> StoredCredentials:
        auth = members.pop("auth")
        tokens = members.pop("tokens", None)
        values = members.pop("values", None)
        if values is None:
            values = {name: members.pop(name) for name in _FLAT if name in members}
        if members or not all(isinstance(each, str) for each in (auth, *values.values())):
            raise ValueError
        return cls(auth, values, tokens=None if tokens is None else Tokens.from_json(tokens))

    def with_tokens(self, tokens: Tokens | None) -> StoredCredentials:
        """Return the same credentials with other tokens, or without."""
        return StoredCredentials(self.auth, self.values, tokens=tokens)

    @property
    def token(self) -> str:
        """The value `token`, or nothing."""
        return self.values.get("token", "")

    @property
    def username(self) -> str:
        """The value `username`, or nothing."""
        return self.values.get("username", "")

    @property
    def password(self) -> str:
        """The value `password`, or nothing."""
        return self.values.get("password", "")

    @property
    def header_name(self) -> str:
        """The value `header_name`, or nothing."""
        return self.values.get("header_name", "")

    @property
    def secret(self) -> str:
        """The part of an HTTP endpoint's credentials that is secret, for hints; empty where there is none."""
        return self.password if self.auth == "basic" else self.token

    def secret_of(self, method: AuthManifest) -> str:
        """Return the part that hints are made of: the first secret field that is given, on one line."""
        return next(
            (
                value
                for field in method.fields
                if field.secret and not field.multiline and (value := self.values.get(field.key))
            ),
            "",
        )


def check_credentials(credentials: StoredCredentials, method: AuthManifest) -> StoredCredentials:
    """Return credentials that a request can carry, defaults filled in; a ConnectorError says which part is wrong."""
    known = {field.key: field for field in method.fields}
    for key in credentials.values:
        if key not in known:
            names = ", ".join(known) or "none"
            raise _wrong(key, f"{method.name} has no field {key}", fix=f"its fields: {names}")
    values: dict[str, str] = {}
    for field in method.fields:
        value = credentials.values.get(field.key, "") or field.default
        if value:
            check_value(field, value, "credentials")
            values[field.key] = value
        elif field.required:
            raise _wrong(
                field.key, f"the {_named(field)} is missing", fix=field.help or "give what the app issued"
            )
    _check_places(method, known, values)
    return StoredCredentials(credentials.auth, values, tokens=credentials.tokens)


def check_value(field: FieldManifest, value: str, under: str) -> None:
    """Raise a ConnectorError when a field cannot have this value; `under` is the JSON path of the fields."""
    part = _named(field)
    if (_CONTROL_IN_LINES if field.multiline else _CONTROL).search(value):
        raise _control(field.key, part, under)
    try:
        value.encode()
    except UnicodeEncodeError:
        raise _wrong(
            field.key, f"the {part} contains a character that is none", fix="paste it again", under=under
        ) from None
    if field.options and value not in field.options:
        raise _wrong(
            field.key,
            f"the {part} is none of those there are",
            fix=f"one of {', '.join(field.options)}",
            under=under,
        )
    if field.pattern and not re.fullmatch(field.pattern, value):
        example = f"for example {field.example}" if field.example else field.help or "look at it again"
        raise _wrong(field.key, f"the {part} does not look like one", fix=example, under=under)


def _check_places(
    method: AuthManifest, known: Mapping[str, FieldManifest], values: Mapping[str, str]
) -> None:
    """Judge values by where a request carries them: names and values of headers, the user of basic."""
    for name, template in method.headers.items():
        for key in placeholders(name):
            if key in known:
                _check_header_name(values.get(key, ""), key)
        for key in placeholders(template):
            if not values.get(key, "").isascii():
                raise _not_ascii(key, _named(known[key]))
    if method.basic is not None:
        for key in placeholders(method.basic[0]):
            if ":" in values.get(key, ""):
                raise _colon(key)


def _check_header_name(name: str, key: str) -> None:
    if not _TOKEN.fullmatch(name):
        raise _wrong(key, "the header name is missing or not a header name", fix="for example X-API-Key")
    if name.lower() in _RESERVED:
        raise _wrong(key, f"the header {name} is set by the desk", fix="use another header")


def _named(field: FieldManifest) -> str:
    """Return a label as it stands in a sentence: `API token`, but `user name`."""
    first, rest = field.label[:1], field.label[1:]
    return field.label if rest[:1].isupper() else first.lower() + rest


def _colon(key: str) -> ConnectorError:
    return _wrong(key, "a user name cannot contain a colon", fix="basic authentication separates by it")


def _control(key: str, part: str, under: str = "credentials") -> ConnectorError:
    what = f"the {part} contains a line break or control character"
    return _wrong(key, what, fix="paste it again", under=under)


def _not_ascii(key: str, part: str) -> ConnectorError:
    return _wrong(key, f"the {part} contains characters that are not ASCII", fix="paste it again")


def _wrong(name: str, what: str, *, fix: str, under: str = "credentials") -> ConnectorError:
    # The fields of an HTTP endpoint are members of their own on the wire, those of other apps are not.
    return ConnectorError(what, fix=fix, field=f"{under}.{name}")
