"""Calls about labels and controls."""

from __future__ import annotations

from pydantic import TypeAdapter

from healthdesk.api.common import Page
from healthdesk.api.labels import Label, LabelCreate, LabelEdit
from healthdesk.client.params import optional, paging, seg
from healthdesk.client.transport import Transport
from healthdesk.domain.instance_states import LabelKind

_ONE = TypeAdapter(Label)
_PAGE = TypeAdapter(Page[Label])


class LabelCalls:
    """Labels and controls, under which proof is filed."""

    _http: Transport

    async def labels_list(
        self, *, kind: LabelKind | None = None, after: str | None = None, limit: int = 50
    ) -> Page[Label]:
        """Labels and controls, oldest first."""
        query = paging(after, limit) + optional(kind=kind)
        return await self._http.call(_PAGE, "GET", "/v1/labels", query=query)

    async def label(self, label_id: str) -> Label:
        """One label or control."""
        return await self._http.call(_ONE, "GET", _path(label_id))

    async def label_create(self, new: LabelCreate) -> Label:
        """Add a label or control; you are its first member."""
        return await self._http.call(_ONE, "POST", "/v1/labels", body=new)

    async def label_edit(self, label_id: str, changes: LabelEdit) -> Label:
        """Change it; members given replace all it has."""
        return await self._http.call(_ONE, "PATCH", _path(label_id), body=changes)

    async def label_remove(self, label_id: str) -> None:
        """Remove it; refused while proof is filed under it."""
        await self._http.raw("DELETE", _path(label_id))


def _path(label_id: str) -> str:
    return f"/v1/labels/{seg(label_id)}"
