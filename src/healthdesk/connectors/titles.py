"""Titles of issues, of which apps keep no more than they have room for."""

from __future__ import annotations

from dataclasses import replace

from healthdesk.connectors.results import TasksAnswer

LEAST_KEPT = 100
"""Every app keeps at least so much of a title; a longer one may be cut."""


def searched(title: str) -> str:
    """Return what to search for: the words of a long title that every app has."""
    if len(title) <= LEAST_KEPT:
        return title
    beginning = title[:LEAST_KEPT]
    return beginning.rpartition(" ")[0] or beginning


def titled(answer: TasksAnswer, title: str) -> TasksAnswer:
    """Return of the issues that were found those of this title."""
    wanted = title.strip()
    return replace(answer, tasks=[each for each in answer.tasks if _is_called(each.title.strip(), wanted)])


def _is_called(kept: str, wanted: str) -> bool:
    """Tell whether an issue has the title that was wanted, or its beginning where the app cut it."""
    return kept == wanted or (len(kept) >= LEAST_KEPT and wanted.startswith(kept.rstrip("….")))
