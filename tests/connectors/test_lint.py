"""What can be read and cannot work is found, on its line; what is right is left alone."""

from pathlib import Path

import pytest
from tests.connectors.manifests import FULL
from tests.harness.cli import Shell
from tests.harness.fake_daemon import FakeDaemon

from healthdesk.connectors.lint import findings_of, lint
from healthdesk.connectors.reader import read_text

RULE = '\n[[errors]]\nkind = "refused"\nsentence = "no"\n'


def findings(text: str, code: str = ""):
    return findings_of(read_text(text.encode(), "manifest.toml"), code)


def test_nothing_is_found_where_nothing_is_wrong():
    assert findings(FULL) == []


@pytest.mark.parametrize(
    ("old", "new", "reason", "fix"),
    [
        # placeholders
        ('path = "/issues/{id}"', 'path = "/issues/{idd}"', "{idd} is no field", "did you mean {id}?"),
        ('"Bearer {token}"', '"Bearer {tokn}"', "{tokn} is no field", "did you mean {token}?"),
        ('iss = "{client_email}"', 'iss = "{email}"', "{email} is no field", ""),
        ('"Members of {project}"', '"Members of {projekt}"', "{projekt} is no field", "{project}"),
        ("{app} refused the token: {message}", "{app} refused: {massage}", "{massage} is no field", "{message}"),
        ('request.path = "/me"', 'request.path = "/me/{client_id}"', "only the method app has {client_id}", "auth = "),
        ('{ path = "/token",', '{ path = "/{token}",', "{token} is a secret, which requests do not know", "in_requests"),
        ("{app} refused the token: {message}", "{token} is bad", "{token} is a secret, and people read", "leave it out"),
        ('example = "acme"', "required = false", "{site} need not be given", "default"),
        ("(?P<key>", "(?P<kee>", "the group kee is no input of get", "key"),
        # fields
        ('fields = [{ key = "project", label = "Project" }]\nrequest = { path = "/projects/{project}" }', 'fields = [{ key = "unused", label = "Unused" }]\nrequest = { path = "/projects" }', "unused is asked for and used nowhere", "use it"),
        ('example = "acme"', 'example = "ACME"', "'ACME' does not fit the pattern", "correct"),
        ('example = "acme"', 'default = "x"\noptions = ["a", "b"]', "'x' is none of the options", "one of a, b"),
        ('label = "Token"\nsecret = true', 'label = "Token"\nsecret = true\ndefault = "x"', "a secret has no default", ""),
        ('{ key = "client_secret", label', '{ key = "client_id", label', "client_id is there twice", ""),
        ('container = [{ key = "project"', 'container = [{ key = "site"', "site is a setting of the app too", ""),
        # expressions
        ('"active == `true`"', '"activ(@)"', "there is no function activ()", ""),
        ('"active == `true`"', '"contain(@, \'a\')"', "there is no function contain()", "did you mean contains()?"),
        ('"active == `true`"', '"length(a, b)"', "length() takes 1 values, not 2", ""),
        ('"active == `true`"', '"active == true"', "true is a member of that name", "write `true`"),
        ('"active == `true`"', "'state == \"on\"'", '"on" is a member of that name', "write 'on'"),
        ('"active == `true`"', '"`true`"', "says the same of every answer", ""),
        ('"active == `true`"', "\"a > 'b'\"", "'b' has no order", ""),
        ('"active == `true`"', "\"s == 'a' && s == 'b'\"", "never true: one member equals two values", ""),
        ('identity.account_id = "id"', "identity.account_id = \"'me'\"", "says the same of every answer", ""),
        # rules
        ('kind = "authentication"', 'kind = "dns"', "no answer is dns", "one of"),
        # requests
        ('request.path = "/me"', 'request.path = "https://x.example/me"', "it is a whole address", "leave out"),
        ('"https://{site}.full.example/api"', '"full.example"', "'full.example' is no address", "https://"),
        ("($text: String!, $after", "($txt: String!, $after", "the query does not declare $text", ""),
        ('variables = { text = "{text}" }', "variables = {}", "the query needs $text", "give text"),
        ('next = "next"\n', 'next = "next"\ninto = "json"\n', "datasets.0.request has no json", "query"),
        ('next = "next"\n', 'next = "next"\ninto = "variables"\n', "datasets.0.request is no graphql request", "query"),
        # structure
        ('id_column = "login"', 'id_column = "id"', "there is no column id", "one of login"),
        ('key = "key_file", claims', 'key = "file", claims', "there is no field file", ""),
        ('{ key = "client_id", label = "Client id" },\n', "", "oauth2_client_credentials needs the field client_id", ""),
        ('type = "oauth2_client_credentials"\nheaders = { Authorization = "Bearer {access_token}" }', 'type = "oauth2_client_credentials"', "the token it gets is not sent", "Bearer"),
        ('headers = { Authorization = "Bearer {token}" }', "", "asks for credentials and sends none", ""),
        ('id = "done", name = "Done", done = true', 'id = "done", name = "Done"', "no status means done", "done = true"),
        ('{ id = "done"', '{ id = "open"', "open is there twice", ""),
        ('probe = "write"', 'probe = "writes"', "there is no probe writes", "one of write"),
        ('fields = [{ key = "project", label = "Project" }]\nrequest = { path = "/projects/{project}" }', 'fields = [{ key = "board", label = "Board" }]\nrequest = { path = "/projects/{board}" }', "the probe write asks for board", "tasks.container"),
        ('probe = "read"', 'probe = "reads"', "there is no probe reads", "one of write, read"),
        ('title = "Members of {project}"\nfields = [{ key = "project", label = "Project" }]\nrequest = { path = "/projects/{project}/members" }', 'title = "Members of {board}"\nfields = [{ key = "board", label = "Board" }]\nrequest = { path = "/projects/{board}/members" }', "the probe read asks for project", "the dataset"),
        ('event = { path = "type" }\n', "", "nothing tells which event", "[callbacks.event]"),
        (', instance = "issue.id"', "", "it is about nothing", ""),
    ],
)  # fmt: skip
def test_what_cannot_work_is_found_on_its_line(old, new, reason, fix):
    assert FULL.count(old) == 1
    text = FULL.replace(old, new)
    found = findings(text)
    finding = next(each for each in found if reason in each.reason)
    assert fix in finding.fix
    assert finding.fix
    near = text.splitlines()[max(0, finding.line - 12) : finding.line + 12]
    assert (
        new == ""
        or any(line in near for line in new.splitlines() if line)
        or any(new in line for line in near)
    )


