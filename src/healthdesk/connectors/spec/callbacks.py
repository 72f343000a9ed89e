"""Callbacks of an app: how they are signed, which delivery and event they are, which instance they are about."""

from __future__ import annotations

from typing import Literal

from pydantic import model_validator

from healthdesk.connectors.spec.base import Expression, Part
from healthdesk.domain.states import CallbackScheme

Handshake = Literal["", "asana", "challenge", "okta", "validation_token"]


class Where(Part):
    """A header, or an expression over the body; exactly one."""

    header: str = ""
    path: Expression | None = None

    @model_validator(mode="after")
    def _exactly_one(self) -> Where:
        if bool(self.header) == bool(self.path):
            raise ValueError("give exactly one of header and path")
        return self


class EventManifest(Part):
    """What an event is about. `instance` gives the external issue's id or key; `when` narrows by the body.

    `record` gives the `webhook-id` of a record: the callback is a receipt then.
    """

    name: str
    when: Expression | None = None
    instance: Expression | None = None
    record: Expression | None = None


class CallbackManifest(Part):
    """The signature scheme (docs/connectors.md describes each), where the delivery id and event are, and the events.

    `help` says where in the app the callback URL and its secret are entered. `hmac` takes the settings of the
    connection; `header`, `algorithm`, `encoding`, `prefix`, `signed` and `timestamp_header` are its defaults for this app, and
    `timestamp` says where the body holds the time of the signature. `handshake` is how the app makes sure of the address:
    `asana` hands over the secret, `challenge` posts a `challenge` to be sent back, `okta` asks with a header,
    `validation_token` with a parameter.
    `each` is an expression that gives the events of a callback that carries several.
    """

    scheme: CallbackScheme
    help: str = ""
    header: str = ""
    algorithm: Literal["sha1", "sha256", "sha512"] = "sha256"
    encoding: Literal["hex", "base64"] = "hex"
    prefix: str = ""
    signed: str = "{body}"
    timestamp_header: str = ""
    timestamp_format: Literal["epoch_s", "epoch_ms", "iso", "http"] = "epoch_s"
    timestamp: Where | None = None
    handshake: Handshake = ""
    delivery_id: Where | None = None
    event: Where | None = None
    each: Expression | None = None
    events: list[EventManifest] = []
