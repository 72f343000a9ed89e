"""Why a task or proof sync is as it is, though its connection may be well, and what can be done with it now.

A heartbeat proves who the credentials belong to; whether they can still do one piece of work is told by that work.
Pure: rows in, sentences out.
"""

from __future__ import annotations

from healthdesk.api.common import Explanation
from healthdesk.domain.instance_states import InstanceKind, InstanceState, LinkState
from healthdesk.domain.instance_words import NOUNS
from healthdesk.domain.states import Blame, ConnectionState
from healthdesk.operations.explain import explain_connection, said_of, sentence
from healthdesk.store.rows import ConnectionRow
from healthdesk.store.rows_instances import InstanceRow, TaskRow

_FAILED = {
    InstanceState.CREATION_FAILED: "creation",
    InstanceState.SYNC_FAILED: "sync",
    InstanceState.FAILED: "collection",
}
_ABLE = {
    InstanceState.CREATION_FAILED: "that this issue can be created",
    InstanceState.SYNC_FAILED: "that this task can be synced",
    InstanceState.FAILED: "that this proof can be collected",
}
_OF_TASKS = ("unlink", "attach", "create_issue", "reconnect", "open")
_OF_PROOF = {
    "view": "a task has no proof",
    "change_connection": "a task works with its owner's connection: reconnect it where that was disconnected",
    "settings": "a task has none of its own: edit the task, or its integration",
    "delete": "remove the task itself",
}


def explain_instance(
    row: InstanceRow, app_name: str, connection: ConnectionRow | None, task: TaskRow | None = None
) -> Explanation | None:
    """Return why it is not well; None when it is. `connection` is None once it was disconnected."""
    link = task.link if task is not None else None
    if link is LinkState.UNLINKED:
        return Explanation(
            sentence="It was unlinked from its issue; both stay as they are and are not synced.",
            next_action="Attach an existing issue, or create a new one.",
            key=".",
        )
    if connection is None:
        return _disconnected(row, app_name)
    if row.blocked or (
        connection.state is ConnectionState.FAILING and row.state is not InstanceState.SUCCEEDED
    ):
        return _blocked(row, connection)
    if row.state in _FAILED:
        return _failed(row, app_name, connection, link)
    if link is LinkState.CREATING:
        return Explanation(
            sentence="The creation of its issue was begun and no answer came: it is looked for there before anything"
            " is created again.",
            next_action="It is looked for by itself; sync it to look now.",
            key="s",
        )
    return None


def _disconnected(row: InstanceRow, app_name: str) -> Explanation:
    if row.kind is InstanceKind.TASK:
        next_action = (
            f"Reconnect it: that repairs all tasks of {row.owner} in {app_name} that lost theirs, too."
        )
    else:
        next_action = "Change its connection to another one of the app."
    return Explanation(
        sentence=f"Its connection to {app_name} was disconnected, and its configuration with it.",
        blame=Blame.CONFIGURATION.value,
        next_action=next_action,
        key=".",
    )


def _blocked(row: InstanceRow, connection: ConnectionRow) -> Explanation:
    why = explain_connection(connection)
    told = why.sentence if why else f"{connection.name} fails."
    verb = "synced" if row.kind is InstanceKind.TASK else "collected"
    return Explanation(
        sentence=f"Blocked by its connection. {told} It is {verb} again by itself when that is repaired.",
        since=connection.state_since,
        blame=why.blame if why else "",
        next_action=why.next_action if why else "",
        key=why.key if why else "c",
    )


def _failed(
    row: InstanceRow, app_name: str, connection: ConnectionRow, link: LinkState | None
) -> Explanation:
    noun, what = NOUNS[row.kind], _FAILED[row.state]
    if connection.state is ConnectionState.CONNECTED:
        told = (
            f"{app_name} is connected, and yet this {noun}'s {what} failed: the heartbeat proves who you are, not"
            f" {_ABLE[row.state]}. {sentence(row.error)}"
        )
    else:
        told = f"This {noun}'s {what} failed. {sentence(row.error)}"
    next_action = row.next_action
    if link is LinkState.DELETED:
        next_action = "Attach another issue, or create a new one; nothing is created by itself."
    return Explanation(
        sentence=told.strip(),
        since=row.last_checked,
        blame=row.blame,
        next_action=next_action or "Mend the cause at the app, then sync it.",
        key="." if link is LinkState.DELETED else "s",
    )


def not_now(
    row: InstanceRow, task: TaskRow | None, connection: ConnectionRow | None, *, paused: bool = False
) -> dict[str, str]:
    """Return the actions that do not apply to it as it is now, each with the reason."""
    refused = _why_not_sync(row, task, connection, paused=paused)
    if row.kind is InstanceKind.PROOF or task is None:
        refused |= dict.fromkeys(_OF_TASKS, "a proof sync has no issue")
        refused["reconnect"] = "change its connection instead"
        return refused
    refused |= dict(_OF_PROOF)
    issue = task.external_key or task.external_url or "its issue"
    if task.link in (None, LinkState.UNLINKED):
        refused["unlink"] = "it is not linked with an issue"
    if task.link is LinkState.LINKED:
        refused["attach"] = f"it is linked with {issue}: unlink it first"
        refused["create_issue"] = f"it is linked with {issue}"
    elif task.link in (LinkState.WANTED, LinkState.CREATING):
        refused["create_issue"] = "its issue is still to be created: sync it"
    lost = _why_unreachable(connection, reconnect="reconnect it first")
    if lost:
        refused.setdefault("attach", lost)
        refused.setdefault("create_issue", lost)
    if connection is not None:
        refused["reconnect"] = f"it has its connection, {connection.name}"
    if not task.external_url:
        refused["open"] = "there is no issue to open"
    return refused


def _why_not_sync(
    row: InstanceRow, task: TaskRow | None, connection: ConnectionRow | None, *, paused: bool
) -> dict[str, str]:
    if task is not None and task.link is LinkState.UNLINKED:
        return {"sync": "it is unlinked: attach an existing issue, or create a new one"}
    how = "reconnect it first" if row.kind is InstanceKind.TASK else "change its connection first"
    if why := _why_unreachable(connection, reconnect=how):
        return {"sync": why}
    if paused:
        return {"sync": "its integration is paused: resume that first"}
    return {}


def _why_unreachable(connection: ConnectionRow | None, *, reconnect: str) -> str:
    """Return why nothing can be asked of the app now, or an empty string."""
    if connection is None:
        return f"its connection was disconnected: {reconnect}"
    if connection.state is ConnectionState.FAILING:
        why = connection.failure.sentence if connection.failure is not None else "its last check failed"
        return f"repair the connection {connection.name} first. {said_of(connection.name, why)}"
    return ""
