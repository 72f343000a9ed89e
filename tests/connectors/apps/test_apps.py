"""Every app against its fake: what a check finds, what each fault means, tasks and datasets.

The fakes are found by themselves: every subclass of FakeApp with an `app_id` in a module `fake_*.py` of this folder.
`pytest tests/connectors/apps -k github` runs those of one app.
"""

from __future__ import annotations

import importlib
import json
import pkgutil
from collections.abc import AsyncIterator, Iterator, Mapping
from datetime import datetime
from pathlib import Path

import pytest
from tests.connectors.apps.fake import FakeApp, Fault

from healthdesk.connectors.auth.build import build_authorizer
from healthdesk.connectors.auth.tokens import MemoryTokens
from healthdesk.connectors.client import AppClient
from healthdesk.connectors.connector import Connector, TaskInputs
from healthdesk.connectors.registry import Registry
from healthdesk.connectors.session import GuardedSession
from healthdesk.domain.exchange import Exchange, Failure
from healthdesk.domain.states import Blame, ErrorKind
from healthdesk.testing import FakeClock

FOLDER = Path(__file__).parent
APPS = {
    "github", "gitlab", "jira-cloud", "asana", "servicenow", "clickup",
    "monday", "azure-devops", "zendesk", "linear", "trello", "hubspot",
    "salesforce", "pagerduty", "okta", "slack", "aws", "google-workspace", "microsoft-graph",
}  # fmt: skip
REGISTRY = Registry.builtin()


def _fakes() -> Iterator[type[FakeApp]]:
    for module in sorted(each.name for each in pkgutil.iter_modules([str(FOLDER)])):
        if module.startswith("fake_"):
            found = vars(importlib.import_module(f"tests.connectors.apps.{module}"))
            for each in found.values():
                if isinstance(each, type) and issubclass(each, FakeApp) and hasattr(each, "app_id"):
                    yield each


FAKES = list(dict.fromkeys(_fakes()))
FAULTS = [Fault.WRONG_CREDENTIALS, Fault.MISSING_PERMISSION, Fault.RATE_LIMIT, Fault.OUTAGE, Fault.BROKEN_200]


def _named(fakes: list[type[FakeApp]]) -> list[object]:
    return [pytest.param(each, id=f"{each.app_id}-{each.auth}") for each in fakes]


def _manifest(fake: type[FakeApp]):
    return REGISTRY.get(fake.app_id).manifest


every_app = pytest.mark.parametrize("kind", _named(FAKES))
apps_with_tasks = pytest.mark.parametrize("kind", _named([each for each in FAKES if each.container]))
apps_with_required_fields = pytest.mark.parametrize(
    "kind", _named([each for each in FAKES if each.missing_field])
)
datasets = pytest.mark.parametrize(
    ("kind", "dataset"),
    [
        pytest.param(each, name, id=f"{each.app_id}-{each.auth}-{name}")
        for each in FAKES
        for name in each.datasets
    ],
)


probes = pytest.mark.parametrize(
    ("kind", "probe"),
    [
        pytest.param(each, declared.id, id=f"{each.app_id}-{each.auth}-{declared.id}")
        for each in FAKES
        if each.app_id in REGISTRY
        for declared in _manifest(each).probes
    ],
)


@pytest.fixture
async def fake(kind: type[FakeApp]) -> AsyncIterator[FakeApp]:
    async with kind() as running:
        yield running


@pytest.fixture
def connector(fake: FakeApp, session: GuardedSession, clock: FakeClock) -> Connector:
    return connector_of(fake, session, clock)


