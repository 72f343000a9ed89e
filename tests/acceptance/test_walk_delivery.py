"""The third document, walked: testing, sample data, notifications, logs and resending, at the screen and by commands.

The receiver is built on `standardwebhooks`: what it cannot verify it answers 400, and nothing of these walks is.
"""

from __future__ import annotations

import contextlib
import json
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path

import aiohttp
import pytest
from aiohttp import web
from standardwebhooks import Webhook, WebhookVerificationError

from healthdesk.api.records import RecordFilter
from healthdesk.domain.states import Environment, RecordState
from healthdesk.tui.screens.dialog import Question
from healthdesk.tui.screens.fix import FixScreen
from healthdesk.tui.screens.forms import Form
from healthdesk.tui.screens.integration import IntegrationScreen
from healthdesk.tui.screens.log import LogScreen
from healthdesk.tui.screens.menu import ActionsMenu
from healthdesk.tui.screens.reading import ReadingPage
from healthdesk.tui.screens.record import RecordScreen
from healthdesk.tui.screens.samples import SampleDialog
from tests.acceptance.walking import Walk, lines_with, until, walking
from tests.harness.sinks import Chat, serving

LEVELS = ("low", "moderate", "high")
TOKEN = "token-1234567890-abcd"


@dataclass
class Crm:
    """An endpoint with a path for each environment: it verifies, wants a bearer token, and a field where it says so."""

    secrets: dict[str, str] = field(default_factory=dict)
    seen: dict[str, list[tuple[dict[str, str], dict[str, object]]]] = field(
        default_factory=lambda: {"live": [], "test": []}
    )
    wants: str = ""
    refuses: dict[object, tuple[int, str]] = field(default_factory=dict)
    """Status and message for records with such a score."""
    unverified: int = 0

    async def handle(self, request: web.Request) -> web.Response:
        name = request.match_info["environment"]
        body = await request.read()
        if request.headers.get("Authorization") != f"Bearer {TOKEN}":
            return web.json_response({"message": "token expired"}, status=401)
        try:
            data = Webhook(self.secrets[name]).verify(body, dict(request.headers))
        except WebhookVerificationError:
            self.unverified += 1
            return web.json_response({"message": "signature"}, status=400)
        if data.get("score") in self.refuses:
            status, message = self.refuses[data["score"]]
            return web.json_response({"message": message}, status=status)
        if self.wants and self.wants not in data:
            errors = {self.wants: ["is required"]}
            return web.json_response({"message": f"{self.wants} is required", "errors": errors}, status=422)
        self.seen[name].append(({key.lower(): value for key, value in request.headers.items()}, data))
        return web.json_response({"status": "stored"}, status=201)


@dataclass
class Set:
    """What a walk works with."""

    walk: Walk
    crm: Crm
    chat: Chat
    base_url: str
    integration: str = ""
    key: str = ""

    async def post(
        self, *, source: str = "heart", level: str | None = "high", days_ago: int = 0, **data: object
    ) -> str:
        """Complete an assessment; return the record's id."""
        body = {
            "source": source,
            "level": level,
            "completed_at": (datetime.now(UTC) - timedelta(days=days_ago)).isoformat(),
            "data": {"participant_id": "P-1", "score": 71, **data},
        }
        headers = {"Authorization": f"Bearer {self.key}"}
        url = f"{self.walk.desk.url}/v1/records/{self.integration}"
        async with aiohttp.ClientSession(headers=headers) as http, http.post(url, json=body) as answer:
            assert answer.status == 202, await answer.text()
            return str((await answer.json())["id"])

    async def is_at(self, state: RecordState, number: int, **chosen: object) -> None:
        """Wait until this many records are in a state."""
        wanted = RecordFilter(states=[state], **chosen)

        async def there() -> bool:
            return (await self.walk.client.records_count(wanted)).total == number

        await until(there)


@pytest.fixture
async def desk(tmp_path: Path) -> AsyncIterator[Set]:
    crm, chat = Crm(), Chat()
    app = web.Application()
    app.router.add_post("/{environment}/hra", crm.handle)
    app.router.add_post("/alerts", chat.handle)
    async with contextlib.AsyncExitStack() as stack:
        chat.port = await stack.enter_async_context(serving(app))
        walk = await stack.enter_async_context(walking(tmp_path))
        yield Set(walk, crm, chat, f"http://127.0.0.1:{chat.port}")


