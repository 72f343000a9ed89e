"""Azure DevOps Services as MicrosoftDocs/vsts-rest-api-specs 7.1 has it; a wrong token gets the page to sign in."""

from __future__ import annotations

import re
from base64 import b64encode
from typing import Any

from aiohttp import web
from tests.connectors.apps.authorization_code import AuthorizationCode
from tests.connectors.apps.client_credentials import ClientCredentials
from tests.connectors.apps.fake import FakeApp, Fault, Handler, json, unknown

_PROJECT, _TEAM = "Fabrikam-Fiber", "Fabrikam-Fiber Team"
_STATES = {"To Do": "Proposed", "Doing": "InProgress", "Done": "Completed"}
_FIELDS = {
    "System.Title", "System.Description", "System.State", "System.AssignedTo",
    "Microsoft.VSTS.Scheduling.DueDate",
}  # fmt: skip
_MEMBERS, _TEAMS = 101, 3
_SIGN_IN = "<!DOCTYPE html><html><head><title>Azure DevOps Services | Sign In</title></head></html>"


def _refusal(status: int, kind: str, message: str, **more: Any) -> web.Response:
    named = f"Microsoft.TeamFoundation.{kind}, Microsoft.TeamFoundation"
    return json(
        {
            "$id": "1",
            "innerException": None,
            "message": message,
            "typeName": named,
            "typeKey": kind,
            "eventId": 3200,
            **more,
        },
        status,
    )


