"""The sending child against real servers: what arrives, what a refusal says, and what a hang cannot do."""

from __future__ import annotations

import asyncio
import os
import signal
from collections.abc import AsyncIterator
from ipaddress import ip_network
from pathlib import Path
from typing import cast

import pytest
from tests.integration.notify_sinks import SmtpSink, silent_server

from healthdesk.domain.states import ErrorKind
from healthdesk.engine.notify_process import ChildLost, ChildSettings, NotifyProcess, NotifySender, SendResult
from healthdesk.errors import ChannelError
from healthdesk.testing import FakeClock, FakeEndpoint, drip, hold

LOOPBACK = (ip_network("127.0.0.0/8"),)
PATIENT_S = 60.0
TOKEN = "s3cr3t-t0ken"


@pytest.fixture
async def clock() -> FakeClock:
    return FakeClock()


@pytest.fixture
async def sender(clock: FakeClock) -> AsyncIterator[NotifySender]:
    sender = NotifySender(ChildSettings(allow=LOOPBACK), clock)
    yield sender
    await sender.close()


async def send(sender: NotifySender, url: str, *, timeout_s: float = PATIENT_S) -> SendResult:
    return await sender.send(url, "CRM fails", "131 records wait", type_="failure", timeout_s=timeout_s)


def chat_url(port: int) -> str:
    return f"json://127.0.0.1:{port}/{TOKEN}"


async def test_mail_arrives_with_title_and_body(sender: NotifySender) -> None:
    async with SmtpSink() as smtp:
        result = await send(sender, f"mailto://127.0.0.1:{smtp.port}/ops@acme.example?from=desk@acme.example")
    assert result == SendResult(ok=True, sentence="delivered", log=result.log)
    (mail,) = smtp.mails
    assert mail.recipients == ("ops@acme.example",)
    assert "CRM fails" in mail.text
    assert "131 records wait" in mail.text


async def test_chat_webhook_gets_the_message(sender: NotifySender) -> None:
    async with FakeEndpoint() as chat:
        result = await send(sender, chat_url(chat.port))
    assert result.ok
    (request,) = chat.requests
    assert request.json()["message"] == "131 records wait"


async def test_refused_recipient_says_who_refused_and_why(sender: NotifySender) -> None:
    async with SmtpSink() as smtp:
        smtp.refusal = "550 no such user here"
        result = await send(sender, f"mailto://127.0.0.1:{smtp.port}/ops@acme.example?from=desk@acme.example")
    assert (result.ok, result.kind, result.retryable) == (False, ErrorKind.REFUSED, False)
    assert result.sentence == "127.0.0.1 answered 550: no such user here"


async def test_mail_server_that_is_busy_is_tried_again(sender: NotifySender) -> None:
    async with SmtpSink() as smtp:
        smtp.refusal = "451 greylisted, come back later"
        result = await send(sender, f"mailto://127.0.0.1:{smtp.port}/ops@acme.example?from=desk@acme.example")
    assert (result.kind, result.retryable) == (ErrorKind.SERVER_ERROR, True)
    assert "greylisted" in result.sentence


async def test_wrong_mail_password_is_an_authentication_failure_and_not_told(sender: NotifySender) -> None:
    async with SmtpSink(password="right") as smtp:
        url = f"mailto://desk:wr0ng-pass@127.0.0.1:{smtp.port}/ops@acme.example?from=desk@acme.example"
        result = await send(sender, url)
    assert (result.kind, result.retryable) == (ErrorKind.AUTHENTICATION, False)
    assert "535" in result.sentence
    assert "wr0ng-pass" not in repr(result)


