"""`healthdesk connections members`: adds, removes, then says who holds what."""

import pytest
from tests.harness import wire
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


def test_a_connection_is_taken_over_with_credentials_of_ones_own(daemon, desk):
    daemon.on("GET", "/v1/connections/con_1", wire.connection(owner="bob"))
    daemon.on("POST", "/v1/connections/con_1/make-me-owner", wire.updated(owner="alice"))
    ran = desk("connections make-me-owner con_1 --token-stdin", stdin="t0ken")
    assert ran.code == 0
    assert daemon.last.json == {"credentials": {"auth": "bearer", "token": "t0ken"}}
    assert "alice" in ran.out


def test_taking_over_asks_for_all_of_the_credentials_and_keeps_nothing_of_the_others(daemon, desk):
    """A user name that stays with an update is the owner's before: it is asked for."""
    method = {
        "id": "login",
        "name": "Log in",
        "type": "static",
        "fields": [
            {"key": "email", "label": "E-mail"},
            {"key": "token", "label": "Token", "secret": True},
        ],
    }
    tracker = wire.apps()[1].model_copy(update={"auth": [wire.apps()[1].auth[0].model_validate(method)]})
    daemon.on("GET", "/v1/apps", [tracker.model_dump(mode="json")])
    theirs = wire.connection(owner="bob", app="tracker", auth="login", settings={"site": "acme"})
    daemon.on("GET", "/v1/connections/con_1", theirs)
    daemon.on("POST", "/v1/connections/con_1/make-me-owner", wire.updated(owner="alice"))
    daemon.on("POST", "/v1/connections/con_1/credentials", wire.updated())
    ran = desk("connections make-me-owner con_1 --secret-stdin token", stdin="t0ken")
    assert (ran.code, "email" in ran.err) == (2, True)
    assert desk("connections update-credentials con_1 --secret-stdin token", stdin="t0ken").code == 0


def test_who_may_not_take_it_over_is_told_before_credentials_are_asked_for(daemon, desk):
    refused = {"make_me_owner": "It is yours already."}
    daemon.on("GET", "/v1/connections/con_1", wire.connection(refused=refused))
    ran = desk("connections make-me-owner con_1 --token-stdin", stdin="t0ken")
    assert (ran.code, "It is yours already." in ran.err) == (2, True)
    assert daemon.lines() == ["GET /v1/connections/con_1"]


DONE = {"connections": ["con_1"], "instances": 2, "sentence": "mia owns 1 connection of bob: CRM."}


def test_handing_over_names_what_goes_and_starts_on_no(daemon, desk):
    daemon.on("GET", "/v1/people/bob/connections", wire.page(wire.connection(owner="bob")))
    daemon.on("POST", "/v1/people/bob/hand-over", DONE)
    ran = desk("connections hand-over bob --to mia", stdin="\n", terminal=True)
    assert ran.code == 1
    assert "Give CRM, and every task, proof sync and repeating task of bob to mia? [y/N]" in ran.err
    assert {one.method for one in daemon.asked} == {"GET"}
    ran = desk("connections hand-over bob --to mia", stdin="y\n", terminal=True)
    assert (ran.code, ran.out) == (0, f"{DONE['sentence']}\n")
    assert daemon.last.json == {"to": "mia", "connection_ids": []}
    ran = desk("connections hand-over bob --to mia --connection con_1 --yes --json")
    assert ran.json == DONE
    assert daemon.last.json == {"to": "mia", "connection_ids": ["con_1"]}


def test_connections_of_one_owner_are_listed(daemon, desk):
    daemon.on("GET", "/v1/accounts", [])
    daemon.on("GET", "/v1/people/bob/connections", wire.page(wire.connection(owner="bob")), wire.page())
    assert "con_1" in desk("connections list --owner bob").out
    assert desk("connections list --owner bob").out == "bob owns no connection.\n"