@pytest.mark.parametrize(
    ("earlier", "later", "covered"),
    [
        ("status = [403]", "status = [403]", True),
        ("status = ['4xx']", "status = [403]", True),
        ("status = ['4xx']", "status = [403, 500]", False),
        ("status = [403]", "status = ['4xx']", False),
        ("status = [403]", "status = [403]\nwhen = 'code'", True),
        ("status = [403]\nwhen = 'code'", "status = [403]", False),
        ("text = 'no'", "status = [403]\ntext = 'no'", True),
        ("text = 'no'", "status = [403]\ntext = 'yes'", False),
        ("content_type = 'text/html'", "content_type = 'text/html; charset'", True),
        ("header = { A = 'x' }", "header = { A = 'x', B = 'y' }", True),
        ("header = { A = 'x', B = 'y' }", "header = { A = 'x' }", False),
        ("status = [403]\non = ['probe']", "status = [403]\non = ['probe']", True),
        ("status = [403]\non = ['probe']", "status = [403]", False),
        ("status = [403]", "status = [403]\non = ['probe']", True),
    ],
)
def test_a_rule_behind_one_that_fits_whatever_it_does_never_fits(earlier, later, covered):
    text = FULL.replace("[rate_limits]", f"{RULE}{earlier}\n{RULE}{later}\n[rate_limits]")
    found = [each for each in findings(text) if "it never fits" in each.reason]
    assert bool(found) == covered
    if covered:
        lines = text.splitlines()
        assert lines[found[0].line - 1] == "[[errors]]"
        assert (
            f"the rule on line {[at for at, line in enumerate(lines, 1) if line == '[[errors]]'][-2]}"
            in found[0].reason
        )


