"""Authorizations: an operator lets an app grant the desk access, in a browser anywhere."""

from __future__ import annotations

from datetime import datetime
from typing import Literal

from pydantic import SecretStr

from healthdesk.api.common import Input, Output

AuthorizationStatus = Literal["pending", "granted", "refused", "expired", "used"]


class AuthorizationCreate(Input):
    """What to authorize: a method of an app that needs a browser, with its fields and the connection's settings.

    With `connection` it is for new credentials of that connection: its settings are known, and its fields are taken
    where none are given and the method is the one in use.
    """

    app: str
    auth: str
    fields: dict[str, SecretStr] = {}
    settings: dict[str, str] = {}
    connection: str | None = None


class Authorization(Output):
    """An authorization. `url` is to be opened in a browser, where `user_code` is entered if there is one.

    `redirect_url` is what has to be registered at the app as redirect URL (callback URL). While it is pending, asking
    for it is what polls the app, where the app is polled: ask every few seconds. Granted, its id is the `authorization`
    of a new connection or of new credentials, once, before `expires_at`.
    """

    id: str
    app: str
    app_name: str
    status: AuthorizationStatus
    url: str
    user_code: str = ""
    redirect_url: str = ""
    error: str = ""
    """Why it was refused."""
    created_at: datetime
    created_by: str
    expires_at: datetime
