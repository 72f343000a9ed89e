"""`healthdesk tasks`, `templates` and integrations of tasks ask the right thing, and answer people and programs."""

import pytest
from tests.harness import wire
from tests.harness.cli import Shell
from tests.harness.fake_daemon import FakeDaemon, running
from tests.harness.wire_tasks import task, template


@pytest.fixture
def daemon(tmp_path):
    with running(FakeDaemon(tmp_path / "s")) as daemon:
        daemon.on("GET", "/v1/integrations/int_2", wire.task_integration())
        daemon.on("GET", "/v1/tasks/tsk_1", task())
        daemon.on("GET", "/v1/templates/tpl_1", template())
        yield daemon


@pytest.fixture
def desk(daemon):
    return Shell(daemon)


LISTS = {
    "tasks list": (
        "/v1/tasks",
        task(),
        ["tsk_1", "Rotate root keys", "In progress", "OPS-7", "✗ Sync failed"],
    ),
    "templates list": ("/v1/templates", template(), ["tpl_1", "Quarterly keys", "0 9 1 */3 *", "✗"]),
    "integrations list": (
        "/v1/integrations",
        wire.task_integration(),
        ["● Active", "int_2", "Jira tasks", "tasks"],
    ),
}


@pytest.mark.parametrize("line", LISTS)
@pytest.mark.parametrize("width", [80, 120])
def test_lists_are_tables_that_fit_and_json_for_programs(daemon, desk, line, width):
    path, item, words = LISTS[line]
    daemon.on("GET", path, wire.page(item))
    desk.width = 200
    ran = desk(line)
    assert (ran.code, ran.err) == (0, "")
    assert [word for word in words if word not in ran.out] == []
    desk.width = width
    assert max(len(text) for text in desk(line).out.splitlines()) <= width
    assert desk(f"{line} --json").json["items"] == [item.model_dump(mode="json")]


def test_a_task_is_added_with_what_was_said(daemon, desk):
    daemon.on("POST", "/v1/tasks", task())
    ran = desk(
        "tasks add --name Rotate --due 2027-01-31 --integration int_2 --connection con_1 --value risk=High"
    )
    assert ran.code == 0
    assert daemon.last.json == {
        "name": "Rotate",
        "due": "2027-01-31",
        "integration_id": "int_2",
        "connection_id": "con_1",
        "fields": {"risk": "High"},
    }
    assert "OPS-7" in ran.out
    assert "instances show tsk_1" in ran.err


def test_a_task_is_edited_and_its_removal_says_that_the_issue_stays(daemon, desk):
    daemon.on("PATCH", "/v1/tasks/tsk_1", task())
    assert desk("tasks edit tsk_1 --status done --version 3").code == 0
    assert daemon.last.json == {"status": "done", "version": 3}
    assert desk("tasks edit tsk_1").code == 2
    daemon.on("DELETE", "/v1/tasks/tsk_1", 204)
    ran = desk("tasks remove tsk_1 --yes")
    assert (ran.code, daemon.last.method) == (0, "DELETE")
    assert "OPS-7 stays as it is in Jira Cloud" in ran.out
    assert desk("tasks remove tsk_1").code == 2, "nobody can be asked"


def test_a_template_is_added_changed_and_used(daemon, desk):
    daemon.on("POST", "/v1/templates", template())
    assert desk("templates add --name Weekly --task-name 'Rotate {date}' --every 7d").code == 0
    assert daemon.last.json == {
        "name": "Weekly",
        "task": {"name": "Rotate {date}"},
        "schedule": {"every_s": 604800, "cron": "", "zone": "UTC"},
    }
    daemon.on("PATCH", "/v1/templates/tpl_1", template())
    assert desk("templates edit tpl_1 --due-in 3 --by-hand").code == 0
    assert daemon.last.json["without_schedule"] is True
    assert daemon.last.json["task"]["due_in_days"] == 3
    assert daemon.last.json["task"]["assignee"] == "bob"
    daemon.on("POST", "/v1/templates/tpl_1/create", task())
    assert "tsk_1" in desk("templates create tpl_1").out
    shown = desk("templates show tpl_1").out
    assert "alice has no connection to Jira Cloud" in shown
    daemon.on("DELETE", "/v1/templates/tpl_1", 204)
    assert desk("templates remove tpl_1 --yes").code == 0