def connector_of(
    fake: FakeApp,
    session: GuardedSession,
    clock: FakeClock,
    credentials: Mapping[str, str] | None = None,
) -> Connector:
    """Return the connector of a fake's app, for its address and its own credentials unless others are given."""
    app = REGISTRY.get(fake.app_id)
    settings = fake.connection_settings()
    values = fake.credentials if credentials is None else credentials
    authorizer = build_authorizer(
        app, fake.auth, values, settings, session=session, clock=clock, tokens=MemoryTokens(fake.granted())
    )
    client = AppClient(
        app,
        session=session,
        authorizer=authorizer,
        auth_id=fake.auth,
        base_url=fake.url,
        settings=settings,
        clock=clock,
        timeout_s=10.0,
    )
    return app.connector(client)


def _assert_kept_without_secrets(fake: FakeApp, *kept: Exchange | Failure | None) -> None:
    """The exchange and the failure are stored, logged and shown: none may hold a credential or a token."""
    method = _manifest(type(fake)).method(fake.auth)
    secret = {each.key for each in method.fields if each.secret}
    secrets = [value for key, value in fake.credentials.items() if key in secret] + list(fake.tokens)
    text = "\n".join(repr(each) for each in kept)
    bodies = b"".join(each.response_body for each in kept if isinstance(each, Exchange))
    for each in secrets:
        assert each not in text, f"a secret of {fake.app_id} is kept"
        assert each.encode() not in bodies
        assert json.dumps(each)[1:-1] not in text


def _assert_tells(fake: FakeApp, failure: Failure | None, kind: ErrorKind, blame: Blame) -> None:
    assert failure is not None
    assert (failure.kind, failure.blame) == (kind, blame), failure.sentence
    name = _manifest(type(fake)).name
    assert name in failure.sentence, failure.sentence
    assert failure.safe_sentence
    assert failure.next_action, "what to do about it"
    assert "{" not in failure.sentence + failure.next_action, "a placeholder was left"
    if blame is not Blame.THEM:
        assert failure.permanent or kind not in {ErrorKind.AUTHENTICATION, ErrorKind.PERMISSION}


def test_every_app_has_a_fake() -> None:
    assert {each.app_id for each in FAKES} == APPS


@every_app
async def test_a_healthy_check_says_whose_the_credential_is(fake: FakeApp, connector: Connector) -> None:
    outcome = await connector.check()

    assert outcome.failure is None, outcome.failure
    identity = outcome.identity
    assert identity is not None
    assert identity.account_id == fake.account_id
    assert identity.account == fake.account
    assert identity.site == fake.site
    assert (None if identity.scopes is None else sorted(identity.scopes)) == (
        None if fake.scopes is None else sorted(fake.scopes)
    )
    assert identity.expires_at == (None if fake.expires is None else datetime.fromisoformat(fake.expires))
    _assert_kept_without_secrets(fake, outcome.exchange)


@pytest.mark.parametrize("fault", FAULTS)
@every_app
async def test_a_fault_is_told_with_whose_it_is(fake: FakeApp, connector: Connector, fault: Fault) -> None:
    if fault not in fake.expected:
        pytest.skip(f"{fake.app_id} has no heartbeat that could show it")
    fake.fault = fault

    outcome = await connector.check()

    assert outcome.identity is None
    _assert_tells(fake, outcome.failure, *fake.expected[fault])
    if fault is Fault.RATE_LIMIT:
        assert outcome.failure.retry_after_s == fake.retry_after_s
    _assert_kept_without_secrets(fake, outcome.exchange, outcome.failure)


@every_app
async def test_an_app_that_is_well_again_is_connected_again(fake: FakeApp, connector: Connector) -> None:
    fake.fault = Fault.OUTAGE
    assert (await connector.check()).failure is not None
    fake.fault = Fault.NONE
    assert (await connector.check()).failure is None


@every_app
async def test_other_credentials_are_refused(
    fake: FakeApp, session: GuardedSession, clock: FakeClock
) -> None:
    """Not by a fault that is switched on, but because the fake compares what was sent."""
    secret = {
        each.key
        for each in _manifest(type(fake)).method(fake.auth).fields
        if each.secret and not each.multiline
    }
    if not secret:
        pytest.skip("no field to change without making it another kind of thing")
    wrong = {
        key: value[:-1] + ("a" if value[-1] != "a" else "b") if key in secret else value
        for key, value in fake.credentials.items()
    }

    outcome = await connector_of(fake, session, clock, wrong).check()

    _assert_tells(fake, outcome.failure, *fake.expected[Fault.WRONG_CREDENTIALS])


