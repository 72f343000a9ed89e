"""Recording from a live account: what the app said is kept, what is nobody's business is not."""

import asyncio
import json
import threading
from contextlib import contextmanager
from pathlib import Path

import pytest
from aiohttp import web
from tests.connectors.test_fixtures import MANIFEST
from tests.harness.cli import Shell, Typed
from tests.harness.fake_daemon import FakeDaemon

from healthdesk.cli import connectors
from healthdesk.cli.ask import Asker
from healthdesk.cli.main import main
from healthdesk.connectors.fixtures import FOLDER
from healthdesk.host.connectors.redact import Redactor

TOKEN = "live-4f9c2a77-token"
SECRET = "live-secret-81d0"
ACCESS = "live-access-55aa31"
PEOPLE = ("Grace Hopper", "ghopper", "grace@navy.example", "+1 202 555 0143")


class Tracker:
    """A live app: its answers hold people, tokens and its own address."""

    def __init__(self) -> None:
        self.url = ""
        self.asked: list[str] = []

    def app(self) -> web.Application:
        app = web.Application()
        app.router.add_route("*", "/{tail:.*}", self.answer)
        return app

    async def answer(self, request: web.Request) -> web.Response:
        self.asked.append(f"{request.method} {request.path}")
        if request.path == "/token":
            return web.json_response({"access_token": ACCESS, "token_type": "Bearer", "expires_in": 60})
        if request.headers.get("Authorization") not in (f"Bearer {TOKEN}", f"Bearer {ACCESS}"):
            return web.json_response({"error": f"no such token: {TOKEN[:4]}"}, status=401)
        person = {
            "id": 9,
            "login": "ghopper",
            "name": "Grace Hopper",
            "email": "grace@navy.example",
            "phone": PEOPLE[3],
        }
        if request.path.endswith("/me"):
            headers = {"X-Token-Expires": "2027-01-01", "Set-Cookie": "session=abc", "Server": "secret-host"}
            return web.json_response(
                {**person, "api_token": TOKEN, "page": f"{self.url}/v2/me"}, headers=headers
            )
        if request.path.endswith("/members"):
            last = request.query.get("after") == "ghopper-2"
            page = {"items": [person], "next": None if last else "ghopper-2"}
            return web.json_response(page)
        if request.path.endswith("/may/write"):
            return web.json_response({"ok": True})
        issue = {"id": 5, "title": "Of Grace Hopper", "state": "open", "assignee": person}
        return web.json_response({"items": [issue]} if "q" in request.query else issue)


@contextmanager
def served(tracker: Tracker):
    """Serve from a thread: the command has a loop of its own."""
    loop = asyncio.new_event_loop()

    async def start() -> web.AppRunner:
        runner = web.AppRunner(tracker.app())
        await runner.setup()
        site = web.TCPSite(runner, "127.0.0.1", 0)
        await site.start()
        tracker.url = f"http://127.0.0.1:{site._server.sockets[0].getsockname()[1]}"
        return runner

    runner = loop.run_until_complete(start())
    thread = threading.Thread(target=loop.run_forever)
    thread.start()
    try:
        yield tracker
    finally:
        asyncio.run_coroutine_threadsafe(runner.cleanup(), loop).result()
        loop.call_soon_threadsafe(loop.stop)
        thread.join()
        loop.close()


@pytest.fixture
def tracker():
    with served(Tracker()) as tracker:
        yield tracker


@pytest.fixture
def run(tmp_path):
    return Shell(FakeDaemon(tmp_path / "none"))


@pytest.fixture
def folder(tmp_path) -> Path:
    place = tmp_path / "tracker"
    place.mkdir()
    (place / "manifest.toml").write_text(MANIFEST, encoding="utf-8")
    return place


@pytest.fixture
def given(tmp_path, tracker):
    """Write what is recorded with."""

    def write(**more: object) -> Path:
        members = {
            "settings": {"site": "acme"},
            "credentials": {"token": TOKEN},
            "datasets": {"members": {"project": "p"}},
            "container": {"project": "p"},
            "search": "Grace",
            "id": "5",
            **more,
        }
        place = tmp_path / "given.json"
        place.write_text(json.dumps(members), encoding="utf-8")
        return place

    return write


def recording(folder: Path, given: Path, tracker: Tracker, more: str = "") -> str:
    return (
        f"connectors test {folder} --record --from {given} --base-url {tracker.url}/v2"
        f" --allow-private-network 127.0.0.1 {more}"
    )


