"""Asana's REST API 1.0 as Asana/openapi has it: users, projects, memberships, tasks."""

from __future__ import annotations

from typing import Any

from aiohttp import web
from tests.connectors.apps.authorization_code import AuthorizationCode
from tests.connectors.apps.fake import FakeApp, Fault, Handler, body_of, json, unknown

_MEMBERS = 240
_PROJECT = "1205000000000001"
_FIELDS = {
    "user": {"name", "email", "workspaces", "workspaces.name"},
    "project": {"name", "archived", "notes", "permalink_url"},
    "task": {
        "name", "notes", "completed", "due_on", "assignee", "assignee.name", "permalink_url", "modified_at",
    },
}  # fmt: skip
_TASK_KEYS = {
    "name": str, "notes": str, "completed": bool, "due_on": str | None, "assignee": str | None, "projects": list, "workspace": str,
}  # fmt: skip


class FakeAsana(FakeApp):
    app_id = "asana"
    auth = "token"
    credentials = {"token": "2/1200000000000000/1200000000000001:not-a-real-one"}
    base_path = "/api/1.0"
    account_id = "1200000000000000"
    account = "Desk Operator"
    site = "Acme, Umbrella"
    retry_after_s = 30.0
    container = {"project": _PROJECT}
    statuses = ("open", "completed")
    missing_field = "Risk level"
    assignee = "Member 3"
    due = True
    datasets = {"project_members": {"project": _PROJECT}}
    rows = {"project_members": _MEMBERS}

    def __init__(self) -> None:
        super().__init__()
        self.tasks: dict[str, dict[str, Any]] = {}

    def routes(self) -> list[tuple[str, str, Handler]]:
        return [
            ("GET", "/users/me", self.me),
            ("GET", "/projects/{project}", self.project),
            ("GET", "/projects/{project}/tasks", self.listed),
            ("GET", "/memberships", self.memberships),
            ("POST", "/tasks", self.create),
            ("GET", "/tasks/{gid}", self.task),
            ("PUT", "/tasks/{gid}", self.change),
        ]

    def authorized(self, request: web.Request) -> bool:
        return request.headers.get("Authorization") == f"Bearer {self.credentials['token']}"

    def unauthorized(self, request: web.Request) -> web.Response:
        return _error(401, "Not Authorized")

    def not_found(self, request: web.Request) -> web.Response:
        return _error(404, "No matching route for request")

    def answer_fault(self, request: web.Request) -> web.Response | None:
        match self.fault:
            case Fault.WRONG_CREDENTIALS:
                return self.unauthorized(request)
            case Fault.MISSING_PERMISSION:
                return _error(403, "You do not have access to this project.")
            case Fault.RATE_LIMIT:
                said = "You have made too many requests recently. Please, be chill."
                return _error(429, said, headers={"Retry-After": "30"})
            case Fault.BROKEN_200:
                return json({"data": {"gid": "", "resource_type": "user", "name": ""}})
        return None

    def forget(self) -> None:
        self.tasks.clear()

    async def me(self, request: web.Request) -> web.Response:
        if wrong := _unasked(request, "user"):
            return wrong
        user: dict[str, Any] = {"gid": self.account_id, "resource_type": "user", "name": self.account}
        if "workspaces.name" in request.query.get("opt_fields", ""):
            user["workspaces"] = [{"gid": "2", "name": "Umbrella"}, {"gid": "1", "name": "Acme"}]
        return json({"data": user})

    async def project(self, request: web.Request) -> web.Response:
        if wrong := _unasked(request, "project"):
            return wrong
        if request.match_info["project"] != _PROJECT:
            return _error(404, "project: Unknown object: " + request.match_info["project"])
        return json({"data": {"gid": _PROJECT, "name": "Audit", "archived": False}})

    async def memberships(self, request: web.Request) -> web.Response:
        if wrong := _unasked(request, "membership", "parent", "member", "limit", "offset"):
            return wrong
        if request.query.get("parent") != _PROJECT:
            return _error(404, "parent: Unknown object: " + request.query.get("parent", ""))
        every = [
            {
                "gid": str(7000 + number),
                "resource_type": "membership",
                "resource_subtype": "project_membership",
                "parent": {"gid": _PROJECT, "resource_type": "project", "name": "Audit"},
                "member": {
                    "gid": str(5000 + number),
                    "resource_type": "user" if number else "team",
                    "name": f"Member {number}",
                },
                "access_level": "admin" if number == 1 else "editor",
            }
            for number in range(_MEMBERS)
        ]
        return _page(request, every)

    async def create(self, request: web.Request) -> web.Response:
        body = await body_of(request)
        if wrong := _unasked(request, "task") or _wrong(body):
            return wrong
        data = body["data"]
        if _PROJECT not in data.get("projects", []):
            return _error(400, "You should specify one of workspace, parent, projects")
        if self.fault is Fault.MISSING_FIELD:
            return _error(400, "Risk level: Missing input")
        gid = str(1_300_000_000_000_000 + len(self.tasks))
        self.tasks[gid] = {"gid": gid, "resource_type": "task", "completed": False, "assignee": None}
        return json({"data": self._changed(gid, data)}, 201)

    def _changed(self, gid: str, data: dict[str, Any]) -> dict[str, Any]:
        task = self.tasks[gid]
        task |= {name: data[name] for name in ("name", "notes", "completed", "due_on") if name in data}
        if data.get("assignee", ...) is None:
            task["assignee"] = None
        elif "assignee" in data:
            number = int(data["assignee"]) - 5000
            task["assignee"] = {
                "gid": data["assignee"], "resource_type": "user", "name": f"Member {number}",
            }  # fmt: skip
        task["permalink_url"] = f"https://app.asana.com/1/1/project/{_PROJECT}/task/{gid}"
        task["modified_at"] = "2026-03-02T09:30:00.000Z"
        return task

    async def task(self, request: web.Request) -> web.Response:
        found = self.tasks.get(request.match_info["gid"])
        if wrong := _unasked(request, "task"):
            return wrong
        return json({"data": found}) if found else _error(404, "task: Unknown object")

    async def change(self, request: web.Request) -> web.Response:
        gid, body = request.match_info["gid"], await body_of(request)
        if wrong := _unasked(request, "task") or _wrong(body):
            return wrong
        if gid not in self.tasks:
            return _error(404, "task: Unknown object")
        if "projects" in body["data"]:
            return _error(400, "projects: Cannot write this property")
        return json({"data": self._changed(gid, body["data"])})

    async def listed(self, request: web.Request) -> web.Response:
        if wrong := _unasked(request, "task", "limit", "offset", "completed_since"):
            return wrong
        if request.match_info["project"] != _PROJECT:
            return _error(404, "project: Unknown object: " + request.match_info["project"])
        return _page(request, list(self.tasks.values()))


