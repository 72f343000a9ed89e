"""How an environment delivers: body and mapping, batches, order, lookup, receipts, when its circuit opens."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING

from healthdesk.api.delivery import DeliveryMethod
from healthdesk.api.integrations import EnvironmentEdit, EnvironmentView, Integration, IntegrationEdit
from healthdesk.tui.flows.asking import ask_until_taken
from healthdesk.tui.flows.delivery_fields import (
    check_delivery,
    delivery_fields,
    delivery_of,
    operation_fields,
)
from healthdesk.tui.screens.fields import Values
from healthdesk.tui.screens.forms import Form
from healthdesk.tui.view.environment import TITLES

if TYPE_CHECKING:
    from healthdesk.tui.screens.base import DeskScreen


async def edit_delivery(screen: DeskScreen, integration: Integration, item: EnvironmentView) -> str:
    """Ask for changes of how an environment delivers; what the form does not ask stays."""
    before = item.delivery
    app_id = (await screen.client.connection(item.connection_id)).app
    app = next((each for each in await screen.client.apps() if each.id == app_id), None)
    operations = app.delivery if app is not None else {}

    async def send(values: Values) -> str:
        method: DeliveryMethod = delivery_of(values, before)
        if method == before:
            return "Nothing was changed."
        edit = IntegrationEdit().model_copy(update={item.environment.value: EnvironmentEdit(delivery=method)})
        saved = await screen.client.integration_edit(integration.id, edit)
        return f"How {TITLES[item.environment]} of {saved.name} delivers is saved. `X` tests it."

    form = partial(
        Form,
        f"Delivery method · {integration.name} · {TITLES[item.environment]}",
        [*operation_fields(operations, before), *delivery_fields(before)],
        check=partial(check_delivery, before),
    )
    return await ask_until_taken(screen, form, send) or ""
