"""PagerDuty's REST API v2 as its OpenAPI document has it: users, abilities, incidents, on-calls, services."""

from __future__ import annotations

from typing import Any

from aiohttp import web
from tests.connectors.apps.fake import FakeApp, Fault, Handler, body_of, json

SERVICE = "PIJ90N7"
_EMAIL = "desk@acme.example"
_ON_CALLS = 101
_USERS = 101
_PAGE = 100
_INCLUDES = {
    "acknowledgers", "agents", "assignees", "conference_bridge", "custom_fields", "escalation_policies",
    "first_trigger_log_entries", "priorities", "services", "teams", "users",
}  # fmt: skip
_CREATED = {
    "type", "title", "service", "priority", "urgency", "body", "incident_key", "assignments", "incident_type",
    "escalation_policy", "conference_bridge",
}  # fmt: skip
_UPDATED = {
    "type", "status", "priority", "resolution", "title", "escalation_level", "assignments", "incident_type",
    "escalation_policy", "urgency", "conference_bridge", "service",
}  # fmt: skip


class _Pagerduty(FakeApp):
    app_id: Any
    settings = {"from_email": _EMAIL}
    site = "acme.pagerduty.com"
    retry_after_s = 27.0
    datasets = {"on_call": {"escalation_policy_id": "PT20YPA"}, "users": {}}
    rows = {"on_call": _ON_CALLS, "users": _USERS}

    def __init__(self) -> None:
        super().__init__()
        self.incidents: dict[str, dict[str, Any]] = {}
        self.deleted = 0

    def routes(self) -> list[tuple[str, str, Handler]]:
        return [
            ("GET", "/users/me", self.me),
            ("GET", "/users", self.users),
            ("GET", "/abilities", self.abilities),
            ("GET", "/oncalls", self.on_calls),
            ("GET", "/services/{id}", self.service),
            ("GET", "/incidents", self.search),
            ("POST", "/incidents", self.create),
            ("GET", "/incidents/{id}", self.incident),
            ("PUT", "/incidents/{id}", self.change),
        ]

    def authorized(self, request: web.Request) -> bool:
        return request.headers.get("Authorization") == f"Token token={self.credentials['token']}"

    def unauthorized(self, request: web.Request) -> web.Response:
        return refused(401, 2006, "Authentication failed")

    def not_found(self, request: web.Request) -> web.Response:
        return refused(404, 2100, "Not Found")

    def answer_fault(self, request: web.Request) -> web.Response | None:
        if self.fault is Fault.WRONG_CREDENTIALS:
            return self.unauthorized(request)
        if self.fault is Fault.MISSING_PERMISSION:
            return refused(403, 2010, "Access Denied")
        if self.fault is Fault.RATE_LIMIT:
            headers = {"ratelimit-limit": "960", "ratelimit-remaining": "0", "ratelimit-reset": "27"}
            return refused(429, 2020, "Rate Limit Exceeded", headers=headers)
        if self.fault is Fault.BROKEN_200:
            return web.Response(text="<html>PagerDuty</html>", content_type="text/html")
        return self._wrong_headers(request)

    def _wrong_headers(self, request: web.Request) -> web.Response | None:
        """Both are required parameters of every operation in the document."""
        if not request.headers.get("Accept", "").startswith("application/vnd.pagerduty+json;version=2,"):
            return refused(406, 2000, "Version is not supported")
        if request.headers.get("Content-Type") != "application/json":
            return refused(400, 2001, "Invalid Input Provided", "Content-Type must be application/json.")
        return None

    def forget(self) -> None:
        self.deleted += len(self.incidents)
        self.incidents.clear()

    async def me(self, request: web.Request) -> web.Response:
        if wrong := unknown_parameters(request, "include[]"):
            return wrong
        return json({"user": user(7, email=_EMAIL)})

    async def abilities(self, request: web.Request) -> web.Response:
        return unknown_parameters(request) or json({"abilities": ["teams", "sso", "advanced_reports"]})

    async def users(self, request: web.Request) -> web.Response:
        if wrong := unknown_parameters(
            request, "query", "team_ids[]", "include[]", "limit", "offset", "total"
        ):
            return wrong
        wanted = request.query.get("query", "")
        every = [user(number) for number in range(_USERS)]
        return page(request, "users", [each for each in every if wanted in each["name"]])

    async def on_calls(self, request: web.Request) -> web.Response:
        known = (
            "time_zone", "limit", "offset", "total", "include[]", "user_ids[]", "escalation_policy_ids[]",
            "schedule_ids[]", "since", "until", "earliest",
        )  # fmt: skip
        if wrong := unknown_parameters(request, *known):
            return wrong
        if request.query.get("escalation_policy_ids[]", "PT20YPA") != "PT20YPA":
            return page(request, "oncalls", [])
        whole = request.query.get("include[]") == "users"
        every = [
            {
                "escalation_policy": reference("PT20YPA", "escalation_policy", "Engineering"),
                "escalation_level": number % 3 + 1,
                "schedule": reference("PI7DH85", "schedule", "Daily rotation") if number % 2 else None,
                "user": user(number) if whole else reference(f"PUSER{number:03}", "user", f"Person {number}"),
                "start": "2026-03-01T08:00:00Z" if number % 2 else None,
                "end": "2026-03-08T08:00:00Z" if number % 2 else None,
            }
            for number in range(_ON_CALLS)
        ]
        return page(request, "oncalls", every)

    async def service(self, request: web.Request) -> web.Response:
        if wrong := unknown_parameters(request, "include[]"):
            return wrong
        if request.match_info["id"] != SERVICE:
            return self.not_found(request)
        return json({"service": {**reference(SERVICE, "service", "Desk"), "status": "active"}})

    async def search(self, request: web.Request) -> web.Response:
        known = (
            "limit", "offset", "total", "date_range", "incident_key", "service_ids[]", "team_ids[]", "user_ids[]",
            "urgencies[]", "time_zone", "statuses[]", "sort_by", "include[]", "since", "until",
        )  # fmt: skip
        if wrong := unknown_parameters(request, *known):
            return wrong
        services = request.query.getall("service_ids[]", [SERVICE])
        found = [each for each in self.incidents.values() if each["service"]["id"] in services]
        return page(request, "incidents", [shown(each) for each in reversed(found)])

    async def create(self, request: web.Request) -> web.Response:
        given, wrong = await self._incident_of(request, _CREATED, {"type", "title", "service"})
        if wrong is not None:
            return wrong
        if given["type"] != "incident" or given["service"].get("type") != "service_reference":
            return refused(400, 2001, "Invalid Input Provided", "Type is not valid.")
        if given["service"].get("id") != SERVICE:
            return refused(400, 2001, "Invalid Input Provided", "Service not found.")
        body = given.get("body")
        if body is not None and (
            set(body) - {"type", "details"}
            or body.get("type") != "incident_body"
            or not isinstance(body.get("details", {}), dict)
        ):
            return refused(400, 2001, "Invalid Input Provided", "Body is not valid.")
        number = len(self.incidents) + self.deleted + 1
        made = {
            "id": f"PT4KHL{number}", "type": "incident", "incident_number": number, "status": "triggered",
            "title": given["title"], "summary": f"[#{number}] {given['title']}",
            "html_url": f"https://acme.pagerduty.com/incidents/PT4KHL{number}",
            "service": reference(SERVICE, "service", "Desk"),
            "assignments": assigned(given.get("assignments", [])),
            "created_at": "2026-03-02T09:30:00Z", "updated_at": "2026-03-02T09:30:00Z", "details": body and body.get("details"),
        }  # fmt: skip
        self.incidents[made["id"]] = made
        return json({"incident": shown(made)}, 201)

    async def incident(self, request: web.Request) -> web.Response:
        if wrong := unknown_parameters(request, "include[]"):
            return wrong
        includes = request.query.getall("include[]", [])
        if set(includes) - _INCLUDES:
            return refused(400, 2001, "Invalid Input Provided", "Include is not valid.")
        asked = request.match_info["id"]  # "Accepts either an incident id, or an incident number."
        numbers = {str(each["incident_number"]): each for each in self.incidents.values()}
        found = self.incidents.get(asked) or numbers.get(asked)
        if found is None:
            return self.not_found(request)
        answer = shown(found)
        if "first_trigger_log_entries" in includes:
            answer["first_trigger_log_entry"]["channel"] = {"type": "api", "details": found["details"]}
        return json({"incident": answer})

    async def change(self, request: web.Request) -> web.Response:
        found = self.incidents.get(request.match_info["id"])
        if found is None:
            return self.not_found(request)
        given, wrong = await self._incident_of(request, _UPDATED, {"type"})
        if wrong is not None:
            return wrong
        if given.get("status", "resolved") not in ("triggered", "acknowledged", "resolved"):
            return refused(400, 2001, "Invalid Input Provided", "Status is not valid.")
        if found["status"] == "resolved":
            return refused(400, 2001, "Invalid Input Provided", "Incident Already Resolved")
        found.update({name: given[name] for name in ("status", "title") if name in given})
        if "assignments" in given:
            found["assignments"] = assigned(given["assignments"])
        return json({"incident": shown(found)})

    async def _incident_of(
        self, request: web.Request, known: set[str], required: set[str]
    ) -> tuple[dict[str, Any], web.Response | None]:
        if request.headers.get("From") != _EMAIL:
            return {}, refused(400, 2001, "Requester User Not Found")
        given = await body_of(request)
        incident = (given or {}).get("incident")
        if given is None or set(given) != {"incident"} or not isinstance(incident, dict):
            return {}, refused(400, 2001, "Invalid Input Provided", "Incident is not an object.")
        if missing := sorted(required - set(incident)):
            return {}, refused(400, 2001, "Invalid Input Provided", f"{missing[0]} cannot be empty.")
        for each in incident.get("assignments", []):
            if set(each) != {"assignee"} or set(each["assignee"]) != {"id", "type"}:
                return {}, refused(400, 2001, "Invalid Input Provided", "Assignments is not valid.")
        if strange := sorted(set(incident) - known):
            return {}, refused(400, 2001, "Invalid Input Provided", f"{strange[0]} is not known.")
        return incident, None