def _error(status: int, message: str, headers: dict[str, str] | None = None) -> web.Response:
    return json({"errors": [{"message": message, "help": "https://developers.asana.com"}]}, status, headers)


def _unasked(request: web.Request, kind: str, *known: str) -> web.Response | None:
    """Refuse parameters and `opt_fields` that the operation does not have."""
    if names := unknown(request, "opt_fields", *known):
        return _error(400, f"{names[0]}: Unknown parameter")
    asked = [each for each in request.query.get("opt_fields", "").split(",") if each]
    for each in asked:
        if each not in _FIELDS.get(kind, set()):
            return _error(400, f"opt_fields: {each} is not one of them")
    return None


def _wrong(body: dict[str, Any] | None) -> web.Response | None:
    if body is None or set(body) != {"data"} or not isinstance(body["data"], dict):
        return _error(400, "Could not parse request data, invalid JSON")
    for name, value in body["data"].items():
        if name not in _TASK_KEYS or not isinstance(value, _TASK_KEYS[name]):
            return _error(400, f"{name}: Not a valid value")
    return None


def _page(request: web.Request, every: list[dict[str, Any]]) -> web.Response:
    size, start = int(request.query.get("limit", "20")), request.query.get("offset", "at-0")
    if not 1 <= size <= 100:
        return _error(400, "limit: Must be between 1 and 100")
    begin = int(start.removeprefix("at-"))
    following = None
    if begin + size < len(every):
        following = {"offset": f"at-{begin + size}", "path": "/…", "uri": "https://app.asana.com/…"}
    return json({"data": every[begin : begin + size], "next_page": following})


class FakeAsanaOAuth(AuthorizationCode, FakeAsana):
    """With what an operator granted in a browser: the refresh token stays the same."""

    credentials = {"client_id": "desk-client", "client_secret": "not-a-real-client-secret"}
    rotates = False
