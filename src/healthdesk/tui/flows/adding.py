"""Adding a connection: choose the app, then how to authenticate, then give what it asks for."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from functools import partial
from typing import TYPE_CHECKING

from healthdesk.api.apps import BY_BROWSER, App, AppAuth
from healthdesk.api.authorizations import Authorization, AuthorizationCreate
from healthdesk.api.connections import Connection
from healthdesk.tui.flows.app_fields import (
    HTTP_ENDPOINT,
    callback_fields,
    expiry_field,
    method_fields,
    place_field,
    setting_fields,
)
from healthdesk.tui.flows.app_values import (
    app_create,
    check_fields,
    check_place,
    credentials_of,
    secrets_of,
    settings_of,
)
from healthdesk.tui.flows.apps import choose_app, choose_method
from healthdesk.tui.flows.asking import ask_until_taken
from healthdesk.tui.flows.authorizing import grant
from healthdesk.tui.flows.connection_forms import check_connection, connection_create, connection_fields
from healthdesk.tui.flows.connections import told
from healthdesk.tui.format import Line, Span, Tone, dim, line
from healthdesk.tui.messages import RowAdded
from healthdesk.tui.screens.fields import Field, Values
from healthdesk.tui.screens.forms import Form

if TYPE_CHECKING:
    from healthdesk.tui.screens.base import DeskScreen


async def add_connection(screen: DeskScreen) -> str:
    """Ask for a new connection, and add it once the app took its credentials. esc goes back a step."""
    added = await new_connection(screen)
    if added is None:
        return ""
    screen.post_message(RowAdded("accounts-region", f"connection:{added.id}"))
    return told(added)


async def new_connection(screen: DeskScreen, among: Collection[str] | None = None) -> Connection | None:
    """Return the connection that was added, to one of the apps with the ids in `among`, or None."""
    apps = [app for app in await screen.client.apps() if among is None or app.id in among]
    apps.sort(key=lambda app: app.name.lower())
    if len(apps) == 1:
        return await _connect(screen, apps[0])
    chosen = ""
    while (app := await choose_app(screen, apps, chosen)) is not None:
        chosen = app.id
        added = await _connect(screen, app)
        if added is not None:
            return added
    return None


async def _connect(screen: DeskScreen, app: App) -> Connection | None:
    if app.id == HTTP_ENDPOINT:
        return await _add_endpoint(screen, app)
    if len(app.auth) == 1:
        return await _add(screen, app, app.auth[0])
    chosen = ""
    while (method := await choose_method(screen, app, chosen)) is not None:
        chosen = method.id
        added = await _add(screen, app, method)
        if added is not None:
            return added
    return None


async def _add_endpoint(screen: DeskScreen, app: App) -> Connection | None:
    form = partial(
        Form,
        f"New connection · {app.name}",
        connection_fields(None),
        button="Connect",
        doing=trying(app.name),
        check=check_connection,
    )

    async def send(values: Values) -> Connection:
        return await screen.client.connection_create(connection_create(values))

    return await ask_until_taken(screen, form, send)


async def _add(screen: DeskScreen, app: App, method: AppAuth) -> Connection | None:
    if method.type in BY_BROWSER:
        return await _add_by_browser(screen, app, method)
    form = partial(
        Form,
        _title(app),
        _fields(app, method),
        button="Connect",
        doing=trying(app.name),
        intro=intro_of(method),
        check=_checks(app, method),
    )

    async def send(values: Values) -> Connection:
        new = app_create(app, values, screen.view(), credentials=credentials_of(method, values))
        return await screen.client.connection_create(new)

    return await ask_until_taken(screen, form, send)


async def _add_by_browser(screen: DeskScreen, app: App, method: AppAuth) -> Connection | None:
    given: Values = {}
    fields = _fields(app, method)

    async def begin(values: Values) -> Authorization:
        nonlocal given
        given = values
        new = AuthorizationCreate(
            app=app.id, auth=method.id, fields=secrets_of(method, values), settings=settings_of(app, values)
        )
        return await screen.client.authorization_begin(new)

    while True:
        form = partial(
            Form,
            _title(app),
            fields,
            button="Authorize",
            doing=f"Beginning at {app.name}…",
            intro=intro_of(method),
            check=_checks(app, method),
            given=given,
        )
        begun = await ask_until_taken(screen, form, begin)
        if begun is None:
            return None
        granted = await grant(screen, begun)
        if granted is not None:
            return await _add_granted(screen, app, granted, given)


async def _add_granted(
    screen: DeskScreen, app: App, granted: Authorization, given: Values
) -> Connection | None:
    async def send(values: Values) -> Connection:
        new = app_create(app, {**given, **values}, screen.view(), authorization=granted.id)
        return await screen.client.connection_create(new)

    form = partial(
        Form,
        _title(app),
        (),
        button="Try again",
        doing=trying(app.name),
        intro=[granted_line(granted)],
        at_once=True,
    )
    return await ask_until_taken(screen, form, send)


def _title(app: App) -> str:
    return f"New connection · {app.name}"


def trying(name: str) -> str:
    """Return what is said while an app is asked."""
    return f"Trying… {name} is asked before anything is saved."


def granted_line(granted: Authorization) -> Line:
    """Return that an authorization was granted."""
    return line(Span(f"✓ {granted.app_name} granted it.", Tone.GOOD))


def intro_of(method: AppAuth) -> list[Line]:
    """Return what is said of a method above its fields."""
    lines = [line(method.name, dim(f" · {method.help}" if method.help else ""))]
    if method.redirect_url:
        lines.append(line(dim("Redirect URL (callback URL) to register there: "), method.redirect_url))
    return lines


def _fields(app: App, method: AppAuth) -> list[Field]:
    """Return the fields of a new connection: what the app asks for, then what can be left as it is."""
    place = place_field(app, method)
    asked = [*setting_fields(app), *method_fields(app, method)]
    name = Field("name", "Name", hint=f"{app.name} · its account")
    rest = [name, place] if not place.required else [name]
    ends = [] if method.type in BY_BROWSER else [expiry_field()]
    return [*([place] if place.required else []), *asked, *rest, *ends, *callback_fields(app)]


def _checks(app: App, method: AppAuth) -> partial[dict[str, str]]:
    return partial(_check, app, method)


def _check(app: App, method: AppAuth, values: Mapping[str, str]) -> dict[str, str]:
    return check_fields(app, [method], values) | check_place(values)
