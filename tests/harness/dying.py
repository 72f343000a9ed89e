"""The daemon, killed by itself with SIGKILL in the middle of a transaction: `python dying.py MODULE:FUNCTION`.

The function of the store does its work; what it wrote is not committed when the process ends.
"""

from __future__ import annotations

import functools
import importlib
import os
import signal
import sys
from typing import Any, NoReturn

from healthdesk.cli.main import main


def dies_after(point: str) -> None:
    """Let this process end as soon as a function, named as `package.module:function`, has returned once."""
    module_name, _, name = point.partition(":")
    module = importlib.import_module(module_name)
    works = getattr(module, name)

    @functools.wraps(works)
    def works_and_dies(*args: Any, **kwargs: Any) -> NoReturn:
        works(*args, **kwargs)
        os.kill(os.getpid(), signal.SIGKILL)
        raise AssertionError("SIGKILL cannot be survived")

    setattr(module, name, works_and_dies)


if __name__ == "__main__":
    dies_after(sys.argv[1])
    sys.argv = ["healthdesk", "daemon"]
    sys.exit(main())
