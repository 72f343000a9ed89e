"""The screen, a daemon process and an app: connecting GitHub as an operator does, with a wrong token first."""

from __future__ import annotations

from datetime import UTC

from healthdesk.tui.app import HealthdeskApp
from healthdesk.tui.screens.connections import ConnectionsScreen
from healthdesk.tui.screens.dialog import Question
from healthdesk.tui.screens.forms import Form
from tests.harness.desk import temporary_desk
from tests.harness.operator import Operator
from tests.integration.trying_desk import OTHER, TOKEN, WRONG, Github


async def test_github_is_connected_through_the_screen_and_its_credentials_replaced_and_put_back() -> None:
    async with temporary_desk() as desk, Github() as github, desk.client() as client:
        github.ends = ""
        app = HealthdeskApp(client, tz=UTC)
        async with app.run_test(size=(160, 45)) as pilot:
            operator = Operator(app, pilot)
            await operator.sees("No connections yet")
            await pilot.press("n")
            await operator.sees("type to filter")
            await pilot.press(*"github", "enter")
            await operator.sees("Personal access token")
            await pilot.press("enter")
            await operator.is_on(Form)

            await operator.enter("token/token", WRONG)
            await operator.enter("base_url", github.url)
            await pilot.press("ctrl+s")
            await operator.sees("GitHub refused the token: Bad credentials.")
            await operator.sees("At fault: the credential")
            assert (await client.connections_list()).items == []

            await operator.enter("token/token", TOKEN)
            await pilot.press("ctrl+s")
            await operator.is_on(ConnectionsScreen)
            await operator.sees("octocat")
            (made,) = (await client.connections_list()).items
            assert (made.app, made.name, made.state) == ("github", "GitHub · octocat", "connected")
            assert made.base_url == github.url

            await pilot.press("u")
            await operator.sees("Update credentials")
            await operator.enter("token/token", OTHER)
            await pilot.press("ctrl+s")
            await operator.is_on(Question)
            await operator.sees("hubot (480938)")
            assert (await client.connection(made.id)).account == "octocat", "nothing was changed yet"
            await pilot.press("right", "enter")
            await operator.is_on(ConnectionsScreen)
            await operator.sees("hubot")

            await pilot.press("B")
            await operator.sees("Put back the previous credentials")
            await pilot.press("right", "enter")
            await operator.is_on(ConnectionsScreen)
            await operator.sees("octocat")
            assert (await client.connection(made.id)).account == "octocat"
    assert not any(secret in desk.log for secret in (TOKEN, OTHER, WRONG))
