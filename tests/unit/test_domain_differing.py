"""How two documents differ, in clear and with values masked."""

import json

from healthdesk.api.delivery import MappingStep
from healthdesk.domain.differing import CHANGED, constants, difference, has, masked, pretty
from healthdesk.domain.moves import carried_out, moves
from healthdesk.domain.scrubbing import MASK
from healthdesk.domain.states import MappingVerb


def test_lines_that_differ_are_told_with_what_is_around_them():
    before, after = ({"a": 1, "b": number, "c": 3} for number in (1, 2))
    assert difference(pretty(before), pretty(after)) == [
        " {", '   "a": 1,', '-  "b": 1,', '+  "b": 2,', '   "c": 3', " }",
    ]  # fmt: skip
    assert difference(pretty(before), pretty(before)) == []


def test_what_was_renamed_is_told_as_moved_and_the_rest_as_changed():
    before = {
        "who": "Ada",
        "in": {"a": 1, "b": True},
        "rows": [{"x": "qq"}],
        "first": "Ax",
        "other": "Ax",
        "kept": 0,
    }
    after = {
        "rows": [{"y": "qq"}],
        "kept": 1,
        "name": {"given": "Ada"},
        "is_b": True,
        "second": "Ax",
        "third": "Ax",
    }
    given = {"in.b": "is_b", "other": "second"}
    moved = moves(before, after, renames=given)
    assert [(each.path, each.to) for each in moved] == [
        ("who", "name.given"), ("in.b", "is_b"), ("rows.0.x", "rows.0.y"), ("first", "third"), ("other", "second"),
    ]  # fmt: skip
    assert [line for line in difference(pretty(before), pretty(after), moved) if line[0] != " "] == [
        *(f"~ {each.path} → {each.to}" for each in moved),
        '-  "in": {', '-    "a": 1', "-  },", '-  "kept": 0', '+  "kept": 1',
    ]  # fmt: skip
    shown = masked(after, carried_out(moved, before))
    assert shown == {
        "rows": [{"y": MASK}], "kept": CHANGED, "name": {"given": MASK}, "is_b": MASK, "second": MASK, "third": MASK,
    }  # fmt: skip
    assert moves({"tier": "gold"}, {"x": "gold"}, but=["x"]) == [], "a constant that is guessed tells nothing"
    assert moves({"a": True}, {"b": True}) == [], "truths are alike by chance"


def test_documents_too_long_for_lines_are_compared_by_path():
    before = {str(number): number for number in range(3000)}
    told = difference(pretty(before), pretty(before | {"7": "seven"}))
    assert told == ["- 7: 7", '+ 7: "seven"']


def test_a_masked_document_says_what_changed_and_shows_constants_only():
    before = {"name": "Ada", "score": 71, "who": {"mail": "a@b.c"}, "none": None}
    after = {"name": "Ada", "score": "71", "who": {"mail": "x@y.z"}, "tier": "gold", "none": None}
    given = constants(
        [
            MappingStep(do=MappingVerb.SET, path="tier", value="gold"),
            MappingStep(do=MappingVerb.SET, path="who.mail", value="{data.name}"),
        ]
    )
    assert given == {"tier": "gold"}
    assert masked(after, before, given=given) == {
        "name": MASK,
        "score": CHANGED,
        "who": {"mail": CHANGED},
        "tier": "gold",
        "none": None,
    }


def test_no_value_of_a_record_passes_for_a_constant_elsewhere():
    shown = masked({"a": "gold", "tier": "silver"}, {}, given={"tier": "gold"})
    assert "gold" not in json.dumps(shown)
    assert "silver" not in json.dumps(shown)


def test_fields_declared_harmless_are_shown_at_the_top_alone():
    shown = masked({"score": 1, "in": {"score": 2}}, {"score": 1, "in": {"score": 2}}, clear={"score"})
    assert shown == {"score": 1, "in": {"score": MASK}}


def test_what_is_null_is_not_there():
    assert has({"a": {"b": 0}}, "a.b")
    assert not has({"a": {"b": None}}, "a.b")
    assert not has({}, "a")
