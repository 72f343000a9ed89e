"""FakeAccounts: apps and accounts with their cards, tasks and proof syncs, for FakeDesk."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from healthdesk.api.accounts import AccountView, ConnectionCard, IntegrationRef
from healthdesk.api.common import Explanation, Page
from healthdesk.api.connections import Connection, CredentialsUpdated, Member
from healthdesk.api.health import Evidence
from healthdesk.api.instances import Instance, InstanceFilter, InstanceTotals
from healthdesk.api.integrations import Integration
from healthdesk.api.people import ConnectionUses, HandedOver, HandOver, MemberGrant
from healthdesk.domain.instance_states import InstanceKind, InstanceState, LinkState
from healthdesk.domain.states import ConnectionState, IntegrationKind
from healthdesk.errors import ApiRefused
from tests.tui.fake_health import NOW, check
from tests.tui.fake_log import HOSTILE

ADMIN, MINE, OTHER = "con_admin", "con_mine", "con_other"
REFUSED = {
    "update_credentials": "Only bob, whose it is, and its managers may; ask bob.",
    "check": "Only bob, whose it is, and its managers may; ask bob.",
}


def a_connection(connection_id: str, **more: Any) -> Connection:
    fields: dict[str, Any] = {
        "id": connection_id, "app": "jira-cloud", "app_name": "Jira Cloud", "name": "Jira Cloud · acme", "account": "acme",
        "base_url": "https://acme.atlassian.example", "auth": "token", "credential_hint": "••••9f3a", "owner": "alice",
        "state": ConnectionState.CONNECTED, "state_word": "Connected", "state_since": NOW - timedelta(days=40),
        "connected_on": NOW - timedelta(days=136), "last_healthy": NOW - timedelta(hours=12), "last_checked": NOW - timedelta(hours=12),
        "next_check": NOW + timedelta(hours=12), "heartbeat": {"path": "/rest/api/3/myself"}, "created_at": NOW - timedelta(days=203), "created_by": "alice",
    }  # fmt: skip
    return Connection(**(fields | more))


def failing(connection_id: str, **more: Any) -> Connection:
    explanation = Explanation(sentence="Jira Cloud refused the token (401 Unauthorized).", since=NOW - timedelta(hours=12), blame="credential", next_action="enter new credentials", key="u")  # fmt: skip
    fields = {"state": ConnectionState.FAILING, "state_word": "Connection failure", "explanation": explanation, "last_healthy": NOW - timedelta(hours=36), "last_checked": NOW - timedelta(minutes=3)}  # fmt: skip
    return a_connection(connection_id, **(fields | more))


def a_card(connection: Connection, role: Any, title: str = "", **more: Any) -> ConnectionCard:
    titles = {"admin": "Admin connection", "mine": "My connection", "both": "Admin connection", "other": "Connection"}  # fmt: skip
    fields = {"connected_on": connection.connected_on, "instances": 12}
    return ConnectionCard(role=role, title=title or titles[role], connection=connection, **(fields | more))


def a_task(number: int, **more: Any) -> Instance:
    fields: dict[str, Any] = {
        "id": f"tsk_{number:026}", "kind": InstanceKind.TASK, "name": f"Patch bastion {number}", "integration_id": "int_jira",
        "app": "jira-cloud", "app_name": "Jira Cloud", "connection_id": MINE, "owner": "alice", "state": InstanceState.SUCCEEDED,
        "state_word": "Succeeded", "link": LinkState.LINKED, "external_key": f"ACME-{number}",
        "external_url": f"https://acme.atlassian.example/browse/ACME-{number}", "every_s": 3600, "last_checked": NOW - timedelta(hours=2),
    }  # fmt: skip
    return Instance(**(fields | more))


def a_proof(number: int, **more: Any) -> Instance:
    fields: dict[str, Any] = {
        "id": f"prf_{number:026}", "kind": InstanceKind.PROOF, "name": f"Collaborators of acme/repo-{number}", "integration_id": "int_proof",
        "app": "github", "app_name": "GitHub", "connection_id": MINE, "owner": "alice", "state": InstanceState.SUCCEEDED,
        "state_word": "Succeeded", "label_id": "lbl_1", "label_name": "Access reviews", "every_s": 86400, "last_checked": NOW - timedelta(hours=5),
    }  # fmt: skip
    return Instance(**(fields | more))


WORKFLOW = (
    "Jira Cloud refused the change of status: the workflow needs the field 'Resolution' before 'Done'.\n"
    "Fill it in on ACME-1, then sync again."
)


def some_tasks() -> list[Instance]:
    """Return two that failed by themselves, one that is blocked, one unlinked, and those that are well."""
    return [
        a_task(1, name="Rotate root keys", template_id="tpl_1", template_name="Quarterly keys", state=InstanceState.SYNC_FAILED, state_word="Sync failed", error=WORKFLOW, error_kind="rejected", blame="configuration", next_action="Mend the issue at the app, then Sync now.", status=400),
        a_task(2, name=HOSTILE, state=InstanceState.CREATION_FAILED, state_word="Creation failed", link=LinkState.WANTED, external_key="", external_url="", error="Field 'Team' is required.", blame="configuration", next_action="Give the integration a value for it."),
        a_task(3, name="Review vendor list", blocked=True, refused={"sync": "its connection fails: repair that first"}),
        a_task(4, name="Archive logs", state_word="Unlinked", link=LinkState.UNLINKED),
        a_task(5, name="Renew certificates", connection_id=None, state=InstanceState.SYNC_FAILED, state_word="Sync failed", error="Its connection was disconnected.", last_checked=None),
        *(a_task(number) for number in range(6, 41)),
    ]  # fmt: skip


def some_proof() -> list[Instance]:
    return [
        a_proof(1, state=InstanceState.FAILED, state_word="Failed", error="GitHub has no repository acme/project-alpha, or you lost access to it (404).", blame="configuration", next_action="Choose another repository in Settings."),
        *(a_proof(number) for number in range(2, 5)),
    ]  # fmt: skip


def two_cards(desk: FakeAccounts) -> None:
    """Two connections to Jira: the admin's works, that of alice fails and blocks her tasks."""
    admin = a_connection(ADMIN, owner="bob", members=[Member(user="alice", grant="user")], my_grant="user", refused=REFUSED, connected_on=NOW - timedelta(days=203))  # fmt: skip
    desk.instances = some_tasks()
    desk.cards = [
        a_card(admin, "admin", ask="ask bob"),
        a_card(failing(MINE), "mine", blocked=1),
    ]
    desk.evidence_of = {
        MINE: Evidence(connection_id=MINE, name="Jira Cloud", state=ConnectionState.FAILING, sentence="Jira Cloud refused the token (401 Unauthorized).", comparison="same account, same site", blame="credential", last_good=check(True), first_bad=check(False))
    }  # fmt: skip
    desk.blocked = "11 tasks of alice are blocked; they are synced again when this is repaired."


