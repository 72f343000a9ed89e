"""Methods of the client about proof syncs, as in `client_calls`."""

from typing import Any

from healthdesk.api.proof import (
    ChangeConnection,
    Contents,
    Difference,
    InstanceView,
    ProofSync,
    ProofSyncCreate,
    ProofSyncSettings,
)
from tests.harness.wire import NOW
from tests.harness.wire_instances import instance

HASH = "9f8b1c2d" * 8
COLUMNS = [{"key": "id", "label": "Id"}, {"key": "login", "label": "Login"}]


def proof_sync(**more: Any) -> ProofSync:
    """A proof sync that collected the collaborators of a repository."""
    fields: dict[str, Any] = instance(
        id="prf_1", kind="proof", name="Collaborators of acme/site", app="github", state="succeeded",
        state_word="Succeeded", error="", blame="", next_action="", link=None, label_id="lbl_1",
        label_name="Access reviews", template_id=None, external_key="", external_url="",
    ).model_dump()  # fmt: skip
    fields |= {
        "dataset": "repository_collaborators",
        "dataset_name": "Collaborators of a repository",
        "fields": {"owner": "acme", "repo": "site"},
        "generated_name": "Collaborators of acme/site",
        "rows": 2,
        "content_hash": HASH,
        "last_run_id": "run_5",
    }
    return ProofSync(**fields | more)


def contents(**more: Any) -> Contents:
    fields: dict[str, Any] = {
        "run_id": "run_5",
        "columns": COLUMNS,
        "rows": [["1", "ada"], ["2", "=bob"]],
        "total": 2,
        "collected_at": NOW,
        "content_hash": HASH,
    }
    return Contents(**fields | more)


def difference(**more: Any) -> Difference:
    fields: dict[str, Any] = {
        "run_id": "run_5",
        "before_run_id": "run_4",
        "columns": COLUMNS,
        "added": [["3", "cy"]],
        "removed": [["2", "bob"]],
        "changed": [{"id": "1", "before": {"id": "1", "login": "a"}, "after": {"id": "1", "login": "ada"}}],
        "totals": {"added": 1, "removed": 1, "changed": 1},
        "unchanged": 7,
    }
    return Difference(**fields | more)


NEW = ProofSyncCreate(
    integration_id="int_2", dataset="repository_collaborators", fields={"repo": "site"}, label_id="lbl_1"
)

PROOF_CALLS = {
    "proof sync": (lambda c: c.proof_sync("prf_1"), "GET /v1/proof-syncs/prf_1", proof_sync(), None),
    "proof sync create": (
        lambda c: c.proof_sync_create(NEW),
        "POST /v1/instances",
        proof_sync(),
        NEW.model_dump(mode="json", exclude_unset=True),
    ),
    "instance settings": (
        lambda c: c.instance_settings("prf_1", ProofSyncSettings(name="", every_s=None)),
        "PATCH /v1/instances/prf_1",
        proof_sync(),
        {"name": "", "every_s": None},
    ),
    "instance change connection": (
        lambda c: c.instance_change_connection("prf_1", ChangeConnection(connection_id="con_2")),
        "POST /v1/instances/prf_1/change-connection",
        proof_sync(),
        {"connection_id": "con_2"},
    ),
    "instance delete": (lambda c: c.instance_delete("prf_1"), "DELETE /v1/instances/prf_1", 204, None),
    "instance view": (
        lambda c: c.instance_view("prf_1"),
        "GET /v1/instances/prf_1/view",
        InstanceView(member=True, proof=proof_sync()),
        None,
    ),
    "proof contents": (
        lambda c: c.proof_contents("prf_1", "run_5", after="50"),
        "GET /v1/instances/prf_1/runs/run_5/contents?limit=50&after=50",
        contents(next="100"),
        None,
    ),
    "proof difference": (
        lambda c: c.proof_difference("prf_1", "run_5"),
        "GET /v1/instances/prf_1/runs/run_5/difference",
        difference(cut=True),
        None,
    ),
    "proof export": (
        lambda c: c.proof_export("prf_1", "run_5", "csv"),
        "GET /v1/instances/prf_1/runs/run_5/export?format=csv",
        "Id,Login\r\n",
        None,
    ),
}
