"""monday.com's GraphQL API: the part of its schema (2026-07) that the desk uses; refusals come with status 200."""

from __future__ import annotations

import json as plain_json
from typing import Any

from aiohttp import web
from tests.connectors.apps.fake import FakeApp, Fault, Handler, body_of, json
from tests.connectors.apps.graphql import Refused, Schema, read_operation

SCHEMA = Schema("""
type Query {
  me: User
  users(ids: [ID!], emails: [String!], name: String, limit: Int, page: Int): [User]
  boards(ids: [ID!], limit: Int, page: Int): [Board]
  items(ids: [ID!], limit: Int, page: Int, exclude_nonactive: Boolean): [Item]
}
type Mutation {
  create_item(
    board_id: ID!, group_id: String, item_name: String!, column_values: JSON, create_labels_if_missing: Boolean
  ): Item
  change_multiple_column_values(
    board_id: ID!, item_id: ID, column_values: JSON!, create_labels_if_missing: Boolean
  ): Item
  change_simple_column_value(
    board_id: ID!, item_id: ID, column_id: String!, value: String, create_labels_if_missing: Boolean
  ): Item
}
type User {
  id: ID! name: String! email: String! kind: UserKind! status: UserStatus! created_at: ISO8601DateTime
  last_activity: Date account: Account!
}
type Account { id: ID! name: String! slug: String! }
type Board {
  id: ID! name: String! state: State! owners: [User]! subscribers: [User]! columns(ids: [String]): [Column]
  items_page(limit: Int!, cursor: String, query_params: ItemsQuery): ItemsResponse!
}
type Column { id: ID! title: String! type: ColumnType! settings_str: String! }
type ItemsResponse { cursor: String items: [Item!]! }
type Item {
  id: ID! name: String! url: String! updated_at: Date state: State column_values(ids: [String!]): [ColumnValue!]!
}
type ColumnValue { id: ID! text: String value: JSON type: ColumnType! }
type StatusValue { id: ID! text: String is_done: Boolean label: String index: Int }
input ItemsQuery { rules: [ItemsQueryRule!] operator: ItemsQueryOperator }
input ItemsQueryRule { column_id: ID! compare_value: CompareValue! operator: ItemsQueryRuleOperator }
""")

_BOARD = "1234567890"
_COLUMNS = {"status": "status", "long_text": "long_text", "date4": "date", "person": "people", "name": "name"}
_SETTINGS = {
    "labels": {"0": "Working on it", "1": "Done", "2": "Stuck", "5": ""},
    "done_colors": [1],
    "labels_positions_v2": {"0": 0, "1": 2, "2": 1, "5": 3},
}
_USERS = 101


def _error(code: str, message: str, status_code: int, status: int = 200, **more: Any) -> web.Response:
    extensions = {"code": code, "status_code": status_code, "error_data": {}, **more}
    errors = [{"message": message, "path": ["me"], "extensions": extensions}]
    return json({"data": None, "errors": errors, "account_id": 77}, status)


