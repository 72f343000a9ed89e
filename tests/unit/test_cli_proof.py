"""`healthdesk instances add|settings|…|export` and `healthdesk labels` ask the right thing and answer people and programs."""

import pytest
from tests.harness import wire
from tests.harness.cli import Shell
from tests.harness.fake_daemon import FakeDaemon, running
from tests.harness.proof_calls import contents, difference, proof_sync

from healthdesk.api.proof import InstanceView

ONE = "/v1/instances/prf_1"


@pytest.fixture
def daemon(tmp_path):
    with running(FakeDaemon(tmp_path / "s")) as daemon:
        daemon.on("GET", "/v1/proof-syncs/prf_1", proof_sync())
        daemon.on("GET", f"{ONE}/view", InstanceView(member=True, proof=proof_sync()))
        daemon.on("GET", "/v1/labels", wire.page(wire.label()))
        yield daemon


@pytest.fixture
def desk(daemon):
    return Shell(daemon)


def test_a_proof_sync_is_added(daemon, desk):
    daemon.on("POST", "/v1/instances", proof_sync())
    ran = desk(
        "instances add --integration int_2 --connection con_1 --dataset repository_collaborators"
        " --field owner=acme --field repo=a=b --label 'access reviews' --name Mine --every 12h --unchecked"
    )
    assert ran.code == 0
    assert daemon.last.json == {
        "integration_id": "int_2",
        "connection_id": "con_1",
        "dataset": "repository_collaborators",
        "fields": {"owner": "acme", "repo": "a=b"},
        "label_id": "lbl_1",
        "name": "Mine",
        "every_s": 43200.0,
        "unchecked": True,
    }
    assert "Collaborators of a repository (repository_collaborators)" in ran.out


def test_settings_send_what_was_given(daemon, desk):
    daemon.on("PATCH", ONE, proof_sync())
    assert desk("instances settings prf_1 --field repo=api --generated-name").code == 0
    assert daemon.last.json == {"fields": {"repo": "api"}, "name": ""}
    ran = desk("instances settings prf_1 --unchecked")
    assert (ran.code, ran.err.splitlines()[0]) == (2, "error: nothing to change")
    assert desk("instances settings prf_1 --name a --generated-name").code == 2


def test_another_connection_is_named(daemon, desk):
    daemon.on("POST", f"{ONE}/change-connection", proof_sync())
    assert desk("instances change-connection prf_1 --connection con_2").code == 0
    assert daemon.last.json == {"connection_id": "con_2", "unchecked": False}


def test_deleting_asks_and_names_what_goes(daemon, desk):
    ran = desk("instances delete prf_1", stdin="n\n", terminal=True)
    assert ran.code == 1
    assert "Collaborators of acme/site (prf_1) and everything it collected" in ran.err
    daemon.on("DELETE", ONE, 204)
    assert desk("instances delete prf_1 --yes").out == "Deleted Collaborators of acme/site.\n"


def test_view_prints_every_page_up_to_the_limit(daemon, desk):
    path = f"{ONE}/runs/run_5/contents"
    daemon.on("GET", path, contents(next="2", total=3), contents(rows=[["3", "c\x1b[31m"]], total=3))
    ran = desk("instances view prf_1 --limit 700")
    assert ran.code == 0
    assert [line.split() for line in ran.out.splitlines()[1:]] == [
        ["Id", "Login"],
        ["1", "ada"],
        ["2", "=bob"],
        ["3", "c□[31m"],
    ]
    assert [line for line in daemon.lines() if path in line] == [
        f"GET {path}?limit=500",
        f"GET {path}?limit=500&after=2",
    ]
    daemon.on("GET", path, contents(next="2", total=3))
    assert "--after 2" in desk("instances view prf_1 --run run_5 --limit 2").out


def test_view_says_to_others_whom_to_ask(daemon, desk):
    labels = [{"id": "lbl_1", "kind": "control", "name": "Access reviews", "members": ["alice", "bob"]}]
    daemon.on("GET", f"{ONE}/view", InstanceView(member=False, labels=labels))
    ran = desk("instances view prf_1")
    assert ran.code == 4
    assert "no member" in ran.err
    assert "alice, bob" in ran.out
    assert desk("instances view prf_1 --json").json["member"] is False


def test_a_difference_marks_each_row(daemon, desk):
    daemon.on("GET", f"{ONE}/runs/run_5/difference", difference())
    ran = desk("instances view prf_1 --difference")
    assert "1 added, 1 removed, 1 changed, 7 as before, since the run run_4" in ran.out
    assert "a → ada" in ran.out
    daemon.on("GET", f"{ONE}/runs/run_5/difference", difference(before_run_id=None))
    assert "first run" in desk("instances view prf_1 --difference").out


def test_export_writes_a_file_and_keeps_one_that_is_there(daemon, desk, tmp_path):
    async def answer(_):
        from aiohttp import web

        return web.Response(text="Id,Login\r\n1,ü\r\n", content_type="text/csv")

    daemon.on("GET", f"{ONE}/runs/run_5/export", answer)
    path = tmp_path / "proof.csv"
    ran = desk(f"instances export prf_1 --output {path}")
    assert (ran.code, path.read_bytes()) == (0, "Id,Login\r\n1,ü\r\n".encode())
    assert daemon.lines()[-1].endswith("/export?format=csv")
    path.write_text("mine")
    assert desk(f"instances export prf_1 --output {path}").code == 2
    assert path.read_text() == "mine"
    assert desk(f"instances export prf_1 --output {path} --overwrite").code == 0
    assert desk(f"instances export prf_1 --output {tmp_path}/no/where").code == 2
    assert [each.name for each in tmp_path.iterdir() if each.name != "s"] == ["proof.csv"]


def test_labels_are_listed_shown_and_changed(daemon, desk):
    ran = desk("labels list --kind control")
    assert "Access reviews" in ran.out
    assert "alice, bob" in ran.out
    assert daemon.lines() == ["GET /v1/labels?limit=50&kind=control"]
    daemon.on("GET", "/v1/labels/lbl_1", wire.label())
    assert "alice, bob" in desk("labels show 'Access reviews'").out
    daemon.on("PATCH", "/v1/labels/lbl_1", wire.label())
    assert desk("labels edit lbl_1 --add-member carol --remove-member bob").code == 0
    assert daemon.last.json == {"members": ["alice", "carol"]}
    ran = desk("labels edit lbl_1 --remove-member dan")
    assert (ran.code, ran.err.splitlines()[1]) == (2, "fix: its members: alice, bob")
    daemon.on("POST", "/v1/labels", wire.label())
    assert desk("labels add --name Access --kind control --member bob").code == 0
    assert daemon.last.json == {"kind": "control", "name": "Access", "description": "", "members": ["bob"]}
    assert desk("labels remove lbl_1", stdin="n\n", terminal=True).code == 1
    daemon.on("DELETE", "/v1/labels/lbl_1", 204)
    assert desk("labels remove lbl_1 --yes").out == "Removed Access reviews.\n"
