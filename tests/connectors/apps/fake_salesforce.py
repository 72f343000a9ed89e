"""Salesforce's REST API as its developer guide has it: user information, cases, SOQL queries; and its token endpoint."""

from __future__ import annotations

import re
from typing import Any

from aiohttp import web
from tests.connectors.apps.authorization_code import AuthorizationCode
from tests.connectors.apps.fake import FakeApp, Fault, Handler, json
from tests.connectors.apps.keys import PEM, claims_of

_DATA = "/services/data/v62.0"
_USERS = 201
_PAGE = 200
_WRITABLE = {"Subject", "Description", "Status", "RecordTypeId", "Origin", "Priority", "Type", "Reason"}
_FIELDS = {"Id", "CaseNumber", "Subject", "Description", "Status", "IsClosed", "LastModifiedDate"}
_STATUSES = {"New": False, "Working": False, "Escalated": False, "Closed": True}
_CASES = re.compile(
    r"SELECT (?P<fields>[A-Za-z, ]+) FROM Case WHERE (?P<where>.+) ORDER BY CreatedDate DESC LIMIT 50"
)
_LIKE = r"\(Subject LIKE '%(?P<like>(?:[^'\\]|\\.)*)%' OR CaseNumber = '(?:[^'\\]|\\.)*'\)"
_NUMBER = r"CaseNumber = '(?P<number>(?:[^'\\]|\\.)*)'"


