"""Setting a desk up, checking its host, and keeping it to one daemon."""

from __future__ import annotations

import contextlib
import json
import os
import shutil
import socket
import sqlite3
import stat
import subprocess
import sys
import threading
from collections.abc import Coroutine, Iterator
from contextlib import closing
from datetime import UTC, datetime
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest

from healthdesk.clock import SystemClock
from healthdesk.config import load_config
from healthdesk.daemon import main
from healthdesk.domain.ids import IdFactory
from healthdesk.errors import ConfigError, HostError
from healthdesk.host import probes
from healthdesk.host.check import Check, CheckStatus, worst
from healthdesk.host.doctor import examine
from healthdesk.host.init import InitChoices, InitReport, init_desk, running_user
from healthdesk.host.lock import DaemonLock, bind_operator_socket, is_live, lock_database
from healthdesk.store import connections
from healthdesk.store.database import Store
from healthdesk.store.rows import NewConnection
from healthdesk.vault import Vault


@pytest.fixture
def short_dir():
    """A folder whose path leaves room for the name of a socket."""
    with TemporaryDirectory(prefix="hd") as name:
        yield Path(name)


@pytest.fixture
def desk(short_dir: Path) -> InitReport:
    return init_desk(InitChoices(directory=short_dir / "desk"), {}, uid=1000, user="anna")


class StoppedClock:
    """A clock that shows one time."""

    def __init__(self, now: datetime) -> None:
        self._now = now

    def now(self) -> datetime:
        return self._now

    def monotonic(self) -> float:
        return 1.0

    async def sleep(self, seconds: float) -> None:
        raise AssertionError


def mode_of(path: Path) -> int:
    return stat.S_IMODE(path.stat().st_mode)


# init


def test_init_leaves_a_desk_that_loads(desk: InitReport) -> None:
    config = load_config(desk.config, {}, uid=1000)
    assert config.roles.administrators == ("anna",)
    assert config.storage.data_dir == desk.data_dir
    assert config.operator.socket == desk.socket
    assert Vault.open(config.security.key_file).encrypt("x")


@pytest.mark.parametrize("narrow", [0, 0o077])
def test_modes_are_right_whatever_the_umask(short_dir: Path, narrow: int) -> None:
    umask = os.umask(narrow)
    try:
        desk = init_desk(InitChoices(directory=short_dir / "desk"), {}, uid=1000, user="anna")
    finally:
        os.umask(umask)
    assert mode_of(desk.config) == 0o640
    assert mode_of(desk.key_file) == 0o600
    assert mode_of(desk.data_dir) == 0o700
    assert mode_of(desk.config.parent) == 0o750


def test_init_again_changes_nothing(desk: InitReport) -> None:
    before = {path: path.read_bytes() for path in (desk.config, desk.key_file)}
    again = init_desk(
        InitChoices(directory=desk.config.parent, listen="0.0.0.0:1"), {}, uid=1000, user="mallory"
    )
    assert again.created == ()
    assert set(again.kept) == {desk.config, desk.key_file, desk.data_dir}
    assert {path: path.read_bytes() for path in before} == before


def test_init_writes_what_was_chosen(short_dir: Path) -> None:
    choices = InitChoices(
        directory=short_dir / 'a "quoted" folder',
        listen="0.0.0.0:9000",
        public_url="https://desk.example.org",
        database_url="postgresql://desk@db/desk",
        group="desk",
        allow_private_networks=("10.0.0.0/8", "127.0.0.1"),
    )
    config = load_config(init_desk(choices, {}, uid=1000, user="anna").config, {}, uid=1000)
    assert config.server.listen == "0.0.0.0:9000"
    assert config.server.public_url == "https://desk.example.org"
    assert config.storage.database_url == "postgresql://desk@db/desk"
    assert config.operator.group == "desk"
    assert len(config.security.allow_private_networks) == 2
    assert config.storage.data_dir == short_dir / 'a "quoted" folder' / "data"


def test_a_wrong_choice_leaves_no_config_behind(short_dir: Path) -> None:
    with pytest.raises(ConfigError, match="server.listen"):
        init_desk(InitChoices(directory=short_dir / "desk", listen="nonsense"), {}, uid=1000, user="anna")
    assert not (short_dir / "desk" / "config.toml").exists()


def test_init_of_a_user_uses_the_xdg_directories(short_dir: Path) -> None:
    environ = {"HOME": str(short_dir), "XDG_RUNTIME_DIR": str(short_dir / "run")}
    desk = init_desk(InitChoices(), environ, uid=1000, user="anna")
    assert desk.config == short_dir / ".config/healthdesk/config.toml"
    assert desk.socket == short_dir / "run/healthdesk/operator.sock"
    assert desk.next_steps == ("healthdesk doctor", "healthdesk daemon", "healthdesk")


