"""Finding the daemon, versions, errors, and the event stream."""

import asyncio
import socket

import pytest
from aiohttp import web
from tests.harness import wire
from tests.harness.fake_daemon import FakeDaemon, running

from healthdesk.api.desk import Event
from healthdesk.client.client import Client
from healthdesk.client.sockets import find_socket
from healthdesk.client.transport import Transport
from healthdesk.errors import ApiRefused, ClientError, DaemonUnreachable, IncompatibleDaemon


@pytest.fixture
def daemon(tmp_path):
    with running(FakeDaemon(tmp_path / "s")) as daemon:
        daemon.on("GET", "/v1/status", wire.status())
        yield daemon


def test_socket_named_by_option_is_the_only_one(tmp_path):
    found = find_socket(tmp_path / "a", {"HEALTHDESK_OPERATOR__SOCKET": "/b", "XDG_RUNTIME_DIR": "/c"})
    assert found == (tmp_path / "a",)


def test_socket_named_by_environment_is_the_only_one():
    found = find_socket(None, {"HEALTHDESK_OPERATOR__SOCKET": "/b/s", "XDG_RUNTIME_DIR": "/c"})
    assert [str(path) for path in found] == ["/b/s"]


def test_usual_sockets_are_the_host_s_then_the_user_s():
    found = [str(path) for path in find_socket(None, {"XDG_RUNTIME_DIR": "/run/user/7"})]
    assert found[:2] == ["/run/healthdesk/operator.sock", "/run/user/7/healthdesk/operator.sock"]
    assert len(found) == len(set(found))


async def test_no_daemon_names_every_socket_tried(tmp_path):
    http = Transport([tmp_path / "a", tmp_path / "b"])
    with pytest.raises(DaemonUnreachable, match=r"/a, .*/b") as raised:
        await http.raw("GET", "/v1/status")
    await http.close()
    assert raised.value.tried == (tmp_path / "a", tmp_path / "b")
    assert "healthdesk daemon" in raised.value.fix


async def test_socket_left_by_a_dead_daemon_is_passed_over(tmp_path, daemon):
    stale = tmp_path / "stale"
    with socket.socket(socket.AF_UNIX) as left:
        left.bind(str(stale))
    http = Transport([stale, tmp_path / "none", daemon.socket])
    assert await http.raw("GET", "/v1/status")
    await http.close()


async def test_socket_that_may_not_be_opened_is_not_permitted(tmp_path, monkeypatch):
    async def refuse(*_, **__):
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr(asyncio.get_running_loop(), "create_unix_connection", refuse)
    http = Transport([tmp_path / "s"])
    with pytest.raises(ApiRefused, match="no permission to open") as raised:
        await http.raw("GET", "/v1/status")
    await http.close()
    assert raised.value.status == 403
    assert raised.value.fix


async def test_problem_details_become_the_error(daemon):
    daemon.problem("GET", "/v1/status", 409, "conflict", "it is paused", fix="resume it", field="state")
    async with Client(daemon.socket) as client:
        with pytest.raises(ApiRefused) as raised:
            await client.status()
    error = raised.value
    assert (error.status, error.slug, error.what, error.fix, error.field) == (
        409,
        "conflict",
        "it is paused",
        "resume it",
        "state",
    )


async def test_error_without_problem_details_names_its_status(daemon):
    daemon.on("GET", "/v1/status", 502)
    async with Client(daemon.socket) as client:
        with pytest.raises(ApiRefused, match="502"):
            await client.status()


@pytest.mark.parametrize(
    ("version", "words"),
    [
        ("", "not a healthdesk daemon"),
        ("x", "not a healthdesk daemon"),
        ("²", "not a healthdesk daemon"),
        ("2", "speaks API version 2, this client knows up to 1"),
        ("0", "needs 1 or newer"),
    ],
)
async def test_daemon_of_an_unknown_version_is_refused(daemon, version, words):
    daemon.version = version
    async with Client(daemon.socket) as client:
        with pytest.raises(IncompatibleDaemon, match=words):
            await client.status()


