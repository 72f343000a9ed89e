"""What is made of the fields an app and its methods ask for: what is wrong with them, and what the desk is sent."""

from __future__ import annotations

import re
from collections.abc import Sequence
from datetime import date, datetime
from typing import Any

from pydantic import SecretStr

from healthdesk.api.apps import App, AppAuth, AppCallbacks
from healthdesk.api.connections import (
    CallbackVerification,
    Connection,
    ConnectionCreate,
    ConnectionEdit,
    Credentials,
)
from healthdesk.domain.states import CallbackScheme
from healthdesk.tui.flows.app_fields import expiry_day, method_now, own_base_url
from healthdesk.tui.screens.fields import UNCHECKED, Values
from healthdesk.tui.view.times import View


def check_fields(app: App, methods: Sequence[AppAuth], values: Values) -> dict[str, str]:
    """Return what does not fit an app's fields, in words, with the example."""
    owners = [("settings", each) for each in app.fields]
    owners += [(method.id, each) for method in methods for each in method.fields]
    wrong = {}
    for owner, each in owners:
        value = values.get(f"{owner}/{each.key}", "").strip()
        example = f", for example {each.example}" if each.example else ""
        if not value and each.required and not each.default and f"{owner}/{each.key}" in values:
            wrong[f"{owner}/{each.key}"] = f"is needed{example}"
        elif value and each.pattern and not re.fullmatch(each.pattern, value):
            wrong[f"{owner}/{each.key}"] = f"does not look like one{example}"
    return wrong


def check_place(values: Values) -> dict[str, str]:
    """Return what is wrong with the base URL and the day of expiry."""
    wrong = {}
    url = values.get("base_url", "").strip()
    if url and not url.startswith(("https://", "http://")):
        wrong["base_url"] = "begins with https:// or http://"
    day = values.get("expires_at", "").strip()
    if day and day_of(day) is None:
        wrong["expires_at"] = "is a day, written 2027-01-31"
    return wrong


def day_of(text: str) -> date | None:
    """Return the day that was written, or None."""
    try:
        return date.fromisoformat(text.strip())
    except ValueError:
        return None


def expiry_of(values: Values, view: View) -> datetime | None:
    """Return the beginning of the day that was entered, in the operator's zone; None where none was."""
    day = day_of(values.get("expires_at", ""))
    if day is None:
        return None
    midnight = datetime(day.year, day.month, day.day)  # noqa: DTZ001 - it gets the operator's zone
    return midnight.replace(tzinfo=view.tz) if view.tz is not None else midnight.astimezone()


def credentials_of(method: AppAuth, values: Values) -> Credentials:
    """Return the credentials that were entered. Spaces around them are the daemon's to judge."""
    return Credentials(auth=method.id, fields=secrets_of(method, values))


def secrets_of(method: AppAuth, values: Values) -> dict[str, SecretStr]:
    """Return the fields of a method that were filled in."""
    given = {each.key: values.get(f"{method.id}/{each.key}", "") for each in method.fields}
    return {key: SecretStr(value) for key, value in given.items() if value.strip()}


def settings_of(app: App, values: Values) -> dict[str, str]:
    """Return the settings that were filled in."""
    given = {each.key: values.get(f"settings/{each.key}", "").strip() for each in app.fields}
    return {key: value for key, value in given.items() if value}


def app_create(app: App, values: Values, view: View, **given: Any) -> ConnectionCreate:
    """Return the new connection; `given` are its credentials or the authorization."""
    known: dict[str, Any] = dict(given)
    if name := values["name"].strip():
        known["name"] = name
    if settings := settings_of(app, values):
        known["settings"] = settings
    if (expires_at := expiry_of(values, view)) is not None:
        known["expires_at"] = expires_at
    if values.get("callback_secret", "").strip() and app.callbacks is not None:
        known["callback_secret"] = SecretStr(values["callback_secret"].strip())
        known["verification"] = verification_of(app.callbacks)
    if UNCHECKED in values:
        known["unchecked"] = True
    return ConnectionCreate(app=app.id, base_url=values.get("base_url", "").strip(), **known)


def verification_of(callbacks: AppCallbacks) -> CallbackVerification:
    """Return how the app signs its callbacks."""
    known = callbacks.model_dump(exclude={"help"})
    return CallbackVerification(**{key: value for key, value in known.items() if value})


def check_edit(app: App, values: Values) -> dict[str, str]:
    """Return what is wrong with an edited connection."""
    return check_fields(app, [], values) | check_place(values)


def app_edit(values: Values, app: App, before: Connection, view: View) -> ConnectionEdit:
    """Return what was changed of a connection to an app, and nothing else."""
    known: dict[str, Any] = {}
    if (name := values["name"].strip()) != before.name:
        known["name"] = name
    if (url := values["base_url"].strip()) != own_base_url(app, method_now(app, before), before):
        known["base_url"] = url
    changed = {
        each.key: values[f"settings/{each.key}"].strip()
        for each in app.fields
        if values[f"settings/{each.key}"].strip() != before.settings.get(each.key, "")
    }
    if changed:
        known["settings"] = changed
    if values["expires_at"].strip() != expiry_day(before, view):
        known["expires_at"] = expiry_of(values, view)
    if values.get("callback_secret", "").strip() and app.callbacks is not None:
        known["callback_secret"] = SecretStr(values["callback_secret"].strip())
        known |= _as_the_app_signs(app.callbacks, before)
        if "callback_secret_overlap_s" in values:
            known["callback_secret_overlap_s"] = float(values["callback_secret_overlap_s"])
    if values.get("await_handshake") == "yes" and app.callbacks is not None:
        known["await_handshake"] = True
        known |= _as_the_app_signs(app.callbacks, before)
    if UNCHECKED in values:
        known["unchecked"] = True
    return ConnectionEdit(**known)


def _as_the_app_signs(callbacks: AppCallbacks, before: Connection) -> dict[str, Any]:
    """Return how callbacks are verified from now on, where they were not; what was set by hand stays."""
    unverified = before.verification.scheme is CallbackScheme.NONE
    return {"verification": verification_of(callbacks)} if unverified else {}
