"""Methods of the client about instances, as in `client_calls`."""

from healthdesk.api.instances import (
    InstanceFilter,
    InstanceTotals,
)
from tests.harness import wire
from tests.harness.proof_calls import PROOF_CALLS
from tests.harness.wire_instances import account, instance, run

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
}
