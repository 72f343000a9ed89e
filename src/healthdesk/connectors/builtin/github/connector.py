"""GitHub: keys that name the repository too, and texts to search for without signs of the search's own language."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import replace

from healthdesk.connectors.connector import Connector as Declared
from healthdesk.connectors.connector import ExternalTask, TasksAnswer
from healthdesk.connectors.spec import TaskResult

# https://docs.github.com/en/rest/search/search#limitations-on-query-length counts 256 characters without qualifiers.
_MOST_TEXT = 200
_SIGNS = re.compile(r'[:"()]+|(?<!\S)-+|(?<!\S)(?:AND|OR|NOT)(?!\S)')
_REPOSITORY = re.compile(r"https?://[^/]+/([^/]+/[^/]+)/issues/[0-9]+")


class Connector(Declared):
    """GitHub as its manifest says; `repo:other/secret` in a text does not lead to another repository."""

    async def search_tasks(self, container: Mapping[str, object], text: str) -> TasksAnswer:
        """Find issues of the repository by words of their title and body, as GitHub ranks them."""
        words = " ".join(_SIGNS.sub(" ", text).split())[:_MOST_TEXT]
        return await super().search_tasks(container, words)

    def _read(self, result: TaskResult, item: object, values: Mapping[str, object]) -> ExternalTask | None:
        """Return the issue with the key that GitHub links from anywhere: owner/repository#12. A number alone is in each."""
        task = super()._read(result, item, values)
        place = _REPOSITORY.fullmatch(task.url) if task is not None else None
        return task if task is None or place is None else replace(task, key=f"{place[1]}#{task.id}")