def one_card(desk: FakeAccounts) -> None:
    """The admin made the tasks with the same credentials."""
    desk.instances = some_tasks()
    desk.cards = [a_card(a_connection(MINE, members=[Member(user="bob", grant="manager"), Member(user="carol", grant="user")]), "both")]  # fmt: skip


def proof_card(desk: FakeAccounts) -> None:
    """A connection that collects proof, with owner and members."""
    desk.instances = some_proof()
    members = [Member(user="bob", grant="manager"), Member(user="carol", grant="user")]
    github = a_connection(MINE, app="github", app_name="GitHub", name="GitHub · acme-bot", account="acme-bot", members=members, expires_at=NOW + timedelta(days=6), expires_from="learnt", expires_in="6 days")  # fmt: skip
    desk.cards = [a_card(github, "mine", instances=4)]


def uses_of_alice() -> ConnectionUses:
    """Return what stops when alice disconnects from Jira."""
    return ConnectionUses(
        connection_id=MINE, name="Jira Cloud · acme", app_name="Jira Cloud", account="acme", tasks=12, samples=["Rotate root keys", "Review vendor list"], templates=["Quarterly keys"],
        sentences=["Its credentials are erased and cannot be brought back, and its callbacks are refused.", "The configuration of 12 tasks of alice is lost; their issues stay where they are.", "Reconnecting any one of them repairs all the others."],
    )  # fmt: skip


