"""A mapping makes of a record's data what is sent; the data itself stays as it was."""

from __future__ import annotations

import copy
from datetime import UTC, datetime
from typing import Any

import pytest

from healthdesk.api.delivery import DeliveryMethod as Wire
from healthdesk.api.delivery import MappingStep as WireStep
from healthdesk.domain.delivery import PLAIN, MappingStep, Step, method_from
from healthdesk.domain.mapping import Change, apply, changes, check
from healthdesk.domain.states import BodyFormat, MappingVerb
from healthdesk.domain.templating import MISSING, Facts
from healthdesk.errors import MappingError

FACTS = Facts("rec_1", "msg_1", "intake", "high", datetime(2026, 7, 4, 14, 2, 11, tzinfo=UTC))
DATA = {
    "first": "Ada",
    "last": "Byron",
    "answers": [{"score": "7"}, {"score": "3.50"}],
    "e.mail": " Ada@Example.com ",
    "born": "1815-12-10",
    "nothing": None,
    "tags": ["a", "b"],
}


def _step(do: str, path: str, **rest: Any) -> MappingStep:
    return MappingStep(MappingVerb(do), path, **rest)


def test_steps_are_carried_out_in_order_and_the_data_is_left_alone() -> None:
    before = copy.deepcopy(DATA)
    steps: list[Step] = [
        _step("set", "who.name", value="{data.first} {data.last}"),
        _step("remove", "first"),
        _step("set", "again", value="{data.first}"),
        _step("rename", r"e\.mail", to="contact.email"),
        _step("format", "contact.email", how="trim"),
        _step("format", "contact.email", how="lower"),
        _step("format", "answers.0.score", how="integer"),
        _step("format", "answers.1.score", how="number"),
        _step("format", "born", how="date:%d.%m.%Y"),
        _step("format", "tags", how="join:;"),
        _step("default", "nothing", value=0),
        _step("default", "last", value="unused"),
        _step("set", "meta", value={"record": "{id}", "level": "{level}", "none": "{data.gone}"}),
    ]
    check(steps)
    assert apply(steps, DATA, FACTS) == {
        "last": "Byron",
        "answers": [{"score": 7}, {"score": 3.5}],
        "born": "10.12.1815",
        "nothing": 0,
        "tags": "a;b",
        "who": {"name": "Ada Byron"},
        "again": "Ada",
        "contact": {"email": "ada@example.com"},
        "meta": {"record": "rec_1", "level": "high"},
    }
    assert before == DATA


def test_a_value_named_alone_keeps_its_type_and_is_no_part_of_the_data() -> None:
    made = apply([_step("set", "copy", value="{data.tags}"), _step("set", "copy.0", value="x")], DATA, FACTS)
    assert made["copy"] == ["x", "b"]
    assert made["tags"] == ["a", "b"]


def test_paths_that_are_not_there_are_passed_over() -> None:
    steps = [
        _step("rename", "gone", to="there"),
        _step("remove", "answers.7"),
        _step("format", "gone.deep", how="number"),
        _step("set", "from_gone", value="{data.gone}"),
        _step("set", "mixed", value="a {data.gone}"),
    ]
    assert apply(steps, DATA, FACTS) == DATA


def test_a_list_takes_one_more_element_at_its_end_and_none_beyond() -> None:
    assert apply([_step("set", "tags.2", value="c")], DATA, FACTS)["tags"] == ["a", "b", "c"]
    with pytest.raises(MappingError, match=r"nothing can be put at tags\.3: at tags is an array"):
        apply([_step("set", "tags.3", value="c")], DATA, FACTS)


def test_braces_are_doubled_to_stand_for_themselves() -> None:
    assert apply([_step("set", "x", value="{{{id}}}")], {}, FACTS) == {"x": "{rec_1}"}


@pytest.mark.parametrize(
    ("data", "kind"), [([1], "an array"), ("x", "a string"), (None, "null"), (3, "a number")]
)
def test_data_that_is_no_object_is_refused_in_words(data: object, kind: str) -> None:
    with pytest.raises(MappingError, match=f"the record's data is {kind}") as caught:
        apply([_step("remove", "x")], data, FACTS)
    assert caught.value.fix
    assert apply([], data, FACTS) == data


