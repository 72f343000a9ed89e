"""Calls about the desk itself."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Callable
from typing import Any

from pydantic import TypeAdapter, ValidationError

from healthdesk.api.accounts import AccountRow, AccountView
from healthdesk.api.apps import App
from healthdesk.api.common import Page
from healthdesk.api.desk import Activity, Event, Preference, Status
from healthdesk.api.vault import KeyRotation
from healthdesk.client.params import optional, paging, seg
from healthdesk.client.sse import EventParser
from healthdesk.client.transport import LONG_TIMEOUT_S, Transport, decode_any
from healthdesk.errors import DaemonUnreachable, IncompatibleDaemon

_STATUS = TypeAdapter(Status)
_ACCOUNT = TypeAdapter(AccountView)
_ACCOUNTS = TypeAdapter(list[AccountRow])
_APPS = TypeAdapter(list[App])
_ROTATION = TypeAdapter(KeyRotation)
_ACTIVITY = TypeAdapter(Page[Activity])
_PREFERENCE = TypeAdapter(Preference)


class DeskCalls:
    """Status, apps, accounts, activity, preferences and the event stream."""

    _http: Transport

    async def status(self) -> Status:
        """How the desk is, and who is asking."""
        return await self._http.call(_STATUS, "GET", "/v1/status")

    async def openapi(self) -> dict[str, Any]:
        """The OpenAPI 3.1 document of the operator API and the public one."""
        document: dict[str, Any] = decode_any(await self._http.raw("GET", "/v1/openapi.json"))
        return document

    async def key_rotate(self) -> KeyRotation:
        """Replace the key that encrypts secrets; again where it says so."""
        return await self._http.call(_ROTATION, "POST", "/v1/key/rotate", timeout_s=LONG_TIMEOUT_S)

    async def apps(self) -> list[App]:
        """What can be connected."""
        return await self._http.call(_APPS, "GET", "/v1/apps")

    async def accounts(self) -> list[AccountRow]:
        """Rows of the Connections area, worst first."""
        return await self._http.call(_ACCOUNTS, "GET", "/v1/accounts")

    async def account(self, connection_id: str) -> AccountView:
        """The app and account of a connection, with its cards, integrations and instances."""
        return await self._http.call(_ACCOUNT, "GET", f"/v1/accounts/{seg(connection_id)}")

    async def activity_list(
        self,
        *,
        user: str | None = None,
        object_id: str | None = None,
        after: str | None = None,
        limit: int = 50,
    ) -> Page[Activity]:
        """Who did what, newest first."""
        query = paging(after, limit) + optional(user=user, object_id=object_id)
        return await self._http.call(_ACTIVITY, "GET", "/v1/activity", query=query)

    async def preference(self, key: str) -> Any:
        """A value kept for this operator, or None."""
        answer = await self._http.call(_PREFERENCE, "GET", f"/v1/preferences/{seg(key)}")
        return answer.value

    async def preference_set(self, key: str, value: Any) -> None:
        """Keep a value for this operator."""
        body = Preference(value=value)
        await self._http.raw("PUT", f"/v1/preferences/{seg(key)}", body=body)

    async def events(
        self, last_event_id: str | None = None, *, opened: Callable[[], None] | None = None
    ) -> AsyncGenerator[Event, None]:
        """Changes as they happen, from after `last_event_id` on.

        Runs until the daemon is gone, which raises DaemonUnreachable. Whoever calls again with the id of
        the last event misses nothing, or is told `reset`. `opened` is called once the daemon answers: what changes from
        then on is told.
        """
        headers = {"Accept": "text/event-stream"}
        if last_event_id:
            headers["Last-Event-ID"] = last_event_id
        parser = EventParser(last_event_id or "")
        async with self._http.stream("/v1/events", headers) as chunks:
            if opened is not None:
                opened()
            async for chunk in chunks.iter_any():
                for message in parser.feed(chunk):
                    yield _event(message.data)
        raise DaemonUnreachable("the daemon closed the event stream", fix="It may be restarting.")


def _event(data: str) -> Event:
    try:
        return Event.model_validate_json(data)
    except ValidationError as error:
        raise IncompatibleDaemon(
            "the daemon's event is not one this client knows",
            fix="Install the same version of healthdesk on both sides.",
        ) from error
