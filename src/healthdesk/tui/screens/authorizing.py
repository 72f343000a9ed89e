"""An authorization in a browser: where to grant it, and what has become of it."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterable
from dataclasses import dataclass
from typing import ClassVar

from textual import on
from textual.binding import Binding, BindingType
from textual.containers import Horizontal
from textual.message import Message
from textual.widget import Widget

from healthdesk.api.authorizations import Authorization
from healthdesk.clock import Clock
from healthdesk.errors import HealthdeskError
from healthdesk.tui.screens.copy import CopyPage
from healthdesk.tui.screens.dialog import Box, Choice
from healthdesk.tui.view.authorization import authorization_lines, authorization_state
from healthdesk.tui.view.times import View
from healthdesk.tui.widgets.lines import Lines

LOOK_AGAIN_S = 2.0
"""How often the daemon is asked; it asks the app no more often than the app wants."""
DRAW_S = 1.0


class Authorizing(Box[Authorization]):
    """Shows what to open where, and waits; answers with the authorization once it is granted.

    One that was refused or has expired stays on the screen with the reason.
    """

    AUTO_FOCUS = "#choice-copy"
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("y", "copy", show=False),
        Binding("escape", "cancel", show=False),
    ]

    @dataclass
    class Looked(Message):
        """What has become of it came."""

        authorization: Authorization

    @dataclass
    class LookFailed(Message):
        """The daemon did not say what has become of it."""

        error: HealthdeskError

    def __init__(
        self,
        begun: Authorization,
        look: Callable[[], Awaitable[Authorization]],
        *,
        clock: Clock,
        view: Callable[[], View],
        ascii_only: bool = False,
    ) -> None:
        super().__init__(f"Authorize at {begun.app_name}", ascii_only=ascii_only)
        self.authorization = begun
        self.look = look
        self.clock = clock
        self.view = view
        self.trouble = ""

    def inside(self) -> Iterable[Widget]:
        """What to do, the state, the buttons."""
        lines = authorization_lines(self.authorization)
        yield Lines(lines, ascii_only=self.ascii_only)
        yield Lines(ascii_only=self.ascii_only, id="state")
        yield Horizontal(
            Choice("Cancel", "cancel", ascii_only=self.ascii_only),
            Choice("Copy the address (y)", "copy", ascii_only=self.ascii_only),
            classes="buttons",
        )

    def on_mount(self) -> None:
        """Draw each second, look every other."""
        self._draw()
        self.set_interval(DRAW_S, self._draw)
        self.run_worker(self._watch(), name="authorization", group="flow", exit_on_error=False)

    def _draw(self) -> None:
        self.query_one("#state", Lines).show(
            authorization_state(self.authorization, self.view(), self.trouble)
        )

    async def _watch(self) -> None:
        status = self.authorization.status
        while status == "pending":
            await self.clock.sleep(LOOK_AGAIN_S)
            try:
                found = await self.look()
            except HealthdeskError as error:
                self.post_message(self.LookFailed(error))
            else:
                status = found.status
                self.post_message(self.Looked(found))

    @on(Looked)
    def _looked(self, message: Looked) -> None:
        self.trouble = ""
        self.authorization = message.authorization
        self._draw()
        if self.authorization.status == "granted":
            if self.app.screen is not self:
                self.app.pop_screen()  # the page with the address
            self.dismiss(self.authorization)

    @on(LookFailed)
    def _look_failed(self, message: LookFailed) -> None:
        self.trouble = message.error.what
        self._draw()

    def action_copy(self) -> None:
        """Copy the address, and show it on a page of its own."""
        self.app.copy_to_clipboard(self.authorization.url)
        self.app.push_screen(CopyPage(self.authorization.url, ascii_only=self.ascii_only))

    @on(Choice.Pressed)
    def _pressed(self, message: Choice.Pressed) -> None:
        if message.value == "copy":
            self.action_copy()
        else:
            self.action_cancel()
