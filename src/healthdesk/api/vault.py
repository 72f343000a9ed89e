"""Replacing the key that encrypts secrets."""

from __future__ import annotations

from typing import Literal

from healthdesk.api.common import Output


class KeyRotation(Output):
    """How far the key's replacement is.

    `staged`: the new key is in the key file of this daemon and does not encrypt yet, since `lacking` do not have it.
    `promoted`: it encrypts everything here; `lacking` still encrypt with the one before, which therefore stays.
    `done`: every secret is encrypted with it and the one before is gone from the key file.
    """

    state: Literal["staged", "promoted", "done"]
    reencrypted: int = 0
    key_file: str = ""
    lacking: list[str] = []
    """Ids of daemons."""
    next_step: str = ""
