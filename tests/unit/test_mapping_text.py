"""A mapping as text: what is typed becomes steps, and steps become what was typed."""

from __future__ import annotations

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from healthdesk.api.delivery import MappingStep
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


@pytest.mark.parametrize(
    ("typed", "path", "to"),
    [
        ('rename "full name" -> name', "full name", "name"),
        ('rename a -> "who.full name"', "a", "who.full name"),
        ("rename a→b", "a", "b"),
        ("rename a-b->c", "a-b", "c"),
        (r'rename "a \"b\" = c" -> d', 'a "b" = c', "d"),
    ],
)
def test_a_path_may_stand_in_quotes(typed: str, path: str, to: str):
    [step] = steps_of(typed)
    assert (step.path, step.to) == (path, to)


def test_the_first_equals_sign_ends_a_path():
    [step] = steps_of("set region=north=east")
    assert (step.path, step.value) == ("region", "north=east")


PATHS = (st.text(min_size=1, max_size=20) | st.text(' "=->→\\.a\n\u2028', min_size=1, max_size=8)).filter(
    str.strip
)
VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=5,
)
STEPS = st.one_of(
    st.builds(
        MappingStep, do=st.sampled_from([MappingVerb.SET, MappingVerb.DEFAULT]), path=PATHS, value=VALUES
    ),
    st.builds(MappingStep, do=st.just(MappingVerb.RENAME), path=PATHS, to=PATHS),
    st.builds(MappingStep, do=st.just(MappingVerb.FORMAT), path=PATHS, how=PATHS),
    st.builds(MappingStep, do=st.just(MappingVerb.REMOVE), path=PATHS),
)


@given(st.lists(STEPS, max_size=4))
@example([MappingStep(do=MappingVerb.RENAME, path="bad name", to="bn")])
@example([MappingStep(do=MappingVerb.FORMAT, path="tags", how="join:, ")])
@example([MappingStep(do=MappingVerb.SET, path="a=b", value="line\u2028line")])
@example([MappingStep(do=MappingVerb.RENAME, path="a->b", to="c")])
def test_steps_become_text_and_the_text_the_same_steps(steps: list[MappingStep]):
    assert steps_of(text_of(steps)) == steps


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
        (r'remove "a\x"', 'line 1: what stands in quotes is JSON, as "full name"'),
    ],
)
def test_a_line_that_is_no_step_is_named(typed: str, told: str):
    with pytest.raises(ValueError, match="line") as refused:
        steps_of(typed)
    assert told in str(refused.value)
