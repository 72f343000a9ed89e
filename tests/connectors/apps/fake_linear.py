"""Linear's GraphQL API: the part of its schema (@linear/sdk 98.0.0) that the desk uses, its errors and rate limits."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from aiohttp import web
from tests.connectors.apps.authorization_code import AuthorizationCode
from tests.connectors.apps.client_credentials import ClientCredentials
from tests.connectors.apps.fake import FakeApp, Fault, Handler, body_of, json
from tests.connectors.apps.graphql import Refused, Schema, read_operation

from healthdesk.testing import START

SCHEMA = Schema("""
type Query {
  viewer: User!
  organization: Organization!
  team(id: String!): Team!
  teams(filter: TeamFilter, first: Int, after: String): TeamConnection!
  issue(id: String!): Issue!
  users(filter: UserFilter, first: Int, after: String, includeDisabled: Boolean): UserConnection!
  searchIssues(term: String!, teamId: String, first: Int, after: String): IssueSearchPayload!
}
type Mutation {
  issueCreate(input: IssueCreateInput!): IssuePayload!
  issueUpdate(id: String!, input: IssueUpdateInput!): IssuePayload!
}
type User {
  id: ID! name: String! displayName: String! email: String! active: Boolean! admin: Boolean! owner: Boolean!
  guest: Boolean! app: Boolean! createdAt: DateTime! lastSeen: DateTime
}
type Organization { id: ID! name: String! urlKey: String! }
type Team {
  id: ID! key: String! name: String!
  states(first: Int, after: String): WorkflowStateConnection!
  members(first: Int, after: String, includeDisabled: Boolean): UserConnection!
}
type TeamConnection { nodes: [Team!]! pageInfo: PageInfo! }
type UserConnection { nodes: [User!]! pageInfo: PageInfo! }
type WorkflowStateConnection { nodes: [WorkflowState!]! pageInfo: PageInfo! }
type WorkflowState { id: ID! name: String! type: String! position: Float! }
type PageInfo { hasNextPage: Boolean! endCursor: String }
type Issue {
  id: ID! identifier: String! url: String! title: String! description: String dueDate: TimelessDate
  updatedAt: DateTime! state: WorkflowState! assignee: User
}
type IssueSearchPayload { nodes: [IssueSearchResult!]! pageInfo: PageInfo! }
type IssueSearchResult {
  id: ID! identifier: String! url: String! title: String! description: String dueDate: TimelessDate
  updatedAt: DateTime! state: WorkflowState! assignee: User
}
type IssuePayload { success: Boolean! issue: Issue lastSyncId: Float! }
input TeamFilter { key: StringComparator }
input UserFilter { or: [UserFilter!] email: StringComparator name: StringComparator displayName: StringComparator }
input StringComparator { eq: String eqIgnoreCase: String }
input IssueCreateInput {
  teamId: String! title: String description: String stateId: String dueDate: TimelessDate assigneeId: String
}
input IssueUpdateInput {
  title: String description: String stateId: String dueDate: TimelessDate assigneeId: String
}
""")

_TEAM = "5b6e2a0c-0f2e-4a55-9d1c-3d3f0a1b2c3d"
_TODO, _DONE = "state-todo-0001", "state-done-0001"
_STATES = [
    {"id": _TODO, "name": "Todo", "type": "unstarted", "position": 1.0},
    {"id": "state-prog-0001", "name": "In Progress", "type": "started", "position": 2.0},
    {"id": _DONE, "name": "Done", "type": "completed", "position": 3.0},
    {"id": "state-canc-0001", "name": "Canceled", "type": "canceled", "position": 4.0},
]
_WAIT_S = 90.0


def _error(kind: str, code: str, message: str, status: int = 200, **headers: str) -> web.Response:
    extensions = {"type": kind, "code": code, "userError": True, "userPresentableMessage": message}
    body = {
        "errors": [{"message": kind.capitalize(), "path": ["viewer"], "extensions": extensions}],
        "data": None,
    }
    return json(body, status, headers={name.replace("_", "-"): value for name, value in headers.items()})


class FakeLinear(FakeApp):
    app_id = "linear"
    auth = "api_key"
    credentials = {"api_key": "lin_api_notARealOne0123456789"}
    account_id = "9f0c1f9e-21aa-4a1c-8a1e-2f0d2f6f0001"
    account = "ada@example.com"
    site = "Acme"
    retry_after_s = _WAIT_S
    container = {"team": "ENG"}
    statuses = (_TODO, _DONE)
    assignee = "Member 7"
    due = True
    datasets = {"team_members": {"team": "ENG"}, "members": {}}
    rows = {"team_members": 51, "members": 52}

    def __init__(self) -> None:
        super().__init__()
        self.issues: dict[str, dict[str, Any]] = {}

    def routes(self) -> list[tuple[str, str, Handler]]:
        return [("POST", "/graphql", self.graphql)]

    def authorized(self, request: web.Request) -> bool:
        return request.headers.get("Authorization") == self.credentials["api_key"]

    def unauthorized(self, request: web.Request) -> web.Response:
        said = "You need to authenticate to access this operation."
        return _error("authentication error", "AUTHENTICATION_ERROR", said, 401)

    def not_found(self, request: web.Request) -> web.Response:
        return web.Response(
            status=404, text=f"Cannot {request.method} {request.path}", content_type="text/html"
        )

    def answer_fault(self, request: web.Request) -> web.Response | None:
        match self.fault:
            case Fault.WRONG_CREDENTIALS:
                return self.unauthorized(request)
            case Fault.MISSING_PERMISSION:
                return _error("forbidden", "FORBIDDEN", "Your key lacks the scope to do this.")
            case Fault.RATE_LIMIT:
                reset = int((START + timedelta(seconds=_WAIT_S)).timestamp() * 1000)
                return _error(
                    "ratelimited",
                    "RATELIMITED",
                    "Rate limit exceeded. Only 2500 requests are allowed per 1 hour.",
                    400,
                    X_RateLimit_Requests_Limit="2500",
                    X_RateLimit_Requests_Remaining="0",
                    X_RateLimit_Requests_Reset=str(reset),
                )
            case Fault.BROKEN_200:
                return json({"data": {"viewer": None, "organization": None}})
        return None

    def forget(self) -> None:
        self.issues.clear()

    async def graphql(self, request: web.Request) -> web.Response:
        body = await body_of(request)
        if body is None or set(body) - {"query", "variables", "operationName"}:
            return _error(
                "graphql error", "BAD_USER_INPUT", "POST body missing, invalid or of another type", 400
            )
        try:
            operation = read_operation(body["query"])
            if operation.kind == "query":
                self.requests[-1] = ("QUERY", request.path_qs)
            resolvers = {
                "viewer": self.viewer,
                "organization": self.organization,
                "team": self.team,
                "teams": self.teams,
                "issue": self.issue,
                "users": self.users,
                "searchIssues": self.search_issues,
                "issueCreate": self.issue_create,
                "issueUpdate": self.issue_update,
            }
            return json({"data": SCHEMA.execute(operation, body.get("variables") or {}, resolvers)})
        except Refused as refused:
            return _error("graphql error", "GRAPHQL_VALIDATION_FAILED", str(refused), 400)
        except LookupError as missing:
            body = {
                "errors": [
                    {
                        "message": f"Entity not found: {missing.args[0]}",
                        "extensions": {
                            "type": "invalid input",
                            "code": "INPUT_ERROR",
                            "userPresentableMessage": f"Could not find referenced {missing.args[0]}.",
                        },
                    }
                ],
                "data": None,
            }
            return json(body)

    def viewer(self) -> dict[str, Any]:
        return {**_user(0), "id": self.account_id, "name": "Ada", "email": self.account}

    def organization(self) -> dict[str, Any]:
        return {"id": "org-1", "name": self.site, "urlKey": "acme"}

    def team(self, id: str) -> dict[str, Any]:
        if id != _TEAM:
            raise LookupError("Team")
        members = [_user(number) for number in range(1, 52)]
        return {
            "id": _TEAM,
            "key": "ENG",
            "name": "Engineering",
            "states": lambda first=50, after=None: _page(_STATES, first, after),
            "members": lambda first=50, after=None, **_: _page(members, first, after),
        }

    def teams(self, filter: dict[str, Any] | None = None, first: int = 50) -> dict[str, Any]:
        wanted = (filter or {}).get("key", {}).get("eq")
        return _page([self.team(_TEAM)] if wanted in (None, "ENG") else [], first)

    def users(
        self,
        filter: dict[str, Any] | None = None,
        first: int = 50,
        after: str | None = None,
        **_: object,
    ) -> dict[str, Any]:
        every = [_user(number) for number in range(1, 53)]
        if filter:
            every = [
                each
                for each in every
                if any(
                    each[name].lower() == wanted["eqIgnoreCase"].lower()
                    for choice in filter["or"]
                    for name, wanted in choice.items()
                )
            ]
        return _page(every, first, after)

    def issue(self, id: str) -> dict[str, Any]:
        for each in self.issues.values():
            if id in (each["id"], each["identifier"]):
                return each
        raise LookupError("Issue")

    def search_issues(self, term: str, first: int = 50, **more: str) -> dict[str, Any]:
        found = [each for each in self.issues.values() if term.lower() in each["title"].lower()]
        return _page(found if more.get("teamId", _TEAM) == _TEAM else [], first)

    def issue_create(self, input: dict[str, Any]) -> dict[str, Any]:
        if input["teamId"] != _TEAM:
            raise LookupError("Team")
        number = len(self.issues) + 1
        issue = {
            "id": f"issue-{number:08}-uuid",
            "identifier": f"ENG-{number}",
            "url": f"https://linear.app/acme/issue/ENG-{number}/rotate",
            "description": None,
            "state": _STATES[0],
        }
        self.issues[issue["id"]] = issue
        return self.issue_update(
            issue["id"], {each: value for each, value in input.items() if each != "teamId"}
        )

    def issue_update(self, id: str, input: dict[str, Any]) -> dict[str, Any]:
        issue = self.issue(id)
        for name, value in input.items():
            if name == "stateId":
                issue["state"] = next((each for each in _STATES if each["id"] == value), None)
                if issue["state"] is None:
                    raise LookupError("WorkflowState")
            elif name == "assigneeId":
                issue["assignee"] = None if value is None else _user(int(value.rpartition("-")[2]))
            else:
                issue[name] = value
        issue["updatedAt"] = "2026-03-02T09:30:00.000Z"
        return {"success": True, "issue": issue, "lastSyncId": 1.0}


def _user(number: int) -> dict[str, Any]:
    return {
        "id": f"user-{number}",
        "name": f"Member {number}",
        "displayName": f"member{number}",
        "email": f"member{number}@example.com",
        "active": number % 10 != 0,
        "admin": number == 1,
        "owner": number == 1,
        "guest": number == 2,
        "app": False,
        "createdAt": "2025-01-01T00:00:00.000Z",
        "lastSeen": "2026-03-01T08:00:00.000Z" if number % 2 else None,
    }


def _page(every: list[dict[str, Any]], first: int | None = 50, after: str | None = None) -> dict[str, Any]:
    start = int(after.removeprefix("cursor-")) if after else 0
    end = start + (first or 50)
    more = end < len(every)
    return {
        "nodes": every[start:end],
        "pageInfo": {"hasNextPage": more, "endCursor": f"cursor-{end}" if more else None},
    }


class FakeLinearApp(ClientCredentials, FakeLinear):
    """An application with client credentials tokens, which acts as itself."""

    auth = "oauth_app"
    token_path = "/oauth/token"
    scope = "read,write"


class FakeLinearOAuth(AuthorizationCode, FakeLinear):
    """An application that a user allowed to act for them."""

    credentials = {"client_id": "desk-client", "client_secret": "not-a-real-client-secret"}
