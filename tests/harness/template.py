"""A SQLite file that was migrated once, to be copied: a new desk in a test need not migrate for half a second."""

from __future__ import annotations

import atexit
import shutil
import tempfile
from functools import lru_cache
from pathlib import Path

from healthdesk.store import sqlite_engines
from healthdesk.store.migrate import migrate


@lru_cache(maxsize=1)
def migrated() -> Path:
    """Return the file; it is made by whoever asks first in this process, and removed when that ends."""
    folder = tempfile.mkdtemp(prefix="healthdesk-migrated-")
    atexit.register(shutil.rmtree, folder, ignore_errors=True)
    made = Path(folder) / "template.db"
    engine = sqlite_engines.writing_engine(made, 5.0)
    with engine.begin() as conn:
        migrate(conn, allowed=True)
    engine.dispose()
    return made