@pytest.mark.parametrize(
    ("status", "kind", "retryable"),
    [
        (401, ErrorKind.AUTHENTICATION, False),
        (404, ErrorKind.NOT_FOUND, False),
        (302, ErrorKind.REDIRECT, False),
        (429, ErrorKind.RATE_LIMITED, True),
        (503, ErrorKind.SERVER_ERROR, True),
    ],
)
async def test_refusal_of_a_webhook_is_typed(
    sender: NotifySender, status: int, kind: ErrorKind, retryable: bool
) -> None:
    async with FakeEndpoint() as chat:
        headers = {"Retry-After": "7", "Location": "/elsewhere"}
        chat.answer(status, json={"error": f"channel of {TOKEN} is archived"}, headers=headers)
        result = await send(sender, chat_url(chat.port))
        assert len(chat.requests) == 1
    assert (result.ok, result.kind, result.retryable) == (False, kind, retryable)
    assert result.sentence == f"127.0.0.1 port {chat.port} answered {status}: channel of •••• is archived"
    assert result.retry_after_s == 7.0


async def test_nobody_listening_is_said_plainly(sender: NotifySender) -> None:
    async with FakeEndpoint() as chat:
        url = chat_url(chat.port)
    result = await send(sender, url)
    assert (result.kind, result.retryable) == (ErrorKind.CONNECTION_REFUSED, True)
    assert result.sentence == f"127.0.0.1 port {chat.port} refused the connection"


