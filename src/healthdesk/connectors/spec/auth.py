"""How an app is authenticated: the methods an operator can choose from, and the fields each one asks for."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field, model_validator

from healthdesk.connectors.spec.base import FieldManifest, Key, Label, Part, Template

AuthType = Literal[
    "none",
    "static",
    "oauth2_client_credentials",
    "oauth2_code",
    "oauth2_device",
    "jwt_grant",
    "aws_sigv4",
]


CLIENT_AUTH = {"client_secret_basic": "basic", "client_secret_post": "body"}
"""How a client says who it is (RFC 6749, section 2.3.1), by the names of RFC 7591."""


class OAuthSettings(Part):
    """OAuth 2.0 endpoints (RFC 6749, 7636, 8628). URLs are templates; a connection's settings of the same name win.

    Client id and secret are the fields `client_id` and `client_secret` of the method. `client_auth` is how they are
    sent to `token_url`; `client_auth_field` names the field in which an operator chooses, `client_secret_basic` or
    `client_secret_post` (RFC 7591, section 2). `extra_authorize` and `extra_token` are further parameters, such as
    `access_type`.
    """

    authorize_url: Template = ""
    token_url: Template
    device_url: Template = ""
    scopes: list[Template] = []
    scope_separator: str = " "
    client_auth: Literal["body", "basic"] = "body"
    client_auth_field: Key | None = None
    pkce: bool = True
    extra_authorize: dict[str, Template] = {}
    extra_token: dict[str, Template] = {}
    lifetime_s: float | None = None
    """How long an access token lives where its answer does not say (Salesforce)."""


class JwtSettings(Part):
    """A signed assertion exchanged for a token (RFC 7523), for service accounts.

    `key` names the field with the private key: PEM, or a Google key file (JSON, whose `private_key`, `private_key_id`,
    `client_email` and `token_uri` become values). The claims are templates, and so is `key_id`, the `kid` of the
    assertion. `grant` says what the assertion is: the grant itself (section 2.1), or what authenticates the client
    (section 2.2, private_key_jwt) in a request for client credentials.
    """

    token_url: Template
    key: Key
    key_id: Template = ""
    grant: Literal["jwt_bearer", "client_credentials"] = "jwt_bearer"
    algorithm: Literal["RS256", "ES256"] = "RS256"
    claims: dict[str, Template] = {}
    scopes: list[str] = []
    lifetime_s: Annotated[int, Field(ge=30, le=3600)] = 300


class AwsSettings(Part):
    """AWS Signature Version 4 with the fields `access_key_id`, `secret_access_key` and, or not, `session_token`.

    With the setting `role_arn` AssumeRole is called first, `external_id` with it; `token_url` is another STS.
    """

    service: str
    region: Template = "us-east-1"


class ClientCertificateFields(Part):
    """Which fields of a method hold a client certificate for TLS and its private key, both PEM."""

    certificate: Key
    key: Key


class AuthManifest(Part):
    """One way to authenticate. `where` says where to find the credential: a URL (a template) or a sentence.

    `headers` and `query` are added to every request, names and values being templates; `basic` gives user and password. In an OAuth, JWT or AWS method
    the placeholder `access_token` is the token that was got, and what else the token answer said (`instance_url`) is
    known by its name. `base_url` replaces the app's for this method. `fields` with `secret` never leave the vault in clear.
    `in_requests` names those of them that a request may name all the same, in its path, query or body, because the app
    wants them there: they are put in as it is sent, and stand in nothing that is kept.
    """

    id: Key
    name: Label
    type: AuthType = "static"
    help: str = ""
    where: Template = ""
    fields: list[FieldManifest] = []
    headers: dict[Template, Template] = {}
    query: dict[Template, Template] = {}
    basic: tuple[Template, Template] | None = None
    in_requests: list[Key] = []
    base_url: Template = ""
    oauth: OAuthSettings | None = None
    jwt: JwtSettings | None = None
    aws: AwsSettings | None = None
    client_certificate: ClientCertificateFields | None = None
    """Shown to the server in TLS where it is given; `static` with nothing else is mutual TLS alone."""

    @model_validator(mode="after")
    def _complete(self) -> AuthManifest:
        needs = {"jwt_grant": "jwt", "aws_sigv4": "aws"}.get(self.type)
        if self.type.startswith("oauth2_"):
            needs = "oauth"
        for name in ("oauth", "jwt", "aws"):
            if (name == needs) != (getattr(self, name) is not None):
                raise ValueError(f"type {self.type} {'needs' if name == needs else 'has no'} [auth.{name}]")
        if self.oauth is not None:
            if self.type == "oauth2_code" and not self.oauth.authorize_url:
                raise ValueError("oauth2_code needs authorize_url")
            if self.type == "oauth2_device" and not self.oauth.device_url:
                raise ValueError("oauth2_device needs device_url")
        if self.type == "none" and (self.headers or self.query or self.basic):
            raise ValueError("type none sends nothing: use static")
        if self.in_requests and self.type != "static":
            raise ValueError("in_requests belongs to type static")
        for key in self.in_requests:
            if not any(each.key == key and each.secret for each in self.fields):
                raise ValueError(f"in_requests: {key} is no secret field of this method")
        return self

    @model_validator(mode="after")
    def _client_auth_in_fields(self) -> AuthManifest:
        named = None if self.oauth is None else self.oauth.client_auth_field
        field = next((each for each in self.fields if each.key == named), None)
        if named is not None and (field is None or set(field.options) != set(CLIENT_AUTH)):
            raise ValueError(
                f"client_auth_field: {named} is no field with the options {', '.join(CLIENT_AUTH)}"
            )
        return self

    @model_validator(mode="after")
    def _certificate_in_fields(self) -> AuthManifest:
        named = self.client_certificate
        for key in () if named is None else (named.certificate, named.key):
            if not any(each.key == key and each.secret for each in self.fields):
                raise ValueError(f"client_certificate: {key} is no secret field of this method")
        return self
