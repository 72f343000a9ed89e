"""Jira Cloud's REST API v3 as its swagger has it: issues with ADF, a workflow, create metadata, roles, users."""

from __future__ import annotations

import re
from base64 import b64encode
from typing import Any

from aiohttp import web
from tests.connectors.apps.authorization_code import AuthorizationCode
from tests.connectors.apps.fake import FakeApp, Fault, Handler, body_of, json, unknown

_USERS = 450
_PROJECT = "OPS"
_STATUSES = {"10000": ("To Do", "new"), "3": ("In Progress", "indeterminate"), "10001": ("Done", "done")}
_STEPS = {"10000": ("3", "10001"), "3": ("10000", "10001"), "10001": ("3",)}
_RISK = "customfield_10010"
_ROLES = {"10002": ("Administrators", 3), "10003": ("Developers", 12), "10004": ("Viewers", 0)}
_ISSUE_FIELDS = {"summary", "description", "duedate", "assignee"}


class FakeJiraCloud(FakeApp):
    app_id = "jira-cloud"
    auth = "api_token"
    credentials = {"site": "acme", "email": "desk@acme.test", "api_token": "ATATT-not-a-real-one"}
    account_id = "5b10ac8d82e05b22cc7d4ef5"
    account = "Desk Operator"
    site = "https://acme.atlassian.net"
    retry_after_s = 17.0
    container = {"project": _PROJECT, "issue_type": "Task"}
    statuses = ("10000", "10001")
    missing_field = "Risk level"
    assignee = "User 3"
    due = True
    datasets = {"project_roles": {"project": _PROJECT}, "users": {}}
    rows = {"project_roles": 15, "users": _USERS}

    def __init__(self) -> None:
        super().__init__()
        self.issues: dict[str, dict[str, Any]] = {}
        self.steps = dict(_STEPS)
        self.screen: dict[str, Any] = {}
        """Fields of the transition to Done."""

    def routes(self) -> list[tuple[str, str, Handler]]:
        api, issue, project = "/rest/api/3", "/rest/api/3/issue", "/rest/api/3/project/{project}"
        types = issue + "/createmeta/{project}/issuetypes"
        return [
            ("GET", api + "/myself", self.myself),
            ("GET", api + "/serverInfo", self.server_info),
            ("GET", api + "/mypermissions", self.permissions),
            ("GET", types, self.types),
            ("GET", types + "/{type}", self.fields),
            ("POST", issue, self.create),
            ("GET", issue + "/{issue}", self.issue),
            ("PUT", issue + "/{issue}", self.change),
            ("GET", issue + "/{issue}/transitions", self.transitions),
            ("POST", issue + "/{issue}/transitions", self.transition),
            ("GET", api + "/search/jql", self.search),
            ("GET", project + "/statuses", self.project_statuses),
            ("GET", project + "/role", self.roles),
            ("GET", project + "/role/{role:[0-9]+}", self.role),
            ("GET", api + "/users/search", self.users),
            ("GET", api + "/user/assignable/search", self.assignable),
        ]

    def authorized(self, request: web.Request) -> bool:
        pair = f"{self.credentials['email']}:{self.credentials['api_token']}"
        return request.headers.get("Authorization") == "Basic " + b64encode(pair.encode()).decode()

    def unauthorized(self, request: web.Request) -> web.Response:
        """A wrong token makes the request anonymous: an issue is not seen then."""
        headers = {"X-Seraph-LoginReason": "AUTHENTICATED_FAILED"}
        if "/issue" in request.path:
            return _error(404, "Issue does not exist or you do not have permission to see it.", headers)
        said = "Client must be authenticated to access this resource."
        return web.Response(status=401, text=said, headers=headers)

    def not_found(self, request: web.Request) -> web.Response:
        said = {"message": "null for uri: " + request.path, "status-code": 404}
        return json(said, 404)

    def answer_fault(self, request: web.Request) -> web.Response | None:
        match self.fault:
            case Fault.WRONG_CREDENTIALS:
                return self.unauthorized(request)
            case Fault.MISSING_PERMISSION:
                return _error(403, "You do not have permission to perform this operation.")
            case Fault.RATE_LIMIT:
                headers = {"Retry-After": "17", "X-RateLimit-Reset": "2026-03-02T09:30Z"}
                return json({"errorMessages": ["Rate limit exceeded."], "errors": {}}, 429, headers)
            case Fault.BROKEN_200:
                page = "<html><title>Log in with Atlassian account</title></html>"
                return web.Response(text=page, content_type="text/html")
        return None

    def forget(self) -> None:
        self.issues.clear()

    async def myself(self, request: web.Request) -> web.Response:
        if wrong := _unasked(request, "expand"):
            return wrong
        who = {"accountId": self.account_id, "displayName": self.account, "accountType": "atlassian"}
        return json({**who, "active": True, "emailAddress": "desk@acme.test"})

    async def server_info(self, request: web.Request) -> web.Response:
        return _unasked(request) or json({"baseUrl": self.site, "deploymentType": "Cloud"})

    async def permissions(self, request: web.Request) -> web.Response:
        if wrong := _unasked(request, "projectKey", "projectId", "issueKey", "permissions"):
            return wrong
        asked = request.query.get("permissions", "").split(",")
        return json({"permissions": {name: {"key": name, "havePermission": True} for name in asked if name}})

    def _elsewhere(self, request: web.Request) -> web.Response | None:
        if request.match_info["project"] == _PROJECT:
            return None
        return _error(404, f"No project could be found with key '{request.match_info['project']}'.")

    async def types(self, request: web.Request) -> web.Response:
        if wrong := _unasked(request, "startAt", "maxResults") or self._elsewhere(request):
            return wrong
        found = [{"id": "10100", "name": "Task"}, {"id": "10101", "name": "Bug"}]
        return _window(request, found, "issueTypes")

    async def fields(self, request: web.Request) -> web.Response:
        if wrong := _unasked(request, "startAt", "maxResults") or self._elsewhere(request):
            return wrong
        return _window(request, [_field("summary", "Summary", {"type": "string"}), *_MORE_FIELDS], "fields")

    async def create(self, request: web.Request) -> web.Response:
        body = await body_of(request)
        if wrong := _unasked(request, "updateHistory") or _malformed(body):
            return wrong
        assert body is not None
        fields = body["fields"]
        if fields.get("project") not in ({"key": _PROJECT}, {"id": "10200"}):
            return _fault("project", "valid project is required")
        if fields.get("issuetype") not in ({"name": "Task"}, {"id": "10100"}):
            return _fault("issuetype", "Specify a valid issue type")
        if not fields.get("summary"):
            return _fault("summary", "You must specify a summary of the issue.")
        if self.fault is Fault.MISSING_FIELD and _RISK not in fields:
            return _fault(_RISK, "Risk level is required.")
        if wrong := _refused(fields, _ISSUE_FIELDS | {"project", "issuetype", _RISK, "customfield_10011"}):
            return wrong
        number = 10300 + len(self.issues)
        issue = {"id": str(number), "key": f"OPS-{len(self.issues) + 1}", "fields": {"status": "10000"}}
        self.issues[issue["id"]] = issue
        self._change(issue, fields)
        return json({"id": issue["id"], "key": issue["key"], "self": f"https://x/{number}"}, 201)

    def _change(self, issue: dict[str, Any], fields: dict[str, Any]) -> None:
        kept = issue["fields"]
        kept |= {name: value for name, value in fields.items() if name not in ("assignee", "project")}
        if "assignee" in fields:
            number = int(fields["assignee"]["accountId"].rpartition("-")[2])
            kept["assignee"] = _person(number)

    def _found(self, request: web.Request) -> dict[str, Any] | None:
        name = request.match_info["issue"]
        return next((each for each in self.issues.values() if name in (each["id"], each["key"])), None)

    def _shown(self, issue: dict[str, Any], asked: str) -> dict[str, Any]:
        names = asked.split(",")
        name, category = _STATUSES[issue["fields"]["status"]]
        status = {"id": issue["fields"]["status"], "name": name, "statusCategory": {"key": category}}
        fields = {**issue["fields"], "status": status, "updated": "2026-03-02T09:30:00.000+0000"}
        shown = {each: fields.get(each) for each in names if each in fields or each in _ISSUE_FIELDS}
        return {"id": issue["id"], "key": issue["key"], "fields": shown}

    async def issue(self, request: web.Request) -> web.Response:
        if wrong := _unasked(request, "fields", "expand", "fieldsByKeys", "properties", "updateHistory"):
            return wrong
        issue = self._found(request)
        if issue is None:
            return _error(404, "Issue does not exist or you do not have permission to see it.")
        return json(self._shown(issue, request.query.get("fields", "")))

    async def change(self, request: web.Request) -> web.Response:
        body, issue = await body_of(request), self._found(request)
        if wrong := _unasked(request, "notifyUsers", "returnIssue") or _malformed(body):
            return wrong
        if issue is None:
            return _error(404, "Issue does not exist or you do not have permission to see it.")
        assert body is not None
        if wrong := _refused(body["fields"], _ISSUE_FIELDS):
            return wrong
        self._change(issue, body["fields"])
        return web.Response(status=204)

    async def transitions(self, request: web.Request) -> web.Response:
        issue = self._found(request)
        if wrong := _unasked(request, "expand", "transitionId", "includeUnavailableTransitions"):
            return wrong
        if issue is None:
            return _error(404, "Issue does not exist or you do not have permission to see it.")
        found = []
        for to in self.steps[issue["fields"]["status"]]:
            name, category = _STATUSES[to]
            step = {"id": f"9{to}", "name": f"Move to {name}", "isAvailable": True}
            step |= {"to": {"id": to, "name": name, "statusCategory": {"key": category}}}
            if request.query.get("expand") == "transitions.fields":
                step["fields"] = self.screen if to == "10001" else {}
            found.append(step)
        return json({"expand": "transitions", "transitions": found})

    async def transition(self, request: web.Request) -> web.Response:
        body, issue = await body_of(request), self._found(request)
        if issue is None:
            return _error(404, "Issue does not exist or you do not have permission to see it.")
        if body is None or set(body) - {"transition", "fields", "update", "historyMetadata", "properties"}:
            return _error(400, "Can not deserialize instance of IssueUpdateDetails")
        to = str(body.get("transition", {}).get("id", "")).removeprefix("9")
        if to not in self.steps[issue["fields"]["status"]]:
            return _error(
                400, f"It seems that you have tried to perform an illegal workflow operation ({to})."
            )
        if to == "10001" and self.screen:
            return _fault("resolution", "Resolution is required.")
        issue["fields"]["status"] = to
        return web.Response(status=204)

    async def search(self, request: web.Request) -> web.Response:
        if wrong := _unasked(request, "jql", "nextPageToken", "maxResults", "fields", "expand", "properties"):
            return wrong
        read = re.fullmatch(
            r'project = "(\w+)"(?: AND text ~ "([^"\\]*)")? ORDER BY updated DESC',
            request.query.get("jql", ""),
        )
        if read is None:
            return _error(400, "Error in the JQL Query: Expecting operator but got something else.")
        words = (read[2] or "").lower().split()
        found = [
            self._shown(each, request.query.get("fields", ""))
            for each in self.issues.values()
            if read[1] == _PROJECT and all(word in each["fields"]["summary"].lower() for word in words)
        ]
        return json({"issues": found, "isLast": True})

    async def project_statuses(self, request: web.Request) -> web.Response:
        if wrong := _unasked(request) or self._elsewhere(request):
            return wrong
        every = [
            {"id": number, "name": name, "statusCategory": {"key": category}}
            for number, (name, category) in _STATUSES.items()
        ]
        bug = [{"id": "10077", "name": "Triage", "statusCategory": {"key": "new"}}, *every]
        return json(
            [
                {"id": "10100", "name": "Task", "statuses": every},
                {"id": "10101", "name": "Bug", "statuses": bug},
            ]
        )

    async def roles(self, request: web.Request) -> web.Response:
        if wrong := _unasked(request) or self._elsewhere(request):
            return wrong
        base = f"https://acme.atlassian.net/rest/api/3/project/{_PROJECT}/role"
        return json({name: f"{base}/{number}" for number, (name, _) in _ROLES.items()})

    async def role(self, request: web.Request) -> web.Response:
        if wrong := _unasked(request, "excludeInactiveUsers") or self._elsewhere(request):
            return wrong
        role = request.match_info["role"]
        if role not in _ROLES:
            return _error(404, f"Can not find a role actor for id: {role}")
        name, members = _ROLES[role]
        actors: list[dict[str, Any]] = [
            {
                "id": number, "displayName": f"User {number}", "type": "atlassian-user-role-actor",
                "actorUser": {"accountId": f"account-{number}"},
            }
            for number in range(members - 1)
        ]  # fmt: skip
        if members:
            group = {"name": "jira-admins", "displayName": "jira-admins", "groupId": "952d12c3"}
            group_actor = {"id": 99, "displayName": "jira-admins", "type": "atlassian-group-role-actor"}
            actors.append({**group_actor, "actorGroup": group})
        return json({"id": int(role), "name": name, "actors": actors})

    async def users(self, request: web.Request) -> web.Response:
        if wrong := _unasked(request, "startAt", "maxResults"):
            return wrong
        start, size = int(request.query.get("startAt", "0")), int(request.query.get("maxResults", "50"))
        return json([_person(number) for number in range(_USERS)][start : start + size])

    async def assignable(self, request: web.Request) -> web.Response:
        if wrong := _unasked(request, "query", "project", "issueKey", "startAt", "maxResults", "accountId"):
            return wrong
        text = request.query.get("query", "").lower()
        return json(
            [
                each
                for each in map(_person, range(20))
                if text in (each["displayName"] + each["emailAddress"]).lower()
            ]
        )


