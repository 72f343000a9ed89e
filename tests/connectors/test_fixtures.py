"""Fixtures: what was asked is compared over real HTTP, what was answered is played, what came of it must be the same."""

import json
from pathlib import Path

import pytest
from tests.harness.cli import Shell
from tests.harness.fake_daemon import FakeDaemon

from healthdesk.connectors.fixtures import FOLDER

MANIFEST = """\
id = "tracker"
name = "Tracker"
kinds = ["tasks", "proof"]
base_url = "https://api.tracker.example/v2"
message = "error"

[[fields]]
key = "site"
label = "Site"

[[auth]]
id = "token"
name = "Token"
headers = { Authorization = "Bearer {token}", X-Site = "{site}" }
fields = [{ key = "token", label = "Token", secret = true }]

[[auth]]
id = "app"
name = "App"
type = "oauth2_client_credentials"
headers = { Authorization = "Bearer {access_token}" }
oauth = { token_url = "https://login.tracker.example/token", client_auth = "basic" }
fields = [{ key = "client_id", label = "Id" }, { key = "client_secret", label = "Secret", secret = true }]

[[auth]]
id = "service"
name = "Service"
type = "jwt_grant"
headers = { Authorization = "Bearer {access_token}" }
jwt = { token_url = "https://login.tracker.example/jwt", key = "key", claims = { iss = "desk" } }
fields = [{ key = "key", label = "Key", secret = true, multiline = true }]

[[heartbeat]]
request = { path = "/me", query = { expand = "site" } }
identity = { account_id = "id", account = "login", expires = { header = "X-Token-Expires" } }

[[errors]]
status = [401]
kind = "authentication"
sentence = "{app} refused the token: {message}"

[[probes]]
id = "write"
name = "Write"
request.path = "/may/write"

[tasks]
container = [{ key = "project", label = "Project" }]
result = { id = "id", title = "title", status = "state", done = "state == 'closed'", assignee = "assignee.login" }
create.request = { method = "POST", path = "/projects/{project}/issues", json = { title = "{title}", body = "{description}" } }
get.request.path = "/issues/{id}"
update.request = { method = "PATCH", path = "/issues/{id}", json = { title = "{title}", state = "{status}" } }
search = { request = { path = "/issues", query = { q = "{text}" } }, items = "items" }
statuses.values = [{ id = "open", name = "Open" }, { id = "closed", name = "Closed", done = true }]

[[datasets]]
id = "members"
name = "Members"
fields = [{ key = "project", label = "Project" }]
request = { path = "/projects/{project}/members" }
items = "items"
paging = { type = "cursor", next = "next", param = "after" }
columns = [{ key = "login", label = "Login", path = "login" }, { key = "mail", label = "Mail", path = "email" }]
"""

ASKED = {
    "method": "GET",
    "url": "https://api.tracker.example/v2/me?expand=site",
    "headers": {"Accept": "application/json", "Authorization": "Bearer redacted-token", "X-Site": "acme"},
}
HEARTBEAT = {
    "operation": "heartbeat",
    "auth": "token",
    "at": "2026-03-01T10:00:00Z",
    "settings": {"site": "acme"},
    "steps": [{"asked": ASKED, "answered": {"json": {"id": 7, "login": "ada"}}}],
    "outcome": {"identity": {"account_id": "7", "account": "ada"}},
}


@pytest.fixture
def run(tmp_path):
    return Shell(FakeDaemon(tmp_path / "none"))


@pytest.fixture
def folder(tmp_path) -> Path:
    place = tmp_path / "tracker"
    (place / FOLDER).mkdir(parents=True)
    (place / "manifest.toml").write_text(MANIFEST, encoding="utf-8")
    return place


def keep(folder: Path, fixture: object, name: str = "case") -> Path:
    place = folder / FOLDER / f"{name}.json"
    place.write_text(fixture if isinstance(fixture, str) else json.dumps(fixture), encoding="utf-8")
    return place


