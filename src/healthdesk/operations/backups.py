"""A backup of the desk as a compressed file, while it works."""

from __future__ import annotations

import asyncio
import zlib
from collections.abc import AsyncIterator

from healthdesk import __version__
from healthdesk.domain.activity import Verb
from healthdesk.domain.backup_format import Writer
from healthdesk.operations.desk import Desk
from healthdesk.store.backup import dump

_GZIP = 31
"""What zlib calls the format of `.gz` files."""


def name(desk: Desk) -> str:
    """Return what the file is called."""
    return f"healthdesk-{desk.now():%Y%m%dT%H%M%SZ}.backup.gz"


async def backup(desk: Desk) -> AsyncIterator[bytes]:
    """Return the parts of a backup, one moment of the database; secrets in it stay encrypted, their key is not in it.

    It is noted once it was read to its end.
    """
    desk.require("desk.backup")
    return _parts(desk)


async def _parts(desk: Desk) -> AsyncIterator[bytes]:
    writer = Writer()
    packer = zlib.compressobj(level=6, wbits=_GZIP)
    size = 0
    async with desk.ctx.store.snapshot() as snapshot:
        async for part in dump(snapshot, writer, version=__version__, made_at=desk.now().isoformat()):
            # In a thread: packing some hundred bodies would hold up everything else.
            packed = await asyncio.to_thread(packer.compress, part)
            if packed:
                size += len(packed)
                yield packed
    last = packer.flush()
    size += len(last)
    detail = {"rows": sum(writer.counted.values()), "bytes": size}
    await desk.write(lambda conn: desk.note(conn, Verb.BACKED_UP, "desk", "", "", detail))
    yield last
