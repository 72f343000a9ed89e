"""Calls about what becomes known after an attempt: lookups, and the secrets that prove receipts."""

from __future__ import annotations

from pydantic import TypeAdapter

from healthdesk.api.flow import LookedUp
from healthdesk.api.keys import NewSecret, ReceiptSecret, ReceiptSecretCreate
from healthdesk.client.params import seg
from healthdesk.client.transport import LONG_TIMEOUT_S, Transport

_LOOKED_UP = TypeAdapter(LookedUp)
_SECRETS = TypeAdapter(list[ReceiptSecret])
_SECRET = TypeAdapter(NewSecret)


class OutcomeCalls:
    """Asking endpoints what became of records, and who may tell it."""

    _http: Transport

    async def record_look_up(self, record_id: str) -> LookedUp:
        """Ask the endpoint whether it has the record; what it has is delivered."""
        path = f"/v1/records/{seg(record_id)}/look-up"
        return await self._http.call(_LOOKED_UP, "POST", path, timeout_s=LONG_TIMEOUT_S)

    async def integration_receipt_secrets(self, integration_id: str) -> list[ReceiptSecret]:
        """Secrets that prove its receipts, those in their overlap too, never their text."""
        path = f"/v1/integrations/{seg(integration_id)}/receipt-secrets"
        return await self._http.call(_SECRETS, "GET", path)

    async def integration_receipt_secret_create(
        self, integration_id: str, new: ReceiptSecretCreate
    ) -> NewSecret:
        """Make a secret that proves receipts, shown this once, or keep the one that the endpoint made."""
        path = f"/v1/integrations/{seg(integration_id)}/receipt-secrets"
        return await self._http.call(_SECRET, "POST", path, body=new)
