"""HubSpot's CRM API v3 as its public specifications have it: account info, tickets, pipelines, owners."""

from __future__ import annotations

from typing import Any

from aiohttp import web
from tests.connectors.apps.authorization_code import AuthorizationCode
from tests.connectors.apps.fake import FakeApp, Fault, Handler, body_of, json, unknown

_PIPELINE, _NEW, _CLOSED = "0", "1", "4"
_STAGES = {"1": "New", "2": "Waiting on contact", "3": "Waiting on us", "4": "Closed"}
_PROPERTIES = {
    "subject",
    "content",
    "hs_pipeline",
    "hs_pipeline_stage",
    "hubspot_owner_id",
    "hs_ticket_priority",
}
_OWNERS = 101
_CORRELATION = "aeb5f871-7f07-4993-9211-075dc63e7cbf"


def _refusal(status: int, category: str, message: str, **more: Any) -> web.Response:
    return json(
        {"status": "error", "message": message, "correlationId": _CORRELATION, "category": category, **more},
        status,
    )


class FakeHubSpot(FakeApp):
    app_id = "hubspot"
    auth = "private_app"
    credentials = {"token": "pat-na1-not-a-real-token-0123456789"}
    settings = {"portal_id": "12345678"}
    account_id = "12345678"
    account = "Hub 12345678"
    site = "app-eu1.hubspot.com"
    scopes = ("crm.objects.owners.read", "oauth", "tickets")
    retry_after_s = 10.0
    container = {"pipeline": _PIPELINE, "stage": _NEW}
    statuses = (_NEW, _CLOSED)
    missing_field = "Risk level"
    assignee = "6166864"
    datasets = {"owners": {}}
    rows = {"owners": _OWNERS}

    def __init__(self) -> None:
        super().__init__()
        self.tickets: dict[str, dict[str, Any]] = {}

    def routes(self) -> list[tuple[str, str, Handler]]:
        return [
            ("GET", "/account-info/v3/details", self.details),
            ("POST", "/oauth/v2/private-apps/get/access-token-info", self.token_info),
            ("GET", "/crm/v3/owners", self.owners),
            ("GET", "/crm/v3/pipelines/tickets/{pipeline}", self.pipeline),
            ("GET", "/crm/v3/pipelines/tickets/{pipeline}/stages", self.stages),
            ("POST", "/crm/v3/objects/tickets", self.create),
            ("POST", "/crm/v3/objects/tickets/search", self.search),
            ("GET", "/crm/v3/objects/tickets/{id}", self.ticket),
            ("PATCH", "/crm/v3/objects/tickets/{id}", self.change),
        ]

    def authorized(self, request: web.Request) -> bool:
        return request.headers.get("Authorization") == f"Bearer {self.credentials['token']}"

    def unauthorized(self, request: web.Request) -> web.Response:
        said = "Authentication credentials not found. This API supports OAuth 2.0 authentication"
        return _refusal(401, "INVALID_AUTHENTICATION", said)

    def not_found(self, request: web.Request) -> web.Response:
        return web.Response(status=404, text="<html><h2>HTTP ERROR 404</h2></html>", content_type="text/html")

    def answer_fault(self, request: web.Request) -> web.Response | None:
        match self.fault:
            case Fault.WRONG_CREDENTIALS:
                return _refusal(
                    401,
                    "EXPIRED_AUTHENTICATION",
                    "The OAuth token used to make this call expired 2 days ago.",
                )
            case Fault.MISSING_PERMISSION:
                said = "This app hasn't been granted all required scopes to make this call."
                context = {"requiredGranularScopes": ["tickets"]}
                return _refusal(403, "MISSING_SCOPES", said, errors=[{"message": said, "context": context}])
            case Fault.RATE_LIMIT:
                said = "You have reached your ten_secondly_rolling limit."
                answer = _refusal(
                    429, "RATE_LIMITS", said, errorType="RATE_LIMIT", policyName="TEN_SECONDLY_ROLLING"
                )
                answer.headers["Retry-After"] = "10"
                return answer
            case Fault.BROKEN_200:
                return json({"uiDomain": "app-eu1.hubspot.com"})
        return None

    def forget(self) -> None:
        self.tickets.clear()

    async def details(self, request: web.Request) -> web.Response:
        return _unasked(request) or json(
            {
                "portalId": int(self.account_id),
                "accountType": "STANDARD",
                "timeZone": "Europe/Berlin",
                "companyCurrency": "EUR",
                "additionalCurrencies": [],
                "utcOffset": "+01:00",
                "utcOffsetMilliseconds": 3_600_000,
                "uiDomain": self.site,
                "dataHostingLocation": "eu1",
            }
        )

    async def token_info(self, request: web.Request) -> web.Response:
        if await body_of(request) != {"tokenKey": self.credentials["token"]}:
            return _refusal(400, "VALIDATION_ERROR", "Invalid input JSON")
        self.requests[-1] = ("QUERY", request.path_qs)
        return json(
            {"userId": 1, "hubId": int(self.account_id), "appId": 2, "scopes": list(self.scopes or ())}
        )

    async def owners(self, request: web.Request) -> web.Response:
        if wrong := _unasked(request, "email", "after", "limit", "archived"):
            return wrong
        size, after = int(request.query.get("limit", "100")), int(request.query.get("after", "0"))
        every = [_owner(number) for number in range(_OWNERS)]
        if email := request.query.get("email"):
            every = [each for each in every if each["email"] == email]
        page: dict[str, Any] = {"results": every[after : after + size]}
        if after + size < len(every):
            page["paging"] = {
                "next": {"after": str(after + size), "link": f"{self.url}/crm/v3/owners?after=…"}
            }
        return json(page)

    async def pipeline(self, request: web.Request) -> web.Response:
        return (
            _unasked(request) or _no_pipeline(request) or json({"id": _PIPELINE, "label": "Support Pipeline"})
        )

    async def stages(self, request: web.Request) -> web.Response:
        if wrong := _unasked(request) or _no_pipeline(request):
            return wrong
        results = [
            {
                "id": each,
                "label": label,
                "displayOrder": at,
                "metadata": {
                    "ticketState": "CLOSED" if each == _CLOSED else "OPEN",
                    "isClosed": str(each == _CLOSED).lower(),
                },
                "archived": False,
            }
            for at, (each, label) in enumerate(_STAGES.items())
        ]
        return json({"results": results})

    async def create(self, request: web.Request) -> web.Response:
        body = await body_of(request)
        if wrong := _unasked(request) or _wrong(body, "associations"):
            return wrong
        assert body is not None
        if self.fault is Fault.MISSING_FIELD:
            said = "Error creating TICKET. Some required properties were not set."
            error = {"message": 'required property "Risk level" was not set', "code": "REQUIRED_FIELD"}
            return _refusal(400, "VALIDATION_ERROR", f"{said} Risk level", errors=[error])
        if body["properties"].get("hs_pipeline_stage") not in _STAGES:
            return _refusal(400, "VALIDATION_ERROR", "Property values were not valid: hs_pipeline_stage")
        number = str(9_000_000 + len(self.tickets))
        self.tickets[number] = {
            "id": number,
            "createdAt": "2026-03-02T09:00:00.000Z",
            "archived": False,
            "properties": {},
        }
        return json(self._changed(number, body["properties"]), 201)

    def _changed(self, number: str, given: dict[str, str]) -> dict[str, Any]:
        ticket = self.tickets[number]
        ticket["properties"] |= given | {"hs_lastmodifieddate": "2026-03-02T09:30:00.000Z"}
        closed = ticket["properties"]["hs_pipeline_stage"] == _CLOSED
        ticket["properties"]["closed_date"] = "2026-03-02T09:30:00.000Z" if closed else None
        ticket["updatedAt"] = "2026-03-02T09:30:00.000Z"
        return ticket

    async def ticket(self, request: web.Request) -> web.Response:
        known = ("properties", "propertiesWithHistory", "associations", "archived", "idProperty")
        if wrong := _unasked(request, *known):
            return wrong
        found = self.tickets.get(request.match_info["id"])
        if found is None:
            return _refusal(404, "OBJECT_NOT_FOUND", "Object not found.  objectId are usually numeric.")
        asked = request.query.get("properties", "subject,content").split(",")
        return json({**found, "properties": {each: found["properties"].get(each) for each in asked}})

    async def change(self, request: web.Request) -> web.Response:
        body = await body_of(request)
        if wrong := _unasked(request, "idProperty") or _wrong(body):
            return wrong
        assert body is not None
        number = request.match_info["id"]
        if number not in self.tickets:
            return _refusal(404, "OBJECT_NOT_FOUND", "Object not found.  objectId are usually numeric.")
        return json(self._changed(number, body["properties"]))

    async def search(self, request: web.Request) -> web.Response:
        body = await body_of(request)
        if body is None or set(body) - {"query", "limit", "after", "sorts", "properties", "filterGroups"}:
            return _refusal(400, "VALIDATION_ERROR", "Invalid input JSON")
        [group] = body["filterGroups"]
        [only] = group["filters"]
        assert only == {"propertyName": "hs_pipeline", "operator": "EQ", "value": _PIPELINE}
        text = body["query"].lower()
        found = [each for each in self.tickets.values() if text in each["properties"]["subject"].lower()]
        return json({"total": len(found), "results": found})


