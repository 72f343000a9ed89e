"""Starting is light, and a process behaves: exit codes, pipes, encodings, colour."""

import asyncio
import os
import signal
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest
from tests.harness import wire
from tests.harness.fake_daemon import FakeDaemon, running

from healthdesk import __version__
from healthdesk.cli.command import NOUNS, every_command
from healthdesk.cli.parser import build
from healthdesk.cli.screen import lacks_terminal

HEAVY = ("pydantic", "aiohttp", "textual", "sqlalchemy", "asyncio", "cryptography", "apprise", "httpx")
LOOK = """
import sys
from healthdesk.cli.main import main
code = main(sys.argv[1:])
loaded = [name for name in {heavy!r} if name in sys.modules]
sys.stderr.write("loaded: " + " ".join(loaded))
sys.exit(code)
"""


def start(*words, environ=None, **more):
    settings = {"capture_output": True, "timeout": 60, "stdin": subprocess.DEVNULL} | more
    command = [
        sys.executable,
        "-c",
        "import sys; from healthdesk.cli.main import main; sys.exit(main())",
        *words,
    ]
    return subprocess.run(command, check=False, env={**os.environ, **(environ or {})}, **settings)


@pytest.mark.parametrize(
    "words",
    [
        ["--help"],
        ["--version"],
        ["records", "--help"],
        ["connections", "add", "--help"],
        ["integrations", "keys", "--help"],
        ["init", "--help"],
        ["demo", "--help"],
        ["nonsense"],
    ],
)
def test_help_and_version_import_nothing_heavy(words):
    ran = subprocess.run(
        [sys.executable, "-c", LOOK.format(heavy=HEAVY), *words],
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert ran.stderr.rpartition("loaded: ")[2] == ""
    assert ran.returncode == (2 if words == ["nonsense"] else 0)


def test_version_is_the_package_s():
    assert start("--version", text=True).stdout == f"healthdesk {__version__}\n"


def test_script_of_the_package_is_this_main():
    project = tomllib.loads((Path(__file__).parents[2] / "pyproject.toml").read_text())
    assert project["project"]["scripts"]["healthdesk"] == "healthdesk.cli.main:main"


def test_every_command_has_a_help_of_its_own():
    for words in every_command():
        with pytest.raises(SystemExit) as stopped:
            build("1").parse_args([*words.split(), "--help"])
        assert stopped.value.code == 0


def test_every_verb_of_the_design_is_there():
    expected = """
        init daemon demo doctor status apps activity events openapi
        connections:list,show,add,edit,check,update-credentials,disconnect
        integrations:list,show,add,edit,pause,resume,keys sources:list,show,add,edit,enable,disable
        records:list,show,add,resend,resend-all,ledger callbacks:list,show,reprocess
        channels:list,add,test,remove rules:list,add,edit,remove problems:list,show,ack,mute,resolve alerts:list
    """
    wanted = set()
    for word in expected.split():
        noun, _, verbs = word.partition(":")
        wanted |= {f"{noun} {verb}".strip() for verb in verbs.split(",")}
    assert wanted <= set(every_command())
    assert len({noun.name for noun in NOUNS}) == len(NOUNS)


@pytest.fixture
def daemon(tmp_path):
    with running(FakeDaemon(tmp_path / "s")) as daemon:
        daemon.on("GET", "/v1/status", wire.status(sentence="✗ 2 connections failing\x1b[2J"))
        daemon.on("GET", "/v1/records", *[wire.page(*[wire.record()] * 500, next="rec_1")])
        yield daemon


def test_without_a_terminal_the_screen_is_a_usage_error():
    ran = start(text=True)
    assert ran.returncode == 2
    assert "healthdesk status" in ran.stderr
    assert ran.stdout == ""


def test_a_screen_whose_drawing_goes_to_a_file_is_a_usage_error_too():
    keyboard, screen = os.openpty()
    try:
        command = [sys.executable, "-m", "healthdesk"]
        ran = subprocess.run(
            command, stdin=screen, stdout=screen, stderr=subprocess.PIPE, text=True, check=False
        )
    finally:
        os.close(keyboard)
        os.close(screen)
    assert ran.returncode == 2
    assert "needs a terminal on standard error" in ran.stderr


@pytest.mark.parametrize(
    ("terminals", "lacking"),
    [
        ({0, 1, 2}, ""),
        ({0, 1}, "standard error"),
        ({1, 2}, "standard input"),
        (set(), "standard input and standard output and standard error"),
    ],
)
def test_what_lacks_a_terminal_is_named(terminals: set[int], lacking: str):
    assert lacks_terminal(lambda number: number in terminals) == lacking


def test_socket_comes_from_the_environment(daemon):
    ran = start("status", environ={"HEALTHDESK_OPERATOR__SOCKET": str(daemon.socket)}, text=True)
    assert ran.returncode == 0
    assert "2 connections failing" in ran.stdout


def test_pipe_gets_no_colour_and_no_control_characters(daemon):
    ran = start("--socket", str(daemon.socket), "status", text=True, environ={"PYTHONIOENCODING": "utf-8"})
    assert "\x1b" not in ran.stdout
    assert "✗ 2 connections failing□[2J" in ran.stdout


def test_terminal_that_is_not_utf_8_gets_ascii(daemon):
    ran = start("--socket", str(daemon.socket), "status", environ={"PYTHONIOENCODING": "latin-1"})
    assert ran.returncode == 0
    assert ran.stdout.isascii()
    assert b"x 2 connections failing" in ran.stdout


def test_times_are_in_the_zone_of_the_environment(daemon):
    ran = start("--socket", str(daemon.socket), "status", environ={"TZ": "Asia/Tokyo"}, text=True)
    assert "2024-11-22 22:02:11 JST" in ran.stdout


def test_closed_pipe_is_no_error(daemon):
    command = [sys.executable, "-c", "import sys; from healthdesk.cli.main import main; sys.exit(main())"]
    command += ["--socket", str(daemon.socket), "records", "list", "--limit", "2000"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE) as process:
        process.stdout.read(10)
        process.stdout.close()
        errors = process.stderr.read()
        assert process.wait(60) == 0
    assert errors == b""


def test_interrupt_is_quiet_and_130(daemon):
    command = [sys.executable, "-c", "import sys; from healthdesk.cli.main import main; sys.exit(main())"]
    command += ["--socket", str(daemon.socket), "events", "--json"]

    async def wait_for_ever(request):
        from aiohttp import web

        response = web.StreamResponse(headers={"Content-Type": "text/event-stream"})
        await response.prepare(request)
        event = '{"id": "1", "at": "2024-11-22T13:00:00Z", "kind": "record.changed"}'
        await response.write(f"id: 1\ndata: {event}\n\n".encode())
        await asyncio.Event().wait()

    daemon.on("GET", "/v1/events", wait_for_ever)
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE) as process:
        assert b"record.changed" in process.stdout.readline()
        process.send_signal(signal.SIGINT)
        out, errors = process.communicate(timeout=60)
    assert process.returncode == 130
    assert errors == b""
    assert out == b""
