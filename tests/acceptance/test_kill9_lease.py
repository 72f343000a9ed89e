"""A daemon on PostgreSQL that is started again where it was killed goes on at once, and keeps the rates it promised."""

from __future__ import annotations

import tempfile
from pathlib import Path

import pytest

from healthdesk.api.integrations import EnvironmentEdit, IntegrationEdit
from tests.acceptance.torture_jobs import SETTINGS, post_numbers, sink
from tests.harness.desk import Desk, set_up_delivery
from tests.harness.postgres import running_postgres
from tests.harness.serving import until
from tests.harness.work import passes

RECORDS = 12
RATE_PER_S = 5.0
AN_HOUR_S = 3600.0
BUNCHED_S = 0.25
"""How long requests may wait on their way, beside what this process measures itself: they then look bunched."""

pytestmark = [pytest.mark.timeout(200), pytest.mark.xdist_group("kill9-postgresql")]


@pytest.fixture
def desk(tmp_path):
    # Not under pytest's own folder: PostgreSQL runs as another user there when the tests are root.
    with (
        tempfile.TemporaryDirectory(prefix="healthdesk-pg-") as folder,
        running_postgres(Path(folder)) as url,
    ):
        made = Desk(tmp_path / "desk", url, settings=dict(SETTINGS))
        yield made
        made.end()


async def test_what_a_killed_daemon_left_goes_on_at_once_at_the_rate_where_it_is_started_again(desk):
    async with sink() as endpoint:
        endpoint.open = True
        await desk.start()
        delivery = await set_up_delivery(desk, endpoint.url)
        rated = IntegrationEdit(production=EnvironmentEdit(rate_per_s=RATE_PER_S))
        async with desk.client() as client:
            await client.integration_edit(delivery.integration_id, rated)
        endpoint.answers.clear()
        await post_numbers(delivery, range(RECORDS))

        async def came():
            return len(endpoint.arrivals) >= 3

        await until(came)
        desk.kill()
        endpoint.answers.set()
        await passes(desk, -AN_HOUR_S, "daemons")  # the lease of the one that was killed ends by no waiting
        await desk.start()
        async with desk.client() as client:

            async def delivered():
                (row,) = (each for each in (await client.ledger()).rows if each.environment == "production")
                return row.states["delivered"] == RECORDS

            await until(delivered)
    assert len(endpoint.began) == RECORDS
    assert "did not give its lease up; what it had under way is taken up now" in desk.log
    assert "that deliver" not in desk.log, "it is the only one, and has the whole rate"
    waited_s = BUNCHED_S + 2 * endpoint.late_s
    assert endpoint.most_within(1.0) <= RATE_PER_S * (1 + waited_s) + 1
    assert endpoint.most_within(0.2) <= RATE_PER_S * (0.2 + waited_s) + 1
    assert await desk.stop() == 0
    await desk.start()
    assert desk.log.count("did not give its lease up") == 1, "it was given up"
