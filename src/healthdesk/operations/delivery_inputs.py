"""What an environment is told about delivering is checked when it is saved, so that no record fails of a typing error."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator

from pydantic import TypeAdapter, ValidationError

from healthdesk.api.delivery import DeliveryMethod
from healthdesk.connectors.app import App
from healthdesk.connectors.auth import check_value
from healthdesk.connectors.spec import FieldManifest
from healthdesk.connectors.spec.base import Expression
from healthdesk.domain import mapping
from healthdesk.domain.bodies import check_xml_root
from healthdesk.domain.states import BodyFormat
from healthdesk.domain.templating import data_names, split_path, template
from healthdesk.engine.ways import BODILESS
from healthdesk.errors import ConnectorError, Malformed, MappingError
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


def check_operation(row: EnvironmentRow, app: App | None) -> None:
    """Raise Malformed where an environment and its connection's app do not agree on how records are delivered."""
    field = row.environment.value
    delivery = DeliveryMethod.model_validate(row.delivery)
    known = {} if app is None else app.manifest.delivery
    if not known:
        if delivery.operation or delivery.inputs:
            what = "operation" if delivery.operation else "inputs"
            raise Malformed(
                "only apps have delivery operations, and an HTTP endpoint has a path, a method and a body",
                field=f"{field}.delivery.{what}",
                fix="leave it out, or deliver through a connection of such an app",
            )
        return
    assert app is not None
    operation = known.get(delivery.operation)
    if operation is None:
        said = (
            f"{app.name} has no operation {delivery.operation}"
            if delivery.operation
            else f"records reach {app.name} by an operation"
        )
        raise Malformed(
            said,
            field=f"{field}.delivery.operation",
            fix=f"one of {', '.join(known)}: `healthdesk apps {app.id}` tells what they do",
        )
    _refuse_beside(row, delivery, app.name)
    if delivery.batch is not None and delivery.batch.size > operation.most:
        raise Malformed(
            f"{app.name} takes at most {operation.most} at once",
            field=f"{field}.delivery.batch.size",
            fix=f"at most {operation.most}",
        )
    fields = {each.key: each for each in operation.fields}
    for name, text in delivery.inputs.items():
        place = f"{field}.delivery.inputs.{name}"
        if name not in fields:
            raise Malformed(
                f"{delivery.operation} has no input {name}",
                field=place,
                fix=f"its inputs: {', '.join(fields)}",
            )
        _at(place, lambda text=text: template(text))  # type: ignore[misc]
        if name in operation.request.names() and not template(text).plain:
            raise Malformed(
                f"{name} is the same for all records, and this names one of them",
                field=place,
                fix="give its name itself",
            )
        _at_value(fields[name], text, place)
    for name, each in fields.items():
        if each.required and not (delivery.inputs.get(name) or each.default):
            raise Malformed(
                f"the input {name} is missing",
                field=f"{field}.delivery.inputs.{name}",
                fix=each.help or f"for example {each.example}",
            )


def _at_value(known: FieldManifest, text: str, place: str) -> None:
    if template(text).plain and text:
        try:
            check_value(known, text, place)
        except ConnectorError as error:
            raise Malformed(error.what, field=place, fix=error.fix) from None


def _refuse_beside(row: EnvironmentRow, delivery: DeliveryMethod, name: str) -> None:
    """Raise Malformed for what an operation decides by itself."""
    batch = delivery.batch
    beside = (
        ("path", bool(row.path)),
        ("headers", bool(row.headers)),
        ("delivery.body", delivery.body is BodyFormat.FORM or delivery.body is BodyFormat.XML),
        ("delivery.lookup", delivery.lookup is not None),
        ("delivery.receipt", delivery.receipt is not None),
        ("delivery.refused", bool(delivery.refused)),
        ("delivery.batch.items", batch is not None and bool(batch.items)),
        ("delivery.batch.results", batch is not None and bool(batch.results)),
    )
    for place, given in beside:
        if given:
            raise Malformed(
                f"the operation of {name} decides that by itself",
                field=f"{row.environment.value}.{place}",
                fix="leave it out",
            )


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
    if delivery.batch is not None and delivery.batch.results and delivery.refused:
        raise Malformed(
            "the results of a batch say which of its records are refused",
            field=f"{field}.delivery.refused",
            fix="leave it out, and say in batch.result_error where the error of a result is",
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
    yield "refused", delivery.refused
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