class FakeJiraCloudScoped(FakeJiraCloud):
    """With a token that has scopes, through the gateway."""

    auth = "scoped_token"
    credentials = {**FakeJiraCloud.credentials, "cloud_id": "11223344-a1b2-3b33-c444-def123456789"}
    base_path = "/ex/jira/11223344-a1b2-3b33-c444-def123456789"
    datasets = {}

    def unauthorized(self, request: web.Request) -> web.Response:
        return json({"code": 401, "message": "Unauthorized"}, 401)

    def answer_fault(self, request: web.Request) -> web.Response | None:
        if self.fault is Fault.MISSING_PERMISSION:
            return json({"code": 401, "message": "Unauthorized; scope does not match"}, 401)
        return super().answer_fault(request)


def _field(key: str, name: str, schema: dict[str, Any], **more: Any) -> dict[str, Any]:
    return {
        "fieldId": key, "key": key, "name": name, "required": True, "hasDefaultValue": False, "schema": schema, **more,
    }  # fmt: skip


_MORE_FIELDS = [
    _field(
        _RISK,
        "Risk level",
        {"type": "option", "custom": "com.atlassian.jira.plugin.system.customfieldtypes:select"},
        allowedValues=[{"id": "1", "value": "Low"}, {"id": "2", "value": "High"}],
    ),
    _field(
        "customfield_10011",
        "Evidence",
        {"type": "string", "custom": "com.atlassian.jira.plugin.system.customfieldtypes:textarea"},
        required=False,
    ),
    _field("priority", "Priority", {"type": "priority", "system": "priority"}, hasDefaultValue=True),
]


