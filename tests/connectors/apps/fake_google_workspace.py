"""Google's Admin SDK Directory API as its discovery document has it, and the token endpoint of service accounts."""

from __future__ import annotations

import json as json_text
from typing import Any

from aiohttp import web
from tests.connectors.apps.authorization_code import AuthorizationCode
from tests.connectors.apps.fake import FakeApp, Fault, Handler, json
from tests.connectors.apps.keys import PEM, claims_of

_USERS, _GROUPS, _MEMBERS = 201, 3, 3
_PAGE = 200
_TOKEN_URI = "https://oauth2.googleapis.com/token"
_SCOPES = {
    f"https://www.googleapis.com/auth/admin.directory.{what}.readonly"
    for what in ("customer", "user", "group")
}


class FakeGoogleWorkspace(FakeApp):
    app_id = "google-workspace"
    auth = "service_account"
    credentials = {
        "key_file": json_text.dumps(
            {
                "type": "service_account", "project_id": "desk-1", "private_key_id": "key-1", "private_key": PEM,
                "client_email": "desk@desk-1.iam.gserviceaccount.com", "client_id": "1042", "token_uri": _TOKEN_URI,
            }
        ),
        "subject": "admin@acme.example",
    }  # fmt: skip
    tokens = ("not-a-real-access-token", PEM)
    account_id = "C03az79cb"
    account = "acme.example"
    site = "acme.example"
    datasets = {"users": {}, "groups": {}, "group_members": {"group": "security@acme.example"}}
    rows = {"users": _USERS, "groups": _GROUPS, "group_members": _MEMBERS}

    def routes(self) -> list[tuple[str, str, Handler]]:
        return [
            ("POST", "/token", self.token),
            ("GET", "/admin/directory/v1/customers/{customer}", self.customer),
            ("GET", "/admin/directory/v1/users", self.users),
            ("GET", "/admin/directory/v1/groups", self.groups),
            ("GET", "/admin/directory/v1/groups/{group}/members", self.members),
        ]

    def connection_settings(self) -> dict[str, str]:
        return {**self.settings, "token_url": f"{self.url}/token"}

    def open_route(self, request: web.Request) -> bool:
        return request.path == "/token"

    def authorized(self, request: web.Request) -> bool:
        return request.headers.get("Authorization") == f"Bearer {self.tokens[0]}"

    def unauthorized(self, request: web.Request) -> web.Response:
        said = "Request had invalid authentication credentials. Expected OAuth 2 access token."
        return refused(401, said, "authError", "UNAUTHENTICATED")

    def not_found(self, request: web.Request) -> web.Response:
        return web.Response(
            status=404, text="<!DOCTYPE html><title>Error 404</title>", content_type="text/html"
        )

    def answer_fault(self, request: web.Request) -> web.Response | None:
        if self.open_route(request):
            return None
        if self.fault is Fault.MISSING_PERMISSION:
            return refused(403, "Not Authorized to access this resource/api", "forbidden")
        if self.fault is Fault.RATE_LIMIT:
            return refused(
                403, "Quota exceeded for quota metric 'Queries'", "quotaExceeded", "RESOURCE_EXHAUSTED"
            )
        if self.fault is Fault.BROKEN_200:
            return web.Response(text="<!doctype html><html>Sign in</html>", content_type="text/html")
        return None

    async def token(self, request: web.Request) -> web.Response:
        form = await request.post()
        if form.get("grant_type") != "urn:ietf:params:oauth:grant-type:jwt-bearer" or set(form) != {
            "grant_type",
            "assertion",
        }:
            return json({"error": "unsupported_grant_type", "error_description": "Invalid grant_type"}, 400)
        claims = claims_of(str(form["assertion"]), _TOKEN_URI)
        if self.fault is Fault.WRONG_CREDENTIALS or claims is None:
            return json({"error": "invalid_grant", "error_description": "Invalid JWT Signature."}, 400)
        if claims["sub"] != self.credentials["subject"]:
            return json({"error": "invalid_grant", "error_description": "Invalid email or User ID"}, 400)
        if set(claims.get("scope", "").split()) != _SCOPES:
            said = "Client is unauthorized to retrieve access tokens using this method"
            return json({"error": "unauthorized_client", "error_description": said}, 401)
        return json({"access_token": self.tokens[0], "expires_in": 3599, "token_type": "Bearer"})

    async def customer(self, request: web.Request) -> web.Response:
        if wrong := unknown_parameters(request):
            return wrong
        if request.match_info["customer"] not in ("my_customer", self.account_id):
            return refused(400, "Bad Request", "badRequest", "INVALID_ARGUMENT")
        return json(
            {
                "kind": "admin#directory#customer", "id": self.account_id, "customerDomain": "acme.example",
                "language": "en", "customerCreationTime": "2020-01-01T00:00:00.000Z",
            }
        )  # fmt: skip

    async def users(self, request: web.Request) -> web.Response:
        known = (
            "customFieldMask", "customer", "domain", "event", "maxResults", "orderBy", "pageToken", "projection",
            "query", "showDeleted", "sortOrder", "viewType",
        )  # fmt: skip
        every = [
            {
                "kind": "admin#directory#user", "id": f"{100000 + number}", "primaryEmail": f"p{number}@acme.example",
                "name": {"fullName": f"Person {number}"}, "isAdmin": number == 0, "isDelegatedAdmin": number == 1,
                "suspended": number % 7 == 0, "isEnrolledIn2Sv": number % 2 == 0, "isEnforcedIn2Sv": number % 3 == 0,
                "orgUnitPath": "/", "lastLoginTime": "2026-02-27T08:00:00.000Z",
                "creationTime": "2025-01-07T10:00:00.000Z",
            }
            for number in range(_USERS)
        ]  # fmt: skip
        return page(request, "users", every, 500, *known)

    async def groups(self, request: web.Request) -> web.Response:
        known = (
            "customer", "domain", "maxResults", "orderBy", "pageToken", "query", "sortOrder", "userKey",
        )  # fmt: skip
        every = [
            {
                "kind": "admin#directory#group", "id": f"g{number}", "email": f"group-{number}@acme.example",
                "name": f"Group {number}", "description": "Everybody" if number == 0 else "",
                "directMembersCount": f"{number}",
            }
            for number in range(_GROUPS)
        ]  # fmt: skip
        return page(request, "groups", every, 200, *known)

    async def members(self, request: web.Request) -> web.Response:
        if request.match_info["group"] != "security@acme.example":
            return refused(404, "Resource Not Found: groupKey", "notFound")
        every = [
            {
                "kind": "admin#directory#member", "id": f"{100000 + number}", "email": f"p{number}@acme.example",
                "role": "MEMBER" if number else "OWNER", "type": "USER", "status": "ACTIVE",
            }
            for number in range(_MEMBERS)
        ]  # fmt: skip
        known = ("includeDerivedMembership", "maxResults", "pageToken", "roles")
        return page(request, "members", every, 200, *known, needs_scope=False)


