"""Replacing credentials: the new ones are tried beside the old, compared, swapped, and the old put back for an hour."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass, replace
from functools import partial
from typing import TYPE_CHECKING

from healthdesk.api.apps import BY_BROWSER, App, AppAuth
from healthdesk.api.authorizations import Authorization, AuthorizationCreate
from healthdesk.api.connections import Connection, CredentialsUpdate, CredentialsUpdated, PutBack
from healthdesk.api.records import RecordFilter
from healthdesk.errors import ApiRefused, HealthdeskError
from healthdesk.tui.flows.adding import granted_line, trying
from healthdesk.tui.flows.app_fields import HTTP_ENDPOINT, expiry_field, method_fields
from healthdesk.tui.flows.app_values import check_fields, check_place, credentials_of, expiry_of, secrets_of
from healthdesk.tui.flows.apps import app_of
from healthdesk.tui.flows.asking import ask_until_taken
from healthdesk.tui.flows.authorizing import grant
from healthdesk.tui.flows.connection_forms import check_credentials, credential_fields, credentials_update
from healthdesk.tui.flows.connections import told
from healthdesk.tui.flows.records import resend_all
from healthdesk.tui.format import Line, dim, line
from healthdesk.tui.screens.dialog import Question
from healthdesk.tui.screens.fields import UNCHECKED, Field, Values
from healthdesk.tui.screens.forms import Form
from healthdesk.tui.view.credentials import identity_lines, kept_sentence, put_back_lines, updated_lines

if TYPE_CHECKING:
    from healthdesk.tui.screens.base import DeskScreen

IDENTITY_CHANGED = "identity-changed"
STAYS = "stays as it is when all are left empty"
STAYS_ALONE = "stays as it is when left empty"


@dataclass(frozen=True, slots=True)
class Renewal:
    """Why credentials are asked for, and where they are sent: an update, or somebody who takes the connection over."""

    connection: Connection
    title: str
    button: str
    send: Callable[[CredentialsUpdate], Awaitable[CredentialsUpdated]]
    intro: tuple[Line, ...] = ()


async def update_credentials(screen: DeskScreen, connection_id: str) -> str:
    """Ask for new credentials, which replace the old ones once the app took them."""
    connection = await screen.client.connection(connection_id)
    updated = await renew(
        screen,
        Renewal(
            connection,
            f"Update credentials · {connection.name}",
            "Update and check",
            partial(screen.client.connection_update_credentials, connection_id),
        ),
    )
    return await ended(screen, updated, "updated") if updated is not None else ""


async def renew(screen: DeskScreen, renewal: Renewal) -> CredentialsUpdated | None:
    """Ask for credentials until the app took them; None when the form was left."""
    if renewal.connection.app == HTTP_ENDPOINT:
        return await _update_endpoint(screen, renewal)
    return await _update_app(screen, renewal, await app_of(screen, renewal.connection))


async def _update_endpoint(screen: DeskScreen, renewal: Renewal) -> CredentialsUpdated | None:
    async def send(values: Values) -> CredentialsUpdated:
        update = credentials_update(values)
        return await _replaced(screen, renewal, update)

    form = _form(renewal, credential_fields(renewal.connection.auth), check_credentials)
    return await ask_until_taken(screen, form, send)


async def _update_app(screen: DeskScreen, renewal: Renewal, app: App) -> CredentialsUpdated | None:
    connection = renewal.connection
    methods = {method.id: method for method in app.auth}
    now = connection.auth if connection.auth in methods else app.auth[0].id
    given: Values = {}

    def method_of(values: Values) -> AppAuth:
        return methods[values.get("auth", now)]

    async def send(values: Values) -> CredentialsUpdated | Authorization:
        nonlocal given
        given, method = values, method_of(values)
        if method.type in BY_BROWSER:
            new = AuthorizationCreate(
                app=app.id, auth=method.id, fields=secrets_of(method, values), connection=connection.id
            )
            return await screen.client.authorization_begin(new)
        update = CredentialsUpdate(
            credentials=credentials_of(method, values),
            expires_at=expiry_of(values, screen.view()),
            unchecked=UNCHECKED in values,
        )
        return await _replaced(screen, renewal, update)

    def check(values: Values) -> dict[str, str]:
        method = method_of(values)
        wrong = check_fields(app, [method], values) | check_place(values)
        if method.id == connection.auth and method.type in BY_BROWSER and not secrets_of(method, values):
            return {name: why for name, why in wrong.items() if not name.startswith(f"{method.id}/")}
        stay = _staying(method, connection)
        return {name: why for name, why in wrong.items() if name not in stay or values.get(name, "").strip()}

    while True:
        form = _form(renewal, _fields(app, connection, now), check, given)
        answer = await ask_until_taken(screen, form, send)
        if not isinstance(answer, Authorization):
            return answer
        granted = await grant(screen, answer)
        if granted is not None:
            return await _update_granted(screen, renewal, granted)


def _form(
    renewal: Renewal,
    fields: list[Field],
    check: Callable[[Values], dict[str, str]],
    given: Values | None = None,
) -> partial[Form]:
    return partial(
        Form,
        renewal.title,
        fields,
        button=renewal.button,
        doing=trying(renewal.connection.app_name),
        intro=[line(dim(_now(renewal.connection))), *renewal.intro],
        check=check,
        given=given or {},
    )


def _now(connection: Connection) -> str:
    parts = (connection.base_url, f"now {connection.auth} {connection.credential_hint}".strip())
    return " · ".join(part for part in parts if part)


def _staying(method: AppAuth, connection: Connection) -> frozenset[str]:
    """Return the fields of the method in use that stay as they are when they are left empty: those that are no secret."""
    if method.id != connection.auth:
        return frozenset()
    return frozenset(f"{method.id}/{each.key}" for each in method.fields if not each.secret)


def _fields(app: App, connection: Connection, now: str) -> list[Field]:
    """Return the fields of every method, of which those of the chosen one are shown."""
    options = tuple((method.id, method.name) for method in app.auth)
    helps = {method.id: (method.help,) if method.help else () for method in app.auth}
    method_field = Field(
        "auth", "Method", now, options=options, help=lambda values: helps[values.get("auth", now)]
    )
    fields = [method_field] if len(options) > 1 else []
    for method in app.auth:
        when = ("auth", (method.id,)) if len(options) > 1 else None
        kept = method.id == connection.auth and method.type in BY_BROWSER
        for field in method_fields(app, method, connection.settings):
            if kept:
                field = replace(field, required=False, hint=STAYS)
            elif field.name in _staying(method, connection):
                field = replace(field, required=False, hint=STAYS_ALONE)
            fields.append(replace(field, when=when))
    entered = tuple(method.id for method in app.auth if method.type not in BY_BROWSER)
    if entered:
        fields.append(replace(expiry_field(), when=("auth", entered) if len(options) > 1 else None))
    return fields


async def _update_granted(
    screen: DeskScreen, renewal: Renewal, granted: Authorization
) -> CredentialsUpdated | None:
    async def send(values: Values) -> CredentialsUpdated:
        update = CredentialsUpdate(authorization=granted.id, unchecked=UNCHECKED in values)
        return await _replaced(screen, renewal, update)

    return await ask_until_taken(screen, _at_once(renewal, granted), send)


def _at_once(renewal: Renewal, granted: Authorization) -> partial[Form]:
    return partial(
        Form,
        renewal.title,
        (),
        button="Try again",
        doing=trying(renewal.connection.app_name),
        intro=[granted_line(granted)],
        at_once=True,
    )


async def _replaced(screen: DeskScreen, renewal: Renewal, update: CredentialsUpdate) -> CredentialsUpdated:
    """Send new credentials; where they are another account's, ask, and send them once more."""
    try:
        return await renewal.send(update)
    except ApiRefused as error:
        # A form that was left is no place to ask: what it sent is told as refused.
        if error.slug != IDENTITY_CHANGED or not isinstance(screen.app.screen, Form):
            raise
        question = Question(
            f"Not the credentials of {renewal.connection.name}",
            identity_lines(error.changes),
            (("accept", "Use them all the same"),),
            ascii_only=screen.ascii_only,
        )
        if await screen.ask(question) is None:
            raise HealthdeskError("Nothing was changed: the old credentials stay in use.") from error
    return await renewal.send(update.model_copy(update={"accept_changes": True}))


