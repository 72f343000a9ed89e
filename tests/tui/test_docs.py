"""docs/tui.md knows every action, key and area."""

from __future__ import annotations

from pathlib import Path

import pytest

from healthdesk.tui.actions import ACTIONS, AREAS, MOVES, TITLES, Action, key_name


@pytest.fixture(scope="module")
def text() -> str:
    return (Path(__file__).parents[2] / "docs" / "tui.md").read_text(encoding="utf-8")


@pytest.mark.parametrize("action", ACTIONS, ids=lambda action: f"{action.id}-{action.label}")
def test_every_action_is_documented_with_its_key(action: Action, text: str):
    lines = [line for line in text.splitlines() if f"`{key_name(action.key)}`" in line]
    assert any(action.label in line for line in lines), f"{action.label} ({key_name(action.key)})"


def test_every_area_is_documented(text: str):
    for number, (_, title) in enumerate(zip(AREAS, TITLES, strict=True), start=1):
        assert f"| `{number}` | {title} |" in text


def test_keys_that_work_everywhere_are_documented(text: str):
    for keys, _ in MOVES:
        for key in keys.replace(" – ", " ").split():
            assert f"`{key.replace('^', 'ctrl+')}`" in text, key
