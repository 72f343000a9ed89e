"""Small stand-ins for five apps, as much of each as its connector's heartbeat asks, and what befalls them.

Addresses, answers and refusals are those of the apps (the manifests in `connectors/builtin` name the sources). What
comes after "Demo:" in a refusal is for whoever watches.
"""

from __future__ import annotations

import secrets
import time
from base64 import b64encode
from collections.abc import Callable
from datetime import UTC, datetime, timedelta

import aiohttp
from aiohttp import web

from healthdesk.connectors.handshakes import SECRET_HEADER
from healthdesk.demo.app_events import Hook
from healthdesk.demo.issues import GithubIssues, JiraIssues

JIRA_EMAIL = "olivia@acme.example"
FIRST = {
    "github": "demo-github-token",
    "gitlab": "demo-gitlab-token",
    "jira": "demo-jira-token-1",
    "asana": "demo-asana-token",
    "slack": "xoxb-demo-1",
}
"""The tokens that the desk is set up with."""

NEW = {"jira": "demo-jira-token-2", "slack": "xoxb-demo-2"}
"""Those that are good once the first ones are revoked."""

GITHUB_TOKEN_LASTS = timedelta(days=6, hours=2)
AFTER_S = {"slack": 15.0, "gitlab": 30.0, "jira": 60.0, "export": 5.0, "repository": 25.0}
"""When, in the living demo, what breaks: Slack's and Jira's tokens are revoked, GitLab fails, the export stops, and
somebody removes a repository at GitHub (and an issue with it)."""

GITLAB_EVERY_S, GITLAB_DOWN_S = 120.0, 20.0
"""GitLab comes and goes: how often, and how long it is down (longer than a check interval of the demo)."""


def breaks(app: str, elapsed_s: float) -> bool:
    """Tell whether an app is broken so long after the living demo's story began."""
    after_s = elapsed_s - AFTER_S.get(app, float("inf"))
    if after_s < 0:
        return False
    return app != "gitlab" or after_s % GITLAB_EVERY_S < GITLAB_DOWN_S


