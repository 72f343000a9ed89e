"""What can be collected as proof: a request, the items in its answer, their columns."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field

from healthdesk.connectors.spec.base import (
    Expression,
    FieldManifest,
    Key,
    Label,
    Part,
    RequestTemplate,
    Template,
)
from healthdesk.connectors.spec.paging import Paging


class ColumnManifest(Part):
    """One column: an expression over an item. Lists become text, joined by commas."""

    key: Key
    label: Label
    path: Expression


class DatasetManifest(Part):
    """A dataset. `title` is the name a proof sync gets by itself, a template over the inputs.

    `items` gives the rows; an object becomes one row. `id_column` tells rows of two runs apart. `probe` is the id of the
    probe that proves that the account may read it, whose fields are among its own.
    """

    id: Key
    name: Label
    summary: str = ""
    title: Template = ""
    fields: list[FieldManifest] = []
    request: RequestTemplate
    items: Expression = "@"
    columns: Annotated[list[ColumnManifest], Field(min_length=1)]
    id_column: Key | None = None
    paging: Paging | None = None
    probe: Key | None = None
