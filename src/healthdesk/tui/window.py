"""A window on a list of any length: the pages that were fetched, by cursor, from either end.

Row `i` counts from the anchor: 0 is the newest row when anchored at the newest end, the oldest when anchored at
the oldest. Only a few pages are held; the cursor of every page seen is kept, so a page scrolled back to is fetched
again. No I/O here: the window says what it wants, and is given it.
"""

from __future__ import annotations

from bisect import bisect_right
from collections import OrderedDict
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Generic, Literal, TypeVar

T = TypeVar("T")
Direction = Literal["newest", "oldest"]


@dataclass(frozen=True, slots=True)
class PageRequest:
    """One page to fetch. A request of an older generation is answered in vain."""

    generation: int
    number: int
    after: str | None
    direction: Direction
    limit: int


@dataclass(frozen=True, slots=True)
class Chunk(Generic[T]):
    """One page as it came: its rows and the cursor of the next."""

    items: Sequence[T]
    next: str | None


class Window(Generic[T]):
    """A page cache over a cursor-paged list."""

    def __init__(self, identify: Callable[[T], str], *, page_size: int = 100, keep: int = 12) -> None:
        self._identify = identify
        self.page_size = page_size
        self._keep = keep
        self.generation = 0
        self.anchor: Direction = "newest"
        self._pages: OrderedDict[int, Sequence[T]] = OrderedDict()
        self._cursors: list[str | None] = [None]
        self._starts: list[int] = [0]
        self.ended = False
        self.loaded = False

    def reset(self, anchor: Direction = "newest") -> None:
        """Forget everything and start from one end."""
        self.generation += 1
        self.anchor = anchor
        self._pages.clear()
        self._cursors = [None]
        self._starts = [0]
        self.ended = False
        self.loaded = False

    @property
    def length(self) -> int:
        """How many rows are known, from the anchor on."""
        return self._starts[-1]

    @property
    def held(self) -> int:
        """How many rows are in memory."""
        return sum(len(page) for page in self._pages.values())

    def at(self, index: int) -> T | None:
        """Return row `index`, or None when it is not in memory."""
        if not 0 <= index < self.length:
            return None
        number = bisect_right(self._starts, index) - 1
        page = self._pages.get(number)
        return None if page is None else page[index - self._starts[number]]

    def id_at(self, index: int) -> str | None:
        """Return the id of row `index`, or None when it is not in memory."""
        row = self.at(index)
        return None if row is None else self._identify(row)

    def index_of(self, row_id: str) -> int | None:
        """Return where the row is, if it is in memory."""
        for number, page in self._pages.items():
            for offset, row in enumerate(page):
                if self._identify(row) == row_id:
                    return self._starts[number] + offset
        return None

    def wanted(self, first: int, last: int) -> PageRequest | None:
        """Return the first page that rows `first` to `last` need and that is not here."""
        if not self.loaded:
            return self._request(0)
        for number in self.numbers(first, last):
            if number not in self._pages:
                return self._request(number)
        if last >= self.length and not self.ended:
            return self._request(len(self._starts) - 1)
        return None

    def numbers(self, first: int, last: int) -> range:
        """Return the numbers of the known pages that hold rows `first` to `last`."""
        if self.length == 0:
            return range(0)
        low = bisect_right(self._starts, max(0, min(first, self.length - 1))) - 1
        high = bisect_right(self._starts, max(0, min(last, self.length - 1))) - 1
        return range(low, high + 1)

    def again(self, first: int, last: int) -> list[PageRequest]:
        """Return requests that read again the known pages that hold rows `first` to `last`."""
        return [self._request(number) for number in self.numbers(first, last)]

    @property
    def origin(self) -> str | None:
        """The cursor that row 0 comes after, None where it is the first of the list."""
        return self._cursors[0]

    def leads_on(self, number: int) -> tuple[str | None, int]:
        """Return the cursor that a known page leads on by, None at the end of the list, and how many rows it ends after."""
        return (
            self._cursors[number + 1] if number + 1 < len(self._cursors) else None,
            self._starts[number + 1],
        )

    def put(self, request: PageRequest, chunk: Chunk[T]) -> bool:
        """Take a page; False when it answers a question no longer asked."""
        number = request.number
        if request.generation != self.generation or number >= len(self._cursors):
            return False
        if self._cursors[number] != request.after:
            return False
        self.loaded = True
        known = number < len(self._starts) - 1
        follows = self._cursors[number + 1] if number + 1 < len(self._cursors) else None
        same = known and self._starts[number + 1] - self._starts[number] == len(chunk.items)
        if not (same and follows == chunk.next):
            self._cut(number)
            self._starts.append(self._starts[number] + len(chunk.items))
            if chunk.next is not None:
                self._cursors.append(chunk.next)
            self.ended = chunk.next is None
        self._pages[number] = chunk.items
        self._pages.move_to_end(number)
        while len(self._pages) > self._keep:
            self._pages.popitem(last=False)
        return True

    def replace_head(self, chunks: Sequence[Chunk[T]], origin: str | None = None) -> None:
        """Put freshly read first pages, or those after the cursor `origin`, in the place of everything known."""
        anchor, generation = self.anchor, self.generation
        self.reset(anchor)
        self.generation = generation + 1
        self._cursors = [origin]
        for number, chunk in enumerate(chunks):
            self.put(self._request(number), chunk)
            if chunk.next is None:
                break

    def ids(self, first: int, last: int) -> dict[str, int]:
        """Return the ids in memory between two indexes, with their index."""
        found = {}
        for index in range(max(0, first), min(last + 1, self.length)):
            row_id = self.id_at(index)
            if row_id is not None:
                found[row_id] = index
        return found

    def _request(self, number: int) -> PageRequest:
        return PageRequest(self.generation, number, self._cursors[number], self.anchor, self.page_size)

    def _cut(self, number: int) -> None:
        """Forget page `number` and all after it."""
        del self._starts[number + 1 :]
        del self._cursors[number + 1 :]
        for later in [known for known in self._pages if known >= number]:
            del self._pages[later]


def find_again(
    before: Window[T], after_ids: dict[str, int], row_id: str, index: int
) -> tuple[int, bool] | None:
    """Return where the cursor goes when rows changed: the same row, else its nearest neighbour that is left.

    The flag tells whether it is the same row. None when nothing near it is left.
    """
    if row_id in after_ids:
        return after_ids[row_id], True
    for step in range(1, before.page_size):
        for neighbour in (index + step, index - step):
            neighbour_id = before.id_at(neighbour)
            if neighbour_id is not None and neighbour_id in after_ids:
                return after_ids[neighbour_id], False
    return None
