"""AWS STS's query API, version 2011-06-15: GetCallerIdentity and AssumeRole, signatures checked by botocore."""

from __future__ import annotations

import re
from xml.sax.saxutils import escape

from aiohttp import web
from botocore.auth import SigV4Auth
from botocore.awsrequest import AWSRequest
from botocore.credentials import Credentials
from tests.connectors.apps.fake import FakeApp, Fault, Handler

_AUTHORIZATION = re.compile(
    r"AWS4-HMAC-SHA256 Credential=(?P<key>[^/]+)/(?P<day>\d{8})/(?P<region>[^/]+)/sts/aws4_request, "
    r"SignedHeaders=(?P<headers>[a-z0-9;-]+), Signature=(?P<signature>[0-9a-f]{64})"
)
_REGION = "eu-central-1"
_ROLE = "arn:aws:iam::123456789012:role/healthdesk"
_NAMESPACE = "https://sts.amazonaws.com/doc/2011-06-15/"


class FakeAwsKey(FakeApp):
    """The access key of a user."""

    app_id = "aws"
    auth = "access_key"
    # The example of Amazon's documentation.
    credentials = {
        "access_key_id": "AKIAIOSFODNN7EXAMPLE",
        "secret_access_key": "wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY",
    }
    settings = {"region": _REGION}
    account_id = "AIDACKCEVSQ6C2EXAMPLE"
    account = "arn:aws:iam::123456789012:user/desk"
    site = "123456789012"
    datasets = {"caller_identity": {}}
    rows = {"caller_identity": 1}
    session_token = ""

    def routes(self) -> list[tuple[str, str, Handler]]:
        return [("GET", "/", self.act), ("POST", "/", self.act)]

    def authorized(self, request: web.Request) -> bool:
        return True  # each action looks at the signature itself: it is over the body too

    def unauthorized(self, request: web.Request) -> web.Response:
        return refused(403, "InvalidClientTokenId", "The security token included in the request is invalid.")

    def not_found(self, request: web.Request) -> web.Response:
        return refused(404, "InvalidAction", "Could not find operation")

    def answer_fault(self, request: web.Request) -> web.Response | None:
        match self.fault:
            case Fault.WRONG_CREDENTIALS:
                return self.unauthorized(request)
            case Fault.MISSING_PERMISSION:
                said = (
                    f"User: {self.account} is not authorized to perform: sts:AssumeRole on resource: {_ROLE}"
                )
                return refused(403, "AccessDenied", said)
            case Fault.RATE_LIMIT:
                return refused(400, "Throttling", "Rate exceeded")
            case Fault.BROKEN_200:
                return web.Response(text="<html><body>Proxy</body></html>", content_type="text/html")
        return None

    async def act(self, request: web.Request) -> web.Response:
        if request.method == "POST":
            if request.content_type != "application/x-www-form-urlencoded" or request.query:
                return refused(400, "MalformedInput", "Top level element may not be treated as a list")
            form = {name: str(value) for name, value in (await request.post()).items()}
        else:
            form = dict(request.query)
        if form.pop("Version", "") != "2011-06-15":
            return refused(400, "InvalidAction", "Could not find operation")
        action = form.pop("Action", "")
        if action == "GetCallerIdentity" and not form:
            return await self.caller_identity(request)
        if action == "AssumeRole":
            return await self.assume_role(request, form)
        return refused(400, "ValidationError", "Unknown parameter")

    async def caller_identity(self, request: web.Request) -> web.Response:
        keys = (self.credentials["access_key_id"], self.credentials["secret_access_key"], self.session_token)
        if (refusal := await signature_refusal(request, *keys)) is not None:
            return refusal
        return answer(
            "GetCallerIdentity",
            f"<Arn>{self.account}</Arn><UserId>{self.account_id}</UserId><Account>{self.site}</Account>",
        )

    async def assume_role(self, request: web.Request, form: dict[str, str]) -> web.Response:
        return refused(403, "AccessDenied", "User is not authorized to perform: sts:AssumeRole")


class FakeAwsSession(FakeAwsKey):
    """Temporary credentials that somebody else got."""

    app_id = "aws"
    credentials = {**FakeAwsKey.credentials, "session_token": "not-a-real-session-token"}
    session_token = "not-a-real-session-token"


