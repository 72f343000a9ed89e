"""`key rotate`: a new key, and every secret encrypted with it while the desk runs.

Whatever interrupts it, the key file holds every key that a secret needs: the new key is on disk before anything is
encrypted with it, and the one before leaves the file after everything is. Running it again goes on where it was.
"""

from __future__ import annotations

import asyncio
import logging

from healthdesk.api.vault import KeyRotation
from healthdesk.domain.activity import Verb
from healthdesk.operations.desk import Conn, Desk
from healthdesk.store import daemons, rekeying
from healthdesk.vault import Vault

log = logging.getLogger(__name__)

BATCH = 200
_ROTATING = asyncio.Lock()
_COPY = "copy the key file to their hosts (each daemon reads it by itself), then run `healthdesk key rotate` again"


async def rotate(desk: Desk) -> KeyRotation:
    """Replace the key as far as that is possible now."""
    desk.require("vault.rotate")
    async with _ROTATING:
        return await _rotate(desk)


async def _rotate(desk: Desk) -> KeyRotation:
    vault = desk.ctx.vault
    vault.refresh()
    begun = bool(vault.keys.next) or len(vault.keys.encrypting) > 1
    if not begun:
        vault.keys.staged().write()
        vault.refresh()
        await desk.write(lambda conn: desk.note(conn, Verb.ROTATED_KEY, "key", "", "", {"step": "new key"}))
    if vault.keys.next:
        [new_id] = vault.key_ids[-len(vault.keys.next) :][:1]
        if lacking := await _without(desk, new_id, first=False):
            return _answer(vault, "staged", 0, lacking)
        vault.keys.promoted().write()
        vault.refresh()
    count = await reencrypt(desk)
    if lacking := await _without(desk, vault.key_ids[0], first=True):
        return _answer(vault, "promoted", count, lacking)
    # What was written with the key before, between the first pass and the last daemon's change of keys; a transaction
    # after those that were under way then, so that all of it is there to be read.
    await desk.ctx.store.write(lambda _conn: None)
    count += await reencrypt(desk)
    vault.keys.only_first().write()
    vault.refresh()

    def note(conn: Conn) -> None:
        desk.note(conn, Verb.ROTATED_KEY, "key", "", "", {"step": "done", "reencrypted": count})

    await desk.write(note)
    log.info("%d secrets are encrypted with the new key", count)
    return _answer(vault, "done", count, [])


async def reencrypt(desk: Desk) -> int:
    """Encrypt every secret with the first key; return how many were not yet. VaultError when no key opens one."""
    store, vault = desk.ctx.store, desk.ctx.vault
    total = 0
    for place in rekeying.places():
        after = ""
        while found := await store.read(rekeying.batch, place, after=after, limit=BATCH):
            after = found[-1][0]
            changes = await asyncio.to_thread(_changes, vault, found)
            if changes:
                total += await store.write(rekeying.replace, place, changes)
    return total


def _changes(vault: Vault, found: list[tuple[str, str]]) -> list[tuple[str, str, str]]:
    return [(key, token, new) for key, token in found if (new := vault.rotated(token)) is not None]


async def _without(desk: Desk, key_id: str, *, first: bool) -> list[str]:
    """Return the live daemons that do not have a key, or with `first` do not encrypt with it; this one has it."""
    found = await desk.read(daemons.key_ids, desk.now())
    return sorted(
        daemon
        for daemon, ids in found.items()
        if daemon != desk.ctx.daemon_id and (ids[:1] != [key_id] if first else key_id not in ids)
    )


def _answer(vault: Vault, state: str, count: int, lacking: list[str]) -> KeyRotation:
    next_step = {
        "staged": f"the new key does not encrypt yet: {_COPY}",
        "promoted": f"the key before is still needed: {_COPY}",
        "done": f"keep the key file's copy from before with the backups from before; back {vault.keys.path} up now",
    }[state]
    return KeyRotation.model_validate(
        {
            "state": state,
            "reencrypted": count,
            "key_file": str(vault.keys.path),
            "lacking": lacking,
            "next_step": next_step,
        }
    )