def test_the_next_steps_of_a_folder_name_its_config_and_socket(desk: InitReport) -> None:
    assert f"healthdesk daemon --config {desk.config}" in desk.next_steps
    assert f"export HEALTHDESK_OPERATOR__SOCKET={desk.socket}" in desk.next_steps
    assert json.loads(json.dumps(desk.as_json()))["administrator"] == "anna"


def test_behind_sudo_the_person_becomes_administrator() -> None:
    assert running_user({"SUDO_USER": "anna"}, 0) == "anna"
    assert running_user({}, 0) == "root"
    assert running_user({"SUDO_USER": "mallory"}, os.getuid() or 1) != "mallory"
    with pytest.raises(HostError, match="has no name"):
        running_user({}, 3_999_999)


def test_a_folder_and_a_file_at_once_are_refused(short_dir: Path) -> None:
    with pytest.raises(ConfigError, match="both"):
        init_desk(InitChoices(directory=short_dir, config=short_dir / "c.toml"), {}, uid=1000, user="anna")


# lock and socket


def test_one_desk_has_one_daemon(tmp_path: Path) -> None:
    with DaemonLock(tmp_path / "data"):
        with pytest.raises(HostError, match=rf"process {os.getpid()}"), DaemonLock(tmp_path / "data"):
            pytest.fail("two daemons hold one lock")
    with DaemonLock(tmp_path / "data") as lock:
        assert lock.path.exists()


def test_a_killed_daemon_frees_its_lock(tmp_path: Path) -> None:
    program = (
        "import os, signal, sys, pathlib; from healthdesk.host.lock import DaemonLock\n"
        "with DaemonLock(pathlib.Path(sys.argv[1])): os.kill(os.getpid(), signal.SIGKILL)"
    )
    killed = subprocess.run([sys.executable, "-c", program, str(tmp_path)], check=False)
    assert killed.returncode == -9
    with DaemonLock(tmp_path) as lock:
        assert lock.path.read_text().strip() == str(os.getpid())


@contextlib.contextmanager
def daemon_that_left_word(directory: Path) -> Iterator[subprocess.Popen[str]]:
    """Run a process that holds the lock and has left word, until it is killed."""
    program = (
        "import sys, pathlib; from healthdesk.host.lock import DaemonLock\n"
        "with DaemonLock(pathlib.Path(sys.argv[1])) as lock:\n"
        "    lock.leave_word('dmn_before'); print('held', flush=True); sys.stdin.read()"
    )
    command = [sys.executable, "-c", program, str(directory)]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as process:
        try:
            assert process.stdout is not None
            assert process.stdout.readline() == "held\n"
            yield process
        finally:
            process.kill()


def test_a_killed_daemon_is_known_to_be_dead_by_the_next_one(tmp_path: Path) -> None:
    with daemon_that_left_word(tmp_path):
        pass
    with DaemonLock(tmp_path) as lock:
        assert lock.predecessor() == "dmn_before"
    with DaemonLock(tmp_path) as lock:
        assert lock.predecessor() == "dmn_before", "the one in between ended before it left word of its own"
        lock.leave_word("dmn_after")
        with pytest.raises(HostError) as caught, DaemonLock(tmp_path):
            pytest.fail("two daemons hold one lock")
        assert str(caught.value).endswith(f"another daemon runs this desk (process {os.getpid()})")


def test_a_daemon_that_may_live_is_not_taken_for_dead_whoever_holds_its_lock(tmp_path: Path) -> None:
    one, copy = tmp_path / "one", tmp_path / "copy"
    copy.mkdir()
    with daemon_that_left_word(one):
        shutil.copyfile(one / "healthdesk.lock", copy / "healthdesk.lock")
        with DaemonLock(copy) as lock:
            assert lock.predecessor() == "", "its process is there"
    with DaemonLock(copy) as lock:
        assert lock.predecessor() == "dmn_before"
    file = copy / "healthdesk.lock"
    holder, word = file.read_text().splitlines()
    daemon, boot, processes, pid = word.split(" ")
    for other in (
        f"{daemon} 00000000-0000-0000-0000-000000000000 {processes} {pid}\n",
        f"{daemon} {boot} pid:[1] {pid}\n",
        f"{daemon} {boot} {processes} 1\n",
        f"{daemon} {boot} {processes} 0\n",
        f"{daemon} {boot} {processes} {pid}",
        f"con_1 {boot} {processes} {pid}\n",
        f"{word}\n{word}\n",
        "\ufffd",
        "",
    ):
        file.write_text(f"{holder}\n{other}")
        with DaemonLock(copy) as lock:
            assert lock.predecessor() == "", other


