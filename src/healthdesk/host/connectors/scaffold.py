"""Begins a connector: a folder that lints clean and whose fixture passes, for its author to fill in."""

from __future__ import annotations

import json
import re
from pathlib import Path

from pydantic import TypeAdapter, ValidationError

from healthdesk.connectors.fixtures import FOLDER
from healthdesk.connectors.reader import MANIFEST, read_text
from healthdesk.connectors.spec import AppId
from healthdesk.errors import ConnectorError

_MANIFEST = """\
# What each key means: docs/connectors.md. `healthdesk connectors lint {folder}` says what is wrong.
id = "{id}"
name = {name}
summary = "What it is, in one line."
kinds = ["delivery"]
docs = "https://{id}.example/docs/api"
base_url = "https://api.{id}.example"
message = "message"

[[auth]]
id = "token"
name = "API token"
where = "Where in the app a token is made: Settings > API tokens."
headers = {{ Authorization = "Bearer {{token}}" }}

[[auth.fields]]
key = "token"
label = "API token"
secret = true

# The cheapest request that needs the credential and says whose it is.
[[heartbeat]]
request.path = "/me"

[heartbeat.identity]
account_id = "id"
account = "name"

# One rule for each way in which the app says no.
[[errors]]
status = [401]
kind = "authentication"
sentence = "{{app}} refused the token: {{message}}"
fix = "Make a new token and update the credentials"

[[errors]]
status = [403]
kind = "permission"
sentence = "{{app}} does not let the account do this: {{message}}"
fix = "Give the account the permission in the app"
"""

_README = """\
# {name} for healthdesk

- [ ] `manifest.toml` names the vendor's pages of documentation it was written from
- [ ] each method of authentication says where the credential is found, with an example and a pattern of each field
- [ ] the heartbeat is the cheapest request that fails without the credential; its `account_id` never changes
- [ ] expiry and scopes are read where the app tells them
- [ ] wrong credential, missing permission, rate limit and outage have a rule each, with a fix that can be done
- [ ] an answer of 200 that is none (a page to sign in, an anonymous user) is a failure
- [ ] lists go on to their end: a fixture has more than a page
- [ ] fixtures were recorded from a real account, and read: `healthdesk connectors test {folder} --record`
- [ ] `healthdesk connectors lint {folder}` finds nothing, and `healthdesk connectors test {folder}` passes
"""


def begin(parent: Path, name: str) -> list[Path]:
    """Write the folder of an app called `name` under `parent`; return the files. Raises ConnectorError."""
    app_id = re.sub(r"[^a-z0-9]+", "-", name.lower()).strip("-")
    try:
        TypeAdapter(AppId).validate_python(app_id)
    except ValidationError:
        raise ConnectorError(
            f"{name!r} makes no id of an app",
            fix="begin with a letter, and have at most 40 letters and digits",
        ) from None
    folder = parent / app_id.replace("-", "_")
    if folder.exists():
        raise ConnectorError(f"{folder} is there already", fix="give another name, or another --in")
    words = {"id": app_id, "name": json.dumps(name, ensure_ascii=False), "folder": str(folder)}
    files = {
        folder / MANIFEST: _MANIFEST.format(**words),
        folder / "README.md": _README.format(name=name, folder=folder),
        folder / FOLDER / "heartbeat.json": _fixture(app_id, "heartbeat"),
        folder / FOLDER / "heartbeat-wrong-token.json": _fixture(app_id, "wrong token"),
    }
    # A name that a manifest cannot have is refused before anything is written.
    read_text(files[folder / MANIFEST].encode("utf-8", "replace"), str(folder / MANIFEST))
    for path, text in files.items():
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")
    return list(files)


def _fixture(app_id: str, case: str) -> str:
    if case == "heartbeat":
        answered: dict[str, object] = {"status": 200, "json": {"id": 42, "name": "Ada"}}
        outcome: dict[str, object] = {"identity": {"account_id": "42", "account": "Ada"}}
    else:
        answered = {"status": 401, "json": {"message": "The token is revoked"}}
        outcome = {"failure": {"kind": "authentication", "blame": "credential", "status": 401}}
    asked = {
        "method": "GET",
        "url": f"https://api.{app_id}.example/me",
        "headers": {"accept": "application/json", "authorization": "Bearer redacted-token"},
    }
    fixture = {
        "operation": "heartbeat",
        "auth": "token",
        "at": "2026-01-01T00:00:00Z",
        "steps": [{"asked": asked, "answered": answered}],
        "outcome": outcome,
    }
    return json.dumps(fixture, indent=2) + "\n"
