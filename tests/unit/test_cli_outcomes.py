"""Exit codes, what is said on standard error, and following events."""

import pytest
from aiohttp import web
from tests.harness import wire
from tests.harness.cli import Shell, StillClock
from tests.harness.fake_daemon import FakeDaemon, running

from healthdesk.api.desk import Event
from healthdesk.cli.main import exit_code
from healthdesk.errors import (
    ApiRefused,
    ConfigError,
    DaemonUnreachable,
    HealthdeskError,
    IncompatibleDaemon,
    NotPermitted,
)


@pytest.fixture
def daemon(tmp_path):
    with running(FakeDaemon(tmp_path / "s")) as daemon:
        daemon.on("GET", "/v1/status", wire.status())
        yield daemon


@pytest.fixture
def desk(daemon):
    return Shell(daemon)


@pytest.mark.parametrize(
    ("error", "code"),
    [
        (HealthdeskError("x"), 1),
        (ConfigError("x"), 1),
        (IncompatibleDaemon("x"), 1),
        (ApiRefused("x", status=404, slug="not-found"), 1),
        (ApiRefused("x", status=503, slug="unavailable"), 1),
        (DaemonUnreachable("x"), 3),
        (ApiRefused("x", status=403, slug="not-permitted"), 4),
        (ApiRefused("x", status=401, slug="unauthenticated"), 4),
        (NotPermitted("x"), 4),
    ],
)
def test_error_has_its_exit_code(error, code):
    assert exit_code(error) == code


def test_refusal_says_what_and_what_to_do(daemon, desk):
    daemon.problem(
        "GET", "/v1/records/rec_1", 404, "not-found", "there is no record rec_1", fix="see the log"
    )
    ran = desk("records show rec_1")
    assert (ran.code, ran.out) == (1, "")
    assert ran.err == "error: there is no record rec_1\nfix: see the log\n"


def test_operator_without_the_role_is_exit_code_4(daemon, desk):
    daemon.problem("GET", "/v1/status", 403, "not-permitted", "members may read; ask alice", fix="ask alice")
    assert desk("status").code == 4


def test_no_daemon_is_exit_code_3(tmp_path):
    ran = Shell(FakeDaemon(tmp_path / "none"))("status --json")
    assert ran.code == 3
    assert ran.out == ""
    assert f"tried {tmp_path / 'none'}" in ran.err
    assert "fix: Start it with `healthdesk daemon`" in ran.err


def test_error_from_outside_cannot_act_on_the_terminal(daemon, desk):
    daemon.problem("GET", "/v1/status", 400, "malformed", "x\x1b[2J\ny\u202e")
    assert desk("status").err == "error: x□[2J y\n"


@pytest.mark.parametrize(
    ("line", "words"),
    [
        ("recrods list", "did you mean records?"),
        ("records lst", "did you mean list?"),
        ("records list --state faild", "did you mean failed?"),
        ("records", "healthdesk records --help"),
        ("records list --limit 0", "whole number from 1"),
        ("records list --limit ²", "whole number from 1"),
        ("records list --from soon", "is not a time"),
        ("records list --nonsense", "no such option: --nonsense"),
        ("records list extra", "too many arguments"),
        ("records list --exact", "--exact goes with --count"),
        ("records show rec_1 --reveal --attempts", "--reveal shows the record"),
        ("integrations keys int_1 --overlap 1h", "--overlap goes with --new"),
        ("integrations add --name x", "--connection is missing"),
        ("connections add --name x", "--base-url is missing"),
        ("rules add --name x", "--channel is missing"),
        ("integrations add --name x --connection con_1 --header nonsense", "NAME:VALUE"),
        ("problems mute prb_1 --for ever", "not a duration"),
        ("records resend-all --dry-run --yes", "contradicts"),
        ("demo --for 0", "shows nothing"),
    ],
)
def test_wrong_usage_is_exit_code_2_and_asks_nothing(daemon, desk, line, words):
    ran = desk(line)
    assert (ran.code, ran.out) == (2, "")
    assert words in ran.err
    assert daemon.asked == []


def test_states_are_told_by_glyph_and_word_and_only_then_by_colour(daemon):
    daemon.on("GET", "/v1/records", wire.page(wire.record()))
    assert "\x1b" not in Shell(daemon)("records list").out
    assert "\x1b[31m✗ Failed 422\x1b[0m" in Shell(daemon, colour=True)("records list").out
    assert "x Failed 422" in Shell(daemon, ascii_only=True)("records list").out


def stream(*numbers: int):
    async def answer(request: web.Request) -> web.StreamResponse:
        response = web.StreamResponse(headers={"Content-Type": "text/event-stream"})
        await response.prepare(request)
        for number in numbers:
            event = Event(id=str(number), at=wire.NOW, kind="record.changed", object_id=f"rec_{number}")
            await response.write(f"id: {number}\ndata: {event.model_dump_json()}\n\n".encode())
        return response

    return answer


def test_events_are_lines(daemon, desk):
    daemon.on("GET", "/v1/events", stream(1, 2, 3))
    assert desk("events --count 2").out == (
        "2024-11-22 14:02:11 CET  record.changed  rec_1\n2024-11-22 14:02:11 CET  record.changed  rec_2\n"
    )
    ran = desk("events --count 1 --after 7 --json")
    assert ran.out.count("\n") == 1
    assert ran.json["object_id"] == "rec_1"
    assert daemon.last.headers["Last-Event-ID"] == "7"


def test_events_go_on_after_the_last_one_when_the_daemon_was_away(daemon, desk):
    daemon.on("GET", "/v1/events", stream(1), stream(), stream(), stream(2))
    clock = StillClock()
    ran = desk("events --count 2 --json", clock=clock)
    assert ran.code == 0
    assert [one.headers.get("Last-Event-ID") for one in daemon.asked[1:]] == [None, "1", "1", "1"]
    assert clock.slept == [0.5, 1.0, 2.0]
    assert "trying again in 0.5 s" in ran.err


def test_events_without_a_daemon_is_exit_code_3(tmp_path):
    assert Shell(FakeDaemon(tmp_path / "none"))("events").code == 3


def test_one_attempt_is_revealed_too(daemon, desk):
    daemon.on("POST", "/v1/records/rec_1/attempts/att_1/reveal", wire.attempt_detail())
    assert desk("records show rec_1 --attempt att_1 --reveal").code == 0
    assert daemon.lines() == ["POST /v1/records/rec_1/attempts/att_1/reveal"]
