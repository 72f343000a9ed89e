"""Checks a record's data against the fields its source declares."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class FieldSpec:
    """A declared field: `type` is string, number, integer, boolean, date, datetime, object, array or any."""

    name: str
    type: str = "any"
    required: bool = False


def check_data(data: object, fields: Sequence[FieldSpec]) -> list[str]:
    """Return what is wrong, such as `risk_level: required, missing`; never a value."""
    raise NotImplementedError
