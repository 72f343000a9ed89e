"""Secrets at rest: encrypted with the keys of one file, and shown as a hint at most."""

from __future__ import annotations

from pathlib import Path

from cryptography.fernet import Fernet, InvalidToken, MultiFernet

from healthdesk.errors import VaultError
from healthdesk.key_file import RESTORE_KEY, KeyLines, create_key_file

__all__ = ["MASK", "RESTORE_KEY", "Vault", "create_key_file", "hint", "lost_key"]

MASK = "••••"
SHORTEST_HINTED = 12
"""Four characters of a shorter secret would give too much of it away."""


class Vault:
    """Encrypts and decrypts with the keys of a key file: the first one encrypts, all of them decrypt.

    The file is read again when it changed and a secret does not fit: another daemon may be replacing the key.
    """

    def __init__(self, keys: KeyLines) -> None:
        self._take(keys)

    @classmethod
    def open(cls, key_file: Path) -> Vault:
        """Read the key file: one key a line, lines that start with # are comments. Raises VaultError."""
        return cls(KeyLines.read(key_file))

    def _take(self, keys: KeyLines) -> None:
        self.keys = keys
        self._first = Fernet(keys.encrypting[0])
        self._fernet = MultiFernet([Fernet(key) for key in (*keys.encrypting, *keys.next)])

    def refresh(self) -> bool:
        """Read the key file again if it changed; return whether it did. Raises VaultError and keeps the keys then."""
        if self.keys.unchanged():
            return False
        self._take(KeyLines.read(self.keys.path))
        return True

    @property
    def key_ids(self) -> list[str]:
        """What tells the keys apart and gives none away, the one that encrypts first."""
        return self.keys.ids()

    def encrypt(self, text: str) -> str:
        """Return `text` encrypted with the first key, as printable characters."""
        return self._fernet.encrypt(text.encode()).decode("ascii")

    def decrypt(self, token: str) -> str:
        """Return what `encrypt` was given."""
        try:
            return self._fernet.decrypt(token.encode()).decode()
        except InvalidToken:
            if not self.refresh():
                raise self._does_not_fit() from None
        try:
            return self._fernet.decrypt(token.encode()).decode()
        except InvalidToken:
            raise self._does_not_fit() from None

    def rotated(self, token: str) -> str | None:
        """Return the same secret encrypted with the first key, or None when it is already."""
        try:
            self._first.decrypt(token.encode())
        except InvalidToken:
            pass
        else:
            return None
        try:
            return self._fernet.rotate(token.encode()).decode("ascii")
        except InvalidToken:
            raise self._does_not_fit() from None

    def _does_not_fit(self) -> VaultError:
        return VaultError(
            f"{self.keys.path}: no key in this file opens a stored secret",
            fix="add the key that was used before as a further line of the file, or enter the secret again",
        )


def hint(secret: str) -> str:
    """Return what may be shown of a secret: a mask and its last four characters, or the mask alone."""
    return MASK + secret[-4:] if len(secret) >= SHORTEST_HINTED else MASK


def lost_key(key_file: Path) -> str:
    """Say that the key file is gone while there are secrets it encrypted."""
    return f"{key_file}: the key file is gone, and the database holds secrets that only its key opens"
