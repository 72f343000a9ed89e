"""The desk's own secrets in clear, made when they are first needed."""

from __future__ import annotations

import base64

from healthdesk.domain.lookup_values import SECRET_BYTES
from healthdesk.engine.context import Context
from healthdesk.store import desk_secrets


async def desk_secret(ctx: Context, name: str) -> bytes:
    """Return a secret of the desk, such as `lookup`; the first who asks makes it. It stays in memory, never in a log."""
    kept = await ctx.store.read(desk_secrets.get, name)
    if kept is None:
        made = base64.b64encode(ctx.random_bytes(SECRET_BYTES)).decode("ascii")
        kept = await ctx.store.write(desk_secrets.keep_first, name, ctx.vault.encrypt(made))
    return base64.b64decode(ctx.vault.decrypt(kept))