class FakePagerdutyUser(_Pagerduty):
    """A token of a user."""

    app_id = "pagerduty"
    auth = "user_token"
    credentials = {"token": "not-a-real-token-of-a-user"}
    account_id = "PUSER007"
    account = _EMAIL
    container = {"service_id": SERVICE}
    statuses = ("triggered", "resolved")
    assignee = "Person 9"


class FakePagerdutyAccount(_Pagerduty):
    """A key of the account: it has no user, and may see everything."""

    app_id = "pagerduty"
    auth = "account_key"
    credentials = {"token": "not-a-real-key-of-an-account"}
    account_id = "account"
    account = "Account key"

    async def me(self, request: web.Request) -> web.Response:
        return refused(400, 2001, "Invalid Input Provided", "You must be authenticated as a user.")


class FakePagerdutyApp(FakePagerdutyAccount):
    """An app with scoped OAuth; identity.pagerduty.com is here too."""

    app_id = "pagerduty"
    auth = "app"
    credentials = {
        "subdomain": "acme",
        "region": "us",
        "client_id": "c-1",
        "client_secret": "not-a-real-secret",
    }
    tokens = ("pdus-not-a-real-access-token",)

    def routes(self) -> list[tuple[str, str, Handler]]:
        return [*super().routes(), ("POST", "/oauth/token", self.token)]

    def connection_settings(self) -> dict[str, str]:
        return {**self.settings, "token_url": f"{self.url}/oauth/token"}

    def open_route(self, request: web.Request) -> bool:
        return request.path == "/oauth/token"

    def answer_fault(self, request: web.Request) -> web.Response | None:
        if self.open_route(request):
            return None
        return super().answer_fault(request)

    def authorized(self, request: web.Request) -> bool:
        return request.headers.get("Authorization") == f"Bearer {self.tokens[0]}"

    async def token(self, request: web.Request) -> web.Response:
        form = await request.post()
        scopes = str(form.get("scope", "")).split()
        if form.get("grant_type") != "client_credentials":
            return json({"error": "unsupported_grant_type"}, 400)
        if self.fault is Fault.WRONG_CREDENTIALS or any(
            form.get(name) != self.credentials[name] for name in ("client_id", "client_secret")
        ):
            refusal = {"error": "invalid_client", "error_description": "The client credentials are invalid"}
            return json(refusal, 401)
        if scopes[:1] != ["as_account-us.acme"]:
            return json({"error": "invalid_scope", "error_description": "no account"}, 400)
        return json(
            {
                "access_token": self.tokens[0], "scope": " ".join(scopes), "token_type": "bearer",
                "expires_in": 864000,
            }
        )  # fmt: skip