def _person(number: int) -> dict[str, Any]:
    return {
        "accountId": f"account-{number}", "accountType": "atlassian", "displayName": f"User {number}",
        "emailAddress": f"user-{number}@acme.test", "active": number % 9 != 0,
    }  # fmt: skip


def _error(status: int, message: str, headers: dict[str, str] | None = None) -> web.Response:
    return json({"errorMessages": [message], "errors": {}}, status, headers)


def _fault(field: str, said: str) -> web.Response:
    return json({"errorMessages": [], "errors": {field: said}}, 400)


def _unasked(request: web.Request, *known: str) -> web.Response | None:
    names = unknown(request, *known)
    return _error(400, f"Unknown parameter {names[0]}") if names else None


def _malformed(body: dict[str, Any] | None) -> web.Response | None:
    known = {"fields", "update", "historyMetadata", "properties", "transition"}
    if body is None or set(body) - known or not isinstance(body.get("fields"), dict):
        return _error(400, "Invalid request payload. Refer to the REST API documentation and try again.")
    return None


def _refused(fields: dict[str, Any], known: set[str]) -> web.Response | None:
    for name, value in fields.items():
        if name not in known:
            return _fault(
                name, f"Field '{name}' cannot be set. It is not on the appropriate screen, or unknown."
            )
        if name in ("description", "customfield_10011") and not _is_document(value):
            return _fault(name, "Operation value must be an Atlassian Document (see the API documentation)")
        if name == _RISK and value not in ({"id": "1"}, {"id": "2"}):
            return _fault(name, "Specify a valid 'id' or 'name' for Risk level")
        if name == "duedate" and value is not None and not re.fullmatch(r"\d{4}-\d\d-\d\d", str(value)):
            return _fault(name, "Error parsing date string")
    return None


def _is_document(value: Any) -> bool:
    if not (isinstance(value, dict) and value.get("type") == "doc" and value.get("version") == 1):
        return False
    inner = [each for part in value["content"] for each in part.get("content", [])]
    return all(each["type"] != "text" or each["text"] for each in inner)


def _window(request: web.Request, every: list[dict[str, Any]], name: str) -> web.Response:
    start, size = int(request.query.get("startAt", "0")), int(request.query.get("maxResults", "50"))
    return json(
        {"startAt": start, "maxResults": size, "total": len(every), name: every[start : start + size]}
    )


class FakeJiraCloudOAuth(AuthorizationCode, FakeJiraCloud):
    """With what an operator granted in a browser (3LO), through the gateway."""

    credentials = {
        "site": "acme", "cloud_id": "11223344-a1b2-3b33-c444-def123456789",
        "client_id": "desk-client", "client_secret": "not-a-real-client-secret",
    }  # fmt: skip
    base_path = "/ex/jira/11223344-a1b2-3b33-c444-def123456789"

    def unauthorized(self, request: web.Request) -> web.Response:
        return json({"code": 401, "message": "Unauthorized"}, 401)
