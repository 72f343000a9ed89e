"""GitHub's REST API as github/rest-api-description has it: users, issues, search, collaborators, protection, members."""

from __future__ import annotations

from typing import Any

from aiohttp import web
from tests.connectors.apps.fake import FakeApp, Fault, Handler, body_of, json, unknown

_PEOPLE = 230
_ISSUE_KEYS = {
    "title", "body", "assignee", "assignees", "milestone", "labels", "type", "state", "state_reason",
}  # fmt: skip


class FakeGithub(FakeApp):
    app_id = "github"
    auth = "token"
    credentials = {"token": "github_pat_not_a_real_one"}
    account_id = "583231"
    account = "octocat"
    scopes = ("repo", "read:org")
    expires = "2026-04-20T12:00:00+00:00"
    retry_after_s = 61.0
    container = {"owner": "octo-org", "repo": "hello-world"}
    statuses = ("open", "closed")
    assignee = "hubot"
    missing_field = "milestone"
    datasets = {
        "repository_collaborators": {"owner": "octo-org", "repo": "hello-world", "affiliation": "all"},
        "branch_protection": {"owner": "octo-org", "repo": "hello-world", "branch": "release/2"},
        "organisation_members": {"org": "octo-org"},
    }
    rows = {"repository_collaborators": _PEOPLE, "branch_protection": 1, "organisation_members": _PEOPLE}

    def __init__(self) -> None:
        super().__init__()
        self.issues: dict[int, dict[str, Any]] = {}

    def routes(self) -> list[tuple[str, str, Handler]]:
        repository = "/repos/{owner}/{repo}"
        return [
            ("GET", "/user", self.user),
            ("GET", repository, self.repository),
            ("GET", repository + "/issues", self.listed),
            ("POST", repository + "/issues", self.create),
            ("GET", repository + "/issues/{number:[0-9]+}", self.issue),
            ("PATCH", repository + "/issues/{number:[0-9]+}", self.change),
            ("GET", repository + "/collaborators", self.collaborators),
            ("GET", repository + "/branches/{branch}/protection", self.protection),
            ("GET", "/search/issues", self.search),
            ("GET", "/orgs/{org}/members", self.members),
            ("GET", "/user/memberships/orgs/{org}", self.membership),
        ]

    def authorized(self, request: web.Request) -> bool:
        return request.headers.get("Authorization") == f"Bearer {self.credentials['token']}"

    def unauthorized(self, request: web.Request) -> web.Response:
        return _error(401, "Bad credentials")

    def not_found(self, request: web.Request) -> web.Response:
        return _error(404, "Not Found")

    def answer_fault(self, request: web.Request) -> web.Response | None:
        match self.fault:
            case Fault.WRONG_CREDENTIALS:
                return self.unauthorized(request)
            case Fault.MISSING_PERMISSION:
                return _error(403, "Resource not accessible by personal access token")
            case Fault.RATE_LIMIT:
                return _error(
                    403,
                    "You have exceeded a secondary rate limit. Please wait a few minutes before you try again.",
                    headers={"Retry-After": "61"},
                )
            case Fault.BROKEN_200:
                return web.Response(text="<!DOCTYPE html><title>Unicorn!</title>", content_type="text/html")
        return None

    def forget(self) -> None:
        self.issues.clear()

    async def user(self, request: web.Request) -> web.Response:
        if names := unknown(request):
            return _refused(names[0], "invalid")
        return json(
            {"login": self.account, "id": int(self.account_id), "type": "User", "name": "The Octocat"},
            headers={
                "X-OAuth-Scopes": ", ".join(self.scopes or ()),
                "GitHub-Authentication-Token-Expiration": "2026-04-20 12:00:00 UTC",
                "X-RateLimit-Remaining": "4999",
                "X-RateLimit-Reset": "1772443800",
            },
        )

    def _here(self, request: web.Request) -> bool:
        place = request.match_info
        return (place["owner"], place["repo"]) == (self.container["owner"], self.container["repo"])

    async def repository(self, request: web.Request) -> web.Response:
        if not self._here(request):
            return self.not_found(request)
        return json({"id": 1296269, "has_issues": True, "archived": False})

    async def create(self, request: web.Request) -> web.Response:
        if not self._here(request):
            return self.not_found(request)
        body = await body_of(request)
        if body is None:
            return _error(400, "Problems parsing JSON")
        if wrong := _wrong(body, _ISSUE_KEYS - {"state", "state_reason"}):
            return wrong
        if not body.get("title"):
            return _refused("title", "missing_field")
        if self.fault is Fault.MISSING_FIELD:
            return _refused("milestone", "missing_field")
        number = 1347 + len(self.issues)
        self.issues[number] = {"id": 7_000_000 + number, "number": number, "state": "open", "body": None}
        return json(self._changed(number, body), 201)

    def _changed(self, number: int, body: dict[str, Any]) -> dict[str, Any]:
        issue = self.issues[number]
        people = body.get("assignees")
        if people is not None:
            issue["assignees"] = [{"login": each} for each in people]
        issue |= {name: body[name] for name in ("title", "body", "state") if name in body}
        issue |= {
            "html_url": f"https://github.com/octo-org/hello-world/issues/{number}",
            "updated_at": "2026-03-02T09:30:00Z",
            "state_reason": "completed" if issue["state"] == "closed" else None,
        }
        return issue

    async def issue(self, request: web.Request) -> web.Response:
        found = self.issues.get(int(request.match_info["number"]))
        if found is None or not self._here(request):
            return self.not_found(request)
        return json(found)

    async def change(self, request: web.Request) -> web.Response:
        number = int(request.match_info["number"])
        if number not in self.issues or not self._here(request):
            return self.not_found(request)
        body = await body_of(request)
        if body is None:
            return _error(400, "Problems parsing JSON")
        if wrong := _wrong(body, _ISSUE_KEYS):
            return wrong
        if body.get("state", "open") not in ("open", "closed"):
            return _refused("state", "invalid")
        return json(self._changed(number, body))

    async def listed(self, request: web.Request) -> web.Response:
        if not self._here(request):
            return self.not_found(request)
        if names := unknown(request, "state", "sort", "direction", "since", "creator", "per_page", "page"):
            return _refused(names[0], "invalid")
        pull = {"number": 9000, "title": "Rotate all keys", "state": "open", "pull_request": {"url": "…"}}
        return _page(request, [pull, *reversed(self.issues.values())])

    async def search(self, request: web.Request) -> web.Response:
        words = request.query.get("q", "").split()
        if unknown(request, "q", "sort", "order", "per_page", "page", "advanced_search") or not words:
            return _refused("q", "missing")
        if "is:issue" not in words:
            return _error(422, "Query must include 'is:issue' or 'is:pull-request'")
        wanted = [each.lower() for each in words if ":" not in each]
        found = [
            each for each in self.issues.values() if all(word in each["title"].lower() for word in wanted)
        ]
        return json({"total_count": len(found), "incomplete_results": False, "items": found})

    async def collaborators(self, request: web.Request) -> web.Response:
        if not self._here(request):
            return self.not_found(request)
        if names := unknown(request, "affiliation", "permission", "per_page", "page"):
            return _refused(names[0], "invalid")
        people = [
            {
                **_person(number),
                "role_name": "admin" if number == 0 else "write",
                "permissions": {"admin": number == 0, "push": True, "pull": True},
            }
            for number in range(_PEOPLE)
        ]
        return _page(request, people)

    async def members(self, request: web.Request) -> web.Response:
        if names := unknown(request, "filter", "role", "per_page", "page"):
            return _refused(names[0], "invalid")
        return _page(request, [_person(number) for number in range(_PEOPLE)])

    async def membership(self, request: web.Request) -> web.Response:
        return json({"state": "active", "role": "member"})

    async def protection(self, request: web.Request) -> web.Response:
        if not self._here(request):
            return self.not_found(request)
        branch = request.match_info["branch"]
        if branch != "release/2":
            return _error(404, "Branch not protected")
        people = {"users": [{"login": "octocat"}], "teams": [{"slug": "release"}], "apps": []}
        return json(
            {
                "url": f"https://api.github.com/repos/octo-org/hello-world/branches/{branch}/protection",
                "required_status_checks": {
                    "strict": True,
                    "contexts": ["ci"],
                    "checks": [{"context": "ci", "app_id": None}, {"context": "lint", "app_id": 1}],
                },
                "enforce_admins": {"enabled": True},
                "required_pull_request_reviews": {
                    "dismiss_stale_reviews": True,
                    "require_code_owner_reviews": False,
                    "required_approving_review_count": 2,
                },
                "required_signatures": {"enabled": False},
                "allow_force_pushes": {"enabled": False},
                "allow_deletions": {"enabled": False},
                "restrictions": people,
            }
        )


