"""Two daemons with one connection, over HTTP to a token endpoint that forgets everything when an old token comes."""

from __future__ import annotations

import asyncio
from ipaddress import ip_network
from pathlib import Path

import pytest
from aiohttp import web
from aiohttp.test_utils import TestServer

from healthdesk.connectors.app import App
from healthdesk.connectors.auth import StoredCredentials
from healthdesk.connectors.auth.build import build_authorizer
from healthdesk.connectors.auth.tokens import Tokens
from healthdesk.connectors.outgoing import NotAuthorized, Outgoing
from healthdesk.connectors.session import GuardedSession
from healthdesk.connectors.spec import Manifest
from healthdesk.engine.tokens import StoredTokens
from healthdesk.key_file import create_key_file
from healthdesk.vault import Vault
from tests.store.world import World

ROUNDS = 6
MANIFEST = Manifest.model_validate(
    {
        "id": "strict",
        "name": "Strict",
        "auth": [
            {
                "id": "browser",
                "name": "A browser",
                "type": "oauth2_code",
                "oauth": {"authorize_url": "{site}/authorize", "token_url": "{site}/token"},
            }
        ],
    }
)


class StrictServer:
    """Access tokens are good until the next one; a refresh token that comes twice ends the grant."""

    def __init__(self) -> None:
        self.number = 0
        self.ended = False
        self.down = 0
        self.asked = 0

    @property
    def access(self) -> str:
        return f"access-{self.number}"

    async def token(self, request: web.Request) -> web.Response:
        self.asked += 1
        form = await request.post()
        if self.down:
            self.down -= 1
            return web.Response(status=503)
        if self.ended or form["refresh_token"] != f"refresh-{self.number}":
            self.ended = True
            return web.json_response({"error": "invalid_grant"}, status=400)
        self.number += 1
        return web.json_response(
            {"access_token": self.access, "refresh_token": f"refresh-{self.number}", "expires_in": 3600}
        )


@pytest.fixture
async def strict():
    server = StrictServer()
    app = web.Application()
    app.router.add_post("/token", server.token)
    async with TestServer(app, host="127.0.0.1") as running:
        server.url = str(running.make_url("/")).rstrip("/")
        yield server


@pytest.fixture
async def session(clock):
    async with GuardedSession([ip_network("127.0.0.0/8")], clock=clock) as opened:
        yield opened


@pytest.fixture
async def daemons(world: World, url, opened, clock, session, strict, tmp_path):
    """Authorizers of the same connection in two daemons, two in each: as after a change of its settings."""
    create_key_file(tmp_path / "key")
    vault = Vault.open(tmp_path / "key")
    credentials = StoredCredentials(
        "browser", {}, tokens=Tokens("access-0", clock.now(), "refresh-0", clock.now())
    )
    two = await opened(url, "dmn_two")
    return [
        build_authorizer(
            App(MANIFEST, Path()),
            "browser",
            credentials.values,
            {"site": strict.url},
            session=session,
            clock=clock,
            tokens=StoredTokens(store, vault, clock, world.connection_id, credentials),
        )
        for store in (world.store, two, world.store, two)
    ]


async def authorization(authorizer) -> str:
    sent = await authorizer.authorize(Outgoing("GET", "http://127.0.0.1/"))
    return sent.headers["Authorization"]


async def test_daemons_that_renew_at_once_all_have_the_newest_token(daemons, strict, clock):
    for _ in range(ROUNDS):
        clock.advance(3601)
        before = strict.number
        waiting = [asyncio.create_task(authorization(each)) for each in daemons]
        while not all(task.done() for task in waiting):
            await asyncio.wait(waiting, timeout=0.02)
            if clock.sleepers:
                # Those who wait for another's renewal look again when the clock moves.
                clock.advance(0.5)
        assert {task.result() for task in waiting} == {f"Bearer {strict.access}"}
        assert strict.number == before + 1
    assert not strict.ended
    assert strict.asked == ROUNDS


async def test_an_outage_in_the_middle_ends_nothing(daemons, strict, clock):
    strict.down = 2
    clock.advance(3601)
    for each in daemons[:2]:
        with pytest.raises(NotAuthorized) as caught:
            await authorization(each)
        assert not caught.value.failure.permanent
    assert await authorization(daemons[0]) == "Bearer access-1"
    assert await authorization(daemons[1]) == "Bearer access-1"
    assert not strict.ended


async def test_a_grant_that_was_ended_is_asked_for_twice_by_all_together(daemons, strict, clock):
    strict.ended = True
    clock.advance(3601)
    for _ in range(3):
        for each in daemons:
            with pytest.raises(NotAuthorized) as caught:
                await authorization(each)
            assert caught.value.failure.permanent
    assert strict.asked == 2
