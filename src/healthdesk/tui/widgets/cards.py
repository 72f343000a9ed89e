"""Cards beside each other: the keys act on the one that has the focus."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from textual.binding import Binding
from textual.containers import Container
from textual.message import Message

from healthdesk.tui.format import Line, Tone, clean
from healthdesk.tui.widgets.lines import Lines

FRAME = 4
"""Cells that border and padding of a card take of its width."""
BESIDE = 72
"""From how many cells on two cards stand beside each other."""
MOST = 2


class Card(Lines, can_focus=True):
    """A card with a title; `key` says what it is of. Keys `h` and `l` are actions of the windows that have cards."""

    BINDINGS = [
        Binding("left,up,k", "app.focus_previous", show=False),
        Binding("right", "app.focus_next", show=False),
        Binding("down,j", "leave", show=False),
    ]
    key = ""

    @dataclass
    class Left(Message):
        """The operator goes on to what is below the cards."""

    def action_leave(self) -> None:
        """Go on to what is below."""
        self.post_message(self.Left())


@dataclass(frozen=True, slots=True)
class Face:
    """What a card shows."""

    key: str
    title: str
    lines: Sequence[Line]
    broken: bool = False
    chosen: bool = False


class Cards(Container):
    """Up to two cards: beside each other, or one above the other where it is narrow."""

    def __init__(self, *, ascii_only: bool = False, id: str | None = None) -> None:
        super().__init__(id=id)
        self.ascii_only = ascii_only
        self.cards = [Card(ascii_only=ascii_only, classes="card") for _ in range(MOST)]

    def compose(self) -> Iterable[Card]:
        """Both are there; as many as needed are shown."""
        yield from self.cards

    def on_mount(self) -> None:
        """Nothing is known yet."""
        for card in self.cards:
            card.display = False

    @property
    def room(self) -> int:
        """How many cells wide they are, hidden or not."""
        return self.screen.size.width

    def width_of_each(self, count: int) -> int:
        """Return how many cells each of `count` cards has inside."""
        width = self.room
        return (width // count if count > 1 and width >= BESIDE else width) - FRAME

    def show(self, faces: Sequence[Face]) -> None:
        """Show these cards."""
        stacked = self.room < BESIDE
        self.set_class(len(faces) > 1 and stacked, "-stacked")
        height = 0 if stacked else max((len(face.lines) for face in faces), default=0)
        for number, card in enumerate(self.cards):
            card.display = number < len(faces)
            if card.display:
                face = faces[number]
                card.key = face.key
                mark = "▸ " if face.chosen and len(faces) > 1 else ""
                title = clean(f"{mark}{face.title}", ascii_only=self.ascii_only)
                card.border_title = title.replace("[", "\\[")
                card.set_class(face.broken, f"-{Tone.BAD}")
                card.show([*face.lines, *[()] * (height - len(face.lines))])

    def focus_on(self, key: str) -> None:
        """Give a card the focus."""
        for card in self.cards:
            if card.display and card.key == key:
                card.focus()
