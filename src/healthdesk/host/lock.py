"""One daemon a desk: locks of its data directory and its SQLite file, and an operator socket nobody can take over."""

from __future__ import annotations

import contextlib
import errno
import fcntl
import grp
import os
import re
import socket
import stat
from collections.abc import Iterator
from pathlib import Path
from types import TracebackType
from typing import Self

from healthdesk.errors import HostError
from healthdesk.host.database import database_file

LOCK_NAME = "healthdesk.lock"
DIRECTORY_MODE = 0o750
SOCKET_MODE = 0o660
BACKLOG = 128

BOOT_ID = Path("/proc/sys/kernel/random/boot_id")
PID_NAMESPACE = Path("/proc/self/ns/pid")
_WORD = re.compile(r"(?P<daemon>dmn_\w+) (?P<system>\S+ \S+) (?P<pid>[1-9]\d{0,9})\n", re.ASCII)
_LONGEST = 512

OWN_PLACES = (
    "stop that daemon first, or give this one a [storage] data_dir, an [operator] socket and "
    "a database of its own; only a PostgreSQL database can be shared"
)
OWN_DATABASE = (
    "stop that daemon first, or give this one a [storage] database_url of its own: an SQLite file has "
    "one daemon, a PostgreSQL database as many as you like"
)


