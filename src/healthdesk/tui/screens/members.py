"""The members of a connection: who may use it, and who manages its health."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any, ClassVar

from textual.widget import Widget

from healthdesk.api.common import Page
from healthdesk.api.connections import Connection, Member
from healthdesk.tui.flows.owning import GRANT_MEANS, add_member, change_member, remove_member
from healthdesk.tui.format import Line, Span, Tone, dim, key, line
from healthdesk.tui.listing import Listing
from healthdesk.tui.screens.window import WindowScreen
from healthdesk.tui.view.words import connection_label
from healthdesk.tui.widgets.columns import Column
from healthdesk.tui.widgets.lines import Explanation, Lines, Ruler
from healthdesk.tui.widgets.region import ListRegion
from healthdesk.tui.widgets.window_table import WindowTable
from healthdesk.tui.window import Direction

COLUMNS = [Column("Member", 20, flex=1), Column("May", 10), Column("", 20, flex=4)]
NOBODY = (line("  Nobody holds anything on it."),)
OWNER = "owner"
MEANS = {
    **GRANT_MEANS,
    OWNER: "It is theirs: their credentials, and all that a manager may do.",
}


class MembersScreen(WindowScreen):
    """Opened from the window of a connection."""

    CONTEXT = "members"
    NOUNS: ClassVar[frozenset[str]] = frozenset({"connection"})
    detail: Connection | None

    def body(self) -> Iterable[Widget]:
        """Whose connection it is, its members, what the one under the cursor may do."""
        yield Ruler(ascii_only=self.ascii_only)
        yield Lines(ascii_only=self.ascii_only, id="head", classes="head")
        yield Ruler(ascii_only=self.ascii_only)
        table = WindowTable(
            COLUMNS, member_cells, lambda member: str(member.user), ascii_only=self.ascii_only, id="members"
        )
        region = ListRegion(table, ascii_only=self.ascii_only, id="members-region")
        self.members = self.add_list(Listing(region, self.fetch, empty=NOBODY))
        yield region
        yield Ruler(ascii_only=self.ascii_only)
        yield Explanation(ascii_only=self.ascii_only, id="explain", classes="explain")

    def crumbs(self) -> str:
        """Where you are."""
        return f"Connections › {self.detail.name if self.detail else self.key} › Members"

    async def read(self) -> Connection:
        """Read the connection."""
        return await self.client.connection(self.key)

    async def fetch(self, after: str | None, limit: int, direction: Direction) -> Page[Member]:  # noqa: ARG002 - one page
        """Read who holds what, the owner first; there are few enough to come whole."""
        return Page[Member](items=await self.client.connection_members(self.key))

    def head_lines(self) -> Iterable[Line]:
        """What it is, and what adds somebody."""
        if self.detail is None:
            return ()
        own = connection_label(self.detail.app_name, self.detail.name, self.detail.account)
        label = f"{self.detail.app_name} · {own}" if own else self.detail.app_name
        return (line(label), line(key("n"), dim(" adds a user or a manager")))

    def item(self) -> Member | None:
        """Actions are for the member under the cursor."""
        found: Member | None = self.members.table.current
        return found

    def item_name(self) -> str:
        """The member."""
        member = self.item()
        return member.user if member is not None else ""

    def ruled_out(self) -> Mapping[str, str]:
        """What the daemon refuses on the connection."""
        return self.detail.refused if self.detail is not None else {}

    def refuses(self, action_id: str) -> str:
        """The owner stays what they are."""
        member = self.item()
        if action_id in ("edit", "remove") and member is not None and member.grant == OWNER:
            return f"{member.user} owns it; Make me owner changes that"
        return ""

    def cursor_moved(self, row: Any) -> None:
        """Say what the member may do, and what keeps them from it."""
        told = [line(MEANS.get(row.grant, "")), line(Span(row.hint, Tone.WARN))] if row is not None else []
        self.query_one("#explain", Explanation).explain(told)

    def do_new(self) -> None:
        """Add one."""
        if self.detail is not None:
            self.flow(add_member(self, self.detail), asks=True)

    def do_edit(self) -> None:
        """Change what one may do."""
        member = self.item()
        if self.detail is not None and member is not None:
            self.flow(change_member(self, self.detail, member), asks=True)

    def do_remove(self) -> None:
        """Take the grant of one away."""
        member = self.item()
        if self.detail is not None and member is not None:
            self.flow(remove_member(self, self.detail, member), asks=True)

    def copy_lines(self) -> list[Line]:
        """Copy owner and members."""
        if self.detail is None:
            return []
        return [
            *self.head_lines(),
            line(f"{self.detail.owner} {OWNER}"),
            *(line(f"{each.user} {each.grant}") for each in self.detail.members),
        ]


def member_cells(member: Member) -> list[Span]:
    """Return the cells of a member."""
    return [Span(member.user), Span(member.grant), dim(MEANS.get(member.grant, ""))]
