"""`healthdesk import`: the plan as people read it."""

from __future__ import annotations

from tests.harness.cli import Shell
from tests.harness.fake_daemon import FakeDaemon, running

from healthdesk.api.setup import SetupApplied, SetupChange, SetupPlan

CHANGES = [
    *(SetupChange(do="add", kind="connections", name=f"Endpoint {number}") for number in range(12)),
    SetupChange(
        do="change",
        kind="integrations",
        name="CRM",
        fields=["production.rate_per_s: 20.0 → 5.0", f"production.path: none → /{'long/' * 18}"],
    ),
    SetupChange(do="same", kind="sources", name="heart-health"),
    SetupChange(do="left", kind="labels", name="control Access"),
]
PLAN = SetupPlan(
    changes=CHANGES, added=12, changed=1, same=1, left=1, unused_secrets=["channels.Old.url"], version="1a"
)
REFUSED = SetupChange(do="refuse", kind="proof_syncs", name="Members", why="needs a connection")

TOLD = """\
To add: 12
  connections (12): Endpoint 0, Endpoint 1, Endpoint 2, Endpoint 3, Endpoint 4,
    Endpoint 5, Endpoint 6, Endpoint 7, Endpoint 8, Endpoint 9, Endpoint 10,
    Endpoint 11
To change: 1
  integration CRM
    production.rate_per_s: 20.0 → 5.0
    production.path: none →
      /long/long/long/long/long/long/long/long/long/long/long/long/long/long/lo…
The same: 1
  sources (1)
Not in the file, left alone: 1
  labels (1): control Access
"""


def test_a_plan_says_at_80_columns_what_is_added_changed_the_same_and_left_alone(tmp_path) -> None:
    with running(FakeDaemon(tmp_path / "s")) as daemon:
        desk = Shell(daemon, width=80)
        daemon.on("POST", "/v1/setup", PLAN)
        ran = desk("import - --dry-run", stdin="healthdesk = 1\n")
        assert ran.out == TOLD + "12 to add, 1 to change, 1 the same\n"
        assert "nothing takes: channels.Old.url" in ran.err

        made = {"connections.Endpoint 1.ping": "https://desk.example/v1/ping/abc"}
        daemon.on("POST", "/v1/setup", PLAN, SetupApplied(**PLAN.model_dump(), secrets=made))
        ran = desk("import - --yes", stdin="healthdesk = 1\n")
        assert "Added 12, changed 1." in ran.out
        assert "https://desk.example/v1/ping/abc" in ran.out
        assert daemon.last.json["version"] == "1a"

        refused = PLAN.model_copy(update={"changes": [*CHANGES, REFUSED], "refused": 1})
        daemon.on("POST", "/v1/setup", refused)
        ran = desk("import - --yes", stdin="healthdesk = 1\n")
        assert ran.code == 1
        assert "Refused: 1\n  proof sync Members\n    needs a connection\n" in ran.out
        assert "Added" not in ran.out
