"""What forms need to know: how an app signs, what to register there, and how other credentials differ."""

from __future__ import annotations

from pathlib import Path

from tests.integration.http_desk import http_desk
from tests.integration.trying_desk import OTHER, Github, add, with_token


async def test_apps_tell_what_to_register_before_a_browser_and_how_their_callbacks_are_signed(
    tmp_path: Path,
) -> None:
    async with http_desk(tmp_path) as desk:
        apps = {app["id"]: app for app in await desk.ok("GET", "/v1/apps")}
    methods = {method["id"]: method for method in apps["github"]["auth"]}
    assert methods["oauth"]["redirect_url"].endswith("/v1/oauth/callback")
    assert methods["token"]["redirect_url"] == methods["device"]["redirect_url"] == ""
    assert apps["github"]["callbacks"]["scheme"] == "github"
    assert apps["hubspot"]["callbacks"]["header"] == "X-HubSpot-Signature-v3"
    assert apps["aws"]["callbacks"] is None


async def test_other_credentials_are_told_old_and_new(tmp_path: Path) -> None:
    async with http_desk(tmp_path) as desk, Github() as github:
        made = await add(desk, github)
        answer = await desk.call("POST", f"/v1/connections/{made['id']}/credentials", with_token(OTHER))
    assert answer.status == 409
    (change,) = answer.json["changes"]
    assert (change["what"], change["before"], change["after"]) == (
        "account",
        "octocat (583231)",
        "hubot (480938)",
    )
