"""Keeps a process no longer than its own parent lives: `python -m healthdesk.demo.keeper PROGRAM ARGUMENT…`.

A daemon does not end because its terminal does. The demo's must: the keeper ends it when the keeper's standard
input ends, which happens however the demo died.
"""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading

GRACE_S = 10.0


def keep(command: list[str]) -> int:
    """Run `command` until it ends or standard input does; return its exit code."""
    process = subprocess.Popen(command, stdin=subprocess.DEVNULL)
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    signal.signal(signal.SIGTERM, lambda *_: process.terminate())

    def watch() -> None:
        while os.read(0, 1024):
            pass
        process.terminate()
        try:
            process.wait(GRACE_S)
        except subprocess.TimeoutExpired:
            process.kill()

    threading.Thread(target=watch, daemon=True).start()
    return process.wait()


if __name__ == "__main__":
    sys.exit(keep(sys.argv[1:]))
