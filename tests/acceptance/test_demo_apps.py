"""What befalls the demo's apps, and when; and that they answer so that the real connectors understand them."""

from __future__ import annotations

import hashlib
import hmac
import json
from datetime import UTC, datetime

import aiohttp
import pytest
from aiohttp import web

from healthdesk.demo.app_events import Hook, asana_event, signed
from healthdesk.demo.apps import AFTER_S, FIRST, GITLAB_DOWN_S, GITLAB_EVERY_S, NEW, Apps, breaks
from healthdesk.demo.export import Export

NOW = datetime(2026, 11, 22, 14, 0, tzinfo=UTC)


class Elapsed:
    """A clock that is set by hand."""

    def __init__(self) -> None:
        self.s = 100.0

    def __call__(self) -> float:
        return self.s


@pytest.mark.parametrize("app", ["slack", "jira", "export"])
def test_what_breaks_stays_broken(app):
    assert not breaks(app, AFTER_S[app] - 1)
    assert breaks(app, AFTER_S[app])
    assert breaks(app, AFTER_S[app] + 10_000)


def test_gitlab_comes_and_goes():
    down = [breaks("gitlab", AFTER_S["gitlab"] + turn * GITLAB_EVERY_S) for turn in range(3)]
    up = [breaks("gitlab", AFTER_S["gitlab"] + turn * GITLAB_EVERY_S + GITLAB_DOWN_S) for turn in range(3)]
    assert down == [True] * 3
    assert up == [False] * 3


@pytest.mark.parametrize("app", ["github", "asana"])
def test_others_never_break(app):
    apps = Apps()
    apps.break_all()
    assert not apps.broken(app)
    assert not breaks(app, 10_000)


def test_everything_of_the_story_shows_within_a_minute_and_a_half():
    assert max(AFTER_S.values()) <= 90


def test_repair_ends_the_story_until_it_begins_again():
    clock = Elapsed()
    apps = Apps(clock)
    assert not apps.broken("jira")
    apps.begin()
    clock.s += AFTER_S["jira"]
    assert apps.broken("jira")
    apps.repair()
    assert not apps.broken("jira")
    apps.begin()
    assert not apps.broken("jira")
    apps.break_all()
    assert apps.broken("jira")
    apps.begin()
    assert not apps.broken("jira")


async def answer(apps: Apps, method: str, path: str, headers: dict[str, str]) -> tuple[int, str]:
    """Ask a stand-in over loopback."""
    app = web.Application()
    app.add_routes(apps.routes())
    runner = web.AppRunner(app)
    await runner.setup()
    try:
        await web.TCPSite(runner, "127.0.0.1", 0).start()
        url = f"http://127.0.0.1:{runner.addresses[0][1]}{path}"
        async with (
            aiohttp.ClientSession() as http,
            http.request(method, url, headers=headers) as got,
        ):
            return got.status, await got.text()
    finally:
        await runner.cleanup()


async def test_slack_says_200_to_a_revoked_token_and_names_the_new_one():
    apps = Apps()
    apps.break_all()
    status, said = await answer(
        apps, "GET", "/slack/api/auth.test", {"Authorization": f"Bearer {FIRST['slack']}"}
    )
    assert status == 200
    assert json.loads(said)["error"] == "token_revoked"
    assert NEW["slack"] in said


async def test_jira_names_its_new_token_to_whoever_looks_at_the_refusal():
    apps = Apps()
    apps.break_all()
    status, said = await answer(apps, "GET", "/jira/rest/api/3/myself", {})
    assert status == 401
    assert NEW["jira"] in said


def test_asana_signs_the_body_and_names_a_task():
    body = asana_event("1200000000000042", NOW)
    headers = signed(Hook("http://desk", "asana", "s3cret"), "msg_1", body, NOW)
    assert headers["X-Hook-Signature"] == hmac.new(b"s3cret", body, hashlib.sha256).hexdigest()
    assert json.loads(body)["events"][0]["resource"]["gid"] == "1200000000000042"


async def test_export_pings_when_it_is_time_and_at_once_after_a_repair():
    apps, came = Apps(), []

    async def take(request: web.Request) -> web.Response:
        came.append(request.path)
        return web.Response(text="OK")

    app = web.Application()
    app.router.add_post("/v1/ping/{tail:.*}", take)
    runner = web.AppRunner(app)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    export = Export(f"http://127.0.0.1:{runner.addresses[0][1]}/v1/ping/token", apps)
    run = ["/v1/ping/token/start", "/v1/ping/token"]
    async with aiohttp.ClientSession() as http:
        for befalls, expected in ((None, run), (None, run), (apps.break_all, run), (apps.repair, run * 2)):
            if befalls is not None:
                befalls()
            await export.turn(http)
            assert came == expected
    await runner.cleanup()