class FakeGoogleConsent(AuthorizationCode, FakeGoogleWorkspace):
    """An administrator's consent. Google keeps the refresh token."""

    app_id = "google-workspace"
    credentials = {"client_id": "1042.apps.example", "client_secret": "not-a-real-client-secret"}
    rotates = False


def refused(status: int, message: str, reason: str, code: str = "") -> web.Response:
    """Return a refusal in Google's format."""
    error: dict[str, Any] = {
        "code": status,
        "message": message,
        "errors": [{"message": message, "domain": "global", "reason": reason}],
    }
    return json({"error": {**error, "status": code} if code else error}, status)


def unknown_parameters(request: web.Request, *known: str) -> web.Response | None:
    """Refuse parameters that the method does not have: the API does too."""
    if strange := sorted(set(request.query) - set(known)):
        said = f'Invalid JSON payload received. Unknown name "{strange[0]}": Cannot bind query parameter.'
        return refused(400, said, "invalid", "INVALID_ARGUMENT")
    return None


def page(
    request: web.Request, name: str, every: list[Any], most: int, *known: str, needs_scope: bool = True
) -> web.Response:
    """Return a page of a list. Lists of an account want to be told which account."""
    if wrong := unknown_parameters(request, *known):
        return wrong
    if needs_scope and not {"customer", "domain"} & set(request.query):
        return refused(400, "Bad Request", "badRequest", "INVALID_ARGUMENT")
    size = int(request.query.get("maxResults", "100"))
    if not 1 <= size <= most:
        return refused(400, "Invalid value at 'max_results'", "invalid", "INVALID_ARGUMENT")
    size = min(size, _PAGE)  # a page may hold fewer than were asked for
    start = int(request.query.get("pageToken", "t0").removeprefix("t"))
    answer = {"kind": f"admin#directory#{name}", "etag": '"e"', name: every[start : start + size]}
    if start + size < len(every):
        answer["nextPageToken"] = f"t{start + size}"
    return json(answer)
