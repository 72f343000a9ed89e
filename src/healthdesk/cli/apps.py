"""`healthdesk apps`: what can be connected, and what each app asks for."""

from __future__ import annotations

import argparse
from typing import TYPE_CHECKING

from healthdesk.cli.command import Command
from healthdesk.cli.desk import Desk
from healthdesk.cli.marks import Cell
from healthdesk.cli.parser import nearest
from healthdesk.cli.tables import Column

if TYPE_CHECKING:
    from collections.abc import Sequence

    from healthdesk.api.apps import App, AppAuth, AppField

_COLUMNS = (
    Column("App"),
    Column("Name"),
    Column("For", flex=True),
    Column("Methods", flex=True),
    Column("What", flex=True, spare=1),
)
_FIELD_COLUMNS = (
    Column("Field"),
    Column("Label", flex=True),
    Column("Needed"),
    Column("Example", flex=True, spare=1),
    Column("Help", below=True),
)


async def find_app(desk: Desk, app_id: str) -> App:
    """Return one app; ClientError suggests the nearest."""
    from healthdesk.errors import ClientError

    apps = {app.id: app for app in await desk.client.apps()}
    app = apps.get(app_id)
    if app is None:
        near = nearest(app_id, list(apps))
        fix = f"did you mean {near}?" if near else "`healthdesk apps` lists those there are"
        raise ClientError(f"there is no app {app_id!r}", fix=fix)
    return app


async def apps(desk: Desk, args: argparse.Namespace) -> None:
    """Print what can be connected, or what one app asks for."""
    if args.app is not None:
        _show(desk, await find_app(desk, args.app))
        return

    def row(app: App) -> list[Cell | str]:
        return [app.id, app.name, ", ".join(app.kinds), ", ".join(each.id for each in app.auth), app.summary]

    desk.out.items(await desk.client.apps(), _COLUMNS, row, empty="No apps: the installation is incomplete.")
    for reason in (await desk.client.status()).connectors_left_out:
        desk.out.note(f"left out: {reason}")


def _show(desk: Desk, app: App) -> None:
    out = desk.out
    if out.as_json:
        out.model(app)
        return
    out.facts(
        [
            ("App", app.id),
            ("Name", app.name),
            ("What", app.summary),
            ("For", ", ".join(app.kinds)),
            ("Base URL", app.base_url or _elsewhere(app)),
            ("Documentation", app.docs),
        ]
    )
    if app.fields:
        out.heading("Settings")
        _fields(desk, app.fields)
    for method in app.auth:
        _method(desk, app, method)
    for name, operation in app.delivery.items():
        out.heading(f"Delivery operation {name}: {operation.name}")
        out.facts([("What", operation.help), ("Records in one request", f"up to {operation.most:,}")])
        _fields(desk, operation.fields)
        inputs = [f"--input {each.key}=…" for each in operation.fields if _typed(each)]
        out.line(" ".join(["healthdesk integrations edit … --operation", name, *inputs]))


def _elsewhere(app: App) -> str:
    """Return where an app lives that does not say so itself: its methods do, or each connection."""
    return "" if all(method.base_url for method in app.auth) else "given for each connection"


def _method(desk: Desk, app: App, method: AppAuth) -> None:
    out = desk.out
    out.heading(f"Method {method.id}: {method.name}")
    out.facts(
        [
            ("What", method.help),
            ("Where to find it", method.where_with({})),
            ("Base URL", method.base_url),
        ]
    )
    if method.fields:
        _fields(desk, method.fields)
    needed = [f"--field {each.key}=…" for each in (*app.fields, *method.fields) if _typed(each)]
    out.line(" ".join([f"healthdesk connections add --app {app.id} --auth {method.id}", *needed]))


def _typed(field: AppField) -> bool:
    return field.required and not field.secret and not field.default


def _needed(field: AppField) -> str:
    if field.default:
        return f"no ({field.default})"
    return ("secret" if field.secret else "yes") if field.required else "no"


def _fields(desk: Desk, fields: Sequence[AppField]) -> None:
    desk.out.table(
        _FIELD_COLUMNS,
        [
            [
                each.key,
                each.label,
                _needed(each),
                each.example or " or ".join(each.options),
                each.help,
            ]
            for each in fields
        ],
        empty="",
    )


def _arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("app", metavar="APP", nargs="?", help="what this one asks for, and where to find it")


COMMANDS = (Command("", "what can be connected, and what each asks for", run=apps, arguments=_arguments),)