def test_an_sqlite_file_has_one_daemon_whatever_name_leads_to_it(tmp_path: Path) -> None:
    (tmp_path / "data").mkdir()
    (tmp_path / "link.db").symlink_to(tmp_path / "data" / "desk.db")
    with lock_database(f"sqlite:///{tmp_path}/data/desk.db"):
        for name in ("data/desk.db", "data/../data/desk.db", "link.db"):
            with pytest.raises(HostError, match=rf"process {os.getpid()}") as caught:
                with lock_database(f"sqlite:///{tmp_path}/{name}"):
                    pytest.fail("two daemons hold one database")
            assert "database_url of its own" in caught.value.fix
        with lock_database(f"sqlite:///{tmp_path}/data/other.db"):
            pass
    with lock_database(f"sqlite:///{tmp_path}/link.db"):
        pass


def test_a_postgresql_database_is_shared(tmp_path: Path) -> None:
    with lock_database("postgresql://desk@db/desk"), lock_database("postgresql://desk@db/desk"):
        assert not any(tmp_path.iterdir()), "there is no file to lock"


def test_a_mistyped_database_directory_is_told_and_not_made(tmp_path: Path) -> None:
    with pytest.raises(HostError, match="there is no directory"):
        with lock_database(f"sqlite:///{tmp_path}/tpyo/desk.db"):
            pytest.fail("a directory was made up")
    assert not (tmp_path / "tpyo").exists()


def test_the_fix_of_a_held_data_directory_leads_to_no_shared_file(tmp_path: Path) -> None:
    with DaemonLock(tmp_path), pytest.raises(HostError) as caught, DaemonLock(tmp_path):
        pytest.fail("two daemons hold one lock")
    assert "database of its own" in caught.value.fix


