"""What was collected, for members of the label or control that it is filed under: view, contents, difference, export."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

from healthdesk.api import MAX_PAGE
from healthdesk.api.proof import ColumnView, Contents, Difference, InstanceView, RowChange
from healthdesk.domain import proof as packing
from healthdesk.domain.activity import Verb
from healthdesk.domain.proof_difference import Side, difference
from healthdesk.domain.proof_export import as_csv, as_json
from healthdesk.errors import Malformed, NotFound, NotPermitted
from healthdesk.operations.desk import Conn, Desk
from healthdesk.operations.proof import get_sync, view_of
from healthdesk.store import labels, proof
from healthdesk.store.rows_instances import ContentsRow, InstanceRow, RunRow

Format = Literal["csv", "json"]


@dataclass(frozen=True, slots=True)
class _Seen:
    """What one run collected, as somebody may see it who is a member."""

    row: InstanceRow
    run: RunRow
    contents: ContentsRow


@dataclass(frozen=True, slots=True)
class File:
    """Proof as a file. `parts` are made while they are sent; close them where they are not read to the end."""

    name: str
    content_type: str
    parts: AsyncIterator[bytes]


async def view(desk: Desk, sync_id: str) -> InstanceView:
    """Return the proof sync to members of its label or control; to anybody else all labels and controls, to ask there."""
    desk.require("instances.view")

    def read(conn: Conn) -> InstanceView:
        row, _ = get_sync(conn, sync_id)
        if labels.is_member(conn, row.label_id, desk.operator.user):
            return InstanceView(member=True, proof=view_of(conn, desk, sync_id))
        known = labels.page(conn, limit=MAX_PAGE).items
        mine = sorted(known, key=lambda each: each.id != row.label_id)
        return InstanceView(
            member=False,
            labels=[
                {"id": each.id, "kind": each.kind.value, "name": each.name, "members": each.members}
                for each in mine
            ],
        )

    return await desk.read(read)


async def contents(desk: Desk, sync_id: str, run_id: str, after: str | None, limit: int) -> Contents:
    """Return a page of what a run collected. `after` is a row number; the first page is noted as a view."""
    desk.require("instances.view")
    if after is not None and not (after.isascii() and after.isdigit() and len(after) < 10):
        raise Malformed(f"{after} is no row number", field="after", fix="give `next` of the page before")
    start = int(after or 0)
    seen = await desk.read(_seen, desk, sync_id, run_id)
    rows = await asyncio.to_thread(packing.page, seen.contents.body, start, limit)
    if after is None:
        await _note(desk, Verb.VIEWED, seen, {})
    end = start + len(rows)
    return Contents(
        run_id=run_id,
        columns=_columns(seen.contents.columns),
        rows=[list(row) for row in rows],
        total=seen.contents.rows,
        next=str(end) if rows and end < seen.contents.rows else None,
        collected_at=seen.run.started_at,
        content_hash=seen.contents.content_hash,
    )


async def compare(desk: Desk, sync_id: str, run_id: str) -> Difference:
    """Return what a run collected that the one before did not, and the other way round; the first differs from nothing."""
    desk.require("instances.view")

    def read(conn: Conn) -> tuple[_Seen, tuple[RunRow, ContentsRow] | None]:
        seen = _seen(conn, desk, sync_id, run_id)
        before = proof.run_before(conn, sync_id, run_id)
        return seen, None if before is None else (before, proof.contents(conn, sync_id, before.content_hash))

    seen, before = await desk.read(read)
    await _note(desk, Verb.VIEWED, seen, {"difference": True})
    later = seen.contents
    if before is None or before[0].content_hash == later.content_hash:
        return Difference(
            run_id=run_id,
            before_run_id=None if before is None else before[0].id,
            columns=_columns(later.columns),
            unchanged=0 if before is None else later.rows,
        )
    earlier = before[1]
    found = await asyncio.to_thread(lambda: difference(_side(earlier), _side(later)))
    called = {each["key"]: each["label"] for each in (*earlier.columns, *later.columns)}
    return Difference(
        run_id=run_id,
        before_run_id=before[0].id,
        columns=[ColumnView(key=key, label=called[key]) for key in found.columns],
        columns_added=found.columns_added,
        columns_removed=found.columns_removed,
        added=[list(row) for row in found.added],
        removed=[list(row) for row in found.removed],
        changed=[RowChange(id=each.id, before=each.before, after=each.after) for each in found.changed],
        totals={kind: found.totals[kind] for kind in ("added", "removed", "changed")},
        unchanged=found.totals["unchanged"],
        cut=found.cut,
    )


async def export(desk: Desk, sync_id: str, run_id: str, kind: Format) -> File:
    """Return what a run collected as a file, noted before its first part."""
    desk.require("instances.view")
    seen = await desk.read(_seen, desk, sync_id, run_id)
    await _note(desk, Verb.EXPORTED, seen, {"format": kind})
    columns = seen.contents.columns
    rows = packing.unpacked(seen.contents.body)
    name = _file_name(seen, kind)
    if kind == "csv":
        parts = as_csv([each["label"] for each in columns], rows)
        return File(name, "text/csv", _apart(parts))
    head = {
        "name": seen.row.name,
        "run": run_id,
        "collected_at": seen.run.started_at.isoformat(),
        "content_hash": seen.contents.content_hash,
        "columns": [{"key": each["key"], "label": each["label"]} for each in columns],
    }
    return File(name, "application/json", _apart(as_json(head, [each["key"] for each in columns], rows)))


def _seen(conn: Conn, desk: Desk, sync_id: str, run_id: str) -> _Seen:
    """Return what a run collected; NotPermitted for those who are no members of what it is filed under."""
    row, _ = get_sync(conn, sync_id)
    if not labels.is_member(conn, row.label_id, desk.operator.user):
        raise _not_a_member(conn, desk, row)
    run = proof.run(conn, sync_id, run_id)
    if not run.content_hash:
        raise NotFound(
            f"the run {run_id} collected nothing",
            fix=run.error or f"`healthdesk instances runs {sync_id}` names those that did",
        )
    return _Seen(row, run, proof.contents(conn, sync_id, run.content_hash))


def _not_a_member(conn: Conn, desk: Desk, row: InstanceRow) -> NotPermitted:
    try:
        label = labels.get(conn, row.label_id or "")
    except NotFound:
        return NotPermitted(
            f"{row.name} is filed under nothing",
            fix=f"`healthdesk instances settings {row.id} --label LABEL` files it",
        )
    add = f"`healthdesk labels edit {label.id} --add-member {desk.operator.user}`"
    asked = ", ".join(label.members)
    whom = f"Ask one of its members ({asked})" if asked else "It has no members"
    return NotPermitted(
        f"what it collected is shown to members of the {label.kind.value} {label.name}",
        fix=f"{whom}, or be added by a manager of the desk: {add}",
    )


async def _note(desk: Desk, verb: Verb, seen: _Seen, more: Mapping[str, Any]) -> None:
    def change(conn: Conn) -> None:
        detail = {"run": seen.run.id, "rows": seen.contents.rows, **more}
        desk.note(conn, verb, "instance", seen.row.id, seen.row.name, detail)

    await desk.write(change)


def _columns(columns: Sequence[Mapping[str, Any]]) -> list[ColumnView]:
    return [ColumnView(key=each["key"], label=each["label"]) for each in columns]


def _side(stored: ContentsRow) -> Side:
    id_column = next((each["key"] for each in stored.columns if each.get("id")), "")
    return Side([each["key"] for each in stored.columns], id_column, packing.unpacked(stored.body))


def _file_name(seen: _Seen, kind: Format) -> str:
    """Return a name that every file system takes: letters, digits and dashes."""
    words = "".join(char if char.isascii() and char.isalnum() else "-" for char in seen.row.name)
    plain = "-".join(part for part in words.split("-") if part)[:80] or seen.row.id
    return f"{plain}-{seen.run.started_at:%Y%m%d-%H%M}.{kind}"


async def _apart(parts: Iterator[bytes]) -> AsyncIterator[bytes]:
    """Return the parts of a file, each made in a thread: a long one would hold up everything else."""
    while (part := await asyncio.to_thread(next, parts, None)) is not None:
        yield part