def test_a_rule_for_what_the_app_does_not_have_never_fits():
    text = FULL.replace("[rate_limits]", f"{RULE}status = [409]\non = ['tasks']\n[rate_limits]")
    assert findings(text) == []
    start, end = text.index("[tasks]"), text.index("[[datasets]]")
    text = (text[:start] + text[end:]).replace('["tasks", "proof"]', '["proof"]')
    (finding,) = findings(text)
    assert "it never fits: the app has no tasks" in finding.reason


def test_a_heartbeat_behind_one_for_all_methods_is_never_sent():
    more = '[[heartbeat]]\nrequest.path = "/you"\nidentity.account_id = "id"\n'
    (finding,) = findings(FULL.replace("[[errors]]", f"{more}[[errors]]", 1))
    assert "never sent" in finding.reason


def test_a_method_without_a_heartbeat_is_a_warning():
    (finding,) = findings(
        FULL.replace('request.path = "/me"', 'auth = ["token", "app"]\nrequest.path = "/me"')
    )
    assert (finding.level, finding.key) == ("warning", "auth[2]")


def test_a_name_that_the_folders_code_gives_is_known():
    text = FULL.replace('path = "/issues/{id}"', 'path = "/issues/{idd}"')
    assert findings(text, code='request(inputs={"idd": 1})') == []


# the command


@pytest.fixture
def run(tmp_path):
    return Shell(FakeDaemon(tmp_path / "none"))


def folder(tmp_path: Path, text: str, code: str = "") -> Path:
    place = tmp_path / "full"
    place.mkdir()
    (place / "manifest.toml").write_text(text, encoding="utf-8")
    if code:
        (place / "connector.py").write_text(code, encoding="utf-8")
    return place


def test_lint_says_that_nothing_is_wrong(run, tmp_path):
    ran = run(f"connectors lint {folder(tmp_path, FULL)}")
    assert (ran.code, ran.out) == (0, "✓ nothing is wrong with it\n")


def test_lint_prints_each_finding_with_file_line_and_fix(run, tmp_path):
    place = folder(tmp_path, FULL.replace('"Bearer {token}"', '"Bearer {tokn}"'))
    ran = run(f"connectors lint {place}")
    assert ran.code == 1
    assert f"✗ error {place}/manifest.toml:20: auth[0].headers.Authorization: {{tokn}} is no field" in ran.out
    assert "    fix: did you mean {token}?" in ran.out
    answer = run(f"connectors lint --json {place}").json
    assert answer["ok"] is False
    assert {finding["line"] for finding in answer["findings"]} == {20, 23}


def test_lint_prints_every_mistake_of_a_manifest_that_cannot_be_read(run, tmp_path):
    place = folder(
        tmp_path, FULL.replace('label = "Site"', "label = 3").replace("[rate_limits]", "[rate_limit]")
    )
    ran = run(f"connectors lint {place}")
    assert ran.code == 1
    assert ran.out.count("✗ error") == 2


def test_a_warning_alone_is_no_failure(run, tmp_path):
    ran = run(f"connectors lint {folder(tmp_path, FULL.replace('done = true', 'done = false'))}")
    assert ran.code == 0
    assert "⚠ warn " in ran.out


def test_lint_finds_the_line_of_code_that_cannot_be_imported(run, tmp_path):
    place = folder(tmp_path, FULL, "import json\nimport no_such_module\n")
    ran = run(f"connectors lint {place}")
    assert ran.code == 1
    assert "connector.py:2:" in ran.out


def test_lint_of_a_folder_without_a_manifest_says_how_to_begin_one(run, tmp_path):
    ran = run(f"connectors lint {tmp_path}")
    assert ran.code == 1
    assert "there is no such file" in ran.out
    assert "connectors new" in ran.out


def test_lint_knows_the_folder_it_is_in(run, tmp_path, monkeypatch):
    monkeypatch.chdir(folder(tmp_path, FULL))
    assert run("connectors lint .").code == 0


BUILTIN = sorted(
    each.parent
    for each in (Path(__file__).parents[2] / "src/healthdesk/connectors/builtin").glob("*/manifest.toml")
)


@pytest.mark.parametrize("place", BUILTIN, ids=lambda place: place.name)
def test_what_comes_with_healthdesk_has_no_errors(place):
    assert [str(finding) for finding in lint(place) if finding.level == "error"] == []