def test_a_task_integration_is_added_by_its_mapping(daemon, desk):
    made = wire.changed_integration(**wire.task_integration().model_dump())
    daemon.on("POST", "/v1/integrations", made)
    ran = desk(
        "integrations add --kind tasks --name OPS --connection con_1 --set project=OPS --map due=off"
        " --status done=Closed --person bob=Bob --value labels={name} --every 30m"
    )
    assert ran.code == 0
    assert daemon.last.json == {
        "kind": "tasks",
        "name": "OPS",
        "unchecked": False,
        "connection_id": "con_1",
        "tasks": {
            "container": {"project": "OPS"},
            "directions": {"due": "off"},
            "statuses": {"done": "Closed"},
            "their_statuses": {},
            "people": {"bob": "Bob"},
            "values": {"labels": "{name}"},
            "every_s": 1800,
        },
    }
    assert "project=OPS" in ran.out
    assert "12: 9 succeeded, 2 failed" in ran.out


def test_an_edit_changes_what_it_names_of_the_mapping(daemon, desk):
    made = wire.changed_integration(**wire.task_integration().model_dump())
    daemon.on("PATCH", "/v1/integrations/int_2", made)
    assert desk("integrations edit int_2 --status done=Closed --person bob= --map due=").code == 0
    sent = daemon.last.json["tasks"]
    assert sent["statuses"] == {"not_started": "10000", "in_progress": "3", "done": "Closed"}
    assert (sent["people"], sent["directions"]) == ({}, {})
    assert desk("integrations edit int_2 --connection con_2").code == 0
    assert daemon.last.json["connection_id"] == "con_2"


@pytest.mark.parametrize(
    "line",
    [
        "integrations add --kind tasks --name x --connection con_1 --map due=sideways",
        "integrations add --kind tasks --name x --connection con_1 --status finished=Done",
        "integrations add --kind tasks --name x --connection con_1 --path /x",
        "integrations add --name x --connection con_1 --set project=OPS",
        "templates add --name x --zone UTC",
        "tasks add",
    ],
)
def test_what_cannot_be_is_said_before_anything_is_asked(daemon, desk, line):
    ran = desk(line)
    assert ran.code == 2
    assert not [line for line in daemon.lines() if line.startswith("POST")]


def test_an_integration_without_admin_connection_says_how_to_give_it_one(daemon, desk):
    gone = wire.task_integration(connection_id=None, connection_name="", admin="")
    daemon.on("GET", "/v1/integrations/int_2", gone)
    shown = desk("integrations show int_2").out
    assert "No admin connection" in shown
    assert "integrations edit int_2 --connection" in shown
    daemon.on("DELETE", "/v1/integrations/int_2", 204)
    assert desk("integrations remove int_2 --unlink --yes").code == 0
    assert daemon.last.query == [("instances", "unlink")]


def test_a_task_is_named_by_its_id_or_its_name(daemon, desk):
    named = task()
    daemon.on("GET", "/v1/tasks", wire.page(named))
    daemon.on("GET", f"/v1/tasks/{named.id}", named)
    assert desk(f"tasks show '{named.name.upper()}'").code == 0
    assert [line.split("?")[0] for line in daemon.lines()] == ["GET /v1/tasks", f"GET /v1/tasks/{named.id}"]
    daemon.on("GET", "/v1/tasks", wire.page(named, task(id="tsk_2")))
    several = desk(f"tasks show '{named.name}'")
    assert several.code != 0
    assert f"2 tasks are named {named.name!r}" in several.err
    daemon.on("GET", "/v1/tasks", wire.page())
    assert "healthdesk tasks list" in desk("tasks show nothing").err
