"""Trello's REST API 1 as its OpenAPI document has it: every parameter in the query, refusals in plain text.

The document has ids of 24 digits in every place, and one name where other APIs take a list of them (`fields` of members
and tokens). Trello itself also knows a board by the short id in its address, but for a search.
"""

from __future__ import annotations

from typing import Any

from aiohttp import web
from tests.connectors.apps.authorization_code import AuthorizationCode
from tests.connectors.apps.fake import FakeApp, Fault, Handler, json, unknown

_BOARD, _SHORT = "5abbe4b7ddc1b351ef961000", "3tsqIRgQ"
_MEMBER_FIELDS = ("id",)
_TOKEN_FIELDS = ("identifier", "idMember", "dateCreated", "dateExpires", "permissions")
_TODO, _DONE = "5abbe4b7ddc1b351ef961414", "5abbe4b7ddc1b351ef961415"
_LISTS = {_TODO: "To do", _DONE: "Done"}
_CARD = {
    "name", "desc", "pos", "due", "start", "dueComplete", "idList", "idMembers", "idLabels", "urlSource", "fileSource",
    "mimeType", "idCardSource", "keepFromSource", "address", "locationName", "coordinates", "cardRole",
}  # fmt: skip
_MEMBERS = [
    {"id": f"5abbe4b7ddc1b351ef97{number:04}", "fullName": f"Member {number}", "username": f"member{number}"}
    for number in range(1, 8)
]


def _said(status: int, text: str) -> web.Response:
    return web.Response(status=status, text=text, content_type="text/plain")


