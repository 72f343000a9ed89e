"""How callbacks of a connection are verified: as its app signs, unless an operator says otherwise."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import fields
from datetime import timedelta
from typing import Any

from healthdesk.api.connections import CallbackVerification, ConnectionEdit
from healthdesk.domain.signing import secret_key
from healthdesk.errors import Malformed
from healthdesk.operations.desk import Conn, Desk
from healthdesk.operations.secrets import plain
from healthdesk.store import callback_secrets
from healthdesk.store.rows import ConnectionRow, VerificationSettings
from healthdesk.vault import hint

HANDSHAKE_WINDOW = timedelta(minutes=10)
FIRST_HANDSHAKE = timedelta(hours=1)
"""How long after it was made a connection waits for the first secret that its app hands over."""

_PIECES = re.compile(r"\{(?:body|timestamp|url|method)\}")


def verification_settings(desk: Desk, app: str, given: CallbackVerification | None) -> VerificationSettings:
    """Return what is kept: what was given, or as the app signs; without either nothing is verified."""
    if given is not None:
        return VerificationSettings(**given.model_dump())
    says = desk.ctx.apps.callbacks_of(app)
    if says is None:
        return VerificationSettings()
    known = {each.name for each in fields(VerificationSettings)}
    return VerificationSettings(
        **says.model_dump(include=known - {"header"}), **({"header": says.header} if says.header else {})
    )


def hands_over(desk: Desk, app: str) -> bool:
    """Tell whether an app brings the secret of its callbacks itself."""
    says = desk.ctx.apps.callbacks_of(app)
    return says is not None and says.handshake == "asana"


def check_verification(
    verification: CallbackVerification, *, has_secret: bool, secret: str, handed_over: bool = False
) -> None:
    """Raise Malformed when callbacks could not be verified as asked. `handed_over`: the app brings the secret."""
    if verification.scheme == "none":
        return
    if not has_secret and not handed_over:
        raise Malformed(
            f"{verification.scheme} needs a secret",
            field="callback_secret",
            fix="give the secret the app signs with",
        )
    if verification.scheme == "standard_webhooks" and secret:
        secret_key(secret)
    if verification.scheme == "basic" and secret and ":" not in secret:
        raise Malformed(
            "basic needs a user and a password", field="callback_secret", fix="write them as user:password"
        )
    if verification.scheme == "hmac" and (
        "{body}" not in verification.signed or set("{}") & set(_PIECES.sub("", verification.signed))
    ):
        raise Malformed(
            f"{verification.signed!r} does not say what is signed",
            field="verification.signed",
            fix="use {body}, {timestamp}, {url} and {method}, and {body} in any case",
        )


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
    new_secret = "callback_secret" in changes.model_fields_set
    verification = changes.verification
    if verification is not None or new_secret:
        check_verification(
            verification or CallbackVerification.model_validate(row.verification, from_attributes=True),
            has_secret=bool(secret) or (bool(row.callback_secret_hint) and not new_secret),
            secret=secret,
            handed_over=hands_over(desk, row.app),
        )
    if verification is not None:
        columns["verification"] = VerificationSettings(**verification.model_dump())
    if new_secret:
        columns |= secret_columns(desk, secret)
    if changes.await_handshake:
        columns["handshake_until"] = desk.now() + HANDSHAKE_WINDOW
    return columns


def rotation(desk: Desk, row: ConnectionRow, changes: ConnectionEdit) -> Callable[[Conn], None]:
    """Return what keeps the secret before valid for the overlap; call it before the new one is written."""
    if not plain(changes.callback_secret) or not changes.callback_secret_overlap_s:
        return lambda _: None
    now = desk.now()
    until = now + timedelta(seconds=changes.callback_secret_overlap_s)
    secret_id = desk.ctx.ids.new("cbs", now)
    return lambda conn: callback_secrets.rotate(conn, row.id, secret_id=secret_id, now=now, until=until)
