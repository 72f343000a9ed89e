"""A daemon killed between an endpoint's answer and its own commit sends nothing twice where the endpoint can be asked."""

from __future__ import annotations

from collections import Counter

import pytest

from healthdesk.api.integrations import EnvironmentEdit, IntegrationEdit
from healthdesk.domain.states import OnUnknown, RecordState
from healthdesk.testing import Behaviour, FakeEndpoint, reply
from tests.harness.desk import Desk, set_up_delivery
from tests.harness.serving import until
from tests.integration.engine_desk import QUICK, counted, post_many

RECORDS = 12


class Ledger:
    """An endpoint that books each post, and answers whether it has booked one."""

    def __init__(self, endpoint: FakeEndpoint) -> None:
        self.booked: list[str] = []
        self.asked: list[str] = []
        endpoint.behave(Behaviour("ledger", self._act))

    async def _act(self, visit) -> bool:
        request = visit.request
        if request.method == "POST":
            self.booked.append(request.headers["webhook-id"])
            return await reply(200).act(visit)
        self.asked.append(request.path.rpartition("/")[2])
        return await reply(200 if self.asked[-1] in self.booked else 404).act(visit)


async def died(desk: Desk) -> None:
    async def ended() -> bool:
        return desk.process is not None and desk.process.poll() is not None

    await until(ended)


@pytest.mark.xdist_group("kill9-outcomes")
async def test_what_was_answered_before_the_kill_is_asked_for_and_not_sent_twice(tmp_path):
    desk = Desk(tmp_path / "desk", settings={**QUICK, "HEALTHDESK_DELIVERY__TIMEOUT": "5s"})
    async with FakeEndpoint() as endpoint:
        ledger = Ledger(endpoint)
        try:
            await desk.start()
            delivery = await set_up_delivery(desk, endpoint.url, concurrency=4)
            async with desk.client() as client:
                edit = EnvironmentEdit(
                    on_unknown=OnUnknown.RESEND, delivery={"lookup": {"path": "/booked/{webhook_id}"}}
                )
                await client.integration_edit(delivery.integration_id, IntegrationEdit(production=edit))
                await client.integration_pause(delivery.integration_id)
            ids = await post_many(delivery, RECORDS)
            await counted(desk, held=RECORDS)
            # the first commit of results that the endpoint has given dies with the daemon, and the first of what it says
            for point in ("healthdesk.store.settle:_settle", "healthdesk.store.undecided:carry_out"):
                desk.kill()
                desk.dies_after = point
                await desk.start()
                if point.endswith("_settle"):
                    async with desk.client() as client:
                        await client.integration_resume(delivery.integration_id)
                await died(desk)
            assert ledger.booked, "it died with answers in its hands"
            desk.dies_after = ""
            await desk.start()
            await counted(desk, delivered=RECORDS)
            assert Counter(ledger.booked) == Counter(ids), "each was booked once"
            assert ledger.asked, "what was in doubt was asked for"
            async with desk.client() as client:
                for record_id in set(ledger.asked):
                    record = await client.record(record_id)
                    assert record.state is RecordState.DELIVERED
                    assert [each.kind.value for each in record.events] == ["looked_up"]
                    assert record.attempts[0].outcome.value == "interrupted"
        finally:
            desk.end()
