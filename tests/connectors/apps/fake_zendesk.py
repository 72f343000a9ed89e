"""Zendesk's Ticketing API as its OpenAPI document has it: users, tickets, search; nobody for a wrong credential."""

from __future__ import annotations

import re
from base64 import b64encode
from typing import Any

from aiohttp import web
from tests.connectors.apps.authorization_code import AuthorizationCode
from tests.connectors.apps.client_credentials import ClientCredentials
from tests.connectors.apps.fake import FakeApp, Fault, Handler, body_of, json, unknown

_TICKET = {
    "subject", "comment", "status", "assignee_id", "assignee_email", "priority", "type", "tags", "due_at", "group_id",
    "requester_id", "custom_fields", "external_id", "ticket_form_id", "custom_status_id", "raw_subject",
}  # fmt: skip
_STATUSES = ("new", "open", "pending", "hold", "solved", "closed")
_AGENTS = 101


def _refusal(status: int, error: str, description: str = "", **more: Any) -> web.Response:
    return json({"error": error, **({"description": description} if description else {}), **more}, status)


def _invalid(field: str, description: str, error: str) -> web.Response:
    details = {field: [{"description": description, "error": error}]}
    return _refusal(422, "RecordInvalid", "Record validation errors", details=details)


class FakeZendesk(FakeApp):
    app_id = "zendesk"
    auth = "api_token"
    credentials = {"email": "agent@example.com", "api_token": "notARealToken0123456789"}
    settings = {"subdomain": "acme"}
    base_path = "/api/v2"
    account_id = "35436"
    account = "agent@example.com"
    site = "acme.zendesk.com"
    retry_after_s = 93.0
    container = {"brand": ""}
    statuses = ("open", "solved")
    missing_field = "Risk level"
    assignee = "35440"
    datasets = {"agents": {}}
    rows = {"agents": _AGENTS}

    def __init__(self) -> None:
        super().__init__()
        self.tickets: dict[int, dict[str, Any]] = {}

    def routes(self) -> list[tuple[str, str, Handler]]:
        return [
            ("GET", "/users/me", self.me),
            ("GET", "/users", self.users),
            ("GET", "/users/search", self.search_users),
            ("POST", "/tickets", self.create),
            ("GET", "/tickets/{id}", self.ticket),
            ("PUT", "/tickets/{id}", self.change),
            ("GET", "/search", self.search),
        ]

    def authorized(self, request: web.Request) -> bool:
        user = f"{self.credentials['email']}/token:{self.credentials['api_token']}"
        return request.headers.get("Authorization") == "Basic " + b64encode(user.encode()).decode()

    def unauthorized(self, request: web.Request) -> web.Response:
        if request.path.endswith("/users/me"):
            return json(
                {
                    "user": {
                        "id": None,
                        "name": "Anonymous user",
                        "email": "invalid@example.com",
                        "role": "end-user",
                    }
                }
            )
        return _refusal(401, "Couldn't authenticate you")

    def not_found(self, request: web.Request) -> web.Response:
        return _refusal(404, "InvalidEndpoint", "Not found")

    def answer_fault(self, request: web.Request) -> web.Response | None:
        match self.fault:
            case Fault.WRONG_CREDENTIALS:
                return self.unauthorized(request)
            case Fault.MISSING_PERMISSION:
                said = (
                    "You do not have access to this page. Please contact the account owner of this help desk."
                )
                return json({"error": {"title": "Forbidden", "message": said}}, 403)
            case Fault.RATE_LIMIT:
                said = "Number of allowed API requests per minute exceeded"
                answer = _refusal(429, "APIRateLimitExceeded", said)
                answer.headers["Retry-After"] = "93"
                return answer
            case Fault.BROKEN_200:
                return json({"users": [], "count": 0})
        return None

    def forget(self) -> None:
        self.tickets.clear()

    async def me(self, request: web.Request) -> web.Response:
        return _unasked(request) or json({"user": self.user(0)})

    def user(self, number: int) -> dict[str, Any]:
        known = int(self.account_id) + number
        return {
            "id": known,
            "url": f"https://acme.zendesk.com/api/v2/users/{known}.json",
            "name": f"Agent {number}" if number else "Ada",
            "email": f"agent{number}@example.com" if number else self.account,
            "role": "admin" if number < 2 else "agent",
            "active": True,
            "suspended": number == 5,
            "two_factor_auth_enabled": number % 2 == 0,
            "last_login_at": "2026-03-01T08:00:00Z" if number % 3 else None,
        }

    async def users(self, request: web.Request) -> web.Response:
        if wrong := _unasked(request, "role", "role[]", "permission_set", "external_id", "page"):
            return wrong
        if sorted(request.query.getall("role[]", [])) != ["admin", "agent"]:
            return _refusal(400, "InvalidValue", "role")
        page = int(request.query.get("page", "1"))
        every = [self.user(number) for number in range(_AGENTS)]
        shown = every[(page - 1) * 100 : page * 100]
        following = None
        if page * 100 < _AGENTS:
            following = f"https://acme.zendesk.com/api/v2/users.json?page={page + 1}&role%5B%5D=agent&role%5B%5D=admin"
        return json({"users": shown, "next_page": following, "previous_page": None, "count": _AGENTS})

    async def search_users(self, request: web.Request) -> web.Response:
        if wrong := _unasked(request, "query", "external_id"):
            return wrong
        text = request.query["query"].lower()
        found = [each for number in range(_AGENTS) if text in repr(each := self.user(number)).lower()]
        return json({"users": found[:100], "next_page": None, "count": len(found)})

    async def create(self, request: web.Request) -> web.Response:
        body = await body_of(request)
        if wrong := _unasked(request) or _wrong(body):
            return wrong
        assert body is not None
        given = body["ticket"]
        if not (given.get("comment") or {}).get("body"):
            return _invalid("base", "Description: cannot be blank", "BlankValue")
        if self.fault is Fault.MISSING_FIELD:
            return _invalid("custom_field_1", "Risk level: is required", "BlankValue")
        number = len(self.tickets) + 101
        self.tickets[number] = {
            "id": number,
            "url": f"https://acme.zendesk.com/api/v2/tickets/{number}.json",
            "description": given["comment"]["body"],
            "status": "new",
            "assignee_id": None,
            "due_at": None,
        }
        return self._changed(number, given, 201)

    def _changed(self, number: int, given: dict[str, Any], status: int = 200) -> web.Response:
        ticket = self.tickets[number]
        ticket |= {name: given[name] for name in ("subject", "status", "assignee_id") if name in given}
        ticket["updated_at"] = "2026-03-02T09:30:00Z"
        return json({"ticket": ticket, "audit": {"id": 1}}, status)

    async def ticket(self, request: web.Request) -> web.Response:
        found = self.tickets.get(int(request.match_info["id"]))
        return _unasked(request) or (
            json({"ticket": found}) if found else _refusal(404, "RecordNotFound", "Not found")
        )

    async def change(self, request: web.Request) -> web.Response:
        body = await body_of(request)
        if wrong := _unasked(request) or _wrong(body):
            return wrong
        assert body is not None
        number = int(request.match_info["id"])
        if number not in self.tickets:
            return _refusal(404, "RecordNotFound", "Not found")
        if "comment" in body["ticket"]:
            return _invalid("base", "the requester would be written to", "NotHere")
        return self._changed(number, body["ticket"])

    async def search(self, request: web.Request) -> web.Response:
        if wrong := _unasked(request, "query", "sort_by", "sort_order", "page"):
            return wrong
        kind, *words = request.query["query"].split()
        if kind != "type:ticket" or not all(re.fullmatch(r'"[^"]+"', each) for each in words):
            return _refusal(422, "invalid", "Invalid search: words outside of quotes are operators here")
        wanted = {each.strip('"').lower() for each in words}
        found = [
            {**each, "result_type": "ticket"}
            for each in self.tickets.values()
            if wanted <= set(each["subject"].lower().split())
        ]
        return json({"results": found, "next_page": None, "previous_page": None, "count": len(found)})


