"""What can be done with a task of an integration, or with a proof sync, under its documented names."""

from __future__ import annotations

from typing import TYPE_CHECKING

from healthdesk.api.instances import Instance, Reconnect
from healthdesk.api.proof import ChangeConnection
from healthdesk.domain.instance_states import InstanceKind
from healthdesk.errors import HealthdeskError
from healthdesk.tui.flows.attaching import attach_issue
from healthdesk.tui.flows.own_connections import choose_own_connection
from healthdesk.tui.flows.proof_settings import change_settings
from healthdesk.tui.format import Span, Tone, dim, line
from healthdesk.tui.screens.dialog import Question
from healthdesk.tui.view.instance_words import noun, told

if TYPE_CHECKING:
    from healthdesk.tui.screens.base import DeskScreen


async def sync_now(screen: DeskScreen, instance: Instance) -> str:
    """Sync now: create, or compare both sides; of a proof sync, collect."""
    screen.desk.tell("Syncing…")
    return told(await screen.client.instance_sync(instance.id))


async def open_issue(screen: DeskScreen, instance: Instance) -> str:
    """Show the address of the issue, and send it to the clipboard."""
    if not instance.external_url:
        raise HealthdeskError(
            f"{instance.name} has no issue yet.", fix="Sync now creates it, or attach an existing issue."
        )
    screen.desk.copy(instance.external_url)
    return ""


async def unlink(screen: DeskScreen, instance: Instance) -> str:
    """Part a task from its issue; both stay as they are."""
    lines = [
        line(f"{instance.name} and {instance.external_key or 'its issue'} in {instance.app_name}"),
        (),
        line("The task and the issue both stay as they are, and are synced no more."),
        line(dim("Afterwards an existing issue can be attached, or a new one created.")),
    ]
    question = Question(
        f"Unlink {instance.name}", lines, (("unlink", "Unlink"),), ascii_only=screen.ascii_only
    )
    if await screen.ask(question) is None:
        return ""
    await screen.client.instance_unlink(instance.id)
    return f"{instance.name} is unlinked."


async def attach(screen: DeskScreen, instance: Instance) -> str:
    """Find an existing issue, review what it overwrites in the task, and attach it."""
    return await attach_issue(screen, instance.id, instance.name, instance.app_name)


async def create_issue(screen: DeskScreen, instance: Instance) -> str:
    """Create a new issue for a task that is unlinked, or whose issue was deleted."""
    was = f" The one it had, {instance.external_key}, is not touched." if instance.external_key else ""
    lines = [line(f"A new issue for {instance.name} is created in {instance.app_name}.{was}")]
    question = Question(
        "Create a new issue", lines, (("create", "Create a new issue"),), ascii_only=screen.ascii_only
    )
    if await screen.ask(question) is None:
        return ""
    screen.desk.tell("Creating…")
    return told(await screen.client.instance_create_issue(instance.id))


async def reconnect(screen: DeskScreen, instance: Instance) -> str:
    """Give a task whose connection was disconnected another one, and with it all others of the same user and app."""
    chosen = await choose_own_connection(
        screen, f"Reconnect {instance.name}", instance.app, instance.app_name, without=instance.connection_id
    )
    if chosen is None:
        return ""
    return (await screen.client.instance_reconnect(instance.id, Reconnect(connection_id=chosen.id))).sentence


async def view_proof(screen: DeskScreen, instance: Instance) -> str:
    """Open what was collected; for those who are no members of its label or control, where to ask."""
    from healthdesk.tui.screens.proof import ProofScreen

    await screen.app.push_screen(ProofScreen(instance.id, name=instance.name))
    return ""


async def change_connection(screen: DeskScreen, instance: Instance) -> str:
    """Let a proof sync collect with another connection of the same app."""
    chosen = await choose_own_connection(
        screen,
        f"Change connection · {instance.name}",
        instance.app,
        instance.app_name,
        without=instance.connection_id,
    )
    if chosen is None:
        return ""
    screen.desk.tell("Trying the connection…")
    proof = await screen.client.instance_change_connection(
        instance.id, ChangeConnection(connection_id=chosen.id)
    )
    return f"{proof.name} collects with {chosen.name} now."


async def delete(screen: DeskScreen, instance: Instance) -> str:
    """Delete a proof sync with everything it collected."""
    lines = [
        line(f"{instance.app_name} · {instance.name}"),
        (),
        line(Span("All it has collected is deleted with it and cannot be brought back.", Tone.BAD)),
    ]
    question = Question(
        f"Delete {noun(instance)} {instance.name}",
        lines,
        (("delete", "Delete"),),
        ascii_only=screen.ascii_only,
    )
    if await screen.ask(question) is None:
        return ""
    await screen.client.instance_delete(instance.id)
    return f"{instance.name} is deleted."


async def settings(screen: DeskScreen, instance: Instance) -> str:
    """Change what a proof sync collects, put to the app before it is saved."""
    if instance.kind is not InstanceKind.PROOF:
        raise HealthdeskError(f"{instance.name} is a task.", fix="Its settings are those of its integration.")
    return await change_settings(screen, instance.id)
