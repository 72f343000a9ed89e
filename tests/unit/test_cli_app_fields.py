"""`connections add`, `edit` and `update-credentials` of any app: what is asked for, and where secrets may come from."""

import json

import pytest
from tests.harness import wire
from tests.harness.cli import Shell
from tests.harness.fake_daemon import FakeDaemon, running

TRACKER = {"app": "tracker", "app_name": "Tracker", "auth": "token", "settings": {"site": "acme"}}
ADD = "connections add --app tracker"
TOKEN = "trk_abc123"


@pytest.fixture
def daemon(tmp_path):
    with running(FakeDaemon(tmp_path / "s")) as daemon:
        daemon.on("GET", "/v1/apps", [each.model_dump(mode="json") for each in wire.apps()])
        daemon.on("GET", "/v1/connections/con_1", wire.connection(**TRACKER))
        daemon.on("POST", "/v1/connections", wire.connection(**TRACKER))
        daemon.on("PATCH", "/v1/connections/con_1", wire.connection(**TRACKER))
        daemon.on("POST", "/v1/connections/con_1/credentials", wire.updated(**TRACKER))
        daemon.on("POST", "/v1/connections/con_1/credentials/put-back", wire.updated(**TRACKER))
        yield daemon


@pytest.fixture
def desk(daemon):
    return Shell(daemon)


def sent(daemon):
    """What was sent to be changed; the apps are asked for before."""
    return [one.json for one in daemon.asked if one.method != "GET"]


def test_what_the_method_needs_is_asked_for_with_examples_and_where_to_find_it(daemon, desk):
    ran = desk(f"{ADD} --auth token", terminal=True, stdin="acme\n", hidden=TOKEN)
    assert ran.code == 0, ran.err
    assert sent(daemon) == [
        {
            "app": "tracker",
            "settings": {"site": "acme"},
            "credentials": {"auth": "token", "fields": {"token": TOKEN}},
        }
    ]
    assert "Site (acme): " in ran.err
    assert "The first word of the address." in ran.err
    assert "Where to find it: https://acme.tracker.example/settings/tokens" in ran.err
    assert "Region" not in ran.err, "what has a default is not asked for"
    assert TOKEN not in ran.out + ran.err


def test_the_method_is_asked_for_where_there_are_several(daemon, desk):
    ran = desk(ADD, terminal=True, stdin="token\nacme\n", hidden=TOKEN)
    assert ran.code == 0, ran.err
    assert "token: Personal access token" in ran.err
    assert sent(daemon)[0]["credentials"]["auth"] == "token"


def test_an_answer_that_does_not_fit_is_asked_for_again(daemon, desk):
    ran = desk(f"{ADD} --auth token", terminal=True, stdin="Acme Corp\nacme\n", hidden=TOKEN)
    assert ran.code == 0, ran.err
    assert "that does not look like Site, for example acme" in ran.err
    assert sent(daemon)[0]["settings"] == {"site": "acme"}


def test_a_secret_that_never_fits_ends_the_command_and_is_not_repeated(daemon, desk):
    ran = desk(f"{ADD} --auth token --field site=acme", terminal=True, hidden="hunter2")
    assert ran.code == 2
    assert "that does not look like Token, for example trk_…" in ran.err
    assert "hunter2" not in ran.out + ran.err
    assert sent(daemon) == []


def test_everything_can_be_given_without_a_terminal(daemon, desk):
    line = (
        f"{ADD} --auth token --name Ours --field site=acme --field region=us --secret-stdin token"
        " --base-url https://tracker.acme.example --expires 2030-01-02T00:00+00:00 --unchecked"
    )
    assert desk(line, stdin=f"{TOKEN}\n").code == 0
    assert sent(daemon) == [
        {
            "app": "tracker",
            "name": "Ours",
            "base_url": "https://tracker.acme.example",
            "settings": {"site": "acme", "region": "us"},
            "credentials": {"auth": "token", "fields": {"token": TOKEN}},
            "expires_at": "2030-01-02T00:00:00+00:00",
            "unchecked": True,
        }
    ]


@pytest.mark.parametrize("how", ["--token-stdin", "--secret-stdin token", "--credentials-stdin"])
def test_a_secret_comes_from_standard_input(daemon, desk, how):
    text = json.dumps({"token": TOKEN}) if how == "--credentials-stdin" else TOKEN
    assert desk(f"{ADD} --auth token --field site=acme {how}", stdin=text).code == 0
    assert sent(daemon)[0]["credentials"]["fields"] == {"token": TOKEN}


