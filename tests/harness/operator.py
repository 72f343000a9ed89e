"""An operator at the screen: presses keys, and reads until it says what is expected."""

from __future__ import annotations

from textual.pilot import Pilot
from textual.widgets import Input

from healthdesk.tui.app import HealthdeskApp
from healthdesk.tui.screens.dialog import Choice
from healthdesk.tui.widgets.cards import Card
from healthdesk.tui.widgets.window_table import WindowTable
from tests.harness.serving import until


class Operator:
    """Presses keys, and reads what is on the screen until it says what is expected."""

    def __init__(self, app: HealthdeskApp, pilot: Pilot[None]) -> None:
        self.app = app
        self.pilot = pilot

    def text(self) -> str:
        strips = self.app.screen._compositor.render_strips()
        return "\n".join("".join(segment.text for segment in strip) for strip in strips)

    async def sees(self, expected: str) -> None:
        async def seen() -> bool:
            await self.pilot.pause()
            return expected in self.text()

        try:
            await until(seen)
        except TimeoutError:
            raise AssertionError(f"{expected!r} is not on the screen:\n{self.text()}") from None

    async def is_on(self, screen: type) -> None:
        async def there() -> bool:
            await self.pilot.pause()
            return isinstance(self.app.screen, screen)

        await until(there)

    async def enter(self, field: str, text: str) -> None:
        editor = next(each for each in self.app.screen.query(Input) if each.name == field)
        editor.focus()
        editor.value = ""
        await self.pilot.press(*text)

    async def focus_card(self, title: str) -> None:
        """Move to the card of this title, as `tab` does."""
        for _ in range(8):
            focused = self.app.focused
            if isinstance(focused, Card) and title in str(focused.border_title):
                return
            await self.pilot.press("tab")
        raise AssertionError(f"no card {title}:\n{self.text()}")

    async def focus_rows(self) -> None:
        """Move to the table."""
        for _ in range(8):
            if isinstance(self.app.focused, WindowTable):
                return
            await self.pilot.press("tab")
        raise AssertionError(f"no table:\n{self.text()}")

    async def open_row(self, key: str) -> None:
        """Move to the row of this key, and open it."""

        async def there() -> bool:
            await self.pilot.pause()
            return bool(self.app.screen.query_one(WindowTable).select(key))

        await until(there)
        await self.pilot.press("enter")

    async def press_button(self, label: str) -> None:
        """Press a button of what asks."""

        async def there() -> Choice | None:
            await self.pilot.pause()
            return next((each for each in self.app.screen.query(Choice) if label in str(each.render())), None)

        (await until(there)).focus()
        await self.pilot.press("enter")

    async def choose(self, text: str) -> None:
        """Choose the line with this text from a list that is filtered by typing."""
        await self.pilot.press(*text, "enter")

    async def is_told(self, expected: str) -> None:
        """Wait until this is said for a moment."""

        async def said() -> bool:
            await self.pilot.pause()
            return any(expected in each.message for each in self.app._notifications)

        await until(said)
