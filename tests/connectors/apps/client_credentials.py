"""A token endpoint for fakes of apps whose method of authentication is OAuth client credentials (RFC 6749, 4.4)."""

from __future__ import annotations

from typing import ClassVar

from aiohttp import web
from tests.connectors.apps.fake import FakeApp, Fault, Handler, json


class ClientCredentials(FakeApp):
    """Comes before the fake of the app among the bases. `scope` is what the desk has to ask for."""

    credentials = {"client_id": "desk-client", "client_secret": "not-a-real-client-secret"}
    tokens = ("not-a-real-access-token-0123456789",)
    token_path: ClassVar[str]
    scope: ClassVar[str]

    def routes(self) -> list[tuple[str, str, Handler]]:
        return [*super().routes(), ("POST", self.token_path, self.give_token)]

    def connection_settings(self) -> dict[str, str]:
        return {**super().connection_settings(), "token_url": self.url + self.token_path}

    def open_route(self, request: web.Request) -> bool:
        return request.path.endswith(self.token_path)

    def authorized(self, request: web.Request) -> bool:
        return request.headers.get("Authorization") == f"Bearer {self.tokens[0]}"

    def answer_fault(self, request: web.Request) -> web.Response | None:
        if not self.open_route(request):
            return super().answer_fault(request)
        self.requests.pop()
        return _no_client() if self.fault is Fault.WRONG_CREDENTIALS else None

    async def give_token(self, request: web.Request) -> web.Response:
        given = {name: str(value) for name, value in (await request.post()).items()}
        known = {name: self.credentials[name] for name in ("client_id", "client_secret")}
        if {name: given.pop(name, "") for name in known} != known:
            return _no_client()
        wanted = {"grant_type": "client_credentials", "scope": self.scope}
        if given != {name: value for name, value in wanted.items() if value}:
            return json({"error": "invalid_request", "error_description": f"not {sorted(given)}"}, 400)
        return json(
            {"access_token": self.tokens[0], "token_type": "Bearer", "expires_in": 3599, "scope": self.scope}
        )


def _no_client() -> web.Response:
    return json({"error": "invalid_client", "error_description": "Client authentication failed"}, 401)