class FakeTrello(FakeApp):
    app_id = "trello"
    auth = "token"
    credentials = {"key": "0123456789abcdef0123456789abcdef", "token": "ATTAnotARealOne" + "0123456789" * 5}
    base_path = "/1"
    account_id = "5abbe4b7ddc1b351ef961301"
    account = "Ada Lovelace"
    scopes = ("Board:write", "Member:read", "Organization:write")
    expires = "2026-12-31T23:59:59+00:00"
    container = {"board": _BOARD, "list": _TODO}
    statuses = (_TODO, _DONE)
    assignee = "Member 3"
    due = True
    datasets = {"board_members": {"board": _BOARD}}
    rows = {"board_members": len(_MEMBERS)}

    def __init__(self) -> None:
        super().__init__()
        self.cards: dict[str, dict[str, Any]] = {}

    def routes(self) -> list[tuple[str, str, Handler]]:
        return [
            ("GET", "/members/me", self.me),
            ("GET", "/tokens/{token}", self.token),
            ("GET", "/boards/{board}", self.board),
            ("GET", "/boards/{board}/lists", self.lists),
            ("GET", "/boards/{board}/members", self.members),
            ("GET", "/boards/{board}/memberships", self.memberships),
            ("POST", "/cards", self.create),
            ("GET", "/cards/{id}", self.card),
            ("PUT", "/cards/{id}", self.change),
            ("GET", "/search", self.search),
        ]

    def authorized(self, request: web.Request) -> bool:
        return all(request.query.get(name) == value for name, value in self.credentials.items())

    def unauthorized(self, request: web.Request) -> web.Response:
        return _said(
            401, "invalid token" if request.query.get("key") == self.credentials["key"] else "invalid key"
        )

    def not_found(self, request: web.Request) -> web.Response:
        return web.Response(
            status=404, text=f"<pre>Cannot {request.method} {request.path}</pre>", content_type="text/html"
        )

    def answer_fault(self, request: web.Request) -> web.Response | None:
        match self.fault:
            case Fault.WRONG_CREDENTIALS:
                return _said(401, "invalid token")
            case Fault.MISSING_PERMISSION:
                return _said(401, "unauthorized permission requested")
            case Fault.RATE_LIMIT:
                return json({"error": "API_TOKEN_LIMIT_EXCEEDED", "message": "Rate limit exceeded"}, 429)
            case Fault.BROKEN_200:
                return web.Response(text="<!DOCTYPE html><title>Trello</title>", content_type="text/html")
        return None

    def forget(self) -> None:
        self.cards.clear()

    async def me(self, request: web.Request) -> web.Response:
        if wrong := _refused(request, "fields", "boards", "cards", "organizations", "tokens"):
            return wrong
        if wrong := _not_one_of(request, "fields", _MEMBER_FIELDS):
            return wrong
        return json(
            {
                "id": self.account_id,
                "username": "ada",
                "fullName": self.account,
                "url": "https://trello.com/ada",
            }
        )

    async def token(self, request: web.Request) -> web.Response:
        if wrong := _refused(request, "fields", "webhooks") or _not_one_of(request, "fields", _TOKEN_FIELDS):
            return wrong
        if request.match_info["token"] != self.credentials["token"]:
            return _said(404, "token not found")
        return json(
            {
                "id": "5abbe4b7ddc1b351ef961399",
                "dateExpires": "2026-12-31T23:59:59.000Z",
                "permissions": [
                    {"idModel": "*", "modelType": "Board", "read": True, "write": True},
                    {"idModel": "*", "modelType": "Organization", "read": True, "write": True},
                    {"idModel": self.account_id, "modelType": "Member", "read": True, "write": False},
                ],
            }
        )

    async def board(self, request: web.Request) -> web.Response:
        return _refused(request, "fields") or _no_board(request) or json({"id": _BOARD})

    async def lists(self, request: web.Request) -> web.Response:
        if wrong := _refused(request, "cards", "card_fields", "filter", "fields") or _no_board(request):
            return wrong
        return json([{"id": each, "name": name, "pos": at} for at, (each, name) in enumerate(_LISTS.items())])

    async def members(self, request: web.Request) -> web.Response:
        return _refused(request) or _no_board(request) or json(_MEMBERS)

    async def memberships(self, request: web.Request) -> web.Response:
        known = ("filter", "activity", "orgMemberType", "member", "member_fields")
        if wrong := _refused(request, *known) or _no_board(request):
            return wrong
        if wrong := _not_one_of(request, "member_fields", _MEMBER_FIELDS):
            return wrong
        return json(
            [
                {
                    "id": f"5abbe4b7ddc1b351ef98{number:04}",
                    "idMember": member["id"],
                    "memberType": "admin" if number == 0 else "normal",
                    "unconfirmed": False,
                    "deactivated": number == 2,
                    "member": member,
                }
                for number, member in enumerate(_MEMBERS)
            ]
        )

    async def create(self, request: web.Request) -> web.Response:
        if wrong := _refused(request, *_CARD):
            return wrong
        if request.query.get("idList") not in _LISTS:
            return _said(400, "invalid value for idList")
        number = len(self.cards) + 1
        card = {
            "id": f"5abbe4b7ddc1b351ef99{number:04}",
            "shortLink": f"short{number:03}",
            "url": f"https://trello.com/c/short{number:03}/{number}-rotate",
            "shortUrl": f"https://trello.com/c/short{number:03}",
            "name": "",
            "desc": "",
            "due": None,
            "dueComplete": False,
            "closed": False,
        }
        self.cards[card["id"]] = card
        return json(self._changed(card, request))

    def _changed(self, card: dict[str, Any], request: web.Request) -> dict[str, Any]:
        given = request.query
        card |= {name: given[name] for name in ("name", "desc", "idList") if name in given}
        if "due" in given:
            card["due"] = f"{given['due'][:10]}T00:00:00.000Z"
        if "idMembers" in given:
            card["idMembers"] = given["idMembers"].split(",")
        card["dateLastActivity"] = "2026-03-02T09:30:00.000Z"
        return card

    async def card(self, request: web.Request) -> web.Response:
        known = (
            "fields", "actions", "attachments", "attachment_fields", "members", "member_fields", "membersVoted",
            "memberVoted_fields", "checkItemStates", "checklists", "checklist_fields", "board", "board_fields", "list",
            "pluginData", "stickers", "sticker_fields", "customFieldItems",
        )  # fmt: skip
        if wrong := _refused(request, *known):
            return wrong
        card = self._found(request)
        return _said(404, "The requested resource was not found.") if card is None else json(_with_list(card))

    async def change(self, request: web.Request) -> web.Response:
        if wrong := _refused(
            request, *_CARD - {"urlSource", "idCardSource"}, "closed", "idBoard", "subscribed", "cover"
        ):
            return wrong
        card = self._found(request)
        if card is None:
            return _said(404, "The requested resource was not found.")
        if request.query.get("idList", _TODO) not in _LISTS:
            return _said(400, "invalid value for idList")
        return json(self._changed(card, request))

    async def search(self, request: web.Request) -> web.Response:
        known = (
            "query", "idBoards", "idOrganizations", "idCards", "modelTypes", "board_fields", "boards_limit",
            "board_organization", "card_fields", "cards_limit", "cards_page", "card_board", "card_list", "card_members",
            "card_stickers", "card_attachments", "organization_fields", "organizations_limit", "member_fields",
            "members_limit", "partial",
        )  # fmt: skip
        if wrong := _refused(request, *known):
            return wrong
        if request.query["idBoards"] != _BOARD:
            return _said(400, "invalid value for idBoards")
        text = request.query["query"].lower()
        found = [_with_list(each) for each in self.cards.values() if text in each["name"].lower()]
        return json({"options": {"terms": []}, "cards": found})

    def _found(self, request: web.Request) -> dict[str, Any] | None:
        wanted = request.match_info["id"]
        return next((each for each in self.cards.values() if wanted in (each["id"], each["shortLink"])), None)


def _refused(request: web.Request, *known: str) -> web.Response | None:
    """Return the refusal of a parameter that the operation does not have, or of a body."""
    if wrong := unknown(request, "key", "token", *known):
        return _said(400, f"unknown parameter {wrong[0]}")
    return _said(400, "no body here") if request.can_read_body else None


def _not_one_of(request: web.Request, name: str, values: tuple[str, ...]) -> web.Response | None:
    return None if request.query.get(name, values[0]) in values else _said(400, f"invalid value for {name}")


def _no_board(request: web.Request) -> web.Response | None:
    return (
        None
        if request.match_info["board"] in (_BOARD, _SHORT)
        else _said(404, "The requested resource was not found.")
    )


def _with_list(card: dict[str, Any]) -> dict[str, Any]:
    members = [each for each in _MEMBERS if each["id"] in card.get("idMembers", [])]
    return {**card, "list": {"id": card["idList"], "name": _LISTS[card["idList"]]}, "members": members}


class FakeTrelloOAuth(AuthorizationCode, FakeTrello):
    """An application that a member allowed to act for them: there is no API key, and no token in an address."""

    credentials = {"client_id": "desk-client", "client_secret": "not-a-real-client-secret"}
    scopes = None
    expires = None