def test_a_private_key_comes_whole_from_a_file(daemon, desk, tmp_path):
    key = "-----BEGIN PRIVATE KEY-----\nnot one\n-----END PRIVATE KEY-----\n"
    file = tmp_path / "key.pem"
    file.write_text(key)
    assert desk(f"{ADD} --auth key --field site=acme --secret-file private_key={file}").code == 0
    assert desk(f"{ADD} --auth key --field site=acme", terminal=True, stdin=f"{file}\n").code == 0
    assert [each["credentials"]["fields"] for each in sent(daemon)] == [{"private_key": key}] * 2


def test_the_addresses_of_a_method_can_be_others(daemon, desk, tmp_path):
    file = tmp_path / "key.pem"
    file.write_text("a key")
    url = "https://login.acme.example/token"
    line = f"{ADD} --auth key --field site=acme --field token_url={url} --secret-file private_key={file}"
    assert desk(line).code == 0
    assert sent(daemon)[0]["settings"] == {"site": "acme", "token_url": url}


@pytest.mark.parametrize(
    ("options", "stdin", "words"),
    [
        ("--auth token --field site=a --field token_url=https://x", "", "has no field 'token_url'"),
        ("--auth token --field token=hunter2", "", "token is a secret, and secrets are never arguments"),
        ("--auth token --field hunter2", "", "--field is given as KEY=VALUE"),
        ("--auth token --secret-file hunter2", "", "--secret-file is given as KEY=PATH"),
        ("--auth token --field sight=acme", "", "did you mean site?"),
        ("--auth tokn --field site=acme", "", "did you mean token?"),
        ("--field site=acme", "", "Tracker has several methods: token, login, key"),
        ("--auth token", "", "Site, Token: missing"),
        ("--auth token --field site=acme", "", "--secret-stdin token (or --secret-file token=PATH)"),
        ("--auth token --field site=a --field site=b", "", "the field site is given twice"),
        ("--auth token --field site=a --credentials-stdin", "hunter2", "the credentials are not JSON"),
        ("--auth token --field site=a --credentials-stdin", '["hunter2"]', "not a JSON object of strings"),
        ("--auth token --field site=a --secret-stdin token", "hunter2\nx", "more than one line"),
        ("--auth token --field site=a --heartbeat /up", "", "--heartbeat belongs to http-endpoint"),
        ("--auth token --field site=a --password-stdin", "hunter2", "has no field 'password'"),
    ],
)
def test_what_cannot_be_is_a_usage_error_and_no_secret_is_repeated(daemon, desk, options, stdin, words):
    ran = desk(f"{ADD} {options}", stdin=stdin)
    assert ran.code == 2, ran.err
    assert words in ran.err
    assert "hunter2" not in ran.out + ran.err
    assert sent(daemon) == []


def test_an_app_that_is_not_there_is_told_with_the_nearest(daemon, desk):
    ran = desk("connections add --app traker --auth token")
    assert ran.code == 1
    assert "did you mean tracker?" in ran.err


def test_a_refusal_of_the_app_is_told_as_it_came(daemon, desk):
    daemon.problem(
        "POST",
        "/v1/connections",
        422,
        "trial-refused",
        "Tracker refused the token.",
        fix="make another",
        blame="credential",
    )
    ran = desk(f"{ADD} --auth token --field site=acme --token-stdin", stdin=TOKEN)
    assert ran.code == 1
    assert ran.err == ("error: Tracker refused the token.\nwhose fault: credential\nfix: make another\n")


def test_settings_are_edited_by_their_names(daemon, desk):
    assert desk("connections edit con_1 --field region=us --unchecked").code == 0
    assert daemon.last.json == {"settings": {"region": "us"}, "unchecked": True}
    assert desk("connections edit con_1 --no-expiry").code == 0
    assert daemon.last.json == {"expires_at": None}
    for line, words in (
        ("connections edit con_1 --field token=hunter2", "secrets are never arguments"),
        ("connections edit con_1 --no-expiry --expires 2030-01-01", "--no-expiry contradicts --expires"),
        ("connections edit con_1 --unchecked", "nothing to change"),
    ):
        ran = desk(line)
        assert (ran.code, words in ran.err) == (2, True), ran.err
        assert "hunter2" not in ran.err