def refused(
    status: int, code: int, message: str, *errors: str, headers: dict[str, str] | None = None
) -> web.Response:
    """Return a refusal in PagerDuty's format."""
    error: dict[str, Any] = {"message": message, "code": code}
    if errors:
        error["errors"] = list(errors)
    return json({"error": error}, status, headers)


def unknown_parameters(request: web.Request, *known: str) -> web.Response | None:
    """Refuse parameters that the operation does not have, and numbers that are none."""
    if strange := sorted(set(request.query) - set(known)):
        return refused(400, 2001, "Invalid Input Provided", f"{strange[0]} is not a parameter.")
    if any(not request.query.get(name, "0").isdecimal() for name in ("limit", "offset")):
        return refused(400, 2001, "Invalid Input Provided", "Limit is not a number.")
    return None


def page(request: web.Request, name: str, every: list[Any]) -> web.Response:
    """Return a page of a list: at most 100 items, 25 unless asked for others."""
    limit, offset = min(int(request.query.get("limit", "25")), _PAGE), int(request.query.get("offset", "0"))
    shown_now = every[offset : offset + limit]
    more = offset + limit < len(every)
    return json({name: shown_now, "limit": limit, "offset": offset, "more": more, "total": None})


def reference(id: str, kind: str, summary: str) -> dict[str, Any]:
    """Return a reference to a resource."""
    address = f"https://acme.pagerduty.com/{kind}s/{id}"
    return {"id": id, "type": f"{kind}_reference", "summary": summary, "html_url": address}