class FakeAccounts:
    """Has the calls about accounts, instances and people."""

    note: Any
    called: Any
    _connection: Any
    evidence_of: dict[str, Evidence]
    cards: list[ConnectionCard] | None = None
    others: list[ConnectionCard]
    instances: list[Instance]
    blocked = ""
    members: list[Member] | None = None
    uses: ConnectionUses | None = None
    explained: Explanation | None = None
    no_rows = False

    def integration_of(self, integration_id: str) -> Integration | None:
        """Return the integration of tasks or proof, where this is one."""
        if integration_id not in ("int_jira", "int_proof"):
            return None
        kind = IntegrationKind.TASKS if integration_id == "int_jira" else IntegrationKind.PROOF
        return Integration(id=integration_id, kind=kind, name="Jira tasks", app="jira-cloud", app_name="Jira Cloud", created_at=NOW, created_by="alice")  # fmt: skip

    async def account(self, connection_id: str) -> AccountView:
        self.note("account", connection_id)
        known = {card.connection.id for card in (*(self.cards or ()), *self.others)}
        if self.cards is not None and not known:
            raise ApiRefused(f"there is no connection {connection_id}", status=404, slug="not-found")
        if self.cards is None:
            card = a_card(self._connection(connection_id), "mine", "Connection", connected_on=None)
            return self._account([card], [])
        return self._account(self.cards, self.others)

    def _account(self, cards: list[ConnectionCard], others: list[ConnectionCard]) -> AccountView:
        first = cards[0].connection
        kinds = {row.kind: row.integration_id for row in self.instances} if self.cards is not None else {}
        integrations = [
            IntegrationRef(id=made, kind=IntegrationKind.TASKS if kind is InstanceKind.TASK else IntegrationKind.PROOF, name=made)
            for kind, made in kinds.items()
        ]  # fmt: skip
        return AccountView(
            app=first.app, app_name=first.app_name, account=first.account, state=first.state, state_word=first.state_word,
            cards=cards, others=others, integrations=integrations, blocked=self.blocked, explanation=self.explained,
            tasks=self._totals(InstanceKind.TASK) if InstanceKind.TASK in kinds else None,
            proof=self._totals(InstanceKind.PROOF) if InstanceKind.PROOF in kinds else None,
        )  # fmt: skip

    def _totals(self, kind: InstanceKind) -> InstanceTotals:
        rows = [row for row in self.instances if row.kind is kind]
        well = sum(row.state is InstanceState.SUCCEEDED and not row.blocked for row in rows)
        bad = sum(_bad(row) for row in rows)
        return InstanceTotals(total=len(rows), succeeded=well, failed=bad, blocked=sum(row.blocked for row in rows))  # fmt: skip

    async def instances_list(
        self, chosen: InstanceFilter, *, after: str | None = None, limit: int = 50
    ) -> Page[Instance]:
        self.note("instances_list", chosen)
        rows = [row for row in self.instances if chosen.kind in (None, row.kind) and not self.no_rows]
        if chosen.text:
            rows = [row for row in rows if chosen.text.lower() in row.name.lower()]
        if "failed_or_blocked" in chosen.state:
            rows = [row for row in rows if _bad(row)]
        if chosen.blocked:
            rows = [row for row in rows if row.blocked]
        begin = next((at + 1 for at, row in enumerate(rows) if row.id == after), 0)
        page = rows[begin : begin + limit]
        more = begin + limit < len(rows)
        return Page[Instance](items=page, next=page[-1].id if more else None)

    async def instances_count(self, chosen: InstanceFilter) -> InstanceTotals:
        self.note("instances_count", chosen)
        if chosen.kind is None:
            return InstanceTotals(total=len(self.instances))
        return self._totals(chosen.kind)

    async def instance_sync(self, instance_id: str) -> Instance:
        self.note("instance_sync", instance_id)
        return next(row for row in self.instances if row.id == instance_id)

    async def connection_uses(self, connection_id: str) -> ConnectionUses:
        self.note("connection_uses", connection_id)
        if self.uses is not None:
            return self.uses
        made = self._connection(connection_id)
        delivers = ["CRM endpoint"] if connection_id == "con_crm" else []
        return ConnectionUses(connection_id=connection_id, name=made.name, app_name=made.app_name, account=made.account, delivers=delivers, sentences=["Its credentials are erased and cannot be brought back, and its callbacks are refused."])  # fmt: skip

    async def connection_members(self, connection_id: str) -> list[Member]:
        self.note("connection_members", connection_id)
        owner = Member(user=self._connection(connection_id).owner, grant="owner")
        return [owner, *self._now(connection_id)]

    async def connection_member_set(self, connection_id: str, user: str, grant: MemberGrant) -> Member:
        self.note("connection_member_set", (connection_id, user, grant.grant.value))
        if user == "nobody":
            raise ApiRefused("there is no user nobody", status=400, slug="malformed", field="user")
        hint = f"{user} has no role on this desk." if user == "mallory" else ""
        made = Member(user=user, grant=grant.grant.value, hint=hint)
        self._members([*(each for each in self._now(connection_id) if each.user != user), made])
        return made

    async def connection_member_remove(self, connection_id: str, user: str) -> None:
        self.note("connection_member_remove", (connection_id, user))
        self._members([each for each in self._now(connection_id) if each.user != user])

    def _now(self, connection_id: str) -> list[Member]:
        members: list[Member] = self._connection(connection_id).members
        return members

    def _members(self, members: list[Member]) -> None:
        self.members = members

    async def people_connections(
        self, user: str, *, after: str | None = None, limit: int = 50
    ) -> Page[Connection]:
        self.note("people_connections", (user, after))
        made = [card.connection for card in (*(self.cards or ()), *self.others)]
        return Page[Connection](items=[each for each in made if each.owner == user][:limit])

    async def people_hand_over(self, user: str, choice: HandOver) -> HandedOver:
        self.note("people_hand_over", (user, choice.to, choice.connection_ids))
        if choice.to == user:
            raise ApiRefused(f"{user} has them already", status=400, slug="malformed", field="to")
        return HandedOver(connections=choice.connection_ids, sentence=f"{choice.to} owns what {user} owned.")

    async def connection_make_me_owner(self, connection_id: str, new: Any) -> CredentialsUpdated:
        self.note("connection_make_me_owner", (connection_id, new))
        made = self._connection(connection_id).model_dump() | {"owner": "alice"}
        return CredentialsUpdated(**made)


def _bad(row: Instance) -> bool:
    return row.blocked or row.state not in (InstanceState.SUCCEEDED, InstanceState.PENDING)
