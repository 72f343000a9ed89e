"""FakeProof: proof syncs with what they collected, for a desk that has them."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from healthdesk.api.common import Page
from healthdesk.api.instances import Instance, Run
from healthdesk.api.proof import ColumnView, Contents, Difference, InstanceView, ProofSync, RowChange
from healthdesk.domain.instance_states import InstanceKind, InstanceState, RunOutcome
from healthdesk.domain.states import Trigger
from tests.tui.fake_health import NOW
from tests.tui.fake_tasks import TasksDesk, own_connection

COLUMNS = [
    ColumnView(key=key, label=label)
    for key, label in (("id", "ID"), ("login", "Login"), ("role", "Role"), ("admin", "Admin"), ("write", "May write"))
]  # fmt: skip
GONE = "GitHub has no repository acme/project-alpha, or the token lost access to it (404)."


def a_proof(**more: Any) -> ProofSync:
    fields: dict[str, Any] = {
        "id": "prf_1", "kind": InstanceKind.PROOF, "name": "Collaborators of acme/core", "integration_id": "int_proof", "integration_name": "Access proof",
        "app": "github", "app_name": "GitHub", "connection_id": "con_git", "connection_name": "GitHub · acme-bot", "owner": "alice",
        "label_id": "lbl_1", "label_name": "AC-1 Access reviews", "state": InstanceState.SUCCEEDED, "state_word": "Succeeded", "every_s": 86400,
        "last_checked": NOW - timedelta(hours=5), "last_succeeded": NOW - timedelta(hours=5), "next_at": NOW + timedelta(hours=19),
        "dataset": "repository_collaborators", "dataset_name": "Collaborators of a repository", "fields": {"owner": "acme", "repo": "core"},
        "generated_name": "Collaborators of acme/core", "rows": 240, "content_hash": "9f8b1c2d" * 8, "last_run_id": "run_5",
    }  # fmt: skip
    return ProofSync(**(fields | more))


def a_row(number: int) -> list[str]:
    return [f"{5_831_000 + number}", f"octocat-{number}", "admin" if number == 0 else "write", "yes" if number == 0 else "no", "yes"]  # fmt: skip


def proof_runs() -> list[Run]:
    def run(number: int, **more: Any) -> Run:
        fields: dict[str, Any] = {
            "id": f"run_{number}", "instance_id": "prf_1", "outcome": RunOutcome.UNCHANGED, "trigger": Trigger.SCHEDULE, "duration_ms": 840.0, "rows": 240,
            "started_at": NOW - timedelta(days=5 - number, hours=5), "finished_at": NOW - timedelta(days=5 - number, hours=5), "content_hash": "9f8b1c2d" * 8,
        }  # fmt: skip
        return Run(**(fields | more))

    return [
        run(5, outcome=RunOutcome.COLLECTED),
        run(4),
        run(3, outcome=RunOutcome.FAILED, rows=None, content_hash="", status=404, error=GONE, error_kind="not_found", blame="configuration", next_action="Choose another repository in Settings."),
        run(2, outcome=RunOutcome.COLLECTED, rows=239),
    ]  # fmt: skip


class ProofDesk(TasksDesk):
    """A desk with the calls about proof syncs. `member` says whether the operator sees what was collected."""

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.member = True
        self.proof = a_proof()
        self.rows = [a_row(number) for number in range(239)] + [
            ["5999999", "[/bar]\x1b[31mevil", "read", "no", "no"]
        ]
        self.before: str | None = "run_4"
        self.own = [
            own_connection("con_git", app="github", app_name="GitHub", name="GitHub · acme-bot"),
            own_connection("con_git2", app="github", app_name="GitHub", name="GitHub · audit-bot"),
        ]
        self.exported = b"id,login\r\n5831000,octocat-0\r\n"

    async def instance_view(self, proof_id: str) -> InstanceView:
        self.note("instance_view", proof_id)
        if self.member:
            return InstanceView(member=True, proof=self.proof)
        labels = [each.model_dump(include={"id", "kind", "name", "members"}) for each in self.labels]
        return InstanceView(member=False, labels=labels)

    async def proof_sync(self, proof_id: str) -> ProofSync:
        self.note("proof_sync", proof_id)
        return self.proof

    async def proof_sync_create(self, new: Any) -> ProofSync:
        self.note("proof_sync_create", new)
        return a_proof(id="prf_9")

    async def instance_settings(self, proof_id: str, changes: Any) -> ProofSync:
        self.note("instance_settings", (proof_id, changes))
        return self.proof

    async def instance_change_connection(self, proof_id: str, choice: Any) -> ProofSync:
        self.note("instance_change_connection", (proof_id, choice))
        return self.proof

    async def instance_delete(self, proof_id: str) -> None:
        self.note("instance_delete", proof_id)

    async def proof_contents(
        self, proof_id: str, run_id: str, *, after: str | None = None, limit: int = 50
    ) -> Contents:
        self.note("proof_contents", (run_id, after))
        first = int(after or 0)
        more = first + limit < len(self.rows)
        return Contents(
            run_id=run_id, columns=COLUMNS, rows=self.rows[first : first + limit], total=len(self.rows), next=str(first + limit) if more else None,
            collected_at=NOW - timedelta(hours=5), content_hash="9f8b1c2d" * 8,
        )  # fmt: skip

    async def proof_difference(self, proof_id: str, run_id: str) -> Difference:
        self.note("proof_difference", run_id)
        if self.before is None:
            return Difference(run_id=run_id, columns=COLUMNS)
        before = {"id": "5831007", "login": "octocat-7", "role": "read", "admin": "no", "write": "no"}
        return Difference(
            run_id=run_id, before_run_id=self.before, columns=COLUMNS, added=[self.rows[-1]], removed=[a_row(777)],
            totals={"added": 1, "removed": 1, "changed": 1200}, cut=True, columns_added=["type"],
            changed=[RowChange(id="5831007", before=before, after=before | {"role": "write", "write": "yes"})], unchanged=238,
        )  # fmt: skip

    async def proof_export(self, proof_id: str, run_id: str, format: str) -> bytes:
        self.note("proof_export", (proof_id, run_id, format))
        return self.exported

    async def instance_sync(self, instance_id: str) -> Instance:
        if instance_id != "prf_1":
            return await super().instance_sync(instance_id)
        self.note("instance_sync", instance_id)
        return self.proof

    async def instance_runs(
        self, instance_id: str, *, after: str | None = None, limit: int = 50
    ) -> Page[Run]:
        if instance_id != "prf_1":
            return await super().instance_runs(instance_id, after=after, limit=limit)
        self.note("instance_runs", instance_id)
        return Page[Run](items=proof_runs())
