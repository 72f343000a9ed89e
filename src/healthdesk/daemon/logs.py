"""How the daemon writes its log: where a fault was, never what an exception quotes."""

from __future__ import annotations

import logging
import sys
import traceback
from types import TracebackType

from healthdesk.errors import HealthdeskError

FORMAT = "%(asctime)s %(levelname)-7s %(name)s %(message)s"

_ExcInfo = tuple[type[BaseException], BaseException, TracebackType | None] | tuple[None, None, None]


class PrivateFormatter(logging.Formatter):
    """Leaves the messages of exceptions that are not ours out of tracebacks.

    `KeyError`, `ValueError` or a database driver quote what they stumbled over, which may be a value of a record.
    """

    def formatException(self, ei: _ExcInfo) -> str:  # noqa: N802 - the name logging calls
        """Return the traceback of an exception and of what led to it: places, types, and words of our own."""
        lines: list[str] = []
        error, seen = ei[1], set[int]()
        while error is not None and id(error) not in seen:
            seen.add(id(error))
            said = f": {error}" if isinstance(error, HealthdeskError) else " (message left out)"
            kind = type(error)
            head = "caused by:\n" if lines else ""
            frames = "".join(traceback.format_tb(error.__traceback__))
            lines.append(f"{head}{frames}{kind.__module__}.{kind.__qualname__}{said}")
            error = error.__cause__ or (None if error.__suppress_context__ else error.__context__)
        return "\n".join(lines)


def start_logging(level: str) -> None:
    """Log to standard error from `level` up."""
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(PrivateFormatter(FORMAT))
    logging.basicConfig(level=level, handlers=[handler])
    logging.getLogger("alembic").setLevel(logging.WARNING)
    logging.getLogger("apprise").setLevel(logging.INFO)
    # Says each call with its parameters.
    logging.getLogger("aiosqlite").setLevel(logging.WARNING)
