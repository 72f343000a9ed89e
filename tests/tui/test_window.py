"""The page cache and the table over it."""

from __future__ import annotations

from healthdesk.tui.window import Chunk, PageRequest, Window, find_again


def source(total: int, size: int):
    """Return a reader of rows 0 … total-1 by cursor."""

    def read(request: PageRequest) -> Chunk[str]:
        start = int(request.after) if request.after else 0
        rows = [f"r{number:07d}" for number in range(start, min(start + request.limit, total))]
        end = start + len(rows)
        return Chunk(rows, str(end) if end < total else None)

    return read


def filled(total: int, upto: int, *, size: int = 10, keep: int = 3) -> Window[str]:
    window: Window[str] = Window(str, page_size=size, keep=keep)
    read = source(total, size)
    for row in range(upto):
        while (request := window.wanted(row, row)) is not None:
            assert window.put(request, read(request))
    return window


def test_first_page_is_wanted_before_anything_is_known():
    window: Window[str] = Window(str)
    request = window.wanted(0, 20)
    assert request is not None
    assert (request.number, request.after) == (0, None)


def test_nothing_is_wanted_that_is_not_in_sight():
    window = filled(1_000_000, 1)
    assert window.length == 10
    assert window.wanted(0, 9) is None


def test_only_a_few_pages_are_held_however_far_it_is_scrolled():
    window = filled(1_000_000, 500)
    assert window.length == 500
    assert window.held == 30


def test_a_page_that_was_let_go_is_asked_for_again_by_its_own_cursor():
    window = filled(1_000_000, 500)
    request = window.wanted(100, 105)
    assert request is not None
    assert (request.number, request.after) == (10, "100")
    assert window.put(request, source(1_000_000, 10)(request))
    assert window.at(103) == "r0000103"
    assert window.length == 500


def test_an_answer_to_an_older_question_is_dropped():
    window = filled(100, 1)
    old = window.wanted(10, 10)
    assert old is not None
    window.reset()
    assert not window.put(old, Chunk(["x"], None))
    assert window.length == 0


def test_the_end_is_known_once_it_is_read():
    window = filled(25, 25)
    assert window.ended
    assert window.length == 25
    assert window.wanted(24, 60) is None


def test_a_page_that_shrank_forgets_what_came_after_it():
    window = filled(100, 40)
    request = window.again(0, 5)[0]
    assert window.put(request, Chunk(["r0000000", "r0000002"], "3"))
    assert window.length == 2
    assert not window.ended
    assert window.wanted(2, 2).after == "3"


def test_cursor_goes_to_the_nearest_row_left_when_its_own_is_gone():
    before = filled(10, 10)
    left = {"r0000000": 0, "r0000006": 1}
    assert find_again(before, left, "r0000006", 6) == (1, True)
    assert find_again(before, left, "r0000005", 5) == (1, False)
    assert find_again(before, {}, "r0000005", 5) is None


def test_rows_that_come_between_others_are_each_seen_once_from_the_page_in_sight_on():
    """A log by date: what comes to match stands wherever its date puts it, and cursors are dates, not ids."""
    rows = [f"{2 * number:04d}.rec_{9999 - number}" for number in range(60)]

    def read(request: PageRequest) -> Chunk[str]:
        left = [row for row in rows if request.after is None or row > request.after]
        page = left[: request.limit]
        return Chunk(page, page[-1] if len(left) > len(page) else None)

    def scroll(window: Window[str], first: int) -> list[str | None]:
        last = first
        while not (window.ended and last >= window.length):
            while (request := window.wanted(last, last)) is not None:
                assert window.put(request, read(request))
            last += 1
        return [window.id_at(index) for index in range(first, window.length)]

    window: Window[str] = Window(str, page_size=10, keep=99)
    scroll(window, 0)
    rows += ["0051.rec_1", "0065.rec_2", "0119.rec_3"]
    rows.sort()
    for request in window.again(20, 39):
        window.put(request, read(request))
    assert scroll(window, 20) == rows[20:]
