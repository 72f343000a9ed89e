"""A request as a command: what a shell makes of it is what was sent, and what is masked is asked for."""

import json
import shlex
import subprocess

import pytest

from healthdesk.domain.curl import curl

SHOW = 'curl() { python3 -c "import json,sys; print(json.dumps([sys.argv[1:], sys.stdin.read()]))" "$@"; }\n'


@pytest.fixture
def run(tmp_path):
    """Return what a shell hands to curl: its arguments, and what is piped to it; None where it refuses to."""
    return lambda command, **variables: _run(tmp_path / "command.sh", command, variables)


def _run(script, command, variables):
    script.write_text(SHOW + command)
    done = subprocess.run(
        ["bash", str(script)],
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        check=False,
        env={"PATH": "/usr/local/bin:/usr/bin:/bin"} | variables,
    )
    return json.loads(done.stdout) if done.returncode == 0 else None


def after(arguments, option):
    return [arguments[at + 1] for at, each in enumerate(arguments) if each == option]


def test_a_shell_makes_of_it_what_was_sent(run):
    body = '{"name": "O\'Hara $HOME `id` \\"x\\"", "lines": "a\\nb"}'
    headers = {"Content-Type": "application/json", "X-Why": "it's $5", "X-Empty": "", "Host": "x"}
    arguments, _ = run(curl("POST", "https://crm.example/a b?x=[1]&y='", headers, body.encode()))
    assert arguments[:4] == ["-g", "-X", "POST", "https://crm.example/a b?x=[1]&y='"]
    assert after(arguments, "-H") == ["Content-Type: application/json", "X-Why: it's $5", "X-Empty;"]
    assert after(arguments, "--data-raw") == [body]


def test_secrets_are_variables_that_the_shell_asks_for(run):
    headers = {"Authorization": "Bearer ••••abcd", "content-type": "text/plain"}
    command = curl("POST", "https://crm.example/?api_key=••••&a=1", headers, None)
    assert "••••" not in command
    assert "abcd" not in command
    assert run(command) is None
    arguments, _ = run(command, AUTHORIZATION="t0ken", API_KEY="k", BODY="hidden")
    assert "https://crm.example/?api_key=k&a=1" in arguments
    assert "Authorization: Bearer t0ken" in arguments
    assert after(arguments, "--data-raw") == ["hidden"]


def test_only_what_is_masked_is_a_variable_each_of_its_own(run):
    headers = {"X-Person": "••••, seen; by ••••", "Who": "Token ••••a/b="}
    url = "https://u:••••@crm.example/p/••••/q/••••/visits?since=2024&who=••••#top"
    command = curl("GET", url, headers, b"", certificate=True)
    assert run(command, URL_PASSWORD="pw", URL_PART="1", URL_PART_2="2", WHO="me") is None
    secrets = {"URL_PASSWORD": "pw", "URL_PART": "1", "URL_PART_2": "2", "WHO": "me", "WHO_2": "t0ken"}
    files = {"CLIENT_CERT": "desk.pem", "CLIENT_KEY": "desk.key"}
    arguments, _ = run(command, X_PERSON="Ada", X_PERSON_2="Joan", **secrets, **files)
    assert arguments[3] == "https://u:pw@crm.example/p/1/q/2/visits?since=2024&who=me#top"
    assert after(arguments, "-H") == ["X-Person: Ada, seen; by Joan", "Who: Token t0ken"]
    assert (after(arguments, "--cert"), after(arguments, "--key")) == (["desk.pem"], ["desk.key"])


@pytest.mark.parametrize("body", [b"x" * 200_000, b"\0a"], ids=["large", "binary"])
def test_a_body_that_no_argument_can_hold_comes_through_a_pipe(run, body):
    arguments, piped = run(curl("PUT", "https://crm.example/", {}, body))
    assert after(arguments, "--data-binary") == ["@-"]
    assert piped.encode() == body


def test_a_request_without_a_body_has_none():
    assert shlex.split(curl("GET", "https://crm.example/", {}, b"")) == [
        "curl", "-g", "-X", "GET", "https://crm.example/",
    ]  # fmt: skip
