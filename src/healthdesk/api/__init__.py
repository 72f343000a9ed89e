"""The wire contract of the operator API: request and response models, and the API version."""

from __future__ import annotations

API_VERSION = 1
"""Version every answer carries in the `Healthdesk-Api-Version` header."""

API_VERSION_HEADER = "Healthdesk-Api-Version"

MAX_PAGE = 500
"""No list answers more rows than this."""

EXACT_TOTAL_LIMIT = 10_000
"""A filtered total is counted up to this, then shown as `10,000+`; exact on demand. Where few of many match, about as
many are looked at, and the total is what was found among them: `833+`."""