class FakeAwsRole(FakeAwsKey):
    """A role that the access key may assume with an external id."""

    app_id = "aws"
    settings = {"region": _REGION, "role_arn": _ROLE, "external_id": "acme-desk"}
    account_id = "AROACKCEVSQ6C2EXAMPLE:healthdesk"
    account = "arn:aws:sts::123456789012:assumed-role/healthdesk/healthdesk"
    tokens = ("not-a-real-secret-of-a-role", "not-a-real-session-token")

    def connection_settings(self) -> dict[str, str]:
        return {**self.settings, "token_url": f"{self.url}/"}

    async def caller_identity(self, request: web.Request) -> web.Response:
        if (refusal := await signature_refusal(request, "ASIACKCEVSQ6C2EXAMPLE", *self.tokens)) is not None:
            return refusal
        return answer(
            "GetCallerIdentity",
            f"<Arn>{self.account}</Arn><UserId>{self.account_id}</UserId><Account>{self.site}</Account>",
        )

    async def assume_role(self, request: web.Request, form: dict[str, str]) -> web.Response:
        keys = (self.credentials["access_key_id"], self.credentials["secret_access_key"], "")
        if (refusal := await signature_refusal(request, *keys)) is not None:
            return refusal
        if set(form) != {"RoleArn", "RoleSessionName", "DurationSeconds", "ExternalId"}:
            return refused(400, "ValidationError", "Unknown parameter")
        if form["RoleArn"] != _ROLE or form["ExternalId"] != "acme-desk":
            said = f"User: {FakeAwsKey.account} is not authorized to perform: sts:AssumeRole on resource: {_ROLE}"
            return refused(403, "AccessDenied", said)
        secret, session = self.tokens
        return answer(
            "AssumeRole",
            "<Credentials><AccessKeyId>ASIACKCEVSQ6C2EXAMPLE</AccessKeyId>"
            f"<SecretAccessKey>{secret}</SecretAccessKey><SessionToken>{session}</SessionToken>"
            "<Expiration>2026-03-02T10:30:00Z</Expiration></Credentials>"
            f"<AssumedRoleUser><AssumedRoleId>{self.account_id}</AssumedRoleId><Arn>{self.account}</Arn></AssumedRoleUser>",
        )


async def signature_refusal(
    request: web.Request, key: str, secret: str, session_token: str
) -> web.Response | None:
    """Return AWS's refusal of a signature, or None when it is right."""
    found = _AUTHORIZATION.fullmatch(request.headers.get("Authorization", ""))
    if found is None:
        return refused(403, "IncompleteSignature", "Authorization header requires 'Credential' parameter.")
    if found["key"] != key or request.headers.get("X-Amz-Security-Token", "") != session_token:
        return refused(403, "InvalidClientTokenId", "The security token included in the request is invalid.")
    if found["region"] != _REGION:
        said = f"Credential should be scoped to a valid region, not '{found['region']}'."
        return refused(403, "SignatureDoesNotMatch", said)
    signed = AWSRequest(
        method=request.method,
        url=str(request.url),
        headers={name: request.headers[name] for name in found["headers"].split(";")},
        data=await request.read(),
    )
    signed.context["timestamp"] = request.headers["X-Amz-Date"]
    auth = SigV4Auth(Credentials(key, secret, session_token or None), "sts", found["region"])
    expected = auth.signature(auth.string_to_sign(signed, auth.canonical_request(signed)), signed)
    if {"host", "x-amz-date"} <= set(found["headers"].split(";")) and expected == found["signature"]:
        return None
    said = "The request signature we calculated does not match the signature you provided. Check your AWS Secret Access Key."
    return refused(403, "SignatureDoesNotMatch", said)


def answer(action: str, result: str) -> web.Response:
    """Return the answer of an action."""
    text = (
        f'<{action}Response xmlns="{_NAMESPACE}">\n  <{action}Result>{result}</{action}Result>\n'
        f"  <ResponseMetadata><RequestId>01234567-89ab-cdef</RequestId></ResponseMetadata>\n</{action}Response>\n"
    )
    return web.Response(text=text, content_type="text/xml")


def refused(status: int, code: str, message: str) -> web.Response:
    """Return a refusal in the format of the query API."""
    text = (
        f'<ErrorResponse xmlns="{_NAMESPACE}">\n  <Error><Type>Sender</Type><Code>{code}</Code>'
        f"<Message>{escape(message)}</Message></Error>\n  <RequestId>01234567-89ab-cdef</RequestId>\n</ErrorResponse>\n"
    )
    return web.Response(status=status, text=text, content_type="text/xml")
