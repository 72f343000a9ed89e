"""ServiceNow's Table API as its reference has it: encoded queries, fields, display values, pages by Link."""

from __future__ import annotations

import re
from base64 import b64encode
from typing import Any

from aiohttp import web
from tests.connectors.apps.client_credentials import ClientCredentials
from tests.connectors.apps.fake import FakeApp, Fault, Handler, body_of, json, unknown

_USERS = 1203
_ME = "6816f79cc0a8016401c5a33be04be441"
_STATES = {"1": "New", "2": "In Progress", "6": "Resolved", "7": "Closed"}
_PARAMETERS = (
    "sysparm_query", "sysparm_display_value", "sysparm_exclude_reference_link", "sysparm_fields", "sysparm_limit",
    "sysparm_offset", "sysparm_view", "sysparm_suppress_pagination_header", "sysparm_input_display_value",
)  # fmt: skip
_COLUMNS = {
    "incident": {
        "sys_id", "number", "short_description", "description", "state", "active", "due_date", "assigned_to",
        "sys_updated_on", "close_code", "close_notes",
    },
    "sys_user": {
        "sys_id", "user_name", "name", "email", "title", "active", "locked_out", "last_login_time",
        "web_service_access_only", "sys_created_on", "company.name",
    },
    "sys_choice": {"value", "label", "name", "element", "inactive", "language", "sequence"},
    "sys_user_has_role": {
        "sys_id", "user.user_name", "user.name", "role.name", "inherited", "granted_by.name", "state", "user.active",
    },
}  # fmt: skip
_CONDITION = re.compile(r"(ORDERBYDESC|ORDERBY|OR)?([a-z_.]+)(?:(=|LIKE)(.*))?", re.DOTALL)

Row = dict[str, str]


