"""An app of a few lines that people authorize in a browser, with refresh tokens that are good once."""

from __future__ import annotations

from pathlib import Path
from typing import Any, Self

from aiohttp import web
from aiohttp.test_utils import TestServer
from tests.integration.http_desk import HttpDesk

MANIFEST = """
id = "authapp"
name = "Auth & App"
base_url = "{site}/api"

[[fields]]
key = "site"
label = "Site"

[[auth]]
id = "browser"
name = "A browser"
type = "oauth2_code"

[auth.oauth]
authorize_url = "{site}/authorize"
token_url = "{site}/token"
scopes = ["read"]

[[auth.fields]]
key = "client_id"
label = "Client ID"

[[auth.fields]]
key = "client_secret"
label = "Client secret"
secret = true

[[auth]]
id = "device"
name = "A code"
type = "oauth2_device"

[auth.oauth]
device_url = "{site}/device"
token_url = "{site}/token"

[[auth.fields]]
key = "client_id"
label = "Client ID"

[[auth]]
id = "key"
name = "A key"
headers = { Authorization = "Key {key}" }

[[auth.fields]]
key = "key"
label = "Key"
secret = true

[[heartbeat]]
request = { path = "/me" }
identity = { account_id = "id", account = "name" }
"""
FIELDS = {"client_id": "desk", "client_secret": "not-a-real-c1ient-secret"}


class AuthApp:
    """The app on 127.0.0.1. `script` are the next answers of its token endpoint; without one it gives tokens."""

    def __init__(self) -> None:
        self.script: list[tuple[int, dict[str, Any]]] = []
        self.forms: list[dict[str, str]] = []
        self.number = 0
        self.refresh_token = ""

    async def __aenter__(self) -> Self:
        app = web.Application()
        app.router.add_post("/token", self._token)
        app.router.add_post("/device", self._device)
        app.router.add_get("/api/me", self._me)
        self._server = TestServer(app, host="127.0.0.1")
        await self._server.start_server()
        return self

    async def __aexit__(self, *exc_info: object) -> None:
        await self._server.close()

    @property
    def url(self) -> str:
        return str(self._server.make_url("/")).rstrip("/")

    async def _token(self, request: web.Request) -> web.Response:
        form = {name: str(value) for name, value in (await request.post()).items()}
        self.forms.append(form)
        if self.script:
            status, body = self.script.pop(0)
            return web.json_response(body, status=status)
        if form["grant_type"] == "refresh_token" and form["refresh_token"] != self.refresh_token:
            return web.json_response({"error": "invalid_grant"}, status=400)
        self.number += 1
        self.refresh_token = f"not-a-real-refresh-{self.number}"
        return web.json_response(
            {"access_token": self.access_token, "refresh_token": self.refresh_token, "expires_in": 3600}
        )

    @property
    def access_token(self) -> str:
        return f"not-a-real-access-{self.number}"

    async def _device(self, _request: web.Request) -> web.Response:
        return web.json_response(
            {
                "device_code": "not-a-real-device-code",
                "user_code": "WDJB-MJHT",
                "verification_uri": f"{self.url}/enter",
                "interval": 5,
                "expires_in": 600,
            }
        )

    async def _me(self, request: web.Request) -> web.Response:
        if request.headers.get("Authorization") != f"Bearer {self.access_token}":
            return web.json_response({"message": "who are you?"}, status=401)
        return web.json_response({"id": "u1", "name": "Ada"})


def install(desk: HttpDesk, folder: Path) -> None:
    """Make the app known to the desk, as a folder of the config does."""
    place = folder / "authapp"
    place.mkdir()
    (place / "manifest.toml").write_text(MANIFEST, encoding="utf-8")
    desk.engine.ctx.apps.add_folder(place)


def asked(app: AuthApp, **more: Any) -> dict[str, Any]:
    """Return what an operator asks for."""
    return {"app": "authapp", "auth": "browser", "fields": FIELDS, "settings": {"site": app.url}, **more}
