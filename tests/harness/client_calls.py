"""Every method of the client: the call, what it asks, an answer, and the body it sends."""

from datetime import UTC, datetime

from pydantic import SecretStr

from healthdesk.api.alerts import ChannelTest, RuleCreate, RuleEdit
from healthdesk.api.authorizations import AuthorizationCreate
from healthdesk.api.callbacks import CallbackFilter
from healthdesk.api.common import Count
from healthdesk.api.connections import (
    ConnectionCreate,
    ConnectionEdit,
    Credentials,
    CredentialsUpdate,
    PutBack,
)
from healthdesk.api.filters import ExportChoice, SavedFilterCreate
from healthdesk.api.integrations import EnvironmentSettings, IntegrationCreate, IntegrationEdit
from healthdesk.api.keys import KeyCreate
from healthdesk.api.labels import LabelCreate, LabelEdit
from healthdesk.api.ledger import LedgerQuery
from healthdesk.api.people import HandOver, MakeMeOwner, MemberGrant
from healthdesk.api.pings import PingSet
from healthdesk.api.records import Accepted, OperatorRecordCreate, RecordFilter
from healthdesk.api.resends import Resent
from healthdesk.api.sources import SourceCreate, SourceEdit, SourceEnable
from healthdesk.domain.instance_states import LabelKind
from healthdesk.domain.states import (
    CallbackState,
    Environment,
    ErrorKind,
    Grant,
    HoldReason,
    ProblemState,
    RecordState,
)
from tests.harness import wire
from tests.harness.fix_calls import FIX_CALLS
from tests.harness.flow_calls import FLOW_CALLS
from tests.harness.instance_calls import INSTANCE_CALLS
from tests.harness.job_calls import JOB_CALLS
from tests.harness.outcome_calls import OUTCOME_CALLS
from tests.harness.sample_calls import SAMPLE_CALLS
from tests.harness.task_calls import TASK_CALLS

AT = datetime(2024, 11, 22, 13, tzinfo=UTC)
RECORD = OperatorRecordCreate(
    integration_id="int_1", environment=Environment.TESTING, source="s", completed_at=AT, data={"a": 1}
)


async def exported(client):
    chosen, how = RecordFilter(states=[RecordState.FAILED]), ExportChoice(format="jsonl", bodies=True)
    async with client.records_export(chosen, how, direction="oldest") as file:
        assert b"".join([part async for part in file.parts]) == b"{}\n{}\n"


PING = PingSet(schedule={"every_s": 3600}, grace_s=60)

