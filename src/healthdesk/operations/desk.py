"""The desk as one operator may use it: who asks, what they may do, and the trace they leave."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Concatenate, ParamSpec, TypeVar

from healthdesk.domain.activity import Verb
from healthdesk.domain.roles import STANDINGS, Standing, why_not
from healthdesk.domain.states import Role
from healthdesk.engine.context import Context
from healthdesk.engine.engine import Engine
from healthdesk.errors import NotPermitted
from healthdesk.store import activity
from healthdesk.store.rows import ConnectionRow
from healthdesk.store.rows_instances import InstanceRow, TaskRow

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
class Held:
    """What the operator holds on the thing at hand, and whose that is: whom to ask for what they may not do."""

    standing: Standing
    owner: str = ""


NOTHING = Held(Standing.NOTHING)


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

    def require(self, action: str, held: Held | Standing = NOTHING) -> None:
        """Raise NotPermitted unless the operator's role, with what they hold on the thing at hand, allows the action."""
        refused = self.refusal(action, held)
        if refused is not None:
            raise refused

    def refusal(self, action: str, held: Held | Standing = NOTHING) -> NotPermitted | None:
        """Return why the operator may not do something, and whom to ask; None where they may."""
        on = held if isinstance(held, Held) else Held(held)
        what = why_not(self.operator.role, action, on.standing)
        if not what:
            return None
        fix = "" if self.operator.role is Role.ADMINISTRATOR else self.whom_to_ask(on.owner)
        return NotPermitted(what, fix=fix)

    def whom_to_ask(self, owner: str = "") -> str:
        """Return whom to ask for what one may not do: the owner of the thing at hand, and administrators."""
        others = [each for each in self.administrators() if each != owner]
        if not owner or owner == self.operator.user:
            return f"Ask an administrator: {', '.join(others)}"
        return f"Ask {owner}, or an administrator: {', '.join(others)}" if others else f"Ask {owner}"

    def administrators(self) -> list[str]:
        """Return whom to ask."""
        return list(self.ctx.config.roles.administrators) or ["root"]

    def standing_on(self, row: ConnectionRow) -> Held:
        """Return what the operator holds on a connection."""
        if row.owner == self.operator.user:
            return Held(Standing.OWNER, row.owner)
        grants = [Standing(each.grant) for each in row.members if each.user == self.operator.user]
        return Held(grants[0] if grants else Standing.NOTHING, row.owner)

    def standing_of(self, row: InstanceRow, connection: ConnectionRow | None) -> Held:
        """Return what the operator holds on a task or proof sync that works with `connection`, None where that is gone."""
        if row.owner == self.operator.user:
            return Held(Standing.OWNER, row.owner)
        held = self.standing_on(connection).standing if connection is not None else Standing.NOTHING
        return Held(min(held, Standing.MANAGER, key=STANDINGS.index), row.owner)

    def standing_in(self, row: TaskRow) -> Held:
        """Return what the operator holds on a task of the desk: it is theirs who made it, and of whom it is assigned to."""
        if row.created_by == self.operator.user:
            return Held(Standing.OWNER, row.created_by)
        mine = row.assignee == self.operator.user
        return Held(Standing.MANAGER if mine else Standing.NOTHING, row.created_by)

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
