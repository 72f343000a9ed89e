"""Untrusted text: it cannot become markup, move the cursor, or widen a cell."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st
from rich.cells import cell_len

from healthdesk.tui.format import Span, Tone, clean, content, fit, line, plain, to_ascii
from tests.tui.fake_client import HOSTILE


@given(st.text(), st.integers(min_value=1, max_value=60))
def test_any_text_fits_its_cell_exactly(text: str, width: int):
    assert cell_len(fit(text, width)) == width


@given(st.text())
def test_nothing_that_controls_a_terminal_is_left(text: str):
    cleaned = clean(text)
    assert not any(ord(char) < 32 or 127 <= ord(char) < 160 for char in cleaned)
    assert not any("\u202a" <= char <= "\u202e" or "\u2066" <= char <= "\u2069" for char in cleaned)


@given(st.text())
def test_a_terminal_without_utf8_gets_ascii_only(text: str):
    assert clean(text, ascii_only=True).isascii()
    assert fit(text, 10, ascii_only=True).isascii()


def test_markup_is_shown_and_not_obeyed():
    shown = content([line(HOSTILE, Span("[bold]x", Tone.BAD))])
    assert "[/bold]" in shown.plain
    assert "[red]" in shown.plain
    assert "[bold]x" in shown.plain
    assert "\x1b" not in shown.plain


@pytest.mark.parametrize(
    ("text", "shown"), [("日本語テキスト", "日本…"), ("ab", "ab   "), ("abcdef", "abcd…")]
)
def test_width_is_measured_in_cells(text: str, shown: str):
    assert fit(text, 5).rstrip() == shown.rstrip()


def test_our_glyphs_have_letters_where_the_locale_is_not_utf8():
    assert to_ascii("✗ ● ↻ é 日") == "x o ~ e ?"


def test_line_ends_become_one_line():
    assert clean("a\nb\r\tc") == "a b  c"


def test_piles_of_combining_marks_are_cut():
    assert clean("a" + "́" * 50) == "a" + "́" * 2


def test_plain_text_of_lines_is_what_is_shown():
    assert plain([line("a", Span("b", Tone.BAD)), ()]) == "ab\n"
