"""Issues at an app, found for a task by what people have of them: a key, a URL, or words of the title."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict
from urllib.parse import urlsplit

from healthdesk.api.instances import Issue
from healthdesk.connectors.app import App
from healthdesk.connectors.connector import Connector, ExternalTask
from healthdesk.domain.states import ErrorKind
from healthdesk.errors import Malformed
from healthdesk.operations.asking import refusal

_ANY_HOST = "host.invalid"
_NOT_THERE = frozenset({ErrorKind.NOT_FOUND, ErrorKind.GONE})

Found = tuple[ExternalTask, dict[str, str]]
"""An issue and the container it lives in."""


async def find_issues(
    connector: Connector, app: App, container: Mapping[str, str], text: str
) -> tuple[list[Found], bool]:
    """Return the issues that a text means, and whether there are more.

    A URL or key names one. What only looks like a key is looked for in titles too. TrialRefused and TrialImpossible tell
    what the app said.
    """
    pasted = text.strip()
    is_url = pasted.lower().startswith(("http://", "https://"))
    told = connector.find_reference(pasted)
    if told is not None:
        where = {**container, **{name: value for name, value in told.items() if name not in ("id", "key")}}
        answer = await connector.get_task(where, told.get("id", ""), told.get("key", ""))
        if answer.task is not None:
            if is_url and not _of_this_site(connector, pasted, answer.task):
                raise Malformed(
                    f"that address is of another site than {urlsplit(answer.task.url).netloc}",
                    field="text",
                    fix="give the address of an issue that this connection sees",
                )
            return [(answer.task, where)], False
        if is_url and answer.failure is not None:
            if answer.failure.kind in _NOT_THERE:
                return [], False
            raise refusal(app, answer.failure, field="text", saving=False)
    elif is_url:
        raise Malformed(
            f"that is no address of a {_noun(connector)} of {app.name}",
            field="text",
            fix="copy it from the browser's address bar, or give the key or words of the title",
        )
    return await _searched(connector, app, container, pasted)


async def _searched(
    connector: Connector, app: App, container: Mapping[str, str], text: str
) -> tuple[list[Found], bool]:
    tasks = connector.manifest.tasks
    if tasks is None or tasks.search is None:
        raise Malformed(
            f"{app.name} cannot be searched",
            field="text",
            fix=f"give the key or the address of the {_noun(connector)}",
        )
    answer = await connector.search_tasks(container, text)
    if answer.failure is not None:
        raise refusal(app, answer.failure, field="text", saving=False)
    return [(each, dict(container)) for each in answer.tasks], answer.cut


def _of_this_site(connector: Connector, pasted: str, issue: ExternalTask) -> bool:
    """Tell whether a pasted address leads to the site of the issue that was read.

    An app that is everywhere at one address says so in its expression; of those that people host themselves any host
    fits that, and an issue of the same number at another host is another one.
    """
    host = urlsplit(pasted).netloc
    fits_any = connector.find_reference(pasted.replace(host, _ANY_HOST, 1)) is not None
    theirs = urlsplit(issue.url).netloc
    return not fits_any or not theirs or host.casefold() == theirs.casefold()


def _noun(connector: Connector) -> str:
    tasks = connector.manifest.tasks
    return tasks.noun if tasks is not None else "issue"


def issue_view(issue: ExternalTask, container: Mapping[str, str], attached_to: str = "") -> Issue:
    """Return an issue as operators see it."""
    return Issue(**asdict(issue), container=dict(container), attached_to=attached_to)
