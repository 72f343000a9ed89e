"""Bearer keys of who posts records, secrets that sign what is sent or prove receipts: made, and shown once."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import datetime
from functools import partial
from typing import TYPE_CHECKING

from pydantic import SecretStr

from healthdesk.api.integrations import Integration
from healthdesk.api.keys import Key, KeyCreate, NewSecret, ReceiptSecretCreate, SigningSecret
from healthdesk.domain.states import Environment
from healthdesk.tui.flows.app_fields import OVERLAPS
from healthdesk.tui.flows.asking import ask_until_taken
from healthdesk.tui.format import Line, Span, Tone, dim, line
from healthdesk.tui.screens.address import AddressNotice
from healthdesk.tui.screens.fields import Field, Values
from healthdesk.tui.screens.forms import Form
from healthdesk.tui.view.environment import TITLES
from healthdesk.tui.view.times import View, full

if TYPE_CHECKING:
    from healthdesk.tui.screens.base import DeskScreen

KEY, SIGNING, RECEIPT = "key", "signing", "receipt"
KINDS = (
    (KEY, "bearer key: who posts records shows it"),
    (SIGNING, "signing secret: the endpoint verifies with it"),
    (RECEIPT, "receipt secret: its receipts are verified with it"),
)
WORDS = {KEY: "bearer key", SIGNING: "signing secret", RECEIPT: "receipt secret"}


async def make_secret(screen: DeskScreen, integration: Integration, which: Environment) -> str:
    """Show what is valid now, make a bearer key, a signing secret or a receipt secret, and show it this once."""
    client, view = screen.client, screen.view()
    valid: dict[str, Sequence[Key | SigningSecret]] = {
        KEY: await client.integration_keys(integration.id),
        SIGNING: await client.integration_signing_secrets(integration.id),
        RECEIPT: await client.integration_receipt_secrets(integration.id),
    }
    intro = [
        _valid(WORDS[kind], each.hint, each.created_by, each.expires_at, view)
        for kind, known in valid.items()
        for each in known
        if each.environment is which
    ]
    if all(each.environment is not which for each in valid[KEY]):
        intro.append(line(Span("No key yet: nobody can post records to it.", Tone.WARN)))
    fields = [
        Field("kind", "Make a new", KEY, options=KINDS),
        Field("overlap_s", "The old one stays", OVERLAPS[0][0], options=OVERLAPS),
        Field(
            "secret", "That of the endpoint", "", "empty: one is made", secret=True, when=("kind", (RECEIPT,))
        ),
    ]
    form = partial(
        Form, f"Keys and secrets · {integration.name} · {TITLES[which]}", fields, button="Make", intro=intro
    )

    async def send(values: Values) -> tuple[str, NewSecret]:
        new = KeyCreate(environment=which, overlap_s=int(values["overlap_s"]))
        match values["kind"]:
            case "key":
                return KEY, await client.integration_key_create(integration.id, new)
            case "signing":
                return SIGNING, await client.integration_signing_secret_create(integration.id, new)
        given = values["secret"].strip()
        receipt = ReceiptSecretCreate(**new.model_dump(), secret=SecretStr(given) if given else None)
        return RECEIPT, await client.integration_receipt_secret_create(integration.id, receipt)

    made = await ask_until_taken(screen, form, send)
    if made is None:
        return ""
    kind, secret = made
    await _show(screen, f"New {WORDS[kind]} · {integration.name} · {TITLES[which]}", secret)
    return f"The {WORDS[kind]} {secret.hint} of {integration.name} · {TITLES[which]} is valid."


async def show_secrets(screen: DeskScreen, name: str, secrets: Iterable[NewSecret]) -> None:
    """Show the secrets that a change made, this once."""
    for secret in secrets:
        title = f"Signing secret · {name} · {TITLES[secret.environment]}"
        await _show(screen, title, secret, line("The endpoint verifies with it what the desk sends."))


async def _show(screen: DeskScreen, title: str, secret: NewSecret, *told: Line) -> None:
    lines = [*told, line(secret.secret), ()]
    if secret.replaces_until is not None:
        lines.append(
            line(dim(f"The one before stays valid until {full(secret.replaces_until, screen.view())}."))
        )
    lines.append(line(Span("It is shown this once. ", Tone.WARN), dim("y copies it.")))
    await screen.ask(AddressNotice(title, lines, address=secret.secret, ascii_only=screen.ascii_only))


def _valid(kind: str, hint: str, by: str, until: datetime | None, view: View) -> Line:
    ends = f", until {full(until, view)}" if until is not None else ""
    return line(dim(f"{kind} {hint} of {by}{ends}"))
