"""How callbacks of a connection are verified: what an operator gives for it, checked."""

from __future__ import annotations

from typing import Any

from healthdesk.api.connections import CallbackVerification, ConnectionEdit
from healthdesk.domain.signing import secret_key
from healthdesk.errors import Malformed
from healthdesk.operations.desk import Desk
from healthdesk.operations.secrets import plain
from healthdesk.store.rows import ConnectionRow, VerificationSettings
from healthdesk.vault import hint


def secret_columns(desk: Desk, secret: str) -> dict[str, Any]:
    """Return the columns of a secret of callbacks, or of none."""
    return {
        "callback_secret_enc": desk.ctx.vault.encrypt(secret) if secret else "",
        "callback_secret_hint": hint(secret) if secret else "",
    }


def edited_columns(desk: Desk, row: ConnectionRow, changes: ConnectionEdit) -> dict[str, Any]:
    """Return the columns of how callbacks are verified that an edit changes."""
    columns: dict[str, Any] = {}
    secret = plain(changes.callback_secret)
    verification = changes.verification
    if verification is not None or "callback_secret" in changes.model_fields_set:
        kept = bool(row.callback_secret_hint) and "callback_secret" not in changes.model_fields_set
        check_verification(
            verification or CallbackVerification.model_validate(row.verification, from_attributes=True),
            has_secret=bool(secret) or kept,
            secret=secret,
        )
    if verification is not None:
        columns["verification"] = VerificationSettings(**verification.model_dump())
    if "callback_secret" in changes.model_fields_set:
        columns |= secret_columns(desk, secret)
    return columns


def check_verification(verification: CallbackVerification, *, has_secret: bool, secret: str) -> None:
    """Raise Malformed when callbacks could not be verified as asked."""
    if verification.scheme == "none":
        return
    if not has_secret:
        raise Malformed(
            f"{verification.scheme} needs a secret",
            field="callback_secret",
            fix="give the secret the app signs with",
        )
    if verification.scheme == "standard_webhooks" and secret:
        secret_key(secret)
