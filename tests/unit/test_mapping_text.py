"""A mapping as text: what is typed becomes steps, and steps become what was typed."""

from __future__ import annotations

import pytest

from healthdesk.client.mapping_text import steps_of, text_of
from healthdesk.domain.states import MappingVerb

TYPED = """set tier = "gold"
default answers.0.score = 0
rename score -> result.score
format born as date:%d.%m.%Y
remove notes"""


def test_text_becomes_steps_and_steps_the_same_text():
    steps = steps_of(TYPED)
    assert [step.do for step in steps] == [
        MappingVerb.SET,
        MappingVerb.DEFAULT,
        MappingVerb.RENAME,
        MappingVerb.FORMAT,
        MappingVerb.REMOVE,
    ]
    assert (steps[0].path, steps[0].value) == ("tier", "gold")
    assert steps[1].value == 0
    assert (steps[2].path, steps[2].to) == ("score", "result.score")
    assert steps[3].how == "date:%d.%m.%Y"
    assert text_of(steps) == TYPED


def test_a_value_that_is_no_json_is_a_text():
    [step] = steps_of("set region = north = east")
    assert (step.path, step.value) == ("region", "north = east")


@pytest.mark.parametrize(
    ("typed", "told"),
    [
        ("set a = 1\nmove a b", "line 2: a step begins with set, default, rename, format, remove"),
        ("rename a b", "line 1: is written like `rename score -> result.score`"),
        ("set tier", "line 1: is written like"),
        ("remove a b", "line 1: is written like"),
    ],
)
def test_a_line_that_is_no_step_is_named(typed: str, told: str):
    with pytest.raises(ValueError, match="line") as refused:
        steps_of(typed)
    assert told in str(refused.value)
