"""Microsoft Graph v1.0 as its OpenAPI document has it: organisation, applications, users, groups, Planner; and Entra's token endpoint."""

from __future__ import annotations

from typing import Any

from aiohttp import web
from tests.connectors.apps.authorization_code import AuthorizationCode
from tests.connectors.apps.fake import FakeApp, Fault, Handler, body_of, json

_USERS, _GROUPS = 101, 3
_PAGE = 100
PLAN = "xqQg5FS2LkCp935s-FIFm2QAFkHM"
_CLIENT = "11111111-2222-3333-4444-555555555555"
_SECRET_ID = "99999999-8888-7777-6666-555555555555"
_TASK_MEMBERS = {
    "@odata.type", "title", "planId", "bucketId", "percentComplete", "dueDateTime", "startDateTime", "assignments",
    "priority", "orderHint", "appliedCategories",
}  # fmt: skip


class FakeMicrosoftGraph(FakeApp):
    app_id = "microsoft-graph"
    auth = "client_credentials"
    credentials = {
        "client_id": _CLIENT,
        "client_secret": "not-a-real-client-secret",
        "secret_id": _SECRET_ID,
    }
    tokens = ("not-a-real-access-token",)
    settings = {"tenant": "acme.onmicrosoft.example"}
    base_path = "/v1.0"
    account_id = "aaaaaaaa-bbbb-cccc-dddd-eeeeeeeeeeee"
    account = "Acme"
    site = "acme.example"
    expires = "2026-09-01T00:00:00+00:00"
    retry_after_s = 12.0
    container = {"plan_id": PLAN}
    statuses = ("0", "100")
    due = True
    datasets = {"users": {}, "groups": {}}
    rows = {"users": _USERS, "groups": _GROUPS}

    def __init__(self) -> None:
        super().__init__()
        self.tasks: dict[str, dict[str, Any]] = {}
        self.details: dict[str, dict[str, Any]] = {}
        self.version = 0

    def routes(self) -> list[tuple[str, str, Handler]]:
        return [
            ("POST", "/token", self.token),
            ("GET", "/me", self.me),
            ("GET", "/organization", self.organization),
            ("GET", "/applications", self.applications),
            ("GET", "/users", self.users),
            ("GET", "/groups", self.groups),
            ("GET", "/planner/plans/{id}", self.plan),
            ("GET", "/planner/plans/{id}/tasks", self.tasks_of_plan),
            ("POST", "/planner/tasks", self.create),
            ("GET", "/planner/tasks/{id}", self.task),
            ("PATCH", "/planner/tasks/{id}", self.change),
            ("GET", "/planner/tasks/{id}/details", self.detail),
            ("PATCH", "/planner/tasks/{id}/details", self.change_detail),
        ]

    def connection_settings(self) -> dict[str, str]:
        return {**self.settings, "token_url": f"{self.url}/token"}

    def open_route(self, request: web.Request) -> bool:
        return request.path == "/v1.0/token"

    def authorized(self, request: web.Request) -> bool:
        return request.headers.get("Authorization") == f"Bearer {self.tokens[0]}"

    def unauthorized(self, request: web.Request) -> web.Response:
        return refused(401, "InvalidAuthenticationToken", "Access token is empty or malformed.")

    def not_found(self, request: web.Request) -> web.Response:
        return refused(400, "BadRequest", "Resource not found for the segment.")

    def answer_fault(self, request: web.Request) -> web.Response | None:
        if self.open_route(request):
            return None
        match self.fault:
            case Fault.MISSING_PERMISSION:
                return refused(
                    403, "Authorization_RequestDenied", "Insufficient privileges to complete the operation."
                )
            case Fault.RATE_LIMIT:
                return refused(429, "TooManyRequests", "Too many requests.", {"Retry-After": "12"})
            case Fault.BROKEN_200:
                return web.Response(text="<html>Sign in to your account</html>", content_type="text/html")
        return None

    def forget(self) -> None:
        self.tasks.clear()
        self.details.clear()

    async def token(self, request: web.Request) -> web.Response:
        form = {name: str(value) for name, value in (await request.post()).items()}
        if form.get("grant_type") != "client_credentials":
            return entra(400, "unsupported_grant_type", 70003, "The app requested an unsupported grant type.")
        if form.get("scope") != "https://graph.microsoft.com/.default":
            return entra(400, "invalid_scope", 1002012, "The provided value for scope is not valid.")
        if form.get("client_id") != _CLIENT:
            return entra(
                400, "unauthorized_client", 700016, "Application was not found in the directory 'Acme'."
            )
        if self.fault is Fault.WRONG_CREDENTIALS:
            said = f"The provided client secret keys for app '{_CLIENT}' are expired."
            return entra(401, "invalid_client", 7000222, said)
        if form.get("client_secret") != self.credentials["client_secret"]:
            said = f"Invalid client secret provided. Ensure the secret being sent is the value, not the ID, for '{_CLIENT}'."
            return entra(401, "invalid_client", 7000215, said)
        return json(
            {
                "token_type": "Bearer",
                "expires_in": 3599,
                "ext_expires_in": 3599,
                "access_token": self.tokens[0],
            }
        )

    async def me(self, request: web.Request) -> web.Response:
        if wrong := unknown_options(request, "$select", "$expand"):
            return wrong
        return json({"id": "user-7", "displayName": "Desk", "userPrincipalName": "desk@acme.example"})

    async def organization(self, request: web.Request) -> web.Response:
        if wrong := unknown_options(request, "$select"):
            return wrong
        domains = [
            {"name": "acme.onmicrosoft.example", "isDefault": False, "isInitial": True},
            {"name": "acme.example", "isDefault": True, "isInitial": False},
        ]
        return json({"value": [{"id": self.account_id, "displayName": "Acme", "verifiedDomains": domains}]})

    async def applications(self, request: web.Request) -> web.Response:
        if wrong := unknown_options(request, "$select", "$filter", "$top"):
            return wrong
        if request.query.get("$filter") != f"appId eq '{_CLIENT}'":
            return json({"value": []})
        secrets = [
            ("11111111-0000-0000-0000-000000000000", "2025-12-31T00:00:00Z"),
            ("22222222-0000-0000-0000-000000000000", "2026-04-01T00:00:00Z"),
            (_SECRET_ID, "2026-09-01T00:00:00Z"),
        ]
        credentials = [
            {
                "keyId": key,
                "endDateTime": end,
                "startDateTime": "2025-01-01T00:00:00Z",
                "hint": "not",
                "secretText": None,
            }
            for key, end in secrets
        ]
        return json(
            {
                "value": [
                    {
                        "id": "app-1",
                        "appId": _CLIENT,
                        "displayName": "Desk",
                        "passwordCredentials": credentials,
                    }
                ]
            }
        )

    async def users(self, request: web.Request) -> web.Response:
        if wrong := unknown_options(
            request, "$select", "$top", "$skiptoken", "$filter", "$orderby", "$count", "$search"
        ):
            return wrong
        every = [
            {
                "id": f"user-{number}", "userPrincipalName": f"p{number}@acme.example", "displayName": f"Person {number}",
                "mail": f"p{number}@acme.example", "accountEnabled": number % 5 != 0,
                "userType": "Guest" if number % 7 == 0 else "Member", "department": "Security", "jobTitle": "Engineer",
                "createdDateTime": "2025-01-07T10:00:00Z",
            }
            for number in range(_USERS)
        ]  # fmt: skip
        return page(request, every)

    async def groups(self, request: web.Request) -> web.Response:
        if wrong := unknown_options(
            request, "$select", "$top", "$skiptoken", "$filter", "$orderby", "$count", "$search"
        ):
            return wrong
        every = [
            {
                "id": f"group-{number}", "displayName": f"Group {number}", "mail": f"g{number}@acme.example",
                "description": "Everybody", "groupTypes": ["Unified"] if number else [], "securityEnabled": not number,
                "createdDateTime": "2025-01-07T10:00:00Z",
            }
            for number in range(_GROUPS)
        ]  # fmt: skip
        return page(request, every)

    async def plan(self, request: web.Request) -> web.Response:
        if request.match_info["id"] != PLAN:
            return refused(404, "", "The requested item is not found.")
        return json({"id": PLAN, "title": "Desk"})

    async def tasks_of_plan(self, request: web.Request) -> web.Response:
        if wrong := unknown_options(
            request, "$select", "$top", "$skip", "$filter", "$orderby", "$count", "$expand"
        ):
            return wrong
        if request.match_info["id"] != PLAN:
            return refused(404, "", "The requested item is not found.")
        return json({"@odata.count": len(self.tasks), "value": list(self.tasks.values())})

    async def create(self, request: web.Request) -> web.Response:
        given, wrong = await self._task_of(request)
        if wrong is not None:
            return wrong
        if given.get("planId") != PLAN or not given.get("title"):
            return refused(400, "", "The request is invalid: planId and title are required.")
        self.version += 1
        made = f"01gzSlKkIUSUl6DF_EilrmQAKD{self.version:02}"
        self.tasks[made] = {
            "@odata.etag": self._etag(), "id": made, "title": given["title"], "planId": PLAN, "bucketId": "bucket-1",
            "percentComplete": given.get("percentComplete", 0), "dueDateTime": given.get("dueDateTime"),
            "createdDateTime": "2026-03-02T09:30:00Z", "completedDateTime": None, "hasDescription": False,
        }  # fmt: skip
        self.details[made] = {
            "@odata.etag": self._etag(),
            "id": made,
            "description": "",
            "previewType": "automatic",
        }
        return json(self.tasks[made], 201)

    async def task(self, request: web.Request) -> web.Response:
        found = self.tasks.get(request.match_info["id"])
        if found is None:
            return refused(404, "", "The requested item is not found.")
        return unknown_options(request, "$select", "$expand") or json(found)

    async def change(self, request: web.Request) -> web.Response:
        found = self.tasks.get(request.match_info["id"])
        if found is None:
            return refused(404, "", "The requested item is not found.")
        if wrong := self._not_current(request, found):
            return wrong
        given, wrong = await self._task_of(request)
        if wrong is not None:
            return wrong
        found.update({name: value for name, value in given.items() if name != "@odata.type"})
        found["@odata.etag"] = self._etag()
        return web.Response(status=204)

    async def detail(self, request: web.Request) -> web.Response:
        found = self.details.get(request.match_info["id"])
        return refused(404, "", "The requested item is not found.") if found is None else json(found)

    async def change_detail(self, request: web.Request) -> web.Response:
        found = self.details.get(request.match_info["id"])
        if found is None:
            return refused(404, "", "The requested item is not found.")
        if wrong := self._not_current(request, found):
            return wrong
        given = await body_of(request)
        if given is None or given.pop("@odata.type", "") != "#microsoft.graph.plannerTaskDetails":
            return refused(400, "", "The request is invalid: @odata.type.")
        if set(given) - {"description", "previewType", "checklist", "references"}:
            return refused(400, "", "The request is invalid.")
        found.update(given, **{"@odata.etag": self._etag()})
        return web.Response(status=204)

    def _etag(self) -> str:
        self.version += 1
        return f'W/"JzEtVGFzayAgQEBAQEBAQEBAQEBAQEBAWCc={self.version}"'

    def _not_current(self, request: web.Request, found: dict[str, Any]) -> web.Response | None:
        if "If-Match" not in request.headers:
            return refused(400, "", "The If-Match header must be specified.")
        if request.headers["If-Match"] != found["@odata.etag"]:
            return refused(412, "", "The If-Match header contains an invalid value.")
        return None

    async def _task_of(self, request: web.Request) -> tuple[dict[str, Any], web.Response | None]:
        given = await body_of(request)
        if (
            given is None
            or set(given) - _TASK_MEMBERS
            or given.get("@odata.type") != "#microsoft.graph.plannerTask"
        ):
            return {}, refused(400, "", "The request is invalid.")
        if not isinstance(given.get("percentComplete", 0), int):
            return {}, refused(400, "", "Cannot convert the literal to the expected type 'Edm.Int32'.")
        if "dueDateTime" in given and not str(given["dueDateTime"]).endswith("Z"):
            return {}, refused(
                400, "", "Cannot convert the literal to the expected type 'Edm.DateTimeOffset'."
            )
        return given, None


