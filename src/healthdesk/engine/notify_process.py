"""The daemon's side of the sending child: started when needed, killed when it hangs, gone when idle."""

from __future__ import annotations

import asyncio
import contextlib
import json
import logging
import os
import signal
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from ipaddress import IPv4Network, IPv6Network
from pathlib import Path
from typing import Any

from healthdesk.clock import Clock
from healthdesk.domain.states import ErrorKind
from healthdesk.engine.channel_url import CheckedChannel, refuse_unsafe
from healthdesk.errors import ChannelError, HealthdeskError

log = logging.getLogger(__name__)

PROGRAM = ("-I", "-m", "healthdesk.engine.notify_child")
START_TIMEOUT_S = 30.0
CLOSE_TIMEOUT_S = 2.0

KILL_TIMEOUT_S = 5.0
"""How long a killed child is waited for: one that hangs in the kernel, or whose pipes another process holds, stays."""

IDLE_S = 60.0
ANSWER_MAX = 1 << 20
_KEPT_VARIABLES = ("TZ", "SSL_CERT_FILE", "SSL_CERT_DIR", "REQUESTS_CA_BUNDLE")
_PROXY_VARIABLES = ("http_proxy", "https_proxy", "all_proxy", "no_proxy")


class ChildLost(HealthdeskError):
    """The child ended or does not speak the protocol."""


@dataclass(frozen=True, slots=True)
class SendResult:
    """What became of one message. `retryable` is False when the same send cannot succeed later.

    `log` is what Apprise said, secrets left out.
    """

    ok: bool
    sentence: str
    kind: ErrorKind | None = None
    retryable: bool = False
    retry_after_s: float | None = None
    log: str = ""


@dataclass(frozen=True, slots=True)
class ChildSettings:
    """What the child may reach (`allow` beside public addresses), may not read, and is started with."""

    allow: Sequence[IPv4Network | IPv6Network] = ()
    protected: Sequence[Path] = ()
    environ: Mapping[str, str] | None = None
    use_proxy: bool = False

    def environment(self) -> dict[str, str]:
        """Return the child's environment: nothing of the daemon's but what TLS, time and proxies need."""
        environ = os.environ if self.environ is None else self.environ
        kept = {name: environ[name] for name in _KEPT_VARIABLES if name in environ}
        if self.use_proxy:
            kept |= {name: value for name, value in environ.items() if name.lower() in _PROXY_VARIABLES}
        return {"PATH": os.defpath, "LANG": "C.UTF-8", "HOME": "/nonexistent", **kept}


class NotifyProcess:
    """One child. One request at a time; after an error it is killed and never used again."""

    def __init__(self, process: asyncio.subprocess.Process) -> None:
        self._process = process

    @classmethod
    async def start(cls, settings: ChildSettings) -> NotifyProcess:
        """Start a child in a process group of its own and tell it what it may reach."""
        process = await asyncio.create_subprocess_exec(
            sys.executable,
            *PROGRAM,
            stdin=asyncio.subprocess.PIPE,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.PIPE,
            env=settings.environment(),
            cwd="/",
            start_new_session=True,
            limit=ANSWER_MAX,
        )
        child = cls(process)
        hello = {
            "allow": [str(network) for network in settings.allow],
            "protected": [str(path) for path in settings.protected],
        }
        started = False
        try:
            async with asyncio.timeout(START_TIMEOUT_S):
                await child._exchange(hello)
            started = True
        except (ChildLost, TimeoutError) as error:
            words = await child._last_words()
            raise ChildLost(f"the sending process did not start: {words or error or 'no answer'}") from error
        finally:
            if not started and process.returncode is None:
                await child.kill()
        return child

    @property
    def pid(self) -> int:
        """Process id, which is also the id of its group."""
        return self._process.pid

    @property
    def alive(self) -> bool:
        """Whether the child runs right now: the loop hears of an end only later."""
        if self._process.returncode is not None:
            return False
        try:
            ended = os.waitid(os.P_PID, self.pid, os.WEXITED | os.WNOHANG | os.WNOWAIT)
        except ChildProcessError:
            return False
        return ended is None

    async def ask(self, request: Mapping[str, Any], timeout_s: float) -> dict[str, Any]:
        """Send a request and return the answer; TimeoutError or ChildLost end the child."""
        answered = False
        try:
            async with asyncio.timeout(timeout_s):
                answer = await self._exchange(request)
            answered = True
            return answer
        finally:
            if not answered:
                await self.kill()

    async def _exchange(self, request: Mapping[str, Any]) -> dict[str, Any]:
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        try:
            self._process.stdin.write(json.dumps(request).encode() + b"\n")
            await self._process.stdin.drain()
            line = await self._process.stdout.readline()
            answer = json.loads(line)
        except (OSError, ValueError) as error:
            raise ChildLost("the sending process ended before it answered") from error
        if not isinstance(answer, dict):
            raise ChildLost("the sending process answered something else than was asked")
        return answer

    async def _last_words(self) -> str:
        """End a child that did not start and return the last line it wrote; it was told no secret yet."""
        self._signal()
        try:
            async with asyncio.timeout(KILL_TIMEOUT_S):
                _, words = await self._process.communicate()
        except TimeoutError:
            log.warning(
                "the sending process %d was killed, but its output is still open after %g s: why it did not start "
                "is not known",
                self.pid,
                KILL_TIMEOUT_S,
            )
            return ""
        lines = words.decode("utf-8", "replace").strip().splitlines()
        return lines[-1] if lines else ""

    async def close(self) -> None:
        """Let the child go: it ends when its pipe does, or is killed."""
        assert self._process.stdin is not None
        self._process.stdin.close()
        try:
            async with asyncio.timeout(CLOSE_TIMEOUT_S):
                await self._process.wait()
        except TimeoutError:
            await self.kill()

    async def kill(self) -> None:
        """Kill the child and whatever it started; one that does not end within KILL_TIMEOUT_S is left behind."""
        self._signal()
        try:
            async with asyncio.timeout(KILL_TIMEOUT_S):
                await asyncio.shield(self._process.wait())
        except TimeoutError:
            log.warning(
                "the sending process %d did not end within %g s of being killed and is left behind: it is not used "
                "again, the next message starts another",
                self.pid,
                KILL_TIMEOUT_S,
            )

    def _signal(self) -> None:
        with contextlib.suppress(ProcessLookupError):
            os.killpg(self._process.pid, signal.SIGKILL)


