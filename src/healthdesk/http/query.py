"""Query parameters and bodies become models; what is wrong with them becomes a sentence without the value."""

from __future__ import annotations

import types
from datetime import datetime
from typing import Any, Literal, TypeVar, Union, get_args, get_origin

from multidict import MultiMapping
from pydantic import BaseModel, Field, ValidationError

from healthdesk.api import MAX_PAGE
from healthdesk.api.common import Input
from healthdesk.api.filters import ExportChoice
from healthdesk.api.instances import InstanceFilter
from healthdesk.api.records import Direction, Order, RecordFilter
from healthdesk.api.tasks import TaskFilter
from healthdesk.domain.states import (
    CallbackState,
    Environment,
    ErrorKind,
    HoldReason,
    ProblemState,
    RecordState,
)
from healthdesk.errors import Malformed

M = TypeVar("M", bound=BaseModel)


class Paging(Input):
    """A page of a list: `after` is the `next` of the page before."""

    after: str | None = Field(default=None, min_length=1, max_length=200)
    limit: int = Field(default=50, ge=1, le=MAX_PAGE)


class RecordMatch(Input):
    """The log's filter; lists may be repeated. Ranges are [from, to). Each `lookup` is `field=value`."""

    integration_id: str | None = None
    environment: Environment | None = None
    source: str | None = None
    state: list[RecordState] = []
    problem_id: str | None = None
    job_id: str | None = None
    arrived_from: datetime | None = None
    arrived_to: datetime | None = None
    completed_from: datetime | None = None
    completed_to: datetime | None = None
    first_attempt_from: datetime | None = None
    first_attempt_to: datetime | None = None
    last_attempt_from: datetime | None = None
    last_attempt_to: datetime | None = None
    level: list[str] = []
    status: list[int] = []
    error_kind: list[ErrorKind] = []
    hold_reason: list[HoldReason] = []
    sample: bool | None = None
    text: str = Field(default="", max_length=200)
    lookup: list[str] = []

    def chosen(self) -> RecordFilter:
        """Return it as the log's filter."""
        same = self.model_dump(include=_SAME)
        return RecordFilter(
            **same,
            states=self.state,
            levels=self.level,
            statuses=self.status,
            error_kinds=self.error_kind,
            hold_reasons=self.hold_reason,
            lookup=_lookup(self.lookup),
        )


_SAME = {*RecordMatch.model_fields} & {*RecordFilter.model_fields} - {"lookup"}
"""What is named alike in both."""


def _lookup(given: list[str]) -> dict[str, str]:
    found: dict[str, str] = {}
    for each in given:
        name, separator, value = each.partition("=")
        if not name or not separator or name in found:
            raise Malformed("lookup is field=value, each field once", field="lookup")
        found[name] = value
    return found


class RecordList(RecordMatch, Paging):
    """A page of the log; without `order` it is sorted by the first date that it bounds, else by arrival."""

    direction: Direction = "newest"
    order: Order | None = None


class RecordCount(RecordMatch):
    """A count of the log; without `exact` it stops at the limit."""

    exact: bool = False


class RecordExport(RecordMatch, ExportChoice):
    """The log as a file."""

    direction: Direction = "newest"


class CallbackList(Paging):
    """A page of callbacks; `state` may be repeated."""

    connection_id: str | None = None
    integration_id: str | None = None
    state: list[CallbackState] = []
    arrived_from: datetime | None = None
    arrived_to: datetime | None = None
    direction: Direction = "newest"


class ProblemList(Paging):
    """A page of problems; without `state` those that are not resolved."""

    state: list[ProblemState] = []
    integration_id: str | None = None
    connection_id: str | None = None


class InstanceList(InstanceFilter, Paging):
    """A page of tasks and proof syncs; `state`, `connection_id` and `integration_id` may be repeated."""


class AlertList(Paging):
    """A page of the outbox."""

    problem_id: str | None = None
    channel_id: str | None = None


class TaskList(TaskFilter, Paging):
    """A page of tasks."""


class IntegrationRemoval(Input):
    """What becomes of the linked tasks of an integration that is removed; without it there must be none."""

    instances: Literal["unlink"] | None = None


class ExpiryList(Paging):
    """A page of the calendar of expiries; without `within_days` every end that is known."""

    within_days: int | None = Field(default=None, ge=0, le=3650)


class ActivityList(Paging):
    """A page of what was done."""

    user: str | None = None
    object_id: str | None = None


def repeats(model: type[BaseModel]) -> frozenset[str]:
    """Return the parameters of a model that may be given more than once."""
    return frozenset(name for name, field in model.model_fields.items() if _is_list(field.annotation))


def _is_list(annotation: Any) -> bool:
    if get_origin(annotation) in (Union, types.UnionType):
        return any(_is_list(part) for part in get_args(annotation))
    return get_origin(annotation) is list


def parse_query(model: type[M], given: MultiMapping[str], many: frozenset[str]) -> M:
    """Return the parameters as a model. Unknown and repeated ones are refused."""
    values: dict[str, Any] = {}
    for name in dict.fromkeys(given):
        all_values = given.getall(name)
        if name in many:
            values[name] = all_values
        elif len(all_values) > 1:
            raise Malformed(f"the parameter {name} is given twice", field=name)
        else:
            values[name] = all_values[0]
    try:
        return model.model_validate(values)
    except ValidationError as error:
        raise wrong_input(error, model, "parameter") from None


def parse_body(model: type[M], raw: bytes) -> M:
    """Return a JSON body as a model. An empty body is an empty object."""
    try:
        return model.model_validate_json(raw or b"{}")
    except ValidationError as error:
        raise wrong_input(error, model, "field") from None
    except ValueError:
        raise Malformed("the body is not JSON in UTF-8", fix="send a JSON object") from None


def wrong_input(error: ValidationError, model: type[BaseModel], kind: str) -> Malformed:
    """Return what is wrong, by name and never with the value, which may be a secret."""
    found = error.errors(include_url=False, include_context=False, include_input=False)
    first = found[0]
    place = ".".join(str(part) for part in first["loc"])
    if first["type"] == "json_invalid":
        return Malformed("the body is not JSON in UTF-8", fix="send a JSON object")
    sentence = "; ".join(_sentence(each) for each in found[:5])
    fix = ""
    if first["type"] == "extra_forbidden":
        holder = _model_at(model, first["loc"][:-1])
        if holder is not None:
            fix = f"known {kind}s: " + ", ".join(sorted(holder.model_fields))
    return Malformed(sentence, field=place, fix=fix)


def _model_at(model: type[BaseModel], place: tuple[int | str, ...]) -> type[BaseModel] | None:
    """Return the model that holds the fields at a place within `model`, or None where it is no plain model."""
    for part in place:
        field = model.model_fields.get(str(part))
        kinds = [field.annotation, *get_args(field.annotation)] if field else []
        inner = next((kind for kind in kinds if isinstance(kind, type) and issubclass(kind, BaseModel)), None)
        if inner is None:
            return None
        model = inner
    return model


def _sentence(found: Any) -> str:
    place = ".".join(str(part) for part in found["loc"])
    message = "unknown" if found["type"] == "extra_forbidden" else _lower(found["msg"])
    return f"{place}: {message}" if place else message


def _lower(message: str) -> str:
    return message[:1].lower() + message[1:]
