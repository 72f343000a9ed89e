"""Okta's management API as its OpenAPI document has it: users, groups, members, the organisation; and its token endpoint."""

from __future__ import annotations

from typing import Any

from aiohttp import BasicAuth, web
from tests.connectors.apps.authorization_code import AuthorizationCode
from tests.connectors.apps.fake import FakeApp, Fault, Handler, json
from tests.connectors.apps.keys import PEM, claims_of

from healthdesk.testing.clock import START

_USERS, _GROUPS, _MEMBERS = 201, 3, 201
_PAGE = 200
GROUP = "00g1emaKYZTWRYYRRTSK"


class _Okta(FakeApp):
    app_id: Any
    settings = {"domain": "acme.okta.example"}
    site = "Acme"
    retry_after_s = 30.0
    datasets = {"users": {}, "groups": {}, "group_members": {"group_id": GROUP}}
    rows = {"users": _USERS, "groups": _GROUPS, "group_members": _MEMBERS}

    def routes(self) -> list[tuple[str, str, Handler]]:
        return [
            ("GET", "/api/v1/org", self.organisation),
            ("GET", "/api/v1/users", self.users),
            ("GET", "/api/v1/users/{id}", self.user),
            ("GET", "/api/v1/groups", self.groups),
            ("GET", "/api/v1/groups/{id}/users", self.members),
        ]

    def unauthorized(self, request: web.Request) -> web.Response:
        return refused(401, "E0000011", "Invalid token provided")

    def not_found(self, request: web.Request) -> web.Response:
        return refused(404, "E0000022", "The endpoint does not support the provided HTTP method")

    def answer_fault(self, request: web.Request) -> web.Response | None:
        if self.fault is Fault.WRONG_CREDENTIALS:
            return self.unauthorized(request)
        if self.fault is Fault.MISSING_PERMISSION:
            return refused(403, "E0000006", "You do not have permission to perform the requested action")
        if self.fault is Fault.RATE_LIMIT:
            reset = int(START.timestamp()) + 30
            headers = {
                "X-Rate-Limit-Limit": "600",
                "X-Rate-Limit-Remaining": "0",
                "X-Rate-Limit-Reset": f"{reset}",
            }
            return refused(429, "E0000047", "API call exceeded rate limit due to too many requests.", headers)
        if self.fault is Fault.BROKEN_200:
            return web.Response(text="<!DOCTYPE html><html>Sign In</html>", content_type="text/html")
        return None

    async def organisation(self, request: web.Request) -> web.Response:
        return unknown_parameters(request) or json(
            {"id": "00o3qqiw0vSCIwu8I0g7", "companyName": "Acme", "subdomain": "acme", "status": "ACTIVE"}
        )

    async def user(self, request: web.Request) -> web.Response:
        if wrong := unknown_parameters(request, "expand"):
            return wrong
        if request.match_info["id"] != "me":
            return refused(404, "E0000007", "Not found: Resource not found: (User)")
        return json(person(7) | {"profile": {"login": "desk@acme.example", "firstName": "Desk"}})

    async def users(self, request: web.Request) -> web.Response:
        known = ("q", "after", "limit", "filter", "search", "sortBy", "sortOrder", "fields", "expand")
        return page(request, [person(number) for number in range(_USERS)], *known)

    async def groups(self, request: web.Request) -> web.Response:
        every = [
            {
                "id": f"00g{number:017}", "type": "OKTA_GROUP" if number else "BUILT_IN",
                "created": "2025-01-07T10:00:00.000Z", "lastMembershipUpdated": "2026-02-01T10:00:00.000Z",
                "profile": {"name": f"Group {number}", "description": "Everybody" if not number else None},
            }
            for number in range(_GROUPS)
        ]  # fmt: skip
        known = ("q", "filter", "after", "limit", "expand", "search", "sortBy", "sortOrder")
        return page(request, every, *known)

    async def members(self, request: web.Request) -> web.Response:
        if request.match_info["id"] != GROUP:
            return refused(
                404, "E0000007", f"Not found: Resource not found: {request.match_info['id']} (UserGroup)"
            )
        return page(request, [person(number) for number in range(_MEMBERS)], "after", "limit")


class FakeOktaToken(_Okta):
    """An administrator's API token."""

    app_id = "okta"
    auth = "api_token"
    credentials = {"token": "not-a-real-api-token"}
    account_id = "00u00000000000000007"
    account = "desk@acme.example"

    def authorized(self, request: web.Request) -> bool:
        return request.headers.get("Authorization") == f"SSWS {self.credentials['token']}"


