"""Whole set-ups: export, import with a plan, backup."""

from __future__ import annotations

from typing import Literal

from pydantic import Field, SecretStr

from healthdesk.api.common import Input, Output


class SetupGiven(Input):
    """A set-up as TOML. `version` is that of the plan that was confirmed; without it only the plan is answered.

    `secrets` are by the place that the plan names (`connections.CRM.token`); the secret of receipts that an endpoint made
    goes with them (`integrations.CRM.production.receipt_secret`), or one is made.
    """

    text: str = Field(max_length=8_388_608)
    secrets: dict[str, SecretStr] = {}
    version: str = ""


class SetupChange(Output):
    """One thing of the file, or of the desk and not in the file (`left`). `fields` are `name: before → after`."""

    do: Literal["add", "change", "same", "refuse", "left"]
    kind: str
    name: str
    fields: list[str] = []
    why: str = ""


class SetupPlan(Output):
    """What an import will do. Nothing is changed where anything is refused; what is not in the file is left alone."""

    changes: list[SetupChange]
    added: int = 0
    changed: int = 0
    same: int = 0
    refused: int = 0
    left: int = 0
    missing_secrets: list[str] = []
    """Places of the secrets that are still wanted: what they belong to is refused until they are given."""
    unused_secrets: list[str] = []
    """Places of secrets that were given and that nothing takes."""
    notes: list[str] = []
    """What to see to in what is added or changed, such as two environments that deliver to one address."""
    new_secrets: list[str] = []
    """Places of the secrets that the import makes: keys, signing and receipt secrets, addresses of pings."""
    version: str = ""


class SetupApplied(SetupPlan):
    """What an import did. `secrets` are those that it made by their places (`new_secrets`), shown this once."""

    secrets: dict[str, str] = {}
