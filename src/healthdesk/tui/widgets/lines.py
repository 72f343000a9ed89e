"""One-line widgets: the top line, the tab line, the stale banner, the key line; and a pane of lines."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from rich.cells import cell_len
from textual import events
from textual.containers import VerticalScroll
from textual.content import Content
from textual.message import Message
from textual.widgets import Static

from healthdesk.tui.format import STYLES, Line, Span, Tone, clean, content, fit, one_line
from healthdesk.tui.widgets.scroll import PlainScrollBarRender

SEPARATOR = " · "
LEAST_PARTS = 2


class Lines(Static):
    """Shows lines of spans."""

    DEFAULT_CSS = "Lines { height: auto; }"

    def __init__(
        self,
        lines: Iterable[Line] = (),
        *,
        ascii_only: bool = False,
        id: str | None = None,
        classes: str | None = None,
    ) -> None:
        super().__init__(content(lines, ascii_only=ascii_only), id=id, classes=classes)
        self.ascii_only = ascii_only

    def show(self, lines: Iterable[Line]) -> None:
        """Show other lines."""
        self.update(content(lines, ascii_only=self.ascii_only))


class Explanation(Lines):
    """Explains the row above it in two lines, in up to four where the words need them. It never shrinks again.

    Where four are not enough the first text is cut: what helps comes after it, and has to be seen.
    """

    LEAST = 2
    MOST = 4
    most = MOST
    """As many as here, where a screen wants fewer."""

    def explain(self, lines: Iterable[Line]) -> None:
        """Show other lines, and take the room they need."""
        width = self.size.width
        self._explained = list(lines)
        texts = [one_line(item, ascii_only=self.ascii_only) for item in self._explained]
        if not width or not texts:
            self.update(Content("\n").join(texts))
            return
        first, *others = [text.wrap(width) for text in texts]
        room = max(1, self.most - sum(map(len, others)))
        if len(first) > room:
            ellipsis = "~" if self.ascii_only else "…"
            first = [*first[: room - 1], first[room - 1].truncate(width - 1) + ellipsis]
        rows = [row for wrapped in (first, *others) for row in wrapped]
        self.update(Content("\n").join(rows))
        if min(self.most, len(rows)) > self.rows:
            self.rows = min(self.most, len(rows))
            self.styles.height = self.rows

    def on_resize(self, event: events.Resize) -> None:
        """Begin anew in another width."""
        if event.size.width != self._width:
            self._width = event.size.width
            self.rows = self.LEAST
            self.styles.height = self.LEAST
            self.explain(self._explained)

    _explained: Sequence[Line] = ()
    rows = LEAST
    _width = 0


class Pane(VerticalScroll, can_focus=True):
    """Lines that scroll with the keys of a table."""

    BINDINGS = [
        ("j", "scroll_down"),
        ("k", "scroll_up"),
        ("g", "scroll_home"),
        ("G", "scroll_end"),
        ("ctrl+d", "page_down"),
        ("ctrl+u", "page_up"),
    ]  # fmt: skip

    def __init__(
        self, *, ascii_only: bool = False, id: str | None = None, classes: str | None = None
    ) -> None:
        super().__init__(id=id, classes=classes)
        self._lines = Lines(ascii_only=ascii_only)
        if ascii_only:
            self.vertical_scrollbar.renderer = PlainScrollBarRender  # type: ignore[misc]  # Textual gives no other way for one widget

    def compose(self) -> Iterable[Lines]:
        """One static inside."""
        yield self._lines

    def show(self, lines: Iterable[Line]) -> None:
        """Show other lines; the place scrolled to stays."""
        self._lines.show(lines)


class TopLine(Static):
    """Left a sentence, cut when it is long; right the state of the link and who you are, always whole."""

    def __init__(self, *, ascii_only: bool = False) -> None:
        super().__init__(id="top")
        self.ascii_only = ascii_only
        self.left: Line = ()
        self.right: Line = ()
        self.whole_parts = False

    def show(self, left: Line, right: Line, *, whole_parts: bool = False) -> None:
        """Show both sides. With `whole_parts` what does not fit on the left is left out part by part."""
        self.left, self.right, self.whole_parts = left, right, whole_parts
        self._draw()

    def on_resize(self) -> None:
        """Cut anew."""
        self._draw()

    def _draw(self) -> None:
        right = one_line(self.right, ascii_only=self.ascii_only)
        room = max(0, self.size.width - right.cell_length - 2)
        left = one_line(self.left, ascii_only=self.ascii_only)
        separator = clean(SEPARATOR, ascii_only=self.ascii_only)
        parts = left.plain.split(separator)
        while self.whole_parts and left.cell_length > room and len(parts) > LEAST_PARTS:
            # What does not fit is left out whole; the worst comes first.
            parts.pop()
            left = left[: len(separator.join(parts))]
        left = left.truncate(room, ellipsis=not self.ascii_only)
        gap = max(1, self.size.width - left.cell_length - right.cell_length)
        self.update(Content.assemble(left, " " * gap, right))


@dataclass(frozen=True, slots=True)
class Tab:
    """One tab: what is written on it, and whether its number is bad news."""

    name: str
    label: str
    count: str = ""
    tone: Tone = Tone.PLAIN


class TabLine(Static):
    """Tabs in one line; one is chosen. Clicking one posts Picked."""

    @dataclass
    class Picked(Message):
        """A tab was clicked."""

        name: str

    def __init__(self, *, ascii_only: bool = False, id: str | None = None) -> None:
        super().__init__(id=id)
        self.ascii_only = ascii_only
        self._ends: list[tuple[int, str]] = []

    def show(self, tabs: Sequence[Tab], chosen: str) -> None:
        """Show these tabs."""
        parts: list[tuple[str, str]] = []
        self._ends = []
        at = 0
        for tab in tabs:
            label = clean(f" {tab.label} ", ascii_only=self.ascii_only)
            count = clean(f"{tab.count} ", ascii_only=self.ascii_only) if tab.count else ""
            base = "bold reverse" if tab.name == chosen else ""
            parts.append((label, base))
            if count:
                parts.append((count, f"{base} {STYLES[tab.tone]}".strip() if tab.name != chosen else base))
            at += cell_len(label + count)
            self._ends.append((at, tab.name))
        self.update(Content.assemble(*parts))

    def on_click(self, event: events.Click) -> None:
        """Tell which tab was clicked."""
        x = event.x - 1
        for end, name in self._ends:
            if x < end:
                self.post_message(self.Picked(name))
                return


@dataclass(frozen=True, slots=True)
class Key:
    """One key of the key line; `off` greys it."""

    name: str
    word: str
    off: bool = False


class KeyLine(Static):
    """The keys that matter here."""

    def __init__(self, *, ascii_only: bool = False) -> None:
        super().__init__(id="keys")
        self.ascii_only = ascii_only
        self.keys: Sequence[Key] = ()

    def show(self, keys: Sequence[Key]) -> None:
        """Show these keys, as many as fit."""
        if keys != self.keys:
            self.keys = keys
            self._draw()

    def on_resize(self) -> None:
        """See how many fit now."""
        self._draw()

    def _draw(self) -> None:
        parts: list[Content] = []
        room = self.size.width or 80
        used = 0
        for key in self.keys:
            name = Span(key.name, Tone.DIM if key.off else Tone.ACCENT)
            word = Span(f" {key.word}", Tone.DIM if key.off else Tone.PLAIN)
            part = one_line((name, word, Span("  ")), ascii_only=self.ascii_only)
            if used + part.cell_length > room + 2:
                continue
            used += part.cell_length
            parts.append(part)
        self.update(Content.assemble(*parts))


class Ruler(Static):
    """A line across."""

    def __init__(self, *, ascii_only: bool = False, id: str | None = None) -> None:
        super().__init__(classes="rule", id=id)
        self.ascii_only = ascii_only

    def on_resize(self) -> None:
        """As wide as there is room."""
        mark = "-" if self.ascii_only else "─"
        self.update(Content.styled(fit(mark * self.size.width, self.size.width), STYLES[Tone.DIM]))
