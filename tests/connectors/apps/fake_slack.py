"""Slack's Web API as its OpenAPI document has it: 200 to everything, `ok` tells; messages, reactions, users."""

from __future__ import annotations

from typing import Any

from aiohttp import web
from tests.connectors.apps.authorization_code import AuthorizationCode
from tests.connectors.apps.fake import FakeApp, Fault, Handler, json

CHANNEL = "C0123456789"
_USERS = 201
_PAGE = 200


class FakeSlack(FakeApp):
    app_id = "slack"
    auth = "bot_token"
    credentials = {"token": "xoxb-not-a-real-one"}
    base_path = "/api"
    account_id = "U0123456789"
    account = "healthdesk"
    site = "Acme"
    scopes = ("chat:write", "channels:history", "reactions:write", "users:read")
    retry_after_s = 30.0
    container = {"channel": CHANNEL}
    statuses = ("open", "done")
    datasets = {"users": {}}
    rows = {"users": _USERS}

    def __init__(self) -> None:
        super().__init__()
        self.messages: dict[str, dict[str, Any]] = {}
        self.posted = 0

    def routes(self) -> list[tuple[str, str, Handler]]:
        return [
            ("GET", "/auth.test", self.test),
            ("GET", "/users.list", self.users),
            ("GET", "/conversations.info", self.channel),
            ("GET", "/conversations.history", self.history),
            ("POST", "/chat.postMessage", self.post),
            ("POST", "/chat.update", self.update),
            ("POST", "/reactions.add", self.add),
            ("POST", "/reactions.remove", self.remove),
        ]

    def authorized(self, request: web.Request) -> bool:
        """Want both: what Slack reads, and what its document calls a required parameter."""
        token = self.credentials["token"]
        return (
            request.headers.get("Authorization") == f"Bearer {token}"
            and request.headers.get("token") == token
        )

    def unauthorized(self, request: web.Request) -> web.Response:
        return refused("invalid_auth" if "Authorization" in request.headers else "not_authed")

    def not_found(self, request: web.Request) -> web.Response:
        return refused("unknown_method")

    def answer_fault(self, request: web.Request) -> web.Response | None:
        match self.fault:
            case Fault.WRONG_CREDENTIALS:
                return refused("token_revoked")
            case Fault.MISSING_PERMISSION:
                return refused("missing_scope", needed="chat:write", provided="identify")
            case Fault.RATE_LIMIT:
                return json({"ok": False, "error": "ratelimited"}, 429, {"Retry-After": "30"})
            case Fault.BROKEN_200:
                return web.Response(text="<!DOCTYPE html><html>Slack</html>", content_type="text/html")
        return None

    def forget(self) -> None:
        self.messages.clear()

    async def test(self, request: web.Request) -> web.Response:
        if wrong := unknown_parameters(request):
            return wrong
        answer = {
            "ok": True, "url": "https://acme.slack.com/", "team": "Acme", "user": "healthdesk",
            "team_id": "T0123456789", "user_id": self.account_id, "bot_id": "B0123456789",
            "is_enterprise_install": False,
        }  # fmt: skip
        return json(answer, headers={"x-oauth-scopes": ",".join(self.scopes or ())})

    async def users(self, request: web.Request) -> web.Response:
        if wrong := unknown_parameters(request, "token", "limit", "cursor", "include_locale"):
            return wrong
        every = [
            {
                "id": f"U{number:010}", "name": f"person-{number}", "deleted": number % 9 == 0,
                "real_name": f"Person {number}", "is_admin": number == 1, "is_owner": number == 0,
                "is_bot": number % 10 == 4, "has_2fa": number % 2 == 0, "updated": 1772000000,
                "profile": {"real_name": f"Person {number}", "email": f"person-{number}@acme.example"},
            }
            for number in range(_USERS)
        ]  # fmt: skip
        shown, cursor = page(request, every)
        return json(
            {
                "ok": True,
                "members": shown,
                "cache_ts": 1772000000,
                "response_metadata": {"next_cursor": cursor},
            }
        )

    async def channel(self, request: web.Request) -> web.Response:
        known = ("token", "channel", "include_locale", "include_num_members")
        if wrong := unknown_parameters(request, *known) or self._elsewhere(request.query.get("channel")):
            return wrong
        return json({"ok": True, "channel": {"id": CHANNEL, "name": "desk", "is_member": True}})

    async def history(self, request: web.Request) -> web.Response:
        known = ("token", "channel", "latest", "oldest", "inclusive", "limit", "cursor")
        if wrong := unknown_parameters(request, *known) or self._elsewhere(request.query.get("channel")):
            return wrong
        oldest, latest = request.query.get("oldest", "0"), request.query.get("latest", "9")
        found = [each for ts, each in self.messages.items() if oldest <= ts <= latest]
        shown, cursor = page(request, list(reversed(found)))
        answer = {"ok": True, "messages": shown, "has_more": bool(cursor), "pin_count": 0}
        return json({**answer, "response_metadata": {"next_cursor": cursor}} if cursor else answer)

    async def post(self, request: web.Request) -> web.Response:
        known = {
            "as_user", "attachments", "blocks", "channel", "icon_emoji", "icon_url", "link_names", "mrkdwn", "parse",
            "reply_broadcast", "text", "thread_ts", "unfurl_links", "unfurl_media", "username",
        }  # fmt: skip
        form, wrong = await self._form(request, known)
        if wrong is not None:
            return wrong
        if not form.get("text"):
            return refused("no_text")
        self.posted += 1
        ts = f"17720000{self.posted:02}.000100"
        message = {"type": "message", "ts": ts, "text": form["text"], "bot_id": "B0123456789"}
        self.messages[ts] = message
        return json({"ok": True, "channel": CHANNEL, "ts": ts, "message": message})

    async def update(self, request: web.Request) -> web.Response:
        known = {"as_user", "attachments", "blocks", "channel", "link_names", "parse", "text", "ts"}
        form, wrong = await self._form(request, known)
        message = self.messages.get(form.get("ts", ""))
        if wrong is not None or message is None:
            return wrong or refused("message_not_found")
        message.update(text=form["text"], edited={"user": self.account_id, "ts": form["ts"]})
        return json(
            {"ok": True, "channel": CHANNEL, "ts": form["ts"], "text": form["text"], "message": message}
        )

    async def add(self, request: web.Request) -> web.Response:
        form, wrong = await self._form(request, {"channel", "name", "timestamp"})
        message = self.messages.get(form.get("timestamp", ""))
        if wrong is not None or message is None:
            return wrong or refused("message_not_found")
        reactions = message.setdefault("reactions", [])
        if any(each["name"] == form["name"] for each in reactions):
            return refused("already_reacted")
        reactions.append({"name": form["name"], "users": [self.account_id], "count": 1})
        return json({"ok": True})

    async def remove(self, request: web.Request) -> web.Response:
        known = {"channel", "name", "timestamp", "file", "file_comment"}
        form, wrong = await self._form(request, known)
        message = self.messages.get(form.get("timestamp", ""))
        if wrong is not None or message is None:
            return wrong or refused("message_not_found")
        before = message.get("reactions", [])
        message["reactions"] = [each for each in before if each["name"] != form["name"]]
        return json({"ok": True}) if len(before) > len(message["reactions"]) else refused("no_reaction")

    async def _form(
        self, request: web.Request, known: set[str]
    ) -> tuple[dict[str, str], web.Response | None]:
        if request.content_type != "application/x-www-form-urlencoded":
            return {}, refused("invalid_post_type")
        form = {name: str(value) for name, value in (await request.post()).items()}
        if set(form) - known:
            return form, refused("invalid_arg_name")
        return form, unknown_parameters(request) or self._elsewhere(form.get("channel"))

    def _elsewhere(self, channel: str | None) -> web.Response | None:
        return None if channel == CHANNEL else refused("channel_not_found")


class FakeSlackInstalled(AuthorizationCode, FakeSlack):
    """The app installed by OAuth, with token rotation."""

    app_id = "slack"
    credentials = {"client_id": "1042.1", "client_secret": "not-a-real-client-secret"}
    token_path = "/oauth.v2.access"
    container = {}

    def authorized(self, request: web.Request) -> bool:
        bearer = request.headers.get("Authorization", "")
        return super().authorized(request) and bearer == f"Bearer {request.headers.get('token')}"


def refused(error: str, **more: str) -> web.Response:
    """Return a refusal in Slack's format: with 200."""
    return json({"ok": False, "error": error, **more})


def unknown_parameters(request: web.Request, *known: str) -> web.Response | None:
    """Refuse parameters that the method does not have."""
    return refused("invalid_arg_name") if set(request.query) - set(known) else None


def page(request: web.Request, every: list[Any]) -> tuple[list[Any], str]:
    """Return a page and the cursor of the next one, which is empty on the last."""
    size = min(int(request.query.get("limit", "100")), _PAGE)
    start = int(request.query.get("cursor", "c0").removeprefix("c"))
    return every[start : start + size], f"c{start + size}" if start + size < len(every) else ""
