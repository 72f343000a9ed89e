"""The key file: its keys, which of them encrypts, and how one is replaced without a moment in which a secret has none.

# comments, anywhere
the key that encrypts
keys that only decrypt
# next: what follows takes over with `healthdesk key rotate`
a key that only decrypts so far, so that every host can have it before it is used
"""

from __future__ import annotations

import hashlib
import os
import stat
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from cryptography.fernet import Fernet

from healthdesk.errors import VaultError

RESTORE_KEY = (
    "put the key file back from your backup, or set [security] key_file to where it is: "
    "a new key opens nothing that an older one encrypted"
)

NEXT = "# next:"
_NEXT_LINE = f"{NEXT} what follows takes over with `healthdesk key rotate`"
_KEY_FIX = "a key is 44 characters of URL-safe base64 on a line of its own, as `healthdesk init` writes it"


@dataclass(frozen=True, slots=True)
class KeyLines:
    """What a key file says. `next` are keys that do not encrypt yet; `seen` tells whether the file changed since."""

    path: Path
    encrypting: tuple[str, ...]
    next: tuple[str, ...] = ()
    comments: tuple[str, ...] = ()
    seen: tuple[int, int, int] = (0, 0, 0)

    def __repr__(self) -> str:
        """Show no key."""
        return f"KeyLines({str(self.path)!r}, {len(self.encrypting)} + {len(self.next)})"

    @classmethod
    def read(cls, path: Path) -> KeyLines:
        """Read a key file that only its owner (and group) can read. Raises VaultError."""
        try:
            status = path.stat()
            text = path.read_text(encoding="ascii")
        except FileNotFoundError:
            raise VaultError(
                f"{path}: the key file does not exist",
                fix=f"{RESTORE_KEY}; only for a desk that has no secrets yet, run `healthdesk init`",
            ) from None
        except UnicodeDecodeError:
            raise VaultError(f"{path}: this is not a key file", fix=_KEY_FIX) from None
        except OSError as error:
            raise VaultError(
                f"{path}: the key file cannot be read ({error.strerror})",
                fix="make it readable for the user that runs the daemon, and for nobody else",
            ) from None
        mode = stat.S_IMODE(status.st_mode)
        # Group read stays allowed: systemd hands credentials over as 0440 behind an access list.
        if mode & 0o037:
            raise VaultError(
                f"{path}: the key file is open to others (mode {mode:04o})", fix=f"chmod 600 {path}"
            )
        return cls._parse(path, text, _seen(status))

    @classmethod
    def _parse(cls, path: Path, text: str, seen: tuple[int, int, int]) -> KeyLines:
        before, marker, after = text.partition(NEXT)
        # What follows the marker on its line is part of the comment.
        after = after.partition("\n")[2] if marker else ""
        encrypting, following = _keys(before), _keys(after)
        if not encrypting:
            raise VaultError(f"{path}: the key file holds no key", fix=_KEY_FIX)
        try:
            for key in (*encrypting, *following):
                Fernet(key)
        except ValueError:
            raise VaultError(f"{path}: a line is not a key", fix=_KEY_FIX) from None
        comments = tuple(line for line in before.splitlines() if line.startswith("#"))
        return cls(path, encrypting, following, comments, seen)

    def unchanged(self) -> bool:
        """Tell whether the file is as it was read; one that is gone counts as unchanged."""
        try:
            return _seen(self.path.stat()) == self.seen
        except OSError:
            return True

    def ids(self) -> list[str]:
        """Return a digest of each key, in their order."""
        return [
            hashlib.sha256(b"healthdesk key " + key.encode()).hexdigest()[:12]
            for key in (*self.encrypting, *self.next)
        ]

    def staged(self) -> KeyLines:
        """Return the lines with a new key that does not encrypt yet."""
        return KeyLines(self.path, self.encrypting, (Fernet.generate_key().decode("ascii"),), self.comments)

    def promoted(self) -> KeyLines:
        """Return the lines with the next key as the one that encrypts."""
        return KeyLines(self.path, (*self.next, *self.encrypting), (), self.comments)

    def only_first(self) -> KeyLines:
        """Return the lines without the keys that nothing is encrypted with any more."""
        return KeyLines(self.path, self.encrypting[:1], self.next, self.comments)

    def write(self) -> None:
        """Replace the file in one step: at any moment one of the two is whole on disk. Raises VaultError."""
        lines = [*self.comments, *self.encrypting]
        if self.next:
            lines += [_NEXT_LINE, *self.next]
        beside = self.path.with_name(f".{self.path.name}.new")
        try:
            owner = self.path.stat()
            beside.unlink(missing_ok=True)
            _write_new(beside, "\n".join(lines) + "\n", stat.S_IMODE(owner.st_mode) & 0o640)
            os.chown(beside, owner.st_uid, owner.st_gid)
            beside.replace(self.path)
            _sync_directory(self.path.parent)
        except OSError as error:
            # No copy of the keys stays where nobody looks for one.
            with suppress(OSError):
                beside.unlink(missing_ok=True)
            raise VaultError(
                f"{self.path}: the key file cannot be replaced ({error.strerror})",
                fix="give the daemon a key file that it may write, or (systemd credential) put a new key as the first"
                " line of the file yourself, restart the daemon and run `healthdesk key rotate` again",
            ) from None


def create_key_file(path: Path) -> None:
    """Write a new key file that only its owner can read. An existing file is never touched."""
    try:
        _write_new(path, Fernet.generate_key().decode("ascii") + "\n", 0o600)
    except FileExistsError:
        raise VaultError(
            f"{path}: a key file is already there", fix="keep it: it opens the stored secrets"
        ) from None
    except OSError as error:
        raise VaultError(
            f"{path}: the key file cannot be written ({error.strerror})",
            fix="check that the directory exists and is writable",
        ) from None


def _write_new(path: Path, text: str, mode: int) -> None:
    handle = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC, mode)
    with os.fdopen(handle, "w", encoding="ascii") as file:
        file.write(text)
        file.flush()
        os.fsync(file.fileno())


def _sync_directory(path: Path) -> None:
    handle = os.open(path, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def _keys(text: str) -> tuple[str, ...]:
    lines = (line.strip() for line in text.splitlines())
    return tuple(line for line in lines if line and not line.startswith("#"))


def _seen(status: os.stat_result) -> tuple[int, int, int]:
    return status.st_ino, status.st_size, status.st_mtime_ns
