"""A key file that is lost, or is not the one of the database; and clocks, as doctor finds them."""

from __future__ import annotations

import asyncio
import os
from datetime import UTC, datetime, timedelta
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest

from healthdesk.clock import SystemClock
from healthdesk.config import load_config
from healthdesk.domain.clocks import skew_s
from healthdesk.domain.ids import IdFactory
from healthdesk.errors import VaultError
from healthdesk.host.check import Check, CheckStatus
from healthdesk.host.database import Seen
from healthdesk.host.doctor import examine
from healthdesk.host.init import InitChoices, InitReport, init_desk
from healthdesk.host.probes import check_clock
from healthdesk.store import connections, daemons
from healthdesk.store.database import Store
from healthdesk.store.rows import NewConnection
from healthdesk.testing import FakeClock
from healthdesk.vault import Vault, create_key_file


@pytest.fixture
def desk():
    with TemporaryDirectory(prefix="hd") as name:
        yield init_desk(InitChoices(directory=Path(name) / "desk"), {}, uid=1000, user="anna")


async def stored(desk: InitReport, *, secret: bool, daemon_at: datetime | None = None) -> None:
    """Make the desk's database as the daemon would, with a connection that has a secret, or has none."""
    config = load_config(desk.config, {}, uid=1000)
    clock, ids = SystemClock(), IdFactory(os.urandom)
    store = await Store.open(config.storage.database_url, daemon_id="dmn_test", clock=clock, ids=ids)
    sealed = Vault.open(desk.key_file).encrypt("token") if secret else ""
    new = NewConnection(
        id=ids.new("con", clock.now()),
        app="http-endpoint",
        name="CRM",
        base_url="http://127.0.0.1:9",
        auth="bearer" if secret else "none",
        owner="anna",
        created_by="anna",
        created_at=clock.now(),
        credentials_enc=sealed,
    )
    try:
        await store.write(connections.insert, new)
        if daemon_at is not None:
            daemon_id = ids.new("dmn", daemon_at)
            await store.write(daemons.register, daemon_id, daemon_at, timedelta(seconds=20))
    finally:
        await store.close()


async def finding(desk: InitReport, name: str) -> Check:
    report = await examine(desk.config, {}, uid=os.getuid(), resolve=lambda host: None)
    (check,) = [each for each in report.checks if each.name == name]
    return check


def init_again(desk: InitReport, *, new_key: bool = False) -> InitReport:
    return init_desk(InitChoices(directory=desk.config.parent, new_key=new_key), {}, uid=1000, user="anna")


def test_a_lost_key_is_not_replaced_beside_secrets_it_encrypted(desk: InitReport) -> None:
    asyncio.run(stored(desk, secret=True))
    desk.key_file.unlink()
    with pytest.raises(VaultError, match="key file is gone") as caught:
        init_again(desk)
    assert caught.value.fix.startswith("put the key file back from your backup")
    assert "--new-key" in caught.value.fix
    assert not desk.key_file.exists()
    assert desk.key_file in init_again(desk, new_key=True).created
    assert Vault.open(desk.key_file)


def test_a_lost_key_that_encrypted_nothing_is_made_anew(desk: InitReport) -> None:
    asyncio.run(stored(desk, secret=False))
    desk.key_file.unlink()
    assert desk.key_file in init_again(desk).created


def test_a_database_that_cannot_be_asked_keeps_a_lost_key_from_being_replaced(desk: InitReport) -> None:
    desk.key_file.unlink()
    (desk.data_dir / "healthdesk.db").write_text("not a database\n" * 500)
    with pytest.raises(VaultError, match="cannot be told"):
        init_again(desk)
    assert not desk.key_file.exists()


def test_the_first_init_does_not_need_the_database_to_be_there_yet() -> None:
    with TemporaryDirectory(prefix="hd") as name:
        made = init_desk(
            InitChoices(directory=Path(name) / "desk", database_url="postgresql://desk@127.0.0.1:1/desk"),
            {},
            uid=1000,
            user="anna",
        )
        assert Vault.open(made.key_file)


async def test_doctor_says_restore_before_init_when_the_key_is_lost(desk: InitReport) -> None:
    await stored(desk, secret=True)
    assert "opens the secrets" in (await finding(desk, "key")).sentence
    desk.key_file.unlink()
    check = await finding(desk, "key")
    assert check.status is CheckStatus.FAIL
    assert "key file is gone" in check.sentence
    assert check.fix.startswith("put the key file back from your backup")
    assert "init" not in check.fix


async def test_doctor_names_a_key_that_opens_nothing(desk: InitReport) -> None:
    await stored(desk, secret=True)
    desk.key_file.unlink()
    create_key_file(desk.key_file)
    check = await finding(desk, "key")
    assert check.status is CheckStatus.FAIL
    assert "no key in this file opens a stored secret" in check.sentence


def test_a_missing_key_file_says_restore_before_init(tmp_path: Path) -> None:
    with pytest.raises(VaultError) as caught:
        Vault.open(tmp_path / "key")
    assert caught.value.fix.index("backup") < caught.value.fix.index("init")


async def test_doctor_notices_a_clock_that_was_set_back(desk: InitReport) -> None:
    await stored(desk, secret=False)
    assert "set back" not in (await finding(desk, "clock")).sentence
    await stored(desk, secret=False, daemon_at=SystemClock().now() + timedelta(days=2))
    check = await finding(desk, "clock")
    assert check.status is CheckStatus.WARN
    assert "the clock was set back, or was ahead then" in check.sentence
    assert "NTP" in check.fix


async def test_doctor_notices_a_clock_unlike_the_databases() -> None:
    check = await check_clock(FakeClock(), Seen(ahead_s=-3600.0))
    assert check.status is CheckStatus.WARN
    assert check.sentence.startswith("the clock of this host is 3600 s behind the database's")
    assert "NTP" in check.fix
    assert "behind" not in (await check_clock(FakeClock(), Seen(ahead_s=-5.0))).sentence


def test_a_slow_answer_of_the_database_is_no_difference_of_clocks() -> None:
    start = datetime(2026, 3, 2, tzinfo=UTC)
    after = start + timedelta(seconds=30)
    assert skew_s(start, start + timedelta(seconds=29), after) == 0
    assert skew_s(start, start - timedelta(seconds=60), after) == 60
    assert skew_s(start, after + timedelta(seconds=60), after) == -60
