"""Bearer keys of who posts records, and the secrets that sign what is sent: made, and shown once."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime
from functools import partial
from typing import TYPE_CHECKING

from healthdesk.api.integrations import Integration, KeyCreate, NewSecret
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

KEY, SIGNING = "key", "signing"
KINDS = (
    (KEY, "bearer key: who posts records shows it"),
    (SIGNING, "signing secret: the endpoint verifies with it"),
)
WORDS = {KEY: "bearer key", SIGNING: "signing secret"}


async def make_secret(screen: DeskScreen, integration: Integration, which: Environment) -> str:
    """Show what is valid now, make a bearer key or a signing secret, and show it this once."""
    keys = [
        each for each in await screen.client.integration_keys(integration.id) if each.environment is which
    ]
    signing = [
        each
        for each in await screen.client.integration_signing_secrets(integration.id)
        if each.environment is which
    ]
    view = screen.view()
    intro = [
        *(_valid("bearer key", each.hint, each.created_by, each.expires_at, view) for each in keys),
        *(_valid("signing secret", each.hint, each.created_by, each.expires_at, view) for each in signing),
    ] or [line(Span("No key yet: nobody can post records to it.", Tone.WARN))]
    fields = [
        Field("kind", "Make a new", KEY, options=KINDS),
        Field("overlap_s", "The old one stays", OVERLAPS[0][0], options=OVERLAPS),
    ]
    form = partial(
        Form, f"Keys and secrets · {integration.name} · {TITLES[which]}", fields, button="Make", intro=intro
    )

    async def send(values: Values) -> tuple[str, NewSecret]:
        new = KeyCreate(environment=which, overlap_s=int(values["overlap_s"]))
        if values["kind"] == KEY:
            return KEY, await screen.client.integration_key_create(integration.id, new)
        return SIGNING, await screen.client.integration_signing_secret_create(integration.id, new)

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
