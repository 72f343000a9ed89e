"""The issues of the demo's apps: a repository at GitHub and a project at Jira, as far as tasks and proof ask for them.

Addresses and answers are those of the apps (the manifests in `connectors/builtin` name the sources).
"""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

from aiohttp import web

Guard = Callable[[web.Request], web.Response | None]
"""Returns the refusal of a request without good credentials, or None."""

OWNER = "acme"
REPOSITORY = "website"
REMOVED = "project-alpha"
"""A repository that somebody removes in the course of the demo."""

PROJECT = "OPS"
_STATUSES = {"1": ("To Do", "new"), "2": ("In Progress", "indeterminate"), "3": ("Done", "done")}
_STEPS = {"1": ("2", "3"), "2": ("1", "3"), "3": ("2",)}
_RESOLUTION = {"resolution": {"required": True, "name": "Resolution", "hasDefaultValue": False}}
_PEOPLE = ("olivia-ops", "li-security", "sam-audit")
_JOINS = "contractor-7"
"""Somebody who is let into the repository in the course of the demo."""

DELETED = "Review the vendor list"
"""The title of an issue that somebody deletes in the course of the demo."""


class GithubIssues:
    """Issues and collaborators of `acme/website`; `acme/project-alpha` is there until it is `removed()`."""

    def __init__(self, guard: Guard, removed: Callable[[], bool]) -> None:
        self.issues: dict[int, dict[str, Any]] = {}
        self._guard = guard
        self._removed = removed
        self._deleted = False
        self._number = 0

    def routes(self, prefix: str) -> list[web.RouteDef]:
        """The routes below a prefix."""
        one = prefix + "/repos/{owner}/{repo}"
        return [
            web.get(one, self._asked(self._repository)),
            web.get(one + "/issues", self._asked(self._listed)),
            web.post(one + "/issues", self._asked(self._create)),
            web.get(one + "/issues/{number:[0-9]+}", self._asked(self._issue)),
            web.patch(one + "/issues/{number:[0-9]+}", self._asked(self._change)),
            web.get(one + "/collaborators", self._asked(self._collaborators)),
            web.get(prefix + "/search/issues", self._asked(self._search)),
        ]

    def _befall(self) -> bool:
        """Let happen what somebody does at GitHub meanwhile; tell whether it has happened."""
        removed = self._removed()
        if removed and not self._deleted:
            self._deleted = True
            self.issues = {number: each for number, each in self.issues.items() if each["title"] != DELETED}
        return removed

    def _asked(self, handler: Callable[[web.Request], Any]) -> Callable[[web.Request], Any]:
        async def handle(request: web.Request) -> web.Response:
            refusal = self._guard(request)
            if refusal is not None:
                return refusal
            there = {REPOSITORY} if self._befall() else {REPOSITORY, REMOVED}
            place = request.match_info
            if "repo" in place and (place["owner"] != OWNER or place["repo"] not in there):
                return _not_found()
            answer: web.Response = await handler(request)
            return answer

        return handle

    async def _repository(self, request: web.Request) -> web.Response:
        return web.json_response(
            {"full_name": f"{OWNER}/{request.match_info['repo']}", "has_issues": True, "archived": False}
        )

    async def _create(self, request: web.Request) -> web.Response:
        self._number += 1
        number = self._number
        self.issues[number] = {"number": number, "state": "open", "body": None, "assignees": []}
        return web.json_response(self._changed(number, await request.json()), status=201)

    def _changed(self, number: int, body: dict[str, Any]) -> dict[str, Any]:
        issue = self.issues[number]
        issue |= {name: body[name] for name in ("title", "body", "state") if name in body}
        if "assignees" in body:
            issue["assignees"] = [{"login": each} for each in body["assignees"]]
        issue |= {
            "html_url": f"https://github.com/{OWNER}/{REPOSITORY}/issues/{number}",
            "updated_at": datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%SZ"),
            "state_reason": "completed" if issue["state"] == "closed" else None,
        }
        return issue

    async def _issue(self, request: web.Request) -> web.Response:
        found = self.issues.get(int(request.match_info["number"]))
        return _not_found() if found is None else web.json_response(found)

    async def _change(self, request: web.Request) -> web.Response:
        number = int(request.match_info["number"])
        if number not in self.issues:
            return _not_found()
        return web.json_response(self._changed(number, await request.json()))

    async def _listed(self, _request: web.Request) -> web.Response:
        return web.json_response(list(reversed(self.issues.values())))

    async def _search(self, request: web.Request) -> web.Response:
        words = [each.lower() for each in request.query.get("q", "").split() if ":" not in each]
        found = [
            each for each in self.issues.values() if all(word in each["title"].lower() for word in words)
        ]
        return web.json_response({"total_count": len(found), "incomplete_results": False, "items": found})

    async def _collaborators(self, _request: web.Request) -> web.Response:
        people = (*_PEOPLE, _JOINS) if self._removed() else _PEOPLE
        return web.json_response(
            [
                {
                    "id": 1001 + number,
                    "login": login,
                    "type": "User",
                    "role_name": "admin" if number == 0 else "write",
                    "permissions": {"admin": number == 0, "push": True, "pull": True},
                }
                for number, login in enumerate(people)
            ]
        )


