"""Calls about problems, channels, rules and alerts."""

from __future__ import annotations

from collections.abc import Sequence

from pydantic import SecretStr, TypeAdapter

from healthdesk.api.alerts import Alert, Channel, ChannelCreate, ChannelTest, Rule, RuleCreate, RuleEdit
from healthdesk.api.common import Page
from healthdesk.api.problems import Acknowledge, Mute, ProblemDetail, ProblemRow, Resolve
from healthdesk.client.params import optional, paging, seg
from healthdesk.client.transport import LONG_TIMEOUT_S, Transport
from healthdesk.domain.states import ProblemState

_PAGE = TypeAdapter(Page[ProblemRow])
_DETAIL = TypeAdapter(ProblemDetail)
_CHANNELS = TypeAdapter(Page[Channel])
_CHANNEL = TypeAdapter(Channel)
_TEST = TypeAdapter(ChannelTest)
_RULES = TypeAdapter(Page[Rule])
_RULE = TypeAdapter(Rule)
_ALERTS = TypeAdapter(Page[Alert])


class ProblemCalls:
    """Problems, and who is told about them."""

    _http: Transport

    async def problems_list(
        self,
        *,
        states: Sequence[ProblemState] = (),
        integration_id: str | None = None,
        connection_id: str | None = None,
        after: str | None = None,
        limit: int = 50,
    ) -> Page[ProblemRow]:
        """Problems; without `states` the ones that are not resolved."""
        query = paging(after, limit) + optional(integration_id=integration_id, connection_id=connection_id)
        query += [("state", state.value) for state in states]
        return await self._http.call(_PAGE, "GET", "/v1/problems", query=query)

    async def problem(self, problem_id: str) -> ProblemDetail:
        """One problem with its evidence."""
        return await self._http.call(_DETAIL, "GET", f"/v1/problems/{seg(problem_id)}")

    async def problem_ack(self, problem_id: str, *, note: str = "") -> ProblemDetail:
        """Take a problem: no further alerts but its recovery."""
        path = f"/v1/problems/{seg(problem_id)}/ack"
        return await self._http.call(_DETAIL, "POST", path, body=Acknowledge(note=note))

    async def problem_mute(self, problem_id: str, *, for_s: int = 86400, note: str = "") -> ProblemDetail:
        """Silence a problem for a while; 0 unmutes."""
        path = f"/v1/problems/{seg(problem_id)}/mute"
        return await self._http.call(_DETAIL, "POST", path, body=Mute(for_s=for_s, note=note))

    async def problem_resolve(self, problem_id: str, *, note: str = "") -> ProblemDetail:
        """Close a problem by hand."""
        path = f"/v1/problems/{seg(problem_id)}/resolve"
        return await self._http.call(_DETAIL, "POST", path, body=Resolve(note=note))

    async def channels_list(self, *, after: str | None = None, limit: int = 50) -> Page[Channel]:
        """Alert targets."""
        return await self._http.call(_CHANNELS, "GET", "/v1/channels", query=paging(after, limit))

    async def channel(self, channel_id: str) -> Channel:
        """One alert target."""
        return await self._http.call(_CHANNEL, "GET", f"/v1/channels/{seg(channel_id)}")

    async def channel_create(self, name: str, url: str) -> Channel:
        """Add an alert target by its Apprise URL."""
        body = ChannelCreate(name=name, url=SecretStr(url))
        return await self._http.call(_CHANNEL, "POST", "/v1/channels", body=body, timeout_s=LONG_TIMEOUT_S)

    async def channel_test(self, channel_id: str) -> ChannelTest:
        """Send a test message and wait for what became of it."""
        path = f"/v1/channels/{seg(channel_id)}/test"
        return await self._http.call(_TEST, "POST", path, timeout_s=LONG_TIMEOUT_S)

    async def channel_remove(self, channel_id: str) -> None:
        """Remove an alert target."""
        await self._http.raw("DELETE", f"/v1/channels/{seg(channel_id)}")

    async def rules_list(self, *, after: str | None = None, limit: int = 50) -> Page[Rule]:
        """Which problems go to which channels."""
        return await self._http.call(_RULES, "GET", "/v1/rules", query=paging(after, limit))

    async def rule(self, rule_id: str) -> Rule:
        """One rule."""
        return await self._http.call(_RULE, "GET", f"/v1/rules/{seg(rule_id)}")

    async def rule_create(self, new: RuleCreate) -> Rule:
        """Add a rule."""
        return await self._http.call(_RULE, "POST", "/v1/rules", body=new)

    async def rule_edit(self, rule_id: str, changes: RuleEdit) -> Rule:
        """Change a rule."""
        return await self._http.call(_RULE, "PATCH", f"/v1/rules/{seg(rule_id)}", body=changes)

    async def rule_remove(self, rule_id: str) -> None:
        """Remove a rule."""
        await self._http.raw("DELETE", f"/v1/rules/{seg(rule_id)}")

    async def alerts_list(
        self,
        *,
        problem_id: str | None = None,
        channel_id: str | None = None,
        after: str | None = None,
        limit: int = 50,
    ) -> Page[Alert]:
        """Messages of the outbox, newest first."""
        query = paging(after, limit) + optional(problem_id=problem_id, channel_id=channel_id)
        return await self._http.call(_ALERTS, "GET", "/v1/alerts", query=query)