class Apps:
    """GitHub, GitLab, Jira Cloud, Asana and Slack. They are well until the story begins or all is broken at once."""

    def __init__(self, clock: Callable[[], float] = time.monotonic, now: datetime | None = None) -> None:
        self.asana_hook: Hook | None = None
        self._clock = clock
        self._began: float | None = None
        self._all_broken = False
        ends = (now or datetime.now(UTC)) + GITHUB_TOKEN_LASTS
        self._github_ends = ends.strftime("%Y-%m-%d %H:%M:%S UTC")
        self.website = GithubIssues(self._github, lambda: self.broken("repository"))
        self.ops = JiraIssues(self._jira)

    def begin(self) -> None:
        """Let things break in turn from now on."""
        self._began, self._all_broken = self._clock(), False

    def repair(self) -> None:
        """Make everything well, and the first tokens good again."""
        self._began, self._all_broken = None, False

    def break_all(self) -> None:
        """Break everything that can break, at once."""
        self._all_broken = True

    def broken(self, app: str) -> bool:
        """Tell whether an app is broken now."""
        if self._all_broken:
            return app in AFTER_S
        return self._began is not None and breaks(app, self._clock() - self._began)

    def routes(self) -> list[web.RouteDef]:
        """The routes of all five, each below a prefix of its own."""
        return [
            web.get("/github/user", self.github_user),
            web.get("/gitlab/api/v4/user", self.gitlab_user),
            web.get("/gitlab/api/v4/personal_access_tokens/self", self.gitlab_token),
            web.get("/jira/rest/api/3/myself", self.jira_myself),
            web.get("/jira/rest/api/3/serverInfo", self.jira_server),
            web.get("/asana/api/1.0/users/me", self.asana_me),
            web.post("/asana/api/1.0/webhooks", self.asana_webhook),
            web.get("/slack/api/auth.test", self.slack_test),
            *self.website.routes("/github"),
            *self.ops.routes("/jira"),
        ]

    async def github_user(self, request: web.Request) -> web.Response:
        """Answer whose the token is, what it may do and when it ends."""
        if (refusal := self._github(request)) is not None:
            return refusal
        told = {
            "X-OAuth-Scopes": "repo, read:org",
            "GitHub-Authentication-Token-Expiration": self._github_ends,
            "X-RateLimit-Remaining": "4990",
        }
        return web.json_response({"id": 583231, "login": "acme-bot", "type": "User"}, headers=told)

    def _github(self, request: web.Request) -> web.Response | None:
        if self._bearer(request, "github"):
            return None
        return web.json_response({"message": "Bad credentials", "status": "401"}, status=401)

    async def gitlab_user(self, request: web.Request) -> web.Response:
        """Answer whose the token is."""
        return self._gitlab(request) or web.json_response({"id": 1042, "username": "desk-bot"})

    async def gitlab_token(self, request: web.Request) -> web.Response:
        """Answer what the token may do, and no end: that is GitHub's part here."""
        token = {"id": 4, "name": "desk", "scopes": ["api"], "active": True, "expires_at": None}
        return self._gitlab(request) or web.json_response(token)

    def _gitlab(self, request: web.Request) -> web.Response | None:
        if self.broken("gitlab"):
            return web.json_response({"message": "503 Service Unavailable"}, status=503)
        if request.headers.get("PRIVATE-TOKEN") != FIRST["gitlab"]:
            return web.json_response({"message": "401 Unauthorized"}, status=401)
        return None

    async def jira_myself(self, request: web.Request) -> web.Response:
        """Answer whose the token is, or that it is not good any more."""
        who = {"accountId": "5b10ac8d82e05b22cc7d4ef5", "displayName": "Olivia Ops", "active": True}
        return self._jira(request) or web.json_response(who)

    async def jira_server(self, request: web.Request) -> web.Response:
        """Answer which site this is."""
        site = {"baseUrl": "https://acme.atlassian.net", "deploymentType": "Cloud"}
        return self._jira(request) or web.json_response(site)

    def _jira(self, request: web.Request) -> web.Response | None:
        pairs = (f"{JIRA_EMAIL}:{token}".encode() for token in self._good("jira"))
        if request.headers.get("Authorization") in {f"Basic {b64encode(pair).decode()}" for pair in pairs}:
            return None
        said = (
            "Client must be authenticated to access this resource."
            f" Demo: the token was revoked, the new one is {NEW['jira']}"
        )
        return web.Response(status=401, text=said, headers={"X-Seraph-LoginReason": "AUTHENTICATED_FAILED"})

    async def asana_me(self, request: web.Request) -> web.Response:
        """Answer whose the token is."""
        if not self._bearer(request, "asana"):
            return _asana_error(401, "Not Authorized")
        user = {"gid": "1200000000000000", "name": "Desk", "workspaces": [{"gid": "1", "name": "Acme"}]}
        return web.json_response({"data": user})

    async def asana_webhook(self, request: web.Request) -> web.Response:
        """Make a webhook: its target is handed a secret at once, and has to give it back."""
        if not self._bearer(request, "asana"):
            return _asana_error(401, "Not Authorized")
        wanted = (await request.json())["data"]
        secret = secrets.token_hex(32)
        async with (
            aiohttp.ClientSession(timeout=aiohttp.ClientTimeout(total=10)) as http,
            http.post(wanted["target"], headers={SECRET_HEADER: secret}) as answer,
        ):
            if answer.status >= 300 or answer.headers.get(SECRET_HEADER) != secret:
                return _asana_error(400, f"The target did not shake hands: {answer.status}")
        self.asana_hook = Hook(wanted["target"], "asana", secret)
        return web.json_response({"data": {"gid": "1208000000000001", "active": True}}, status=201)

    async def slack_test(self, request: web.Request) -> web.Response:
        """Answer 200, as Slack does to a token that is not good any more, too."""
        given = request.headers.get("Authorization", "").removeprefix("Bearer ")
        if given not in self._good("slack"):
            said = {"ok": False, "error": "token_revoked", "demo": f"the new token is {NEW['slack']}"}
            return web.json_response(said)
        who = {"ok": True, "team": "Acme", "user": "healthdesk", "user_id": "U0123456789"}
        return web.json_response(who, headers={"x-oauth-scopes": "chat:write,users:read"})

    def _good(self, app: str) -> set[str]:
        return {NEW[app]} if self.broken(app) else {FIRST[app], NEW[app]}

    def _bearer(self, request: web.Request, app: str) -> bool:
        return request.headers.get("Authorization") == f"Bearer {FIRST[app]}"


def _asana_error(status: int, message: str) -> web.Response:
    return web.json_response({"errors": [{"message": message}]}, status=status)
