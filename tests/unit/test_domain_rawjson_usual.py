"""The short cut for bodies as documented accepts and refuses exactly what the general way does."""

from __future__ import annotations

import json
from unittest.mock import patch

import pytest
from hypothesis import given
from hypothesis import strategies as st

from healthdesk.domain import rawjson
from healthdesk.domain.rawjson import ParsedRecord, split_record
from healthdesk.errors import Malformed

SPACE = st.sampled_from(["", " ", "\n\t", "\u00a0"])
STRINGS = st.sampled_from(
    ['"heart"', '"h\\u0065art"', '"he\nart"', '"he"art"', '""', "null", "7", '"é"', '"' + "x" * 65 + '"']
)
TIMES = st.sampled_from(
    ['"2025-11-22T14:02:00Z"', '"2025-11-22\n14:02:00+00:00"', '"2025-11-22T14:02:00"', '"soon"', "null"]
)
DATA = st.sampled_from(
    [
        *('{"a": [1, 2.5, "x"]}', '{"a": 1, "a": 2}', "[NaN]", "{}", '"é"', "{", "1e400", "", "9" * 5000),
        *("[" * 60 + "]" * 60, "[" * 101 + "]" * 101),
    ]
)
ENDS = st.sampled_from(["}", "} ", "}}", "", ', "level": "low"}', ', "data": 1}', "} x"])


def outcome(body: bytes) -> ParsedRecord | tuple[str, str]:
    try:
        return split_record(body)
    except Malformed as error:
        return error.what, error.field


@given(source=STRINGS, level=STRINGS | st.just(""), at=TIMES, data=DATA, end=ENDS, space=SPACE)
def test_short_cut_and_general_way_agree(
    source: str, level: str, at: str, data: str, end: str, space: str
) -> None:
    member = f'"level":{space}{level},' if level else ""
    body = f'{space}{{"source"{space}:{source},{member}{space}"completed_at":{at},"data":{space}{data}{end}'.encode()
    shortened = outcome(body)
    with patch.object(rawjson, "_usual", return_value=None):
        assert outcome(body) == shortened


@pytest.mark.parametrize("level", ['"level": "low", ', '"level": null, ', ""])
def test_documented_order_takes_the_short_cut(level: str) -> None:
    text = f'{{"source": "heart", {level}"completed_at": "2025-11-22T14:02:00Z", "data": {{"é": 1}} }}'
    with patch.object(rawjson, "_members", side_effect=AssertionError("the general way was taken")):
        parsed = split_record(text.encode())
    assert json.loads(text.encode()[parsed.data_start : parsed.data_end]) == {"é": 1}
