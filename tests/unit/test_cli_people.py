"""`healthdesk connections members`: adds, removes, then says who holds what."""

import pytest
from tests.harness.cli import Shell
from tests.harness.fake_daemon import FakeDaemon, running

MEMBERS = [
    {"user": "alice", "grant": "owner", "hint": ""},
    {"user": "mia", "grant": "manager", "hint": "this host knows no user mia"},
]


@pytest.fixture
def daemon(tmp_path):
    with running(FakeDaemon(tmp_path / "s")) as daemon:
        daemon.on("GET", "/v1/connections/con_1/members", MEMBERS)
        yield daemon


@pytest.fixture
def desk(daemon):
    return Shell(daemon)


def test_members_are_listed_with_what_keeps_them_from_acting(desk):
    ran = desk("connections members con_1")
    assert ran.code == 0
    assert ran.out.split("\n")[1].split() == ["alice", "owner"]
    assert "mia    manager  this host knows no user mia" in ran.out
    assert desk("connections members con_1 --json").json == {"items": MEMBERS, "next": None}


def test_members_are_added_and_removed_before_they_are_listed(daemon, desk):
    for user in ("mia", "max"):
        daemon.on("PUT", f"/v1/connections/con_1/members/{user}", MEMBERS[1])
    daemon.on("DELETE", "/v1/connections/con_1/members/bob", 204)
    assert desk("connections members con_1 --add mia=manager --add max --remove bob").code == 0
    assert daemon.lines() == [
        "PUT /v1/connections/con_1/members/mia",
        "PUT /v1/connections/con_1/members/max",
        "DELETE /v1/connections/con_1/members/bob",
        "GET /v1/connections/con_1/members",
    ]
    assert [each.json for each in daemon.asked[:2]] == [{"grant": "manager"}, {"grant": "user"}]


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ("--add mia=boss", "no grant is called 'boss'"),
        ("--add mia --remove mia", "mia: both added and removed"),
    ],
)
def test_what_makes_no_sense_is_a_usage_error_and_asks_nothing(daemon, desk, options, said):
    ran = desk(f"connections members con_1 {options}")
    assert (ran.code, said in ran.err) == (2, True)
    assert daemon.asked == []