@probes
async def test_a_probe_tells_whether_the_account_may(fake: FakeApp, connector: Connector, probe: str) -> None:
    declared = next(each for each in _manifest(type(fake)).probes if each.id == probe)
    given = {
        **fake.container,
        **{key: value for each in fake.datasets.values() for key, value in each.items()},
    }
    inputs = {each.key: given.get(each.key) or each.default or each.example for each in declared.fields}

    reply = await connector.probe(probe, inputs)
    assert reply.failure is None, reply.failure

    fake.fault = Fault.MISSING_PERMISSION
    refused = await connector.probe(probe, inputs)
    assert refused.failure is not None
    assert refused.failure.blame is Blame.PERMISSION
    assert declared.missing.rstrip(".") in refused.failure.sentence


@apps_with_tasks
async def test_a_task_goes_round(fake: FakeApp, connector: Connector) -> None:
    opened, done = fake.statuses
    statuses, failure = await _statuses(connector, fake)
    assert failure is None
    assert {opened, done} <= {each.id for each in statuses}
    assert {each.id for each in statuses if each.done} >= {done}

    created = await connector.create_task(
        fake.container, TaskInputs(title="Rotate the keys", description="Before April.\n\nAll of them.")
    )
    assert created.failure is None, created.failure
    task = created.task
    assert task is not None
    assert task.id
    _assert_kept_without_secrets(fake, created.exchange)

    got = await connector.get_task(fake.container, task.id, task.key)
    assert got.failure is None, got.failure
    assert got.task is not None
    assert (got.task.id, got.task.title) == (task.id, "Rotate the keys")
    assert got.task.description.split() == ["Before", "April.", "All", "of", "them."]
    assert got.task.status_name
    assert got.task.url
    assert not got.task.done

    changed = await connector.update_task(
        fake.container, task.id, task.key, TaskInputs(title="Rotate all keys", status=done)
    )
    assert changed.failure is None, changed.failure

    after = await connector.get_task(fake.container, task.id, task.key)
    assert after.task is not None
    assert after.task.done
    assert after.task.status == done
    assert after.task.title == "Rotate all keys"
    assert "Before April." in after.task.description, "what was not given stays"

    found = await connector.search_tasks(fake.container, fake.search_text or "Rotate all keys")
    assert found.failure is None, found.failure
    assert task.id in [each.id for each in found.tasks]


async def _statuses(connector: Connector, fake: FakeApp):
    found = await connector.statuses(fake.container)
    return found.statuses, found.failure


@apps_with_tasks
async def test_a_creation_whose_answer_was_lost_is_found(fake: FakeApp, connector: Connector) -> None:
    title = "Rotate the keys (June)"
    for each in (title, f"{title}, all of them"):
        assert (await connector.create_task(fake.container, TaskInputs(title=each))).failure is None

    found = await connector.find_created(fake.container, title)

    assert found.failure is None, found.failure
    assert [each.title for each in found.tasks] == [title]
    assert (await connector.find_created(fake.container, "Rotate")).tasks == []


@apps_with_tasks
async def test_who_and_until_when_go_with_a_task(fake: FakeApp, connector: Connector) -> None:
    if not (fake.assignee or fake.due):
        pytest.skip(f"issues of {fake.app_id} have neither")
    due = "2026-04-30" if fake.due else None

    created = await connector.create_task(
        fake.container, TaskInputs(title="Rotate the keys", assignee=fake.assignee or None, due=due)
    )

    assert created.task is not None, created.failure
    got = await connector.get_task(fake.container, created.task.id, created.task.key)
    assert got.task is not None, got.failure
    assert got.task.assignee == fake.assignee
    assert got.task.due == (due or "")
    if fake.due:
        later = await connector.update_task(
            fake.container, created.task.id, created.task.key, TaskInputs(due="2026-12-31")
        )
        assert later.task is not None, later.failure
        assert (later.task.due, later.task.title) == ("2026-12-31", "Rotate the keys")


