"""Proof: its canonical text and hash, the difference of two collections, and the files made of it."""

from __future__ import annotations

import csv
import hashlib
import io
import json
import random
import zlib
from collections.abc import Sequence

import pytest

from healthdesk.domain import proof_difference
from healthdesk.domain.proof import MOST_CHARACTERS, Row, packed, page, unpacked
from healthdesk.domain.proof_difference import Change, Difference, Side, difference
from healthdesk.domain.proof_export import as_csv, as_json

COLUMNS = ("id", "login", "role")
ROWS = [
    {"id": "10", "login": "ada", "role": "admin"},
    {"id": "9", "login": "bob", "role": "read"},
    {"id": "x1", "login": "cy", "role": "read"},
]


def side(rows: Sequence[Row], columns: Sequence[str] = COLUMNS, id_column: str = "id") -> Side:
    """Pack and unpack, so that the order is that of what is stored."""
    made = packed(columns, [dict(zip(columns, row, strict=True)) for row in rows], id_column)
    return Side(columns, id_column, unpacked(made.body))


def test_the_hash_is_that_of_the_documented_text() -> None:
    made = packed(COLUMNS, ROWS, "id")
    text = b'[\n["id","login","role"],\n["9","bob","read"],\n["10","ada","admin"],\n["x1","cy","read"]\n]'
    assert zlib.decompress(made.body) == text
    assert made.content_hash == hashlib.sha256(text).hexdigest()
    assert made.rows == 3
    assert [row[0] for row in unpacked(made.body)] == ["9", "10", "x1"]


@pytest.mark.parametrize("id_column", ["id", "", "unknown"])
def test_another_order_is_the_same_proof_and_another_cell_is_not(id_column: str) -> None:
    rows = [*ROWS, {"id": "9", "login": "bob again"}, {"login": "without id"}]
    first = packed(COLUMNS, rows, id_column)
    shuffled = random.Random(3).sample(rows, len(rows))
    assert packed(COLUMNS, shuffled, id_column) == first
    changed = [*rows[:-1], {"login": "without an id"}]
    assert packed(COLUMNS, changed, id_column).content_hash != first.content_hash
    assert packed(COLUMNS[::-1], rows, id_column).content_hash != first.content_hash


@pytest.mark.parametrize("rows", [0, 1, 3, 5000])
def test_what_is_packed_is_unpacked_and_paged(rows: int) -> None:
    told = [{"id": str(number), "login": "],\n[" * 9, "role": '"]\u2028ü'} for number in range(rows)]
    body = packed(COLUMNS, told, "id").body
    assert list(unpacked(body)) == [tuple(each.values()) for each in told]
    assert page(body, 2, 2) == [tuple(each.values()) for each in told[2:4]]
    assert page(body, rows, 10) == []


