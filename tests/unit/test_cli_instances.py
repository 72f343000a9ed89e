"""`healthdesk instances` asks the right thing of the daemon and answers people and programs."""

import pytest
from tests.harness import wire
from tests.harness.cli import Shell
from tests.harness.fake_daemon import FakeDaemon, running
from tests.harness.wire_instances import instance, issue, review, run

from healthdesk.api.instances import FoundIssues, InstanceTotals, Reconnected


@pytest.fixture
def daemon(tmp_path):
    with running(FakeDaemon(tmp_path / "s")) as daemon:
        yield daemon


@pytest.fixture
def desk(daemon):
    return Shell(daemon)


LISTS = {
    "instances list": (
        "/v1/instances",
        instance(),
        ["✗ Sync failed", "tsk_1", "Rotate root keys", "Quarterly keys", "needs a Resolution"],
    ),
    "instances runs tsk_1": (
        "/v1/instances/tsk_1/runs",
        run(),
        ["⚠ Conflict", "operator by bob", "38 ms", "status: To do → Done (lost: In progress)"],
    ),
}


@pytest.mark.parametrize("line", LISTS)
def test_list_is_a_table_for_people_and_json_for_programs(daemon, desk, line):
    path, item, words = LISTS[line]
    daemon.on("GET", path, wire.page(item, next="cursor_1"))
    ran = desk(f"{line} --limit 1 --after cursor_0")
    assert (ran.code, ran.err) == (0, "")
    assert [word for word in words if word not in ran.out] == []
    assert "--after cursor_1" in ran.out
    assert {("limit", "1"), ("after", "cursor_0")} <= set(daemon.last.query)
    assert desk(f"{line} --json --limit 1").json == {
        "items": [item.model_dump(mode="json")],
        "next": "cursor_1",
    }
    daemon.on("GET", path, wire.page())
    assert desk(line).out.endswith(".\n")


@pytest.mark.parametrize("line", LISTS)
@pytest.mark.parametrize("width", [80, 120])
def test_list_fits_the_terminal(daemon, desk, line, width):
    path, item, _ = LISTS[line]
    daemon.on("GET", path, wire.page(item))
    desk.width = width
    assert max(len(text) for text in desk(line).out.splitlines()) <= width


def test_instances_are_filtered_by_the_daemon(daemon, desk):
    daemon.on("GET", "/v1/instances", wire.page())
    ran = desk(
        "instances list --failed --blocked --state pending --kind task --connection con_1 --connection con_2"
        " --integration int_1 --problem prb_1 --owner bob --text keys"
    )
    assert ran.out == "None under this filter.\n"
    assert daemon.lines() == [
        (
            "GET /v1/instances?kind=task&blocked=true&problem_id=prb_1&owner=bob&text=keys&state=pending&state=failed_or_blocked"
            "&connection_id=con_1&connection_id=con_2&integration_id=int_1&limit=50"
        )
    ]


def test_a_count_says_how_many_failed_and_are_blocked(daemon, desk):
    daemon.on("GET", "/v1/instances/count", InstanceTotals(total=1040, succeeded=28, failed=12, blocked=11))
    assert desk("instances list --count --kind task").out == (
        "1,040 in all, 28 succeeded, 12 failed (11 blocked), 0 not run yet\n"
    )
    assert daemon.lines() == ["GET /v1/instances/count?kind=task"]


def test_an_instance_is_named_by_its_name_too(daemon, desk):
    daemon.on("GET", "/v1/instances", wire.page(instance(id="tsk_9"), instance(id="tsk_8", name="Rotate")))
    daemon.on("GET", "/v1/instances/tsk_8", instance(id="tsk_8", name="Rotate"))
    ran = desk("instances show rotate")
    assert ran.code == 0
    assert daemon.lines()[0] == "GET /v1/instances?text=rotate&limit=500"


def test_show_says_why_and_what_cannot_be_done(daemon, desk):
    why = {"sentence": "Jira Cloud is connected, and yet this task's sync failed.", "blame": "configuration"}
    shown = instance(explanation=why, refused={"create_issue": "it is linked with OPS-7"}, blocked=True)
    daemon.on("GET", "/v1/instances/tsk_1", shown)
    out = desk("instances show tsk_1").out
    for words in (
        "✗ Sync failed, blocked",
        "the workflow needs a Resolution",
        "is connected, and yet",
        "OPS-7 https://acme.atlassian.net/browse/OPS-7",
        "create issue  it is linked with OPS-7",
    ):
        assert words in out


