"""monday.com: labels out of a column's settings."""

from __future__ import annotations

import json

import pytest

from healthdesk.connectors.builtin.monday.connector import read_labels
from healthdesk.connectors.connector import TaskStatus


def test_labels_are_statuses_and_some_mean_done() -> None:
    settings = {"labels": {"0": "Working on it", "1": "Done", "5": "", "7": "Done"}, "done_colors": [1]}
    assert read_labels(json.dumps(settings)) == [
        TaskStatus("Working on it", "Working on it"),
        TaskStatus("Done", "Done", done=True),
    ]


@pytest.mark.parametrize(
    "settings",
    [
        None,
        7,
        "",
        "{",
        "[]",
        "null",
        '{"labels": 1}',
        '{"labels": ["a"]}',
        '{"labels": {"1": {}}}',
        "[" * 100_000,
    ],
)
def test_settings_that_are_none_have_no_labels(settings: object) -> None:
    assert read_labels(settings) == []


def test_what_means_done_may_be_anything() -> None:
    assert read_labels('{"labels": {"x": "a", "99999999999": "b"}, "done_colors": "1"}') == [
        TaskStatus("a", "a"),
        TaskStatus("b", "b"),
    ]
