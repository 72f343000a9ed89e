"""An app's folder: its code is loaded, and a fault in it is told with its place. And the client that hooks are given."""

from __future__ import annotations

import asyncio
import sys
from dataclasses import replace
from pathlib import Path

import pytest
from tests.connectors.engine import TOKEN, StaticAuth, connector, manifest

from healthdesk.connectors import checking
from healthdesk.connectors.app import App
from healthdesk.connectors.checking import checked
from healthdesk.connectors.connector import CheckOutcome, Connector
from healthdesk.connectors.results import ExternalTask
from healthdesk.domain.identity import Identity
from healthdesk.domain.states import Blame, ErrorKind
from healthdesk.errors import ConnectorError, StoreUnavailable
from healthdesk.testing import reply

CODE = """
from healthdesk.connectors import connector
from .helper import ANSWER

class Connector(connector.Connector):
    def find_reference(self, text):
        return {"id": ANSWER}
"""


def load(folder: Path, code: str) -> App:
    folder.mkdir()
    (folder / "connector.py").write_text(code)
    (folder / "helper.py").write_text("ANSWER = '42'\n")
    return App.load(manifest(""), folder)


@pytest.fixture(autouse=True)
def _forget_what_was_imported():
    before = set(sys.modules)
    yield
    for name in set(sys.modules) - before:
        if name.startswith("healthdesk_connector_"):
            del sys.modules[name]


def test_a_folder_without_code_is_executed_by_its_manifest(tmp_path):
    assert App.load(manifest(""), tmp_path).connector is Connector


def test_the_code_of_a_folder_overrides_and_may_have_modules_beside_it(tmp_path):
    loaded = load(tmp_path / "acme", CODE)
    assert loaded.connector is not Connector
    assert loaded.connector.find_reference(None, "x") == {"id": "42"}
    assert (loaded.id, loaded.name) == ("acme", "Acme")


@pytest.mark.parametrize(
    ("code", "says"),
    [
        ("x = 1\nclass Connector(:\n", "acme/connector.py: line 2: SyntaxError"),
        ("import os\n\n1 / 0\n", "acme/connector.py: line 3: ZeroDivisionError"),
        ("from .nothing import x\n", "acme/connector.py: line 1: ModuleNotFoundError"),
        ("x = 1\n", "acme/connector.py has no class Connector that is a subclass"),
        ("class Connector: pass\n", "acme/connector.py has no class Connector that is a subclass"),
        ("raise SystemExit\n", "acme/connector.py: line 1: SystemExit"),
    ],
)
def test_a_fault_in_the_code_is_told_with_its_place(tmp_path, code, says):
    with pytest.raises(ConnectorError) as caught:
        load(tmp_path / "acme", code)
    assert str(caught.value).startswith(says)
    if "has no class" not in says:
        assert not [name for name in sys.modules if name.startswith("healthdesk_connector_acme")]


def test_two_folders_of_one_name_are_two_apps(tmp_path):
    (tmp_path / "b").mkdir()
    one = load(tmp_path / "acme", CODE)
    other = load(tmp_path / "b" / "acme", CODE.replace("ANSWER}", "ANSWER * 2}"))
    assert one.connector.find_reference(None, "x") == {"id": "42"}
    assert other.connector.find_reference(None, "x") == {"id": "4242"}


async def test_hooks_have_a_client_that_is_authorized(session, clock, endpoint):
    auth = StaticAuth(renewed="tok-9876543210-renewed")
    endpoint.script(401, reply(200, json={"a": 1}))
    made = connector("", session, clock, endpoint.url + "/v1/", auth=auth)
    async with made.client.http() as http:
        answer = await http.post("things", json={"b": 2})
    assert answer.json() == {"a": 1}
    assert [(each.path, each.json()) for each in endpoint.requests] == [("/v1/things", {"b": 2})] * 2
    assert [each.headers["authorization"] for each in endpoint.requests] == [
        f"Bearer {TOKEN}",
        "Bearer tok-9876543210-renewed",
    ]


async def test_settings_have_the_defaults_of_their_fields(session, clock, endpoint):
    head = """
id = "acme"
name = "Acme"
fields = [{ key = "region", label = "Region", default = "eu" }]
[[auth]]
id = "token"
name = "Token"
"""
    text = '[[heartbeat]]\nrequest = { path = "{region}/me" }\nidentity = { account_id = "id" }\n'
    endpoint.answer(200, json={"id": 1})
    for settings in ({}, {"region": ""}, {"region": "us"}):
        await connector(text, session, clock, endpoint.url, head=head, settings=settings).check()
    assert [each.path for each in endpoint.requests] == ["/eu/me", "/eu/me", "/us/me"]


async def test_inputs_win_over_settings_and_those_over_what_a_token_tells(session, clock, endpoint):
    text = """
[[probes]]
id = "one"
name = "One"
request = { path = "{a}/{b}/{c}" }
"""
    auth = StaticAuth(values={"a": "token", "b": "token", "c": "token"})
    made = connector(text, session, clock, endpoint.url, auth=auth, settings={"a": "setting", "b": "setting"})
    await made.probe("one", {"a": "input"})
    assert endpoint.requests[0].path == "/input/setting/token"


