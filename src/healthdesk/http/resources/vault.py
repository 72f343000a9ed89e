"""The route of the key's replacement."""

from __future__ import annotations

from healthdesk.api.vault import KeyRotation
from healthdesk.http.route import Call, Route
from healthdesk.operations import key_rotation


async def _rotate(call: Call) -> KeyRotation:
    return await key_rotation.rotate(call.desk)


ROUTES = (
    Route(
        "POST",
        "/v1/key/rotate",
        "vault.rotate",
        "Encrypt every secret with a new key; again where it was interrupted or waits for another daemon.",
        _rotate,
        KeyRotation,
    ),
)
