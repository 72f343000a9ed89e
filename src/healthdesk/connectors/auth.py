"""Credentials of a connection: how they are kept, and the headers they become."""

from __future__ import annotations

import base64
import json
import re
from dataclasses import asdict, dataclass

from healthdesk.connectors.echoes import Secrets
from healthdesk.errors import ConnectorError

AuthMethod = str

_TOKEN = re.compile(r"[!#$%&'*+.^_`|~0-9A-Za-z-]+")
_CONTROL = re.compile(r"[\x00-\x1f\x7f]")
# The desk or HTTP itself sets these; a credential under such a name would break the request or be overwritten.
_RESERVED = frozenset(
    {
        "host", "content-length", "content-type", "transfer-encoding", "connection", "te", "trailer", "upgrade",
        "expect", "keep-alive", "proxy-authorization", "proxy-connection", "cookie",
        "webhook-id", "webhook-timestamp", "webhook-signature",
    }
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class StoredCredentials:
    """The secrets of a connection as the vault encrypts them: `to_json` is the plain text."""

    auth: AuthMethod = "none"
    token: str = ""
    username: str = ""
    password: str = ""
    header_name: str = ""

    def __repr__(self) -> str:
        """Show the method only: a traceback or a log line must not hold a secret."""
        return f"StoredCredentials(auth={self.auth!r})"

    def to_json(self) -> str:
        """Return the JSON text that `from_json` reads."""
        return json.dumps({name: value for name, value in asdict(self).items() if value})

    @classmethod
    def from_json(cls, text: str) -> StoredCredentials:
        """Read what `to_json` wrote; an empty text is no credentials."""
        if not text:
            return cls()
        try:
            members = json.loads(text)
            return cls(**members)
        except (ValueError, TypeError):
            # The parser's own message may quote the text, which is secret.
            raise ConnectorError(
                "the stored credentials cannot be read", fix="update the credentials"
            ) from None

    @property
    def secret(self) -> str:
        """The part that is secret, for hints; empty where there is none."""
        return self.password if self.auth == "basic" else self.token


def check_credentials(credentials: StoredCredentials) -> StoredCredentials:
    """Return `credentials` if a request can carry them; a ConnectorError says which part is missing or wrong."""
    if credentials.auth in ("bearer", "header") and not credentials.token:
        raise _wrong("token", "the token is missing", fix="give the token the app issued")
    if credentials.auth == "basic":
        if not credentials.username:
            raise _wrong("username", "the user name is missing", fix="give the user name the app knows")
        if ":" in credentials.username:
            raise _wrong(
                "username", "a user name cannot contain a colon", fix="basic authentication separates by it"
            )
    if credentials.auth == "header":
        if not _TOKEN.fullmatch(credentials.header_name):
            raise _wrong(
                "header_name", "the header name is missing or not a header name", fix="for example X-API-Key"
            )
        if credentials.header_name.lower() in _RESERVED:
            raise _wrong(
                "header_name",
                f"the header {credentials.header_name} is set by the desk",
                fix="use another header",
            )
    for name, part in (("token", "token"), ("username", "user name"), ("password", "password")):
        if _CONTROL.search(getattr(credentials, name)):
            raise _wrong(name, f"the {part} contains a line break or control character", fix="paste it again")
    if credentials.auth in ("bearer", "header") and not credentials.token.isascii():
        raise _wrong("token", "the token contains characters that are not ASCII", fix="paste it again")
    return credentials


def _wrong(name: str, what: str, *, fix: str) -> ConnectorError:
    return ConnectorError(what, fix=fix, field=f"credentials.{name}")


def basic(username: str, password: str) -> str:
    """Return the value of a header for basic authentication."""
    return "Basic " + base64.b64encode(f"{username}:{password}".encode()).decode("ascii")


def auth_headers(credentials: StoredCredentials) -> dict[str, str]:
    """Return the headers that authenticate a request."""
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