def fixtures(folder: Path) -> dict[str, str]:
    return {place.stem: place.read_text(encoding="utf-8") for place in (folder / FOLDER).glob("*.json")}


def test_what_is_recorded_passes_and_holds_no_secret_and_no_person(run, folder, given, tracker):
    ran = run(recording(folder, given(), tracker))
    assert ran.code == 0, ran.out + ran.err
    written = fixtures(folder)
    assert set(written) == {"heartbeat", "probe-write", "dataset-members", "statuses", "search", "get"}
    together = "".join(written.values()).lower()
    for word in (TOKEN, *PEOPLE, "127.0.0.1", "set-cookie", "secret-host"):
        assert word.lower() not in together, word
    assert run(f"connectors test {folder}").code == 0


def test_the_same_person_has_the_same_name_everywhere_and_pages_go_on(run, folder, given, tracker):
    run(recording(folder, given(), tracker))
    written = fixtures(folder)
    beat, members = json.loads(written["heartbeat"]), json.loads(written["dataset-members"])
    login = beat["outcome"]["identity"]["account"]
    assert login.startswith("person")
    assert beat["outcome"]["identity"]["expires_at"].startswith("2027-01-01")
    assert [row["login"] for row in members["outcome"]["rows"]] == [login, login]
    assert members["steps"][1]["asked"]["url"].endswith(f"/v2/projects/p/members?after={login}-2")
    assert beat["steps"][0]["asked"]["url"] == "https://api.tracker.example/v2/me?expand=site"
    assert beat["steps"][0]["answered"]["json"]["page"] == "https://api.tracker.example/v2/me"


def test_nothing_is_created_or_changed_without_the_option(run, folder, given, tracker):
    run(recording(folder, given(), tracker))
    assert {line.split()[0] for line in tracker.asked} == {"GET"}
    assert run(recording(folder, given(), tracker, "--write")).code == 0
    assert {line.split()[0] for line in tracker.asked} == {"GET", "POST", "PATCH"}
    assert {"create", "update"} <= set(fixtures(folder))


def test_tokens_that_were_got_are_taken_out_too(run, folder, given, tracker):
    place = given(
        auth="app",
        settings={"site": "acme", "token_url": f"{tracker.url}/token"},
        credentials={"client_id": "desk", "client_secret": SECRET},
    )
    ran = run(recording(folder, place, tracker, "--only heartbeat"))
    assert ran.code == 0, ran.out + ran.err
    (text,) = fixtures(folder).values()
    assert ACCESS not in text
    assert SECRET not in text
    token, me = (step["asked"] for step in json.loads(text)["steps"])
    assert token["url"] == "https://login.tracker.example/token"
    assert token["form"]["grant_type"] == "client_credentials"
    assert me["headers"]["authorization"] == "Bearer redacted-access_token"


def test_a_heartbeat_that_fails_writes_nothing(run, folder, given, tracker):
    ran = run(recording(folder, given(credentials={"token": "wrong-token"}), tracker))
    assert ran.code == 1
    assert "the heartbeat failed: Tracker refused the token" in ran.err
    assert not (folder / FOLDER).exists()


def test_a_failure_is_recorded_as_a_case_of_its_own(run, folder, given, tracker):
    place = given(credentials={"token": "wrong-token"})
    ran = run(recording(folder, place, tracker, "--case wrong-token --only heartbeat"))
    assert ran.code == 0, ran.out + ran.err
    (name, text), *_ = fixtures(folder).items()
    assert name == "heartbeat-wrong-token"
    assert json.loads(text)["outcome"]["failure"]["kind"] == "authentication"


def test_what_lacks_its_inputs_is_left_out_and_told(run, folder, given, tracker):
    ran = run(recording(folder, given(datasets={}), tracker))
    assert ran.code == 0
    assert "dataset members: project not given" in ran.out
    assert "dataset-members" not in fixtures(folder)


def test_without_a_terminal_what_is_missing_is_named(run, folder, given, tracker):
    ran = run(recording(folder, given(credentials={}), tracker))
    assert ran.code == 2
    assert "credentials.token is missing" in ran.err


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("{", "neither JSON nor TOML"),
        ("credentials = 3", "credentials: "),
        ("surprise = 'live-9'", "surprise: "),
    ],
)
def test_a_wrong_file_is_refused_and_not_repeated(run, folder, tracker, tmp_path, text, told):
    place = tmp_path / "given.toml"
    place.write_text(text, encoding="utf-8")
    ran = run(recording(folder, place, tracker))
    assert ran.code == 1
    assert told in ran.err
    assert "live-9" not in ran.err


