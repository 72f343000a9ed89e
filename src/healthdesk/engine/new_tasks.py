"""New tasks and the issues they get: under whose connection, and due at once. By hand, or from a template."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from healthdesk.domain.instance_states import InstanceKind, LinkState, WorkStatus
from healthdesk.domain.states import IntegrationKind
from healthdesk.engine.context import Context
from healthdesk.engine.sites import same_site, site_of
from healthdesk.errors import Malformed, NotFound
from healthdesk.store import connections, instances, integrations, tasks, usable
from healthdesk.store.rows import ConnectionRow, IntegrationRow

Conn = Any
"""The store's connection inside a transaction, handed to queries and never looked into."""


@dataclass(frozen=True, slots=True)
class Link:
    """What a task is linked through: an integration, the connection it works with, and who configured it."""

    integration: IntegrationRow
    connection_id: str
    owner: str


@dataclass(frozen=True, slots=True)
class NewTask:
    """What a new task says; with a `link` it gets an issue. `fields` are further ones of its creation."""

    name: str
    by: str
    description: str = ""
    status: WorkStatus = WorkStatus.NOT_STARTED
    due: str = ""
    assignee: str = ""
    template_id: str | None = None
    fields: Mapping[str, Any] = field(default_factory=dict)
    link: Link | None = None


def insert(conn: Conn, ctx: Context, new: NewTask, now: datetime) -> str:
    """Store a task, and what syncs it, due at once; return its id."""
    task_id = ctx.ids.new("tsk", now)
    tasks.insert(
        conn,
        id=task_id,
        name=new.name,
        description=new.description,
        status=new.status,
        due=new.due,
        assignee=new.assignee,
        template_id=new.template_id,
        link=LinkState.WANTED if new.link else None,
        container=new.link.integration.settings.get("container") if new.link else None,
        fields=new.fields,
        now=now,
        by=new.by,
    )
    if new.link is not None:
        link(conn, task_id, new.name, new.template_id, new.link, by=new.by, now=now)
    return task_id


def link(
    conn: Conn, task_id: str, name: str, template_id: str | None, through: Link, *, by: str, now: datetime
) -> None:
    """Store what syncs a task, due at once."""
    instances.insert(
        conn,
        id=task_id,
        kind=InstanceKind.TASK,
        integration_id=through.integration.id,
        connection_id=through.connection_id,
        app=through.integration.app,
        owner=through.owner,
        name=name,
        template_id=template_id,
        every_s=float(through.integration.settings["every_s"]),
        next_at=now,
        now=now,
        by=by,
    )
    usable.used(conn, through.connection_id, now)


def link_of(
    conn: Conn,
    ctx: Context,
    integration_id: str,
    user: str,
    wanted: str | None = None,
    may_use: Callable[[ConnectionRow], bool] | None = None,
) -> Link:
    """Return what a task of `user` is linked through. Malformed says what to do where there is no one connection for it.

    Without `wanted` it is the only one of the app, at the site of the admin connection, that the user owns or holds a
    grant on. `may_use` decides of another one that is named.
    """
    try:
        integration = integrations.get(conn, integration_id)
    except NotFound:
        raise Malformed(
            "no such integration", field="integration_id", fix="`healthdesk integrations list` names them"
        ) from None
    if integration.kind is not IntegrationKind.TASKS:
        raise Malformed(
            f"{integration.name} is of kind {integration.kind.value}",
            field="integration_id",
            fix="name one of kind tasks",
        )
    own = usable.usable_by(conn, integration.app, user)
    admin = _admin(conn, integration)
    if wanted is not None:
        chosen = _named(conn, integration, wanted, own, may_use)
        if admin is not None and not same_site(ctx.apps, admin, chosen):
            raise Malformed(
                f"{chosen.name} is at {site_of(ctx.apps, chosen)},"
                f" and {integration.name} at {site_of(ctx.apps, admin)}",
                field="connection_id",
                fix="name one of the same site",
            )
        return Link(integration, chosen.id, user)
    here = [each for each in own if admin is None or same_site(ctx.apps, admin, each)]
    if len(here) == 1:
        return Link(integration, here[0].id, user)
    app = ctx.apps.get(integration.app).name
    if here:
        names = ", ".join(f"{each.name} ({each.id})" for each in here[:10])
        raise Malformed(
            f"{user} has {len(here)} connections to {app}: {names}",
            field="connection_id",
            fix="name one: `--connection`, or `connection_id`",
        )
    where = f" at {site_of(ctx.apps, admin)}" if admin is not None and own else ""
    raise Malformed(
        f"{user} has no connection to {app}{where}; issues are created with one's own credentials",
        field="connection_id",
        fix=f"add one: `healthdesk connections add --app {integration.app}`",
    )


def _admin(conn: Conn, integration: IntegrationRow) -> ConnectionRow | None:
    if integration.connection_id is None:
        return None
    try:
        return connections.get(conn, integration.connection_id)
    except NotFound:
        return None


def _named(
    conn: Conn,
    integration: IntegrationRow,
    wanted: str,
    own: list[ConnectionRow],
    may_use: Callable[[ConnectionRow], bool] | None,
) -> ConnectionRow:
    """Return the connection that was named, or raise Malformed where it cannot be used for this."""
    chosen = next((each for each in own if each.id == wanted), None)
    if chosen is None:
        try:
            chosen = connections.get(conn, wanted)
        except NotFound:
            raise Malformed(
                "no such connection", field="connection_id", fix="`healthdesk connections list` names them"
            ) from None
        if chosen.app == integration.app and not (may_use is not None and may_use(chosen)):
            raise Malformed(
                f"{chosen.name} is {chosen.owner}'s, and cannot be used",
                field="connection_id",
                fix=f"ask {chosen.owner} for a grant on it, or add one:"
                f" `healthdesk connections add --app {integration.app}`",
            )
    if chosen.app != integration.app:
        raise Malformed(
            f"{chosen.name} is a connection to {chosen.app}",
            field="connection_id",
            fix=f"{integration.name} needs one to {integration.app}",
        )
    return chosen