@pytest.fixture
async def crm(desk: Set, tmp_path: Path) -> Set:
    """An integration with both environments, two sources of which one is enabled, and a bearer key."""
    walk, token = desk.walk, tmp_path / "token"
    token.write_text(TOKEN)
    for name, place in (("CRM", "live"), ("CRM test", "test")):
        await walk.cli(
            f"connections add --name '{name}' --base-url {desk.base_url}/{place} --auth bearer"
            f" --token-file {token}"
        )
    made = await walk.cli("integrations add --name Wellness --connection CRM --path /hra --json")
    desk.integration = made.json["id"]
    tested = await walk.cli(
        "integrations edit Wellness --environment testing --connection 'CRM test' --path /hra --json"
    )
    desk.crm.secrets = {
        "live": made.json["new_signing_secrets"][0]["secret"],
        "test": tested.json["new_signing_secrets"][0]["secret"],
    }
    levels = " ".join(f"--level {level}" for level in LEVELS)
    await walk.cli(
        f"sources add heart --name 'Heart health' {levels} --field participant_id:string:required"
        " --field score:integer:required --field risk_level:string:open"
    )
    await walk.cli("sources add sleep --name Sleep")
    await walk.cli("sources enable heart --integration Wellness")
    desk.key = (await walk.cli("integrations keys Wellness --new --environment production --json")).json[
        "secret"
    ]
    return desk


async def test_testing_is_tried_with_a_probe_and_samples_and_promoted_by_commands(crm: Set) -> None:
    walk, seen = crm.walk, crm.crm.seen
    probed = await walk.cli("integrations test Wellness")
    assert "accepted the signed probe" in probed.out
    for words in ("POST http", "/test/hra", "healthdesk-probe: true", "201", '{"status": "stored"}'):
        assert words in probed.out, f"the whole exchange, and {words}"
    [(headers, probe)] = seen["test"]
    assert headers["healthdesk-probe"] == "true"
    assert probe["healthdesk"] == "test"

    planned = await walk.cli("sample send Wellness --dry-run")
    assert list(lines_with(planned.out, "sleep", "not enabled for Wellness"))
    assert "may not match real participants" in planned.out
    sent = await walk.cli("sample send Wellness")
    assert "3 of 3 samples delivered" in sent.out
    samples = [data for headers, data in seen["test"] if headers.get("healthdesk-probe") is None]
    assert sorted(str(each["risk_level"]) for each in samples) == sorted(LEVELS), "one a level"
    assert seen["live"] == []
    listed = await walk.cli("records list --environment testing --sample --json")
    assert sorted(each["level"] for each in listed.json["items"]) == sorted(LEVELS)
    assert (await walk.cli("records list --environment production --json")).json["items"] == []

    refused = await walk.cli("sample send Wellness --environment production", expect=2)
    assert "--yes" in refused.err
    assert seen["live"] == []
    await walk.cli("sources enable sleep --integration Wellness")
    await walk.cli("sample send Wellness --source sleep --environment production --yes")
    [(headers, _)] = seen["live"]
    assert headers["healthdesk-sample"] == "true", "of the one source that was chosen, which has no levels"
    await walk.cli("integrations edit Wellness --environment testing --method PUT")
    shown = await walk.cli("integrations promote Wellness --dry-run")
    assert list(lines_with(shown.out, "method", "PUT", "POST", "copied"))
    assert list(lines_with(shown.out, "connection", "CRM test", "stays"))
    await walk.cli("integrations promote Wellness --yes")
    crm.crm.unverified = 0
    live = (await walk.client.integration(crm.integration)).environments
    assert {each.environment: each.method for each in live} == {
        Environment.PRODUCTION: "PUT",
        Environment.TESTING: "PUT",
    }