def test_a_sync_that_failed_is_exit_code_1(daemon, desk):
    daemon.on("POST", "/v1/instances/tsk_1/sync", instance())
    assert desk("instances sync tsk_1 --wait 5").code == 1
    assert daemon.last.json == {"wait_s": 5}
    daemon.on(
        "POST", "/v1/instances/tsk_1/sync", instance(state="succeeded", state_word="Succeeded", error="")
    )
    assert desk("instances sync tsk_1").code == 0
    daemon.on(
        "POST", "/v1/instances/tsk_1/sync", instance(state="pending", state_word="Not run yet", running=True)
    )
    assert "still runs" in desk("instances sync tsk_1 --wait 0").err


def test_attach_shows_the_review_and_asks(daemon, desk):
    daemon.on("POST", "/v1/instances/tsk_1/find", FoundIssues(issues=[issue(), issue(id="2", key="OPS-70")]))
    daemon.on("POST", "/v1/instances/tsk_1/review", review())
    daemon.on("POST", "/v1/instances/tsk_1/attach", instance(state="succeeded", state_word="Succeeded"))
    ran = desk("instances attach tsk_1 OPS-7", stdin="n\n", terminal=True)
    assert ran.code == 1
    assert "The task is overwritten by the issue." in ran.out
    assert "Rotate all keys" in ran.out
    assert daemon.lines() == ["POST /v1/instances/tsk_1/find", "POST /v1/instances/tsk_1/review"]
    ran = desk("instances attach tsk_1 OPS-7 --yes")
    assert ran.code == 0
    assert daemon.last.json == {
        "id": "10007",
        "key": "OPS-7",
        "container": {"project": "OPS"},
        "reviewed": "d1",
    }
    assert "linked with OPS-7" in ran.out


def test_attach_wants_one_issue_and_a_terminal_or_yes(daemon, desk):
    daemon.on("POST", "/v1/instances/tsk_1/find", FoundIssues(issues=[issue(), issue(id="2", key="OPS-70")]))
    ran = desk("instances attach tsk_1 Rotate --yes")
    assert ran.code == 1
    assert "OPS-70" in ran.out
    assert "2 issues fit 'Rotate'" in ran.err
    assert desk("instances attach tsk_1 OPS-7").code == 2
    assert desk("instances unlink tsk_1").code == 2


def test_find_says_which_are_attached_already(daemon, desk):
    daemon.on(
        "POST", "/v1/instances/tsk_1/find", FoundIssues(issues=[issue(attached_to="Old task")], cut=True)
    )
    ran = desk("instances find tsk_1 keys --integration int_2 --connection con_2")
    assert daemon.last.json == {"text": "keys", "integration_id": "int_2", "connection_id": "con_2"}
    assert "Old task" in ran.out
    assert "There are more" in ran.out


def test_unlink_names_the_issue_and_asks(daemon, desk):
    daemon.on("GET", "/v1/instances/tsk_1", instance())
    daemon.on("POST", "/v1/instances/tsk_1/unlink", instance(state_word="Unlinked"))
    ran = desk("instances unlink tsk_1", stdin="y\n", terminal=True)
    assert "Unlink Rotate root keys from OPS-7?" in ran.err
    assert ran.out == "Rotate root keys is unlinked from OPS-7.\n"


def test_a_new_issue_and_a_reconnection(daemon, desk):
    daemon.on("POST", "/v1/instances/tsk_1/create-issue", instance(link="wanted"))
    assert "A new issue is created for Rotate root keys." in desk("instances create-issue tsk_1").out
    said = Reconnected(instances=11, sentence="11 tasks of alice are reconnected.")
    daemon.on("POST", "/v1/instances/tsk_1/reconnect", said)
    assert desk("instances reconnect tsk_1 --connection con_3").out == "11 tasks of alice are reconnected.\n"
    assert daemon.last.json == {"connection_id": "con_3"}
