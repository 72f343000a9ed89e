"""Files that a command writes: whole or not at all, and for nobody but their owner."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from pathlib import Path
from typing import IO

from healthdesk.cli.command import UsageError
from healthdesk.client import files


def refuse_there(path: Path, *, overwrite: bool) -> None:
    """Refuse a file that is there already, unless it may be replaced."""
    if path.exists() and not overwrite:
        raise UsageError(f"{path} is there already", "give another name, or --overwrite")


@contextlib.contextmanager
def whole_file(path: Path) -> Iterator[IO[bytes]]:
    """Give a file to write to that takes the place of `path` at the end of the block, unless that raises."""
    try:
        with files.whole_file(path, overwrite=True) as part:
            yield part
    except OSError as error:
        raise UsageError(f"{path} cannot be written: {error.strerror}", "give another place") from error