class JiraIssues:
    """Issues of the project OPS. Its workflow wants the field Resolution filled before an issue is done."""

    def __init__(self, guard: Guard) -> None:
        self.issues: dict[str, dict[str, Any]] = {}
        self._guard = guard

    def routes(self, prefix: str) -> list[web.RouteDef]:
        """The routes below a prefix."""
        api = prefix + "/rest/api/3"
        issue = api + "/issue/{issue}"
        return [
            web.post(api + "/issue", self._asked(self._create)),
            web.get(issue, self._asked(self._issue)),
            web.put(issue, self._asked(self._change)),
            web.get(issue + "/transitions", self._asked(self._transitions)),
            web.post(issue + "/transitions", self._asked(self._transition)),
            web.get(api + "/search/jql", self._asked(self._search)),
            web.get(api + "/mypermissions", self._asked(self._permissions)),
            web.get(api + "/project/{project}/statuses", self._asked(self._statuses)),
            web.get(api + "/issue/createmeta/{project}/issuetypes", self._asked(self._types)),
            web.get(api + "/issue/createmeta/{project}/issuetypes/{type}", self._asked(self._fields)),
        ]

    def _asked(self, handler: Callable[[web.Request], Any]) -> Callable[[web.Request], Any]:
        async def handle(request: web.Request) -> web.Response:
            answer: web.Response = self._guard(request) or await handler(request)
            return answer

        return handle

    async def _create(self, request: web.Request) -> web.Response:
        fields = (await request.json())["fields"]
        number = len(self.issues) + 1
        issue_id, key = str(10_000 + number), f"{PROJECT}-{number}"
        self.issues[issue_id] = {"id": issue_id, "key": key, "fields": {**fields, "status": "1"}}
        return web.json_response({"id": issue_id, "key": key}, status=201)

    def _found(self, request: web.Request) -> dict[str, Any] | None:
        name = request.match_info["issue"]
        return next((each for each in self.issues.values() if name in (each["id"], each["key"])), None)

    async def _issue(self, request: web.Request) -> web.Response:
        issue = self._found(request)
        return _no_issue() if issue is None else web.json_response(_shown(issue))

    async def _change(self, request: web.Request) -> web.Response:
        issue = self._found(request)
        if issue is None:
            return _no_issue()
        issue["fields"] |= (await request.json())["fields"]
        return web.Response(status=204)

    async def _transitions(self, request: web.Request) -> web.Response:
        issue = self._found(request)
        if issue is None:
            return _no_issue()
        steps = [
            {
                "id": f"9{to}",
                "name": f"Move to {_STATUSES[to][0]}",
                "isAvailable": True,
                "to": _status(to),
                "fields": _RESOLUTION if to == "3" else {},
            }
            for to in _STEPS[issue["fields"]["status"]]
        ]
        return web.json_response({"transitions": steps})

    async def _transition(self, request: web.Request) -> web.Response:
        issue = self._found(request)
        if issue is None:
            return _no_issue()
        to = str((await request.json())["transition"]["id"]).removeprefix("9")
        if to == "3":
            return web.json_response(
                {"errorMessages": [], "errors": {"resolution": "Resolution is required."}}, status=400
            )
        issue["fields"]["status"] = to
        return web.Response(status=204)

    async def _search(self, request: web.Request) -> web.Response:
        read = re.search(r'text ~ "([^"]*)"', request.query.get("jql", ""))
        words = (read[1] if read else "").lower().split()
        found = [
            _shown(each)
            for each in self.issues.values()
            if all(word in each["fields"]["summary"].lower() for word in words)
        ]
        return web.json_response({"issues": found, "isLast": True})

    async def _permissions(self, request: web.Request) -> web.Response:
        asked = [each for each in request.query.get("permissions", "").split(",") if each]
        return web.json_response(
            {"permissions": {name: {"key": name, "havePermission": True} for name in asked}}
        )

    async def _statuses(self, _request: web.Request) -> web.Response:
        every = [_status(each) for each in _STATUSES]
        return web.json_response([{"id": "10100", "name": "Task", "statuses": every}])

    async def _types(self, _request: web.Request) -> web.Response:
        types = [{"id": "10100", "name": "Task"}]
        return web.json_response({"startAt": 0, "maxResults": 50, "total": 1, "issueTypes": types})

    async def _fields(self, _request: web.Request) -> web.Response:
        summary = {"fieldId": "summary", "key": "summary", "name": "Summary", "required": True}
        summary |= {"hasDefaultValue": False, "schema": {"type": "string"}}
        return web.json_response({"startAt": 0, "maxResults": 50, "total": 1, "fields": [summary]})


def _status(number: str) -> dict[str, Any]:
    name, category = _STATUSES[number]
    return {"id": number, "name": name, "statusCategory": {"key": category}}


def _shown(issue: dict[str, Any]) -> dict[str, Any]:
    fields = issue["fields"]
    shown = {
        "summary": fields.get("summary", ""),
        "description": fields.get("description"),
        "duedate": fields.get("duedate"),
        "assignee": None,
        "status": _status(fields["status"]),
        "updated": datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%S.000+0000"),
    }
    return {"id": issue["id"], "key": issue["key"], "fields": shown}


def _not_found() -> web.Response:
    return web.json_response({"message": "Not Found", "status": "404"}, status=404)


def _no_issue() -> web.Response:
    said = "Issue does not exist or you do not have permission to see it."
    return web.json_response({"errorMessages": [said], "errors": {}}, status=404)
