"""Secrets at rest: encrypted with the keys of one file, and shown as a hint at most."""

from __future__ import annotations

import os
import stat
from pathlib import Path

from cryptography.fernet import Fernet, InvalidToken, MultiFernet

from healthdesk.errors import VaultError

MASK = "••••"
SHORTEST_HINTED = 12
"""Four characters of a shorter secret would give too much of it away."""


RESTORE_KEY = (
    "put the key file back from your backup, or set [security] key_file to where it is: "
    "a new key opens nothing that an older one encrypted"
)


class Vault:
    """Encrypts and decrypts with the keys of a key file: the first one encrypts, all of them decrypt."""

    def __init__(self, keys: list[str], *, key_file: Path) -> None:
        self._fernet = MultiFernet([Fernet(key) for key in keys])
        self._key_file = key_file

    @classmethod
    def open(cls, key_file: Path) -> Vault:
        """Read the key file: one key a line, lines that start with # are comments."""
        try:
            mode = stat.S_IMODE(key_file.stat().st_mode)
            text = key_file.read_text(encoding="ascii")
        except FileNotFoundError:
            raise VaultError(
                f"{key_file}: the key file does not exist",
                fix=f"{RESTORE_KEY}; only for a desk that has no secrets yet, run `healthdesk init`",
            ) from None
        except UnicodeDecodeError:
            raise VaultError(f"{key_file}: this is not a key file", fix=_KEY_FIX) from None
        except OSError as error:
            raise VaultError(
                f"{key_file}: the key file cannot be read ({error.strerror})",
                fix="make it readable for the user that runs the daemon, and for nobody else",
            ) from None
        # Group read stays allowed: systemd hands credentials over as 0440 behind an access list.
        if mode & 0o037:
            raise VaultError(
                f"{key_file}: the key file is open to others (mode {mode:04o})", fix=f"chmod 600 {key_file}"
            )
        lines = [line.strip() for line in text.splitlines()]
        keys = [line for line in lines if line and not line.startswith("#")]
        if not keys:
            raise VaultError(f"{key_file}: the key file holds no key", fix=_KEY_FIX)
        try:
            return cls(keys, key_file=key_file)
        except ValueError:
            raise VaultError(f"{key_file}: a line is not a key", fix=_KEY_FIX) from None

    def encrypt(self, text: str) -> str:
        """Return `text` encrypted with the first key, as printable characters."""
        return self._fernet.encrypt(text.encode()).decode("ascii")

    def decrypt(self, token: str) -> str:
        """Return what `encrypt` was given."""
        try:
            return self._fernet.decrypt(token.encode()).decode()
        except InvalidToken:
            raise self._does_not_fit() from None

    def rotate(self, token: str) -> str:
        """Return the same secret encrypted with the first key."""
        try:
            return self._fernet.rotate(token.encode()).decode("ascii")
        except InvalidToken:
            raise self._does_not_fit() from None

    def _does_not_fit(self) -> VaultError:
        return VaultError(
            f"{self._key_file}: no key in this file opens a stored secret",
            fix="add the key that was used before as a further line of the file, or enter the secret again",
        )


def hint(secret: str) -> str:
    """Return what may be shown of a secret: a mask and its last four characters, or the mask alone."""
    return MASK + secret[-4:] if len(secret) >= SHORTEST_HINTED else MASK


def lost_key(key_file: Path) -> str:
    """Say that the key file is gone while there are secrets it encrypted."""
    return f"{key_file}: the key file is gone, and the database holds secrets that only its key opens"


def create_key_file(path: Path) -> None:
    """Write a new key file that only its owner can read. An existing file is never touched."""
    try:
        handle = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC, 0o600)
    except FileExistsError:
        raise VaultError(
            f"{path}: a key file is already there", fix="keep it: it opens the stored secrets"
        ) from None
    except OSError as error:
        raise VaultError(
            f"{path}: the key file cannot be written ({error.strerror})",
            fix="check that the directory exists and is writable",
        ) from None
    with os.fdopen(handle, "wb") as file:
        file.write(Fernet.generate_key() + b"\n")
        file.flush()
        os.fsync(file.fileno())


_KEY_FIX = "a key is 44 characters of URL-safe base64 on a line of its own, as `healthdesk init` writes it"