class FakeServicenow(FakeApp):
    app_id = "servicenow"
    auth = "basic"
    credentials = {"username": "desk.integration", "password": "not-a-real-password"}
    settings = {"instance": "acme"}
    account_id = _ME
    account = "Desk Integration"
    retry_after_s = 120.0
    container = {"table": "incident"}
    statuses = ("1", "7")
    missing_field = "Risk level"
    assignee = "User 0004"
    due = True
    datasets = {"users": {"filter": "active=true"}, "user_roles": {}}
    rows = {"users": _USERS, "user_roles": 700}

    def __init__(self) -> None:
        super().__init__()
        people = [_person(number) for number in range(_USERS)]
        states = list(_STATES.items())
        self.tables: dict[str, list[Row]] = {
            "incident": [],
            "sys_user": people,
            "sys_choice": [
                {"value": value, "label": label, "name": "incident", "element": "state", "inactive": "false"}
                | {"language": "en", "sequence": str(number)}
                for number, (value, label) in enumerate(states)
            ],
            "sys_user_has_role": [_role(number) for number in range(700)],
        }

    def routes(self) -> list[tuple[str, str, Handler]]:
        return [
            ("GET", "/api/now/table/{table}", self.list),
            ("POST", "/api/now/table/{table}", self.create),
            ("GET", "/api/now/table/{table}/{sys_id}", self.record),
            ("PATCH", "/api/now/table/{table}/{sys_id}", self.change),
        ]

    def authorized(self, request: web.Request) -> bool:
        pair = f"{self.credentials['username']}:{self.credentials['password']}"
        return request.headers.get("Authorization") == "Basic " + b64encode(pair.encode()).decode()

    def unauthorized(self, request: web.Request) -> web.Response:
        return _error(401, "User Not Authenticated", "Required to provide Auth information")

    def not_found(self, request: web.Request) -> web.Response:
        return _error(400, "Requested URI does not represent any resource", request.path)

    def answer_fault(self, request: web.Request) -> web.Response | None:
        match self.fault:
            case Fault.WRONG_CREDENTIALS:
                return self.unauthorized(request)
            case Fault.MISSING_PERMISSION:
                return _error(403, "User Not Authorized", "Failed API level ACL Validation")
            case Fault.RATE_LIMIT:
                headers = {
                    "Retry-After": "120", "X-RateLimit-Limit": "100", "X-RateLimit-Reset": "1772447400",
                    "X-RateLimit-Rule": "ab34",
                }  # fmt: skip
                said = {"message": "Rate limit exceeded", "detail": "Too many requests"}
                return json({"error": said}, 429, headers)
            case Fault.BROKEN_200:
                page = "<html><title>Instance Hibernating page</title>Your instance is hibernating</html>"
                return web.Response(text=page, content_type="text/html")
        return None

    def forget(self) -> None:
        self.tables["incident"].clear()

    async def list(self, request: web.Request) -> web.Response:
        table = request.match_info["table"]
        if wrong := self._wrong(request, table):
            return wrong
        found = _queried(self.tables[table], request.query.get("sysparm_query", ""))
        if found is None:
            return _error(400, "Invalid query", request.query["sysparm_query"])
        limit, start = (
            int(request.query.get(name, default))
            for name, default in (("sysparm_limit", "10000"), ("sysparm_offset", "0"))
        )
        headers = {"X-Total-Count": str(len(found))}
        if start + limit < len(found):
            following = request.url.update_query(sysparm_offset=str(start + limit))
            headers["Link"] = f'<{following}>;rel="next"'
        rows = [self._shown(request, row) for row in found[start : start + limit]]
        return json({"result": rows}, headers=headers)

    def _wrong(self, request: web.Request, table: str) -> web.Response | None:
        if names := unknown(request, *_PARAMETERS):
            return _error(400, "Invalid parameter", names[0])
        if table not in self.tables:
            return _error(400, f"Invalid table {table}", None)
        for name in filter(None, request.query.get("sysparm_fields", "").split(",")):
            if name not in _COLUMNS[table]:
                return _error(400, "Invalid field", name)
        return None

    def _shown(self, request: web.Request, row: Row) -> dict[str, Any]:
        """Return a row as `sysparm_fields` and `sysparm_display_value` want it."""
        names = [each for each in request.query.get("sysparm_fields", "").split(",") if each] or list(row)
        if request.query.get("sysparm_display_value") != "all":
            return {name: row.get(name, "") for name in names}
        return {
            name: {"display_value": self._display(name, row.get(name, "")), "value": row.get(name, "")}
            for name in names
        }

    def _display(self, name: str, value: str) -> str:
        if name == "state":
            return _STATES.get(value, value)
        if name == "assigned_to":
            return next((each["name"] for each in self.tables["sys_user"] if each["sys_id"] == value), "")
        return value

    async def create(self, request: web.Request) -> web.Response:
        table, body = request.match_info["table"], await body_of(request)
        if wrong := self._wrong(request, table) or _refused(table, body):
            return wrong
        assert body is not None
        if self.fault is Fault.MISSING_FIELD:
            detail = "Data Policy Exception:\n \nThe following fields are mandatory: Risk level"
            return _error(403, "Operation Failed", detail)
        number = len(self.tables[table])
        row = {"sys_id": f"{number:032x}", "number": f"INC{number:07}", "state": "1", "active": "true"}
        self.tables[table].append(row)
        return json({"result": self._shown(request, _written(row, body))}, 201)

    def _row(self, request: web.Request) -> Row | None:
        rows = self.tables.get(request.match_info["table"], [])
        return next((row for row in rows if row["sys_id"] == request.match_info["sys_id"]), None)

    async def record(self, request: web.Request) -> web.Response:
        if wrong := self._wrong(request, request.match_info["table"]):
            return wrong
        row = self._row(request)
        return json({"result": self._shown(request, row)}) if row else _no_record()

    async def change(self, request: web.Request) -> web.Response:
        table, body = request.match_info["table"], await body_of(request)
        if wrong := self._wrong(request, table) or _refused(table, body):
            return wrong
        assert body is not None
        row = self._row(request)
        return json({"result": self._shown(request, _written(row, body))}) if row else _no_record()