async def test_the_base_url_may_be_told_by_a_token_answer(session, clock, endpoint):
    head = """
id = "acme"
name = "Acme"
base_url = "https://never.example"
[[auth]]
id = "token"
name = "Token"
base_url = "{instance_url}/api"
"""
    text = '[[heartbeat]]\nrequest = { path = "me" }\nidentity = { account_id = "id" }\n'
    endpoint.answer(200, json={"id": 1})
    auth = StaticAuth(values={"instance_url": endpoint.url})
    assert (await connector(text, session, clock, "", head=head, auth=auth).check()).ok
    assert endpoint.requests[0].path == "/api/me"


async def test_a_secret_in_a_path_is_not_kept(session, clock, endpoint):
    text = """
[[heartbeat]]
request = { path = "tokens/{token}", headers = { X-Own = "{token}" } }
identity = { account_id = "id" }
"""
    endpoint.answer(200, json={"id": 1})
    outcome = await connector(
        text, session, clock, endpoint.url, auth=StaticAuth(values={"token": TOKEN})
    ).check()
    assert outcome.ok
    assert endpoint.requests[0].path == f"/tokens/{TOKEN}"
    assert TOKEN not in repr(outcome)
    assert outcome.exchange.url == f"{endpoint.url}/tokens/••••"


async def test_an_error_in_the_code_of_a_connector_is_a_failed_check(session, clock, endpoint, caplog):
    class Broken(Connector):
        async def check(self):
            return {}["nothing"]

    made = Broken(connector("", session, clock, endpoint.url).client)
    outcome = await checked(made)
    assert (outcome.failure.kind, outcome.failure.blame) == (ErrorKind.INTERNAL, Blame.US)
    assert outcome.failure.sentence == "The code of the connector Acme failed: KeyError"
    assert outcome.exchange.status is None
    assert "the connector of Acme failed" in caplog.text


@pytest.mark.parametrize("raised", [SystemExit(1), GeneratorExit(), asyncio.CancelledError()])
async def test_the_code_of_a_connector_that_leaves_takes_nothing_with_it(session, clock, endpoint, raised):
    class Leaving(Connector):
        async def check(self):
            raise raised

    failure = (await checked(Leaving(connector("", session, clock, endpoint.url).client))).failure
    assert (failure.kind, failure.blame) == (ErrorKind.INTERNAL, Blame.US)


async def test_a_check_that_is_cancelled_ends(session, clock, endpoint):
    class Waiting(Connector):
        async def check(self):
            await asyncio.Event().wait()

    task = asyncio.create_task(checked(Waiting(connector("", session, clock, endpoint.url).client)))
    await asyncio.sleep(0)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task


async def test_the_code_of_a_connector_that_waits_for_ever_is_a_failed_check(
    session, clock, endpoint, monkeypatch
):
    class Waiting(Connector):
        async def check(self):
            await asyncio.Event().wait()

    monkeypatch.setattr(checking, "MOST_S", 0.01)
    failure = (await checked(Waiting(connector("", session, clock, endpoint.url).client))).failure
    assert failure.sentence == "The code of the connector Acme failed: TimeoutError"


@pytest.mark.parametrize("returned", [None, "ok", CheckOutcome(None, None)])
async def test_what_is_no_outcome_of_a_check_is_a_failed_one(session, clock, endpoint, returned):
    class Odd(Connector):
        async def check(self):
            return returned

    failure = (await checked(Odd(connector("", session, clock, endpoint.url).client))).failure
    assert (failure.kind, failure.blame) == (ErrorKind.INTERNAL, Blame.US)


async def test_an_identity_that_code_made_of_an_apps_text_can_be_kept(session, clock, endpoint):
    class Own(Connector):
        async def check(self):
            outcome = await super().check()
            return replace(outcome, identity=Identity(7, "a\x00", "b\ud800\n", ["c"]))

    endpoint.answer(200, json={"id": 1})
    text = '[[heartbeat]]\nrequest.path = "me"\nidentity = { account_id = "id" }'
    outcome = await checked(Own(connector(text, session, clock, endpoint.url).client))
    assert outcome.identity == Identity("7", "a\ufffd", "b\ufffd", ("c",))


@pytest.mark.parametrize("raised", [ConnectorError("no site", field="site"), StoreUnavailable("away")])
async def test_errors_of_the_desk_stay_what_they_are(session, clock, endpoint, raised):
    class Raising(Connector):
        async def check(self):
            raise raised

    made = Raising(connector("", session, clock, endpoint.url).client)
    if isinstance(raised, StoreUnavailable):
        with pytest.raises(StoreUnavailable):
            await checked(made)
    else:
        failure = (await checked(made)).failure
        assert (failure.kind, failure.field, failure.sentence) == (ErrorKind.CONFIGURATION, "site", "No site")


def test_an_issue_can_be_kept_whoever_read_it():
    task = ExternalTask(id="1\x00", title="a\ud800\nb", description="c\x00\r\nd\te", url="u\n")
    assert (task.id, task.title, task.description, task.url) == ("1\ufffd", "a\ufffd b", "c\ufffd\nd\te", "u")
