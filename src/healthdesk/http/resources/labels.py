"""Routes of labels and controls."""

from __future__ import annotations

from healthdesk.api.common import Page
from healthdesk.api.labels import Label, LabelCreate, LabelEdit
from healthdesk.domain.instance_states import LabelKind
from healthdesk.http.query import Paging
from healthdesk.http.route import Call, Route
from healthdesk.operations import labels


class LabelList(Paging):
    """A page of labels and controls, or of one kind."""

    kind: LabelKind | None = None


async def _list(call: Call) -> Page[Label]:
    query = call.query(LabelList)
    return await labels.list_all(call.desk, query.kind, query.after, query.limit)


async def _add(call: Call) -> Label:
    return await labels.add(call.desk, call.body(LabelCreate))


async def _show(call: Call) -> Label:
    return await labels.show(call.desk, call.path["id"])


async def _edit(call: Call) -> Label:
    return await labels.edit(call.desk, call.path["id"], call.body(LabelEdit))


async def _remove(call: Call) -> None:
    await labels.remove(call.desk, call.path["id"])


_ALL = "/v1/labels"
_ONE = "/v1/labels/{id}"

ROUTES = (
    Route(
        "GET", _ALL, "labels.list", "Labels and controls, oldest first.", _list, Page[Label], query=LabelList
    ),
    Route(
        "POST",
        _ALL,
        "labels.add",
        "Add a label or control; whoever adds it is its first member.",
        _add,
        Label,
        LabelCreate,
    ),
    Route("GET", _ONE, "labels.show", "One label or control with its members.", _show, Label),
    Route("PATCH", _ONE, "labels.edit", "Change its name, description or members.", _edit, Label, LabelEdit),
    Route("DELETE", _ONE, "labels.remove", "Remove it, unless proof is filed under it.", _remove, status=204),
)
