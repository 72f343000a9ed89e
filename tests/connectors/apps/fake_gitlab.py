"""GitLab's REST API v4 as docs.gitlab.com has it: user, token, projects, members, issues."""

from __future__ import annotations

from typing import Any

from aiohttp import web
from tests.connectors.apps.authorization_code import AuthorizationCode
from tests.connectors.apps.fake import FakeApp, Fault, Handler, body_of, json, unknown

_MEMBERS = 130
_LEVELS = (50, 40, 30, 20, 10)
_ISSUE_KEYS = {
    "title": str, "description": str, "due_date": str, "assignee_id": int, "assignee_ids": list, "labels": str,
    "confidential": bool, "milestone_id": int,
}  # fmt: skip
_PEOPLE = {"octo": 7, "tux": 8}


class FakeGitlab(FakeApp):
    app_id = "gitlab"
    auth = "token"
    credentials = {"token": "glpat-not-a-real-one"}
    base_path = "/api/v4"
    account_id = "1042"
    account = "desk-bot"
    scopes = ("api", "read_user")
    expires = "2026-05-01T00:00:00+00:00"
    retry_after_s = 42.0
    container = {"project": "my-group/my-project"}
    statuses = ("reopen", "close")
    missing_field = "title"
    assignee = "tux"
    due = True
    datasets = {"project_members": {"project": "my-group/my-project"}}
    rows = {"project_members": _MEMBERS}

    def __init__(self) -> None:
        super().__init__()
        self.issues: dict[int, dict[str, Any]] = {}

    def routes(self) -> list[tuple[str, str, Handler]]:
        project = "/projects/{project}"
        return [
            ("GET", "/user", self.user),
            ("GET", "/users", self.users),
            ("GET", "/personal_access_tokens/self", self.token),
            ("GET", project, self.project),
            ("GET", project + "/members/all", self.members),
            ("GET", project + "/issues", self.search),
            ("POST", project + "/issues", self.create),
            ("GET", project + "/issues/{iid:[0-9]+}", self.issue),
            ("PUT", project + "/issues/{iid:[0-9]+}", self.change),
        ]

    def authorized(self, request: web.Request) -> bool:
        return request.headers.get("PRIVATE-TOKEN") == self.credentials["token"]

    def unauthorized(self, request: web.Request) -> web.Response:
        return json({"message": "401 Unauthorized"}, 401)

    def not_found(self, request: web.Request) -> web.Response:
        return json({"error": "404 Not Found"}, 404)

    def answer_fault(self, request: web.Request) -> web.Response | None:
        match self.fault:
            case Fault.WRONG_CREDENTIALS:
                refusal = {"error": "invalid_token", "error_description": "Token was revoked."}
                return json(refusal, 401)
            case Fault.MISSING_PERMISSION:
                said = "The request requires higher privileges than provided by the access token."
                return json(
                    {"error": "insufficient_scope", "error_description": said, "scope": "api read_api"}, 403
                )
            case Fault.RATE_LIMIT:
                return web.Response(status=429, text="Retry later\n", headers={"Retry-After": "42"})
            case Fault.BROKEN_200:
                return web.Response(text="<html><h1>GitLab is starting</h1></html>", content_type="text/html")
        return None

    def forget(self) -> None:
        self.issues.clear()

    async def user(self, request: web.Request) -> web.Response:
        return json({"id": 1042, "username": "desk-bot", "name": "Desk", "state": "active", "bot": True})

    async def users(self, request: web.Request) -> web.Response:
        name = request.query.get("username", "")
        if unknown(request, "username", "per_page", "page"):
            return json({"error": "unknown parameter"}, 400)
        return json([{"id": _PEOPLE[name], "username": name}] if name in _PEOPLE else [])

    async def token(self, request: web.Request) -> web.Response:
        return json(
            {
                "id": 4, "name": "desk", "revoked": False, "active": True, "user_id": 1042,
                "scopes": list(self.scopes or ()), "expires_at": "2026-05-01",
            }
        )  # fmt: skip

    def _elsewhere(self, request: web.Request) -> web.Response | None:
        if request.match_info["project"] in (self.container["project"], "42"):
            return None
        return json({"message": "404 Project Not Found"}, 404)

    async def project(self, request: web.Request) -> web.Response:
        if elsewhere := self._elsewhere(request):
            return elsewhere
        return json({"id": 42, "archived": False, "issues_enabled": True, "issues_access_level": "enabled"})

    async def members(self, request: web.Request) -> web.Response:
        if elsewhere := self._elsewhere(request):
            return elsewhere
        if names := unknown(request, "query", "user_ids", "state", "per_page", "page"):
            return json({"error": f"{names[0]} is invalid"}, 400)
        every = [
            {
                "id": number, "username": f"user-{number}", "name": f"User {number}", "state": "active",
                "access_level": _LEVELS[number % 5], "expires_at": "2026-12-31" if number % 2 else None,
                "created_at": "2025-01-07T10:00:00.000Z",
            }
            for number in range(_MEMBERS)
        ]  # fmt: skip
        size, page = int(request.query.get("per_page", "20")), int(request.query.get("page", "1"))
        headers = {"X-Total": str(_MEMBERS)}
        if page * size < len(every):
            headers["Link"] = f'<{request.url.update_query(page=str(page + 1))}>; rel="next"'
        return json(every[(page - 1) * size : page * size], headers=headers)

    async def create(self, request: web.Request) -> web.Response:
        if elsewhere := self._elsewhere(request):
            return elsewhere
        body = await body_of(request)
        if body is None or unknown(request):
            return json({"error": "400 Bad request"}, 400)
        if wrong := _wrong(body, _ISSUE_KEYS):
            return wrong
        if self.fault is Fault.MISSING_FIELD or "title" not in body:
            return json({"error": "title is missing"}, 400)
        if not body["title"]:
            return json({"message": {"title": ["can't be blank"]}}, 400)
        iid = 11 + len(self.issues)
        self.issues[iid] = {"id": 90_000 + iid, "iid": iid, "state": "opened", "assignees": []}
        return json(self._changed(iid, body), 201)

    def _changed(self, iid: int, body: dict[str, Any]) -> dict[str, Any]:
        issue = self.issues[iid]
        issue |= {name: body[name] for name in ("title", "description", "due_date") if name in body}
        if "assignee_ids" in body:
            names = {number: name for name, number in _PEOPLE.items()}
            issue["assignees"] = [{"id": each, "username": names[each]} for each in body["assignee_ids"]]
        issue["state"] = {"close": "closed", "reopen": "opened"}.get(
            body.get("state_event", ""), issue["state"]
        )
        return issue | {
            "web_url": f"https://gitlab.com/my-group/my-project/-/issues/{iid}",
            "references": {"short": f"#{iid}", "full": f"my-group/my-project#{iid}"},
            "updated_at": "2026-03-02T09:30:00.000Z",
        }

    async def issue(self, request: web.Request) -> web.Response:
        iid = int(request.match_info["iid"])
        if elsewhere := self._elsewhere(request):
            return elsewhere
        if iid not in self.issues:
            return json({"message": "404 Issue Not Found"}, 404)
        return json(self._changed(iid, {}))

    async def change(self, request: web.Request) -> web.Response:
        iid, body = int(request.match_info["iid"]), await body_of(request)
        if elsewhere := self._elsewhere(request):
            return elsewhere
        if iid not in self.issues:
            return json({"message": "404 Issue Not Found"}, 404)
        if not body or unknown(request):
            return json({"error": "title, description … are missing, at least one must be provided"}, 400)
        if wrong := _wrong(body, {**_ISSUE_KEYS, "state_event": str}):
            return wrong
        if body.get("state_event", "close") not in ("close", "reopen"):
            return json({"error": "state_event does not have a valid value"}, 400)
        return json(self._changed(iid, body))

    async def search(self, request: web.Request) -> web.Response:
        if elsewhere := self._elsewhere(request):
            return elsewhere
        if names := unknown(
            request, "search", "in", "scope", "state", "per_page", "page", "order_by", "sort"
        ):
            return json({"error": f"{names[0]} is invalid"}, 400)
        if request.query.get("scope", "all") not in ("all", "created_by_me", "assigned_to_me"):
            return json({"error": "scope does not have a valid value"}, 400)
        text = request.query.get("search", "").lower()
        return json(
            [self._changed(iid, {}) for iid, each in self.issues.items() if text in each["title"].lower()]
        )


def _wrong(body: dict[str, Any], known: dict[str, type]) -> web.Response | None:
    for name, value in body.items():
        if name not in known or not isinstance(value, known[name]):
            return json({"error": f"{name} is invalid"}, 400)
    if not all(isinstance(each, int) for each in body.get("assignee_ids", [])):
        return json({"error": "assignee_ids is invalid"}, 400)
    return None


class FakeGitlabOAuth(AuthorizationCode, FakeGitlab):
    """With what an operator granted in a browser: the token's own endpoint is not for these."""

    credentials = {"client_id": "desk-client", "client_secret": "not-a-real-client-secret"}
    scopes = None
    expires = None
