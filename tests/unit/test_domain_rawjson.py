"""The span of `data` is exact, and what cannot be masked or forwarded faithfully is refused."""

from __future__ import annotations

import json
from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from healthdesk.domain.rawjson import MAX_DEPTH, split_record
from healthdesk.errors import Malformed

WHITESPACE = st.text(alphabet=" \t\n\r", max_size=3)
TEXT = st.text(st.characters(exclude_categories=["Cs"]), max_size=12)
JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | TEXT,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(TEXT, inner, max_size=4),
    max_leaves=20,
)
HEAD = '{"source":"heart","completed_at":"2025-11-22T14:02:00Z","data":'


def record(data: str) -> bytes:
    return f"{HEAD}{data}}}".encode()


def field_refused(body: bytes) -> str:
    with pytest.raises(Malformed) as caught:
        split_record(body)
    return caught.value.field


@given(
    data=JSON,
    compact=st.booleans(),
    ascii_only=st.booleans(),
    indent=st.sampled_from([None, 0, 3]),
    order=st.permutations(["source", "level", "completed_at", "data"]),
    spaces=st.lists(WHITESPACE, min_size=18, max_size=18),
)
def test_span_is_the_bytes_that_json_gives_for_data(
    data: object, compact: bool, ascii_only: bool, indent: int | None, order: list[str], spaces: list[str]
) -> None:
    separators = (",", ":") if compact else None
    inner = json.dumps(data, ensure_ascii=ascii_only, indent=indent, separators=separators)
    texts = {
        "source": '"heart-\\u0068ealth"',
        "level": '"high risk"',
        "completed_at": '"2025-11-22T15:02:00+01:00"',
        "data": inner,
    }
    space = iter(spaces)
    members = ",".join(
        f'{next(space)}"{name}"{next(space)}:{next(space)}{texts[name]}{next(space)}' for name in order
    )
    body = f"{next(space)}{{{members}}}{next(space)}".encode()

    parsed = split_record(body)

    assert body[parsed.data_start : parsed.data_end] == inner.encode()
    assert parsed.data == data
    assert (parsed.source, parsed.level) == ("heart-health", "high risk")
    assert parsed.completed_at == datetime(2025, 11, 22, 14, 2, tzinfo=UTC)


@given(st.binary(max_size=60) | TEXT.map(str.encode) | JSON.map(lambda value: json.dumps(value).encode()))
def test_anything_is_parsed_or_refused_and_nothing_else_is_raised(body: bytes) -> None:
    for candidate in (body, HEAD.encode() + body, HEAD.encode() + body + b"}"):
        try:
            parsed = split_record(candidate)
        except Malformed:
            continue
        assert json.loads(candidate[parsed.data_start : parsed.data_end]) == parsed.data


def test_level_may_be_missing_or_null() -> None:
    assert split_record(record("1")).level is None
    assert split_record(b'{"level":null,' + record("1")[1:]).level is None


def test_keys_written_with_escapes_are_the_same_keys() -> None:
    body = record('{"a":1}').replace(b'"data"', rb'"d\u0061ta"')
    parsed = split_record(body)
    assert body[parsed.data_start : parsed.data_end] == b'{"a":1}'


@pytest.mark.parametrize(
    ("body", "field"),
    [
        (b"", ""),
        (b"[]", ""),
        (b"{}", "completed_at"),
        (b'{"source":"heart"', "source"),
        (b'{"source":"heart",}', ""),
        (b'{"source" "heart"}', ""),
        (b'{"unknown":1}', ""),
        (b"{'source':1}", ""),
        (record("1") + b"x", ""),
        (record("1") + b"}", ""),
        (record(""), "data"),
        (record("{"), "data"),
        (record("[1,]"), "data"),
        (record("01"), "data"),
        (record("NaN"), "data"),
        (record("[-Infinity]"), "data"),
        (record('"a\nb"'), "data"),
        (record('"\\x"'), "data"),
        (record("9" * 5000), "data"),
        (record('1,"data":2'), "data"),
        (record('1,"d\\u0061ta":2'), "data"),
        (record('{"a":{"b":1,"b":2}}'), "data"),
        (record('{"b":1,"\\u0062":2}'), "data"),
        (b'{"source":"","completed_at":"2025-11-22T14:02:00Z","data":1}', "source"),
        (b'{"source":5,"completed_at":"2025-11-22T14:02:00Z","data":1}', "source"),
        (b'{"source":"\\ud800","completed_at":"2025-11-22T14:02:00Z","data":1}', "source"),
        (b'{"source":"h","level":7,"completed_at":"2025-11-22T14:02:00Z","data":1}', "level"),
        (b'{"source":"h","completed_at":"2025-11-22T14:02:00","data":1}', "completed_at"),
        (b'{"source":"h","completed_at":"yesterday","data":1}', "completed_at"),
        (b'{"source":"h","completed_at":"0001-01-01T00:00:00+14:00","data":1}', "completed_at"),
        (b'{"source":"h","completed_at":1763820120,"data":1}', "completed_at"),
    ],
)
def test_refused_with_the_field_at_fault(body: bytes, field: str) -> None:
    assert field_refused(body) == field


@pytest.mark.parametrize(
    ("body", "byte"),
    [
        (record('"?"').replace(b"?", b"\xff"), 64),
        (record("1").replace(b"heart", b"he\xc3(rt"), 13),
        (b"\xff" + record("1"), 0),
    ],
)
def test_invalid_utf8_is_refused_with_its_place(body: bytes, byte: int) -> None:
    with pytest.raises(Malformed) as caught:
        split_record(body)
    assert str(caught.value) == f"The body is not UTF-8 (byte {byte})."
    assert (caught.value.fix, caught.value.field) == ("Send JSON in UTF-8.", "")


@pytest.mark.parametrize("opening", ["[", '{"a":'])
@pytest.mark.parametrize("depth", [MAX_DEPTH, 2_000, 200_000])
def test_deep_nesting_is_refused_without_a_crash(opening: str, depth: int) -> None:
    closing = "]" if opening == "[" else "}"
    assert field_refused(record(opening * depth + "1" + closing * depth)) == "data"


def test_nesting_to_the_limit_and_many_shallow_values_are_accepted() -> None:
    depth = MAX_DEPTH - 1  # the posted object itself is one
    assert split_record(record("[" * depth + "1" + "]" * depth)).data
    assert split_record(record("[" + ",".join(["{}"] * 5_000) + "]")).data


def test_what_is_refused_is_not_repeated_in_the_message() -> None:
    for body in (record('"Smith'), record('{"Smith":1,"Smith":2}'), b'{"Smith":1}', record('"Smith"}x')):
        with pytest.raises(Malformed) as caught:
            split_record(body)
        assert "Smith" not in str(caught.value)
