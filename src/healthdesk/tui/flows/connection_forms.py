"""The fields of a connection and its credentials, and what is made of them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from pydantic import SecretStr

from healthdesk.api.connections import (
    CallbackVerification,
    Connection,
    ConnectionCreate,
    ConnectionEdit,
    Credentials,
    CredentialsUpdate,
    HeartbeatRequest,
)
from healthdesk.tui.flows.app_fields import overlap_field
from healthdesk.tui.screens.fields import UNCHECKED, Field

AUTH_WORDS = {
    "none": "none",
    "bearer": "bearer token",
    "basic": "user and password",
    "header": "a header of its own",
    "query": "a parameter of the query",
    "oauth2": "OAuth 2.0 client credentials",
    "mtls": "client certificate",
}
AUTHS = tuple(AUTH_WORDS.items())
CLIENT_AUTHS = (("client_secret_basic", "in a header"), ("client_secret_post", "in the body"))
YES_QUERY, YES_OAUTH, YES_MTLS = ("auth", ("query",)), ("auth", ("oauth2",)), ("auth", ("mtls",))
BY_FIELDS = {
    "query": ("parameter_name",),
    "oauth2": ("token_endpoint", "client_id", "client_secret", "client_auth", "scopes", "audience"),
    "mtls": ("certificate", "private_key"),
}
"""By method, what the API takes among `fields`."""
METHODS = tuple((method, method) for method in ("GET", "HEAD", "POST", "OPTIONS"))
CHECKS = (("heartbeat", "by a request"), ("deliveries", "by its deliveries"))
SCHEMES = (
    ("none", "not verified"),
    ("standard_webhooks", "Standard Webhooks"),
    ("hmac", "HMAC of the body"),
    ("github", "as GitHub signs"),
    ("gitlab", "as GitLab signs"),
    ("jira", "as Jira signs"),
    ("asana", "as Asana signs"),
    ("slack", "as Slack signs"),
    ("stripe", "as Stripe signs"),
    ("token", "the secret in a header"),
    ("bearer", "a bearer token"),
    ("basic", "user and password"),
)
SIGNED = tuple(scheme for scheme, _ in SCHEMES if scheme not in ("none", "asana"))
YES_HEARTBEAT = ("check", ("heartbeat",))


def credential_fields(auth: str) -> list[Field]:
    """Return the fields of credentials. Secrets are never filled in."""
    return [
        Field("auth", "Credential", value=auth, options=AUTHS),
        Field("header_name", "Header", hint="X-Api-Key", required=True, when=("auth", ("header",))),
        Field("parameter_name", "Parameter", hint="api_key", required=True, when=YES_QUERY),
        Field("token", "Token", secret=True, required=True, when=("auth", ("bearer", "header", "query"))),
        Field("username", "User", required=True, when=("auth", ("basic",))),
        Field("password", "Password", secret=True, required=True, when=("auth", ("basic",))),
        Field(
            "token_endpoint",
            "Token address",
            hint="https://login.example/oauth2/token",
            required=True,
            when=YES_OAUTH,
        ),
        Field("client_id", "Client ID", required=True, when=YES_OAUTH),
        Field("client_secret", "Client secret", secret=True, required=True, when=YES_OAUTH),
        Field("client_auth", "  both go", "client_secret_basic", options=CLIENT_AUTHS, when=YES_OAUTH),
        Field("scopes", "Scopes", hint="optional, with spaces between", when=YES_OAUTH),
        Field("audience", "Audience", hint="optional", when=YES_OAUTH),
        _pem("certificate", "Certificate", "PEM; its chain may follow."),
        _pem("private_key", "Private key", "PEM, without a password."),
    ]


def _pem(name: str, label: str, help_text: str) -> Field:
    return Field(
        name, label, secret=True, required=True, when=YES_MTLS, multiline=True, help=lambda _: (help_text,)
    )


def connection_fields(connection: Connection | None) -> list[Field]:
    """Return the fields of a new connection, or of one that is edited (its credentials have their own form)."""
    beat = connection.heartbeat if connection else HeartbeatRequest(path="/health")
    known = connection.verification if connection else CallbackVerification()
    fields = [
        Field("name", "Name", connection.name if connection else "", "CRM endpoint", required=True),
        Field(
            "base_url",
            "Base URL",
            connection.base_url if connection else "",
            "https://crm.example",
            required=True,
        ),
    ]
    if connection is None:
        fields += credential_fields("bearer")
    secret_hint = "stays as it is when left empty" if connection else "whsec_… or the shared secret"
    fields += [
        Field("check", "Health is judged", "heartbeat" if beat else "deliveries", options=CHECKS),
        Field("method", "  method", beat.method if beat else "GET", options=METHODS, when=YES_HEARTBEAT),
        Field("path", "  path", beat.path if beat else "/", "/health", required=True, when=YES_HEARTBEAT),
        Field(
            "expected_status",
            "  answers",
            str(beat.expected_status if beat else 200),
            required=True,
            when=YES_HEARTBEAT,
        ),
        Field("scheme", "Callbacks are", known.scheme, options=SCHEMES),
        Field(
            "header", "  signature header", known.header, required=True, when=("scheme", ("hmac", "token"))
        ),
        Field(
            "callback_secret",
            "  secret",
            hint=secret_hint,
            secret=True,
            required=connection is None,
            when=("scheme", SIGNED),
        ),
    ]
    if connection is not None and connection.callback_secret_hint:
        fields.append(replace(overlap_field(), when=("scheme", SIGNED)))
    return fields


def check_credentials(values: Mapping[str, str]) -> dict[str, str]:
    """Return what is wrong with credentials; what is needed is checked by the form."""
    token = values.get("token", "")
    return {"token": "has a line end or a space in it"} if token.strip() and len(token.split()) > 1 else {}


def check_connection(values: Mapping[str, str]) -> dict[str, str]:
    """Return what is wrong with a connection."""
    wrong = check_credentials(values)
    url = values.get("base_url", "").strip()
    if url and not url.startswith(("https://", "http://")):
        wrong["base_url"] = "begins with https:// or http://"
    status = values.get("expected_status", "").strip()
    if status and not (status.isdecimal() and 100 <= int(status) <= 599):
        wrong["expected_status"] = "is a status code, such as 200"
    path = values.get("path", "").strip()
    if path and not path.startswith("/"):
        wrong["path"] = "begins with /"
    return wrong


def credentials_of(values: Mapping[str, str]) -> Credentials:
    """Return the credentials that were entered, and only what belongs to their kind."""
    known: dict[str, Any] = {"auth": values["auth"]}
    for name in ("token", "password"):
        if values.get(name):
            known[name] = SecretStr(values[name].strip())
    for name in ("username", "header_name"):
        if values.get(name):
            known[name] = values[name].strip()
    fields = {name: values.get(name, "").strip() for name in BY_FIELDS.get(values["auth"], ())}
    if fields:
        known["fields"] = {name: SecretStr(text) for name, text in fields.items() if text}
    return Credentials(**known)


def credentials_update(values: Mapping[str, str]) -> CredentialsUpdate:
    """Return the update of credentials."""
    return CredentialsUpdate(credentials=credentials_of(values), unchecked=UNCHECKED in values)


def heartbeat_of(values: Mapping[str, str]) -> HeartbeatRequest | None:
    """Return the heartbeat that was entered, or None for a connection judged by deliveries."""
    if values["check"] != "heartbeat":
        return None
    known: dict[str, Any] = {
        "method": values["method"],
        "path": values["path"].strip(),
        "expected_status": int(values["expected_status"]),
    }
    return HeartbeatRequest(**known)


def verification_of(values: Mapping[str, str], before: CallbackVerification) -> CallbackVerification:
    """Return how callbacks are verified; what the form does not ask stays."""
    changed = {"scheme": values["scheme"]}
    if "header" in values:
        changed["header"] = values["header"].strip()
    return CallbackVerification(**{**before.model_dump(), **changed})


def connection_create(values: Mapping[str, str]) -> ConnectionCreate:
    """Return the new connection."""
    known: dict[str, Any] = {
        "app": "http-endpoint",
        "name": values["name"].strip(),
        "base_url": values["base_url"].strip(),
        "credentials": credentials_of(values),
        "heartbeat": heartbeat_of(values),
        "verification": verification_of(values, CallbackVerification()),
    }
    if values.get("callback_secret"):
        known["callback_secret"] = SecretStr(values["callback_secret"].strip())
    if UNCHECKED in values:
        known["unchecked"] = True
    return ConnectionCreate(**known)


def connection_edit(values: Mapping[str, str], before: Connection) -> ConnectionEdit:
    """Return what was changed, and nothing else."""
    known: dict[str, Any] = {}
    for name in ("name", "base_url"):
        if values[name].strip() != getattr(before, name):
            known[name] = values[name].strip()
    beat = heartbeat_of(values)
    if beat is None and before.heartbeat is not None:
        known["clear_heartbeat"] = True
    elif beat is not None and beat != before.heartbeat:
        known["heartbeat"] = beat
    verification = verification_of(values, before.verification)
    if verification != before.verification:
        known["verification"] = verification
    if values.get("callback_secret"):
        known["callback_secret"] = SecretStr(values["callback_secret"].strip())
        if "callback_secret_overlap_s" in values:
            known["callback_secret_overlap_s"] = float(values["callback_secret_overlap_s"])
    if UNCHECKED in values:
        known["unchecked"] = True
    return ConnectionEdit(**known)
