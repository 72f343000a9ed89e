"""Receipts of an integration: their address, the secrets that prove them, and what is refused of their settings."""

from __future__ import annotations

from dataclasses import fields
from datetime import datetime

from healthdesk.api.connections import CallbackVerification
from healthdesk.api.delivery import DeliveryMethod
from healthdesk.api.keys import NewSecret, ReceiptSecret, ReceiptSecretCreate
from healthdesk.domain.activity import Verb
from healthdesk.domain.signing import new_secret
from healthdesk.domain.states import CallbackScheme, Environment
from healthdesk.errors import Malformed
from healthdesk.operations.desk import Conn, Desk
from healthdesk.operations.keys import with_environment
from healthdesk.operations.paging import model_of
from healthdesk.operations.secrets import plain
from healthdesk.operations.verification import check_verification
from healthdesk.store import integrations, keyring
from healthdesk.store.rows import IntegrationRow, VerificationSettings
from healthdesk.vault import hint

_SECRET_BYTES = 32
_LONGEST_SECRET = 1000
_SIGNATURE = frozenset(each.name for each in fields(VerificationSettings)) - {"scheme"}
_USER = "healthdesk"
"""Who a secret made here for `basic` names."""


def receipts_url(public_url: str, integration_id: str) -> str:
    """Return the address that endpoints of an integration post receipts to."""
    return f"{public_url.rstrip('/')}/v1/receipts/{integration_id}"


async def list_secrets(desk: Desk, integration_id: str) -> list[ReceiptSecret]:
    """Return the secrets that prove receipts, those in their overlap too, never their text."""
    desk.require("integrations.receipt_secret")
    await desk.read(integrations.get, integration_id)
    rows = await desk.read(keyring.receipt_secrets, integration_id, desk.now())
    make = model_of(ReceiptSecret)
    return [make(row) for row in rows]


async def new_receipt_secret(desk: Desk, integration_id: str, choice: ReceiptSecretCreate) -> NewSecret:
    """Make a secret, or keep the one that the endpoint made; receipts are good with both until the overlap ends."""
    desk.require("integrations.receipt_secret")
    given = plain(choice.secret)
    if choice.secret is not None and not 0 < len(given) <= _LONGEST_SECRET:
        raise Malformed(
            "the secret is empty or too long", field="secret", fix="copy it whole from the endpoint"
        )
    made = new_secret(desk.ctx.random_bytes(_SECRET_BYTES))
    now = desk.now()
    secret_id = desk.ctx.ids.new("rcs", now)

    def change(conn: Conn) -> tuple[str, datetime | None]:
        row = with_environment(conn, integration_id, choice)
        verification = _verification(row, choice.environment)
        text = given or (f"{_USER}:{made}" if verification.scheme == CallbackScheme.BASIC else made)
        check_verification(verification, has_secret=True, secret=text)
        until = keyring.insert_secret(
            conn,
            "receipt",
            secret_id=secret_id,
            integration_id=integration_id,
            environment=choice.environment,
            secret_enc=desk.ctx.vault.encrypt(text),
            hint=hint(text),
            now=now,
            by=desk.operator.user,
            overlap_s=choice.overlap_s,
        )
        detail = {
            "environment": choice.environment.value,
            "overlap_s": choice.overlap_s,
            "given": bool(given),
        }
        desk.note(conn, Verb.MADE_RECEIPT_SECRET, "integration", row.id, row.name, detail)
        return text, until

    text, until = await desk.write(change, ("integration", integration_id))
    return NewSecret(
        id=secret_id,
        environment=choice.environment,
        secret="" if given else text,
        hint=hint(text),
        replaces_until=until,
    )


def _verification(row: IntegrationRow, environment: Environment) -> CallbackVerification:
    """Return how receipts of an environment are verified; before that is set, as they usually are."""
    stored = next(each.delivery for each in row.environments if each.environment is environment)
    receipt = DeliveryMethod.model_validate(stored).receipt
    if receipt is None:
        return CallbackVerification(scheme=CallbackScheme.NONE)
    return CallbackVerification.model_validate({"scheme": receipt.scheme.value, **receipt.signature})


def check_outcomes(delivery: DeliveryMethod, field: str) -> None:
    """Raise Malformed for a lookup that can find nothing, or receipts that anybody could send. `field` is its place."""
    lookup, receipt = delivery.lookup, delivery.receipt
    if lookup is not None and lookup.method == "HEAD" and lookup.found:
        raise Malformed(
            "an answer to HEAD has no body, and `found` looks into it",
            field=f"{field}.lookup.found",
            fix="take GET, or leave `found` out: then any 2xx means that it is there",
        )
    if lookup is not None and lookup.body and lookup.method != "POST":
        raise Malformed(
            f"a {lookup.method} has no body", field=f"{field}.lookup.body", fix="take POST, or leave it out"
        )
    if receipt is None:
        return
    if receipt.scheme is CallbackScheme.NONE:
        raise Malformed(
            "receipts must prove that they are the endpoint's own",
            field=f"{field}.receipt.scheme",
            fix="take standard_webhooks, or what the endpoint signs with",
        )
    if any(not 200 <= status < 300 for status in receipt.statuses):
        raise Malformed(
            "only an answer of success can mean that the outcome comes later",
            field=f"{field}.receipt.statuses",
            fix="name statuses from 200 to 299",
        )
    if unknown := set(receipt.signature) - _SIGNATURE:
        raise Malformed(
            f"{min(unknown)} is nothing of a signature",
            field=f"{field}.receipt.signature",
            fix=f"one of {', '.join(sorted(_SIGNATURE))}",
        )
    try:
        verification = CallbackVerification.model_validate(
            {"scheme": receipt.scheme.value, **receipt.signature}
        )
    except ValueError as error:
        raise Malformed("this is no way to sign", field=f"{field}.receipt.signature") from error
    try:
        check_verification(verification, has_secret=True, secret="")
    except Malformed as error:
        raise Malformed(error.what, field=f"{field}.receipt.signature.signed", fix=error.fix) from None
    if receipt.status and not receipt.delivered:
        raise Malformed(
            "no word of `status` means success, so no receipt could confirm",
            field=f"{field}.receipt.delivered",
            fix="name the words of success, or leave `status` empty: then every receipt confirms",
        )
    both = {word.lower() for word in receipt.delivered} & {word.lower() for word in receipt.failed}
    if both:
        raise Malformed(
            f"{min(both)} means both success and failure", field=f"{field}.receipt.failed", fix="name it once"
        )