def test_credentials_are_updated_by_the_method_in_use(daemon, desk):
    ran = desk("connections update-credentials con_1 --token-stdin", stdin=TOKEN)
    assert ran.code == 0, ran.err
    assert daemon.last.json == {"credentials": {"auth": "token", "fields": {"token": TOKEN}}}
    assert "can be put back until" in ran.out
    assert "`healthdesk connections put-back con_1`" in ran.out
    asked = desk("connections update-credentials con_1", terminal=True, hidden=TOKEN)
    assert "https://acme.tracker.example/settings/tokens" in asked.err, "with the settings it has"
    assert daemon.last.json["credentials"]["fields"] == {"token": TOKEN}


def test_what_is_not_secret_is_not_asked_for_again(daemon, desk):
    app = wire.apps()[1]
    user = {"key": "user", "label": "User"}
    app.auth[0].fields.append(type(app.auth[0].fields[0])(**user))
    daemon.on("GET", "/v1/apps", [app.model_dump(mode="json")])
    assert desk("connections update-credentials con_1 --token-stdin", stdin=TOKEN).code == 0
    assert daemon.last.json["credentials"]["fields"] == {"token": TOKEN}
    assert "User: missing" in desk(f"{ADD} --auth token --field site=acme --token-stdin", stdin=TOKEN).err


def test_a_setting_is_no_part_of_the_credentials(daemon, desk):
    ran = desk("connections update-credentials con_1 --field site=other --token-stdin", stdin=TOKEN)
    assert ran.code == 2
    assert "connections edit con_1 --field site=…" in ran.err


def test_what_failed_because_of_the_old_ones_is_offered(daemon, desk):
    command = "healthdesk records resend-all --problem prb_1"
    rerun = {"failed": 3, "problem_ids": ["prb_1"], "sentence": "3 records failed.", "commands": [command]}
    change = {"what": "scopes", "before": "repo", "after": "repo, org", "sentence": "It gained org."}
    answer = wire.updated(**TRACKER, rerun=rerun, changes=[change])
    daemon.on("POST", "/v1/connections/con_1/credentials", answer)
    ran = desk("connections update-credentials con_1 --token-stdin", stdin=TOKEN)
    for words in ("3 records failed.", command, "It gained org."):
        assert words in ran.out
    shown = desk("connections update-credentials con_1 --token-stdin --json", stdin=TOKEN).json
    assert shown["rerun"]["problem_ids"] == ["prb_1"]


@pytest.fixture
def another(daemon):
    """A daemon that wants a yes to another account."""
    path = "/v1/connections/con_1/credentials"
    daemon.problem("POST", path, 409, "identity-changed", "They are hubot's.", fix="--yes")
    refused = daemon._answers["POST", path][0]
    daemon.on("POST", path, refused, wire.updated(**TRACKER))
    return daemon


UPDATE = "connections update-credentials con_1 --secret-file token="


@pytest.fixture
def update(tmp_path):
    (tmp_path / "t").write_text(TOKEN)
    return f"{UPDATE}{tmp_path / 't'}"


def test_another_account_is_asked_about_and_taken_with_a_yes(another, desk, update):
    ran = desk(update, terminal=True, stdin="y\n")
    assert ran.code == 0, ran.err
    assert "They are hubot's. Put them in use all the same? [y/N]" in ran.err
    assert [each.get("accept_changes") for each in sent(another)] == [None, True]


def test_another_account_is_left_alone_without_one(another, desk, update):
    ran = desk(update, terminal=True, stdin="n\n")
    assert ran.code == 1
    assert "Nothing was changed" in ran.err
    assert len(sent(another)) == 1


def test_another_account_is_refused_where_nobody_can_be_asked(another, desk, update):
    ran = desk(update)
    assert ran.code == 1
    assert ran.err == "error: They are hubot's.\nfix: --yes\n"


def test_yes_is_said_beforehand(daemon, desk, update):
    assert desk(f"{update} --yes").code == 0
    assert daemon.last.json["accept_changes"] is True


def test_credentials_are_put_back(daemon, desk):
    ran = desk("connections put-back con_1")
    assert (ran.code, daemon.last.json) == (0, {})
    assert "Credentials put back." in ran.out
    assert desk("connections put-back con_1 --unchecked").code == 0
    assert daemon.last.json == {"unchecked": True}
