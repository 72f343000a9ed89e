import itertools

import pytest
from hypothesis import given
from hypothesis import strategies as st

from healthdesk.client.sse import EventParser, ServerEvent


def parse(*chunks: bytes) -> list[ServerEvent]:
    parser = EventParser()
    return [event for chunk in chunks for event in parser.feed(chunk)]


def test_event_has_id_kind_and_data():
    assert parse(b"id: 7\nevent: record.changed\ndata: {}\n\n") == [ServerEvent("7", "record.changed", "{}")]


def test_lines_of_data_are_joined():
    assert parse(b"data: one\ndata: two\ndata:\n\n") == [ServerEvent("", "message", "one\ntwo\n")]


def test_comments_and_events_without_data_are_dropped():
    assert parse(b": keep-alive\n\nevent: x\n\nid: 3\n\n") == []


def test_id_stays_in_force_until_the_next():
    events = parse(b"id: 1\ndata: a\n\ndata: b\n\nid: 2\ndata: c\n\n")
    assert [event.id for event in events] == ["1", "1", "2"]


def test_id_of_an_event_without_data_is_remembered_for_resuming():
    parser = EventParser("5")
    parser.feed(b"id: 6\n\n")
    assert parser.last_event_id == "6"


def test_id_with_a_nul_is_ignored():
    assert parse(b"id: a\0b\ndata: x\n\n")[0].id == ""


def test_an_unfinished_event_is_not_told():
    assert parse(b"data: x\n") == []


def test_only_one_blank_after_the_colon_is_taken():
    assert parse(b"data:  x\n\n")[0].data == " x"


def test_unknown_fields_are_ignored():
    assert parse(b"retry: 10\nnonsense\ndata: x\n\n")[0].data == "x"


STREAM = "id: 1\r\nevent: a.changed\r\ndata: ä\r\n\r\n: beat\r\n\r\nid: 2\rdata: one\rdata: two\r\r\ndata: €\n\n".encode()


@given(st.sets(st.integers(min_value=1, max_value=len(STREAM) - 1)))
def test_events_do_not_depend_on_where_the_stream_is_cut(cuts):
    edges = [0, *sorted(cuts), len(STREAM)]
    chunks = [STREAM[start:end] for start, end in itertools.pairwise(edges)]
    assert parse(*chunks) == parse(STREAM)
    assert [event.data for event in parse(STREAM)] == ["ä", "one\ntwo", "€"]


@pytest.mark.parametrize("cut", range(1, len(STREAM)))
def test_events_do_not_depend_on_one_cut(cut):
    assert parse(STREAM[:cut], STREAM[cut:]) == parse(STREAM)


def test_events_do_not_depend_on_byte_by_byte():
    assert parse(*(bytes([byte]) for byte in STREAM)) == parse(STREAM)
