"""Parameters and bodies: unknown, wrong and repeated ones are named, and no value is ever repeated."""

from __future__ import annotations

from typing import TypeVar

import pytest
from multidict import MultiDict
from pydantic import BaseModel

from healthdesk.api.alerts import ChannelCreate
from healthdesk.api.integrations import IntegrationCreate
from healthdesk.api.keys import KeyCreate
from healthdesk.api.resends import ResendAll
from healthdesk.domain.states import RecordState
from healthdesk.errors import Malformed
from healthdesk.http.query import Paging, RecordCount, RecordList, parse_body, parse_query, repeats

M = TypeVar("M", bound=BaseModel)


def query(model: type[M], *pairs: tuple[str, str]) -> M:
    return parse_query(model, MultiDict(pairs), repeats(model))


def test_lists_repeat_and_the_rest_does_not() -> None:
    assert repeats(RecordList) == {"state", "level", "status", "error_kind", "hold_reason", "lookup"}
    parsed = query(RecordList, ("state", "failed"), ("state", "held"), ("limit", "7"))
    assert parsed.state == [RecordState.FAILED, RecordState.HELD]
    assert (parsed.limit, parsed.direction) == (7, "newest")
    with pytest.raises(Malformed) as caught:
        query(RecordList, ("limit", "7"), ("limit", "8"))
    assert caught.value.field == "limit"


@pytest.mark.parametrize(
    ("pairs", "field"),
    [
        ([("limit", "501")], "limit"),
        ([("limit", "0")], "limit"),
        ([("limit", "x")], "limit"),
        ([("after", "")], "after"),
        ([("sate", "failed")], "sate"),
        ([("state", "broken")], "state.0"),
        ([("arrived_from", "yesterday")], "arrived_from"),
        ([("direction", "up")], "direction"),
    ],
)
def test_what_is_wrong_is_named(pairs: list[tuple[str, str]], field: str) -> None:
    with pytest.raises(Malformed) as caught:
        query(RecordList, *pairs)
    assert caught.value.field == field
    if field == "sate":
        assert "state" in caught.value.fix


def test_defaults() -> None:
    assert query(Paging).limit == 50
    assert query(RecordCount, ("exact", "true")).exact is True


@pytest.mark.parametrize("raw", [b"{", b"\xff\xfe", b'{"a": \xc3}', b"[1", b'"\xff"'])
def test_bodies_that_are_not_json_are_malformed(raw: bytes) -> None:
    with pytest.raises(Malformed):
        parse_body(KeyCreate, raw)


def test_unknown_keys_are_named_with_the_known_ones() -> None:
    with pytest.raises(Malformed) as caught:
        parse_body(KeyCreate, b'{"overlap": 5}')
    assert caught.value.field == "overlap"
    assert "overlap_s" in caught.value.fix


def test_nested_fields_are_named_with_their_path() -> None:
    with pytest.raises(Malformed) as caught:
        parse_body(
            IntegrationCreate, b'{"name": "CRM", "production": {"connection_id": "c", "timeout_s": 9999}}'
        )
    assert caught.value.field == "production.timeout_s"


def test_a_secret_that_is_wrong_is_not_repeated() -> None:
    with pytest.raises(Malformed) as caught:
        parse_body(ChannelCreate, b'{"name": "", "url": {"hunter2": "hunter2"}}')
    assert "hunter2" not in str(caught.value) + caught.value.fix


def test_an_empty_body_is_an_empty_object() -> None:
    assert parse_body(KeyCreate, b"").overlap_s == 0


def test_a_body_nested_beyond_reason_is_malformed() -> None:
    with pytest.raises(Malformed):
        parse_body(KeyCreate, b"[" * 100_000)


def test_unknown_key_within_a_filter_is_named_with_those_a_filter_knows() -> None:
    with pytest.raises(Malformed, match=r"filter\.state: unknown") as refused:
        parse_body(ResendAll, b'{"filter": {"state": "failed"}}')
    assert refused.value.fix.startswith("known fields: ")
    assert "states" in refused.value.fix
