"""Labels and controls, under which proof is filed."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, ClassVar

from healthdesk.api.common import Page
from healthdesk.api.labels import Label
from healthdesk.domain.instance_states import LabelKind
from healthdesk.tui.flows import labels
from healthdesk.tui.flows.adding_proof import add_proof_sync
from healthdesk.tui.format import Line, key, line
from healthdesk.tui.screens.findable import FindableScreen
from healthdesk.tui.screens.label import LabelScreen
from healthdesk.tui.view.labels import KINDS, LABEL_COLUMNS, label_cells, label_explain, label_lines
from healthdesk.tui.widgets.filter_bar import ANY, Chip
from healthdesk.tui.widgets.window_table import WindowTable


class LabelsScreen(FindableScreen):
    """Opened from Connections, and from the palette."""

    CONTEXT = "labels"
    TITLE = "Labels and controls"
    NOUNS: ClassVar[frozenset[str]] = frozenset({"label", "instance"})
    noun = "labels"
    EMPTY = (line("  No label or control yet. ", key("n"), " adds one: proof is filed under it."),)

    def narrowing(self) -> list[Chip]:
        """Which kind."""
        return [Chip("kind", "Show", ((ANY, "labels and controls"), *KINDS))]

    def make_table(self) -> WindowTable:
        """Labels with their members."""
        return WindowTable(
            LABEL_COLUMNS, label_cells, lambda label: str(label.id), ascii_only=self.ascii_only, id="labels"
        )

    async def fetch(self, after: str | None, limit: int, direction: Any) -> Page[Label]:  # noqa: ARG002 - one direction only
        """Read a page of labels and controls."""
        kind = self.values.get("kind", ANY)

        async def read(*, after: str | None, limit: int) -> Page[Label]:
            return await self.client.labels_list(
                kind=LabelKind(kind) if kind else None, after=after, limit=limit
            )

        return await self.fetch_named(read, after, limit)

    def explain(self, row: Label) -> Iterable[Line]:
        """What it is, and what members see."""
        return label_explain(row)

    def preview(self, row: Label) -> Iterable[Line]:
        """Everything about it."""
        return label_lines(row, self.view())

    def do_open(self) -> None:
        """Open it with its proof syncs."""
        self.app.push_screen(LabelScreen(self.item().id))

    def do_new(self) -> None:
        """Add one."""
        self.flow(labels.add_label(self, "labels-region"), asks=True)

    def do_new_proof(self) -> None:
        """Add a proof sync that is filed under it."""
        row: Label | None = self.item()
        self.flow(add_proof_sync(self, row.id if row is not None else ""), asks=True)

    def do_edit(self) -> None:
        """Change it."""
        self.flow(labels.edit_label(self, self.item().id), asks=True)

    def do_remove(self) -> None:
        """Remove it."""
        self.flow(labels.remove_label(self, self.item()), asks=True)
