"""Delivery through an app of the connectors: its manifest says what a record becomes and how the app's answer is read."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

from healthdesk.connectors.app import App
from healthdesk.connectors.client import AppClient, Reply
from healthdesk.connectors.json_templates import document
from healthdesk.connectors.outgoing import Outgoing
from healthdesk.connectors.spec import DeliveryOperation
from healthdesk.domain.delivery import Batch, DeliveryMethod
from healthdesk.domain.exchange import Failure
from healthdesk.domain.fields import kind_of
from healthdesk.domain.scrubbing import Scrubber
from healthdesk.domain.templating import MISSING, Facts, Template, template
from healthdesk.domain.values import values_of
from healthdesk.errors import ConnectorError, MappingError

ANSWER_BYTES = 1_048_576


@dataclass(frozen=True, slots=True)
class AppWay:
    """An operation of an app with the inputs of one environment, and the client of its connection."""

    client: AppClient
    operation: DeliveryOperation
    inputs: Mapping[str, Template]

    def item(self, mapped: Any, data: Any, facts: Facts) -> Any:
        """Return what the app receives of one record. Raises MappingError where the record lacks what an input names."""
        values: dict[str, Any] = {"record": mapped, "id": facts.id, "webhook_id": facts.webhook_id}
        for name in self.operation.of_item() & self.inputs.keys():
            value = self.inputs[name].render(facts, data)
            if value is MISSING or value in (None, ""):
                raise MappingError(
                    f"the record lacks what the input {name} names",
                    fix="correct the record, or the inputs of the operation",
                )
            values[name] = value
        made = document(self.operation.item, values)
        if not self.operation.spread:
            return made
        if not isinstance(mapped, dict):
            raise MappingError(
                f"{self.client.app.name} takes objects, and this is {kind_of(mapped)}", fix="map it to one"
            )
        return {**mapped, **made}

    async def send(self, items: list[Any], timeout_s: float, headers: Mapping[str, str]) -> Reply:
        """Send items and return what the app answered. Raises MappingError for a request that cannot be made."""
        try:
            return await self.client.call(
                self.operation.request,
                self._given(items),
                on="delivery",
                most_bytes=ANSWER_BYTES,
                timeout_s=timeout_s,
                headers=headers,
            )
        except ConnectorError as error:
            raise _unmade(error) from error

    def outline(self, items: list[Any], headers: Mapping[str, str]) -> Outgoing:
        """Return the request that carries items, as far as it is known without a token. Raises MappingError."""
        try:
            return self.client.outline(self.operation.request, self._given(items), headers)
        except ConnectorError as error:
            raise _unmade(error) from error

    def _given(self, items: list[Any]) -> dict[str, Any]:
        of_request = self.operation.request.names() & self.inputs.keys()
        return {name: self.inputs[name].render(Facts(), {}) for name in of_request} | {"records": items}


def _unmade(error: ConnectorError) -> MappingError:
    return MappingError(error.what, fix=error.fix or "correct the settings of the connection")


def app_way(app: App, client: AppClient, delivery: DeliveryMethod) -> AppWay | None:
    """Return the way of an environment that names an operation; None where the app has none of that name."""
    operation = app.manifest.delivery.get(delivery.operation)
    if operation is None:
        return None
    defaults = {field.key: field.default for field in operation.fields if field.default}
    given = {**defaults, **{name: text for name, text in delivery.inputs.items() if text}}
    return AppWay(client, operation, {name: template(text) for name, text in given.items()})


def with_operation(delivery: DeliveryMethod, operation: DeliveryOperation) -> DeliveryMethod:
    """Return a method as the operation has it: what the answer says of each record is read as the manifest says."""
    wanted = delivery.batch or Batch(size=1, wait_s=0)
    batch = Batch(
        size=min(wanted.size, operation.most),
        wait_s=wanted.wait_s,
        results=operation.results,
        result_id=operation.result_id or "",
        result_status=operation.result_status or "",
        result_error=operation.result_error or "",
    )
    return replace(delivery, batch=batch)


def without_values(failure: Failure, said: Any) -> Failure:
    """Return an app's failure without values of the records it was about: an app may repeat what it refuses."""
    scrubber = Scrubber(values_of(said))
    return replace(
        failure,
        sentence=scrubber.scrub(failure.sentence),
        message=scrubber.scrub(failure.message),
        safe_sentence=scrubber.scrub(failure.safe_sentence),
    )
