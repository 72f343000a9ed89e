"""Whether the terminal UI can be shown here."""

from __future__ import annotations

import os
from collections.abc import Callable

STREAMS = ((0, "standard input"), (1, "standard output"), (2, "standard error"))


def lacks_terminal(is_terminal: Callable[[int], bool] = os.isatty) -> str:
    """Return which streams are no terminal, in words; empty when a screen can be shown.

    Keys come from standard input, the screen is drawn on standard error, and standard output asks its size.
    """
    missing = [name for number, name in STREAMS if not is_terminal(number)]
    return " and ".join(missing)
