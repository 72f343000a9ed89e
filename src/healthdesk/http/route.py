"""What a route of the operator API is: the row that router, OpenAPI and documentation are made from."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from typing import Any, TypeVar

from pydantic import BaseModel

from healthdesk.operations.desk import Desk

M = TypeVar("M", bound=BaseModel)


@dataclass(frozen=True, slots=True)
class Call:
    """One request, checked: who asks, path parameters, query and body as models, and the body's bytes."""

    desk: Desk
    path: Mapping[str, str]
    query_model: BaseModel | None
    body_model: BaseModel | None
    raw: bytes

    def query(self, model: type[M]) -> M:
        """Return the query parameters."""
        assert isinstance(self.query_model, model)
        return self.query_model

    def body(self, model: type[M]) -> M:
        """Return the body."""
        assert isinstance(self.body_model, model)
        return self.body_model


@dataclass(frozen=True, slots=True)
class Route:
    """One method of one path. `action` names the permission; `output` None answers 204 without a body.

    `media` are the content types of an answer that is not JSON made of `output`: the handler answers by itself.
    """

    method: str
    path: str
    action: str
    summary: str
    handler: Callable[[Call], Awaitable[Any]]
    output: Any = None
    input: type[BaseModel] | None = None
    query: type[BaseModel] | None = None
    status: int = 200
    media: tuple[str, ...] = ()

    @property
    def tag(self) -> str:
        """Return the noun the route is about."""
        return self.action.partition(".")[0]
