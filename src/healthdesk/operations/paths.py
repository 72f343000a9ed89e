"""Paths on an app's base URL."""

from __future__ import annotations

import re

from healthdesk.domain.masking import MASK
from healthdesk.errors import Malformed

_NOT_IN_A_PATH = re.compile(r"[\x00-\x20\x7f#]")


def check_path(path: str, field: str) -> None:
    """Raise Malformed for a path that no request line can carry as it is written."""
    if _NOT_IN_A_PATH.search(path):
        raise Malformed(
            "a path holds no spaces, control characters or #", field=field, fix="write a space as %20"
        )
    if MASK in path:
        raise Malformed(
            f"{MASK} stands for a secret that an export leaves out",
            field=field,
            fix="write what belongs there",
        )