async def test_no_secret_is_in_a_result_a_log_or_an_argument(
    sender: NotifySender, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level("DEBUG")
    async with FakeEndpoint() as chat:
        chat.behave(hold())
        sending = asyncio.create_task(send(sender, chat_url(chat.port)))
        await chat.wait_for(1)
        (pid,) = children()
        arguments = read_proc(pid, "cmdline")
        environment = read_proc(pid, "environ")
        chat.release()
        result = await sending
        chat.behave(hold())
    assert TOKEN.encode() not in arguments + environment
    assert TOKEN not in repr(result)
    assert TOKEN not in caplog.text


async def test_child_knows_nothing_of_the_daemons_environment(clock: FakeClock) -> None:
    environ = {
        "HEALTHDESK_SECRET": "x",
        "HTTPS_PROXY": "http://proxy",
        "TZ": "Europe/Vienna",
        "PYTHONPATH": "/x",
    }
    plain = ChildSettings(environ=environ).environment()
    assert set(plain) == {"PATH", "LANG", "HOME", "TZ"}
    proxied = ChildSettings(environ=environ, use_proxy=True).environment()
    assert set(proxied) == {"PATH", "LANG", "HOME", "TZ", "HTTPS_PROXY"}
    child = await NotifyProcess.start(ChildSettings(environ=environ))
    held = read_proc(child.pid, "environ")
    await child.close()
    assert b"HEALTHDESK_SECRET" not in held
    assert b"TZ=Europe/Vienna" in held


async def test_hang_is_killed_at_the_deadline_and_the_next_send_works(sender: NotifySender) -> None:
    async with silent_server() as silent, FakeEndpoint() as chat:
        assert (await send(sender, chat_url(chat.port))).ok  # loads what sending needs, which takes its time
        result = await send(sender, chat_url(silent.port), timeout_s=2.0)
        assert silent.connected.is_set()
        assert result == SendResult(
            ok=False,
            sentence="the service did not finish within 2 s",
            kind=ErrorKind.TIMEOUT,
            retryable=True,
        )
        assert children() == []
        assert (await send(sender, chat_url(chat.port))).ok


async def test_dripping_answer_is_killed_at_the_deadline(sender: NotifySender) -> None:
    async with FakeEndpoint() as chat:
        chat.behave(drip())
        result = await send(sender, chat_url(chat.port), timeout_s=1.0)
    assert result.kind is ErrorKind.TIMEOUT
    assert children() == []


async def test_silent_mail_server_is_killed_at_the_deadline(sender: NotifySender) -> None:
    async with silent_server() as silent:
        url = f"mailto://127.0.0.1:{silent.port}/ops@acme.example?from=desk@acme.example&cto=60"
        result = await send(sender, url, timeout_s=1.0)
    assert result.kind is ErrorKind.TIMEOUT
    assert children() == []


async def test_child_that_dies_is_told_and_replaced(sender: NotifySender) -> None:
    async with FakeEndpoint() as chat:
        chat.script(hold())
        sending = asyncio.create_task(send(sender, chat_url(chat.port)))
        await chat.wait_for(1)
        os.kill(children()[0], signal.SIGKILL)
        result = await sending
        assert (result.kind, result.retryable) == (ErrorKind.INTERNAL, True)
        assert result.sentence == "the sending process ended before it answered"
        assert (await send(sender, chat_url(chat.port))).ok


async def test_child_that_died_while_idle_costs_no_message(sender: NotifySender) -> None:
    async with FakeEndpoint() as chat:
        assert (await send(sender, chat_url(chat.port))).ok
        (pid,) = children()
        death = death_of(pid)
        os.kill(pid, signal.SIGKILL)
        await death
        assert (await send(sender, chat_url(chat.port))).ok


async def test_child_ends_with_the_daemon_even_while_a_service_hangs() -> None:
    child = await NotifyProcess.start(ChildSettings(allow=LOOPBACK))
    async with silent_server() as silent:
        request = {"op": "send", "url": chat_url(silent.port), "title": "t", "body": "b", "type": "info"}
        asking = asyncio.create_task(child.ask(request, PATIENT_S))
        await silent.connected.wait()
        child._process.stdin.close()
        with pytest.raises(ChildLost):
            await asking
    assert child._process.returncode == 0


async def test_idle_child_is_kept_for_the_next_message_and_then_let_go(
    sender: NotifySender, clock: FakeClock
) -> None:
    async with FakeEndpoint() as chat:
        assert (await send(sender, chat_url(chat.port))).ok
        first = children()
        assert (await send(sender, chat_url(chat.port))).ok
        assert children() == first
        await clock.wait_for_sleepers()
        death = death_of(first[0])
        clock.advance(61)
        await death


async def test_cancelled_send_leaves_no_child(sender: NotifySender) -> None:
    async with silent_server() as silent:
        sending = asyncio.create_task(send(sender, chat_url(silent.port)))
        await silent.connected.wait()
        sending.cancel()
        with pytest.raises(asyncio.CancelledError):
            await sending
    assert children() == []


@pytest.mark.parametrize(
    "url",
    [
        "json://127.0.0.1:{port}/x",
        "json://localhost:{port}/x",
        "json://[::1]:{port}/x",
        "mailto://127.0.0.1:{port}/ops@acme.example?from=desk@acme.example",
    ],
)
async def test_private_address_is_not_reached_unless_listed(clock: FakeClock, url: str) -> None:
    strict = NotifySender(ChildSettings(), clock)
    async with FakeEndpoint() as chat:
        result = await send(strict, url.format(port=chat.port))
        assert chat.connections == 0
    await strict.close()
    assert (result.kind, result.retryable) == (ErrorKind.ADDRESS_BLOCKED, False)
    assert "is loopback" in result.sentence


async def test_channel_may_not_read_what_is_the_desks(tmp_path: Path, clock: FakeClock) -> None:
    key = tmp_path / "key.json"
    key.write_text('{"private_key": "the desk\'s", "client_email": "a@b.example", "project_id": "p"}')
    guarded = NotifySender(ChildSettings(allow=LOOPBACK, protected=(tmp_path,)), clock)
    result = await send(guarded, f"fcm://project/device?keyfile={key}&mode=oauth2")
    await guarded.close()
    assert not result.ok
    assert result.sentence == "not sent: a channel may not read files of the desk"


@pytest.mark.parametrize(
    ("url", "masked", "kind"),
    [
        (
            "mailto://desk:pa55word@mail.acme.example/ops@acme.example",
            "mailto://…@mail.acme.example/ops@acme.example",
            "E-Mail",
        ),
        ("slack://T1JJ3T3L2/A1BRTD4JD/TIiajkdnlazkcOXrIdevi7FQ/#ops", "slack://T…2/…", "Slack"),
        (f"jsons://hooks.acme.example/{TOKEN}", "jsons://hooks.acme.example/…", "JSON"),
    ],
)
async def test_good_url_is_shown_masked(sender: NotifySender, url: str, masked: str, kind: str) -> None:
    checked = await sender.check(url, timeout_s=PATIENT_S)
    assert (checked.masked_url, checked.kind) == (masked, kind)


@pytest.mark.parametrize(
    ("url", "what", "fix"),
    [
        ("slak://T1JJ3T3L2/A1BRTD4JD", "slak:// is no service that Apprise knows", "did you mean slack://?"),
        ("slack://T1JJ3T3L2/A1BRTD4JD", "Token", "slack://{botname}@{token_a}/{token_b}/{token_c}/{targets}"),
        ("tgram://short-token/12345", "does not have the parts this service needs", "tgram://{bot_token}"),
    ],
)
async def test_wrong_url_names_the_part_and_the_form(
    sender: NotifySender, url: str, what: str, fix: str
) -> None:
    with pytest.raises(ChannelError) as refused:
        await sender.check(url, timeout_s=PATIENT_S)
    assert what in str(refused.value)
    assert fix in refused.value.fix
    assert "A1BRTD4JD" not in str(refused.value)


async def test_start_that_fails_says_why(monkeypatch: pytest.MonkeyPatch, sender: NotifySender) -> None:
    monkeypatch.setattr("healthdesk.engine.notify_process.PROGRAM", ("-I", "-m", "healthdesk.no_such"))
    result = await send(sender, chat_url(1))
    assert (result.kind, result.retryable) == (ErrorKind.INTERNAL, True)
    assert "No module named healthdesk.no_such" in result.sentence


class Undead:
    """A process that does not end, or whose output something else keeps open."""

    pid = 4711
    returncode = None

    def __init__(self) -> None:
        self.ended = asyncio.Event()

    async def wait(self) -> None:
        await self.ended.wait()

    communicate = wait


async def test_child_that_does_not_end_when_killed_is_left_behind_and_told(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    killed: list[int] = []
    monkeypatch.setattr(os, "killpg", lambda group, _signal: killed.append(group))
    monkeypatch.setattr("healthdesk.engine.notify_process.KILL_TIMEOUT_S", 0.01)
    child = NotifyProcess(cast("asyncio.subprocess.Process", undead := Undead()))
    await child.kill()
    assert "4711 did not end within 0.01 s of being killed and is left behind" in caplog.text
    assert await child._last_words() == ""
    assert "its output is still open after 0.01 s: why it did not start is not known" in caplog.text
    assert killed == [4711, 4711]
    undead.ended.set()


def children() -> list[int]:
    """The sending processes this process started."""
    mine = Path(f"/proc/self/task/{os.getpid()}/children").read_text().split()
    every = [int(pid) for task in Path("/proc/self/task").iterdir() for pid in _children_of(task)]
    return [pid for pid in {*map(int, mine), *every} if b"notify_child" in _cmdline(pid)]


def _children_of(task: Path) -> list[str]:
    return (task / "children").read_text().split()


def _cmdline(pid: int) -> bytes:
    try:
        return read_proc(pid, "cmdline")
    except OSError:
        return b""


def death_of(pid: int) -> asyncio.Future[None]:
    """A future that is done when the process has ended, threads and all."""
    loop = asyncio.get_running_loop()
    death: asyncio.Future[None] = loop.create_future()
    handle = os.pidfd_open(pid)

    def ended() -> None:
        loop.remove_reader(handle)
        os.close(handle)
        death.set_result(None)

    loop.add_reader(handle, ended)
    return death


def read_proc(pid: int, name: str) -> bytes:
    return Path(f"/proc/{pid}/{name}").read_bytes()