class FakeMonday(FakeApp):
    app_id = "monday"
    auth = "api_token"
    credentials = {"api_token": "not-a-real-token.0123456789.abcdef"}
    account_id = "4012689"
    account = "ada@example.com"
    site = "acme.monday.com"
    retry_after_s = 23.0
    container = {
        "board": _BOARD,
        "description_column": "long_text",
        "due_column": "date4",
        "person_column": "person",
    }
    statuses = ("Working on it", "Done")
    assignee = "User 9"
    due = True
    missing_field = "Risk level"
    datasets = {"users": {}, "board_members": {"board": _BOARD}}
    rows = {"users": _USERS, "board_members": 4}

    def __init__(self) -> None:
        super().__init__()
        self.made: dict[str, dict[str, Any]] = {}

    def routes(self) -> list[tuple[str, str, Handler]]:
        return [("POST", "/v2", self.graphql)]

    def authorized(self, request: web.Request) -> bool:
        return request.headers.get("Authorization") == self.credentials["api_token"]

    def unauthorized(self, request: web.Request) -> web.Response:
        return json({"errors": ["Not Authenticated"]}, 401)

    def not_found(self, request: web.Request) -> web.Response:
        return web.Response(status=404, text="<html>Not found</html>", content_type="text/html")

    def answer_fault(self, request: web.Request) -> web.Response | None:
        match self.fault:
            case Fault.WRONG_CREDENTIALS:
                return self.unauthorized(request)
            case Fault.MISSING_PERMISSION:
                return _error("UserUnauthorizedException", "User unauthorized to perform action", 403)
            case Fault.RATE_LIMIT:
                said = "Complexity budget exhausted, query cost 30001 budget remaining 19986 out of 1000000"
                return _error("ComplexityException", said, 429, retry_in_seconds=23, complexity=30_001)
            case Fault.BROKEN_200:
                return json({"data": {"me": None}, "account_id": 77})
        return None

    def forget(self) -> None:
        self.made.clear()

    async def graphql(self, request: web.Request) -> web.Response:
        body = await body_of(request)
        if body is None or request.headers.get("API-Version") != "2026-07":
            return json({"errors": [{"message": "Bad request"}]}, 400)
        try:
            operation = read_operation(body["query"])
            if operation.kind == "query":
                self.requests[-1] = ("QUERY", request.path_qs)
            resolvers = {
                "me": lambda: self.user(0),
                "users": self.users,
                "boards": self.boards,
                "items": self.items,
                "create_item": self.create_item,
                "change_multiple_column_values": self.change_values,
                "change_simple_column_value": self.change_value,
            }
            return json(
                {"data": SCHEMA.execute(operation, body.get("variables") or {}, resolvers), "account_id": 77}
            )
        except Refused as refused:
            return _error("GRAPHQL_VALIDATION_FAILED", str(refused), 400, 400)
        except LookupError as missing:
            return _error("ResourceNotFoundException", f"{missing.args[0]} not found", 404)
        except ValueError as wrong:
            return _error(*wrong.args)

    def user(self, number: int) -> dict[str, Any]:
        return {
            "id": str(int(self.account_id) + number),
            "name": f"User {number}" if number else "Ada",
            "email": f"user{number}@example.com" if number else self.account,
            "kind": "ADMIN" if number == 1 else "MEMBER",
            "status": "ACTIVE" if number % 9 else "INACTIVE",
            "created_at": "2025-01-01T00:00:00Z",
            "last_activity": "2026-03-01" if number % 2 else None,
            "account": {"id": "77", "name": "Acme", "slug": "acme"},
        }

    def users(
        self, name: str = "", emails: list[str] | None = None, limit: int = 25, page: int = 1
    ) -> list[dict[str, Any]]:
        every = [self.user(number) for number in range(1, _USERS + 1)]
        if name or emails is not None:
            every = [
                each
                for each in every
                if (name and name.lower() in each["name"].lower()) or each["email"] in (emails or [])
            ]
        return every[(page - 1) * limit : page * limit]

    def boards(self, ids: list[str] | None = None) -> list[dict[str, Any]]:
        if ids != [_BOARD]:
            return []
        return [
            {
                "id": _BOARD,
                "name": "Audit",
                "state": "active",
                "owners": [self.user(1)],
                "subscribers": [self.user(number) for number in (1, 2, 3)],
                "columns": lambda ids=None: [
                    {"id": name, "title": name, "type": kind, "settings_str": plain_json.dumps(_SETTINGS)}
                    for name, kind in _COLUMNS.items()
                    if ids is None or name in ids
                ],
                "items_page": self.items_page,
            }
        ]

    def items_page(self, limit: int = 25, query_params: dict[str, Any] | None = None) -> dict[str, Any]:
        [rule] = (query_params or {})["rules"]
        assert (rule["column_id"], rule["operator"]) == ("name", "contains_text")
        found = [
            each for each in self.made.values() if rule["compare_value"][0].lower() in each["name"].lower()
        ]
        return {"cursor": None, "items": found[:limit]}

    def items(self, ids: list[str], exclude_nonactive: bool = False) -> list[dict[str, Any]]:
        return [self.made[each] for each in ids if each in self.made]

    def create_item(
        self, board_id: str, item_name: str, group_id: str = "topics", column_values: str = "{}"
    ) -> dict[str, Any]:
        if board_id != _BOARD:
            raise LookupError("Board")
        if self.fault is Fault.MISSING_FIELD:
            raise ValueError("requiredColumnMissing", "The required column Risk level has no value", 400)
        number = str(5_000_000_000 + len(self.made))
        values: dict[str, str] = {}
        self.made[number] = {
            "id": number,
            "name": item_name,
            "url": f"https://acme.monday.com/boards/{_BOARD}/pulses/{number}",
            "updated_at": "2026-03-02T09:30:00Z",
            "state": "active",
            "values": values,
            "column_values": lambda ids=None: [
                _column(name, values) for name in _COLUMNS if name in (ids or _COLUMNS)
            ],
        }
        return self.change_values(board_id, column_values, number)

    def change_values(self, board_id: str, column_values: str, item_id: str) -> dict[str, Any]:
        for name, value in plain_json.loads(column_values).items():
            self.change_value(board_id, name, item_id, value)
        return self.made[item_id]

    def change_value(self, board_id: str, column_id: str, item_id: str, value: str) -> dict[str, Any]:
        if item_id not in self.made or board_id != _BOARD:
            raise LookupError("Item")
        item = self.made[item_id]
        if column_id not in _COLUMNS:
            raise ValueError("InvalidColumnIdException", "This column ID doesn't exist for the board", 200)
        if column_id == "status" and value not in _SETTINGS["labels"].values():
            raise ValueError("ColumnValueException", f"The status label '{value}' does not exist", 200)
        if column_id == "name":
            item["name"] = value
        else:
            item["values"][column_id] = value
        return item


def _column(name: str, values: dict[str, str]) -> dict[str, Any]:
    text = values.get(name, "")
    column = {"id": name, "type": _COLUMNS[name], "text": text}
    if name == "person" and text:
        column["text"] = f"User {int(text) - 4_012_689}"
    if name == "status":
        column |= {"__on": "StatusValue", "is_done": text == "Done", "label": text, "text": text or None}
    return column
