"""Shapes shared by every resource."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Generic, TypeVar

from pydantic import BaseModel, ConfigDict, Field

T = TypeVar("T")

Name = Annotated[str, Field(min_length=1, max_length=100)]
Note = Annotated[str, Field(max_length=500)]


class Input(BaseModel):
    """A request body. Unknown keys are refused, so that a typing error is not silently ignored."""

    model_config = ConfigDict(extra="forbid", str_strip_whitespace=True, defer_build=True)


class Output(BaseModel):
    """A response body. Unknown keys are ignored, so that an older client reads a newer daemon."""

    model_config = ConfigDict(extra="ignore", from_attributes=True, defer_build=True)


class Page(Output, Generic[T]):
    """One page of a list: `items` in the order asked for, `next` the cursor for `after`, None at the end."""

    items: list[T]
    next: str | None = None


class Count(Output):
    """How many rows a filter matches. `exact` is False when counting stopped at the limit: there are at least `total`."""

    total: int
    exact: bool = True


class Problem(Output):
    """RFC 9457 problem details, the body of every error (`application/problem+json`).

    `blame` and `kind` are there when an app was asked first and did not agree: whose fault, and what kind of failure.
    `changes` are there when new credentials are not those of the same account: `what`, `before`, `after` and `sentence`
    of each, as in an IdentityChange.
    """

    type: str
    title: str
    status: int
    detail: str
    fix: str = ""
    field: str = ""
    instance: str = ""
    blame: str = ""
    kind: str = ""
    changes: list[dict[str, str]] = []


class Explanation(Output):
    """Why something is not well: what, since when, whose fault, and what helps."""

    sentence: str
    since: datetime | None = None
    blame: str = ""
    next_action: str = ""
    key: str = ""
    """The TUI key that helps, or empty."""
