"""The outbox loop over a real store: order, backoff, restarts, and what is no news any more."""

from __future__ import annotations

import asyncio
from collections import defaultdict, deque
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from tests.integration.notify_sinks import SmtpSink

from healthdesk.config import load_config
from healthdesk.daemon.build import built_engine
from healthdesk.domain.problems import ProblemKey
from healthdesk.domain.states import AlertState, Blame, ErrorKind
from healthdesk.engine.channel_url import CheckedChannel
from healthdesk.engine.context import Context
from healthdesk.engine.notify import Notifier
from healthdesk.engine.notify_process import SendResult
from healthdesk.errors import StoreUnavailable
from healthdesk.store import alerts as queries
from healthdesk.store import problems
from healthdesk.store.folding import Folding, live_problems
from healthdesk.store.rows import AlertRow
from healthdesk.testing import FakeClock, FakeEndpoint
from healthdesk.vault import create_key_file

PATIENT_S = 60.0
DOWN = SendResult(
    ok=False, sentence="refused the connection", kind=ErrorKind.CONNECTION_REFUSED, retryable=True
)
GONE = SendResult(ok=False, sentence="answered 410", kind=ErrorKind.GONE, retryable=False)
SENT = SendResult(ok=True, sentence="delivered")


@dataclass
class FakeSender:
    """Answers as told, per channel URL; a gate holds a channel's sends until it is opened."""

    sent: list[tuple[str, str, str]] = field(default_factory=list)
    answers: dict[str, deque[SendResult]] = field(default_factory=lambda: defaultdict(deque))
    gates: dict[str, asyncio.Event] = field(default_factory=dict)
    at_gate: asyncio.Event = field(default_factory=asyncio.Event)
    under_way: int = 0
    most_under_way: dict[str, int] = field(default_factory=lambda: defaultdict(int))
    now: dict[str, int] = field(default_factory=lambda: defaultdict(int))

    async def send(self, url: str, title: str, body: str, *, type_: str, timeout_s: float) -> SendResult:
        self.now[url] += 1
        self.most_under_way[url] = max(self.most_under_way[url], self.now[url])
        try:
            if url in self.gates:
                self.at_gate.set()
                await self.gates[url].wait()
            self.sent.append((url, title, body))
            return self.answers[url].popleft() if self.answers[url] else SENT
        finally:
            self.now[url] -= 1

    async def check(self, url: str, *, timeout_s: float) -> CheckedChannel:
        raise NotImplementedError

    async def close(self) -> None:
        pass

    def titles(self, url: str) -> list[str]:
        return [title for to, title, _ in self.sent if to == url]