@pytest.mark.parametrize(
    ("step", "field", "words"),
    [
        (_step("set", "a..b", value=1), "mapping[0].path", "no path"),
        (_step("rename", "a"), "mapping[0].to", "needs `to`"),
        (_step("format", "a"), "mapping[0].how", "needs `how`"),
        (_step("format", "a", how="shout"), "mapping[0].how", "is no format"),
        (_step("format", "a", how="date:%A"), "mapping[0].how", "%A"),
        (_step("format", "a", how="trim:x"), "mapping[0].how", "nothing after a colon"),
        (_step("remove", "a", value=1), "mapping[0].value", "has no `value`"),
        (_step("set", "a", to="b"), "mapping[0].to", "has no `to`"),
        (_step("set", "a", value="{surname}"), "mapping[0].value", "names nothing of a record"),
        (_step("set", "a", value=["{data.x"]), "mapping[0].value", "stands alone"),
    ],
)
def test_steps_that_can_never_work_are_found_before(step: MappingStep, field: str, words: str) -> None:
    with pytest.raises(MappingError, match=words) as caught:
        check([step])
    assert caught.value.field == field
    assert caught.value.fix


@pytest.mark.parametrize(
    ("value", "how", "made"),
    [
        (12, "text", "12"), (True, "text", "true"), ({"a": [1]}, "text", '{"a":[1]}'), ("1e3", "number", 1000.0),
        ("-7", "number", -7), (3.0, "integer", 3), ("Yes", "boolean", True), (0, "boolean", False),
        ("straße", "upper", "STRASSE"), ("2026-07-04T10:00:00+02:00", "date:%Y%m%dT%H%M%S%z", "20260704T100000+0200"),
        ([1, None, "x"], "join:, ", "1, , x"), (None, "number", None),
    ],
)  # fmt: skip
def test_formats(value: object, how: str, made: object) -> None:
    assert apply([_step("format", "v", how=how)], {"v": value}, FACTS) == {"v": made}


@pytest.mark.parametrize(
    ("value", "how"),
    [
        ("secret!", "number"),
        ("3.5", "integer"),
        ("perhaps", "boolean"),
        ("soon", "date:%Y"),
        (["x"], "number"),
    ],
)
def test_a_value_that_cannot_be_written_so_is_named_by_its_place_alone(value: object, how: str) -> None:
    with pytest.raises(MappingError, match=r"the value at v cannot be written as") as caught:
        apply([_step("format", "v", how=how)], {"v": value}, FACTS)
    assert "secret" not in str(caught.value)


def test_changes_name_each_place_once() -> None:
    before = {"a": 1, "b": {"c": [1, 2]}, "gone": True, "x.y": 1}
    after = {"a": 1.0, "b": {"c": [1, 3]}, "new": None, "x.y": 2}
    assert changes(before, after) == [
        Change("a", 1, 1.0),
        Change("b.c.1", 2, 3),
        Change("gone", True, MISSING),
        Change(r"x\.y", 1, 2),
        Change("new", MISSING, None),
    ]
    assert changes(before, copy.deepcopy(before)) == []
    assert changes([1], [1, 2]) == [Change("", [1], [1, 2])]


def test_the_engine_reads_every_setting_of_the_wire_with_the_same_defaults() -> None:
    assert method_from({}) == PLAIN
    wire = Wire.model_validate(
        {
            "body": "xml",
            "xml_root": "r",
            "mapping": [{"do": "set", "path": "a", "value": "{id}"}],
            "batch": {"size": 3},
            "lookup": {"path": "/x/{id}"},
            "receipt": {},
            "order": {"key": "k"},
            "circuit": {"least": 4},
            "operation": "upsert",
            "inputs": {"object": "Contact"},
        }
    )
    read = method_from(wire.model_dump(mode="json", exclude_defaults=True))
    assert read.body is BodyFormat.XML
    assert read.mapping == (_step("set", "a", value="{id}"),)
    for name in Wire.model_fields:
        _same(getattr(read, name), getattr(wire, name))
    for name in Wire.model_fields:
        _same(getattr(PLAIN, name), getattr(Wire(), name))


def _same(read: Any, wire: Any) -> None:
    if hasattr(type(wire), "model_fields") and not isinstance(wire, WireStep):
        for name in type(wire).model_fields:
            _same(getattr(read, name), getattr(wire, name))
    elif isinstance(wire, list):
        assert len(read) == len(wire)
        for one, other in zip(read, wire, strict=True):
            _same(one, other)
    elif isinstance(wire, WireStep):
        assert {name: getattr(read, name) for name in WireStep.model_fields} == wire.model_dump()
    else:
        assert read == wire