class FakeSalesforceClient(FakeApp):
    """A connected app with the client credentials flow."""

    app_id = "salesforce"
    auth = "client_credentials"
    credentials = {"client_id": "3MVG9-desk", "client_secret": "not-a-real-secret"}
    tokens = ("00D-not-a-real-access-token",)
    settings = {"domain": "acme.my.salesforce.example", "api_version": "62.0"}
    account_id = "0055g00000AbCdEAAV"
    account = "desk@acme.example"
    site = "https://acme.my.salesforce.com"
    container = {"record_type_id": "012Hr000000abcdIAA"}
    statuses = ("New", "Closed")
    missing_field = "Reason"
    datasets = {"users": {}}
    rows = {"users": _USERS}

    def __init__(self) -> None:
        super().__init__()
        self.cases: dict[str, dict[str, Any]] = {}
        self.created = 0

    def routes(self) -> list[tuple[str, str, Handler]]:
        return [
            ("POST", "/services/oauth2/token", self.token),
            ("GET", "/services/oauth2/userinfo", self.user),
            ("GET", _DATA + "/", self.resources),
            ("GET", _DATA + "/query", self.query),
            ("GET", _DATA + "/query/{locator}", self.more),
            ("GET", _DATA + "/sobjects/Case/describe", self.describe),
            ("POST", _DATA + "/sobjects/Case", self.create),
            ("GET", _DATA + "/sobjects/Case/{id}", self.case),
            ("PATCH", _DATA + "/sobjects/Case/{id}", self.change),
        ]

    def connection_settings(self) -> dict[str, str]:
        return {**self.settings, "token_url": f"{self.url}/services/oauth2/token"}

    def open_route(self, request: web.Request) -> bool:
        return request.path == "/services/oauth2/token"

    def authorized(self, request: web.Request) -> bool:
        return request.headers.get("Authorization") == f"Bearer {self.tokens[0]}"

    def unauthorized(self, request: web.Request) -> web.Response:
        if request.path == "/services/oauth2/userinfo":
            return web.Response(status=403, text="Bad_OAuth_Token")
        return refused(401, "INVALID_SESSION_ID", "Session expired or invalid")

    def not_found(self, request: web.Request) -> web.Response:
        return refused(404, "NOT_FOUND", "The requested resource does not exist")

    def answer_fault(self, request: web.Request) -> web.Response | None:
        if self.open_route(request):
            return None
        # Who we are is told to those who may not use the API, too.
        if request.path != "/services/oauth2/userinfo":
            if self.fault is Fault.MISSING_PERMISSION:
                return refused(
                    403, "API_DISABLED_FOR_ORG", "The REST API is not enabled for this Organization."
                )
            if self.fault is Fault.RATE_LIMIT:
                return refused(403, "REQUEST_LIMIT_EXCEEDED", "TotalRequests Limit exceeded.")
        if self.fault is Fault.BROKEN_200:
            return web.Response(
                text="<html><head></head>We are down for maintenance</html>", content_type="text/html"
            )
        return None

    def forget(self) -> None:
        self.cases.clear()

    async def token(self, request: web.Request) -> web.Response:
        form = {name: str(value) for name, value in (await request.post()).items()}
        if (refusal := self.token_refusal(form)) is not None:
            return refusal
        return json(
            {
                "access_token": self.tokens[0], "instance_url": self.url, "token_type": "Bearer",
                "id": "https://login.salesforce.com/id/00D5g000004abcdEAA/0055g00000AbCdEAAV", "scope": "api openid",
                "signature": "c2lnbmVk", "issued_at": "1772440200000",
            }
        )  # fmt: skip

    def token_refusal(self, form: dict[str, str]) -> web.Response | None:
        if form.get("grant_type") != "client_credentials":
            return json(
                {"error": "unsupported_grant_type", "error_description": "grant type not supported"}, 400
            )
        if form.get("client_id") != self.credentials["client_id"]:
            refusal = {"error": "invalid_client_id", "error_description": "client identifier invalid"}
            return json(refusal, 400)
        if (
            self.fault is Fault.WRONG_CREDENTIALS
            or form.get("client_secret") != self.credentials["client_secret"]
        ):
            return json({"error": "invalid_client", "error_description": "invalid client credentials"}, 400)
        return None

    async def user(self, request: web.Request) -> web.Response:
        if request.query:
            return refused(400, "INVALID_QUERY_FILTER_OPERATOR", "unknown parameter")
        return json(
            {
                "sub": f"https://login.salesforce.com/id/00D5g000004abcdEAA/{self.account_id}",
                "user_id": self.account_id, "organization_id": "00D5g000004abcdEAA",
                "preferred_username": self.account, "name": "Desk", "email": "desk@acme.example", "active": True,
                "urls": {"custom_domain": self.site},
            }
        )  # fmt: skip

    async def resources(self, request: web.Request) -> web.Response:
        return json({"sobjects": _DATA + "/sobjects", "query": _DATA + "/query"})

    async def describe(self, request: web.Request) -> web.Response:
        return json({"name": "Case", "createable": True, "updateable": True, "fields": []})

    async def query(self, request: web.Request) -> web.Response:
        if set(request.query) != {"q"}:
            return refused(400, "MALFORMED_QUERY", "A query string has to be specified")
        text = request.query["q"]
        if text.startswith("SELECT ApiName, MasterLabel, IsClosed FROM CaseStatus"):
            every = [
                {"ApiName": name, "MasterLabel": name, "IsClosed": done} for name, done in _STATUSES.items()
            ]
            return json({"totalSize": len(every), "done": True, "records": every})
        if re.fullmatch(r"SELECT [A-Za-z., ]+ FROM User ORDER BY Username", text):
            return self._people(0)
        found = _CASES.fullmatch(text)
        if found is None or set(found["fields"].split(", ")) - _FIELDS:
            return refused(400, "MALFORMED_QUERY", f"unexpected token: {text}")
        return self._cases(found["where"])

    def _cases(self, where: str) -> web.Response:
        if like := re.fullmatch(_LIKE, where):
            wanted = re.sub(r"\\(.)", r"\1", like["like"]).casefold()
            found = [each for each in self.cases.values() if wanted in each["Subject"].casefold()]
        elif number := re.fullmatch(_NUMBER, where):
            found = [each for each in self.cases.values() if each["CaseNumber"] == number["number"]]
        else:
            return refused(400, "MALFORMED_QUERY", f"unexpected token: {where}")
        return json({"totalSize": len(found), "done": True, "records": list(reversed(found))})

    async def more(self, request: web.Request) -> web.Response:
        return self._people(int(request.match_info["locator"].rpartition("-")[2]))

    def _people(self, start: int) -> web.Response:
        every = [
            {
                "attributes": {"type": "User", "url": f"{_DATA}/sobjects/User/005{number}"},
                "Id": f"005{number:015}", "Username": f"person-{number:05}@acme.example", "Name": f"Person {number}",
                "Email": f"person-{number}@acme.example", "IsActive": number % 4 != 0, "UserType": "Standard",
                "Profile": {"attributes": {"type": "Profile"}, "Name": "System Administrator"},
                "LastLoginDate": "2026-02-27T08:00:00.000+0000" if number % 3 else None,
                "CreatedDate": "2025-01-07T10:00:00.000+0000",
            }
            for number in range(start, min(start + _PAGE, _USERS))
        ]  # fmt: skip
        done = start + _PAGE >= _USERS
        answer: dict[str, Any] = {"totalSize": _USERS, "done": done, "records": every}
        if not done:
            answer["nextRecordsUrl"] = f"{_DATA}/query/01g5g00000abcde-{start + _PAGE}"
        return json(answer)

    async def create(self, request: web.Request) -> web.Response:
        given, wrong = await self._body(request)
        if wrong is not None:
            return wrong
        if self.fault is Fault.MISSING_FIELD:
            said = "Required fields are missing: [Reason]"
            return refused(400, "REQUIRED_FIELD_MISSING", said, fields=["Reason"])
        self.created += 1
        known_as = f"5005g00000AbC{self.created:02}AAV"
        self.cases[known_as] = {
            "attributes": {"type": "Case", "url": f"{_DATA}/sobjects/Case/{known_as}"}, "Id": known_as,
            "CaseNumber": f"{1025 + self.created:08}", "Subject": None, "Description": None, "Status": "New",
            "LastModifiedDate": "2026-03-02T09:30:00.000+0000", **given,
        }  # fmt: skip
        self._close(known_as)
        return json({"id": known_as, "success": True, "errors": []}, 201)

    async def case(self, request: web.Request) -> web.Response:
        found = self.cases.get(request.match_info["id"])
        if found is None:
            return refused(
                404, "NOT_FOUND", "Provided external ID field does not exist or is not accessible: Id"
            )
        fields = request.query.get("fields", "").split(",")
        if set(request.query) - {"fields"} or set(fields) - _FIELDS:
            return refused(400, "INVALID_FIELD", "No such column on entity 'Case'")
        return json({name: found[name] for name in ("attributes", *fields)})

    async def change(self, request: web.Request) -> web.Response:
        known_as = request.match_info["id"]
        if known_as not in self.cases:
            return refused(404, "ENTITY_IS_DELETED", "entity is deleted")
        given, wrong = await self._body(request)
        if wrong is not None:
            return wrong
        self.cases[known_as].update(given)
        self._close(known_as)
        return web.Response(status=204)

    def _close(self, known_as: str) -> None:
        case = self.cases[known_as]
        case["IsClosed"] = _STATUSES[case["Status"]]

    async def _body(self, request: web.Request) -> tuple[dict[str, Any], web.Response | None]:
        if request.content_type != "application/json" or request.query:
            return {}, refused(415, "UNSUPPORTED_MEDIA_TYPE", "Content type not supported")
        given = await request.json()
        if strange := sorted(set(given) - _WRITABLE):
            return {}, refused(400, "INVALID_FIELD", f"No such column '{strange[0]}' on sobject of type Case")
        if given.get("Status", "New") not in _STATUSES:
            said = f"Status: bad value for restricted picklist field: {given['Status']}"
            return {}, refused(400, "INVALID_OR_NULL_FOR_RESTRICTED_PICKLIST", said, fields=["Status"])
        return given, None


