"""Methods of the client about instances, as in `client_calls`."""

from healthdesk.api.instances import (
    Attach,
    FindIssue,
    FoundIssues,
    InstanceFilter,
    InstanceSync,
    InstanceTotals,
    IssueRef,
    Reconnect,
    Reconnected,
)
from tests.harness import wire
from tests.harness.proof_calls import PROOF_CALLS
from tests.harness.wire_instances import account, instance, issue, review, run

CHOSEN = InstanceFilter(
    kind="task",
    state=["pending", "failed_or_blocked"],
    blocked=False,
    connection_id=["con_1", "con_2"],
    integration_id=["int_1"],
    template_id="tpl_1",
    label_id="lbl_1",
    owner="bob",
    text="keys",
)
FILTERED = (
    "kind=task&blocked=false&label_id=lbl_1&template_id=tpl_1&owner=bob&text=keys"
    "&state=pending&state=failed_or_blocked&connection_id=con_1&connection_id=con_2&integration_id=int_1"
)

INSTANCE_CALLS = {
    **PROOF_CALLS,
    "account": (lambda c: c.account("con_1"), "GET /v1/accounts/con_1", account(), None),
    "instances": (
        lambda c: c.instances_list(CHOSEN, after="tsk_9", limit=7),
        f"GET /v1/instances?{FILTERED}&limit=7&after=tsk_9",
        wire.page(instance()),
        None,
    ),
    "instances count": (
        lambda c: c.instances_count(CHOSEN),
        f"GET /v1/instances/count?{FILTERED}",
        InstanceTotals(total=3, failed=2),
        None,
    ),
    "instance": (lambda c: c.instance("tsk_1"), "GET /v1/instances/tsk_1", instance(), None),
    "instance runs": (
        lambda c: c.instance_runs("tsk_1", after="run_1"),
        "GET /v1/instances/tsk_1/runs?limit=50&after=run_1",
        wire.page(run()),
        None,
    ),
    "instance sync": (
        lambda c: c.instance_sync("tsk_1", InstanceSync(wait_s=5)),
        "POST /v1/instances/tsk_1/sync",
        instance(),
        {"wait_s": 5},
    ),
    "instance unlink": (
        lambda c: c.instance_unlink("tsk_1"),
        "POST /v1/instances/tsk_1/unlink",
        instance(),
        None,
    ),
    "instance find": (
        lambda c: c.instance_find("tsk_1", FindIssue(text="OPS-7", connection_id="con_1")),
        "POST /v1/instances/tsk_1/find",
        FoundIssues(issues=[issue(attached_to="Old task")], cut=True),
        {"text": "OPS-7", "connection_id": "con_1"},
    ),
    "instance review": (
        lambda c: c.instance_review("tsk_1", IssueRef(id="10007", container={"project": "OPS"})),
        "POST /v1/instances/tsk_1/review",
        review(),
        {"id": "10007", "container": {"project": "OPS"}},
    ),
    "instance attach": (
        lambda c: c.instance_attach("tsk_1", Attach(id="10007", key="OPS-7", reviewed="d1")),
        "POST /v1/instances/tsk_1/attach",
        instance(),
        {"id": "10007", "key": "OPS-7", "reviewed": "d1"},
    ),
    "instance create issue": (
        lambda c: c.instance_create_issue("tsk_1"),
        "POST /v1/instances/tsk_1/create-issue",
        instance(link="wanted"),
        None,
    ),
    "instance reconnect": (
        lambda c: c.instance_reconnect("tsk_1", Reconnect(connection_id="con_1")),
        "POST /v1/instances/tsk_1/reconnect",
        Reconnected(instances=11, sentence="11 tasks of alice are connected again."),
        {"connection_id": "con_1"},
    ),
}
