"""The app: six areas as modes, one client, one live feed."""

from __future__ import annotations

import asyncio
import os
from collections.abc import Callable, Iterable
from datetime import tzinfo
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar

from textual import events
from textual.app import App, SystemCommand
from textual.binding import Binding, BindingType
from textual.message import Message
from textual.screen import Screen
from textual.worker import Worker, WorkerState

from healthdesk.api.desk import Status
from healthdesk.clock import Clock, SystemClock
from healthdesk.tui.actions import AREAS, TITLES
from healthdesk.tui.feed import CONNECTING, Changes, Feed, Link
from healthdesk.tui.format import clean
from healthdesk.tui.palette import commands
from healthdesk.tui.preferences import Preferences
from healthdesk.tui.screens.base import DeskScreen
from healthdesk.tui.screens.log import LogScreen
from healthdesk.tui.screens.registry import AREA_SCREENS
from healthdesk.tui.terminal import ascii_here, theme_of, zone_of
from healthdesk.tui.view.times import View
from healthdesk.tui.widgets.lines import TabLine

if TYPE_CHECKING:
    from healthdesk.client.client import Client
    from healthdesk.tui.screens.acting import ActingScreen

LEAVING = frozenset({"escape", "ctrl+q", "ctrl+c"})
"""Keys that are never meant for a form that is not there yet."""

TOLD_S, LONG_TOLD_S = 3.0, 6.0
"""How long something is told: it covers lines that are read, so no longer than it takes to read it."""
SHORT = 60
"""Up to how many characters something told is short."""
REDRAW_S = 20.0
"""How often relative times are drawn anew."""