def test_at_a_terminal_what_is_missing_is_asked_for_and_secrets_are_hidden(
    monkeypatch, folder, tracker, capsys
):
    hidden = []

    def without_echo(prompt: str) -> str:
        hidden.append(prompt)
        return TOKEN

    monkeypatch.setattr(
        connectors, "Asker", lambda: Asker(Typed("acme\n", terminal=True), hidden=without_echo)
    )
    words = recording(folder, Path("none"), tracker, "--only heartbeat").replace("--from none ", "")
    assert main(words.split()) == 0
    assert hidden == ["Token"]
    shown = capsys.readouterr()
    assert "Site: " in shown.err
    assert TOKEN not in shown.out + shown.err
    assert json.loads(fixtures(folder)["heartbeat"])["settings"] == {"site": "acme"}


def test_an_app_that_cannot_be_reached_is_said(run, folder, given, tracker):
    ran = run(f"connectors test {folder} --record --from {given()} --base-url http://127.0.0.1:1/v2")
    assert ran.code == 1
    assert "127.0.0.1" in ran.err
    assert not (folder / FOLDER).exists()


def test_options_of_a_recording_need_one(run, folder):
    assert run(f"connectors test {folder} --write").code == 2


def test_a_secret_is_taken_out_in_every_form():
    redactor = Redactor({"token": "s3cr+t/word="})
    for form in ("s3cr+t/word=", "s3cr%2Bt%2Fword%3D", "czNjcit0L3dvcmQ9"):
        assert redactor.text(f"a {form} b") == "a redacted-token b"
        assert redactor.leaks(f"x{form}x")
    assert not redactor.leaks("nothing of it")


@pytest.mark.parametrize(
    ("document", "gone"),
    [
        ({"refresh_token": "r-123456"}, "r-123456"),
        ({"text": "write to ada@acme.example"}, "ada@acme.example"),
        ({"note": "xoxb-" + "1" * 12}, "xoxb-1"),
        # what AWS answers to AssumeRole
        ("<SecretAccessKey>abc/123</SecretAccessKey>", "abc/123"),
        ('<a:SessionToken x="1">Zm9v&amp;</a:SessionToken>', "Zm9v"),
        ({"user": {"email": "a@b.example", "name": "Ada Lovelace"}}, "Ada Lovelace"),
        ({"user": {"firstName": "Adaline"}, "text": "by Adaline"}, "Adaline"),
        ({"owner": {"avatar_url": "https://pics.example/u/77", "login": "x77"}}, "u/77"),
    ],
)
def test_secrets_and_people_are_known_by_name_or_form(document, gone):
    redactor = Redactor({})
    redactor.learn(document)
    assert gone not in json.dumps(redactor.value(document))


def test_what_looks_like_a_token_goes_though_no_document_was_learnt():
    assert "xoxb" not in Redactor({}).text("the token xoxb-" + "1" * 12 + " of ada@acme.example")
    assert "acme" not in Redactor({}).text("the token xoxb-" + "1" * 12 + " of ada@acme.example")


def test_a_long_secret_goes_wherever_it_stands():
    assert Redactor({"token": "s3cretvalue"}).text("xs3cretvaluey") == "xredacted-tokeny"


def test_nothing_is_written_while_a_secret_is_in_it(run, folder, given, tracker, monkeypatch):
    # Too short to be told from the words around it.
    monkeypatch.setattr("tests.connectors.test_recording.TOKEN", "hopp")
    ran = run(
        recording(folder, given(credentials={"token": "hopp"}, search="shopping"), tracker, "--only search")
    )
    assert ran.code == 1
    assert "a secret is still in what would be written" in ran.err
    assert not (folder / FOLDER).exists()


@pytest.mark.parametrize(
    "document",
    [
        {"key": "ABC-1"},
        {"name": "A project"},
        {"next_page": "abc"},
        {"token_type": "Bearer"},
        {"id": 5, "ok": True},
        "<Arn>arn:aws:iam::1:user/desk</Arn><Key>a</Key>",
    ],
)
def test_what_is_nobodys_secret_stays(document):
    redactor = Redactor({})
    redactor.learn(document)
    assert redactor.value(document) == document
