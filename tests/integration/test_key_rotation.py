"""`key rotate`: every secret with the new key while the desk runs, whatever interrupts it."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator
from datetime import timedelta
from pathlib import Path

import pytest
from tests.integration.http_desk import HttpDesk, http_desk
from tests.integration.trying_desk import TOKEN, Github, add

from healthdesk.errors import VaultError
from healthdesk.key_file import KeyLines
from healthdesk.operations import key_rotation
from healthdesk.store import daemons, rekeying
from healthdesk.testing import FakeClock
from healthdesk.vault import Vault


class Killed(Exception):
    """The daemon ends here."""


SECRET = "the-callback-secret-of-many"


@pytest.fixture
async def desk(tmp_path: Path) -> AsyncIterator[HttpDesk]:
    async with http_desk(tmp_path, clock=FakeClock()) as made:
        yield made


async def secrets(desk: HttpDesk) -> list[str]:
    """Return every encrypted secret there is."""
    store, found = desk.engine.ctx.store, []
    for place in rekeying.places():
        found += [token for _, token in await store.read(rekeying.batch, place, after="", limit=1000)]
    return found


async def some_secrets(desk: HttpDesk, count: int = 3) -> None:
    for number in range(count):
        await desk.connection(
            name=f"App {number}",
            credentials={"auth": "bearer", "token": f"token-{number}-long-enough"},
            verification={"scheme": "github"},
            callback_secret=SECRET,
        )


async def rotate(desk: HttpDesk) -> dict:
    answer = await desk.call("POST", "/v1/key/rotate")
    assert answer.status == 200, answer.body
    return answer.json


def test_every_column_of_a_secret_is_known():
    found = {f"{each.table}.{each.column}" for each in rekeying.places()}
    assert found >= {
        "connections.credentials_enc",
        "connections.previous_enc",
        "connections.callback_secret_enc",
        "callback_secrets.secret_enc",
        "connection_tokens.tokens_enc",
        "authorizations.request_enc",
        "signing_secrets.secret_enc",
        "channels.url_enc",
    }


async def test_every_secret_is_encrypted_with_the_new_key_and_the_old_one_is_gone(desk):
    await some_secrets(desk)
    vault = desk.engine.ctx.vault
    before, [old] = await secrets(desk), vault.keys.encrypting
    done = await rotate(desk)
    assert (done["state"], done["reencrypted"]) == ("done", len(before))
    lines = KeyLines.read(vault.keys.path)
    assert (len(lines.encrypting), lines.next, old in lines.encrypting) == (1, (), False)
    alone = Vault(lines)
    assert len([alone.decrypt(token) for token in await secrets(desk)]) == len(before)
    with pytest.raises(VaultError):
        alone.decrypt(before[0])
    assert (await rotate(desk))["reencrypted"] == len(before)


async def test_a_rotation_killed_at_any_point_loses_nothing_and_is_finished_by_the_next(desk, monkeypatch):
    await some_secrets(desk)
    vault = desk.engine.ctx.vault
    clear = sorted(vault.decrypt(token) for token in await secrets(desk))
    monkeypatch.setattr(key_rotation, "BATCH", 1)
    written = rekeying.replace
    for allowed in range(len(clear) + 1):
        left = allowed

        def killed(*args):
            nonlocal left
            if left == 0:
                raise Killed
            left -= 1
            return written(*args)

        monkeypatch.setattr(rekeying, "replace", killed)
        with contextlib.suppress(Killed):
            await key_rotation.rotate(desk_of(desk))
        # What a daemon that starts now would read.
        fresh = Vault.open(vault.keys.path)
        assert sorted(fresh.decrypt(token) for token in await secrets(desk)) == clear
    monkeypatch.setattr(rekeying, "replace", written)
    assert (await rotate(desk))["state"] == "done"
    alone = Vault.open(vault.keys.path)
    assert len(alone.keys.encrypting) == 1
    assert sorted(alone.decrypt(token) for token in await secrets(desk)) == clear


async def test_a_secret_that_waits_for_a_trial_while_the_key_is_replaced_is_not_lost(desk):
    async with Github() as github:
        made = await add(desk, github)
        github.held.add(TOKEN)
        changes = {"base_url": f"{github.url}/", "callback_secret": SECRET}
        edit = asyncio.create_task(desk.call("PATCH", f"/v1/connections/{made['id']}", changes))
        await github.asked.wait()
        assert (await rotate(desk))["state"] == "done"
        github.door.set()
        assert (await edit).status == 200
    alone = Vault.open(desk.engine.ctx.vault.keys.path)
    assert SECRET in [alone.decrypt(token) for token in await secrets(desk)]


def desk_of(desk: HttpDesk):
    from healthdesk.operations.desk import Desk

    return Desk(desk.engine, desk.operator)


async def test_a_secret_changed_meanwhile_is_not_overwritten(desk, monkeypatch):
    await some_secrets(desk, 1)
    ctx = desk.engine.ctx
    place = next(each for each in rekeying.places() if each.column == "callback_secret_enc")
    [(key, token)] = await ctx.store.read(rekeying.batch, place, after="", limit=5)
    assert await ctx.store.write(rekeying.replace, place, [(key, "another token", "x")]) == 0
    assert await ctx.store.read(rekeying.batch, place, after="", limit=5) == [(key, token)]


async def test_another_daemon_without_the_key_is_waited_for_in_every_step(desk):
    await some_secrets(desk, 1)
    ctx = desk.engine.ctx
    [old] = ctx.vault.key_ids
    lease = timedelta(hours=1)

    async def other_has(*keys: str) -> None:
        await ctx.store.write(daemons.renew, "dmn_other", ctx.clock.now(), lease, keys=keys)

    await other_has(old)
    waiting = await rotate(desk)
    assert (waiting["state"], waiting["lacking"]) == ("staged", ["dmn_other"])
    assert ctx.vault.key_ids[0] == old, "nothing is encrypted with a key that another daemon lacks"
    [_, new] = ctx.vault.key_ids
    assert (await rotate(desk))["state"] == "staged"
    await other_has(old, new)
    waiting = await rotate(desk)
    assert (waiting["state"], ctx.vault.key_ids) == ("promoted", [new, old])
    await other_has(new, old)
    assert (await rotate(desk))["state"] == "done"
    assert ctx.vault.key_ids == [new]


async def test_a_key_added_to_the_file_is_used_without_a_restart(desk):
    vault = desk.engine.ctx.vault
    other = Vault(vault.keys.staged().promoted())
    token = other.encrypt("x")
    with pytest.raises(VaultError):
        vault.decrypt(token)
    other.keys.write()
    assert vault.decrypt(token) == "x"


async def test_a_key_file_that_cannot_be_written_says_what_to_do(desk, monkeypatch):
    def denied(*_args: object) -> None:
        raise OSError(30, "Read-only file system")

    monkeypatch.setattr("healthdesk.key_file._write_new", denied)
    answer = await desk.call("POST", "/v1/key/rotate")
    assert answer.status == 500
    assert "first line of the file yourself" in answer.json["fix"]


async def test_managers_may_not(desk):
    from healthdesk.domain.states import Role

    desk.operator = type(desk.operator)(user="mona", role=Role.MANAGER)
    assert (await desk.call("POST", "/v1/key/rotate")).status == 403
