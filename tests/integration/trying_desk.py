"""A desk, and a GitHub with several tokens, for tests of credentials that are tried before they are saved."""

from __future__ import annotations

import asyncio
from typing import Any

from aiohttp import web
from tests.connectors.apps.fake import json
from tests.connectors.apps.fake_github import FakeGithub
from tests.integration.http_desk import HttpDesk

TOKEN = "not-a-real-token-octocat"
SAME = "not-a-real-token-octocat-again"
LESS = "not-a-real-token-octocat-less"
OTHER = "not-a-real-token-of-hubot"
WRONG = "not-a-real-token-wrong"


class Github(FakeGithub):
    """Knows accounts by their tokens: (id, login, scopes). A token can be revoked, and answers can be held up."""

    def __init__(self) -> None:
        super().__init__()
        self.tokens = {
            TOKEN: (583231, "octocat", "repo, read:org"),
            SAME: (583231, "octocat", "repo, read:org"),
            LESS: (583231, "octocat", "read:org"),
            OTHER: (480938, "hubot", "repo, read:org"),
        }
        self.ends = "2026-04-20 12:00:00 UTC"
        self.held: set[str] = set()
        """Tokens whose answers wait until the door is open."""
        self.door = asyncio.Event()
        self.asked = asyncio.Event()
        """One of them came."""

    def _token(self, request: web.Request) -> str:
        return request.headers.get("Authorization", "").removeprefix("Bearer ")

    def authorized(self, request: web.Request) -> bool:
        return self._token(request) in self.tokens

    async def user(self, request: web.Request) -> web.Response:
        token = self._token(request)
        number, login, scopes = self.tokens[token]
        if token in self.held:
            self.asked.set()
            await self.door.wait()
        headers = {"X-OAuth-Scopes": scopes}
        if self.ends:
            headers["GitHub-Authentication-Token-Expiration"] = self.ends
        return json({"login": login, "id": number, "type": "User"}, headers=headers)


def with_token(token: str, **more: Any) -> dict[str, Any]:
    """Return new credentials, as the API takes them."""
    return {"credentials": {"auth": "token", "fields": {"token": token}}, **more}


async def add(desk: HttpDesk, github: Github, token: str = TOKEN, **more: Any) -> dict[str, Any]:
    """Add a connection to GitHub, which has to work."""
    body = {"app": "github", "base_url": github.url, **with_token(token), **more}
    made: dict[str, Any] = await desk.ok("POST", "/v1/connections", body)
    return made


async def checks(desk: HttpDesk, connection: dict[str, Any]) -> list[dict[str, Any]]:
    """Return the checks of a connection, newest first."""
    page = await desk.ok("GET", f"/v1/connections/{connection['id']}/heartbeats")
    return list(page["items"])


async def works(desk: HttpDesk, connection: dict[str, Any]) -> bool:
    """Check a connection with the credentials it has, and tell whether it is well."""
    checked = await desk.ok("POST", f"/v1/connections/{connection['id']}/check")
    return checked["state"] == "connected"


async def done(desk: HttpDesk) -> list[str]:
    """Return the verbs of the activity log, oldest first."""
    page = await desk.ok("GET", "/v1/activity")
    return [entry["verb"] for entry in reversed(page["items"])]
