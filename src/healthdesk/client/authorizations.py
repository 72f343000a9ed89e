"""Calls about authorizations."""

from __future__ import annotations

from pydantic import TypeAdapter

from healthdesk.api.authorizations import Authorization, AuthorizationCreate
from healthdesk.client.params import seg
from healthdesk.client.transport import LONG_TIMEOUT_S, Transport

_ONE = TypeAdapter(Authorization)


class AuthorizationCalls:
    """Apps that grant the desk access in a browser."""

    _http: Transport

    async def authorization_begin(self, new: AuthorizationCreate) -> Authorization:
        """Begin an authorization; its URL is to be opened in a browser."""
        return await self._http.call(_ONE, "POST", "/v1/authorizations", body=new, timeout_s=LONG_TIMEOUT_S)

    async def authorization(self, authorization_id: str) -> Authorization:
        """One authorization as it is now."""
        path = f"/v1/authorizations/{seg(authorization_id)}"
        return await self._http.call(_ONE, "GET", path, timeout_s=LONG_TIMEOUT_S)