class FakeAzureDevOps(FakeApp):
    app_id = "azure-devops"
    auth = "pat"
    credentials = {"pat": "notARealPersonalAccessToken0123456789abcdefghijklmnop"}
    settings = {"organization": "fabrikam"}
    base_path = "/fabrikam"
    account_id = "d6245f20-2af8-44f4-9451-8107cb2767db"
    account = "ada@fabrikam.example"
    site = "fabrikam"
    retry_after_s = 30.0
    container = {"project": _PROJECT, "type": "Task"}
    statuses = ("To Do", "Done")
    missing_field = "Risk level"
    assignee = "Member 4"
    due = True
    datasets = {"team_members": {"project": _PROJECT, "team": _TEAM}, "teams": {"project": _PROJECT}}
    rows = {"team_members": _MEMBERS, "teams": _TEAMS}

    def __init__(self) -> None:
        super().__init__()
        self.items: dict[int, dict[str, Any]] = {}

    def routes(self) -> list[tuple[str, str, Handler]]:
        return [
            ("GET", "/_apis/connectionData", self.connection_data),
            ("GET", "/_apis/projects/{project}", self.project),
            ("GET", "/_apis/projects/{project}/teams", self.teams),
            ("GET", "/_apis/projects/{project}/teams/{team}/members", self.members),
            ("POST", "/{project}/_apis/wit/workitems/${type}", self.create),
            ("GET", "/{project}/_apis/wit/workitems", self.listed),
            ("GET", "/{project}/_apis/wit/workitems/{id}", self.item),
            ("PATCH", "/{project}/_apis/wit/workitems/{id}", self.change),
            ("GET", "/{project}/_apis/wit/workitemtypes/{type}/states", self.states),
            ("POST", "/{project}/{team}/_apis/wit/wiql", self.wiql),
        ]

    def authorized(self, request: web.Request) -> bool:
        wanted = "Basic " + b64encode(f":{self.credentials['pat']}".encode()).decode()
        return request.headers.get("Authorization") == wanted

    def unauthorized(self, request: web.Request) -> web.Response:
        return web.Response(status=203, text=_SIGN_IN, content_type="text/html")

    def not_found(self, request: web.Request) -> web.Response:
        said = f"The controller for path '{request.path}' was not found or does not implement IController."
        return _refusal(404, "HttpException", said)

    def answer_fault(self, request: web.Request) -> web.Response | None:
        match self.fault:
            case Fault.WRONG_CREDENTIALS:
                location = "https://spsprodweu1.vssps.visualstudio.com/_signin?realm=dev.azure.com"
                return web.Response(
                    status=302, headers={"Location": location}, text="<html>Object moved</html>"
                )
            case Fault.MISSING_PERMISSION:
                said = "TF400813: The user 'ada@fabrikam.example' is not authorized to access this resource."
                return _refusal(403, "UnauthorizedRequestException", said)
            case Fault.RATE_LIMIT:
                said = "TF400733: The request has been canceled: Request was blocked due to exceeding usage of resource"
                answer = _refusal(429, "RequestBlockedException", said)
                answer.headers.update({"Retry-After": "30", "X-RateLimit-Remaining": "0"})
                return answer
            case Fault.BROKEN_200:
                return web.Response(text=_SIGN_IN, content_type="text/html")
        return None

    def forget(self) -> None:
        self.items.clear()

    async def connection_data(self, request: web.Request) -> web.Response:
        if wrong := _unasked(request, "connectOptions", "lastChangeId", version="7.1-preview.1"):
            return wrong
        user = {
            "id": self.account_id,
            "descriptor": "Microsoft.IdentityModel.Claims.ClaimsIdentity;" + self.account,
            "providerDisplayName": "Ada Lovelace",
            "isActive": True,
            "properties": {"Account": {"$type": "System.String", "$value": self.account}},
        }
        return json(
            {
                "authenticatedUser": user,
                "authorizedUser": user,
                "instanceId": "3e7d1e3c-0000-4000-8000-000000000001",
                "deploymentType": "hosted",
                "locationServiceData": {"serviceOwner": "00025394-6065-48ca-87d9-7f5672854ef7"},
            }
        )

    async def project(self, request: web.Request) -> web.Response:
        if wrong := _unasked(request, "includeCapabilities", "includeHistory") or _no_project(request):
            return wrong
        return json({"id": "project-1", "name": _PROJECT, "defaultTeam": {"id": "team-0", "name": _TEAM}})

    async def teams(self, request: web.Request) -> web.Response:
        if wrong := _unasked(request, "$mine", "$top", "$skip", "$expandIdentity") or _no_project(request):
            return wrong
        every = [
            {"id": f"team-{number}", "name": f"Team {number}", "description": "Fibres"}
            for number in range(_TEAMS)
        ]
        return _page(request, every)

    async def members(self, request: web.Request) -> web.Response:
        if wrong := _unasked(request, "$top", "$skip") or _no_project(request) or _no_team(request):
            return wrong
        every = []
        for number in range(_MEMBERS):
            member: dict[str, Any] = {"identity": _identity(number)}
            every.append(member | ({"isTeamAdmin": True} if number == 0 else {}))
        return _page(request, every)

    async def states(self, request: web.Request) -> web.Response:
        if wrong := _unasked(request) or _no_project(request):
            return wrong
        value = [
            {"name": name, "color": "b2b2b2", "category": category} for name, category in _STATES.items()
        ]
        return json({"count": len(value), "value": value})

    async def create(self, request: web.Request) -> web.Response:
        known = ("validateOnly", "bypassRules", "suppressNotifications", "$expand")
        if wrong := _unasked(request, *known) or _no_project(request):
            return wrong
        given = await _patch(request)
        if isinstance(given, web.Response):
            return given
        if self.fault is Fault.MISSING_FIELD:
            said = "TF401320: Rule Error for field Risk level. Error code: Required, HasValues, InvalidEmpty."
            return _refusal(400, "RuleValidationException", said)
        number = len(self.items) + 299
        item = {
            "id": number,
            "rev": 1,
            "fields": {"System.WorkItemType": request.match_info["type"], "System.State": "To Do"},
            "_links": {
                "html": {"href": f"https://dev.azure.com/fabrikam/{_PROJECT}/_workitems/edit/{number}"}
            },
        }
        if request.query.get("validateOnly") != "true":
            self.items[number] = item
        return json(_changed(item, given))

    async def listed(self, request: web.Request) -> web.Response:
        if wrong := _unasked(request, "ids", "fields", "asOf", "$expand", "errorPolicy") or _no_project(
            request
        ):
            return wrong
        fields = request.query["fields"].split(",")
        found = [
            self.items[number]
            for each in request.query["ids"].split(",")
            if (number := int(each)) in self.items
        ]
        value = [
            {
                "id": each["id"],
                "fields": {name: text for name, text in each["fields"].items() if name in fields},
            }
            for each in found
        ]
        return json({"count": len(value), "value": value})

    async def item(self, request: web.Request) -> web.Response:
        if wrong := _unasked(request, "fields", "asOf", "$expand") or _no_project(request):
            return wrong
        found = self.items.get(int(request.match_info["id"]))
        return _missing(request) if found is None else json(found)

    async def change(self, request: web.Request) -> web.Response:
        known = ("validateOnly", "bypassRules", "suppressNotifications", "$expand")
        if wrong := _unasked(request, *known) or _no_project(request):
            return wrong
        given = await _patch(request)
        if isinstance(given, web.Response):
            return given
        found = self.items.get(int(request.match_info["id"]))
        return _missing(request) if found is None else json(_changed(found, given))

    async def wiql(self, request: web.Request) -> web.Response:
        self.requests[-1] = ("QUERY", request.path_qs)
        if wrong := _unasked(request, "timePrecision", "$top") or _no_project(request) or _no_team(request):
            return wrong
        body = await request.json()
        if request.content_type != "application/json" or set(body) != {"query"}:
            return _refusal(400, "VssPropertyValidationException", "You must pass a query.")
        words = re.search(r"\[System.Title\] CONTAINS '((?:[^']|'')*)'", body["query"])
        if words is None or "[System.TeamProject] = @project" not in body["query"]:
            return _refusal(400, "QueryException", "TF51006: The query statement is missing a FROM clause.")
        text = words[1].replace("''", "'").lower()
        found = [each["id"] for each in self.items.values() if text in each["fields"]["System.Title"].lower()]
        return json({"queryType": "flat", "workItems": [{"id": each, "url": "https://…"} for each in found]})


