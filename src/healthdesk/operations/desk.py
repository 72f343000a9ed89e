"""The desk as one operator may use it: who asks, what they may do, and the trace they leave."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Concatenate, ParamSpec, TypeVar

from healthdesk.domain.activity import Verb
from healthdesk.domain.roles import PERMISSIONS, allowed
from healthdesk.domain.states import Grant, Role
from healthdesk.engine.context import Context
from healthdesk.engine.engine import Engine
from healthdesk.errors import NotPermitted
from healthdesk.store import activity
from healthdesk.store.rows import ConnectionRow

P = ParamSpec("P")
T = TypeVar("T")

Conn = Any
"""The store's connection inside a transaction: handed from the store to its queries, never looked into."""


@dataclass(frozen=True, slots=True)
class Operator:
    """A person on the host, as the kernel named them."""

    user: str
    role: Role


@dataclass(frozen=True, slots=True)
class Desk:
    """What every action is given."""

    engine: Engine
    operator: Operator

    @property
    def ctx(self) -> Context:
        """Return what the engine was given."""
        return self.engine.ctx

    def now(self) -> datetime:
        """Return the time."""
        return self.ctx.clock.now()

    def require(self, action: str, grant: Grant | None = None) -> None:
        """Raise NotPermitted unless the operator's role (or grant on the connection) allows the action."""
        if allowed(self.operator.role, action, grant):
            return
        least = PERMISSIONS[action].value
        what = "members may read" if self.operator.role is Role.MEMBER else "managers may not change this"
        raise NotPermitted(
            f"{what}; {action} needs the role {least}",
            fix="Ask an administrator: " + ", ".join(self.administrators()),
        )

    def administrators(self) -> list[str]:
        """Return whom to ask."""
        return list(self.ctx.config.roles.administrators) or ["root"]

    def grant_on(self, row: ConnectionRow) -> Grant | None:
        """Return what the operator holds on a connection. Its owner manages its health."""
        if row.owner == self.operator.user:
            return Grant.MANAGER
        for member in row.members:
            if member.user == self.operator.user:
                return Grant(member.grant)
        return None

    def note(
        self,
        conn: Conn,
        verb: Verb,
        kind: str,
        object_id: str,
        name: str = "",
        detail: dict[str, Any] | None = None,
    ) -> None:
        """Write the activity entry, in the transaction of the change. `detail` holds no secret and no value."""
        now = self.now()
        activity.add(
            conn,
            activity_id=self.ctx.ids.new("act", now),
            at=now,
            user=self.operator.user,
            verb=verb.value,
            object_kind=kind,
            object_id=object_id,
            object_name=name,
            detail=detail or {},
        )

    async def read(self, query: Callable[Concatenate[Conn, P], T], *args: P.args, **kw: P.kwargs) -> T:
        """Run one query."""
        return await self.ctx.store.read(query, *args, **kw)

    async def write(self, change: Callable[[Conn], T], *changed: tuple[str, str]) -> T:
        """Run `change` in one transaction, then tell readers what `changed`: (noun, id) each, and activity."""
        result = await self.ctx.store.write(change)
        self.tell(*changed)
        return result

    def tell(self, *changed: tuple[str, str]) -> None:
        """Publish what changed, with the activity entry that goes with it."""
        for noun, object_id in changed:
            self.ctx.bus.publish(f"{noun}.changed", object_id)
        self.ctx.bus.publish("activity.changed")
