"""Tasks: how an external issue is created, read, changed, found, and which statuses it can have."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field, model_validator

from healthdesk.connectors.spec.base import (
    Expression,
    FieldManifest,
    Key,
    Label,
    Part,
    Regex,
    RequestTemplate,
    Template,
)
from healthdesk.connectors.spec.paging import Paging


class TaskResult(Part):
    """An external issue, as expressions over one item of an answer. `url` is for people: an expression, or
    `url_template` over inputs, settings and the fields of the result. `times` is how `due` and `updated_at` are written.
    """

    id: Expression
    key: Expression | None = None
    url: Expression | None = None
    url_template: Template = ""
    title: Expression | None = None
    description: Expression | None = None
    status: Expression | None = None
    status_name: Expression | None = None
    done: Expression | None = None
    due: Expression | None = None
    assignee: Expression | None = None
    updated_at: Expression | None = None
    times: Literal["iso", "epoch_ms"] = "iso"


class TaskOperation(Part):
    """One request on tasks. `items` leads to the issue, or to the list of issues, in the answer.

    Inputs: the container's fields, `title`, `description`, `status`, `due` (ISO date), `assignee`, and for all but
    create `id` and `key` of the issue. An input that is not given has no value. With `due` there is `due_ms`, the
    milliseconds since 1970 at noon of that day in UTC; with `status` there is `done`, whether one of the fixed
    statuses means done; with `assignee` there is `assignee_id`, where `tasks.assignee` finds people.

    `match`, of a search whose app cannot look for text: kept are the items in which this expression has every word.
    """

    request: RequestTemplate
    items: Expression = "@"
    result: TaskResult | None = None
    success: Expression | None = None
    paging: Paging | None = None
    match: Expression | None = None


class AssigneeLookup(Part):
    """How the app's id of an assignee is found by what people say: a request that may use the input `assignee`.

    Of its `items` the one whose `id`, or one of whose `names`, is that text decides, whatever its case.
    """

    request: RequestTemplate
    items: Expression = "@"
    id: Expression = "id"
    names: Annotated[list[Expression], Field(min_length=1)]


class StatusValue(Part):
    """One status: its id in requests, its name for people, whether it means done."""

    id: str
    name: Label
    done: bool = False


class StatusesManifest(Part):
    """The statuses an issue can have: fixed `values`, or asked for with `request`."""

    values: list[StatusValue] = []
    request: RequestTemplate | None = None
    items: Expression = "@"
    id: Expression = "id"
    name: Expression = "name"
    done: Expression | None = None

    @model_validator(mode="after")
    def _one_source(self) -> StatusesManifest:
        if bool(self.values) == (self.request is not None):
            raise ValueError("give either values or a request")
        return self


class TaskLookup(Part):
    """How an issue is found by what people paste: regular expressions with named groups over URL and key.

    The groups become inputs of `get`: `id`, `key`, or fields of the container.
    """

    url: Regex = ""
    key: Regex = ""


class TasksManifest(Part):
    """What the connector can do with tasks. `container` are the fields that say where they live.

    `transition` changes the status where `update` cannot. `search` has the input `text`. `recent` lists what was
    created lately, for an app whose search lags behind: a creation whose answer was lost is looked for there. `probe` is the
    id of the one that proves the account may work in the container: it tells an issue that was deleted from a project
    that the account no longer sees. `clears` are fields that a change empties when it says null, or an empty list.
    """

    noun: Label = "issue"
    probe: Key | None = None
    container: list[FieldManifest] = []
    result: TaskResult
    create: TaskOperation
    get: TaskOperation
    update: TaskOperation | None = None
    transition: TaskOperation | None = None
    search: TaskOperation | None = None
    recent: TaskOperation | None = None
    statuses: StatusesManifest
    lookup: TaskLookup = TaskLookup()
    assignee: AssigneeLookup | None = None
    clears: list[Literal["due", "assignee"]] = []
    required: Annotated[list[FieldManifest], Field(max_length=50)] = []
    """Further fields that a creation needs and that the project decides."""