class DaemonLock:
    """Holds the lock file of a data directory, which the kernel frees whatever way the process ends.

    With `name` another file of the directory is the lock; `fix` says what to do where another daemon holds it.
    """

    def __init__(self, directory: Path, name: str = LOCK_NAME, *, fix: str = OWN_PLACES) -> None:
        self.path = directory / name
        self._fix = fix
        self._handle = -1
        self._word = ""

    def __enter__(self) -> Self:
        """Take the lock, or raise HostError with the process that holds it."""
        try:
            self.path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
            flags = os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW | os.O_CLOEXEC
            handle = os.open(self.path, flags, 0o600)
        except OSError as error:
            raise HostError(
                f"{self.path}: the lock file cannot be opened ({error.strerror})",
                fix=f"make {self.path.parent} a directory that the daemon's user can write",
            ) from None
        try:
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError as error:
            holder = os.pread(handle, 32, 0).decode("ascii", "replace").partition("\n")[0].strip()
            os.close(handle)
            if error.errno not in (errno.EWOULDBLOCK, errno.EACCES):
                raise HostError(
                    f"{self.path}: the file system has no locks ({error.strerror})",
                    fix="put it on a local file system",
                ) from None
            raise HostError(
                f"{self.path}: another daemon runs this desk" + (f" (process {holder})" if holder else ""),
                fix=self._fix,
            ) from None
        self._handle = handle
        self._write(os.pread(handle, _LONGEST, 0).decode("ascii", "replace").partition("\n")[2])
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Free the lock. The file stays: removing it would let two daemons lock two files of one name."""
        if self._handle >= 0:
            os.close(self._handle)
            self._handle = -1

    def leave_word(self, daemon_id: str) -> None:
        """Say for the next one who holds the lock which daemon this is, and by what it is known to be dead. Raises OSError."""
        if system := _system():
            self._write(f"{daemon_id} {system} {os.getpid()}\n")

    def predecessor(self) -> str:
        """Return the id of the daemon that left word here last and is surely dead; empty where there is none.

        It ran since this machine was started, among the processes that are seen from here, and its process is gone. Having
        the lock proves less: a directory may be a copy, or shared by machines that lose each other's locks.
        """
        word = _WORD.fullmatch(self._word)
        if word is None or word["system"] != _system() or _is_there(int(word["pid"])):
            return ""
        return word["daemon"]

    def _write(self, word: str) -> None:
        self._word = word
        os.ftruncate(self._handle, 0)
        os.pwrite(self._handle, f"{os.getpid()}\n{word}".encode("ascii", "replace"), 0)


def _system() -> str:
    """Return what tells the processes seen from here from those of other machines, starts and containers; empty where nothing does."""
    try:
        return f"{BOOT_ID.read_text().strip()} {PID_NAMESPACE.readlink()}"
    except OSError:
        return ""


def _is_there(pid: int) -> bool:
    """Tell whether another process has this id: the daemon of then, or one that came after it."""
    if pid == os.getpid():
        return False
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except (OSError, OverflowError):
        return True
    return True


@contextlib.contextmanager
def lock_database(database_url: str) -> Iterator[None]:
    """Hold the lock beside an SQLite file, whatever name leads to it; PostgreSQL needs none. Raises HostError.

    A daemon takes what is under way in its SQLite file for interrupted when it starts: beside another one
    it would send all of that twice.
    """
    file = database_file(database_url)
    if file is None:
        yield
        return
    real = Path(os.path.realpath(file))
    if not real.parent.is_dir():
        raise HostError(
            f"{file}: there is no directory {real.parent}",
            fix="make it for the daemon's user, or correct [storage] database_url",
        )
    with DaemonLock(real.parent, f"{real.name}.lock", fix=OWN_DATABASE):
        yield


@contextlib.contextmanager
def bind_operator_socket(path: Path, *, group: str = "") -> Iterator[socket.socket]:
    """Yield the listening operator socket, and remove it at the end.

    The directory is made 0750 and the socket 0660, both of `group`. A live socket is never replaced, a dead
    one is removed first; a lock beside the socket keeps two daemons from deciding that at the same time.
    """
    group_id = _group_id(group)
    _make_directory(path.parent, group_id)
    with DaemonLock(path.parent, f"{path.name}.lock"):
        _remove_dead(path)
        listener = _bind(path, group_id)
        inode = path.stat().st_ino
        try:
            yield listener
        finally:
            listener.close()
            with contextlib.suppress(OSError):
                if path.lstat().st_ino == inode:
                    path.unlink()


def is_live(path: Path) -> bool:
    """Tell whether something accepts on the socket. OSError where that cannot be known."""
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as probe:
        probe.settimeout(2.0)
        try:
            probe.connect(str(path))
        except (ConnectionRefusedError, FileNotFoundError):
            return False
        except (TimeoutError, BlockingIOError):
            return True  # the backlog is full: busy is alive
        return True


def _bind(path: Path, group_id: int) -> socket.socket:
    listener = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM | socket.SOCK_CLOEXEC)
    # Between bind and chmod a socket has the mode of the umask: narrow from the first moment.
    umask = os.umask(0o777 & ~SOCKET_MODE)
    try:
        listener.bind(str(path))
        if group_id >= 0:
            os.chown(path, -1, group_id)
        listener.listen(BACKLOG)
        listener.setblocking(False)
    except OSError as error:
        listener.close()
        raise HostError(
            f"{path}: the operator socket cannot be made ({error.strerror or error})",
            fix="choose another [operator] socket, or make its directory writable for the daemon's user",
        ) from None
    finally:
        os.umask(umask)
    return listener


def _remove_dead(path: Path) -> None:
    """Remove a socket that nobody listens on; refuse to touch anything else."""
    try:
        mode = path.lstat().st_mode
    except FileNotFoundError:
        return
    if not stat.S_ISSOCK(mode):
        raise HostError(
            f"{path}: something else is in the socket's place", fix="move it away, or choose another path"
        )
    try:
        live = is_live(path)
    except OSError as error:
        raise HostError(
            f"{path}: whether a daemon listens here cannot be told ({error.strerror})",
            fix="run the daemon as the user that owns the socket",
        ) from None
    if live:
        raise HostError(
            f"{path}: a daemon already listens here", fix="stop it first, or choose another [operator] socket"
        )
    path.unlink(missing_ok=True)


def _make_directory(directory: Path, group_id: int) -> None:
    """Make the socket's directory, or check that no stranger could put a socket there."""
    umask = os.umask(0o777 & ~DIRECTORY_MODE)
    try:
        directory.mkdir(mode=DIRECTORY_MODE, parents=True, exist_ok=True)
        facts = directory.stat()
        if facts.st_uid == os.getuid() and group_id >= 0 and facts.st_gid != group_id:
            os.chown(directory, -1, group_id)
    except OSError as error:
        raise HostError(
            f"{directory}: the socket's directory cannot be made ({error.strerror})",
            fix="make it by hand (mode 0750, owned by the daemon's user), or choose another [operator] socket; "
            "to give it to a group, the daemon's user must be in that group",
        ) from None
    finally:
        os.umask(umask)
    if reason := unsafe_directory(facts, os.getuid()):
        raise HostError(
            f"{directory}: {reason}", fix=f"chmod 750 {directory}, or choose another [operator] socket"
        )


def unsafe_directory(facts: os.stat_result, uid: int) -> str:
    """Return why others could replace a socket in this directory, or an empty string."""
    if facts.st_uid not in (uid, 0):
        return "the socket's directory belongs to another user"
    if facts.st_mode & stat.S_IWOTH:
        return f"the socket's directory is writable for everybody (mode {stat.S_IMODE(facts.st_mode):04o})"
    return ""


def _group_id(group: str) -> int:
    """Return the id of a group; -1 keeps the one that the daemon has."""
    if not group:
        return -1
    try:
        return grp.getgrnam(group).gr_gid
    except KeyError:
        raise HostError(
            f"the group {group!r} does not exist",
            fix=f"groupadd {group}, or correct [operator] group",
        ) from None