@dataclass
class Outbox:
    """A desk's outbox with a notifier that can be stopped, killed and started again."""

    ctx: Context
    clock: FakeClock
    sender: FakeSender
    changed: asyncio.Event = field(default_factory=asyncio.Event)
    notifier: Notifier | None = None
    running: asyncio.Task[None] | None = None
    stop_asked: asyncio.Event = field(default_factory=asyncio.Event)

    def start(self, **options: Any) -> None:
        self.stop_asked = asyncio.Event()
        self.notifier = Notifier(self.ctx, sender=self.sender, **options)
        self.running = asyncio.create_task(self.notifier.run(self.stop_asked))

    async def stop(self) -> None:
        self.stop_asked.set()
        assert self.running is not None
        await self.running

    async def crash(self) -> None:
        """Stop as a kill does: nothing of what is under way is settled."""
        assert self.running is not None
        self.running.cancel()
        await asyncio.gather(self.running, return_exceptions=True)

    async def channel(self, name: str, url: str = "") -> str:
        channel_id = self.ctx.new_id("chn")
        await self.ctx.store.write(
            queries.insert_channel,
            channel_id=channel_id,
            name=name,
            url_enc=self.ctx.vault.encrypt(url or name),
            url="masked",
            kind="JSON",
            now=self.clock.now(),
            by="alice",
        )
        return channel_id

    async def opens(self, what: str = "refused") -> str:
        """Open a problem of that cause and return its id."""
        key = ProblemKey(
            fingerprint=what,
            kind=ErrorKind.REFUSED,
            blame=Blame.THEM,
            status=422,
            cause=f"{what}: a value of the record",
            safe_cause=what,
            next_action="Ask them.",
            owner="bob",
            integration_id=None,
            connection_id="con_x",
            environment=None,
            opens_at_once=True,
        )

        def fail(conn: Any) -> str:
            folding = Folding(conn, self.clock.now())
            folding.note_connection(key)
            folding.fold()
            (opened,) = folding.finish().opened
            return opened

        return await self.ctx.store.write(fail)

    async def recovers(self, problem_id: str) -> None:
        def recover(conn: Any) -> None:
            folding = Folding(conn, self.clock.now())
            (row,) = (one for one in live_problems(conn, "con_x") if one["id"] == problem_id)
            folding.connection_recovered(row)
            folding.finish()

        await self.ctx.store.write(recover)

    async def rows(self) -> list[AlertRow]:
        page = await self.ctx.store.read(queries.page, limit=500, newest_first=False)
        return page.items

    async def states(self) -> list[str]:
        return [row.state.value for row in await self.rows()]

    async def until_states(self, *expected: str) -> None:
        async with asyncio.timeout(PATIENT_S):
            while True:
                # Cleared before the look: what changes while the database is read must not be missed.
                self.changed.clear()
                if await self.states() == list(expected):
                    return
                await self.changed.wait()

    async def pass_time_until_states(self, *expected: str) -> None:
        """Let time pass until the outbox is like this, whoever sleeps for whatever."""
        async with asyncio.timeout(PATIENT_S):
            while await self.states() != list(expected):
                self.clock.advance(1)

    async def until_sent(self, count: int) -> None:
        async with asyncio.timeout(PATIENT_S):
            while len(self.sender.sent) < count:
                self.changed.clear()
                await self.changed.wait()

    def wake(self) -> None:
        assert self.notifier is not None
        self.notifier.wake()


@asynccontextmanager
async def desk_outbox(folder: Path, clock: FakeClock) -> AsyncIterator[Outbox]:
    """The outbox of a desk in `folder`; entering it again is a restart."""
    if not (folder / "key").exists():
        create_key_file(folder / "key")
    config = load_config(
        None,
        {
            "HEALTHDESK_CONFIG": "",
            "HEALTHDESK_STORAGE__DATA_DIR": str(folder),
            "HEALTHDESK_SECURITY__KEY_FILE": str(folder / "key"),
            "HEALTHDESK_OPERATOR__SOCKET": str(folder / "s"),
            "HEALTHDESK_SECURITY__ALLOW_PRIVATE_NETWORKS": "127.0.0.0/8",
            "HEALTHDESK_ALERTS__SCHEDULE": "0s,10s,60s",
            "HOME": str(folder),
        },
    )
    async with built_engine(config, clock) as engine:
        outbox = Outbox(engine.ctx, clock, FakeSender())
        engine.ctx.bus.on_event(lambda _: outbox.changed.set())
        try:
            yield outbox
        finally:
            if outbox.running is not None and not outbox.running.done():
                await outbox.crash()


@pytest.fixture
def clock() -> FakeClock:
    return FakeClock()


@pytest.fixture
async def outbox(tmp_path: Path, clock: FakeClock) -> AsyncIterator[Outbox]:
    async with desk_outbox(tmp_path, clock) as outbox:
        yield outbox


async def test_problem_is_told_once_to_every_channel_with_its_command(outbox: Outbox) -> None:
    await outbox.channel("mail")
    await outbox.channel("chat")
    problem_id = await outbox.opens("risk_level is required")
    outbox.start()
    await outbox.until_states("sent", "sent")
    assert sorted(url for url, _, _ in outbox.sender.sent) == ["chat", "mail"]
    for _, _, body in outbox.sender.sent:
        assert "risk_level is required" in body
        assert f"healthdesk problems show {problem_id}" in body
        assert "a value of the record" not in body
    (row, _) = await outbox.rows()
    assert (row.title, row.body) == outbox.sender.sent[0][1:]


