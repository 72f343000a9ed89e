"""The window of a label or control: its members, and the proof syncs filed under it."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import ClassVar

from textual.widget import Widget

from healthdesk.api.common import Page
from healthdesk.api.instances import Instance, InstanceFilter
from healthdesk.api.labels import Label
from healthdesk.tui.flows import instances, labels
from healthdesk.tui.flows.adding_proof import add_proof_sync
from healthdesk.tui.format import Line, key, line
from healthdesk.tui.listing import Listing
from healthdesk.tui.screens.window import WindowScreen
from healthdesk.tui.view.instances import PROOF_COLUMNS, instance_explain, proof_cells
from healthdesk.tui.view.labels import label_head, label_lines
from healthdesk.tui.widgets.lines import Explanation, Lines, Ruler
from healthdesk.tui.widgets.region import ListRegion
from healthdesk.tui.widgets.window_table import WindowTable
from healthdesk.tui.window import Direction

EMPTY = (line("  No proof is filed under it yet. ", key("P"), " adds a proof sync."),)


class LabelScreen(WindowScreen):
    """Opened from Labels and controls, and from the list of those who are no members."""

    CONTEXT = "label"
    NOUNS: ClassVar[frozenset[str]] = frozenset({"label", "instance"})
    detail: Label | None

    def body(self) -> Iterable[Widget]:
        """Members, then proof syncs."""
        table = WindowTable(
            PROOF_COLUMNS,
            lambda proof: proof_cells(proof, self.view()),
            lambda proof: str(proof.id),
            ascii_only=self.ascii_only,
            id="filed",
        )
        region = ListRegion(table, ascii_only=self.ascii_only, id="filed-region")
        self.filed = self.add_list(Listing(region, self.fetch, empty=EMPTY))
        yield Ruler(ascii_only=self.ascii_only)
        yield Lines(ascii_only=self.ascii_only, id="head", classes="head")
        yield Ruler(ascii_only=self.ascii_only)
        yield region
        yield Ruler(ascii_only=self.ascii_only)
        yield Explanation(ascii_only=self.ascii_only, id="explain", classes="explain")

    def crumbs(self) -> str:
        """Where you are."""
        return f"Labels › {self.item_name() or self.key}"

    async def read(self) -> Label:
        """Read the label."""
        return await self.client.label(self.key)

    async def fetch(self, after: str | None, limit: int, direction: Direction) -> Page[Instance]:  # noqa: ARG002 - one direction only
        """Read a page of the proof syncs filed under it."""
        return await self.client.instances_list(InstanceFilter(label_id=self.key), after=after, limit=limit)

    def head_lines(self) -> Iterable[Line]:
        """What it is, and its members."""
        you = self.desk.status.you.user if self.desk.status else ""
        return label_head(self.detail, you) if self.detail is not None else ()

    def cursor_moved(self, row: Instance | None) -> None:
        """Say how the proof sync under the cursor is."""
        told = instance_explain(row, self.view()) if row is not None else ()
        self.query_one("#explain", Explanation).explain(told)

    def item_name(self) -> str:
        """The label."""
        return self.detail.name if self.detail is not None else ""

    def row(self) -> Instance | None:
        """Return the proof sync under the cursor."""
        found: Instance | None = self.filed.table.current
        return found

    def ruled_out(self) -> Mapping[str, str]:
        """What the daemon refuses on the row."""
        row = self.row()
        return row.refused if row is not None else {}

    def refuses(self, action_id: str) -> str:
        """A proof sync is needed to view or sync one."""
        return (
            "there is no proof sync under the cursor"
            if action_id in ("view", "sync") and self.row() is None
            else ""
        )

    def do_view(self) -> None:
        """View what the proof sync under the cursor collected."""
        row = self.row()
        if row is not None:
            self.flow(instances.view_proof(self, row))

    def do_sync(self) -> None:
        """Collect it now."""
        row = self.row()
        if row is not None:
            self.flow(instances.sync_now(self, row))

    def do_new_proof(self) -> None:
        """Add a proof sync."""
        self.flow(add_proof_sync(self, self.key), asks=True)

    def do_edit(self) -> None:
        """Change it and its members."""
        self.flow(labels.edit_label(self, self.key), asks=True)

    def do_remove(self) -> None:
        """Remove it."""
        if self.detail is not None:
            self.flow(self._remove(self.detail), asks=True)

    async def _remove(self, label: Label) -> str:
        sentence = await labels.remove_label(self, label)
        if sentence:
            self.desk.tell(sentence)
            self.app.pop_screen()
        return ""

    def copy_lines(self) -> list[Line]:
        """Copy everything about it."""
        return label_lines(self.detail, self.view()) if self.detail is not None else []
