"""AWS Signature Version 4, with AssumeRole first where a role is given.

https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_sigv.html
https://docs.aws.amazon.com/STS/latest/APIReference/API_AssumeRole.html
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from datetime import datetime
from typing import Any
from urllib.parse import urlencode
from xml.parsers.expat import ExpatError

import xmltodict
from botocore.auth import SIGV4_TIMESTAMP, SigV4Auth
from botocore.awsrequest import AWSRequest
from botocore.credentials import Credentials

from healthdesk.clock import Clock
from healthdesk.connectors.auth.asking import FORM, Asker
from healthdesk.connectors.auth.bearing import Bearing
from healthdesk.connectors.auth.failures import unexpected
from healthdesk.connectors.auth.static import decorate, fill
from healthdesk.connectors.auth.tokens import Tokens
from healthdesk.connectors.echoes import Secrets
from healthdesk.connectors.outgoing import NotAuthorized, Outgoing
from healthdesk.connectors.spec.auth import AuthManifest, AwsSettings
from healthdesk.domain.exchange import Exchange

SESSION_NAME = "healthdesk"
LIFETIME_S = 3600
_KEY, _SECRET, _SESSION = "access_key_id", "secret_access_key", "session_token"


class ClockedSigV4(SigV4Auth):  # type: ignore[misc]  # botocore has no types
    """botocore's signature at the desk's time instead of the host's."""

    def __init__(self, credentials: Credentials, service: str, region: str, clock: Clock) -> None:
        super().__init__(credentials, service, region)
        self._clock = clock

    def add_auth(self, request: AWSRequest) -> None:
        """Sign the request as botocore does."""
        request.context["timestamp"] = self._clock.now().strftime(SIGV4_TIMESTAMP)
        self._modify_request_before_signing(request)
        signature = self.signature(self.string_to_sign(request, self.canonical_request(request)), request)
        self._inject_signature_to_request(request, signature)


def signed(
    request: Outgoing, keys: Mapping[str, str], *, service: str, region: str, clock: Clock
) -> Outgoing:
    """Return the request with its signature. `keys` are access_key_id, secret_access_key and, or not, session_token."""
    credentials = Credentials(keys.get(_KEY, ""), keys.get(_SECRET, ""), keys.get(_SESSION) or None)
    aws = AWSRequest(method=request.method, url=request.url, headers=dict(request.headers), data=request.body)
    ClockedSigV4(credentials, service, region, clock).add_auth(aws)
    return replace(
        request,
        headers=dict(aws.headers.items()),
        secret_headers=request.secret_headers | {"authorization", "x-amz-security-token"},
        secrets=Secrets([keys.get(_SECRET, ""), keys.get(_SESSION, "")]),
    )


class AssumeRole:
    """Gets temporary credentials of a role from STS, signed with the connection's own."""

    def __init__(self, asker: Asker, aws: AwsSettings, known: Mapping[str, str], clock: Clock) -> None:
        self._asker = asker
        self._aws = aws
        self._known = known
        self._clock = clock

    def renewable(self, _tokens: Tokens) -> bool:
        """Return True: the role can be assumed again."""
        return True

    async def fetch(self, _before: Tokens | None) -> Tokens:
        """Return the role's temporary credentials as tokens; raises NotAuthorized."""
        known = self._known
        parameters = {
            "Action": "AssumeRole",
            "Version": "2011-06-15",
            "RoleArn": known["role_arn"],
            "RoleSessionName": known.get("role_session_name") or SESSION_NAME,
            "DurationSeconds": str(LIFETIME_S),
        }
        if known.get("external_id"):
            parameters["ExternalId"] = known["external_id"]
        region = fill(self._aws.region, known, "region")
        url = known.get("token_url") or f"https://sts.{region}.amazonaws.com/"
        body = urlencode(parameters).encode()
        request = signed(
            Outgoing("POST", url, {"Content-Type": FORM}, body),
            known,
            service="sts",
            region=region,
            clock=self._clock,
        )
        exchange = await self._asker.post(url, body, headers={**request.headers, "Accept": "application/xml"})
        return self._tokens(exchange, request.secrets)

    def _tokens(self, exchange: Exchange, hidden: Secrets) -> Tokens:
        document = _parsed(exchange.response_body)
        if exchange.status != 200:
            error = _within(document, "ErrorResponse", "Error")
            code, message = (str(error.get(name) or "") for name in ("Code", "Message"))
            raise self._asker.refused(exchange, hidden, document, code, message)
        given = _within(document, "AssumeRoleResponse", "AssumeRoleResult", "Credentials")
        try:
            return Tokens(
                access_token=given["SessionToken"],
                obtained_at=self._clock.now(),
                expires_at=datetime.fromisoformat(given["Expiration"]),
                hidden={
                    _KEY: given["AccessKeyId"],
                    _SECRET: given["SecretAccessKey"],
                    _SESSION: given["SessionToken"],
                },
            )
        except (KeyError, ValueError, TypeError):
            nothing = replace(exchange, response_body=b"")
            raise NotAuthorized(
                unexpected(self._asker.app.name, nothing, "something that is no AssumeRoleResponse"), nothing
            ) from None


class AwsAuthorizer:
    """Signs each request, with the role's temporary credentials where there is a role."""

    def __init__(
        self,
        method: AuthManifest,
        aws: AwsSettings,
        values: Mapping[str, str],
        settings: Mapping[str, str],
        clock: Clock,
        role: Bearing | None,
    ) -> None:
        self._method = method
        self._aws = aws
        self._known = {**{field.key: field.default for field in method.fields}, **values, **settings}
        self._open = {field.key: self._known[field.key] for field in method.fields if not field.secret}
        self._clock = clock
        self._role = role

    async def values(self) -> Mapping[str, str]:
        """Return the fields that are not secret; raises NotAuthorized."""
        return self._open

    async def authorize(self, request: Outgoing) -> Outgoing:
        """Return the request signed; raises NotAuthorized."""
        keys: Mapping[str, str] = self._known
        if self._role is not None:
            keys = (await self._role.tokens()).hidden
        region = fill(self._aws.region, self._known, "region")
        decorated = decorate(self._method, request, self._known, ())
        return signed(decorated, keys, service=self._aws.service, region=region, clock=self._clock)

    async def refused(self, sent: Outgoing) -> bool:
        """Tell whether the role can be assumed again for one more try."""
        return self._role is not None and await self._role.refused(sent)


def _parsed(body: bytes) -> Mapping[str, Any]:
    try:
        found = xmltodict.parse(body)
    except (ExpatError, ValueError):
        return {}
    return found if isinstance(found, dict) else {}


def _within(document: Mapping[str, Any], *names: str) -> Mapping[str, Any]:
    for name in names:
        found = document.get(name)
        if not isinstance(found, dict):
            return {}
        document = found
    return document