class FakeMicrosoftUser(AuthorizationCode, FakeMicrosoftGraph):
    """A user who logged in: nothing tells when the secret of the app ends."""

    app_id = "microsoft-graph"
    credentials = {"client_id": _CLIENT, "client_secret": "not-a-real-client-secret"}
    account_id = "user-7"
    account = "desk@acme.example"
    site = "Acme"
    expires = None
    container = {}


def refused(status: int, code: str, message: str, headers: dict[str, str] | None = None) -> web.Response:
    """Return a refusal in Graph's format. Planner gives no code."""
    inner = {"date": "2026-03-02T09:30:00", "request-id": "r-1", "client-request-id": "r-1"}
    return json({"error": {"code": code, "message": message, "innerError": inner}}, status, headers)


def entra(status: int, error: str, code: int, description: str) -> web.Response:
    """Return a refusal in the format of Entra's token endpoint."""
    return json(
        {
            "error": error, "error_description": f"AADSTS{code}: {description} Trace ID: t-1 Correlation ID: c-1",
            "error_codes": [code], "timestamp": "2026-03-02 09:30:00Z", "trace_id": "t-1", "correlation_id": "c-1",
        },
        status,
    )  # fmt: skip


def unknown_options(request: web.Request, *known: str) -> web.Response | None:
    """Refuse query options that the operation does not have."""
    if strange := sorted(set(request.query) - set(known)):
        return refused(400, "BadRequest", f"The query parameter '{strange[0]}' is not supported.")
    return None


def page(request: web.Request, every: list[Any]) -> web.Response:
    """Return a page, with the address of the next one."""
    size = int(request.query.get("$top", "100"))
    if not 1 <= size <= 999:
        return refused(400, "Request_BadRequest", "Invalid page size specified.")
    size = min(size, _PAGE)  # a page may hold fewer than were asked for
    start = int(request.query.get("$skiptoken", "s0").removeprefix("s"))
    answer: dict[str, Any] = {"value": every[start : start + size]}
    if start + size < len(every):
        answer["@odata.nextLink"] = str(request.url.update_query({"$skiptoken": f"s{start + size}"}))
    return json(answer)
