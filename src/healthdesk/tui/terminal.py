"""What the terminal is like: its zone, its letters, its colours. Told by the environment."""

from __future__ import annotations

import locale
import os
import sys
from collections.abc import Mapping
from datetime import tzinfo
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError


def zone_of(environ: Mapping[str, str]) -> tzinfo | None:
    """Return the zone `$TZ` names; None is the host's own."""
    name = environ.get("TZ", "").removeprefix(":")
    if not name:
        return None
    try:
        return ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError, OSError):
        return None


def wants_ascii(environ: Mapping[str, str], encoding: str, *, utf8_mode: bool = False) -> bool:
    """Return whether glyphs are letters: when the locale is not UTF-8, or as HEALTHDESK_ASCII says (1 or 0).

    In the C locale Python turns its UTF-8 mode on by itself, and claims UTF-8 for a terminal that may not have it.
    """
    said = environ.get("HEALTHDESK_ASCII", "")
    if said:
        return said != "0"
    if utf8_mode and "PYTHONUTF8" not in environ:
        return True
    return encoding.lower().replace("-", "") != "utf8"


def ascii_here() -> bool:
    """Return whether glyphs are letters in this process's terminal."""
    return wants_ascii(os.environ, locale.getencoding(), utf8_mode=bool(sys.flags.utf8_mode))


def theme_of(environ: Mapping[str, str]) -> str:
    """Return the theme: the terminal's own 16 colours where it has no more."""
    term, depth = environ.get("TERM", ""), environ.get("COLORTERM", "")
    if depth in ("truecolor", "24bit") or "256color" in term or "kitty" in term or "alacritty" in term:
        return "textual-dark"
    return "ansi-dark"