def test_a_page_of_long_cells_is_short_but_never_empty() -> None:
    cell = "x" * (MOST_CHARACTERS // 3)
    body = packed(("a",), [{"a": f"{number}{cell}"} for number in range(5)]).body
    assert [row[0][0] for row in page(body, 0, 5)] == ["0", "1"]
    assert len(page(packed(("a",), [{"a": cell * 4}]).body, 0, 5)) == 1


def test_difference_by_id() -> None:
    before = side([("1", "ada", "read"), ("2", "bob", "read"), ("3", "cy", "read")])
    after = side([("1", "ada", "admin"), ("3", "cy", "read"), ("4", "dan", "read")])
    found = difference(before, after)
    assert found.added == [("4", "dan", "read")]
    assert found.removed == [("2", "bob", "read")]
    assert found.changed == [
        Change(
            "1",
            dict(zip(COLUMNS, ("1", "ada", "read"), strict=True)),
            dict(zip(COLUMNS, ("1", "ada", "admin"), strict=True)),
        )
    ]
    assert found.totals == {"added": 1, "removed": 1, "changed": 1, "unchanged": 1}
    assert not found.cut


def test_rows_of_one_id_cancel_out_change_and_go() -> None:
    before = side([("1", "a", "x"), ("1", "b", "x"), ("1", "c", "x")])
    after = side([("1", "b", "x"), ("1", "c", "y")])
    found = difference(before, after)
    assert found.changed == [
        Change("1", {"id": "1", "login": "a", "role": "x"}, {"id": "1", "login": "c", "role": "y"})
    ]
    assert found.removed == [("1", "c", "x")]
    assert found.totals["unchanged"] == 1


def test_rows_without_an_id_never_change() -> None:
    before = side([("", "a", "x"), ("", "b", "x"), ("", "b", "x")])
    after = side([("", "b", "x"), ("", "c", "x")])
    found = difference(before, after)
    assert (found.changed, found.added) == ([], [("", "c", "x")])
    assert sorted(found.removed) == [("", "a", "x"), ("", "b", "x")]
    assert found.totals["unchanged"] == 1


def test_a_dataset_without_ids_is_compared_by_whole_rows() -> None:
    before, after = side([("1", "a", "x")], id_column=""), side([("1", "a", "y")], id_column="")
    found = difference(before, after)
    assert (found.added, found.removed, found.changed) == ([("1", "a", "y")], [("1", "a", "x")], [])


@pytest.mark.parametrize("id_column", ["id", ""])
def test_columns_that_came_and_went_make_no_row_different(id_column: str) -> None:
    before = side([("1", "ada", "read"), ("2", "bob", "read")], id_column=id_column)
    after = side([("w", "1", "ada"), ("w", "3", "cy")], ("team", "id", "login"), id_column)
    found = difference(before, after)
    assert (found.columns, found.columns_added, found.columns_removed) == (
        ["team", "id", "login", "role"],
        ["team"],
        ["role"],
    )
    assert found.added == [("w", "3", "cy", "")]
    assert found.removed == [("", "2", "bob", "read")]
    assert found.totals["unchanged"] == 1


def test_another_id_column_is_compared_by_the_later_one() -> None:
    before = side([("1", "ada", "read"), ("2", "bob", "read")])
    after = side([("7", "ada", "read"), ("8", "bob", "read")], id_column="login")
    assert [each.id for each in difference(before, after).changed] == ["ada", "bob"]


def test_a_difference_is_that_of_a_plain_comparison() -> None:
    draw = random.Random(11)

    def some() -> list[Row]:
        return [(str(draw.randrange(12)), draw.choice("ab"), draw.choice("xy")) for _ in range(20)]

    for _ in range(200):
        rows, later = some(), some()
        found = difference(side(rows), side(later))
        totals = found.totals
        assert totals["unchanged"] + totals["changed"] + totals["removed"] == len(rows)
        assert totals["unchanged"] + totals["changed"] + totals["added"] == len(later)
        ids, later_ids = {row[0] for row in rows}, {row[0] for row in later}
        assert {row[0] for row in found.added} >= later_ids - ids
        assert {row[0] for row in found.removed} >= ids - later_ids


def test_a_long_difference_lists_some_and_counts_all(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(proof_difference, "MOST_LISTED", 3)
    found = difference(side([]), side([(str(number), "a", "b") for number in range(10)]))
    assert (len(found.added), found.totals["added"], found.cut) == (3, 10, True)
    long = "x" * (MOST_CHARACTERS // 2)
    found = difference(side([]), side([(str(number), long, "") for number in range(3)]))
    assert isinstance(found, Difference)
    assert (len(found.added), found.cut) == (1, True)


def test_csv_holds_no_formula() -> None:
    cells = ["=1+1", "+1", "-1", "@SUM(A1)", "\t=1", "\r=1", 'plain, "quoted"', "a=b", ""]
    text = b"".join(as_csv(["=Label", "Other"], [(cell, "x") for cell in cells])).decode()
    read = list(csv.reader(io.StringIO(text, newline="")))
    assert read[0] == ["'=Label", "Other"]
    assert [row[0] for row in read[1:]] == [f"'{cell}" for cell in cells[:6]] + cells[6:]
    assert text.endswith("\r\n")


def test_files_are_made_in_parts_and_are_whole() -> None:
    rows = [(str(number), "ü" * 50, "x") for number in range(5000)]
    parts = list(as_csv(COLUMNS, rows))
    assert len(parts) > 3
    assert len(list(csv.reader(io.StringIO(b"".join(parts).decode(), newline="")))) == 5001
    document = json.loads(b"".join(as_json({"name": "Members", "columns": []}, COLUMNS, rows)))
    assert document["name"] == "Members"
    assert document["rows"][4999] == {"id": "4999", "login": "ü" * 50, "role": "x"}
    assert json.loads(b"".join(as_json({"name": "none"}, COLUMNS, []))) == {"name": "none", "rows": []}
