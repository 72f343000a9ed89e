"""Fixtures of a connector: what it asked in one case, what the app answered, and what the desk made of it.

A fixture is one JSON file in the folder's `fixtures/`. It holds no credential: requests are those that were made with
`redacted-KEY` in the place of each secret field. In what was asked, `*` is any value.
"""

from __future__ import annotations

import base64
import binascii
import json
from collections.abc import Iterator
from datetime import datetime
from importlib.resources.abc import Traversable
from typing import Annotated, Any, Literal
from urllib.parse import urlsplit

from pydantic import AwareDatetime, BaseModel, ConfigDict, Field, ValidationError, model_validator

from healthdesk.errors import ConnectorError

FOLDER = "fixtures"
MOST_BYTES = 8 * 1_048_576

Operation = Literal[
    "heartbeat", "probe", "dataset", "statuses", "fields", "search", "get", "create", "update"
]


class Member(BaseModel):
    """A part of a fixture: unknown keys are refused."""

    model_config = ConfigDict(extra="forbid", populate_by_name=True)


class Asked(Member):
    """A request. `url` is whole; at most one of `json`, `form` and `text` is its body. `*` is any value."""

    method: str
    url: str
    headers: dict[str, str] = {}
    json_body: Any = Field(default=None, alias="json")
    form: dict[str, str] | None = None
    text: str = ""

    @model_validator(mode="after")
    def _whole(self) -> Asked:
        parts = urlsplit(self.url)
        if parts.scheme not in ("http", "https") or not parts.netloc:
            raise ValueError(f"{self.url!r} is no whole address: write https://…")
        return self


class Answered(Member):
    """An answer. One of `json`, `text` and `base64` is its body, or none."""

    status: Annotated[int, Field(ge=100, le=599)] = 200
    headers: dict[str, str] = {}
    json_body: Any = Field(default=None, alias="json")
    text: str = ""
    base64: str = ""

    @model_validator(mode="after")
    def _readable(self) -> Answered:
        try:
            self.body()
        except binascii.Error:
            raise ValueError("base64 is none") from None
        return self

    def body(self) -> bytes:
        """Return the bytes of the body."""
        if "json_body" in self.model_fields_set:
            return json.dumps(self.json_body, ensure_ascii=False).encode("utf-8", "surrogatepass")
        return base64.b64decode(self.base64, validate=True) if self.base64 else self.text.encode()


class Step(Member):
    """One request and its answer."""

    asked: Asked | None = None
    """Left out by an author who has `connectors test --update` fill it in."""
    answered: Answered


class Fixture(Member):
    """One case: `operation` (`of` names the probe or dataset) with a method of authentication and what was given.

    `at` is the time of the case. `outcome` is what must come of it: of an identity, a task or a failure only the
    members that are named here are compared.
    """

    operation: Operation
    of: str = ""
    auth: str
    at: AwareDatetime
    base_url: str = ""
    """The connection's own, for an app that has none."""
    settings: dict[str, str] = {}
    credentials: dict[str, str] = {}
    """Fields that are no secret. A secret one that is required is `redacted-KEY` by itself."""
    tokens: dict[str, str] = {}
    """What a token answer said, for methods whose tokens come from a browser."""
    inputs: dict[str, Any] = {}
    """Inputs of a probe or dataset; the container of a task."""
    id: str = ""
    key: str = ""
    search: str = ""
    task: dict[str, Any] = {}
    steps: list[Step] = []
    outcome: dict[str, Any] | None = None


def fixtures_of(folder: Traversable) -> Iterator[tuple[str, Traversable]]:
    """List the fixtures of a connector folder, by name."""
    place = folder / FOLDER
    if place.is_dir():
        found = {
            each.name.removesuffix(".json"): each for each in place.iterdir() if each.name.endswith(".json")
        }
        yield from sorted(found.items())


def read_fixture(file: Traversable) -> Fixture:
    """Read a fixture; a ConnectorError names the file, the place in it and the reason."""
    try:
        with file.open("rb") as stream:
            raw = stream.read(MOST_BYTES + 1)
        if len(raw) > MOST_BYTES:
            raise ConnectorError(f"{file}: it is longer than 8 MiB", fix="is it a fixture?")
        return Fixture.model_validate(json.loads(raw))
    except OSError as error:
        raise ConnectorError(f"{file}: it cannot be read: {error.strerror}", fix="make it readable") from None
    except json.JSONDecodeError as error:
        raise ConnectorError(
            f"{file}:{error.lineno}: it is not JSON: {error.msg}", fix="correct it"
        ) from None
    except ValidationError as error:
        first = error.errors()[0]
        place = ".".join(str(part) for part in first["loc"]) or "the fixture"
        raise ConnectorError(
            f"{file}: {place}: {first['msg']}", fix="docs/connectors.md tells its form"
        ) from None
    except (ValueError, RecursionError) as error:
        raise ConnectorError(f"{file}: it is not JSON: {error}", fix="correct it") from None


def fixture_text(fixture: Fixture) -> str:
    """Return a fixture as its file says it."""
    members = fixture.model_dump(mode="json", by_alias=True, exclude_unset=True)
    return json.dumps(members, indent=2, ensure_ascii=False) + "\n"


def whole(moment: datetime) -> datetime:
    """Return a time without the part of a second, as fixtures have it."""
    return moment.replace(microsecond=0)
