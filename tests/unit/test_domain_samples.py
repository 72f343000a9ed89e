from __future__ import annotations

from datetime import UTC, date, datetime
from uuid import UUID

import pytest

from healthdesk.domain.fields import FieldSpec, check_data
from healthdesk.domain.samples import MARK, SampleField, sample_data

NOW = datetime(2026, 1, 1, tzinfo=UTC)
LEVELS = ("low", "moderate", "high")
TYPES = ("string", "number", "integer", "boolean", "date", "datetime", "object", "array", "any")


def of(level: str | None, *fields: SampleField, levels: tuple[str, ...] = LEVELS) -> dict[str, object]:
    return sample_data("heart-health", level, levels, fields, NOW)


@pytest.mark.parametrize(
    "example", ["", "17", "often", '{"a": 1}', "[1, 2]", "2025-02-01", "{", "NaN", "1.7e308"]
)
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


@pytest.mark.parametrize(
    "fields",
    [
        [SampleField("smoking", "string", "Never"), SampleField("consent", "boolean")],
        [SampleField("country", "string", "US"), SampleField("visits", "integer", "0")],
        [SampleField("plan", "any", "gold")],
        [SampleField("born", "date"), SampleField("consent", "boolean")],
        [SampleField("taken_at", "datetime"), SampleField("consent", "boolean")],
        [SampleField("answers", "object", '{"a": 1}')],
        [SampleField("answers", "array", '["a"]')],
        [SampleField("consent", "boolean"), SampleField("smoker", "boolean")],
        [SampleField("is_pregnant", "boolean"), SampleField("verified", "boolean")],
    ],
    ids=lambda fields: fields[0].name,
)
def test_levels_differ_where_no_field_does(fields: list[SampleField]) -> None:
    samples = [of(level, *fields) for level in LEVELS]
    assert len({str(each) for each in samples}) == 3
    specs = [FieldSpec(each.name, each.type, required=True) for each in fields]
    assert [check_data(each, specs) for each in samples] == [[], [], []]
    if fields[0].name == "smoking":
        assert samples[0] == {"smoking": "Never (low)", "consent": True}
    assert all(each.get("country", "US") == "US" for each in samples)


def test_yes_and_no_are_combined_as_far_as_they_go() -> None:
    def distinct(of_levels: int, *names: str) -> int:
        levels = tuple(f"level {n}" for n in range(of_levels))
        fields = [SampleField(name, "boolean") for name in names]
        return len({str(of(level, *fields, levels=levels)) for level in levels})

    assert [distinct(levels, "smoker", "consent") for levels in (2, 3, 4, 5)] == [2, 3, 4, 4]
    assert [distinct(levels, "smoker") for levels in (2, 3)] == [2, 2]
    fields = [SampleField(name, "boolean") for name in ("consent", "smoker", "insomnia", "hypertension")]
    samples = [of(level, *fields) for level in LEVELS]
    assert [each["consent"] for each in samples] == [True] * 3, "what everybody says stays where it may"
    yes = [sum(bool(each[field.name]) for field in fields[1:]) for each in samples]
    assert yes == sorted(yes)


def test_a_number_keeps_to_the_size_of_its_example() -> None:
    steps = [of(level, SampleField("steps", "integer", "5000"))["steps"] for level in LEVELS]
    assert steps == [3750, 5000, 6250]


def test_it_is_the_same_at_each_call_and_another_for_another_source() -> None:
    field = SampleField("participant_id", "string", "P-1")
    assert of("low", field) == of("low", field)
    assert of("low", field) != sample_data("sleep", "low", LEVELS, [field], NOW)
    assert of("low", field) != of("high", field)


def test_names_of_fields_say_what_is_plausible() -> None:
    def values(name: str, kind: str = "string", example: str = "") -> list[object]:
        told_apart_by = SampleField("member_uuid", "string")
        return [of(level, SampleField(name, kind, example), told_apart_by)[name] for level in LEVELS]

    assert set(values("participantName")) == {"Sample Participant"}
    assert [str(each).startswith("sample-") for each in values("participant")] == [True] * 3
    assert "sample-" not in str(values("patient_notes"))
    assert [UUID(str(each)).version for each in values("external_id", example=str(UUID(int=7)))] == [4, 4, 4]
    assert values("risk_factors") != list(LEVELS)
    # A day of birth, a year and an age are of one person, in whatever type they are declared.
    for age, born, year in zip(
        values("age", "integer"), values("dob"), values("year_of_birth", "integer"), strict=True
    ):
        born_on = date.fromisoformat(str(born))
        assert age == NOW.year - born_on.year - ((NOW.month, NOW.day) < (born_on.month, born_on.day))
        assert int(str(year)) + int(str(age)) == NOW.year
    assert values("submitted_at") == ["2026-01-01T00:00:00Z"] * 3
    assert values("next_appointment", "date")[0] > "2026-01-07"
    assert values("blood_pressure")[0] == "121/75"
    # Never out of what can be, and what is better when there is more of it falls.
    assert all(0 <= float(str(each)) <= 1 for each in values("probability", "number", "0.9"))
    assert all(0 <= float(str(each)) <= 100 for each in values("percent", "number"))
    assert values("hdl", "number") == sorted(values("hdl", "number"), key=lambda each: -float(str(each)))
    assert all(36 < float(str(each)) < 38 for each in values("temperature", "number"))
    assert all(
        int(str(each)) >= 10_000 for each in [*values("zip", "integer"), *values("member_id", "integer")]
    )
    # Yes from some level on; what everybody says yes or no to does not depend on it.
    assert values("smoker", "boolean")[::2] == [False, True]
    assert (values("consent", "boolean"), values("is_pregnant", "boolean")) == ([True] * 3, [False] * 3)


def test_people_of_samples_are_nobody() -> None:
    data = of("low", SampleField("email", "string", "mara@acme.io"), SampleField("name", "string"))
    assert str(data["email"]).endswith("@example.com")
    assert "ample" in str(data["name"])


def test_a_source_without_fields_or_levels_has_a_sample_that_says_so() -> None:
    data = of(None, levels=())
    assert data[MARK] is True
    assert "level" not in data
