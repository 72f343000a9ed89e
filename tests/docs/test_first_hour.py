"""docs/first-hour.md, walked: its commands run as they stand, against a real daemon."""

from __future__ import annotations

import json
import os
import queue
import re
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest
from tests.harness.desk import free_port

PATIENCE_S = 60.0
"""How long a thing that has to happen may take on a busy machine; nothing waits that long when all is well."""


class Watched:
    """A background command whose output is read line by line."""

    def __init__(self, command: str, folder: Path, environ: dict[str, str]) -> None:
        self.lines: list[str] = []
        self._fresh: queue.SimpleQueue[str | None] = queue.SimpleQueue()
        self.process = subprocess.Popen(
            ["bash", "-c", f"exec {command.strip()}"],
            cwd=folder,
            env=environ,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )
        self._reader = threading.Thread(target=self._read, daemon=True)
        self._reader.start()

    def _read(self) -> None:
        assert self.process.stdout is not None
        for line in self.process.stdout:
            self._fresh.put(line.rstrip("\n"))
        self._fresh.put(None)

    def wait_for(self, wanted: Callable[[str], bool]) -> str:
        """Return the first line from now on that is wanted."""
        while True:
            line = self._fresh.get(timeout=PATIENCE_S)
            assert line is not None, "it ended:\n" + "\n".join(self.lines)
            self.lines.append(line)
            if wanted(line):
                return line

    def stop(self) -> int:
        """End it as a service manager would."""
        self.process.terminate()
        code = self.process.wait(PATIENCE_S)
        self._reader.join(PATIENCE_S)
        assert self.process.stdout is not None
        self.process.stdout.close()
        return code


class Walk:
    """Runs the blocks of the page in order; what one exports, the next ones see."""

    def __init__(self, text: str, folder: Path, environ: dict[str, str]) -> None:
        blocks = re.findall(r"^```sh( background)?\n(.*?)^```$", text, re.MULTILINE | re.DOTALL)
        self._blocks = [(kind.strip(), block) for kind, block in blocks]
        self._folder = folder
        self._environ = environ
        (folder / "exports").touch()

    def next(self, *, about: str) -> str:
        """Run the next block, which must mention `about`, and return what it prints."""
        kind, block = self._blocks.pop(0)
        assert about in block, f"the page has changed: {block}"
        assert not kind, "this block belongs into another terminal"
        script = f"set -euo pipefail; . ./exports\n{block}\nexport -p > exports"
        done = subprocess.run(
            ["bash", "-c", script],
            cwd=self._folder,
            env=self._environ,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=PATIENCE_S,
            check=False,
        )
        assert done.returncode == 0, f"{block}\n{done.stdout}\n{done.stderr}"
        return done.stdout

    def next_terminal(self, *, about: str) -> Watched:
        """Start the next block, which belongs into a terminal of its own."""
        kind, block = self._blocks.pop(0)
        assert (kind, about in block) == ("background", True), block
        return Watched(block, self._folder, self._environ)

    @property
    def left(self) -> int:
        """How many blocks have not been run."""
        return len(self._blocks)


@pytest.fixture
def folder() -> Iterator[Path]:
    # Short, because a socket goes below it.
    with TemporaryDirectory(prefix="hd") as name:
        yield Path(name)


def test_the_first_hour_works_as_written(repository: Path, folder: Path) -> None:
    text = (repository / "docs/first-hour.md").read_text(encoding="utf-8")
    text = text.replace("9000", str(free_port())).replace("make setup\n", "")
    text = text.replace("$PWD/.venv/bin", str(Path(sys.executable).parent))
    # a width is given to test workers, and tables would be cut to it
    environ = {name: value for name, value in os.environ.items() if name != "COLUMNS"} | {
        "PATH": f"{Path(sys.executable).parent}:{os.environ['PATH']}",
        "HEALTHDESK_SERVER__LISTEN": "127.0.0.1:0",
        "PYTHONUNBUFFERED": "1",
    }
    walk = Walk(text, folder, environ)

    walk.next(about="PATH")
    walk.next(about="receiver.py")
    # The receiver prints nothing when it starts; a line of our own says that it listens.
    program = (folder / "receiver.py").read_text()
    (folder / "receiver.py").write_text(
        program.replace("ThreadingHTTPServer((", "print('up', flush=True)\nThreadingHTTPServer((")
    )
    receiver = walk.next_terminal(about="receiver.py")
    try:
        receiver.wait_for(lambda line: line == "up")
        assert "key: " in walk.next(about="healthdesk init")
        daemon = walk.next_terminal(about="healthdesk daemon")
        try:
            daemon.wait_for(lambda line: "operator API on" in line)
            finish(walk, receiver)
            ledger = walk_ledger(folder, environ)
        finally:
            code = daemon.stop()
    finally:
        receiver.stop()
    assert code == 0
    assert ledger["balanced"] is True
    assert [row["states"].get("delivered") for row in ledger["rows"]] == [2]
    assert walk.left == 0


def finish(walk: Walk, receiver: Watched) -> None:
    """Walk from the connection to the recovery, waiting for what the receiver sees of it."""
    walk.next(about="healthdesk status")
    assert "Connected" in walk.next(about="connections add")
    assert "whsec_" in walk.next(about="sources add")
    assert "rec_" in walk.next(about="records add")
    receiver.wait_for(lambda line: line.startswith("/hra rec_") and line.endswith('{"score": 71}'))
    assert "hdk_" in walk.next(about="keys")
    assert "whsec_" in walk.next(about="--signing")
    walk.next(about="channels add")
    receiver.wait_for(lambda line: line.startswith("/alerts"))
    walk.next(about="--path /broken")
    receiver.wait_for(lambda line: line.startswith("/broken rec_"))
    alert = receiver.wait_for(lambda line: line.startswith("/alerts") and "problems show prb_" in line)
    assert "422" in alert
    assert '"score"' not in alert
    shown = walk.next(about="problems list")
    assert "422" in shown
    assert "risk_level" in shown
    walk.next(about="resend-all")
    receiver.wait_for(lambda line: line.startswith("/hra rec_") and line.endswith('{"score": 12}'))
    receiver.wait_for(lambda line: line.startswith("/alerts"))
    connect_app(walk, receiver)


def connect_app(walk: Walk, receiver: Watched) -> None:
    """Walk through the section on apps: the fields, a token that is refused, one that is taken, and its end."""
    assert "https://github.com/settings/personal-access-tokens" in walk.next(about="apps github")
    connected = walk.next(about="a-wrong-token")
    assert "Try another one." in connected
    assert "acme-bot" in connected
    receiver.wait_for(lambda line: line.startswith("/alerts") and "token expires in 6 days" in line)
    shown = walk.next(about="--evidence")
    assert "in 6 days" in shown
    assert "/github/user" in shown


def walk_ledger(folder: Path, environ: dict[str, str]) -> dict[str, object]:
    """Return the ledger as the CLI prints it."""
    command = [
        "healthdesk",
        "records",
        "ledger",
        "--json",
        "--socket",
        str(folder / "desk/run/operator.sock"),
    ]
    done = subprocess.run(
        command, env=environ, capture_output=True, text=True, timeout=PATIENCE_S, check=True
    )
    answer: dict[str, object] = json.loads(done.stdout)
    return answer
