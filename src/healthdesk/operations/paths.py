"""Paths on an app's base URL."""

from __future__ import annotations

import re

from healthdesk.domain.addresses import as_stored
from healthdesk.domain.masking import MASK
from healthdesk.errors import Malformed
from healthdesk.operations.addresses import refuse_secrets

_NOT_IN_A_PATH = re.compile(r"[\x00-\x20\x7f#]")


def given_path(given: str, stored: str, field: str) -> str:
    """Return the path that is meant: the one that is `stored` where what is shown of it is given. Raises Malformed."""
    path = as_stored(given, stored)
    if path != stored:
        check_path(path, field)
    return path


def check_path(path: str, field: str) -> None:
    """Raise Malformed for a path that no request line can carry as it is written, or that would show a secret."""
    if _NOT_IN_A_PATH.search(path):
        raise Malformed(
            "a path holds no spaces, control characters or #", field=field, fix="write a space as %20"
        )
    refuse_secrets(path, field)
    if MASK in path:
        raise Malformed(
            f"{MASK} stands for a secret that an export leaves out",
            field=field,
            fix="write what belongs there",
        )
