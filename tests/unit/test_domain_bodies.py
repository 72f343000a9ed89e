"""A document has one body in each format; what a format has no way to say is refused in words."""

from __future__ import annotations

import pytest
import xmltodict

from healthdesk.domain.bodies import check_xml_root, parse_data, render_body
from healthdesk.domain.states import BodyFormat
from healthdesk.errors import MappingError

DATA = {"name": "Ada & Co <é>", "score": 3.5, "ok": True, "none": None, "tags": ["a", "b"], "who": {"id": 7}}


def test_json_is_compact_and_keeps_order_and_characters() -> None:
    body, content_type = render_body(BodyFormat.JSON, DATA)
    assert body == (
        '{"name":"Ada & Co <é>","score":3.5,"ok":true,"none":null,"tags":["a","b"],"who":{"id":7}}'.encode()
    )
    assert content_type == "application/json"
    assert parse_data(body) == DATA


def test_a_form_has_paths_for_names_and_repeats_lists() -> None:
    body, content_type = render_body(BodyFormat.FORM, DATA)
    assert body == b"name=Ada+%26+Co+%3C%C3%A9%3E&score=3.5&ok=true&none=&tags=a&tags=b&who.id=7"
    assert content_type == "application/x-www-form-urlencoded"
    assert render_body(BodyFormat.FORM, {"l": [{"a": 1}, 2]})[0] == b"l.0.a=1&l.1=2"


def test_xml_has_elements_attributes_and_text() -> None:
    document = {**DATA, "contact": {"@kind": "home", "#text": "x"}, "ok": False}
    body, content_type = render_body(BodyFormat.XML, document, "submission")
    assert content_type == "application/xml; charset=utf-8"
    assert xmltodict.parse(body)["submission"] == {
        "name": "Ada & Co <é>", "score": "3.5", "ok": "false", "none": None, "tags": ["a", "b"],
        "who": {"id": "7"}, "contact": {"@kind": "home", "#text": "x"},
    }  # fmt: skip
    assert xmltodict.parse(render_body(BodyFormat.XML, [{"a": 1}, {"a": 2}])[0])["record"]["item"] == [
        {"a": "1"},
        {"a": "2"},
    ]


@pytest.mark.parametrize(
    ("body", "document", "words"),
    [
        (BodyFormat.FORM, [1], "a form is made of an object, and this is an array"),
        (BodyFormat.XML, {"a b": 1}, "“a b” at record cannot be the name"),
        (BodyFormat.XML, {"1": 1}, "“1” at record cannot be the name"),
        (BodyFormat.XML, {"x": {"y": "\x01"}}, r"the value at record\.x\.y holds a character"),
        (BodyFormat.XML, {"@a": [1]}, "@a at record is an array, not a text"),
        (BodyFormat.JSON, {"x": "\ud800"}, "cannot be written as JSON"),
        (BodyFormat.FORM, {"x": "\ud800"}, "cannot be written as a form"),
        (BodyFormat.JSON, {"x": float("inf")}, "cannot be written as JSON"),
        (BodyFormat.FORM, {"a": {"x": float("inf")}}, "at a.x a number in the record's data is too large"),
        (
            BodyFormat.XML,
            {"a": {"x": float("-inf")}},
            "at record.a.x a number in the record's data is too large",
        ),
    ],
)
def test_what_a_format_cannot_say(body: BodyFormat, document: object, words: str) -> None:
    with pytest.raises(MappingError, match=words) as caught:
        render_body(body, document)
    assert caught.value.fix


def test_a_body_that_is_no_json_is_not_mapped() -> None:
    for data in (b"<xml/>", b"\xff", b"NaN", b"[" * 100_000):
        with pytest.raises(MappingError, match="no JSON"):
            parse_data(data)


def test_the_root_of_xml_is_a_name() -> None:
    check_xml_root("v:record")
    with pytest.raises(MappingError) as caught:
        check_xml_root("my record")
    assert caught.value.field == "xml_root"


@pytest.mark.parametrize("body", [BodyFormat.FORM, BodyFormat.XML])
def test_data_nested_too_deeply_is_the_data_s_fault(body):
    document = {"a": 1}
    for _ in range(5_000):
        document = {"a": document}
    with pytest.raises(MappingError, match="nested too deeply"):
        render_body(body, document)
