"""ClickUp's API v2 as its published reference has it: user, workspaces, lists, members, tasks."""

from __future__ import annotations

from typing import Any

from aiohttp import web
from tests.connectors.apps.fake import FakeApp, Fault, Handler, body_of, json, unknown

_LIST = "901100000001"
_STATUSES = {"to do": "open", "in progress": "custom", "shipped": "done", "complete": "closed"}
_PEOPLE = {182: "John Doe", 183: "Jane Roe"}
_KEYS: dict[str, type] = {
    "name": str, "description": str, "markdown_content": str, "status": str, "priority": int, "due_date": int,
    "due_date_time": bool, "archived": bool,
}  # fmt: skip
_CREATED: dict[str, type] = {**_KEYS, "assignees": list, "tags": list, "check_required_custom_fields": bool}
_CHANGED: dict[str, type] = {**_KEYS, "assignees": dict}


class FakeClickup(FakeApp):
    app_id = "clickup"
    auth = "token"
    credentials = {"token": "pk_182_NOTAREALONE"}
    base_path = "/api/v2"
    account_id = "182"
    account = "John Doe"
    site = "Acme, Umbrella"
    retry_after_s = 25.0
    container = {"list": _LIST}
    statuses = ("to do", "complete")
    missing_field = "Risk level"
    assignee = "Jane Roe"
    due = True

    def __init__(self) -> None:
        super().__init__()
        self.tasks: dict[str, dict[str, Any]] = {}

    def routes(self) -> list[tuple[str, str, Handler]]:
        return [
            ("GET", "/user", self.user),
            ("GET", "/team", self.teams),
            ("GET", "/list/{list}", self.list),
            ("GET", "/list/{list}/member", self.members),
            ("GET", "/list/{list}/task", self.listed),
            ("POST", "/list/{list}/task", self.create),
            ("GET", "/task/{id}", self.task),
            ("PUT", "/task/{id}", self.change),
        ]

    def authorized(self, request: web.Request) -> bool:
        return request.headers.get("Authorization") == self.credentials["token"]

    def unauthorized(self, request: web.Request) -> web.Response:
        return _error(401, "Token invalid", "OAUTH_025")

    def not_found(self, request: web.Request) -> web.Response:
        return _error(404, "Route not found", "APP_001")

    def answer_fault(self, request: web.Request) -> web.Response | None:
        match self.fault:
            case Fault.WRONG_CREDENTIALS:
                return _error(401, "Oauth token not found", "OAUTH_019")
            case Fault.MISSING_PERMISSION:
                return _error(401, "Team not authorized", "OAUTH_027")
            case Fault.RATE_LIMIT:
                # 2026-03-02T09:30:00Z, where the tests' clock stands, and 25 seconds
                headers = {"X-RateLimit-Remaining": "0", "X-RateLimit-Reset": "1772443825"}
                return json({"err": "Rate limit reached", "ECODE": "APP_002"}, 429, headers)
            case Fault.BROKEN_200:
                return json({"user": None})
        return None

    def forget(self) -> None:
        self.tasks.clear()

    async def user(self, request: web.Request) -> web.Response:
        return json({"user": {"id": 182, "username": "John Doe", "email": "john@acme.test", "color": "#000"}})

    async def teams(self, request: web.Request) -> web.Response:
        return json({"teams": [{"id": "2", "name": "Umbrella"}, {"id": "1", "name": "Acme"}]})

    def _elsewhere(self, request: web.Request) -> web.Response | None:
        if request.match_info["list"] == _LIST:
            return None
        return _error(404, "List not found", "ITEM_032")

    async def list(self, request: web.Request) -> web.Response:
        statuses = [
            {"id": f"sc{number}", "status": name, "orderindex": number, "color": "#fff", "type": kind}
            for number, (name, kind) in enumerate(_STATUSES.items())
        ]
        found = {"id": _LIST, "name": "Audit", "archived": False, "permission_level": "create"}
        return self._elsewhere(request) or json({**found, "statuses": statuses})

    async def members(self, request: web.Request) -> web.Response:
        people = [
            {"id": number, "username": name, "email": f"{number}@acme.test", "initials": "XY"}
            for number, name in _PEOPLE.items()
        ]
        return self._elsewhere(request) or json({"members": people})

    async def create(self, request: web.Request) -> web.Response:
        body = await body_of(request)
        if wrong := self._elsewhere(request) or _wrong(request, body, _CREATED):
            return wrong
        assert body is not None
        if not body.get("name"):
            return _error(400, "Task name invalid", "INPUT_005")
        if self.fault is Fault.MISSING_FIELD and body.get("check_required_custom_fields"):
            return _error(400, "Custom field Risk level is required", "FIELD_038")
        task_id = f"86c{len(self.tasks):06}"
        self.tasks[task_id] = {
            "id": task_id, "custom_id": None, "status": {"status": "to do", "type": "open"}, "assignees": [],
            "due_date": None, "url": f"https://app.clickup.com/t/{task_id}", "list": {"id": _LIST},
        }  # fmt: skip
        people = body.pop("assignees", [])
        return json(self._changed(task_id, {**body, "assignees": {"add": people, "rem": []}}))

    def _changed(self, id: str, body: dict[str, Any]) -> dict[str, Any]:
        task = self.tasks[id]
        if "name" in body:
            task["name"] = body["name"]
        if "description" in body:
            task |= {"description": body["description"], "text_content": body["description"]}
        if "status" in body:
            task["status"] = {"status": body["status"], "type": _STATUSES[body["status"]]}
        if "due_date" in body:
            # a day is kept as four in the morning of the account's zone, here UTC+8
            task["due_date"] = str(body["due_date"] // 86_400_000 * 86_400_000 - 4 * 3_600_000)
        for person in body.get("assignees", {}).get("add", []):
            task["assignees"] = [{"id": person, "username": _PEOPLE[person]}]
        task["date_updated"] = "1772443800000"
        return task

    async def task(self, request: web.Request) -> web.Response:
        if unknown(request, "custom_task_ids", "team_id", "include_subtasks", "include_markdown_description"):
            return _error(400, "Unknown parameter", "INPUT_000")
        found = self.tasks.get(request.match_info["id"])
        return json(found) if found else _error(404, "Task not found, deleted", "ITEM_013")

    async def change(self, request: web.Request) -> web.Response:
        task_id, body = request.match_info["id"], await body_of(request)
        if wrong := _wrong(request, body, _CHANGED):
            return wrong
        assert body is not None
        if set(body.get("assignees", {"add": 1, "rem": 1})) != {"add", "rem"}:
            return _error(400, "Assignees invalid", "INPUT_007")
        return (
            json(self._changed(task_id, body))
            if task_id in self.tasks
            else _error(404, "Task not found", "ITEM_013")
        )

    async def listed(self, request: web.Request) -> web.Response:
        known = ("archived", "include_markdown_description", "page", "order_by", "reverse", "subtasks")
        if names := unknown(request, *known, "include_closed", "statuses[]", "assignees[]"):
            return _error(400, f"{names[0]} unknown", "INPUT_000")
        page, every = int(request.query.get("page", "0")), list(self.tasks.values())
        if request.query.get("include_closed") != "true":
            every = [each for each in every if each["status"]["type"] != "closed"]
        here = every[page * 100 : page * 100 + 100]
        return self._elsewhere(request) or json({"tasks": here, "last_page": (page + 1) * 100 >= len(every)})


def _error(status: int, said: str, code: str) -> web.Response:
    return json({"err": said, "ECODE": code}, status)


def _wrong(request: web.Request, body: dict[str, Any] | None, known: dict[str, type]) -> web.Response | None:
    if body is None or unknown(request, "custom_task_ids", "team_id"):
        return _error(400, "Unable to parse body", "INPUT_001")
    for name, value in body.items():
        if name not in known or not isinstance(value, known[name]):
            return _error(400, f"{name} invalid", "INPUT_002")
    if body.get("status", "to do") not in _STATUSES:
        return _error(400, "Status does not exist", "CRTSK_001")
    return None
