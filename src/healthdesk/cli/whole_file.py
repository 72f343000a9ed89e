"""Files that a command writes: whole or not at all, and for nobody but their owner."""

from __future__ import annotations

import contextlib
import os
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import IO

from healthdesk.cli.command import UsageError


def refuse_there(path: Path, *, overwrite: bool) -> None:
    """Refuse a file that is there already, unless it may be replaced."""
    if path.exists() and not overwrite:
        raise UsageError(f"{path} is there already", "give another name, or --overwrite")


@contextlib.contextmanager
def whole_file(path: Path) -> Iterator[IO[bytes]]:
    """Give a file to write to that takes the place of `path` at the end of the block, unless that raises."""
    try:
        with tempfile.NamedTemporaryFile(dir=path.parent, prefix=f".{path.name}.", delete=False) as part:
            made = Path(part.name)
            try:
                yield part.file
                part.flush()
                os.fsync(part.fileno())
                made.replace(path)
            except BaseException:
                made.unlink()
                raise
    except OSError as error:
        raise UsageError(f"{path} cannot be written: {error.strerror}", "give another place") from error
