"""The fields an app and its methods ask for, as its connector has them.

Names say whose a field is: `settings/KEY` and `METHOD/KEY` stand beside the form's own.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import replace
from types import MappingProxyType

from healthdesk.api.apps import App, AppAuth, AppField
from healthdesk.api.connections import Connection
from healthdesk.domain.states import CallbackScheme
from healthdesk.tui.screens.fields import Field, Values
from healthdesk.tui.view.times import View

HTTP_ENDPOINT = "http-endpoint"
_PLACEHOLDER = re.compile(r"\{([a-z][a-z0-9_]*)\}")
OVERLAPS = (("86400", "a day"), ("3600", "an hour"), ("604800", "a week"), ("0", "not at all"))
"""For how long the secret of callbacks before a new one stays valid, in seconds."""
HANDSHAKES = (("no", "no"), ("yes", "for ten minutes from now"))


def app_field(
    each: AppField,
    owner: str,
    path: str,
    *,
    app: App,
    method: AppAuth | None,
    settings: Values = MappingProxyType({}),
) -> Field:
    """Return the field of a form for one that an app asks for; `path` is where the API has it.

    `settings` are those that are known already.
    """
    name = f"{owner}/{each.key}"
    options = tuple((option, option) for option in each.options)
    if options and not each.required:
        options = (("", "–"), *options)
    hint = each.example or (
        f"{each.default} by itself" if each.default else "" if each.required else "optional"
    )

    def told(values: Values) -> Sequence[str]:
        lines = [each.help] if each.help else []
        if method is not None and method.where and _tells_where(each, method):
            lines.append(
                f"Where to find it: {method.where_with({**settings, **_known(app, method, values)})}"
            )
        return lines

    return Field(
        name,
        each.label,
        value=each.default if options else "",
        hint=hint,
        secret=each.secret,
        options=options,
        required=each.required and not each.default,
        multiline=each.multiline,
        help=told,
        path=f"{path}.{each.key}",
    )


def _tells_where(each: AppField, method: AppAuth) -> bool:
    """Where to find it is said of the secrets; where a method has none, of all it asks for."""
    return each.secret or not any(other.secret for other in method.fields)


def _known(app: App, method: AppAuth, values: Values) -> dict[str, str]:
    """Return what stands in the braces of an address: settings and fields that are no secret."""
    owners = [("settings", each) for each in app.fields] + [(method.id, each) for each in method.fields]
    known = {
        each.key: values.get(f"{owner}/{each.key}", "").strip() for owner, each in owners if not each.secret
    }
    return {key: value for key, value in known.items() if value}


def setting_fields(app: App, now: Mapping[str, str] | None = None) -> list[Field]:
    """Return the fields of an app's settings, as they are `now`."""
    fields = [app_field(each, "settings", "settings", app=app, method=None) for each in app.fields]
    if now is not None:
        fields = [replace(field, value=now.get(field.name.partition("/")[2], "")) for field in fields]
    return fields


def method_fields(app: App, method: AppAuth, settings: Values = MappingProxyType({})) -> list[Field]:
    """Return the fields of a method; `settings` are those that are known already."""
    return [
        app_field(each, method.id, "credentials.fields", app=app, method=method, settings=settings)
        for each in method.fields
    ]


def place_field(app: App, method: AppAuth | None, now: str = "") -> Field:
    """Return the field for where the app lives; it is needed where neither app nor method says."""
    usual = _usual_base_url(app, method)
    elsewhere = f"Only where {app.name} lives elsewhere: on a host of your own, behind a proxy."
    return Field(
        "base_url",
        "Base URL",
        now,
        usual or "https://…",
        required=not usual,
        help=lambda _: (elsewhere,) if usual else (),
    )


def _usual_base_url(app: App, method: AppAuth | None) -> str:
    return (method.base_url if method is not None else "") or app.base_url


def own_base_url(app: App, method: AppAuth | None, connection: Connection) -> str:
    """Return the base URL that was given for a connection; empty where it is the app's."""
    usual = _PLACEHOLDER.sub(
        lambda match: connection.settings.get(match[1], ""), _usual_base_url(app, method)
    )
    return "" if connection.base_url == usual else connection.base_url


def expiry_field(now: str = "") -> Field:
    """Return the field for when credentials end, where the app does not tell."""
    return Field(
        "expires_at",
        "Ends on",
        now,
        "2027-01-31, where the app does not tell",
        help=lambda _: ("The day the credentials end: you are warned 30, 14, 7 and 1 days ahead.",),
    )


def callback_fields(app: App, connection: Connection | None = None) -> list[Field]:
    """Return the fields of an app's callbacks; none where it has none, or does not sign them."""
    callbacks = app.callbacks
    if callbacks is None or callbacks.scheme is CallbackScheme.NONE:
        return []
    kept = connection is not None and bool(connection.callback_secret_hint)

    def told(_values: Values) -> Sequence[str]:
        address = (f"Callback URL: {connection.callback_url}",) if connection is not None else ()
        return (*((callbacks.help,) if callbacks.help else ()), *address)

    if callbacks.scheme is CallbackScheme.ASANA:
        if connection is None:
            return []
        return [
            Field("await_handshake", "Await a handshake", "no", options=HANDSHAKES, help=told),
        ]
    hint = "stays as it is when left empty" if kept else "optional: what callbacks are signed with"
    fields = [Field("callback_secret", "Callback secret", hint=hint, secret=True, help=told)]
    if kept:
        fields.append(overlap_field())
    return fields


def overlap_field() -> Field:
    """Return the field for how long the secret before a new one stays valid."""
    return Field("callback_secret_overlap_s", "  the old one stays", OVERLAPS[0][0], options=OVERLAPS)


def method_now(app: App, connection: Connection) -> AppAuth | None:
    """Return the method that a connection uses, where its app still has it."""
    return next((each for each in app.auth if each.id == connection.auth), None)


def expiry_day(connection: Connection, view: View) -> str:
    """Return the day that was entered as the end of the credentials; empty where the app tells it, or nobody did."""
    if connection.expires_at is None or connection.expires_from != "entered":
        return ""
    return view.local(connection.expires_at).date().isoformat()


def edit_fields(app: App, connection: Connection, view: View) -> list[Field]:
    """Return the fields of a connection that is edited; its credentials have their own form."""
    method = method_now(app, connection)
    place = place_field(app, method, own_base_url(app, method, connection))
    return [
        Field("name", "Name", connection.name, required=True),
        *setting_fields(app, connection.settings),
        place,
        expiry_field(expiry_day(connection, view)),
        *callback_fields(app, connection),
    ]