def test_a_second_daemon_on_one_sqlite_file_does_not_start(
    short_dir: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Another data directory and socket, the same database: what the first sends would be sent twice."""

    def started(serving: Coroutine[None, None, None]) -> None:
        serving.close()
        pytest.fail("the second daemon started")

    monkeypatch.setattr(main, "_run_loop", started)
    other = init_desk(
        InitChoices(directory=short_dir / "two", database_url=f"sqlite:///{short_dir}/one.db"),
        {},
        uid=1000,
        user="anna",
    )
    with lock_database(f"sqlite:///{short_dir}/one.db"):
        assert main.run(other.config) == 1
    assert "another daemon runs this desk" in capsys.readouterr().err


def test_the_socket_is_for_its_group_from_the_first_moment(short_dir: Path) -> None:
    path = short_dir / "run" / "operator.sock"
    umask = os.umask(0)
    try:
        with bind_operator_socket(path):
            assert mode_of(path) == 0o660
            assert mode_of(path.parent) == 0o750
            assert is_live(path)
        assert os.umask(0) == 0
    finally:
        os.umask(umask)
    assert not path.exists()


def test_a_live_socket_is_never_replaced(short_dir: Path) -> None:
    path = short_dir / "operator.sock"
    with socket.socket(socket.AF_UNIX) as other:
        other.bind(str(path))
        other.listen()
        with pytest.raises(HostError, match="already listens"), bind_operator_socket(path):
            pytest.fail("a live socket was replaced")
        assert is_live(path)


def test_two_daemons_cannot_share_a_socket(short_dir: Path) -> None:
    path = short_dir / "operator.sock"
    with bind_operator_socket(path):
        with pytest.raises(HostError), bind_operator_socket(path):
            pytest.fail("a live socket was replaced")
        assert is_live(path)


def test_a_dead_socket_is_removed(short_dir: Path) -> None:
    path = short_dir / "operator.sock"
    with socket.socket(socket.AF_UNIX) as dead:
        dead.bind(str(path))
    assert path.exists()
    assert not is_live(path)
    with bind_operator_socket(path):
        assert is_live(path)


def test_a_file_in_the_sockets_place_is_kept(short_dir: Path) -> None:
    path = short_dir / "operator.sock"
    path.write_text("precious")
    with pytest.raises(HostError, match="something else"), bind_operator_socket(path):
        pytest.fail("a file was replaced")
    assert path.read_text() == "precious"


def test_a_directory_that_everybody_writes_is_refused(short_dir: Path) -> None:
    folder = short_dir / "open"
    folder.mkdir()
    folder.chmod(0o777)
    with pytest.raises(HostError, match="writable for everybody") as caught:
        with bind_operator_socket(folder / "operator.sock"):
            pytest.fail("an unsafe directory was used")
    assert "chmod 750" in caught.value.fix


def test_a_group_that_does_not_exist_says_so(short_dir: Path) -> None:
    with pytest.raises(HostError, match="does not exist") as caught:
        with bind_operator_socket(short_dir / "s", group="no-such-group-here"):
            pytest.fail("an unknown group was accepted")
    assert "[operator] group" in caught.value.fix


def test_a_socket_that_another_daemon_put_there_meanwhile_stays(short_dir: Path) -> None:
    path = short_dir / "operator.sock"
    with bind_operator_socket(path):
        path.unlink()
        path.write_text("new")
    assert path.read_text() == "new"


# doctor


def by_name(checks: tuple[Check, ...]) -> dict[str, Check]:
    return {check.name: check for check in checks}


async def test_a_new_desk_is_fit_to_start(desk: InitReport) -> None:
    report = await examine(desk.config, {}, uid=os.getuid())
    checks = by_name(report.checks)
    assert list(checks) == ["config", "key", "database", "socket", "disk", "connectors", "clock", "dns"]
    assert report.ok, report
    assert "first start makes it" in checks["database"].sentence
    assert checks["socket"].status is CheckStatus.WARN
    assert json.loads(json.dumps(report.as_json()))["checks"][0]["name"] == "config"


async def test_a_connector_that_cannot_be_used_is_a_warning_with_its_place(desk: InitReport) -> None:
    folder = desk.config.parent / "mine"
    folder.mkdir()
    (folder / "manifest.toml").write_text('id = "mine"\nname = "Mine"\nauths = []\n', encoding="utf-8")
    with desk.config.open("a", encoding="utf-8") as file:
        file.write('\n[connectors]\nfolders = ["mine"]\n')
    check = by_name((await examine(desk.config, {}, uid=os.getuid())).checks)["connectors"]
    assert check.status is CheckStatus.WARN
    assert f"{folder}/manifest.toml:1: the key auth is missing" in check.sentence
    assert check.fix


async def test_a_broken_config_is_one_failure_and_hides_no_other_check(tmp_path: Path) -> None:
    file = tmp_path / "config.toml"
    file.write_text("[storage]\ndatabse_url = 1")
    report = await examine(file, {}, resolve=lambda host: None)
    checks = by_name(report.checks)
    assert not report.ok
    assert checks["config"].status is CheckStatus.FAIL
    assert "database_url" in checks["config"].fix
    assert checks["clock"].status is not CheckStatus.FAIL
    assert "cannot be read" in checks["disk"].sentence


async def test_every_failure_comes_with_its_fix(desk: InitReport) -> None:
    desk.key_file.unlink()
    desk.data_dir.rmdir()
    desk.socket.parent.mkdir()
    desk.socket.parent.chmod(0o777)

    def lost(host: str) -> None:
        raise OSError(-2, "Name or service not known")

    report = await examine(
        desk.config, {}, clock=StoppedClock(datetime(1970, 1, 1, tzinfo=UTC)), resolve=lost, uid=os.getuid()
    )
    failed = [check for check in report.checks if check.status is CheckStatus.FAIL]
    assert {check.name for check in failed} == {"key", "database", "socket", "clock", "dns"}
    assert all(check.fix for check in failed)


async def made_database(desk: InitReport, *base_urls: str) -> Path:
    """Make the desk's database as the daemon would, with connections."""
    config = load_config(desk.config, {}, uid=1000)
    clock, ids = SystemClock(), IdFactory(os.urandom)
    store = await Store.open(config.storage.database_url, daemon_id="dmn_test", clock=clock, ids=ids)
    try:
        for url in base_urls:
            await store.write(
                connections.insert, new_connection(ids.new("con", clock.now()), url, clock.now())
            )
    finally:
        await store.close()
    return desk.data_dir / "healthdesk.db"


def new_connection(connection_id: str, url: str, now: datetime) -> NewConnection:
    return NewConnection(
        id=connection_id,
        app="http-endpoint",
        name=url,
        base_url=url,
        auth="none",
        owner="anna",
        created_by="anna",
        created_at=now,
    )


async def test_the_hosts_of_connections_are_resolved(desk: InitReport) -> None:
    await made_database(desk, "https://crm.example/v2", "http://10.1.2.3:8000", "https://other.example")
    asked: list[str] = []
    report = await examine(desk.config, {}, resolve=asked.append, uid=os.getuid())
    checks = by_name(report.checks)
    assert checks["database"].status is CheckStatus.OK, checks["database"]
    assert "can be written" in checks["database"].sentence
    assert sorted(asked) == ["crm.example", "other.example"]


async def test_a_file_that_is_no_database_is_named(desk: InitReport) -> None:
    file = await made_database(desk)
    file.write_text("not a database\n" * 500)
    for leftover in file.parent.glob("healthdesk.db-*"):
        leftover.unlink()
    check = by_name((await examine(desk.config, {}, uid=os.getuid())).checks)["database"]
    assert check.status is CheckStatus.FAIL
    assert str(file) in check.sentence
    assert check.fix


async def test_doctor_does_not_migrate(desk: InitReport) -> None:
    with closing(sqlite3.connect(desk.data_dir / "healthdesk.db")) as database:
        database.execute("CREATE TABLE other (x)")
    check = by_name((await examine(desk.config, {}, uid=os.getuid())).checks)["database"]
    assert check.status is CheckStatus.FAIL
    with closing(sqlite3.connect(desk.data_dir / "healthdesk.db")) as database:
        assert database.execute("SELECT name FROM sqlite_master WHERE type = 'table'").fetchall() == [
            ("other",)
        ]


def test_a_key_that_its_group_reads_is_a_warning(desk: InitReport) -> None:
    desk.key_file.chmod(0o640)
    assert probes.check_key(desk.key_file).status is CheckStatus.WARN


@pytest.mark.parametrize(
    ("answer", "status", "word"),
    [
        (b"HTTP/1.1 200 OK\r\n\r\n", CheckStatus.OK, "answers"),
        (b"HTTP/1.1 403 Forbidden\r\n\r\n", CheckStatus.WARN, "no role"),
        (b"HTTP/1.1 500 Oops\r\n\r\n", CheckStatus.FAIL, "500"),
        (b"220 mail.example.org ESMTP\r\n", CheckStatus.FAIL, "no healthy daemon"),
    ],
)
async def test_the_socket_is_judged_by_what_answers(
    short_dir: Path, answer: bytes, status: CheckStatus, word: str
) -> None:
    path = short_dir / "operator.sock"
    with socket.socket(socket.AF_UNIX) as listener:
        listener.bind(str(path))
        listener.listen()

        def serve() -> None:
            peer, _ = listener.accept()
            with peer:
                peer.recv(4096)
                peer.sendall(answer)

        thread = threading.Thread(target=serve)
        thread.start()
        check = await probes.check_socket(path, os.getuid())
        thread.join()
    assert (check.status, word in check.sentence) == (status, True), check


async def test_a_dead_socket_means_no_daemon(short_dir: Path) -> None:
    path = short_dir / "operator.sock"
    with socket.socket(socket.AF_UNIX) as dead:
        dead.bind(str(path))
    check = await probes.check_socket(path, os.getuid())
    assert (check.status, "dead socket" in check.sentence) == (CheckStatus.WARN, True)


async def test_the_daemon_to_start_is_that_of_the_config(short_dir: Path) -> None:
    config = short_dir / "other.toml"
    path = short_dir / "operator.sock"
    assert (await probes.check_socket(path, os.getuid(), config)).fix == (
        f"start `healthdesk daemon --config {config}`"
    )
    assert (await probes.check_socket(path, os.getuid())).fix == "start `healthdesk daemon`"


async def test_only_names_are_resolved_and_each_lost_one_is_named() -> None:
    asked: list[str] = []

    def resolve(host: str) -> None:
        asked.append(host)
        if host == "gone.example":
            raise OSError(-2, "Name or service not known")

    check = await probes.check_dns(["gone.example", "crm.example", "10.0.0.1", "::1", ""], resolve)
    assert sorted(asked) == ["crm.example", "gone.example"]
    assert check.status is CheckStatus.WARN
    assert "gone.example" in check.sentence
    assert "crm.example" not in check.sentence


async def test_without_endpoints_the_host_resolves_itself() -> None:
    asked: list[str] = []
    assert (await probes.check_dns([], asked.append)).status is CheckStatus.OK
    assert asked == ["localhost"]


def test_the_worst_finding_is_the_verdict() -> None:
    ok, warn, fail = (Check("x", status, "") for status in CheckStatus)
    assert worst([ok, warn, fail]) is CheckStatus.FAIL
    assert worst([ok, warn]) is CheckStatus.WARN
    assert worst([ok]) is CheckStatus.OK