class FakeSalesforceJwt(FakeSalesforceClient):
    """A connected app with a certificate, in the name of a user."""

    app_id = "salesforce"
    auth = "jwt_bearer"
    credentials = {
        "client_id": "3MVG9-desk",
        "username": "desk@acme.example",
        "audience": "https://login.salesforce.com",
        "private_key": PEM,
    }
    container = {}

    def token_refusal(self, form: dict[str, str]) -> web.Response | None:
        if form.get("grant_type") != "urn:ietf:params:oauth:grant-type:jwt-bearer":
            return json(
                {"error": "unsupported_grant_type", "error_description": "grant type not supported"}, 400
            )
        claims = claims_of(form.get("assertion", ""), "https://login.salesforce.com")
        if self.fault is Fault.WRONG_CREDENTIALS or claims is None or claims["iss"] != "3MVG9-desk":
            return json({"error": "invalid_grant", "error_description": "invalid assertion"}, 400)
        if claims["sub"] != "desk@acme.example" or claims["exp"] - claims["iat"] > 180:
            refusal = {"error": "invalid_grant", "error_description": "user hasn't approved this consumer"}
            return json(refusal, 400)
        return None


class FakeSalesforceUser(AuthorizationCode, FakeSalesforceClient):
    """A user who logged in. Salesforce keeps the refresh token unless the app says otherwise."""

    app_id = "salesforce"
    auth = "oauth"
    token_path = "/services/oauth2/code/token"
    rotates = False
    container = {}


def refused(status: int, code: str, message: str, **more: Any) -> web.Response:
    """Return a refusal in Salesforce's format: an array."""
    return json([{"message": message, "errorCode": code, **more}], status)
