"""Declared fields are checked without repeating values."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from healthdesk.domain.fields import FieldSpec, check_data

TYPES = ["string", "number", "integer", "boolean", "date", "datetime", "object", "array", "any"]
FITTING: dict[str, list[object]] = {
    "string": ["", "x", "2025-11-22"],
    "number": [1, 1.5, -0.0, 10**30],
    "integer": [1, 2.0, -3],
    "boolean": [True, False],
    "date": ["2025-11-22", "2024-02-29"],
    "datetime": ["2025-11-22T14:02:00Z", "2025-11-22T14:02", "2025-11-22 14:02:00+01:00"],
    "object": [{}, {"a": 1}],
    "array": [[], [1]],
    "any": ["x", 1, True, {}, []],
}
WRONG: dict[str, list[object]] = {
    "string": [1, True, {}, []],
    "number": ["1", True, {}],
    "integer": [1.5, "1", False],
    "boolean": [0, "true"],
    "date": ["2025-13-01", "20251122", "2025-W47-6", "22.11.2025", "2025-11-22T14:02", 20251122],
    "datetime": ["2025-11-22", "soon, really soon", "2025-11-22T25:00:00Z", 1763820120],
    "object": [[], "x"],
    "array": [{}, "x"],
    "any": [],
}


@pytest.mark.parametrize("kind", TYPES)
def test_types(kind: str) -> None:
    fields = [FieldSpec("answer", kind, required=True)]
    for value in FITTING[kind]:
        assert check_data({"answer": value}, fields) == []
    for value in WRONG[kind]:
        assert len(check_data({"answer": value}, fields)) == 1


def test_problems_name_field_and_expectation() -> None:
    fields = [
        FieldSpec("risk_level", required=True),
        FieldSpec("consent", "boolean", required=True),
        FieldSpec("score", "number"),
        FieldSpec("note", "string"),
    ]
    assert check_data({"consent": None, "score": "71", "extra": 1, "note": None}, fields) == [
        "risk_level: required, missing",
        "consent: required, null",
        "score: expected a number, got a string",
    ]


def test_without_declared_fields_anything_is_let_through() -> None:
    for data in (None, 1, [], {"a": 1}):
        assert check_data(data, []) == []


@pytest.mark.parametrize(
    ("data", "kind"), [([], "an array"), (None, "null"), ("x", "a string"), (True, "a boolean")]
)
def test_declared_fields_need_an_object(data: object, kind: str) -> None:
    assert check_data(data, [FieldSpec("a")]) == [f"data: expected an object, got {kind}"]


@given(
    st.dictionaries(st.just("field"), st.text("xyz", min_size=3) | st.integers(1000)),
    st.sampled_from(TYPES),
)
def test_a_value_is_never_repeated(data: dict[str, object], kind: str) -> None:
    told = " ".join(check_data(data, [FieldSpec("field", kind, required=True)]))
    for value in data.values():
        assert str(value) not in told