async def put_back(screen: DeskScreen, connection_id: str) -> str:
    """Put the credentials before the last update back in use, once the app took them."""
    connection = await screen.client.connection(connection_id)

    async def send(values: Values) -> CredentialsUpdated:
        return await screen.client.connection_put_back(connection_id, PutBack(unchecked=UNCHECKED in values))

    form = partial(
        Form,
        f"Put back the previous credentials · {connection.name}",
        (),
        button="Put back",
        doing=trying(connection.app_name),
        intro=put_back_lines(connection, screen.view()),
    )
    back = await ask_until_taken(screen, form, send)
    return await ended(screen, back, "put back") if back is not None else ""


async def ended(screen: DeskScreen, updated: CredentialsUpdated, done: str) -> str:
    """Tell what became of it; where records failed because of the old ones, offer to resend them."""
    rerun = updated.rerun
    if rerun is None or not rerun.failed:
        parts = (told(updated), rerun.sentence if rerun else "", kept_sentence(updated, screen.view()))
        return " ".join(part for part in parts if part)
    lines = [line(told(updated)), *updated_lines(updated, screen.view())]
    question = Question(
        f"Credentials {done} · {updated.name}",
        lines,
        (("resend", f"Resend {rerun.failed:,} (S)"),),
        leave="Close",
        keys={"S": "resend"},
        ascii_only=screen.ascii_only,
    )
    if await screen.ask(question) is None:
        return told(updated)
    return await _resend(screen, rerun.problem_ids) or told(updated)


async def _resend(screen: DeskScreen, problem_ids: list[str]) -> str:
    """Resend what each problem holds up, each after its plan."""
    sentences = []
    for problem_id in problem_ids:
        problem = await screen.client.problem(problem_id)
        described = f"held up by {problem.place}: {problem.cause}"
        sentences.append(await resend_all(screen, RecordFilter(problem_id=problem_id), described))
    return " ".join(part for part in sentences if part)