class NotifySender:
    """Sends messages through children: one a message under way, kept for the next until idle too long."""

    def __init__(self, settings: ChildSettings, clock: Clock, *, idle_s: float = IDLE_S) -> None:
        self._settings = settings
        self._clock = clock
        self._idle_s = idle_s
        self._idle: dict[NotifyProcess, asyncio.Task[None]] = {}
        self._leaving: set[asyncio.Task[None]] = set()

    async def send(self, url: str, title: str, body: str, *, type_: str, timeout_s: float) -> SendResult:
        """Send one message to one channel. Never raises but CancelledError."""
        request = {"op": "send", "url": url, "title": title, "body": body, "type": type_}
        try:
            answer = await self._ask(request, timeout_s)
            return SendResult(
                ok=answer["ok"] is True,
                sentence=str(answer["sentence"]),
                kind=ErrorKind(answer["kind"]) if answer["kind"] else None,
                retryable=answer["retryable"] is True,
                retry_after_s=answer.get("retry_after_s"),
                log=str(answer["log"]),
            )
        except TimeoutError:
            sentence = f"the service did not finish within {timeout_s:g} s"
            return SendResult(ok=False, sentence=sentence, kind=ErrorKind.TIMEOUT, retryable=True)
        except (ChildLost, OSError, KeyError, ValueError) as error:
            log.error("an alert could not be sent: %s", error)
            sentence = str(error) if isinstance(error, ChildLost) else "the sending process could not be used"
            return SendResult(ok=False, sentence=sentence, kind=ErrorKind.INTERNAL, retryable=True)

    async def check(self, url: str, *, timeout_s: float) -> CheckedChannel:
        """Return a URL's masked form and service; ChannelError names the wrong part and the right form."""
        refuse_unsafe(url)
        try:
            answer = await self._ask({"op": "check", "url": url.strip()}, timeout_s)
        except (ChildLost, TimeoutError, OSError) as error:
            raise ChannelError(f"the URL could not be checked: {error or 'no answer in time'}") from error
        if answer.get("ok") is not True:
            raise ChannelError(str(answer.get("sentence")), fix=str(answer.get("fix", "")))
        return CheckedChannel(masked_url=str(answer["masked_url"]), kind=str(answer["kind"]))

    async def close(self) -> None:
        """Let every idle child go; with the next message another one starts."""
        idle, self._idle = self._idle, {}
        for child, waiting in idle.items():
            waiting.cancel()
            await asyncio.gather(waiting, return_exceptions=True)
            await child.close()
        await asyncio.gather(*self._leaving)

    async def _ask(self, request: Mapping[str, Any], timeout_s: float) -> dict[str, Any]:
        child = await self._take()
        answer = await child.ask(request, timeout_s)
        self._give_back(child)
        return answer

    async def _take(self) -> NotifyProcess:
        while self._idle:
            child, waiting = self._idle.popitem()
            waiting.cancel()
            if child.alive:
                return child
        return await NotifyProcess.start(self._settings)

    def _give_back(self, child: NotifyProcess) -> None:
        waiting = asyncio.create_task(self._leave_later(child), name="healthdesk:notify-idle")
        waiting.add_done_callback(self._leaving.discard)
        self._idle[child] = waiting

    async def _leave_later(self, child: NotifyProcess) -> None:
        await self._clock.sleep(self._idle_s)
        self._leaving.add(self._idle.pop(child))
        await child.close()