@apps_with_tasks
async def test_nothing_is_created_for_an_assignee_nobody_knows(fake: FakeApp, connector: Connector) -> None:
    if _manifest(type(fake)).tasks.assignee is None:
        pytest.skip(f"{fake.app_id} is given the name as it is")

    answer = await connector.create_task(
        fake.container, TaskInputs(title="Rotate the keys", assignee="Nobody")
    )

    _assert_tells(fake, answer.failure, ErrorKind.CONFIGURATION, Blame.CONFIGURATION)
    assert "Nobody" in answer.failure.sentence
    assert not [path for method, path in fake.requests if method == "POST"]


@apps_with_tasks
async def test_a_task_that_is_not_there_is_not_found(fake: FakeApp, connector: Connector) -> None:
    created = await connector.create_task(fake.container, TaskInputs(title="Soon gone"))
    assert created.task is not None
    fake.forget()

    answer = await connector.get_task(fake.container, created.task.id, created.task.key)

    assert answer.task is None
    _assert_tells(fake, answer.failure, ErrorKind.NOT_FOUND, Blame.CONFIGURATION)


@apps_with_required_fields
async def test_a_refused_creation_names_the_field_that_is_missing(
    fake: FakeApp, connector: Connector
) -> None:
    fake.fault = Fault.MISSING_FIELD

    answer = await connector.create_task(fake.container, TaskInputs(title="Rotate the keys"))

    assert answer.task is None
    _assert_tells(fake, answer.failure, ErrorKind.MISSING_FIELD, Blame.CONFIGURATION)
    assert fake.missing_field in answer.failure.sentence


@apps_with_tasks
async def test_a_creation_without_permission_says_so(fake: FakeApp, connector: Connector) -> None:
    fake.fault = Fault.MISSING_PERMISSION

    answer = await connector.create_task(fake.container, TaskInputs(title="Rotate the keys"))

    assert answer.failure is not None
    assert answer.failure.blame is Blame.PERMISSION, answer.failure.sentence
    _assert_kept_without_secrets(fake, answer.exchange, answer.failure)


@datasets
async def test_a_dataset_has_all_rows_of_all_pages(fake: FakeApp, connector: Connector, dataset: str) -> None:
    collected = await connector.collect(dataset, fake.datasets[dataset])

    assert collected.failure is None, collected.failure
    assert not collected.cut
    assert len(collected.rows) == fake.rows[dataset]
    declared = next(each for each in _manifest(type(fake)).datasets if each.id == dataset)
    columns = [each.key for each in declared.columns]
    assert all(list(row) == columns for row in collected.rows)
    assert all(isinstance(value, str) for row in collected.rows for value in row.values())
    for column in columns:
        assert any(row[column] for row in collected.rows), f"{column} is empty in every row"
    if declared.id_column:
        assert len({row[declared.id_column] for row in collected.rows}) == len(collected.rows)


@datasets
async def test_a_dataset_without_permission_says_so(
    fake: FakeApp, connector: Connector, dataset: str
) -> None:
    fake.fault = Fault.MISSING_PERMISSION

    collected = await connector.collect(dataset, fake.datasets[dataset])

    assert collected.failure is not None
    assert collected.failure.blame is Blame.PERMISSION, collected.failure.sentence


@every_app
def test_every_dataset_of_the_manifest_is_tried(kind: type[FakeApp]) -> None:
    tried = {name for each in FAKES if each.app_id == kind.app_id for name in each.datasets}
    assert {each.id for each in _manifest(kind).datasets} == tried
