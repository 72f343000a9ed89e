"""Runs the command line against a fake daemon, as a person at a terminal or as a script."""

from __future__ import annotations

import io
import json
import shlex
from dataclasses import dataclass
from datetime import timedelta, timezone
from typing import Any

from healthdesk.cli.ask import Asker
from healthdesk.cli.main import execute
from healthdesk.cli.output import Output
from tests.harness import wire
from tests.harness.fake_daemon import FakeDaemon

ZONE = timezone(timedelta(hours=1), "CET")


class Typed(io.StringIO):
    """Standard input: what was typed at a terminal, or piped."""

    def __init__(self, text: str = "", *, terminal: bool = False) -> None:
        super().__init__(text)
        self._terminal = terminal

    def isatty(self) -> bool:
        return self._terminal


class StillClock:
    """The time of the answers; a sleep is over at once and kept in `slept`."""

    def __init__(self) -> None:
        self.slept: list[float] = []

    def now(self) -> Any:
        return wire.NOW

    def monotonic(self) -> float:
        return 0.0

    async def sleep(self, seconds: float) -> None:
        self.slept.append(seconds)


@dataclass(frozen=True)
class Ran:
    """What a command left."""

    code: int
    out: str
    err: str

    @property
    def json(self) -> Any:
        return json.loads(self.out)


@dataclass
class Shell:
    """A shell whose `healthdesk` speaks to `daemon`."""

    daemon: FakeDaemon
    width: int | None = None
    ascii_only: bool = False
    colour: bool = False

    def __call__(
        self,
        line: str,
        *,
        stdin: str = "",
        terminal: bool = False,
        hidden: str = "",
        clock: StillClock | None = None,
    ) -> Ran:
        """Run `healthdesk <line>`; `hidden` is what is typed without echo."""
        out, err = io.StringIO(), io.StringIO()
        output = Output(
            out,
            err,
            ascii_only=self.ascii_only,
            colour=self.colour,
            width=self.width,
            zone=ZONE,
            now=lambda: wire.NOW,
        )
        ask = Asker(Typed(stdin, terminal=terminal), err, hidden=lambda _: hidden)
        words = ["--socket", str(self.daemon.socket), *shlex.split(line)]
        code = execute(words, output, ask, clock=clock or StillClock())
        return Ran(code, out.getvalue(), err.getvalue())
