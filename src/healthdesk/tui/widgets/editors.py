"""What a form edits a value with: one of a few, or a text that is too long to type."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import ClassVar

from textual import events
from textual.binding import Binding, BindingType
from textual.message import Message
from textual.widgets import Input, Static, TextArea

from healthdesk.tui.format import clean

MOST_BYTES = 64 * 1024
"""A key is a few KiB; what is longer is another file."""
FILE_HINT = "path of the file, or paste the text"


class Cycle(Static, can_focus=True):
    """One of a few values, changed with the arrow keys or space."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("left", "step(-1)", show=False),
        Binding("right,space", "step(1)", show=False),
        Binding("enter", "screen.go_on", show=False),
    ]

    @dataclass
    class Stepped(Message):
        """Another value was chosen."""

        value: str

    def __init__(
        self, options: Sequence[tuple[str, str]], value: str, *, ascii_only: bool, name: str
    ) -> None:
        super().__init__(markup=False, name=name)
        known = [option for option, _ in options]
        # what is set and not offered here stays until another is chosen: a form that is saved changes nothing by itself
        self.options = options if not value or value in known else (*options, (value, value))
        self.ascii_only = ascii_only
        self.at = next((at for at, (option, _) in enumerate(self.options) if option == value), 0)

    @property
    def value(self) -> str:
        """The value chosen."""
        return self.options[self.at][0]

    def on_mount(self) -> None:
        """Draw."""
        self._draw()

    def action_step(self, by: int) -> None:
        """Choose the next one."""
        self.at = (self.at + by) % len(self.options)
        self._draw()
        self.post_message(self.Stepped(self.value))

    def on_click(self) -> None:
        """Choose the next one."""
        self.action_step(1)

    def _draw(self) -> None:
        self.update(clean(f"← {self.options[self.at][1]} →", ascii_only=self.ascii_only))


class TextFile(Input):
    """A text of several lines, such as a private key: the path of a file on this host, or the text pasted.

    What was pasted is not shown.
    """

    def __init__(self, *, name: str, pasted: str = "") -> None:
        super().__init__(placeholder=FILE_HINT, name=name)
        self._take(pasted)

    def _on_paste(self, event: events.Paste) -> None:
        """Keep a text whole, where one line of it would be lost on a path."""
        text = event.text.strip()
        if "\n" in text or text.startswith(("{", "-----")):
            event.prevent_default()
            event.stop()
            self.value = ""
            self._take(event.text)

    def _take(self, text: str) -> None:
        self.pasted = text
        if text:
            lines = len(text.strip().splitlines())
            self.placeholder = f"{lines} line{'' if lines == 1 else 's'} pasted, not shown; or {FILE_HINT}"

    def text(self) -> str:
        """Return the text; ValueError says why there is none. Empty where nothing was given."""
        path = self.value.strip()
        return read_text(Path(path).expanduser()) if path else self.pasted


class LongText(TextArea):
    """A text of several lines, edited in place. tab leaves it, enter begins another line."""

    def __init__(self, value: str, *, name: str) -> None:
        super().__init__(value, name=name, tab_behavior="focus", show_line_numbers=False, compact=True)

    @property
    def value(self) -> str:
        """The text."""
        return self.text


def read_text(path: Path) -> str:
    """Return the text of a file; ValueError says what is wrong with it."""
    try:
        if not path.is_file():
            raise ValueError(f"{path} is no file on this host")
        with path.open("rb") as file:
            raw = file.read(MOST_BYTES + 1)
        text = raw[:MOST_BYTES].decode()
    except OSError as error:
        raise ValueError(f"{path} cannot be read: {error.strerror}") from error
    except UnicodeDecodeError as error:
        raise ValueError(f"{path} is not UTF-8 text") from error
    if not text.strip() or len(raw) > MOST_BYTES:
        raise ValueError(f"{path} is {'too long for this' if text.strip() else 'empty'}")
    return text
