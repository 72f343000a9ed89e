"""What an environment is told about delivering is checked when it is saved, so that no record fails of a typing error."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator

from pydantic import TypeAdapter, ValidationError

from healthdesk.api.delivery import DeliveryMethod
from healthdesk.connectors.spec.base import Expression
from healthdesk.domain import mapping
from healthdesk.domain.bodies import check_xml_root
from healthdesk.domain.states import BodyFormat
from healthdesk.domain.templating import data_names, split_path, template
from healthdesk.engine.ways import BODILESS
from healthdesk.errors import Malformed, MappingError
from healthdesk.operations.receipts import check_outcomes
from healthdesk.store.rows import EnvironmentRow, SourceRow

_EXPRESSION: TypeAdapter[str] = TypeAdapter(Expression)


def check_environment(row: EnvironmentRow) -> None:
    """Raise Malformed for an environment, as it would be saved, that cannot deliver what it says."""
    field = row.environment.value
    delivery = DeliveryMethod.model_validate(row.delivery)
    _at(f"{field}.path", lambda: template(row.path))
    for name, value in row.headers.items():
        _at(f"{field}.headers.{name}", lambda value=value: template(value))  # type: ignore[misc]
    _check_method(row, delivery)
    _at(f"{field}.delivery", lambda: mapping.check(delivery.mapping))
    _at(f"{field}.delivery", lambda: check_xml_root(delivery.xml_root))
    if delivery.order is not None:
        key = delivery.order.key
        _at(f"{field}.delivery.order.key", lambda: split_path(key))
    if delivery.lookup is not None:
        for name, text in (("path", delivery.lookup.path), ("body", delivery.lookup.body)):
            _at(f"{field}.delivery.lookup.{name}", lambda text=text: template(text))  # type: ignore[misc]
    check_outcomes(delivery, f"{field}.delivery")
    for place, expression in _expressions(delivery):
        _check_expression(expression, f"{field}.delivery.{place}")


def _check_method(row: EnvironmentRow, delivery: DeliveryMethod) -> None:
    field = row.environment.value
    if row.method in BODILESS:
        given = [
            name
            for name, there in (
                ("body", delivery.body is not BodyFormat.AS_POSTED),
                ("mapping", bool(delivery.mapping)),
                ("batch", delivery.batch is not None),
            )
            if there
        ]
        if given:
            raise Malformed(
                f"a {row.method} has no body, and {given[0]} makes one",
                field=f"{field}.delivery.{given[0]}",
                fix="take POST, PUT or PATCH, or put what the endpoint needs into the path",
            )
        if template(row.path).plain:
            raise Malformed(
                f"a {row.method} carries nothing of a record but its path and headers, and the path names nothing of it",
                field=f"{field}.path",
                fix="name what tells records apart, such as {data.participant} or {webhook_id}",
            )
    if delivery.batch is not None and delivery.body is BodyFormat.FORM:
        raise Malformed(
            "a form has no way to hold several records",
            field=f"{field}.delivery.batch",
            fix="take json or xml for the body, or leave the batch out",
        )
    if delivery.batch is not None:
        for place, text in (
            ("path", row.path),
            *((f"headers.{name}", text) for name, text in row.headers.items()),
        ):
            if not template(text).plain:
                raise Malformed(
                    "a batch has one path and one set of headers for several records, and this names one of them",
                    field=f"{field}.{place}",
                    fix='put what tells records apart into the body with the mapping: set key = "{webhook_id}"',
                )


def _expressions(delivery: DeliveryMethod) -> Iterator[tuple[str, str]]:
    if delivery.batch is not None:
        for name in ("results", "result_id", "result_status", "result_error"):
            yield f"batch.{name}", getattr(delivery.batch, name)
    if delivery.lookup is not None:
        yield "lookup.found", delivery.lookup.found
    if delivery.receipt is not None:
        for name in ("id", "status", "error"):
            yield f"receipt.{name}", getattr(delivery.receipt, name)


def _check_expression(expression: str, field: str) -> None:
    if not expression:
        return
    try:
        _EXPRESSION.validate_python(expression)
    except ValidationError as error:
        what = error.errors()[0]["msg"].removeprefix("Value error, ")
        raise Malformed(what, field=field, fix="jmespath.org describes them") from None


def _at(field: str, check: Callable[[], object]) -> None:
    """Run a check; what is wrong is told with its place in the request."""
    try:
        check()
    except MappingError as error:
        place = f"{field}.{error.field}" if error.field else field
        raise Malformed(error.what, field=place, fix=error.fix) from None


def notes(row: EnvironmentRow, sources: Collection[SourceRow]) -> list[str]:
    """Return what to see to: members of data that an environment names and no source enabled for it declares."""
    declared = {field["name"] for source in sources for field in source.fields}
    if not declared or any(not source.fields for source in sources):
        return []
    delivery = DeliveryMethod.model_validate(row.delivery)
    texts = {"path": row.path}
    texts |= {f"header {name}": value for name, value in row.headers.items()}
    texts |= {
        f"mapping step {number}": step.value
        for number, step in enumerate(delivery.mapping, 1)
        if isinstance(step.value, str)
    }
    return [
        f"{row.environment.value}: the {place} names {{data.{name}}}, which no source enabled for it declares "
        f"({', '.join(sorted(declared))})."
        for place, names in data_names(texts).items()
        for name in sorted(names - declared)
    ]
