"""A token endpoint for fakes of apps that an operator authorizes in a browser: what was granted is renewed."""

from __future__ import annotations

from datetime import timedelta
from typing import ClassVar

from aiohttp import web
from tests.connectors.apps.fake import FakeApp, Fault, Handler, json

from healthdesk.connectors.auth.tokens import Tokens
from healthdesk.testing.clock import START

_FIRST = "not-a-real-refresh-token-1"
_SECOND = "not-a-real-refresh-token-2"
_ACCESS = "not-a-real-access-token-2"


class AuthorizationCode(FakeApp):
    """Comes before the fake of the app among the bases. The access token that was granted has ended.

    A refresh token is good once, where `rotates`: using it again is an invalid grant.
    """

    auth = "oauth"
    tokens = (_FIRST, _SECOND, _ACCESS)
    token_path: ClassVar[str] = "/oauth/token"
    rotates: ClassVar[bool] = True
    datasets = {}

    def __init__(self) -> None:
        super().__init__()
        self.refresh_token = _FIRST

    def granted(self) -> Tokens:
        ended = START - timedelta(hours=1)
        return Tokens("not-a-real-access-token-1", ended, refresh_token=_FIRST, expires_at=ended)

    def routes(self) -> list[tuple[str, str, Handler]]:
        return [*super().routes(), ("POST", self.token_path, self.give_token)]

    def connection_settings(self) -> dict[str, str]:
        return {**super().connection_settings(), "token_url": self.url + self.token_path}

    def open_route(self, request: web.Request) -> bool:
        return request.path.endswith(self.token_path)

    def authorized(self, request: web.Request) -> bool:
        return request.headers.get("Authorization") == f"Bearer {_ACCESS}"

    def answer_fault(self, request: web.Request) -> web.Response | None:
        if not self.open_route(request):
            return super().answer_fault(request)
        self.requests.pop()
        if self.fault is not Fault.WRONG_CREDENTIALS:
            return None
        return json({"error": "invalid_grant", "error_description": "The token was revoked."}, 400)

    def said_by_client(self, request: web.Request, form: dict[str, str]) -> dict[str, str]:
        """Return id and secret of the client, taken out of the form; apps that want them in a header override it."""
        return {name: form.pop(name, "") for name in ("client_id", "client_secret")}

    async def give_token(self, request: web.Request) -> web.Response:
        given = {name: str(value) for name, value in (await request.post()).items()}
        known = {name: self.credentials[name] for name in ("client_id", "client_secret")}
        if self.said_by_client(request, given) != known:
            return json({"error": "invalid_client", "error_description": "Client authentication failed"}, 401)
        given.pop("scope", None)
        if given != {"grant_type": "refresh_token", "refresh_token": self.refresh_token}:
            return json({"error": "invalid_grant", "error_description": "Unknown refresh token."}, 400)
        answer = {"access_token": _ACCESS, "token_type": "Bearer", "expires_in": 3600}
        if self.rotates:
            self.refresh_token = answer["refresh_token"] = _SECOND
        return json(answer)