async def test_recovery_follows_its_opening(outbox: Outbox) -> None:
    await outbox.channel("mail")
    problem_id = await outbox.opens()
    outbox.start()
    await outbox.until_states("sent")
    await outbox.recovers(problem_id)
    outbox.wake()
    await outbox.until_states("sent", "sent")
    assert "recovered" in outbox.sender.titles("mail")[1]


async def test_channel_that_is_down_is_tried_again_by_the_schedule_then_failed(
    outbox: Outbox, clock: FakeClock
) -> None:
    await outbox.channel("mail")
    outbox.sender.answers["mail"].extend([DOWN] * 3)
    await outbox.opens()
    outbox.start()
    await outbox.until_states("retrying")
    (row,) = await outbox.rows()
    assert row.next_attempt_at is not None
    assert 8 <= (row.next_attempt_at - clock.now()).total_seconds() <= 12
    clock.advance(13)
    outbox.wake()
    await outbox.until_sent(2)
    await outbox.until_states("retrying")
    (row,) = await outbox.rows()
    assert row.next_attempt_at is not None
    assert 48 <= (row.next_attempt_at - clock.now()).total_seconds() <= 72
    clock.advance(73)
    outbox.wake()
    await outbox.until_states("failed")
    (row,) = await outbox.rows()
    assert (row.tries, row.error) == (3, "refused the connection")
    (channel,) = (await outbox.ctx.store.read(queries.channels)).items
    assert channel.last_error == "refused the connection"


async def test_refusal_for_good_is_not_repeated(outbox: Outbox) -> None:
    await outbox.channel("mail")
    outbox.sender.answers["mail"].append(GONE)
    await outbox.opens()
    outbox.start()
    await outbox.until_states("failed")
    assert len(outbox.sender.sent) == 1


async def test_slow_channel_holds_up_nobody_and_gets_its_messages_in_order(outbox: Outbox) -> None:
    await outbox.channel("slow")
    await outbox.channel("quick")
    outbox.sender.gates["slow"] = asyncio.Event()
    for number in range(12):
        await outbox.opens(f"cause {number}")
    outbox.start(parallel=2)
    await outbox.sender.at_gate.wait()
    async with asyncio.timeout(PATIENT_S):
        while len(outbox.sender.titles("quick")) < 12:
            outbox.changed.clear()
            await outbox.changed.wait()
    assert outbox.sender.titles("slow") == []
    outbox.sender.gates["slow"].set()
    await outbox.until_states(*["sent"] * 24)
    bodies = {url: [body for to, _, body in outbox.sender.sent if to == url] for url in ("slow", "quick")}
    for told in bodies.values():
        order = [next(number for number in range(12) if f"Why: cause {number}\n" in body) for body in told]
        assert order == list(range(12))
    assert outbox.sender.most_under_way["slow"] == 1


async def test_message_under_way_at_a_crash_is_sent_again(tmp_path: Path, clock: FakeClock) -> None:
    async with desk_outbox(tmp_path, clock) as before:
        await before.channel("mail")
        before.sender.gates["mail"] = asyncio.Event()
        await before.opens()
        before.start()
        await before.sender.at_gate.wait()
        await before.crash()
        assert await before.states() == ["sending"]
    async with desk_outbox(tmp_path, clock) as after:
        await after.ctx.store.write(
            queries.recover, clock.now(), daemon_id=after.ctx.daemon_id, others_are_dead=True
        )
        after.start()
        await after.until_states("sent")
        assert len(after.sender.sent) == 1


async def test_message_under_way_when_the_loop_dies_is_sent_when_it_starts_again(outbox: Outbox) -> None:
    await outbox.channel("mail")
    outbox.sender.gates["mail"] = asyncio.Event()
    await outbox.opens()
    outbox.start()
    await outbox.sender.at_gate.wait()
    await outbox.crash()
    assert await outbox.states() == ["sending"]
    outbox.sender.gates["mail"].set()
    assert outbox.notifier is not None
    outbox.running = asyncio.create_task(outbox.notifier.run(outbox.stop_asked))
    await outbox.until_states("sent")
    assert len(outbox.sender.sent) == 1


