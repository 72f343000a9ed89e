"""What a command that speaks to the daemon is given."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, TypeVar

from healthdesk.cli.ask import Asker
from healthdesk.cli.output import Output

if TYPE_CHECKING:
    from healthdesk.api.common import Page
    from healthdesk.client.client import Client
    from healthdesk.clock import Clock

T = TypeVar("T")
MOST_A_PAGE = 500


@dataclass(frozen=True, slots=True)
class Desk:
    """The client, where answers go, how questions are asked, and the clock."""

    client: Client
    out: Output
    ask: Asker
    clock: Clock

    async def collect(
        self, fetch: Callable[[str | None, int], Awaitable[Page[T]]], *, limit: int, after: str | None
    ) -> Page[T]:
        """Return up to `limit` rows from after a cursor, from as many pages as that takes."""
        page = await fetch(after, min(limit, MOST_A_PAGE))
        items = list(page.items)
        while page.next is not None and len(items) < limit:
            page = await fetch(page.next, min(limit - len(items), MOST_A_PAGE))
            items += page.items
        return page.model_copy(update={"items": items})

    async def find(
        self,
        text: str,
        prefix: str,
        what: str,
        fetch: Callable[[str | None, int], Awaitable[Page[Any]]],
    ) -> str:
        """Return the id that `text` is, or the id of the one thing with that name."""
        from healthdesk.errors import ClientError

        if text.startswith(prefix):
            return text
        page = await self.collect(fetch, limit=10_000, after=None)
        same = [item for item in page.items if item.name.casefold() == text.casefold()]
        listing = f"see `healthdesk {what}s list`"
        if not same:
            raise ClientError(f"there is no {what} named {text!r}", fix=listing)
        if len(same) > 1:
            ids = ", ".join(item.id for item in same)
            raise ClientError(f"{len(same)} {what}s are named {text!r}: {ids}", fix="give the id")
        found: str = same[0].id
        return found

    async def connection_id(self, text: str) -> str:
        """Return the id of a connection given by id or name."""
        return await self.find(
            text,
            "con_",
            "connection",
            lambda after, limit: self.client.connections_list(after=after, limit=limit),
        )

    async def integration_id(self, text: str) -> str:
        """Return the id of an integration given by id or name."""
        return await self.find(
            text,
            "int_",
            "integration",
            lambda after, limit: self.client.integrations_list(after=after, limit=limit),
        )

    async def integration_names(self, ids: list[str]) -> list[str]:
        """Return what integrations are called; the id of one that is gone or cannot be asked for now."""
        from healthdesk.errors import ClientError

        if not ids:
            return []
        try:
            page = await self.collect(
                lambda after, limit: self.client.integrations_list(after=after, limit=limit),
                limit=10_000,
                after=None,
            )
        except ClientError:  # what the command is about is there: ids tell it too
            return ids
        names = {each.id: each.name for each in page.items}
        return [names.get(each, each) for each in ids]

    async def template_id(self, text: str) -> str:
        """Return the id of a template given by id or name."""
        return await self.find(
            text,
            "tpl_",
            "template",
            lambda after, limit: self.client.templates_list(after=after, limit=limit),
        )

    async def label_id(self, text: str) -> str:
        """Return the id of a label or control given by id or name."""
        return await self.find(
            text, "lbl_", "label", lambda after, limit: self.client.labels_list(after=after, limit=limit)
        )

    async def task_id(self, text: str) -> str:
        """Return the id of a task given by id or name."""
        named = text.strip()[:200] or None
        return await self.find(
            text,
            "tsk_",
            "task",
            lambda after, limit: self.client.tasks_list(text=named, after=after, limit=limit),
        )

    async def instance_id(self, text: str) -> str:
        """Return the id of a task or proof sync given by id or name."""
        from healthdesk.api.instances import InstanceFilter

        if text.startswith(("tsk_", "prf_")):
            return text
        named = InstanceFilter(text=text.strip()[:200] or None)
        return await self.find(
            text,
            "tsk_",
            "instance",
            lambda after, limit: self.client.instances_list(named, after=after, limit=limit),
        )

    async def channel_id(self, text: str) -> str:
        """Return the id of a channel given by id or name."""
        return await self.find(
            text, "chn_", "channel", lambda after, limit: self.client.channels_list(after=after, limit=limit)
        )

    async def rule_id(self, text: str) -> str:
        """Return the id of a rule given by id or name."""
        return await self.find(
            text, "rul_", "rule", lambda after, limit: self.client.rules_list(after=after, limit=limit)
        )