def _unasked(request: web.Request, *known: str) -> web.Response | None:
    if wrong := unknown(request, *known):
        return _refusal(400, "InvalidValue", f"{wrong[0]} is not a parameter")
    return None


def _wrong(body: dict[str, Any] | None) -> web.Response | None:
    if body is None or set(body) != {"ticket"} or not isinstance(body["ticket"], dict):
        return _refusal(400, "Unprocessable", "The request could not be understood.")
    given = body["ticket"]
    if bad := sorted(set(given) - _TICKET):
        return _refusal(400, "InvalidValue", f"{bad[0]} is not an attribute of a ticket")
    if given.get("status", "new") not in _STATUSES:
        return _invalid("status", "Status: is invalid", "InvalidValue")
    if not isinstance(given.get("assignee_id", 0), int):
        return _refusal(400, "InvalidValue", "assignee_id must be an integer")
    return None


class FakeZendeskClient(ClientCredentials, FakeZendesk):
    """A confidential OAuth client."""

    auth = "oauth_client"
    token_path = "/oauth/tokens"
    scope = "read write"


class FakeZendeskOAuth(AuthorizationCode, FakeZendesk):
    """An OAuth client that an agent allowed to act for them."""

    credentials = {"client_id": "desk-client", "client_secret": "not-a-real-client-secret"}
    token_path = "/oauth/tokens"
