"""What problems count, in words: records, tasks, proof syncs."""

from __future__ import annotations

from collections.abc import Mapping

RECORD = "record"

_NOUNS: Mapping[str, tuple[str, str]] = {
    RECORD: (RECORD, "records"),
    "task": ("task", "tasks"),
    "proof": ("proof sync", "proof syncs"),
}
_DONE: Mapping[str, str] = {"task": "synced", "proof": "collected"}


def counted(count: int, unit: str) -> str:
    """Return `1 record`, `1,204 tasks`, `2 proof syncs`."""
    one, many = _NOUNS.get(unit, (unit, f"{unit}s"))
    return f"{count:,} {one if count == 1 else many}"


def noun(unit: str, count: int) -> str:
    """Return the unit's name for so many: `record`, `proof syncs`."""
    one, many = _NOUNS.get(unit, (unit, f"{unit}s"))
    return one if count == 1 else many


def listed(counts: Mapping[str, int]) -> str:
    """Return `11 tasks and 2 proof syncs`; what there is none of is left out."""
    parts = [counted(count, unit) for unit, count in counts.items() if count]
    return " and ".join([", ".join(parts[:-1]), parts[-1]] if len(parts) > 1 else parts)


def repaired(counts: Mapping[str, int]) -> str:
    """Return `11 tasks are synced again, 2 proof syncs are collected again`, or nothing."""
    return ", ".join(
        f"{counted(count, unit)} {'is' if count == 1 else 'are'} {_DONE.get(unit, 'run')} again"
        for unit, count in counts.items()
        if count
    )