def _identity(number: int) -> dict[str, Any]:
    return {
        "id": f"identity-{number}",
        "displayName": f"Member {number}",
        "uniqueName": f"member{number}@fabrikam.example",
    }


def _changed(item: dict[str, Any], given: dict[str, str]) -> dict[str, Any]:
    fields = item["fields"]
    for name, value in given.items():
        if name == "System.AssignedTo":
            fields[name] = _identity(int(value.rpartition(" ")[2]))
        elif name == "Microsoft.VSTS.Scheduling.DueDate":
            fields[name] = f"{value[:10]}T00:00:00Z"
        else:
            fields[name] = value
    fields["System.ChangedDate"] = "2026-03-02T09:30:00.123Z"
    if _STATES.get(fields["System.State"]) == "Completed":
        fields["Microsoft.VSTS.Common.ClosedDate"] = "2026-03-02T09:30:00.123Z"
    return item


async def _patch(request: web.Request) -> dict[str, str] | web.Response:
    """Return the fields of a JSON Patch document, or the refusal of one that is none."""
    if request.content_type != "application/json-patch+json":
        said = "The request indicated a Content-Type that is not supported; use application/json-patch+json."
        return _refusal(415, "VssRequestContentTypeNotSupportedException", said)
    body = await request.json()
    if not isinstance(body, list) or any(set(each) != {"op", "path", "value"} for each in body):
        return _refusal(
            400, "VssPropertyValidationException", "You must pass a valid patch document in the body."
        )
    given = {each["path"].removeprefix("/fields/"): each["value"] for each in body}
    if bad := sorted(set(given) - _FIELDS):
        return _refusal(400, "WorkItemFieldInvalidException", f"TF51535: Cannot find field {bad[0]}.")
    if given.get("System.State", "Done") not in _STATES:
        said = "TF401320: Rule Error for field State. Error code: LimitedToValues, AllowsOldValue."
        return _refusal(400, "RuleValidationException", said)
    return given


def _unasked(request: web.Request, *known: str, version: str = "7.1") -> web.Response | None:
    if request.query.get("api-version") != version:
        said = f"No api-version was supplied for the '{request.method}' request."
        return _refusal(400, "VssVersionNotSpecifiedException", said)
    if wrong := unknown(request, "api-version", *known):
        return _refusal(400, "ArgumentException", f"Unknown parameter {wrong[0]}")
    return None


def _no_project(request: web.Request) -> web.Response | None:
    name = request.match_info["project"]
    if name == _PROJECT:
        return None
    return _refusal(
        404,
        "ProjectDoesNotExistWithNameException",
        f"TF200016: The following project does not exist: {name}.",
    )


def _no_team(request: web.Request) -> web.Response | None:
    name = request.match_info["team"]
    return (
        None
        if name in (_TEAM, "team-0")
        else _refusal(404, "TeamNotFoundException", f"The team with id '{name}' does not exist.")
    )


def _missing(request: web.Request) -> web.Response:
    number = request.match_info["id"]
    said = f"TF401232: Work item {number} does not exist, or you do not have permissions to read it."
    return _refusal(404, "WorkItemUnauthorizedAccessException", said)


def _page(request: web.Request, every: list[dict[str, Any]]) -> web.Response:
    skip, top = int(request.query.get("$skip", "0")), int(request.query.get("$top", "100"))
    shown = every[skip : skip + top]
    return json({"count": len(shown), "value": shown})


class FakeAzureDevOpsPrincipal(ClientCredentials, FakeAzureDevOps):
    """A service principal of Microsoft Entra."""

    auth = "service_principal"
    credentials = {**ClientCredentials.credentials, "tenant": "fabrikam.onmicrosoft.com"}
    token_path = "/oauth2/v2.0/token"
    scope = "499b84ac-1321-427f-aa17-267ca6975798/.default"


class FakeAzureDevOpsUser(AuthorizationCode, FakeAzureDevOps):
    """An app of Microsoft Entra that a user allowed to act for them."""

    auth = "entra"
    credentials = {
        "client_id": "desk-client",
        "client_secret": "not-a-real-client-secret",
        "tenant": "fabrikam.onmicrosoft.com",
    }
    token_path = "/oauth2/v2.0/token"
