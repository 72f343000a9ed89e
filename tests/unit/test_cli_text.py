import pytest
from hypothesis import given
from hypothesis import strategies as st

from healthdesk.cli.marks import Cell
from healthdesk.cli.tables import Column, render
from healthdesk.cli.text import cells, clean, clean_block, cut, pad


@given(st.text())
def test_clean_text_is_one_printable_line(text):
    line = clean(text)
    assert line.isprintable() or all(char == "\xa0" or char.isspace() or char.isprintable() for char in line)
    assert not any(ord(char) < 32 or 127 <= ord(char) < 160 for char in line)


@given(st.text())
def test_ascii_text_is_ascii(text):
    assert clean(text, ascii_only=True).isascii()


@pytest.mark.parametrize(
    ("text", "line"),
    [
        ("\x1b[2Jgone", "□[2Jgone"),
        ("\x9b31mred", "□31mred"),
        ("a\r\nb\tc", "a  b c"),
        ("user\u202etxt.exe", "usertxt.exe"),
        ("zero\u200bwidth", "zerowidth"),
        ("z" + "\u0301" * 50, "z\u0301\u0301"),
        ("a\u2028b", "a b"),
        ("café", "café"),
    ],
)
def test_nothing_untrusted_reaches_the_terminal_as_a_control(text, line):
    assert clean(text) == line


def test_ascii_terminal_gets_glyphs_it_can_show():
    assert clean("✗ Failed … ••••4d21 – café 東", ascii_only=True) == "x Failed ~ ****4d21 - cafe ?"


def test_block_keeps_its_lines():
    assert clean_block("{\r\n\t1\x1b\n}") == ["{", "    1□", "}"]


@pytest.mark.parametrize(("text", "width"), [("abc", 3), ("東京", 4), ("e\u0301", 1), ("•", 1), ("✗", 1)])
def test_cells_are_measured(text, width):
    assert cells(text) == width


@given(st.text(st.sampled_from("ab東京é…e\u0301"), max_size=12), st.integers(min_value=1, max_value=12))
def test_cut_and_padded_text_has_exactly_its_width(text, width):
    shown = pad(cut(clean(text), width), width)
    assert cells(shown) == width


def lines(columns, rows, width=None, **more):
    settings = {"ascii_only": False, "colour": False} | more
    return list(render(columns, rows, width=width, **settings))


COLUMNS = (
    Column("Id"),
    Column("Name", flex=True),
    Column("Tries", right=True),
    Column("Error", flex=True, spare=1),
)
ROWS = [["rec_01", "Heart health", "1", "risk_level is required"], ["rec_02", "東京", "12", ""]]


def test_table_is_aligned():
    assert lines(COLUMNS, ROWS) == [
        "Id      Name          Tries  Error",
        "rec_01  Heart health      1  risk_level is required",
        "rec_02  東京             12",
    ]


@pytest.mark.parametrize("width", range(25, 60))
def test_table_fits_its_width_and_never_cuts_an_id(width):
    shown = lines(COLUMNS, ROWS, width)
    assert max(cells(line) for line in shown) <= width
    assert all(identity in "\n".join(shown) for identity in ("rec_01", "rec_02"))


def test_table_is_cut_before_columns_are_left_out():
    assert lines(COLUMNS, ROWS, 40)[:2] == [
        "Id      Name         Tries  Error",
        "rec_01  Heart heal…      1  risk_level …",
    ]
    assert lines(COLUMNS, ROWS, 27) == [
        "Id      Name          Tries",
        "rec_01  Heart health      1",
        "rec_02  東京             12",
    ]


def test_table_without_a_width_cuts_nothing():
    assert "risk_level is required" in lines(COLUMNS, ROWS)[1]


def test_colour_does_not_change_the_alignment():
    rows = [[Cell("✗ Failed", "bad"), "x"], ["ok", "y"]]
    plain = lines((Column("State"), Column("B")), rows)
    painted = lines((Column("State"), Column("B")), rows, colour=True)
    assert painted[1] == "\x1b[31m✗ Failed\x1b[0m  x"
    assert [line.replace("\x1b[31m", "").replace("\x1b[0m", "") for line in painted] == plain


def test_control_characters_in_a_cell_do_not_break_the_table():
    shown = lines((Column("A"), Column("B")), [["x\x1b[31m\n", "y"]])
    assert "\x1b" not in "".join(shown)
    assert len(shown) == 2
