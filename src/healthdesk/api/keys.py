"""Bearer keys, secrets of our signature and secrets that prove receipts."""

from __future__ import annotations

from datetime import datetime

from pydantic import Field, SecretStr

from healthdesk.api.common import Input, Output
from healthdesk.domain.states import Environment


class KeyCreate(Input):
    """Make a new bearer key for an environment. The one before stays valid for `overlap_s` seconds."""

    environment: Environment = Environment.PRODUCTION
    overlap_s: int = Field(default=0, ge=0, le=30 * 86400)


class ReceiptSecretCreate(KeyCreate):
    """Make a new secret that proves receipts, or take one over that the endpoint made (`secret`)."""

    secret: SecretStr | None = None


class Key(Output):
    """A bearer key, never its text."""

    id: str
    environment: Environment
    hint: str
    created_at: datetime
    created_by: str
    expires_at: datetime | None = None


class NewSecret(Output):
    """A secret at the only moment it is shown: `secret` is not stored in clear and cannot be read again."""

    id: str
    environment: Environment
    secret: str
    hint: str
    replaces_until: datetime | None = None


class SigningSecret(Output):
    """A secret of our signature, never its text. Deliveries carry its signature until `expires_at`."""

    id: str
    environment: Environment
    hint: str
    created_at: datetime
    created_by: str
    expires_at: datetime | None = None


class ReceiptSecret(SigningSecret):
    """A secret that proves receipts to be the endpoint's own, never its text; good until `expires_at`."""
