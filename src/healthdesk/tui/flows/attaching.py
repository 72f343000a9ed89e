"""Attaching an existing issue: find it, review what it overwrites in the task, confirm."""

from __future__ import annotations

from collections.abc import Mapping
from functools import partial
from typing import TYPE_CHECKING

from healthdesk.api.instances import Attach, FindIssue, FoundIssues, Issue, IssueRef
from healthdesk.errors import ApiRefused, HealthdeskError
from healthdesk.tui.flows.asking import ask_until_taken
from healthdesk.tui.format import dim, line
from healthdesk.tui.screens.chooser import Chooser
from healthdesk.tui.screens.fields import Field
from healthdesk.tui.screens.forms import Form
from healthdesk.tui.screens.review import Review
from healthdesk.tui.view.issues import ISSUE_COLUMNS, issue_option
from healthdesk.tui.view.words import plural

if TYPE_CHECKING:
    from healthdesk.tui.screens.base import DeskScreen

CONFLICT = 409


async def attach_issue(
    screen: DeskScreen,
    task_id: str,
    name: str,
    app_name: str,
    *,
    integration_id: str | None = None,
    connection_id: str | None = None,
) -> str:
    """Attach an issue to a task; `integration_id` and `connection_id` where it has none yet. esc goes back a step."""
    searched = ""
    while True:
        found = await _find(screen, task_id, name, app_name, searched, integration_id, connection_id)
        if found is None:
            return ""
        searched, issues = found
        chosen = ""
        while (issue := await _choose(screen, name, issues, chosen)) is not None:
            chosen = issue.id
            if issue.attached_to:
                screen.desk.tell(f"It is attached to {issue.attached_to} already.", ok=False)
                continue
            ref = IssueRef(
                id=issue.id,
                key=issue.key,
                container=issue.container,
                integration_id=integration_id,
                connection_id=connection_id,
            )
            attached = await _review(screen, task_id, name, ref)
            if attached:
                return attached


async def _find(
    screen: DeskScreen,
    task_id: str,
    name: str,
    app_name: str,
    before: str,
    integration_id: str | None,
    connection_id: str | None,
) -> tuple[str, FoundIssues] | None:
    async def send(values: Mapping[str, str]) -> tuple[str, FoundIssues]:
        asked = FindIssue(
            text=values["text"].strip(), integration_id=integration_id, connection_id=connection_id
        )
        found = await screen.client.instance_find(task_id, asked)
        if not found.issues:
            raise HealthdeskError(
                f"{app_name} has nothing like “{asked.text}” that this connection may see",
                fix="Try its key, its URL, or fewer words.",
            )
        return asked.text, found

    form = partial(
        Form,
        f"Attach an existing issue · {name}",
        [
            Field(
                "text", "Key, URL or words", before, "OPS-12, https://…, or words of its title", required=True
            )
        ],
        button="Find",
        doing=f"Asking {app_name}…",
        intro=[
            line(dim("The issue that you choose is shown beside the task before anything is overwritten."))
        ],
    )
    return await ask_until_taken(screen, form, send)


async def _choose(screen: DeskScreen, name: str, found: FoundIssues, chosen: str) -> Issue | None:
    more = " (there are more: narrow the words)" if found.cut else ""
    chooser = Chooser(
        f"Attach to {name} · {plural(len(found.issues), 'issue')}{more}",
        ISSUE_COLUMNS,
        [issue_option(issue) for issue in found.issues],
        chosen=chosen,
        leave="esc searches again",
        ascii_only=screen.ascii_only,
    )
    answer: str | None = await screen.ask(chooser)
    return next((issue for issue in found.issues if issue.id == answer), None)


async def _review(screen: DeskScreen, task_id: str, name: str, ref: IssueRef) -> str:
    """Show what is overwritten, and attach once it is confirmed; shown again where it changed meanwhile."""
    while True:
        review = await screen.client.instance_review(task_id, ref)
        if await screen.ask(Review(name, review, ascii_only=screen.ascii_only)) is None:
            return ""
        try:
            attached = await screen.client.instance_attach(
                task_id, Attach(**ref.model_dump(), reviewed=review.digest)
            )
        except ApiRefused as error:
            if error.status != CONFLICT:
                raise
            screen.desk.tell(f"{error.what} This is how it is now.", ok=False)
        else:
            key = review.issue.key or review.issue.title
            return f"{attached.name} is attached to {key}."