class FakeServicenowKey(FakeServicenow):
    """The same with a REST API key: who it belongs to is asked for otherwise."""

    auth = "api_key"
    credentials = {"api_key": "now_not-a-real-key"}
    datasets = {}

    def authorized(self, request: web.Request) -> bool:
        return request.headers.get("x-sn-apikey") == self.credentials["api_key"]


def _person(number: int) -> Row:
    name = f"User {number:04}"
    row = {
        "sys_id": f"5137153cc611227c000bbd1bd8cd{number:04}", "user_name": f"user.{number:04}", "name": name,
        "email": f"user.{number:04}@acme.test", "title": "Auditor", "active": "true", "locked_out": "false",
        "last_login_time": "2026-02-27 08:11:00", "web_service_access_only": "false",
        "sys_created_on": "2025-01-07 10:00:00",
    }  # fmt: skip
    if number == 0:
        row |= {"sys_id": _ME, "user_name": "desk.integration", "name": "Desk Integration"}
    return row


def _role(number: int) -> Row:
    return {
        "sys_id": f"{number:032}", "user.user_name": f"user.{number:04}", "user.name": f"User {number:04}",
        "role.name": "itil", "inherited": "false", "granted_by.name": "Service Desk" if number % 2 else "",
        "state": "active", "user.active": "true",
    }  # fmt: skip


def _queried(rows: list[Row], query: str) -> list[Row] | None:
    """Return the rows of an encoded query; None for one that is none."""
    kept, order = list(rows), ""
    found: list[Row] = []
    anded: list[Row] = kept
    for condition in re.split(r"(?<!\^)\^(?!\^)", query) if query else []:
        read = _CONDITION.fullmatch(condition)
        if read is None:
            return None
        joined, name, operator, value = read.groups()
        if (joined or "").startswith("ORDERBY"):
            order = name
            continue
        wanted = (value or "").replace("^^", "^").lower()
        wanted = _ME if wanted == "javascript:gs.getuserid()" else wanted
        matching = [
            row
            for row in (kept if joined == "OR" else anded)
            if (
                wanted in row.get(name, "").lower()
                if operator == "LIKE"
                else row.get(name, "").lower() == wanted
            )
        ]
        anded = [*anded, *(row for row in matching if row not in anded)] if joined == "OR" else matching
    found = anded
    return sorted(found, key=lambda row: row.get(order, "")) if order else found


def _written(row: Row, body: dict[str, Any]) -> Row:
    row |= {name: str(value) for name, value in body.items()}
    row["active"] = "false" if row["state"] == "7" else "true"
    row["sys_updated_on"] = "2026-03-02 09:30:00"
    return row


def _refused(table: str, body: dict[str, Any] | None) -> web.Response | None:
    if body is None:
        return _error(400, "Exception while reading request", "The payload is not valid JSON")
    for name, value in body.items():
        # the real one leaves out what it does not know; here that would hide a mistake
        if name not in _COLUMNS[table] or not isinstance(value, str):
            return _error(400, "Invalid field", name)
    due = body.get("due_date", "")
    if due and not re.fullmatch(r"\d{4}-\d\d-\d\d \d\d:\d\d:\d\d", due):
        return _error(400, "Invalid date", due)
    return None


def _no_record() -> web.Response:
    return _error(404, "No Record found", "Record doesn't exist or ACL restricts the record retrieval")


def _error(status: int, message: str, detail: str | None) -> web.Response:
    return json({"error": {"message": message, "detail": detail}, "status": "failure"}, status)


class FakeServicenowClient(ClientCredentials, FakeServicenow):
    """With OAuth client credentials."""

    auth = "client_credentials"
    token_path = "/oauth_token.do"
    scope = ""
    datasets = {}