async def test_a_failure_is_told_read_fixed_and_resent_by_commands(crm: Set, tmp_path: Path) -> None:
    walk = crm.walk
    url = tmp_path / "url"
    url.write_text(crm.chat.channel_url)
    await walk.cli(f"channels add --name 'CRM chat' --url-file {url}")
    await walk.cli("rules add --name 'CRM team' --integration Wellness --channel 'CRM chat'")
    crm.crm.wants = "risk_level"
    failed = [await crm.post() for _ in range(3)]
    await crm.post(risk_level="high")
    await crm.is_at(RecordState.FAILED, 3)

    async def told() -> bool:  # it is in the outbox as sent a moment after it came
        alerts = await walk.cli("alerts list")
        return bool(crm.chat.messages and list(lines_with(alerts.out, "CRM chat", "Wellness")))

    await until(told)
    assert "Wellness" in crm.chat.messages[0]["title"]
    assert "P-1" not in json.dumps(crm.chat.messages)

    listed = await walk.cli("records list --integration Wellness --source heart --state failed")
    assert all(each in listed.out for each in failed)
    for column in ("Completed", "First attempt", "Last attempt", "Source", "Status", "Tries"):
        assert column in listed.out
    shown = await walk.cli(f"records show {failed[0]}")
    for words in (
        "422 in ",
        " ms",
        "risk_level is required",
        "Request body",
        "Response body",
        "missing field",
    ):
        assert words in shown.out, words

    fixed = await walk.cli(f"records fix {failed[0]} --set risk_level=high --dry-run")
    assert any(line.strip().startswith("+") and "risk_level" in line for line in fixed.out.splitlines())
    await walk.cli(f"records fix {failed[0]} --set risk_level=high --yes")
    await crm.is_at(RecordState.FAILED, 2)
    assert crm.crm.seen["live"][-1][1]["risk_level"] == "high"

    crm.crm.wants = ""
    await walk.cli(f"records resend {failed[1]}")
    await crm.is_at(RecordState.FAILED, 1)
    planned = await walk.cli("records resend-all --integration Wellness --state failed --dry-run")
    assert "Resend 1 record" in planned.out
    done = await walk.cli("records resend-all --integration Wellness --state failed --yes --json")
    assert done.json["total"] == 1
    await crm.is_at(RecordState.DELIVERED, 4)
    ledger = await walk.cli("records ledger --json")
    assert ledger.json["balanced"] is True
    assert crm.crm.unverified == 0

    # The other common causes, as the endpoint tells them.
    crm.crm.refuses = {
        1: (404, "no such path"),
        2: (415, "unsupported content type"),
        3: (503, "the system behind it is down"),
        4: (400, "the access token has expired"),
    }
    causes = []
    for score in crm.crm.refuses:
        record = await crm.post(score=score)

        async def tried(record: str = record) -> bool:
            state = (await walk.client.record(record)).state
            return state not in (RecordState.QUEUED, RecordState.SENDING)

        await until(tried)
        shown = await walk.cli(f"records show {record}")
        [line] = lines_with(shown.out, "Likely wrong")
        causes.append(line.removeprefix("Likely wrong").partition(":")[0].strip())
    assert causes == ["endpoint", "format", "downstream", "credential"]


async def test_the_log_is_filtered_by_source_status_and_dates_at_the_screen(crm: Set) -> None:
    await crm.walk.cli("sources enable sleep --integration Wellness")
    crm.crm.wants = "risk_level"
    await crm.post()
    await crm.post(days_ago=3)
    await crm.post(risk_level="low", level="low")
    await crm.post(source="sleep", level=None, risk_level="low")
    await crm.is_at(RecordState.FAILED, 2)
    await crm.is_at(RecordState.DELIVERED, 2)
    async with crm.walk.screen() as operator:
        pilot = operator.pilot
        await operator.sees("Wellness")
        await operator.open_row(f"integration:{crm.integration}")
        await operator.is_on(IntegrationScreen)
        await operator.sees("TESTING")
        await pilot.press("l")
        await operator.is_on(LogScreen)
        await operator.sees("of 4 records")
        for column in ("Completed", "First attempt", "Last attempt", "Source", "Status", "Tries"):
            assert column in operator.text()
        assert list(lines_with(operator.text(), "Heart health", "Delivered"))

        async def chosen(word: str) -> None:
            for _ in range(8):
                if word in operator.text():
                    return
                await pilot.press("down")
            raise AssertionError(f"{word!r} cannot be chosen:\n{operator.text()}")

        await pilot.press("slash")
        await chosen("Source Heart health")
        await operator.sees("of 3 records")
        await pilot.press("right")
        await chosen("Status failed")
        await operator.sees("of 2 records")
        await pilot.press(*["right"] * 8)
        await chosen("Completed last 24 hours")
        await operator.sees("of 1 record")
        await pilot.press("enter")
        assert list(lines_with(operator.text(), "Heart health", "Failed 422"))
        await pilot.press("full_stop")
        await operator.is_on(ActionsMenu)
        for name in ("View Error Message", "Resend", "Fix and resend"):
            await operator.sees(name)


