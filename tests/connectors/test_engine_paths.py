"""Expressions over hostile documents, and bodies that are no JSON."""

from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.connectors.engine import connector

from healthdesk.connectors import paths
from healthdesk.connectors.spec import RequestTemplate
from healthdesk.domain.states import ErrorKind

DEEP: list[object] = []
for _ in range(5_000):
    DEEP = [DEEP]
EXPRESSIONS = [
    "@", "a", "a.b.c", "a[0].b", "[*].a", "a[].b[]", "sum(@)", "avg(@)", "join(',', @)", "sort_by(@, &a)", "max(@)",
    "ceil(@)", "to_number(@)", "to_string(@)", "contains(@, 'a')", "[?a > `1`]", "[?contains(a, 'x')].b", "keys(@)",
    "@[0:5:0]", "length(@)", "abs(@)", "starts_with(@, 'x')", "merge(@, @)", "reverse(@)", "map(&a, @)", "a || b",
    "!a && b", "@ == `1`", "values(@)[0]", "not_null(a, b)", "{x: a, y: b}", "[a, b]", "type(@)", "min_by(@, &a)",
]  # fmt: skip
DOCUMENTS = [
    None, [], {}, "x", "\ud800", 1, 1.5, True, float("inf"), float("nan"), 10**400, [1, "a"], [10**400, 1.5],
    [{"a": 1}, {"a": "b"}], [{"a": []}, {}], {"a": {"b": [1]}}, {"a": [{"b": None}]}, DEEP,
]  # fmt: skip


@pytest.mark.parametrize("expression", EXPRESSIONS)
def test_an_expression_raises_for_no_document(expression):
    for document in DOCUMENTS:
        paths.find(expression, document)
        paths.holds(expression, document)
        paths.items(expression, document)
        assert paths.text_at(expression, document).isprintable()


_JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=4),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.sampled_from("ab"), inner, max_size=2),
    max_leaves=15,
)


@given(document=_JSON, expression=st.sampled_from(EXPRESSIONS))
def test_what_is_found_can_be_kept(document, expression):
    found = paths.text_at(expression, document)
    assert found.isprintable()
    assert len(found) <= paths.MOST_TEXT
    found.encode()


@pytest.mark.parametrize(
    ("value", "truth"),
    [
        (None, False),
        (False, False),
        ("", False),
        ([], False),
        ({}, False),
        (0, True),
        ("no", True),
        ([0], True),
    ],
)
def test_what_is_true_is_what_jmespath_calls_true(value, truth):
    assert paths.holds("a", {"a": value}) is truth
    assert paths.holds("!a", {"a": value}) is not truth


@given(document=_JSON)
def test_a_plain_name_finds_what_jmespath_finds(document):
    for plain in ("a", "a.b", "a.b.a"):
        through_jmespath = paths.find(f"{plain} | @", document)
        assert repr(paths.find(plain, document)) == repr(through_jmespath)


def test_values_as_text():
    assert paths.one_line(12345678901234567890) == "12345678901234567890"
    assert paths.one_line(7.0) == "7"
    assert paths.one_line(True) == "true"
    assert paths.one_line([1, None, "", "a ", ["x"], {"b": 1}]) == "1, a"
    assert paths.one_line("  a \t b\x00 ") == "a b\ufffd"
    assert paths.one_line("é" * 300) == "é" * 200
    assert paths.as_text("a\r\nb\x07\x00", 10) == "a\nb \ufffd"
    assert paths.one_line({"a": 1}) == ""


TEXT = RequestTemplate(path="x", answer="text")
NOTHING = RequestTemplate(path="x", answer="none")


@pytest.mark.parametrize(
    ("body", "content_type", "read"),
    [
        (b"pong", "text/plain", "pong"),
        ("é".encode("latin-1"), "text/plain; charset=ISO-8859-1", "é"),
        ("é".encode(), "text/plain; charset=klingon", "é"),
        (b"", "", ""),
    ],
)
async def test_text_is_read_in_its_encoding(session, clock, endpoint, body, content_type, read):
    endpoint.answer(200, body=body, headers={"Content-Type": content_type} if content_type else {})
    reply = await connector("", session, clock, endpoint.url).client.call(TEXT, on="probe")
    assert (reply.document, reply.failure) == (read, None)


async def test_text_that_is_none_is_told(session, clock, endpoint):
    endpoint.answer(200, body=b"\xff", headers={"Content-Type": "text/plain"})
    failure = (await connector("", session, clock, endpoint.url).client.call(TEXT, on="probe")).failure
    assert failure.sentence == "Acme answered 200 with text that is not in its encoding"
    endpoint.answer(200, body=b"pong")
    failed = await connector("", session, clock, endpoint.url).client.call(
        TEXT, on="probe", success="contains(@, 'ping')"
    )
    assert failed.failure.kind is ErrorKind.UNEXPECTED_ANSWER


@pytest.mark.parametrize("body", [b"", b"<html>", b"\xff", b"{", b"x" * 2_000_000])
async def test_a_body_nobody_asked_for_does_not_matter(session, clock, endpoint, body):
    endpoint.answer(204 if not body else 200, body=body)
    assert (await connector("", session, clock, endpoint.url).client.call(NOTHING, on="tasks")).ok


async def test_rules_read_a_body_nobody_asked_for(session, clock, endpoint):
    text = """
[[errors]]
when = "error"
kind = "permission"
sentence = "Acme says {message}"
"""
    endpoint.answer(200, json={"error": "no"})
    reply = await connector(text, session, clock, endpoint.url).client.call(NOTHING, on="tasks")
    assert reply.failure.kind is ErrorKind.PERMISSION


async def test_what_is_kept_of_an_answer_is_a_part_and_says_so(session, clock, endpoint):
    endpoint.answer(200, json={"a": "x" * 100_000})
    reply = await connector("", session, clock, endpoint.url).client.call(
        RequestTemplate(path="x"), on="tasks"
    )
    assert json.dumps(reply.document) == json.dumps({"a": "x" * 100_000})
    assert len(reply.exchange.response_body) == 16_384
    assert reply.exchange.response_cut