async def test_version_is_checked_before_an_error_is_believed(daemon):
    daemon.version = "9"
    async with Client(daemon.socket) as client:
        with pytest.raises(IncompatibleDaemon):
            await client.record("rec_1")


async def test_answer_of_another_shape_is_incompatible_and_not_a_crash(daemon):
    daemon.on("GET", "/v1/status", {"version": "7"})
    async with Client(daemon.socket) as client:
        with pytest.raises(IncompatibleDaemon, match="not the one this client knows"):
            await client.status()


async def test_unknown_keys_of_a_newer_daemon_are_ignored(daemon):
    daemon.on("GET", "/v1/status", wire.status().model_dump(mode="json") | {"brand_new": 1})
    async with Client(daemon.socket) as client:
        assert await client.status() == wire.status()


async def test_daemon_that_hangs_up_is_unreachable(daemon):
    async def hang_up(request: web.Request) -> web.StreamResponse:
        request.transport.close()
        return web.Response()

    daemon.on("POST", "/v1/records/rec_1/reveal", hang_up)
    async with Client(daemon.socket) as client:
        with pytest.raises(DaemonUnreachable, match="stopped answering") as raised:
            await client.record_reveal("rec_1")
    assert "may or may not" in raised.value.fix


async def test_daemon_that_does_not_answer_in_time_is_unreachable(daemon):
    async def dawdle(_: web.Request) -> web.StreamResponse:
        await asyncio.Event().wait()
        return web.Response()

    daemon.on("GET", "/v1/slow", dawdle)
    http = Transport([daemon.socket])
    with pytest.raises(DaemonUnreachable, match="did not answer in time"):
        await http.raw("GET", "/v1/slow", timeout_s=0.05)
    await http.close()


async def test_client_outlives_a_restart_of_the_daemon(tmp_path):
    path = tmp_path / "s"
    async with Client(path) as client:
        for _ in range(2):
            with running(FakeDaemon(path)) as daemon:
                daemon.on("GET", "/v1/status", wire.status())
                assert await client.status()
            with pytest.raises(DaemonUnreachable):
                await client.status()


def events(*chunks: bytes):
    async def stream(request: web.Request) -> web.StreamResponse:
        response = web.StreamResponse(headers={"Content-Type": "text/event-stream"})
        await response.prepare(request)
        for chunk in chunks:
            await response.write(chunk)
        return response

    return stream


def message(number: int, kind: str = "record.changed") -> bytes:
    event = Event(id=str(number), at=wire.NOW, kind=kind, object_id="rec_1")
    return f"id: {number}\nevent: {kind}\ndata: {event.model_dump_json()}\n\n".encode()


async def test_events_are_told_until_the_stream_ends(daemon):
    first, second = message(1), message(2, "reset")
    daemon.on("GET", "/v1/events", events(b": hello\n\n", first[:20], first[20:] + second))
    seen = []

    async def follow(client: Client) -> None:
        async for event in client.events():
            seen.append((event.id, event.kind))  # noqa: PERF401 - what came before the error is kept

    async with Client(daemon.socket) as client:
        with pytest.raises(DaemonUnreachable):
            await follow(client)
    assert seen == [("1", "record.changed"), ("2", "reset")]
    assert "Last-Event-ID" not in daemon.last.headers
    assert daemon.last.headers["Accept"] == "text/event-stream"


async def test_stream_resumes_after_the_event_named(daemon):
    daemon.on("GET", "/v1/events", events(message(8)))
    async with Client(daemon.socket) as client:
        stream = client.events("7")
        assert (await anext(stream)).id == "8"
        await stream.aclose()
    assert daemon.last.headers["Last-Event-ID"] == "7"


async def test_refused_stream_says_why(daemon):
    daemon.problem("GET", "/v1/events", 403, "not-permitted", "mallory has no role")
    async with Client(daemon.socket) as client:
        with pytest.raises(ApiRefused, match="mallory"):
            await anext(client.events())


async def test_event_of_another_shape_is_incompatible(daemon):
    daemon.on("GET", "/v1/events", events(b'data: {"x": 1}\n\n'))
    async with Client(daemon.socket) as client:
        with pytest.raises(ClientError, match="not one this client knows"):
            await anext(client.events())
