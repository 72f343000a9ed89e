"""Routes of integrations, their keys and secrets, and of sources."""

from __future__ import annotations

from healthdesk.api.common import Page
from healthdesk.api.integrations import (
    ChangedIntegration,
    Choices,
    ChoicesAsked,
    EnvironmentChoice,
    Integration,
    IntegrationCreate,
    IntegrationEdit,
)
from healthdesk.api.keys import Key, KeyCreate, NewSecret, SigningSecret
from healthdesk.api.sources import Source, SourceCreate, SourceEdit, SourceEnable
from healthdesk.domain.states import IntegrationState
from healthdesk.http.query import IntegrationRemoval, Paging
from healthdesk.http.route import Call, Route
from healthdesk.operations import integrations, keys, sources, task_integrations, task_places


async def _list(call: Call) -> Page[Integration]:
    page = call.query(Paging)
    return await integrations.list_all(call.desk, page.after, page.limit)


async def _add(call: Call) -> ChangedIntegration:
    return await integrations.add(call.desk, call.body(IntegrationCreate))


async def _show(call: Call) -> Integration:
    return await integrations.show(call.desk, call.path["id"])


async def _edit(call: Call) -> ChangedIntegration:
    return await integrations.edit(call.desk, call.path["id"], call.body(IntegrationEdit))


async def _remove(call: Call) -> None:
    unlink = call.query(IntegrationRemoval).instances == "unlink"
    await task_integrations.remove(call.desk, call.path["id"], unlink=unlink)


async def _choices(call: Call) -> Choices:
    return await task_places.choices(call.desk, call.body(ChoicesAsked))


async def _pause(call: Call) -> Integration:
    choice = call.body(EnvironmentChoice)
    return await integrations.set_state(call.desk, call.path["id"], choice, IntegrationState.PAUSED)


async def _resume(call: Call) -> Integration:
    choice = call.body(EnvironmentChoice)
    return await integrations.set_state(call.desk, call.path["id"], choice, IntegrationState.ACTIVE)


async def _keys(call: Call) -> list[Key]:
    return await keys.list_keys(call.desk, call.path["id"])


async def _new_key(call: Call) -> NewSecret:
    return await keys.new_key(call.desk, call.path["id"], call.body(KeyCreate))


async def _signing_secrets(call: Call) -> list[SigningSecret]:
    return await keys.list_signing_secrets(call.desk, call.path["id"])


async def _new_signing_secret(call: Call) -> NewSecret:
    return await keys.new_signing_secret(call.desk, call.path["id"], call.body(KeyCreate))


async def _sources(call: Call) -> Page[Source]:
    page = call.query(Paging)
    return await sources.list_all(call.desk, page.after, page.limit)


async def _add_source(call: Call) -> Source:
    return await sources.add(call.desk, call.body(SourceCreate))


async def _show_source(call: Call) -> Source:
    return await sources.show(call.desk, call.path["id"])


async def _edit_source(call: Call) -> Source:
    return await sources.edit(call.desk, call.path["id"], call.body(SourceEdit))


async def _enable_source(call: Call) -> Source:
    return await sources.enable(call.desk, call.path["id"], call.body(SourceEnable))


_ONE = "/v1/integrations/{id}"
_SOURCE = "/v1/sources/{id}"

ROUTES = (
    Route(
        "GET",
        "/v1/integrations",
        "integrations.list",
        "Integrations, oldest first.",
        _list,
        Page[Integration],
        query=Paging,
    ),
    Route(
        "POST",
        "/v1/integrations",
        "integrations.add",
        "Add an integration; the environments of a delivery have a signing secret each, shown this once.",
        _add,
        ChangedIntegration,
        IntegrationCreate,
        status=201,
    ),
    Route(
        "GET",
        _ONE,
        "integrations.show",
        "One integration with its environments, or its settings and totals.",
        _show,
        Integration,
    ),
    Route(
        "PATCH",
        _ONE,
        "integrations.edit",
        "Change an integration; what is absent stays, a null clears a limit, `tasks` and `proof` replace what was set.",
        _edit,
        ChangedIntegration,
        IntegrationEdit,
    ),
    Route(
        "DELETE",
        _ONE,
        "integrations.remove",
        "Remove an integration of tasks or proof; its linked tasks are parted from it with `instances=unlink`.",
        _remove,
        query=IntegrationRemoval,
        status=204,
    ),
    Route(
        "POST",
        "/v1/integrations/choices",
        "integrations.choices",
        "What an app offers for tasks in a container, asked through a connection, and a mapping to begin with.",
        _choices,
        Choices,
        ChoicesAsked,
    ),
    Route(
        "POST",
        _ONE + "/pause",
        "integrations.pause",
        "Stop delivering, syncing or collecting; records are held.",
        _pause,
        Integration,
        EnvironmentChoice,
    ),
    Route(
        "POST",
        _ONE + "/resume",
        "integrations.resume",
        "Deliver, sync or collect again; held records first.",
        _resume,
        Integration,
        EnvironmentChoice,
    ),
    Route(
        "GET", _ONE + "/keys", "integrations.keys", "Valid bearer keys, never their text.", _keys, list[Key]
    ),
    Route(
        "POST",
        _ONE + "/keys",
        "integrations.add_key",
        "Make a new bearer key, shown this once.",
        _new_key,
        NewSecret,
        KeyCreate,
        status=201,
    ),
    Route(
        "GET",
        _ONE + "/signing-secrets",
        "integrations.signing_secrets",
        "Secrets that sign what it sends, those in their overlap too, never their text.",
        _signing_secrets,
        list[SigningSecret],
    ),
    Route(
        "POST",
        _ONE + "/signing-secrets",
        "integrations.add_signing_secret",
        "Make a new secret of our signature, shown this once.",
        _new_signing_secret,
        NewSecret,
        KeyCreate,
        status=201,
    ),
    Route(
        "GET", "/v1/sources", "sources.list", "Sources, oldest first.", _sources, Page[Source], query=Paging
    ),
    Route(
        "POST", "/v1/sources", "sources.add", "Add a source.", _add_source, Source, SourceCreate, status=201
    ),
    Route("GET", _SOURCE, "sources.show", "One source, by id or key.", _show_source, Source),
    Route(
        "PATCH", _SOURCE, "sources.edit", "Change a source, by id or key.", _edit_source, Source, SourceEdit
    ),
    Route(
        "POST",
        _SOURCE + "/enable",
        "sources.enable",
        "Enable or disable a source for an integration.",
        _enable_source,
        Source,
        SourceEnable,
    ),
)
