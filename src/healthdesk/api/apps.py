"""Apps: what can be connected, and what each way to authenticate asks for."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Literal

from healthdesk.api.common import Output
from healthdesk.domain.states import CallbackScheme

BY_BROWSER = frozenset({"oauth2_code", "oauth2_device"})
"""Types of methods that somebody grants in a browser."""

_PLACEHOLDER = re.compile(r"\{([a-z][a-z0-9_]*)\}")


class AppField(Output):
    """A setting or credential the app asks for."""

    key: str
    label: str
    help: str = ""
    example: str = ""
    secret: bool = False
    required: bool = True
    multiline: bool = False
    options: list[str] = []
    default: str = ""
    pattern: str = ""


class AppAuth(Output):
    """One way to authenticate at an app: the fields it asks for and where to find what goes into them."""

    id: str
    name: str
    type: str
    help: str = ""
    where: str = ""
    """A sentence, or an address with the settings of the connection in braces."""
    base_url: str = ""
    """Takes the place of the app's for this method; a template over its fields, too."""
    redirect_url: str = ""
    """What the app has to know as redirect URL (callback URL) before it can be authorized in a browser; else empty."""
    fields: list[AppField] = []

    def where_with(self, values: Mapping[str, str]) -> str:
        """Return `where` with the settings that are known; the others stand as `<site>`."""
        return _PLACEHOLDER.sub(lambda match: values.get(match[1], "") or f"<{match[1]}>", self.where)


class AppCallbacks(Output):
    """How an app signs its callbacks, as CallbackVerification has it, and `help`: where it asks for address and secret.

    With the scheme `asana` the app hands the secret over by itself.
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


class AppTasks(Output):
    """What an app calls its issues, and what says where they live."""

    noun: str = "issue"
    container: list[AppField] = []


class AppColumn(Output):
    """A column of a dataset."""

    key: str
    label: str


class AppDataset(Output):
    """What can be collected as proof. `title` is the name a proof sync gets by itself, a template over `fields`."""

    id: str
    name: str
    summary: str = ""
    title: str = ""
    fields: list[AppField] = []
    columns: list[AppColumn] = []


class AppDelivery(Output):
    """A delivery operation: what an environment's `operation` and `inputs` name."""

    name: str
    help: str = ""
    most: int = 1
    """Records that go in one request."""
    fields: list[AppField] = []


class App(Output):
    """A third-party system the desk can connect to, from its connector folder.

    `base_url` is a template over `fields`, and can be given for each connection; empty, it has to be.
    """

    id: str
    name: str
    summary: str = ""
    kinds: list[str] = []
    docs: str = ""
    base_url: str = ""
    fields: list[AppField] = []
    auth: list[AppAuth] = []
    callbacks: AppCallbacks | None = None
    tasks: AppTasks | None = None
    datasets: list[AppDataset] = []
    delivery: dict[str, AppDelivery] = {}
    """By the name that an environment's `operation` gives."""