def changed(**members: object) -> dict:
    return json.loads(json.dumps({**HEARTBEAT, **members}))


def asking(**members: object) -> dict:
    return changed(steps=[{"asked": {**ASKED, **members}, "answered": HEARTBEAT["steps"][0]["answered"]}])


def test_a_fixture_passes(run, folder):
    keep(folder, HEARTBEAT)
    ran = run(f"connectors test {folder}")
    assert (ran.code, ran.out) == (0, "✓ case: account ada\n")


@pytest.mark.parametrize(
    ("fixture", "told"),
    [
        (asking(method="HEAD"), "the method is GET, not HEAD"),
        (asking(url="https://api.tracker.example/v1/me?expand=site"), "the path is /v2/me, not /v1/me"),
        (
            asking(url="https://other.example/v2/me?expand=site"),
            "the origin is https://api.tracker.example, not",
        ),
        (asking(url="https://api.tracker.example/v2/me"), 'the parameter.expand is new: "site"'),
        (
            asking(url="https://api.tracker.example/v2/me?expand=all"),
            'the parameter.expand is "site", not "all"',
        ),
        (asking(headers={**ASKED["headers"], "X-Site": "b"}), 'the header.x-site is "acme", not "b"'),
        (asking(headers={"accept": "application/json", "x-site": "acme"}), "the header.authorization is new"),
        (asking(headers={**ASKED["headers"], "X-More": "1"}), "the header.x-more is missing"),
        (changed(outcome={"identity": {"account": "bob"}}), 'identity.account is "ada", not "bob"'),
        (changed(outcome={"failure": {"kind": "permission"}}), "there is no failure, but"),
        (changed(outcome=None), "it has no outcome"),
        (changed(steps=[*HEARTBEAT["steps"], *HEARTBEAT["steps"]]), "nobody asked for step 2"),
        (changed(steps=[]), "was asked after the last step"),
        (changed(auth="tokn"), "has no authentication 'tokn'"),
        (changed(operation="probe", of="gone"), "Tracker has no probe gone"),
        (changed(operation="beat"), "operation: Input should be"),
        (changed(surprise=1), "surprise: Extra inputs"),
        (changed(steps=[{"answered": {"base64": "?"}}]), "base64 is none"),
        ("{\n  nonsense", "case.json:2: it is not JSON"),
        ("[" * 100_000, "it is not JSON"),
    ],
)
def test_a_fixture_that_does_not_pass_says_how(run, folder, fixture, told):
    keep(folder, fixture)
    ran = run(f"connectors test {folder}")
    assert ran.code == 1
    assert "✗ case" in ran.out
    assert told in ran.out


def test_a_failure_is_an_outcome(run, folder):
    step = {"asked": ASKED, "answered": {"status": 401, "json": {"error": "revoked"}}}
    failure = {"kind": "authentication", "blame": "credential", "status": 401}
    keep(folder, changed(steps=[step], outcome={"failure": failure}))
    ran = run(f"connectors test --json {folder}")
    assert ran.code == 0
    assert ran.json["fixtures"][0]["summary"] == "authentication: Tracker refused the token: revoked"


def test_rows_of_all_pages_are_compared(run, folder):
    pages = [
        {"answered": {"json": {"items": [{"login": "ada", "email": "a@b.example"}], "next": "c2"}}},
        {"answered": {"json": {"items": [{"login": "bob", "email": None}], "next": None}}},
    ]
    place = keep(folder, changed(operation="dataset", of="members", inputs={"project": "a/b"}, steps=pages))
    assert run(f"connectors test --update {folder}").code == 0
    fixture = json.loads(place.read_text())
    assert [step["asked"]["url"] for step in fixture["steps"]] == [
        "https://api.tracker.example/v2/projects/a%2Fb/members",
        "https://api.tracker.example/v2/projects/a%2Fb/members?after=c2",
    ]
    assert fixture["outcome"]["rows"] == [
        {"login": "ada", "mail": "a@b.example"},
        {"login": "bob", "mail": ""},
    ]
    fixture["outcome"]["rows"].pop()
    keep(folder, fixture)
    assert run(f"connectors test {folder}").code == 1


