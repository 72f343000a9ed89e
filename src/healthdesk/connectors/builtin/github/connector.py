"""GitHub: a text that is searched for may not hold signs of the search's own language, nor be longer than it takes."""

from __future__ import annotations

import re
from collections.abc import Mapping

from healthdesk.connectors.connector import Connector as Declared
from healthdesk.connectors.connector import TasksAnswer

# https://docs.github.com/en/rest/search/search#limitations-on-query-length counts 256 characters without qualifiers.
_MOST_TEXT = 200
_SIGNS = re.compile(r'[:"()]+|(?<!\S)-+|(?<!\S)(?:AND|OR|NOT)(?!\S)')


class Connector(Declared):
    """GitHub as its manifest says; `repo:other/secret` in a text does not lead to another repository."""

    async def search_tasks(self, container: Mapping[str, object], text: str) -> TasksAnswer:
        """Find issues of the repository by words of their title and body, as GitHub ranks them."""
        words = " ".join(_SIGNS.sub(" ", text).split())[:_MOST_TEXT]
        return await super().search_tasks(container, words)
