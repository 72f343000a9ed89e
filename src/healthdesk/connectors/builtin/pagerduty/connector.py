"""What PagerDuty wants that data cannot say: which account a credential belongs to is the host of a person's address."""

from __future__ import annotations

from dataclasses import replace
from urllib.parse import urlsplit

from healthdesk.connectors import connector
from healthdesk.connectors.connector import CheckOutcome


class Connector(connector.Connector):
    """PagerDuty."""

    async def check(self) -> CheckOutcome:
        """Name the site by the account's host: `html_url` of a user is https://acme.pagerduty.com/users/PXPGF42."""
        outcome = await super().check()
        if outcome.identity is None:
            return outcome
        return replace(outcome, identity=replace(outcome.identity, site=_host(outcome.identity.site)))


def _host(address: str) -> str:
    try:
        return urlsplit(address).hostname or ""
    except ValueError:
        return ""
