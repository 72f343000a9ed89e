"""A job of resends goes on after kill -9 and counts every record once; a rate limit holds across the restarts.

CI's share of the ordeal; HEALTHDESK_TORTURE_JOBS=100000 is the whole.
"""

import os
import random

import pytest

from tests.acceptance.torture_jobs import SETTINGS, torture_jobs
from tests.harness.desk import Desk

RECORDS = int(os.environ.get("HEALTHDESK_TORTURE_JOBS", "300"))
RATE_PER_S = 25.0
BUNCHED_S = 0.25
"""How long requests may wait on their way, beside what this process measures itself: they then look bunched."""

pytestmark = [pytest.mark.timeout(200 + RECORDS / 20), pytest.mark.xdist_group("kill9-jobs")]


@pytest.fixture
def desk(tmp_path):
    made = Desk(tmp_path / "desk", settings=dict(SETTINGS))
    yield made
    made.end()


async def test_a_job_that_is_killed_three_times_sends_nothing_again_but_what_was_under_way(desk):
    report = await torture_jobs(desk, records=RECORDS, kills=3, rng=random.Random(20261123))
    assert report["delivered"] + report["failed"] == RECORDS
    assert report["taken_twice"] <= report["came_twice"] <= report["under_way_at_kills"]


async def test_nothing_that_was_answered_is_sent_again_where_the_endpoint_can_be_asked(desk):
    report = await torture_jobs(desk, records=RECORDS, kills=3, rng=random.Random(20261124), lookup=True)
    assert report["taken_twice"] == 0
    assert report["asked"] >= report["under_way_at_kills"] > 0


async def test_a_rate_is_never_exceeded_whatever_restarts(desk):
    report = await torture_jobs(desk, records=60, kills=2, rng=random.Random(20261123), rate_per_s=RATE_PER_S)
    waited_s = BUNCHED_S + 2 * report["late_s"]
    assert report["most_within_1_s"] <= RATE_PER_S * (1 + waited_s) + 1
    assert report["most_within_0.2_s"] <= RATE_PER_S * (0.2 + waited_s) + 1