def test_the_body_of_a_task_is_compared(run, folder):
    issue = {"id": 5, "title": "T", "state": "open"}
    task = {"title": "T", "description": "D"}
    steps = [{"answered": {"status": 201, "json": issue}}]
    case = changed(operation="create", inputs={"project": "p"}, task=task, steps=steps)
    place = keep(folder, case)
    assert run(f"connectors test --update {folder}").code == 0
    fixture = json.loads(place.read_text())
    assert fixture["steps"][0]["asked"]["json"] == {"title": "T", "body": "D"}
    fixture["steps"][0]["asked"]["json"]["body"] = "other"
    keep(folder, fixture)
    assert 'the body.json.body is "D", not "other"' in run(f"connectors test {folder}").out


def test_what_is_signed_anew_each_time_is_any_value(run, folder):
    steps = [
        {"answered": {"json": {"access_token": "redacted-access_token", "expires_in": 60}}},
        {"answered": {"json": {"id": 7, "login": "ada"}}},
    ]
    place = keep(folder, changed(auth="service", steps=steps))
    for _ in range(2):
        assert run(f"connectors test --update {folder}").code == 0
    token, me = (step["asked"] for step in json.loads(place.read_text())["steps"])
    assert token["url"] == "https://login.tracker.example/jwt"
    assert token["form"]["assertion"] == "*"
    assert token["form"]["grant_type"].endswith("jwt-bearer")
    assert me["headers"]["authorization"] == "Bearer redacted-access_token"
    assert run(f"connectors test {folder}").code == 0


def test_a_folder_without_fixtures_fails(run, folder):
    ran = run(f"connectors test {folder}")
    assert ran.code == 1
    assert "--record" in ran.err


def test_a_folder_that_cannot_be_used_fails_with_its_line(run, folder):
    (folder / "manifest.toml").write_text(MANIFEST.replace("kinds", "kind"), encoding="utf-8")
    ran = run(f"connectors test {folder}")
    assert ran.code == 1
    assert "manifest.toml:3: kind: there is no key kind" in ran.err


def test_a_new_folder_lints_clean_and_its_fixtures_pass(run, tmp_path):
    ran = run(f"connectors new Acme --in {tmp_path / 'some' / 'where'}")
    assert ran.code == 0
    place = tmp_path / "some/where/acme"
    assert "- [ ]" in (place / "README.md").read_text()
    assert run(f"connectors lint {place}").out == "✓ nothing is wrong with it\n"
    assert run(f"connectors test {place}").code == 0
    again = run(f"connectors new acme --in {tmp_path / 'some' / 'where'}")
    assert again.code == 1
    assert "is there already" in again.err


@pytest.mark.parametrize("name", ["Jira & Co.", 'Say "hi"', "Émile’s Tracker 2"])
def test_any_name_that_has_an_id_makes_a_folder_that_passes(name, tmp_path):
    from healthdesk.cli.main import main

    assert main(["connectors", "new", name, "--in", str(tmp_path)]) == 0
    (place,) = tmp_path.iterdir()
    assert main(["connectors", "lint", str(place)]) == 0
    assert main(["connectors", "test", str(place)]) == 0


@pytest.mark.parametrize("name", ["", "123", "☃", "a" * 61])
def test_a_name_without_an_id_is_refused_and_nothing_is_written(name, tmp_path, capsys):
    from healthdesk.cli.main import main

    assert main(["connectors", "new", name, "--in", str(tmp_path)]) == 1
    assert capsys.readouterr().err.startswith("error: ")
    assert list(tmp_path.iterdir()) == []
