"""What Salesforce wants that data cannot say: whether the API may be used, SOQL, and cases known by their number."""

from __future__ import annotations

from collections.abc import Mapping

from healthdesk.connectors import connector
from healthdesk.connectors.connector import CheckOutcome, TaskAnswer, TasksAnswer
from healthdesk.domain.exchange import Failure, Sent
from healthdesk.domain.states import ErrorKind
from healthdesk.domain.verdicts import NOT_FOUND

# "Quoted String Escape Sequences" of SOQL; % and _ are wildcards of LIKE.
_QUOTED = str.maketrans({"\\": "\\\\", "'": "\\'", "\n": " ", "\r": " ", "\t": " "})
_LIKE = str.maketrans({"%": "\\%", "_": "\\_"})
_LONGEST = 255
"""Characters of a case's subject."""
_UNHEALTHY = frozenset({ErrorKind.PERMISSION, ErrorKind.RATE_LIMITED, ErrorKind.AUTHENTICATION})


class Connector(connector.Connector):
    """Salesforce."""

    async def check(self) -> CheckOutcome:
        """Ask who we are, and whether that one may use the API now: an organisation can have used up its requests."""
        client = self.client
        started = client.clock.monotonic()
        outcome = await super().check()
        if outcome.identity is None:
            return outcome
        api = next(each for each in self.manifest.probes if each.id == "api")
        left_s = client.timeout_s - (client.clock.monotonic() - started)
        reply = await client.call(api.request, on="heartbeat", timeout_s=max(left_s, 1.0))
        if reply.failure is not None and reply.failure.kind in _UNHEALTHY:
            return CheckOutcome(reply.exchange, reply.failure)
        return outcome

    async def get_task(self, container: Mapping[str, object], id: str, key: str = "") -> TaskAnswer:
        """Read a case by its ID, or find the one that has the number `key`."""
        if id:
            return await super().get_task(container, id, key)
        found = await self._where(container, f"CaseNumber = '{quoted(key)}'")
        if found.failure is not None or found.tasks:
            return TaskAnswer(found.tasks[0] if found.tasks else None, found.failure, found.exchange)
        return TaskAnswer(None, _no_case(key), found.exchange)

    async def search_tasks(self, container: Mapping[str, object], text: str) -> TasksAnswer:
        """Find cases by words of their subject, or by number."""
        text = " ".join(text.split())[:_LONGEST]
        condition = f"(Subject LIKE '%{quoted(text).translate(_LIKE)}%' OR CaseNumber = '{quoted(text)}')"
        return await self._where(container, condition)

    async def _where(self, container: Mapping[str, object], condition: str) -> TasksAnswer:
        return await super().search_tasks({**container, "condition": condition}, "")


def quoted(text: str) -> str:
    """Return text as it stands between the quotes of a SOQL string."""
    return text.translate(_QUOTED)


def _no_case(number: str) -> Failure:
    sentence = f"Salesforce has no case {number}, or the user may not see it"
    return Failure(
        kind=ErrorKind.NOT_FOUND,
        blame=NOT_FOUND.blame,
        permanent=True,
        sentence=sentence,
        safe_sentence="Salesforce has no such case, or the user may not see it",
        next_action="Look for the case in Salesforce's recycle bin",
        sent=Sent.YES,
    )
