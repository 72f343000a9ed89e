from __future__ import annotations

from datetime import UTC, datetime

import pytest

from healthdesk.domain.fields import FieldSpec, check_data
from healthdesk.domain.samples import MARK, SampleField, sample_data

NOW = datetime(2026, 1, 1, tzinfo=UTC)
LEVELS = ("low", "moderate", "high")
TYPES = ("string", "number", "integer", "boolean", "date", "datetime", "object", "array", "any")


def of(level: str | None, *fields: SampleField, levels: tuple[str, ...] = LEVELS) -> dict[str, object]:
    return sample_data("heart-health", level, levels, fields, NOW)


@pytest.mark.parametrize("example", ["", "17", "often", '{"a": 1}', "[1, 2]", "2025-02-01", "{", "NaN"])
@pytest.mark.parametrize("kind", TYPES)
def test_every_sample_fits_the_declared_type_whatever_the_example_says(kind: str, example: str) -> None:
    for level in (*LEVELS, None):
        data = of(level, SampleField("answer", kind, example))
        assert check_data(data, [FieldSpec("answer", kind, required=True)]) == []


def test_levels_differ_and_numbers_rise_with_them() -> None:
    samples = [
        of(level, SampleField("score", "number"), SampleField("risk_level", "string")) for level in LEVELS
    ]
    scores = [float(str(each["score"])) for each in samples]
    assert scores == sorted(scores)
    assert len(set(scores)) == 3
    assert [each["risk_level"] for each in samples] == list(LEVELS)


def test_a_number_keeps_to_the_size_of_its_example() -> None:
    steps = [of(level, SampleField("steps", "integer", "5000"))["steps"] for level in LEVELS]
    assert steps == [3750, 5000, 6250]


def test_it_is_the_same_at_each_call_and_another_for_another_source() -> None:
    field = SampleField("participant_id", "string", "P-1")
    assert of("low", field) == of("low", field)
    assert of("low", field) != sample_data("sleep", "low", LEVELS, [field], NOW)
    assert of("low", field) != of("high", field)


def test_people_of_samples_are_nobody() -> None:
    data = of("low", SampleField("email", "string", "mara@acme.io"), SampleField("name", "string"))
    assert str(data["email"]).endswith("@example.com")
    assert "ample" in str(data["name"])


def test_a_source_without_fields_or_levels_has_a_sample_that_says_so() -> None:
    data = of(None, levels=())
    assert data[MARK] is True
    assert "level" not in data