def _owner(number: int) -> dict[str, Any]:
    return {
        "id": str(6_166_860 + number),
        "type": "PERSON",
        "email": f"owner{number}@example.com",
        "firstName": f"Owner {number}",
        "lastName": "Smith",
        "userId": 1_296_619 + number,
        "userIdIncludingInactive": 1_296_619 + number,
        "createdAt": "2019-10-30T03:30:17.883Z",
        "updatedAt": "2019-12-07T16:50:06.678Z",
        "archived": False,
        "teams": [
            {"id": "178588", "name": "West", "primary": True},
            {"id": "178590", "name": "East", "primary": False},
        ],
    }


def _unasked(request: web.Request, *known: str) -> web.Response | None:
    if wrong := unknown(request, *known):
        return _refusal(400, "VALIDATION_ERROR", f"Unknown query parameter {wrong[0]}")
    return None


def _no_pipeline(request: web.Request) -> web.Response | None:
    if request.match_info["pipeline"] == _PIPELINE:
        return None
    return _refusal(404, "OBJECT_NOT_FOUND", "The pipeline does not exist")


def _wrong(body: dict[str, Any] | None, *more: str) -> web.Response | None:
    if body is None or "properties" not in body or set(body) - {"properties", *more}:
        return _refusal(400, "VALIDATION_ERROR", "Invalid input JSON")
    given = body["properties"]
    if not all(isinstance(each, str) for each in given.values()):
        return _refusal(400, "VALIDATION_ERROR", "Invalid input JSON: properties are texts")
    if bad := sorted(set(given) - _PROPERTIES):
        return _refusal(400, "VALIDATION_ERROR", f"Property values were not valid: {bad[0]} does not exist")
    return None


class FakeHubSpotOAuth(AuthorizationCode, FakeHubSpot):
    """An app that was installed in an account."""

    credentials = {"client_id": "desk-client", "client_secret": "not-a-real-client-secret"}
    token_path = "/oauth/2026-03/token"
    scopes = None