def user(number: int, email: str = "") -> dict[str, Any]:
    """Return a user."""
    return {
        **reference(f"PUSER{number:03}", "user", f"Person {number}"),
        "type": "user", "name": f"Person {number}", "email": email or f"person-{number}@acme.example",
        "role": ("admin", "user", "read_only_user")[number % 3], "job_title": "Engineer" if number % 2 else None,
        "time_zone": "Etc/UTC", "teams": [{"id": "PQ9K7I8", "type": "team_reference", "summary": "Engineering"}],
    }  # fmt: skip


def assigned(given: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Return the assignments of an incident: of nobody else, whoever the escalation policy names."""
    ids = [each["assignee"]["id"] for each in given] or ["PUSER007"]
    people = [user(int(each.removeprefix("PUSER"))) for each in ids]
    return [
        {"at": "2026-03-01T09:00:00Z", "assignee": reference(each["id"], "user", each["name"])}
        for each in people
    ]


def shown(incident: dict[str, Any]) -> dict[str, Any]:
    """Return an incident as it is told without includes."""
    answer = {name: value for name, value in incident.items() if name != "details"}
    answer["first_trigger_log_entry"] = {"id": "Q02JTSNZWHSEKV", "type": "trigger_log_entry_reference"}
    if incident["status"] == "resolved":
        answer["assignments"] = []
    return answer
