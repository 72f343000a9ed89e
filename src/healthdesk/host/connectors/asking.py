"""What a recording has to be given: read from a file, and asked for field by field."""

from __future__ import annotations

import json
import tomllib
from collections.abc import Iterator
from dataclasses import dataclass
from ipaddress import ip_network
from pathlib import Path

from pydantic import ValidationError

from healthdesk.connectors.app import App
from healthdesk.connectors.auth.build import method_of
from healthdesk.connectors.spec import FieldManifest
from healthdesk.errors import ConnectorError
from healthdesk.host.connectors.plan import Given, Options, Plan
from healthdesk.host.connectors.record import Recorder
from healthdesk.host.connectors.trying import CaseReport, app_of


@dataclass(frozen=True, slots=True)
class Question:
    """One thing to ask for. `into` is where its answer belongs: `settings` or `credentials`."""

    into: str
    key: str
    prompt: str
    secret: bool
    multiline: bool
    default: str


@dataclass(slots=True)
class Recording:
    """A recording that is being prepared."""

    app: App
    given: Given

    def methods(self) -> list[str]:
        """Return the ids of the app's methods of authentication."""
        return [method.id for method in self.app.manifest.auth]

    def questions(self) -> Iterator[Question]:
        """List what is needed and was not given."""
        method = method_of(self.app, self.given.auth)
        for into, fields in (("settings", self.app.manifest.fields), ("credentials", method.fields)):
            for field in fields:
                if field.required and not field.default and not getattr(self.given, into).get(field.key):
                    yield Question(
                        into, field.key, _prompt(field), field.secret, field.multiline, field.default
                    )

    def answer(self, question: Question, text: str) -> None:
        """Take an answer."""
        getattr(self.given, question.into)[question.key] = text

    async def record(self, options: Options) -> tuple[list[CaseReport], list[str]]:
        """Record; returns a report a fixture, and what was left out and why. Raises ConnectorError."""
        plan = Plan(self.app, self.given, options)
        return await Recorder(plan).record(), plan.skipped


def prepare(folder: Path, raw: bytes, *, auth: str = "", base_url: str = "") -> Recording:
    """Return the recording of a folder with what a file gives, JSON or TOML. Raises ConnectorError."""
    app = app_of(folder)
    try:
        text = raw.decode()
        given = Given.model_validate(
            json.loads(text) if text.lstrip().startswith("{") else tomllib.loads(text)
        )
    except ValidationError as error:
        first = error.errors(include_input=False)[0]
        place = ".".join(str(part) for part in first["loc"])
        raise ConnectorError(
            f"{place}: {first['msg'].lower()}", fix=f"known here: {', '.join(Given.model_fields)}"
        ) from None
    except ValueError:
        # The parser's own message may quote a secret.
        raise ConnectorError("what is given is neither JSON nor TOML", fix="see docs/connectors.md") from None
    given.auth = auth or given.auth or app.manifest.auth[0].id
    given.base_url = base_url or given.base_url
    method_of(app, given.auth)
    return Recording(app, given)


def options_of(*, write: bool, case: str, only: list[str], words: list[str], networks: list[str]) -> Options:
    """Return the options; a ConnectorError names a network that is none."""
    try:
        allow = tuple(ip_network(each) for each in networks)
    except ValueError as error:
        raise ConnectorError(f"{error}", fix="write a network such as 10.0.0.0/8 or 127.0.0.1") from None
    return Options(write=write, case=case, only=tuple(only), words=tuple(words), allow=allow)


def _prompt(field: FieldManifest) -> str:
    return f"{field.label} (such as {field.example})" if field.example else field.label
