"""What the tests of the screen share."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from typing import Any

import pytest
from textual.css.model import RuleSet
from textual.css.stylesheet import Stylesheet


async def nothing_left_to_do(*_seconds: float) -> None:
    """Return once nothing is left that the event loop could run now: no message, no worker, no wake-up.

    Nothing here waits for a network or a disk, so what is not ready waits for the test or for a timer.
    """
    ready = asyncio.get_running_loop()._ready
    while ready:  # noqa: ASYNC110 - what is ready is anything, no event tells of it
        await asyncio.sleep(0)


@pytest.fixture(autouse=True)
def _idle_is_seen_not_waited_for(monkeypatch: pytest.MonkeyPatch) -> None:
    """Textual's own measure of idle is 20 ms of little CPU, once or twice a key: slow, and a guess on a busy machine."""
    for module in ("textual.app", "textual.pilot"):
        monkeypatch.setattr(f"{module}.wait_for_idle", nothing_left_to_do)


@pytest.fixture(autouse=True, scope="session")
def _style_sheets_are_parsed_once() -> Iterator[None]:
    """Each app keeps what it parsed; the next test's app finds it here. It was a sixth of the time of a test."""
    parse = Stylesheet._parse_rules
    parsed: dict[Any, list[RuleSet]] = {}

    def once(sheet: Stylesheet, css: str, *args: Any, **options: Any) -> list[RuleSet]:
        key = (css, args, *sorted(options.items()), *sorted(sheet._variables.items()))
        if key not in parsed:
            parsed[key] = parse(sheet, css, *args, **options)
        return parsed[key]

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(Stylesheet, "_parse_rules", once)
        yield