CALLS = {
    "key rotate": (
        lambda c: c.key_rotate(),
        "POST /v1/key/rotate",
        {"state": "done", "reencrypted": 3},
        None,
    ),
    "pings": (lambda c: c.pings_list(limit=5), "GET /v1/pings?limit=5", wire.page(wire.ping()), None),
    "ping": (lambda c: c.connection_ping("con_1"), "GET /v1/connections/con_1/ping", wire.ping(), None),
    "ping set": (
        lambda c: c.connection_ping_set("con_1", PING),
        "PUT /v1/connections/con_1/ping",
        wire.ping(url="https://desk.example/v1/ping/x"),
        PING.model_dump(mode="json", exclude_unset=True),
    ),
    "ping remove": (
        lambda c: c.connection_ping_remove("con_1"),
        "DELETE /v1/connections/con_1/ping",
        204,
        None,
    ),
    "labels": (
        lambda c: c.labels_list(kind=LabelKind.CONTROL, limit=5),
        "GET /v1/labels?limit=5&kind=control",
        wire.page(wire.label()),
        None,
    ),
    "label": (lambda c: c.label("lbl_1"), "GET /v1/labels/lbl_1", wire.label(), None),
    "label create": (
        lambda c: c.label_create(LabelCreate(kind=LabelKind.CONTROL, name="Access")),
        "POST /v1/labels",
        wire.label(),
        {"kind": "control", "name": "Access"},
    ),
    "label edit": (
        lambda c: c.label_edit("lbl_1", LabelEdit(members=["bob"])),
        "PATCH /v1/labels/lbl_1",
        wire.label(),
        {"members": ["bob"]},
    ),
    "label remove": (lambda c: c.label_remove("lbl_1"), "DELETE /v1/labels/lbl_1", 204, None),
    "status": (lambda c: c.status(), "GET /v1/status", wire.status(), None),
    "apps": (lambda c: c.apps(), "GET /v1/apps", [], None),
    "accounts": (lambda c: c.accounts(), "GET /v1/accounts", [], None),
    "openapi": (lambda c: c.openapi(), "GET /v1/openapi.json", {"openapi": "3.1.0"}, None),
    "activity": (
        lambda c: c.activity_list(user="bob", limit=5),
        "GET /v1/activity?limit=5&user=bob",
        wire.page(wire.activity()),
        None,
    ),
    "preference": (
        lambda c: c.preference("log.filter"),
        "GET /v1/preferences/log.filter",
        {"value": [1]},
        None,
    ),
    "preference set": (
        lambda c: c.preference_set("log.filter", [1]),
        "PUT /v1/preferences/log.filter",
        204,
        {"value": [1]},
    ),
    "connections": (
        lambda c: c.connections_list(after="con_9", limit=7),
        "GET /v1/connections?limit=7&after=con_9",
        wire.page(wire.connection()),
        None,
    ),
    "connection": (lambda c: c.connection("con_1"), "GET /v1/connections/con_1", wire.connection(), None),
    "connection create": (
        lambda c: c.connection_create(
            ConnectionCreate(
                name="CRM",
                base_url="https://crm.example",
                credentials=Credentials(auth="bearer", token=SecretStr("s3cret")),
            )
        ),
        "POST /v1/connections",
        wire.connection(),
        {
            "name": "CRM",
            "base_url": "https://crm.example",
            "credentials": {"auth": "bearer", "token": "s3cret"},
        },
    ),
    "connection edit sends null for what is cleared and nothing for what stays": (
        lambda c: c.connection_edit("con_1", ConnectionEdit(callback_limit_per_minute=None)),
        "PATCH /v1/connections/con_1",
        wire.connection(),
        {"callback_limit_per_minute": None},
    ),
    "connection credentials": (
        lambda c: c.connection_update_credentials(
            "con_1",
            CredentialsUpdate(credentials=Credentials(auth="basic", username="u", password=SecretStr("p"))),
        ),
        "POST /v1/connections/con_1/credentials",
        wire.updated(),
        {"credentials": {"auth": "basic", "username": "u", "password": "p"}},
    ),
    "connection put back": (
        lambda c: c.connection_put_back("con_1", PutBack(unchecked=True)),
        "POST /v1/connections/con_1/credentials/put-back",
        wire.updated(),
        {"unchecked": True},
    ),
    "authorization begin": (
        lambda c: c.authorization_begin(
            AuthorizationCreate(app="google-workspace", auth="oauth", fields={"client_id": SecretStr("a")})
        ),
        "POST /v1/authorizations",
        wire.authorization(),
        {"app": "google-workspace", "auth": "oauth", "fields": {"client_id": "a"}},
    ),
    "authorization": (
        lambda c: c.authorization("aut_1"),
        "GET /v1/authorizations/aut_1",
        wire.authorization(status="granted"),
        None,
    ),
    "connection check": (
        lambda c: c.connection_check("con_1"),
        "POST /v1/connections/con_1/check",
        wire.connection(),
        None,
    ),
    "heartbeats": (
        lambda c: c.connection_heartbeats("con_1"),
        "GET /v1/connections/con_1/heartbeats?limit=50",
        wire.page(wire.heartbeat()),
        None,
    ),
    "heartbeat": (
        lambda c: c.connection_heartbeat("con_1", "hbt_1"),
        "GET /v1/connections/con_1/heartbeats/hbt_1",
        wire.check_evidence(),
        None,
    ),
    "evidence": (
        lambda c: c.connection_evidence("con_1"),
        "GET /v1/connections/con_1/evidence",
        wire.evidence(),
        None,
    ),
    "transitions": (
        lambda c: c.connection_transitions("con_1"),
        "GET /v1/connections/con_1/transitions?limit=50",
        wire.page(wire.transition()),
        None,
    ),
    "expiring": (
        lambda c: c.connections_expiring(within_days=30),
        "GET /v1/connections/expiring?limit=50&within_days=30",
        wire.page(wire.expiry()),
        None,
    ),
    "accept drift": (
        lambda c: c.connection_accept_drift("con_1"),
        "POST /v1/connections/con_1/accept-drift",
        wire.connection(),
        None,
    ),
    "uses": (
        lambda c: c.connection_uses("con_1"),
        "GET /v1/connections/con_1/uses",
        wire.uses(),
        None,
    ),
    "make me owner": (
        lambda c: c.connection_make_me_owner(
            "con_1", MakeMeOwner(credentials=Credentials(auth="bearer", token=SecretStr("s3cret")))
        ),
        "POST /v1/connections/con_1/make-me-owner",
        wire.updated(owner="bob"),
        {"credentials": {"auth": "bearer", "token": "s3cret"}},
    ),
    "people connections": (
        lambda c: c.people_connections("bob", limit=5),
        "GET /v1/people/bob/connections?limit=5",
        wire.page(wire.connection(owner="bob")),
        None,
    ),
    "hand over": (
        lambda c: c.people_hand_over("bob", HandOver(to="mia", connection_ids=["con_1"])),
        "POST /v1/people/bob/hand-over",
        {"connections": ["con_1"], "instances": 2, "sentence": "mia owns 1 connection of bob: CRM."},
        {"to": "mia", "connection_ids": ["con_1"]},
    ),
    "members": (
        lambda c: c.connection_members("con_1"),
        "GET /v1/connections/con_1/members",
        [{"user": "alice", "grant": "owner"}],
        None,
    ),
    "member set": (
        lambda c: c.connection_member_set("con_1", "mia", MemberGrant(grant=Grant.MANAGER)),
        "PUT /v1/connections/con_1/members/mia",
        {"user": "mia", "grant": "manager"},
        {"grant": "manager"},
    ),
    "member remove": (
        lambda c: c.connection_member_remove("con_1", "mia"),
        "DELETE /v1/connections/con_1/members/mia",
        204,
        None,
    ),
    "disconnect": (lambda c: c.connection_disconnect("con_1"), "DELETE /v1/connections/con_1", 204, None),
    "integrations": (
        lambda c: c.integrations_list(),
        "GET /v1/integrations?limit=50",
        wire.page(wire.integration()),
        None,
    ),
    "integration": (lambda c: c.integration("int_1"), "GET /v1/integrations/int_1", wire.integration(), None),
    "integration create": (
        lambda c: c.integration_create(
            IntegrationCreate(name="CRM", production=EnvironmentSettings(connection_id="con_1"))
        ),
        "POST /v1/integrations",
        wire.changed_integration(new_signing_secrets=[wire.new_secret()]),
        {"name": "CRM", "production": {"connection_id": "con_1"}},
    ),
    "integration edit": (
        lambda c: c.integration_edit("int_1", IntegrationEdit(name="New")),
        "PATCH /v1/integrations/int_1",
        wire.changed_integration(),
        {"name": "New"},
    ),
    "integration remove": (
        lambda c: c.integration_remove("int_1"),
        "DELETE /v1/integrations/int_1",
        204,
        None,
    ),
    "integration remove and unlink": (
        lambda c: c.integration_remove("int_1", unlink=True),
        "DELETE /v1/integrations/int_1?instances=unlink",
        204,
        None,
    ),
    "integration choices": (
        lambda c: c.integration_choices("con_1", {"project": "OPS"}),
        "POST /v1/integrations/choices",
        wire.choices(),
        {"connection_id": "con_1", "container": {"project": "OPS"}},
    ),
    "pause": (
        lambda c: c.integration_pause("int_1", Environment.TESTING),
        "POST /v1/integrations/int_1/pause",
        wire.integration(),
        {"environment": "testing"},
    ),
    "resume": (
        lambda c: c.integration_resume("int_1"),
        "POST /v1/integrations/int_1/resume",
        wire.integration(),
        {"environment": None},
    ),
    "keys": (lambda c: c.integration_keys("int_1"), "GET /v1/integrations/int_1/keys", [], None),
    "key create": (
        lambda c: c.integration_key_create("int_1", KeyCreate(overlap_s=60)),
        "POST /v1/integrations/int_1/keys",
        wire.new_secret(),
        {"overlap_s": 60},
    ),
    "signing secrets": (
        lambda c: c.integration_signing_secrets("int_1"),
        "GET /v1/integrations/int_1/signing-secrets",
        [],
        None,
    ),
    "signing secret": (
        lambda c: c.integration_signing_secret_create("int_1", KeyCreate()),
        "POST /v1/integrations/int_1/signing-secrets",
        wire.new_secret(),
        {},
    ),
    "sources": (lambda c: c.sources_list(), "GET /v1/sources?limit=50", wire.page(wire.source()), None),
    "source": (lambda c: c.source("heart"), "GET /v1/sources/heart", wire.source(), None),
    "source create": (
        lambda c: c.source_create(SourceCreate(key="heart", name="Heart")),
        "POST /v1/sources",
        wire.source(),
        {"key": "heart", "name": "Heart"},
    ),
    "source edit": (
        lambda c: c.source_edit("heart", SourceEdit(levels=[])),
        "PATCH /v1/sources/heart",
        wire.source(),
        {"levels": []},
    ),
    "source enable": (
        lambda c: c.source_enable("heart", SourceEnable(integration_id="int_1", enabled=False)),
        "POST /v1/sources/heart/enable",
        wire.source(),
        {"integration_id": "int_1", "enabled": False},
    ),
    "records": (
        lambda c: c.records_list(
            RecordFilter(
                integration_id="int_1",
                environment=Environment.TESTING,
                source="heart",
                states=[RecordState.FAILED, RecordState.HELD],
                problem_id="prb_1",
                arrived_from=AT,
                arrived_to=AT,
            ),
            after="rec_5",
            limit=10,
            direction="oldest",
            order="last_attempt",
        ),
        (
            "GET /v1/records?integration_id=int_1&environment=testing&source=heart&problem_id=prb_1"
            "&arrived_from=2024-11-22T13:00:00+00:00&arrived_to=2024-11-22T13:00:00+00:00"
            "&state=failed&state=held&limit=10&after=rec_5&direction=oldest&order=last_attempt"
        ),
        wire.page(wire.record()),
        None,
    ),
    "saved filters": (
        lambda c: c.filters_list(limit=5),
        "GET /v1/filters?limit=5",
        wire.page(wire.saved_filter()),
        None,
    ),
    "saved filter": (
        lambda c: c.filter_save(
            SavedFilterCreate(name="422s", filter=RecordFilter(statuses=[422]), shared=True)
        ),
        "POST /v1/filters",
        wire.saved_filter(),
        {"name": "422s", "filter": {"statuses": [422]}, "shared": True},
    ),
    "records export": (
        exported,
        ("GET /v1/records/export?state=failed&format=jsonl&bodies=true&reveal=false&direction=oldest"),
        wire.log_file,
        None,
    ),
    "saved filter remove": (lambda c: c.filter_remove("flt_1"), "DELETE /v1/filters/flt_1", 204, None),
    "records, every filter": (
        lambda c: c.records_list(
            RecordFilter(
                levels=["low", "high"],
                completed_from=AT,
                statuses=[422, 500],
                error_kinds=[ErrorKind.TIMEOUT],
                hold_reasons=[HoldReason.PAUSED],
                sample=False,
                text="risk level",
                lookup={"participant": "p=7"},
                job_id="job_1",
            )
        ),
        (
            "GET /v1/records?job_id=job_1&completed_from=2024-11-22T13:00:00+00:00&sample=false"
            "&text=risk level&level=low&level=high&status=422&status=500&error_kind=timeout&hold_reason=paused"
            "&lookup=participant=p=7&limit=50&direction=newest"
        ),
        wire.page(wire.record()),
        None,
    ),
    "records count": (
        lambda c: c.records_count(exact=True),
        "GET /v1/records/count?exact=true",
        Count(total=3),
        None,
    ),
    "record": (lambda c: c.record("rec_1"), "GET /v1/records/rec_1", wire.record_detail(), None),
    "record create": (
        lambda c: c.record_create(RECORD),
        "POST /v1/records",
        Accepted(id="rec_1"),
        {
            "integration_id": "int_1",
            "environment": "testing",
            "source": "s",
            "completed_at": "2024-11-22T13:00:00+00:00",
            "data": {"a": 1},
        },
    ),
    "reveal": (
        lambda c: c.record_reveal("rec_1"),
        "POST /v1/records/rec_1/reveal",
        wire.record_detail(),
        None,
    ),
    "attempts": (
        lambda c: c.record_attempts("rec_1"),
        "GET /v1/records/rec_1/attempts?limit=50",
        wire.page(wire.attempt()),
        None,
    ),
    "attempt": (
        lambda c: c.record_attempt("rec_1", "att_1"),
        "GET /v1/records/rec_1/attempts/att_1",
        wire.attempt_detail(),
        None,
    ),
    "reveal an attempt": (
        lambda c: c.record_attempt_reveal("rec_1", "att_1"),
        "POST /v1/records/rec_1/attempts/att_1/reveal",
        wire.attempt_detail(),
        None,
    ),
    "resend one": (
        lambda c: c.record_resend("rec_1", new_webhook_id=True),
        "POST /v1/records/rec_1/resend",
        Resent(resent=1),
        {"new_webhook_id": True, "delivered_too": False, "asked_too": False},
    ),
    "resend marked": (
        lambda c: c.records_resend(["rec_1", "rec_2"]),
        "POST /v1/records/resend",
        Resent(resent=2),
        {
            "ids": ["rec_1", "rec_2"],
            "new_webhook_id": False,
            "delivered_too": False,
            "asked_too": False,
            "dry_run": False,
        },
    ),
    "resend plan": (
        lambda c: c.records_resend_plan(RecordFilter(states=[RecordState.FAILED])),
        "POST /v1/records/resend-all",
        wire.plan(),
        {"filter": {"states": ["failed"]}, "dry_run": True},
    ),
    "resend all": (
        lambda c: c.records_resend_all(RecordFilter(arrived_from=AT), expect=131),
        "POST /v1/records/resend-all",
        Resent(resent=131),
        {"filter": {"arrived_from": "2024-11-22T13:00:00+00:00"}, "expect": 131},
    ),
    "ledger": (lambda c: c.ledger(), "GET /v1/ledger", wire.ledger(), None),
    "ledger of a period": (
        lambda c: c.ledger(LedgerQuery(arrived_from=AT, environment=Environment.TESTING)),
        "GET /v1/ledger?arrived_from=2024-11-22T13:00:00+00:00&environment=testing",
        wire.ledger(),
        None,
    ),
    "callbacks": (
        lambda c: c.callbacks_list(CallbackFilter(connection_id="con_1", states=[CallbackState.REJECTED])),
        "GET /v1/callbacks?connection_id=con_1&state=rejected&limit=50",
        wire.page(wire.callback()),
        None,
    ),
    "callback": (lambda c: c.callback("cbk_1"), "GET /v1/callbacks/cbk_1", wire.callback(), None),
    "callback reveal": (
        lambda c: c.callback_reveal("cbk_1"),
        "POST /v1/callbacks/cbk_1/reveal",
        wire.callback(),
        None,
    ),
    "reprocess": (
        lambda c: c.callback_reprocess("cbk_1"),
        "POST /v1/callbacks/cbk_1/reprocess",
        wire.callback(),
        None,
    ),
    "problems": (
        lambda c: c.problems_list(states=[ProblemState.OPEN], connection_id="con_1"),
        "GET /v1/problems?limit=50&connection_id=con_1&state=open",
        wire.page(wire.problem()),
        None,
    ),
    "problem": (lambda c: c.problem("prb_1"), "GET /v1/problems/prb_1", wire.problem(), None),
    "ack": (
        lambda c: c.problem_ack("prb_1", note="mine"),
        "POST /v1/problems/prb_1/ack",
        wire.problem(),
        {"note": "mine"},
    ),
    "mute": (
        lambda c: c.problem_mute("prb_1", for_s=0),
        "POST /v1/problems/prb_1/mute",
        wire.problem(),
        {"for_s": 0, "note": ""},
    ),
    "resolve": (
        lambda c: c.problem_resolve("prb_1"),
        "POST /v1/problems/prb_1/resolve",
        wire.problem(),
        {"note": ""},
    ),
    "channels": (lambda c: c.channels_list(), "GET /v1/channels?limit=50", wire.page(wire.channel()), None),
    "channel": (lambda c: c.channel("chn_1"), "GET /v1/channels/chn_1", wire.channel(), None),
    "channel create": (
        lambda c: c.channel_create("Ops", "json://user:pw@host"),
        "POST /v1/channels",
        wire.channel(),
        {"name": "Ops", "url": "json://user:pw@host"},
    ),
    "channel test": (
        lambda c: c.channel_test("chn_1"),
        "POST /v1/channels/chn_1/test",
        ChannelTest(ok=True, sentence="sent", duration_ms=3),
        None,
    ),
    "channel remove": (lambda c: c.channel_remove("chn_1"), "DELETE /v1/channels/chn_1", 204, None),
    "rules": (lambda c: c.rules_list(), "GET /v1/rules?limit=50", wire.page(wire.rule()), None),
    "rule": (lambda c: c.rule("rul_1"), "GET /v1/rules/rul_1", wire.rule(), None),
    "rule create": (
        lambda c: c.rule_create(RuleCreate(name="r", channel_ids=["chn_1"])),
        "POST /v1/rules",
        wire.rule(),
        {"name": "r", "channel_ids": ["chn_1"]},
    ),
    "rule edit": (
        lambda c: c.rule_edit("rul_1", RuleEdit(enabled=False)),
        "PATCH /v1/rules/rul_1",
        wire.rule(),
        {"enabled": False},
    ),
    "rule remove": (lambda c: c.rule_remove("rul_1"), "DELETE /v1/rules/rul_1", 204, None),
    "alerts": (
        lambda c: c.alerts_list(problem_id="prb_1"),
        "GET /v1/alerts?limit=50&problem_id=prb_1",
        wire.page(wire.alert()),
        None,
    ),
}
CALLS |= JOB_CALLS | INSTANCE_CALLS
CALLS |= FIX_CALLS
CALLS |= TASK_CALLS
CALLS |= SAMPLE_CALLS
CALLS |= FLOW_CALLS
CALLS |= OUTCOME_CALLS
