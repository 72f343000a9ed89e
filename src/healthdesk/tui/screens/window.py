"""A window opened from an area: one thing, read by its id, kept up to date."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from textual import on

from healthdesk.errors import ApiRefused, HealthdeskError
from healthdesk.tui import messages
from healthdesk.tui.format import Line, dim, line
from healthdesk.tui.screens.base import DeskScreen
from healthdesk.tui.widgets.lines import Lines
from healthdesk.tui.widgets.region import error_lines, not_permitted_lines

SKELETON = (line(dim("░░░░░░░░  ░░░░░░░░░░░░░░  ░░░░░░")),)


class WindowScreen(DeskScreen):
    """Base of the windows. Subclasses read `detail` and show it; what was read stays while it is stale."""

    def __init__(self, key: str) -> None:
        super().__init__()
        self.key = key
        self.detail: Any = None
        self._reading = False
        self._read_again = False

    async def read(self) -> Any:
        """Read the thing."""
        raise NotImplementedError

    def show_detail(self) -> None:
        """Show `detail`."""

    def head_lines(self) -> Iterable[Line]:
        """Return the lines on top of the window."""
        return ()

    def load(self) -> None:
        """Read for the first time."""
        super().load()
        self.load_detail()

    def load_detail(self) -> None:
        """Read the thing for the first time."""
        self.query_one("#head", Lines).show(SKELETON)
        self._start()

    def reload(self) -> None:
        """Read again."""
        super().reload()
        self.reload_detail()

    def reload_detail(self) -> None:
        """Read the thing again; one reading at a time, a wish meanwhile is kept."""
        if self._reading:
            self._read_again = True
        else:
            self._start()

    def _start(self) -> None:
        self._reading = True
        self.work(self._read, group="detail")

    async def _read(self) -> None:
        try:
            self.post_message(messages.DetailLoaded(self.key, await self.read()))
        except HealthdeskError as error:
            self.post_message(messages.DetailFailed(self.key, error))

    @on(messages.DetailLoaded)
    def _detail_loaded(self, message: messages.DetailLoaded) -> None:
        self._reading = False
        self.detail = message.detail
        self._show()
        if self._read_again:
            self._read_again = False
            self._start()

    def show_head(self) -> None:
        """Show the lines on top."""
        self.query_one("#head", Lines).show(self.head_lines())

    def _show(self) -> None:
        self.show_head()
        self.show_detail()
        self.desk_changed()

    @on(messages.DetailFailed)
    def _detail_failed(self, message: messages.DetailFailed) -> None:
        self._reading = False
        error = message.error
        if self.detail is not None and not isinstance(error, ApiRefused):
            return
        status = self.desk.status
        if isinstance(error, ApiRefused) and error.status == 403:
            lines = not_permitted_lines(error.what, status.administrators if status else (), error.fix)
        else:
            lines = error_lines(error.what, error.fix)
        self.query_one("#head", Lines).show(lines)

    def item(self) -> Any:
        """Actions are for the thing itself."""
        return self.detail