async def test_stop_lets_the_message_under_way_finish(outbox: Outbox) -> None:
    await outbox.channel("mail")
    outbox.sender.gates["mail"] = asyncio.Event()
    await outbox.opens()
    outbox.start()
    await outbox.sender.at_gate.wait()
    stopping = asyncio.create_task(outbox.stop())
    outbox.sender.gates["mail"].set()
    await stopping
    assert await outbox.states() == ["sent"]


async def test_recovery_that_overtakes_an_unsent_opening_withdraws_both(outbox: Outbox) -> None:
    await outbox.channel("mail")
    outbox.sender.answers["mail"].append(DOWN)
    problem_id = await outbox.opens()
    outbox.start()
    await outbox.until_states("retrying")
    await outbox.recovers(problem_id)
    assert await outbox.states() == ["superseded"]


async def test_acknowledged_before_it_was_sent_is_no_news(outbox: Outbox, clock: FakeClock) -> None:
    await outbox.channel("mail")
    problem_id = await outbox.opens()
    await outbox.ctx.store.write(problems.acknowledge, problem_id, by="alice", now=clock.now())
    outbox.start()
    await outbox.until_states("superseded")
    assert outbox.sender.sent == []


async def test_muted_before_it_was_sent_waits_for_the_end_of_the_mute(
    outbox: Outbox, clock: FakeClock
) -> None:
    await outbox.channel("mail")
    problem_id = await outbox.opens()
    until = clock.now() + timedelta(hours=1)
    await outbox.ctx.store.write(problems.mute, problem_id, by="alice", until=until)
    outbox.start()
    await outbox.changed.wait()
    (row,) = await outbox.rows()
    assert (row.state, row.next_attempt_at, outbox.sender.sent) == (AlertState.QUEUED, until, [])
    clock.advance(3500)
    assert outbox.sender.sent == []
    await outbox.pass_time_until_states("sent")
    assert clock.now() >= until
    (row,) = await outbox.rows()
    assert row.tries == 1


async def test_result_is_kept_when_the_store_comes_back(
    outbox: Outbox, clock: FakeClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    await outbox.channel("mail")
    await outbox.opens()
    write, failed = outbox.ctx.store.write, asyncio.Event()

    async def write_or_not(query: Callable[..., Any], *args: Any, **kw: Any) -> Any:
        if query is queries.settle and not failed.is_set():
            failed.set()
            raise StoreUnavailable("disk full")
        return await write(query, *args, **kw)

    monkeypatch.setattr(outbox.ctx.store, "write", write_or_not)
    outbox.start()
    await failed.wait()
    await outbox.pass_time_until_states("sent")
    assert len(outbox.sender.sent) == 1


async def test_alerts_leave_for_a_real_mail_server_and_a_real_chat(outbox: Outbox) -> None:
    async with SmtpSink() as smtp, FakeEndpoint() as chat:
        await outbox.channel(
            "mail", f"mailto://127.0.0.1:{smtp.port}/ops@acme.example?from=desk@acme.example"
        )
        await outbox.channel("chat", f"json://127.0.0.1:{chat.port}/hook")
        await outbox.opens("risk_level is required")
        outbox.sender = None  # type: ignore[assignment]  # the real one
        outbox.start()
        await outbox.until_states("sent", "sent")
        tested = await outbox.notifier.test_channel(f"json://127.0.0.1:{chat.port}/hook", "chat")
        await outbox.stop()
    assert tested.ok
    assert "risk_level is required" in smtp.mails[0].text
    assert chat.requests[0].json()["title"].startswith("healthdesk")
    assert "test" in chat.requests[1].json()["title"]


async def test_unsafe_url_is_not_even_tested(outbox: Outbox) -> None:
    outbox.start()
    result = await outbox.notifier.test_channel("json://hooks.example/?optional=yes", "chat")
    assert not result.ok
    assert outbox.sender.sent == []
    assert AlertState.QUEUED.value not in await outbox.states()
