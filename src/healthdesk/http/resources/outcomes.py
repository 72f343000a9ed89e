"""Routes of what becomes known after an attempt: lookups, and the secrets that prove receipts."""

from __future__ import annotations

from healthdesk.api.flow import LookedUp
from healthdesk.api.keys import NewSecret, ReceiptSecret, ReceiptSecretCreate
from healthdesk.http.route import Call, Route
from healthdesk.operations import looking_up, receipts


async def _look_up(call: Call) -> LookedUp:
    return await looking_up.look_up(call.desk, call.path["id"])


async def _secrets(call: Call) -> list[ReceiptSecret]:
    return await receipts.list_secrets(call.desk, call.path["id"])


async def _new_secret(call: Call) -> NewSecret:
    return await receipts.new_receipt_secret(call.desk, call.path["id"], call.body(ReceiptSecretCreate))


_SECRETS = "/v1/integrations/{id}/receipt-secrets"

ROUTES = (
    Route(
        "POST",
        "/v1/records/{id}/look-up",
        "records.look_up",
        "Ask the endpoint whether it has the record; what it has is delivered.",
        _look_up,
        LookedUp,
    ),
    Route(
        "GET",
        _SECRETS,
        "integrations.receipt_secret",
        "Secrets that prove its receipts, those in their overlap too, never their text.",
        _secrets,
        list[ReceiptSecret],
    ),
    Route(
        "POST",
        _SECRETS,
        "integrations.receipt_secret",
        "Make a secret that proves receipts, shown this once, or keep the one that the endpoint made.",
        _new_secret,
        NewSecret,
        ReceiptSecretCreate,
        status=201,
    ),
)