class FakeOktaService(_Okta):
    """A service app that proves itself with private_key_jwt."""

    app_id = "okta"
    auth = "service_app"
    credentials = {"client_id": "0oa-desk", "key_id": "key-7", "private_key": PEM}
    tokens = ("not-a-real-access-token",)
    account_id = "00o3qqiw0vSCIwu8I0g7"
    account = "acme"

    def routes(self) -> list[tuple[str, str, Handler]]:
        return [*super().routes(), ("POST", "/oauth2/v1/token", self.token)]

    def connection_settings(self) -> dict[str, str]:
        return {**self.settings, "token_url": f"{self.url}/oauth2/v1/token"}

    def open_route(self, request: web.Request) -> bool:
        return request.path == "/oauth2/v1/token"

    def answer_fault(self, request: web.Request) -> web.Response | None:
        return None if self.open_route(request) else super().answer_fault(request)

    def authorized(self, request: web.Request) -> bool:
        return request.headers.get("Authorization") == f"Bearer {self.tokens[0]}"

    async def user(self, request: web.Request) -> web.Response:
        return refused(404, "E0000007", "Not found: Resource not found: me (User)")

    async def token(self, request: web.Request) -> web.Response:
        form = await request.post()
        if set(form) != {"grant_type", "scope", "client_assertion_type", "client_assertion"}:
            return json({"error": "invalid_request", "error_description": "Parameters are wrong."}, 400)
        claims = claims_of(str(form["client_assertion"]), "https://acme.okta.example/oauth2/v1/token")
        if (
            self.fault is Fault.WRONG_CREDENTIALS
            or claims is None
            or {claims["iss"], claims["sub"]} != {"0oa-desk"}
        ):
            said = "The client_assertion signature is invalid."
            return json({"error": "invalid_client", "error_description": said}, 401)
        if not str(form["scope"]).startswith("okta."):
            return json({"error": "invalid_scope", "error_description": "Not granted."}, 400)
        answer = {
            "token_type": "Bearer",
            "expires_in": 3600,
            "access_token": self.tokens[0],
            "scope": form["scope"],
        }
        return json(answer)


class FakeOktaAdministrator(AuthorizationCode, _Okta):
    """An administrator who authorized an app, which says in a header who it is."""

    app_id = "okta"
    credentials = {"client_id": "0oa-web", "client_secret": "not-a-real-client-secret"}
    account_id = "00u00000000000000007"
    account = "desk@acme.example"

    def said_by_client(self, request: web.Request, form: dict[str, str]) -> dict[str, str]:
        said = BasicAuth.decode(request.headers.get("Authorization", "Basic Og=="))
        return {"client_id": said.login, "client_secret": said.password}


def refused(status: int, code: str, summary: str, headers: dict[str, str] | None = None) -> web.Response:
    """Return a refusal in Okta's format."""
    return json(
        {
            "errorCode": code,
            "errorSummary": summary,
            "errorLink": code,
            "errorId": "oae-1",
            "errorCauses": [],
        },
        status,
        headers,
    )


def unknown_parameters(request: web.Request, *known: str) -> web.Response | None:
    """Refuse parameters that the operation does not have."""
    if strange := sorted(set(request.query) - set(known)):
        return refused(400, "E0000001", f"Api validation failed: {strange[0]}")
    return None


def page(request: web.Request, every: list[Any], *known: str) -> web.Response:
    """Return a page, with links to itself and to the next one."""
    if wrong := unknown_parameters(request, *known):
        return wrong
    limit = int(request.query.get("limit", "200"))
    if not 1 <= limit <= 200:
        return refused(400, "E0000001", "Api validation failed: limit")
    limit = min(limit, _PAGE)
    start = int(request.query.get("after", "p0").removeprefix("p"))
    answer = json(every[start : start + limit])
    answer.headers.add("Link", f'<{request.url}>; rel="self"')
    if start + limit < len(every):
        following = request.url.update_query(after=f"p{start + limit}")
        answer.headers.add("Link", f'<{following}>; rel="next"')
    return answer


def person(number: int) -> dict[str, Any]:
    """Return a user."""
    return {
        "id": f"00u{number:017}", "status": "ACTIVE" if number % 5 else "SUSPENDED",
        "created": "2025-01-07T10:00:00.000Z", "lastLogin": "2026-02-27T08:00:00.000Z" if number % 2 else None,
        "passwordChanged": "2025-12-01T10:00:00.000Z",
        "profile": {
            "login": f"person-{number}@acme.example", "email": f"person-{number}@acme.example",
            "firstName": "Person", "lastName": f"{number}",
        },
    }  # fmt: skip
