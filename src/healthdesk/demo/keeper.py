"""Keeps a process as long as its own parent lives, and no longer: `python -m healthdesk.demo.keeper PROGRAM ARGUMENT…`.

A daemon does not end because its terminal does. The demo's must: the keeper ends it when the keeper's standard
input ends, which happens however the demo died. From the first byte on standard input on, the parent wants the process
kept: one that dies is started again. Before that its end is the keeper's, so that a wrong start is told.
"""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
import time

GRACE_S = 10.0
PAUSE_S = 0.5


class Keeper:
    """Runs a command until it is told to end, and again when it dies before that."""

    def __init__(self, command: list[str]) -> None:
        self._command = command
        self._process: subprocess.Popen[bytes] | None = None
        self._kept = False
        self._ending = False

    def keep(self) -> int:
        """Run the command until standard input ends, or until it ends unkept; return its last exit code."""
        signal.signal(signal.SIGINT, signal.SIG_IGN)
        signal.signal(signal.SIGTERM, lambda *_: self._end())
        threading.Thread(target=self._watch, daemon=True).start()
        code = self._run()
        while self._kept and not self._ending:
            sys.stderr.write(f"keeper: the process ended with {code}; it is started again\n")
            sys.stderr.flush()
            time.sleep(PAUSE_S)
            code = self._run()
        return code

    def _run(self) -> int:
        self._process = subprocess.Popen(self._command, stdin=subprocess.DEVNULL)
        if self._ending:  # told while it was being started
            self._process.terminate()
        return self._process.wait()

    def _end(self) -> None:
        """End the process. Runs in the main thread alone, like every start, so that none is missed."""
        self._ending = True
        if self._process is not None:
            self._process.terminate()

    def _watch(self) -> None:
        while os.read(0, 1024):
            self._kept = True
        main = threading.main_thread().ident
        assert main is not None
        signal.pthread_kill(main, signal.SIGTERM)
        time.sleep(GRACE_S)
        if self._process is not None:
            self._process.kill()


if __name__ == "__main__":
    sys.exit(Keeper(sys.argv[1:]).keep())
