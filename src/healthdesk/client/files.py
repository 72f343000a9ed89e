"""Files that an operator has written: whole or not at all, and for nobody but their owner."""

from __future__ import annotations

import contextlib
import os
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import IO


@contextlib.contextmanager
def whole_file(path: Path, *, overwrite: bool) -> Iterator[IO[bytes]]:
    """Give a file to write to that gets the name `path` at the end of the block, unless that raises.

    Raises OSError where it cannot be written; FileExistsError where one is there already and is not to be overwritten.
    """
    with tempfile.NamedTemporaryFile(dir=path.parent, prefix=f".{path.name}.", delete=False) as part:
        made = Path(part.name)
        try:
            yield part.file
            part.flush()
            os.fsync(part.fileno())
            if overwrite:
                made.replace(path)
            else:
                path.hardlink_to(made)
        finally:
            made.unlink(missing_ok=True)
