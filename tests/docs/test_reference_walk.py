"""The walk through the documents: every row names tests that are there, and the keys and commands that it says."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from healthdesk.cli.parser import build
from healthdesk.tui.actions import ACTIONS, key_name

WALKS = ("test_walk_tasks.py", "test_walk_proof.py", "test_walk_delivery.py", "test_tui_before_launch.py")
_ROW = re.compile(
    r"^\| (?P<what>[^|]+) \| (?P<screen>[^|]+) \| (?P<command>[^|]+) \| (?P<tests>[^|]+) \|$", re.MULTILINE
)


@pytest.fixture(scope="module")
def rows(repository: Path) -> list[dict[str, str]]:
    page = (repository / "docs/reference-walk.md").read_text()
    found = [match.groupdict() for match in _ROW.finditer(page)]
    return [
        each for each in found if each["what"] != "in the document" and not each["what"].startswith("---")
    ]


@pytest.fixture(scope="module")
def walked(repository: Path) -> set[str]:
    return {
        name
        for each in WALKS
        for name in re.findall(
            r"^async def (test_\w+)", (repository / "tests/acceptance" / each).read_text(), re.MULTILINE
        )
    }


def test_every_row_is_walked_by_a_test_and_every_test_is_on_the_page(rows, walked) -> None:
    named = {name for row in rows for name in re.findall(r"`(test_\w+)`", row["tests"])}
    assert len(rows) > 50
    assert all(re.search(r"`test_\w+`", row["tests"]) for row in rows)
    assert named == walked


def test_the_keys_it_names_are_bound(rows) -> None:
    bound = {key_name(action.key) for action in ACTIONS} | {"1", "tab"}
    keys = [key for row in rows for key in re.findall(r"`([^`]{1,5})`", row["screen"]) if " " not in key]
    assert keys
    assert set(keys) <= bound


def test_the_commands_it_names_exist(rows) -> None:
    parser = build("0")
    for row in rows:
        for line in re.findall(r"`healthdesk ([^`]+)`", row["command"]):
            options = [word for word in line.split() if word.startswith("-") or word == "proof"]
            with pytest.raises(SystemExit) as left:
                parser.parse_args([*line.split()[:2], *options, "--help"])
            assert left.value.code == 0, line
