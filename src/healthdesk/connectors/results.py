"""What connectors take and give: external issues, their statuses, rows of a dataset."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from healthdesk.connectors.paths import as_text, one_line
from healthdesk.connectors.spec import FieldManifest
from healthdesk.domain.exchange import Exchange, Failure

MOST_LINE = 2_000
MOST_DESCRIPTION = 65_536
NOTHING: Mapping[str, object] = {}


@dataclass(frozen=True, slots=True)
class TaskInputs:
    """What an external issue shall say. None is not given, and stays as it is; an empty text is sent as one.

    `status` is an id of `Connector.statuses`, `due` an ISO date. `fields` are the further ones of a creation.
    """

    title: str | None = None
    description: str | None = None
    status: str | None = None
    due: str | None = None
    assignee: str | None = None
    fields: Mapping[str, object] = field(default_factory=dict)

    def given(self) -> dict[str, object]:
        """Return what was given, by the names that templates use."""
        named = {
            "title": self.title,
            "description": self.description,
            "status": self.status,
            "due": self.due,
            "assignee": self.assignee,
        }
        return {**self.fields, **{name: value for name, value in named.items() if value is not None}}


@dataclass(frozen=True, slots=True)
class ExternalTask:
    """An issue at an app. `id` is what requests want, `key` what people say; what the app does not tell is empty.

    Whoever reads it: no text has characters that a database refuses, and only the description has lines.
    """

    id: str
    key: str = ""
    url: str = ""
    title: str = ""
    description: str = ""
    status: str = ""
    status_name: str = ""
    done: bool = False
    due: str = ""
    assignee: str = ""
    updated_at: str = ""

    def __post_init__(self) -> None:
        for name in _LINES:
            object.__setattr__(self, name, one_line(getattr(self, name), MOST_LINE))
        object.__setattr__(self, "description", as_text(self.description, MOST_DESCRIPTION))


_LINES = ("id", "key", "url", "title", "status", "status_name", "due", "assignee", "updated_at")


@dataclass(frozen=True, slots=True)
class TaskStatus:
    """A status an issue can have: its id in requests, its name for people, whether it means done."""

    id: str
    name: str
    done: bool = False


@dataclass(frozen=True, slots=True)
class TaskAnswer:
    """One issue, or why there is none. `exchange` is the last one; None where nothing had to be asked."""

    task: ExternalTask | None
    failure: Failure | None = None
    exchange: Exchange | None = None


@dataclass(frozen=True, slots=True)
class TasksAnswer:
    """The issues that were found. `cut` says that there are more."""

    tasks: list[ExternalTask]
    failure: Failure | None = None
    exchange: Exchange | None = None
    cut: bool = False


@dataclass(frozen=True, slots=True)
class StatusesAnswer:
    """The statuses an issue can have."""

    statuses: list[TaskStatus]
    failure: Failure | None = None
    exchange: Exchange | None = None


@dataclass(frozen=True, slots=True)
class FieldsAnswer:
    """The further fields that a creation needs."""

    fields: list[FieldManifest]
    failure: Failure | None = None
    exchange: Exchange | None = None


@dataclass(frozen=True, slots=True)
class Collected:
    """The rows of a dataset, each with every column in order. `cut` says that there are more.

    With a `failure` the rows are those that came before it. `exchange` is the last one.
    """

    rows: list[dict[str, str]]
    columns: list[str]
    cut: bool = False
    failure: Failure | None = None
    exchange: Exchange | None = None
