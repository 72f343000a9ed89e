"""How a list of an app goes on."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field, model_validator

from healthdesk.connectors.spec.base import Expression, Part


class Paging(Part):
    """How the next page is asked for.

    `none`; `link`: the Link header with rel=next (RFC 8288); `url`: `next` is an expression that gives the next URL;
    `cursor`: `next` gives a value for the parameter `param`; `header`: the header `next_header` gives it; `page` and
    `offset`: `param` counts pages from `start`, or items, until a page is empty, shorter than `size`, or `more` is
    false; without `ask_first` the first page is asked for without its number, as one gets it by itself. `size_param` asks
    for `size` items. `into` is where the parameters go.
    A next URL on another origin than the connection's is refused.
    """

    type: Literal["none", "link", "url", "cursor", "header", "page", "offset"] = "none"
    next: Expression | None = None
    next_header: str = ""
    more: Expression | None = None
    param: str = ""
    size_param: str = ""
    size: Annotated[int, Field(ge=1, le=1000)] = 100
    start: int = 1
    ask_first: bool = True
    into: Literal["query", "json", "variables"] = "query"

    @model_validator(mode="after")
    def _complete(self) -> Paging:
        if self.type in ("url", "cursor") and self.next is None:
            raise ValueError(f"type {self.type} needs next")
        if self.type == "header" and not self.next_header:
            raise ValueError("type header needs next_header")
        if self.type in ("cursor", "header", "page", "offset") and not self.param:
            raise ValueError(f"type {self.type} needs param")
        return self
