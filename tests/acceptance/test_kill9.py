"""Nothing that was answered 2xx is lost or doubled, and no task has two issues, however often the daemon is killed.

CI's share of the ordeal.
"""

import random
import tempfile
from pathlib import Path

import pytest

from tests.acceptance.torture import SETTINGS, torture
from tests.harness.desk import Desk
from tests.harness.postgres import running_postgres

KILLS = 6
pytestmark = pytest.mark.timeout(300)


@pytest.mark.xdist_group("kill9-sqlite")
async def test_every_answered_record_callback_and_alert_survives_kill_on_sqlite(tmp_path):
    desk = Desk(tmp_path / "desk", settings=dict(SETTINGS))
    try:
        report = await torture(desk, kills=KILLS, rng=random.Random(20261123))
    finally:
        desk.end()
    assert report["records"] > 5
    assert report["callbacks"] > 2
    assert report["tasks"] > 2


@pytest.mark.xdist_group("kill9-postgresql")
async def test_every_answered_record_callback_and_alert_survives_kill_on_postgresql(tmp_path):
    # Not under pytest's own folder: PostgreSQL runs as another user there when the tests are root.
    with (
        tempfile.TemporaryDirectory(prefix="healthdesk-pg-") as folder,
        running_postgres(Path(folder)) as url,
    ):
        desk = Desk(tmp_path / "desk", url, settings=dict(SETTINGS))
        try:
            report = await torture(desk, kills=KILLS, rng=random.Random(20261123))
        finally:
            desk.end()
    assert report["records"] > 5
    assert report["callbacks"] > 2
    assert report["tasks"] > 2