class HealthdeskApp(App[None]):
    """healthdesk's terminal UI."""

    TITLE = "healthdesk"
    CSS_PATH = "styles.tcss"
    MODES: ClassVar[dict[str, str | Callable[[], Screen[Any]]]] = {**AREA_SCREENS}
    ENABLE_COMMAND_PALETTE = True
    BINDINGS: ClassVar[list[BindingType]] = [
        *(
            Binding(str(number), f"area('{name}')", title, show=False)
            for number, (name, title) in enumerate(zip(AREAS, TITLES, strict=True), start=1)
        ),
        Binding("q", "quit", "Quit", show=False),
        Binding("tab", "app.focus_next", "Next pane", show=False),
        Binding("shift+tab", "app.focus_previous", "Previous pane", show=False),
    ]

    class LinkChanged(Message):
        """The daemon answers, or does not."""

        def __init__(self, link: Link) -> None:
            super().__init__()
            self.link = link

    class StatusLoaded(Message):
        """How the desk is came."""

        def __init__(self, status: Status) -> None:
            super().__init__()
            self.status = status

    class ThingsChanged(Message):
        """The feed told of changes."""

        def __init__(self, changes: Changes) -> None:
            super().__init__()
            self.changes = changes

    def __init__(
        self,
        client: Client,
        *,
        clock: Clock | None = None,
        tz: tzinfo | None = None,
        ascii_only: bool = False,
        theme: str = "textual-dark",
        area: str = "connections",
    ) -> None:
        # Told before the theme is set: with NO_COLOR it decides how colours are taken away.
        super().__init__(ansi_color=True if theme.startswith("ansi") else None)
        self.client = client
        self.clock = clock or SystemClock()
        self.tz = tz
        self.ascii_only = ascii_only
        self.first_area = area
        self.animation_level = "none"
        self.theme = theme
        self.status: Status | None = None
        self.link: Link = CONNECTING
        self.preferences = Preferences(client)
        self.feed = Feed(
            client,
            self.clock,
            on_link=lambda link: self._post(self.LinkChanged(link)),
            on_status=lambda status: self._post(self.StatusLoaded(status)),
            on_changes=lambda changes: self._post(self.ThingsChanged(changes)),
        )
        self._joined: list[DeskScreen] = []

    def _post(self, message: Message) -> None:
        self.post_message(message)

    def view(self) -> View:
        """The time and zone views are made with."""
        return View(self.clock.now(), self.tz)

    async def on_mount(self) -> None:
        """Open the first area, follow the feed."""
        await self.switch_mode(self.first_area)
        self.run_worker(self.feed.run(), name="feed", group="feed", exit_on_error=False)
        self.set_interval(1.0, self._second_passed)
        self.set_interval(REDRAW_S, self._redraw)

    async def on_event(self, event: events.Event) -> None:
        """Let a key do nothing between the one that asks for a form and the form."""
        if not (isinstance(event, events.Key) and event.key not in LEAVING and self._opening()):
            await super().on_event(event)

    def _opening(self) -> bool:
        return bool(self.screen_stack) and isinstance(self.screen, DeskScreen) and self.screen.opening

    # The feed's news

    def on_healthdesk_app_link_changed(self, message: LinkChanged) -> None:
        """Show live or stale."""
        self.link = message.link
        self._tell_screens()

    def on_healthdesk_app_status_loaded(self, message: StatusLoaded) -> None:
        """Show the sentence and the counts."""
        self.status = message.status
        self._tell_screens()

    def on_healthdesk_app_things_changed(self, message: ThingsChanged) -> None:
        """Let every screen read again what it shows of this."""
        for screen in tuple(self._joined):
            screen.take_changes(message.changes)

    def _tell_screens(self) -> None:
        for screen in self.screen_stack:
            if isinstance(screen, DeskScreen):
                screen.desk_changed()

    def _second_passed(self) -> None:
        """Count the banner down."""
        if self.link.known and not self.link.live:
            view = self.view()
            for screen in self.screen_stack:
                if isinstance(screen, DeskScreen) and screen.is_mounted:
                    screen.show_banner(view)

    def _redraw(self) -> None:
        """Draw relative times anew."""
        if isinstance(self.screen, DeskScreen):
            for listing in self.screen.lists.values():
                listing.table.refresh()

    # Screens

    def join(self, screen: DeskScreen) -> None:
        """Tell this screen of changes from now on."""
        self._joined.append(screen)

    def leave(self, screen: DeskScreen) -> None:
        """Tell it no more."""
        if screen in self._joined:
            self._joined.remove(screen)

    async def action_area(self, name: str) -> None:
        """Go to an area; pressed again inside one of its windows, back to the area itself."""
        if name == self.current_mode:
            while len(self.screen_stack) > 1 and not self.screen.is_modal:
                await self.pop_screen()
        else:
            await self.switch_mode(name)

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:  # noqa: ARG002 - Textual asks with both
        """Keep area keys out of modals, where they would be typed."""
        typed = action in ("area", "quit")
        return not (typed and self.screen_stack and self.screen.is_modal)

    async def on_tab_line_picked(self, message: TabLine.Picked) -> None:
        """A tab of the areas was clicked."""
        if message.name in AREAS:
            await self.action_area(message.name)

    # What screens ask for

    def tell(self, sentence: str, *, ok: bool = True) -> None:
        """Say something for a moment, in the place of what was said before."""
        text = clean(sentence, ascii_only=self.ascii_only)
        self.hush()
        timeout = TOLD_S if len(text) <= SHORT else LONG_TOLD_S
        self.notify(text, severity="information" if ok else "warning", timeout=timeout, markup=False)

    def hush(self) -> None:
        """Take away what was said: something else is being done. In turn, as what is told is a message too."""
        self.call_later(self.clear_notifications)

    def copy(self, text: str) -> None:
        """Copy by OSC 52, and show the same text on a plain page."""
        from healthdesk.tui.screens.copy import CopyPage

        if text:
            self.copy_to_clipboard(text)
            self.push_screen(CopyPage(text, ascii_only=self.ascii_only))
        else:
            self.tell("There is nothing to copy here.", ok=False)

    def show_log(self, values: dict[str, str], words: dict[str, str]) -> None:
        """Go to the log with this filter."""
        self.run_worker(self._show_log(values, words), name="show-log", exit_on_error=False)

    async def _show_log(self, values: dict[str, str], words: dict[str, str]) -> None:
        await self.action_area("log")
        while len(self.screen_stack) > 1:
            await self.pop_screen()
        if isinstance(self.screen, LogScreen):
            self.screen.show_filter(values, words)

    def show_help(self, context: str) -> None:
        """Show the keys of a screen."""
        from healthdesk.tui.screens.help import HelpPage

        self.push_screen(HelpPage(context, ascii_only=self.ascii_only))

    def show_menu(self, screen: ActingScreen) -> None:
        """Show the actions of what is under the cursor, and do the one chosen."""
        from healthdesk.tui.screens.menu import ActionsMenu

        def chosen(action_id: str | None) -> None:
            if action_id is not None:
                screen.do(action_id)

        self.push_screen(ActionsMenu.of(screen), chosen)

    def get_system_commands(self, screen: Screen[Any]) -> Iterable[SystemCommand]:
        """The palette: the actions of the screen, the lists, the areas, the theme."""
        return commands(self, screen)

    def on_worker_state_changed(self, event: Worker.StateChanged) -> None:
        """Tell of the app's own workers that died."""
        self.worker_changed(event.worker, event.state)

    def worker_changed(self, worker: Worker[Any], state: WorkerState) -> None:
        """A worker that dies is a defect: say so, rather than stand still."""
        if state is WorkerState.ERROR:
            self.log.error(str(worker.error))
            name = worker.name or worker.group
            self.tell(f"Internal error in {name}: {type(worker.error).__name__}: {worker.error}", ok=False)


def run(socket: Path | None = None) -> int:
    """Run the terminal UI; return the exit code."""
    from healthdesk.client.client import Client

    environ = os.environ

    async def main() -> int:
        async with Client(socket) as client:
            app = HealthdeskApp(
                client,
                tz=zone_of(environ),
                ascii_only=ascii_here(),
                theme=theme_of(environ),
            )
            await app.run_async()
            return app.return_code or 0

    return asyncio.run(main())
