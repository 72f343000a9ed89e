"""What an app's refusals mean: rules from status, header, body and text to a kind, a sentence and a fix."""

from __future__ import annotations

import re
from typing import Annotated, Literal

from pydantic import AfterValidator, Field, model_validator

from healthdesk.connectors.spec.base import Expression, Part, Regex, Template
from healthdesk.domain.states import Blame, ErrorKind

Operation = Literal["heartbeat", "probe", "tasks", "datasets", "delivery", "token"]


def _status(text: str) -> str:
    if not re.fullmatch(r"[1-5]([0-9]{2}|xx)", text):
        raise ValueError(f"{text!r} is not a status such as 403 or 5xx")
    return text


Status = Annotated[str, Field(coerce_numbers_to_str=True), AfterValidator(_status)]


class ErrorRule(Part):
    """The first rule that fits an answer decides. Every condition that is given must hold; at least one is needed.

    `status`: one of these (`5xx` is a class). `when`: an expression that is true of the body. `content_type`: how
    the header begins. `header`: name to a regular expression found in its value. `text`: a regular expression found
    in the body. `on`: only these operations; a refused token is judged by rules that name `token`, then by OAuth's own
    codes, then by rules without `on`. `sentence` and `fix` are templates; `{message}` is what the app said, `{status}` and
    `{app}` are known too. `kind` decides what follows, `blame` only overrides whose fault that is.
    """

    status: list[Status] = []
    when: Expression | None = None
    content_type: str = ""
    header: dict[str, Regex] = {}
    text: Regex = ""
    on: list[Operation] = []
    kind: ErrorKind
    blame: Blame | None = None
    sentence: Template
    fix: Template = ""

    @model_validator(mode="after")
    def _has_condition(self) -> ErrorRule:
        if not (self.status or self.when or self.content_type or self.header or self.text):
            raise ValueError("give at least one of status, when, content_type, header and text")
        return self


class RateLimits(Part):
    """Headers that tell how much is left and when it is reset: seconds from now, or a time.

    A refusal without Retry-After waits until `reset`. `retry_after` is another name of that header. `wait` gives the
    seconds to wait where the body of a refusal tells them.
    """

    remaining: str = ""
    reset: str = ""
    reset_format: Literal["seconds", "epoch_s", "epoch_ms", "iso"] = "epoch_s"
    retry_after: str = "Retry-After"
    wait: Expression | None = None