async def test_the_error_message_is_read_and_the_record_resent_at_the_screen(crm: Set) -> None:
    crm.crm.wants = "risk_level"
    await crm.post()
    await crm.is_at(RecordState.FAILED, 1)
    async with crm.walk.screen() as operator:
        await operator.pilot.press("3")
        await operator.sees("Failed 422")
        await operator.pilot.press("E")
        await operator.is_on(RecordScreen)
        await operator.sees("risk_level is required")
        for part in ("Error message", "Status code", "Duration", "Response body", "Request body"):
            await operator.sees(part)
        assert list(lines_with(operator.text(), "Status code", "422"))
        await operator.pilot.press("f")
        await operator.is_on(FixScreen)
        await operator.pilot.press("escape")
        await operator.is_on(RecordScreen)
        crm.crm.wants = ""
        await operator.pilot.press("s")
        await operator.sees("Delivered")
    [(_, data)] = crm.crm.seen["live"]
    assert data["participant_id"] == "P-1"
    assert crm.crm.unverified == 0


async def test_the_actions_menu_of_an_integration_has_the_documented_names_and_they_do_so(crm: Set) -> None:
    shown = await crm.walk.cli("integrations show Wellness")
    assert list(lines_with(shown.out, "Endpoint", "/live/hra"))
    assert list(lines_with(shown.out, "Endpoint", "/test/hra"))
    async with crm.walk.screen() as operator:
        pilot = operator.pilot
        await operator.sees("Wellness")
        await operator.open_row(f"integration:{crm.integration}")
        await operator.is_on(IntegrationScreen)
        await operator.sees("TESTING")
        await pilot.press("full_stop")
        await operator.is_on(ActionsMenu)
        for name in ("Testing configuration", "Send sample data", "Add Notifications", "View Logs"):
            await operator.sees(name)
        await pilot.press("escape")
        await operator.is_on(IntegrationScreen)

        # The connection works: one probe, and the whole exchange
        await operator.focus_card("TESTING")
        await pilot.press("X")
        await operator.is_on(ReadingPage)
        for words in ("accepted the signed probe", "/test/hra", "healthdesk-probe: true", "stored"):
            await operator.sees(words)
        await pilot.press("escape")
        await operator.is_on(IntegrationScreen)

        # Sample data: what is skipped and why, one source picked; production wants a yes
        await pilot.press("t")
        await operator.is_on(SampleDialog)
        for words in ("to TESTING", "not enabled for", "not match real"):
            await operator.sees(words)
        await pilot.press("space")
        await operator.sees("of 1 source")
        await pilot.press("right", "enter")
        await operator.is_on(Question)
        await pilot.press("escape")
    assert len(crm.crm.seen["test"]) == 1
    assert crm.crm.seen["live"] == []


async def test_notifications_of_an_integration_are_added_at_the_screen(crm: Set) -> None:
    async with crm.walk.screen() as operator:
        await operator.sees("Wellness")
        await operator.open_row(f"integration:{crm.integration}")
        await operator.is_on(IntegrationScreen)
        await operator.pilot.press("N")
        await operator.is_on(Form)
        await operator.enter("name", "CRM chat")
        await operator.enter("url", crm.chat.channel_url)
        await operator.pilot.press("ctrl+s")
        await operator.is_told("Wellness")
        [rule] = (await crm.walk.client.rules_list()).items
        assert (rule.integration_id, rule.environments) == (crm.integration, [Environment.PRODUCTION])
        crm.crm.wants = "risk_level"
        await crm.post()

        async def told() -> bool:
            return bool(crm.chat.messages)

        await until(told)
        assert "Wellness" in crm.chat.messages[0]["title"]
        await operator.pilot.press("escape", "5")
        await operator.sees("CRM chat")


async def test_all_failed_records_are_resent_at_the_screen(crm: Set) -> None:
    crm.crm.wants = "risk_level"
    for _ in range(8):
        await crm.post()
    await crm.is_at(RecordState.FAILED, 8)
    crm.crm.wants = ""
    async with crm.walk.screen() as operator:
        await operator.pilot.press("3")
        await operator.sees("Failed 422")
        await operator.pilot.press("S")
        await operator.is_on(Question)
        await operator.sees("First 1, then 5, then the rest")
        await operator.sees("risk_level is required")
        await operator.press_button("Resend 8")
        await crm.is_at(RecordState.DELIVERED, 8)
        await operator.pilot.press("J")
        await operator.sees("8/8")
    assert len(crm.crm.seen["live"]) == 8
