"""Methods of the client about tasks and templates, as in `client_calls`."""

from healthdesk.api.tasks import TaskCreate, TaskEdit, TemplateCreate, TemplateEdit
from healthdesk.domain.instance_states import WorkStatus
from tests.harness import wire
from tests.harness.wire_tasks import task, template

TASK_CALLS = {
    "tasks": (
        lambda c: c.tasks_list(
            status=WorkStatus.DONE,
            template_id="tpl_1",
            integration_id="int_2",
            assignee="bob",
            text="keys",
            after="tsk_9",
            limit=7,
        ),
        "GET /v1/tasks?limit=7&after=tsk_9&status=done&template_id=tpl_1&integration_id=int_2&assignee=bob&text=keys",
        wire.page(task()),
        None,
    ),
    "task": (lambda c: c.task("tsk_1"), "GET /v1/tasks/tsk_1", task(), None),
    "task create": (
        lambda c: c.task_create(TaskCreate(name="Rotate", integration_id="int_2")),
        "POST /v1/tasks",
        task(),
        {"name": "Rotate", "integration_id": "int_2"},
    ),
    "task edit": (
        lambda c: c.task_edit("tsk_1", TaskEdit(status=WorkStatus.DONE, version=3)),
        "PATCH /v1/tasks/tsk_1",
        task(),
        {"status": "done", "version": 3},
    ),
    "task remove": (lambda c: c.task_remove("tsk_1"), "DELETE /v1/tasks/tsk_1", 204, None),
    "templates": (
        lambda c: c.templates_list(limit=5),
        "GET /v1/templates?limit=5",
        wire.page(template()),
        None,
    ),
    "template": (lambda c: c.template("tpl_1"), "GET /v1/templates/tpl_1", template(), None),
    "template create": (
        lambda c: c.template_create(
            TemplateCreate(name="Weekly", task={"name": "Rotate {date}"}, schedule={"every_s": 604800})
        ),
        "POST /v1/templates",
        template(),
        {"name": "Weekly", "task": {"name": "Rotate {date}"}, "schedule": {"every_s": 604800}},
    ),
    "template edit": (
        lambda c: c.template_edit("tpl_1", TemplateEdit(without_schedule=True)),
        "PATCH /v1/templates/tpl_1",
        template(),
        {"without_schedule": True},
    ),
    "template remove": (lambda c: c.template_remove("tpl_1"), "DELETE /v1/templates/tpl_1", 204, None),
    "template create task": (
        lambda c: c.template_create_task("tpl_1"),
        "POST /v1/templates/tpl_1/create",
        task(),
        None,
    ),
}
