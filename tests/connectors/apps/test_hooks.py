"""What the code of connectors does where data cannot say it: Slack's messages, SOQL, Planner's etags, whose secret ends when."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest
from tests.connectors.apps.fake import FakeApp
from tests.connectors.apps.fake_microsoft_graph import FakeMicrosoftGraph
from tests.connectors.apps.fake_pagerduty import FakePagerdutyUser
from tests.connectors.apps.fake_salesforce import FakeSalesforceClient
from tests.connectors.apps.fake_slack import FakeSlack

from healthdesk.connectors.auth.build import build_authorizer
from healthdesk.connectors.auth.tokens import MemoryTokens
from healthdesk.connectors.builtin.microsoft_graph.connector import end_of_secret
from healthdesk.connectors.builtin.slack.connector import read_message, with_dot, written
from healthdesk.connectors.client import AppClient
from healthdesk.connectors.connector import Connector, TaskInputs
from healthdesk.connectors.registry import Registry
from healthdesk.connectors.session import GuardedSession
from healthdesk.domain.states import Blame, ErrorKind
from healthdesk.testing import FakeClock

NOW = datetime(2026, 3, 2, 9, 30, tzinfo=UTC)


@pytest.fixture
def connect(session: GuardedSession, clock: FakeClock):
    def connected(fake: FakeApp, **credentials: str) -> Connector:
        app = Registry.builtin().get(fake.app_id)
        settings = fake.connection_settings()
        values = {**fake.credentials, **credentials}
        authorizer = build_authorizer(
            app, fake.auth, values, settings, session=session, clock=clock, tokens=MemoryTokens()
        )
        client = AppClient(
            app,
            session=session,
            authorizer=authorizer,
            auth_id=fake.auth,
            base_url=fake.url,
            settings=settings,
            clock=clock,
        )
        return app.connector(client)

    return connected


@pytest.mark.parametrize(
    ("title", "description"),
    [
        ("Rotate <all> keys & secrets", "first\n\n*second* line"),
        ("Without a description", ""),
        ("&amp; is said so", "a > b"),
    ],
)
def test_what_is_written_as_a_message_is_read_again(title: str, description: str) -> None:
    message = {"ts": "1772000001.000100", "text": written(title, description)}
    read = read_message(message, "https://acme.slack.com/archives/C1")
    assert read is not None
    assert (read.title, read.description) == (title, description)
    assert read.url == "https://acme.slack.com/archives/C1/p1772000001000100"


def test_a_message_of_somebody_else_is_a_task_without_bold() -> None:
    read = read_message({"ts": "1772000001.000100", "text": "Please look\nat this"}, "")
    assert read is not None
    assert (read.title, read.description, read.done, read.url) == ("Please look", "at this", False, "")
    assert read_message({"text": "no time"}, "") is None


def test_a_timestamp_gets_back_the_dot_that_a_link_has_not() -> None:
    assert with_dot("1772000001000100") == with_dot("1772000001.000100") == "1772000001.000100"


async def test_a_link_to_a_slack_message_names_channel_and_message(connect) -> None:
    async with FakeSlack() as fake:
        slack = connect(fake)
        found = slack.find_reference("https://acme.slack.com/archives/C0123456789/p1772000001000100?x=1")
    assert found == {"channel": "C0123456789", "id": "1772000001.000100"}


async def test_a_slack_message_that_is_done_can_be_opened_again_and_told_twice(connect) -> None:
    async with FakeSlack() as fake:
        slack = connect(fake)
        made = await slack.create_task(fake.container, TaskInputs(title="T", status="done"))
        assert made.task is not None
        assert made.task.done
        for _ in range(2):
            opened = await slack.update_task(fake.container, made.task.id, "", TaskInputs(status="open"))
            assert opened.failure is None
            assert opened.task is not None
            assert not opened.task.done
        assert fake.messages[made.task.id]["reactions"] == []


@pytest.mark.parametrize("text", ["O'Brien's 50% \\ case_1", "' OR Subject LIKE '%", "%", "a\nb"])
async def test_no_text_leaves_the_quotes_of_a_query(connect, text: str) -> None:
    async with FakeSalesforceClient() as fake:
        salesforce = connect(fake)
        wanted = await salesforce.create_task({}, TaskInputs(title=" ".join(text.split())))
        await salesforce.create_task({}, TaskInputs(title="Another"))
        assert wanted.task is not None
        found = await salesforce.search_tasks({}, text)
    assert found.failure is None, found.failure
    assert [each.id for each in found.tasks] == [wanted.task.id]


async def test_a_case_is_found_by_its_number(connect) -> None:
    async with FakeSalesforceClient() as fake:
        salesforce = connect(fake)
        made = await salesforce.create_task({}, TaskInputs(title="T"))
        found = await salesforce.get_task({}, "", "00001026")
        nobody = await salesforce.get_task({}, "", "00009999")
        pasted = salesforce.find_reference(
            "https://acme.lightning.force.com/lightning/r/Case/5005g00000AbC01AAV/view"
        )
    assert made.task is not None
    assert found.task is not None
    assert found.task.id == made.task.id
    assert nobody.failure is not None
    assert (nobody.failure.kind, nobody.failure.blame) == (ErrorKind.NOT_FOUND, Blame.CONFIGURATION)
    assert pasted == {"id": "5005g00000AbC01AAV"}


class BusyPlanner(FakeMicrosoftGraph):
    """Somebody else changes each task right after it was read, so often."""

    app_id = "microsoft-graph"
    times = 0

    def _not_current(self, request, found):
        if self.times > 0:
            self.times -= 1
            found["@odata.etag"] = self._etag()
        return super()._not_current(request, found)


@pytest.mark.parametrize(("times", "changed"), [(1, True), (2, True), (3, False)])
async def test_a_planner_task_that_changed_meanwhile_is_read_again(
    connect, times: int, changed: bool
) -> None:
    async with BusyPlanner() as fake:
        graph = connect(fake)
        made = await graph.create_task(fake.container, TaskInputs(title="T"))
        assert made.task is not None
        fake.times = times
        answer = await graph.update_task(fake.container, made.task.id, "", TaskInputs(title="U"))
    assert (answer.task is not None and answer.task.title == "U") is changed
    assert changed or (answer.failure is not None and answer.failure.status == 412)


@pytest.mark.parametrize(
    ("ends", "secret_id", "expected"),
    [
        ([("a", "2026-04-01"), ("b", "2026-09-01")], "B", "2026-09-01"),
        ([("a", "2026-04-01"), ("b", "2026-09-01")], "", "2026-04-01"),
        ([("a", "2025-04-01"), ("b", "2026-09-01")], "", "2026-09-01"),
        ([("a", "2026-04-01")], "gone", "2026-04-01"),
        ([("a", "2025-04-01"), ("b", "2025-09-01")], "", "2025-09-01"),
        ([], "", None),
    ],
)
def test_the_secret_that_is_ours_or_ends_first_is_the_one_to_warn_of(ends, secret_id, expected) -> None:
    credentials = [{"keyId": key, "endDateTime": f"{day}T00:00:00Z"} for key, day in ends]
    found = end_of_secret(credentials, secret_id, NOW)
    assert found == (expected and datetime.fromisoformat(f"{expected}T00:00:00+00:00"))


async def test_without_the_secrets_id_the_first_end_ahead_is_told(connect) -> None:
    async with FakeMicrosoftGraph() as fake:
        outcome = await connect(fake, secret_id="").check()
    assert outcome.identity is not None
    assert outcome.identity.expires_at == datetime(2026, 4, 1, tzinfo=UTC)


async def test_an_incident_is_found_by_its_address_and_by_its_number(connect) -> None:
    async with FakePagerdutyUser() as fake:
        pagerduty = connect(fake)
        by_address = pagerduty.find_reference("https://acme.pagerduty.com/incidents/PT4KHLK")
        assert by_address == {"id": "PT4KHLK"}
        assert pagerduty.find_reference("#1234") == {"id": "1234"}
        assert pagerduty.find_reference("the server is on fire") is None