def _person(number: int) -> dict[str, Any]:
    login = f"user-{number}"
    return {"id": 1000 + number, "login": login, "type": "User", "html_url": f"https://github.com/{login}"}


def _error(status: int, message: str, headers: dict[str, str] | None = None, **more: Any) -> web.Response:
    docs = "https://docs.github.com/rest"
    return json(
        {"message": message, "documentation_url": docs, "status": str(status), **more}, status, headers
    )


def _refused(field: str, code: str) -> web.Response:
    return _error(422, "Validation Failed", errors=[{"resource": "Issue", "field": field, "code": code}])


def _wrong(body: dict[str, Any], known: set[str]) -> web.Response | None:
    for name, value in body.items():
        kind = list if name in ("assignees", "labels") else str
        if name not in known or not isinstance(value, kind):
            return _refused(name, "invalid")
    return None


def _page(request: web.Request, every: list[dict[str, Any]]) -> web.Response:
    size, page = int(request.query.get("per_page", "30")), int(request.query.get("page", "1"))
    if not 1 <= size <= 100:
        return _refused("per_page", "invalid")
    headers = {}
    if page * size < len(every):
        following = request.url.update_query(page=str(page + 1))
        headers["Link"] = f'<{following}>; rel="next", <{request.url.update_query(page="9")}>; rel="last"'
    return json(every[(page - 1) * size : page * size], headers=headers)
