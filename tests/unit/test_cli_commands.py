"""Every verb asks the right thing of the daemon and answers people and programs."""

import json

import pytest
from tests.harness import wire
from tests.harness.cli import Shell
from tests.harness.fake_daemon import FakeDaemon, running
from tests.harness.wire_instances import account, instance

from healthdesk.api.alerts import ChannelTest
from healthdesk.api.apps import App
from healthdesk.api.common import Count
from healthdesk.api.records import Accepted
from healthdesk.domain.states import Environment

REC = "rec_01JD0000000000000000000001"


@pytest.fixture
def daemon(tmp_path):
    with running(FakeDaemon(tmp_path / "s")) as daemon:
        daemon.on("GET", "/v1/accounts", [])
        alone = [{"role": "mine", "title": "My connection", "connection": wire.connection()}]
        daemon.on("GET", "/v1/accounts/con_1", account(cards=alone, integrations=[], tasks=None))
        yield daemon


@pytest.fixture
def desk(daemon):
    return Shell(daemon)


LISTS = {
    "connections list": ("/v1/connections", wire.connection(), ["● Connected", "con_1", "CRM", "alice"]),
    "integrations list": (
        "/v1/integrations",
        wire.integration(),
        ["● Active", "int_1", "production", "1,204", "131"],
    ),
    "sources list": ("/v1/sources", wire.source(), ["heart-health", "Heart health", "1 integration"]),
    "records list": (
        "/v1/records",
        wire.record(),
        ["✗ Failed 422", REC, "Heart health", "risk_level is required"],
    ),
    "callbacks list": (
        "/v1/callbacks",
        wire.callback_row(),
        ["✗ Rejected", "cbk_1", "the signature does not fit"],
    ),
    "channels list": (
        "/v1/channels",
        wire.channel(),
        ["○ Not used yet", "chn_1", "Email", "mailtos://ops:****@"],
    ),
    "rules list": ("/v1/rules", wire.rule(), ["✓ yes", "rul_1", "int_1", "chn_1"]),
    "problems list": ("/v1/problems", wire.problem_row(), ["✗ Open", "prb_1", "127", "CRM endpoint", "422"]),
    "alerts list": ("/v1/alerts", wire.alert(), ["✓ Sent", "opened", "Ops mail"]),
    "activity": ("/v1/activity", wire.activity(), ["bob", "resend", "rec_1", "count 3"]),
    f"records show {REC} --attempts": (
        f"/v1/records/{REC}/attempts",
        wire.attempt(),
        ["✗ Refused", "first", "422", "38 ms", "risk_level is required"],
    ),
    "connections show con_1 --heartbeats": (
        "/v1/connections/con_1/heartbeats",
        wire.heartbeat(),
        ["✗ authentication", "operator", "401", "the token was refused"],
    ),
    "connections list --expiring": (
        "/v1/connections/expiring",
        wire.expiry(),
        ["in 6 days", "con_1", "Okta", "the app"],
    ),
}


@pytest.mark.parametrize("line", LISTS)
def test_list_is_a_table_for_people(daemon, desk, line):
    path, item, words = LISTS[line]
    daemon.on("GET", path, wire.page(item, next="cursor_1"))
    ran = desk(f"{line} --limit 1")
    assert (ran.code, ran.err) == (0, "")
    assert [word for word in words if word not in ran.out] == []
    assert "1 shown, there are more: --after cursor_1" in ran.out
    assert ("limit", "1") in daemon.last.query


@pytest.mark.parametrize("line", LISTS)
def test_list_is_the_api_s_json_for_programs(daemon, desk, line):
    path, item, _ = LISTS[line]
    daemon.on("GET", path, wire.page(item, next="cursor_1"))
    for words in (f"{line} --json --limit 1 --after cursor_0", f"--json {line} --limit 1 --after cursor_0"):
        ran = desk(words)
        assert ran.code == 0
        assert ran.json == ran.json | {"items": [item.model_dump(mode="json")], "next": "cursor_1"}
        assert ("after", "cursor_0") in daemon.last.query


@pytest.mark.parametrize("line", LISTS)
def test_list_of_nothing_says_so(daemon, desk, line):
    path, _, _ = LISTS[line]
    daemon.on("GET", path, wire.page())
    ran = desk(line)
    assert ran.code == 0
    assert ran.out.endswith(".\n")
    assert "Id" not in ran.out.split()
    answer = desk(f"{line} --json").json
    assert answer == answer | {"items": [], "next": None}


@pytest.mark.parametrize("line", LISTS)
@pytest.mark.parametrize("width", [80, 120])
def test_list_fits_the_terminal(daemon, desk, line, width):
    path, item, _ = LISTS[line]
    daemon.on("GET", path, wire.page(item))
    desk.width = width
    assert max(len(text) for text in desk(line).out.splitlines()) <= width


def test_connections_are_listed_worst_first_with_why(daemon, desk):
    why = {"sentence": "the CRM refused the token (401)", "blame": "credential", "next_action": ""}
    bad = wire.connection(id="con_2", state="failing", state_word="Connection failure", explanation=why)
    unsure = wire.connection(id="con_3", state="suspect", state_word="Checking again")
    daemon.on("GET", "/v1/connections", wire.page(wire.connection(), unsure, bad))
    for desk.width in (None, 80):
        shown = desk("connections list").out
        assert shown.index("con_2") < shown.index("con_3") < shown.index("con_1")
        assert "the CRM refused the token (401)" in shown
    assert [one["id"] for one in desk("connections list --json").json["items"]] == ["con_1", "con_3", "con_2"]


def test_narrow_list_of_problems_has_cause_fault_taker_and_next_whole(daemon, desk):
    taken = {"state": "acknowledged", "acknowledged_by": "bob"}
    item = wire.problem_row(id="prb_01JD0000000000000000000001", **taken)
    daemon.on("GET", "/v1/problems", wire.page(item))
    desk.width = 80
    lines = desk("problems list").out.splitlines()
    assert max(len(line) for line in lines) <= 80
    said = " ".join(" ".join(lines).split())
    for words in (
        f"Cause: {item.cause}",
        f"Whose fault: {item.blame}",
        "Taken by: bob",
        f"Next: {item.next_action}",
    ):
        assert words in said
    assert item.id in lines[1]


def test_source_names_the_integrations_it_is_enabled_for_and_no_is_no_failure(daemon, desk):
    fields = [{"name": "score", "type": "integer", "required": False, "sensitive": False}]
    daemon.on("GET", "/v1/sources/heart", wire.source(integrations=["int_1", "int_9"], fields=fields))
    daemon.on("GET", "/v1/integrations", wire.page(wire.integration()))
    shown = desk("sources show heart").out
    assert "CRM endpoint, int_9\n" in shown
    assert "✗" not in shown


def test_testing_is_marked_in_lists_and_in_what_is_shown(daemon, desk):
    daemon.on("GET", "/v1/records", wire.page(wire.record(environment="testing")))
    daemon.on("GET", f"/v1/records/{REC}", wire.record_detail(environment="testing"))
    assert "TESTING" in desk("records list").out
    assert "TESTING" in desk(f"records show {REC}").out


def test_listed_records_have_environment_and_level(daemon, desk):
    daemon.on("GET", "/v1/records", wire.page(wire.record(environment="production", level="severe")))
    shown = desk("records list").out
    assert "production" in shown
    assert "severe" in shown


def test_problems_that_form_can_be_asked_for(daemon, desk):
    daemon.on("GET", "/v1/problems", wire.page(wire.problem_row(state="forming")))
    assert "Forming" in desk("problems list --state forming").out
    assert ("state", "forming") in daemon.last.query


def test_long_list_is_fetched_in_pages(daemon, desk):
    daemon.on(
        "GET",
        "/v1/records",
        wire.page(*[wire.record()] * 500, next="rec_a"),
        wire.page(*[wire.record()] * 100, next="rec_b"),
    )
    ran = desk("records list --limit 600 --json")
    assert len(ran.json["items"]) == 600
    assert ran.json["next"] == "rec_b"
    assert [dict(one.query)["limit"] for one in daemon.asked] == ["500", "100"]
    assert dict(daemon.asked[1].query)["after"] == "rec_a"


def test_records_are_filtered_by_the_daemon(daemon, desk):
    daemon.on("GET", "/v1/records", wire.page())
    desk(
        "records list --integration int_1 --environment testing --source heart --state failed --state held"
        " --problem prb_1 --from 2h --to '2024-11-22 14:00' --oldest"
    )
    assert daemon.lines() == [
        (
            "GET /v1/records?integration_id=int_1&environment=testing&source=heart&problem_id=prb_1"
            "&arrived_from=2024-11-22T11:02:11+00:00&arrived_to=2024-11-22T13:00:00+00:00"
            "&state=failed&state=held&limit=50&direction=oldest"
        )
    ]


def test_count_past_the_limit_is_marked(daemon, desk):
    daemon.on("GET", "/v1/records/count", Count(total=10_000, exact=False))
    assert desk("records list --count --state failed").out == "10,000+\n"
    assert daemon.lines() == ["GET /v1/records/count?state=failed"]
    assert desk("records list --count --exact --json").json == {"total": 10_000, "exact": False}
    assert daemon.last.query == [("exact", "true")]


def test_record_says_why_and_what_next(daemon, desk):
    daemon.on("GET", f"/v1/records/{REC}", wire.record_detail())
    ran = desk(f"records show {REC}")
    for words in (
        "✗ Failed 422",
        "the endpoint refused the record, 422",
        "them",
        "fix it",
        "127 records fail the same way since 2024-11-22 14:02:11 CET",
        "Request body (40 bytes, application/json, masked: --reveal shows it)",
        '  {"participant": "••••"}',
        "2024-11-22 14:02:11 CET",
        "att_1",
    ):
        assert words in ran.out
    assert f"headers and times: healthdesk records show {REC} --attempt " in ran.err
    assert daemon.lines() == [f"GET /v1/records/{REC}"]


def test_values_are_revealed_only_when_asked(daemon, desk):
    clear = {"text": '{"participant": "Ann"}', "masked": False, "size": 22}
    daemon.on("POST", f"/v1/records/{REC}/reveal", wire.record_detail(request_body=clear))
    ran = desk(f"records show {REC} --reveal")
    assert '{"participant": "Ann"}' in ran.out
    assert "masked" not in ran.out
    assert daemon.lines() == [f"POST /v1/records/{REC}/reveal"]


def test_body_that_retention_removed_says_so(daemon, desk):
    gone = {"text": None, "masked": True, "size": 22}
    daemon.on("GET", f"/v1/records/{REC}", wire.record_detail(request_body=gone))
    assert "no longer kept" in desk(f"records show {REC}").out


def test_one_attempt_has_its_headers(daemon, desk):
    daemon.on("GET", f"/v1/records/{REC}/attempts/att_1", wire.attempt_detail())
    ran = desk(f"records show {REC} --attempt att_1")
    assert "POST https://crm.example/v2/hra" in ran.out
    assert f"  webhook-id: {REC}" in ran.out


def test_record_is_added_with_its_data_as_it_is(daemon, desk, tmp_path):
    daemon.on("POST", "/v1/records", Accepted(id="rec_2"))
    data = '{"score": 71.0}'
    ran = desk("records add --integration int_1 --source heart --level high --idempotency-key k", stdin=data)
    assert ran.out == "Accepted rec_2.\n"
    assert data.encode() in daemon.last.body
    assert daemon.last.json == {
        "integration_id": "int_1",
        "environment": "production",
        "source": "heart",
        "level": "high",
        "completed_at": "2024-11-22T13:02:11+00:00",
        "idempotency_key": "k",
        "data": {"score": 71.0},
    }


@pytest.mark.parametrize("kind", ["", " --signing"])
def test_keys_of_an_environment_that_is_not_there_are_refused(daemon, desk, kind):
    daemon.on("GET", "/v1/integrations/int_1", wire.integration())
    daemon.on("GET", "/v1/integrations/int_1/keys", [])
    daemon.on("GET", "/v1/integrations/int_1/signing-secrets", [])
    ran = desk(f"integrations keys int_1 --environment testing{kind}")
    assert ran.code == 1
    assert "CRM endpoint has no environment testing" in ran.err
    assert (
        "fix: add it with `healthdesk integrations edit int_1 --environment testing --connection" in ran.err
    )
    assert "No keys yet" in desk("integrations keys int_1 --environment production").out


@pytest.mark.parametrize("data", ["", "{", '1, "source": "x"', "NaN", "[" * 100_000, "\udcff"])
def test_data_that_is_not_json_is_refused_here(daemon, desk, tmp_path, data):
    file = tmp_path / "data.json"
    file.write_bytes(data.encode("utf-8", "surrogateescape"))
    ran = desk(f"records add --integration int_1 --source heart --data-file {file}")
    assert ran.code == 2
    assert "not JSON" in ran.err
    assert daemon.asked == []


def test_ledger_that_does_not_balance_fails(daemon, desk):
    daemon.on("GET", "/v1/ledger", wire.ledger())
    ran = desk("records ledger")
    assert ran.code == 0
    assert "✓ yes" in ran.out
    daemon.on("GET", "/v1/ledger", wire.ledger(balanced=False))
    assert desk("records ledger").code == 1
    assert desk("records ledger --json").code == 1


def test_thing_is_found_by_its_name(daemon, desk):
    daemon.on(
        "GET", "/v1/integrations", wire.page(wire.integration(), wire.integration(id="int_2", name="Other"))
    )
    daemon.on("GET", "/v1/integrations/int_1", wire.integration())
    ran = desk("integrations show 'crm ENDPOINT'")
    assert "POST https://crm.example/v2/hra" in ran.out
    assert daemon.last.path == "/v1/integrations/int_1"


def test_name_that_two_things_have_is_refused_with_both_ids(daemon, desk):
    daemon.on("GET", "/v1/connections", wire.page(wire.connection(), wire.connection(id="con_2")))
    ran = desk("connections check CRM")
    assert ran.code == 1
    assert "con_1, con_2" in ran.err
    assert "fix: give the id" in ran.err


def test_name_that_nothing_has_is_refused(daemon, desk):
    daemon.on("GET", "/v1/channels", wire.page(wire.channel()))
    ran = desk("channels test nobody")
    assert ran.code == 1
    assert ran.err == "error: there is no channel named 'nobody'\nfix: see `healthdesk channels list`\n"


def test_failing_connection_fails_its_check(daemon, desk):
    why = {
        "sentence": "the CRM refused the token (401)",
        "blame": "credential",
        "next_action": "update credentials",
    }
    bad = wire.connection(state="failing", state_word="Connection failure", explanation=why)
    daemon.on("POST", "/v1/connections/con_1/check", bad)
    ran = desk("connections check con_1")
    assert ran.code == 1
    assert "✗ Connection failure" in ran.out
    assert "the CRM refused the token (401)\n" in ran.out
    assert "Whose fault   credential\n" in ran.out
    daemon.on("POST", "/v1/connections/con_1/check", wire.connection())
    assert desk("connections check con_1").code == 0


def test_callbacks_that_nothing_verifies_say_so_and_what_sets_a_scheme(daemon, desk):
    daemon.on("GET", "/v1/connections/con_1", wire.connection())
    shown = desk("connections show con_1").out
    assert "not verified: whoever knows the address may post" in shown
    assert "`healthdesk connections edit con_1 --scheme standard_webhooks`" in shown
    verification = {"scheme": "standard_webhooks"}
    signed = wire.connection(verification=verification, callback_secret_hint="••••2345")
    daemon.on("GET", "/v1/connections/con_1", signed)
    shown = desk("connections show con_1").out
    assert "standard_webhooks ••••2345" in shown
    assert "not verified" not in shown


def test_callbacks_with_an_hmac_say_how_it_is_looked_for(daemon, desk):
    verification = {
        "scheme": "hmac",
        "header": "X-Sig",
        "algorithm": "sha512",
        "encoding": "base64",
        "prefix": "v0=",
        "id_header": "X-Id",
        "event_header": "X-Event",
    }
    item = wire.connection(verification=verification, callback_secret_hint="••••2345")
    daemon.on("GET", "/v1/connections/con_1", item)
    said = "hmac ••••2345, signature in X-Sig, sha512 base64, prefix v0=, id in X-Id, event in X-Event\n"
    assert said in desk("connections show con_1").out
    plain = {"scheme": "hmac", "header": "X-Sig"}
    item = wire.connection(verification=plain, callback_secret_hint="••••")
    daemon.on("GET", "/v1/connections/con_1", item)
    said = "hmac ••••, signature in X-Sig, sha256 hex, no prefix, no id header\n"
    assert said in desk("connections show con_1").out
    daemon.on("GET", "/v1/connections/con_1", wire.connection(verification=plain))
    assert "hmac, rejected until there is a secret" in desk("connections show con_1").out
    daemon.on("GET", "/v1/connections/con_1", wire.connection(verification={"scheme": "asana"}))
    assert "waiting for the secret that it hands over" in desk("connections show con_1").out


def test_connection_edit_changes_only_what_was_given(daemon, desk):
    daemon.on("GET", "/v1/connections/con_1", wire.connection())
    daemon.on("PATCH", "/v1/connections/con_1", wire.connection())
    assert desk("connections edit con_1 --heartbeat-status 200 --callback-limit 0").code == 0
    assert daemon.last.json == {
        "heartbeat": {"method": "GET", "path": "/ping", "expected_status": 200},
        "callback_limit_per_minute": None,
    }
    desk("connections edit con_1 --no-heartbeat")
    assert daemon.last.json == {"clear_heartbeat": True}


def test_edit_of_nothing_is_a_usage_error(daemon, desk):
    daemon.on("GET", "/v1/connections/con_1", wire.connection())
    assert desk("connections edit con_1").code == 2
    assert desk("integrations edit int_1").code == 2
    assert desk("sources edit heart").code == 2
    assert desk("rules edit rul_1").code == 2
    assert [one.method for one in daemon.asked] == ["GET"]


def test_integration_is_added_and_says_what_comes_next(daemon, desk):
    made = wire.changed_integration(new_signing_secrets=[wire.new_secret(secret="whsec_first")])
    daemon.on("POST", "/v1/integrations", made)
    ran = desk(
        "integrations add --name CRM --connection con_1 --path /hra --method PUT --header 'X-Tenant: 7'"
        " --concurrency 4 --rate 2.5 --timeout 10 --on-unknown hold --accept-limit 60"
    )
    assert daemon.last.json == {
        "name": "CRM",
        "production": {
            "connection_id": "con_1",
            "path": "/hra",
            "method": "PUT",
            "headers": {"X-Tenant": "7"},
            "concurrency": 4,
            "rate_per_s": 2.5,
            "timeout_s": 10.0,
            "on_unknown": "hold",
            "accept_limit_per_minute": 60,
        },
    }
    assert "Signing secret  whsec_first\n" in ran.out
    assert ran.err.splitlines() == [
        "Give the signing secret to whoever runs the endpoint now: it cannot be shown again.",
        "next: healthdesk integrations keys int_1 --new",
    ]


def test_integration_without_a_signing_secret_says_that_it_is_unsigned_and_what_makes_one(daemon, desk):
    shown = wire.integration()
    production = shown.environments[0].model_copy(update={"key_hint": "", "signing_secret_hint": ""})
    testing = production.model_copy(update={"environment": Environment.TESTING})
    daemon.on(
        "GET", "/v1/integrations/int_1", shown.model_copy(update={"environments": [production, testing]})
    )
    ran = desk("integrations show int_1")
    make = "healthdesk integrations keys int_1 --new"
    for command in (make, f"{make} --environment testing"):
        assert f"none: make one with `{command}`" in ran.out
        assert f"unsigned: make one with `{command} --signing`" in ran.out


@pytest.mark.parametrize(
    ("until", "options", "words"),
    [
        (None, "", "there were none"),
        (wire.NOW, "", "not valid any more"),
        (wire.NOW, "--overlap 24h", "valid until 2024-11-22 14:02:11 CET"),
    ],
)
def test_new_key_says_what_becomes_of_the_ones_before(daemon, desk, until, options, words):
    daemon.on("POST", "/v1/integrations/int_1/keys", wire.new_secret(replaces_until=until))
    ran = desk(f"integrations keys int_1 --new {options}")
    assert f"Earlier ones  {words}\n" in ran.out


def test_other_environment_is_added_by_edit(daemon, desk):
    testing = wire.new_secret(environment="testing", secret="whsec_testing")
    daemon.on("PATCH", "/v1/integrations/int_1", wire.changed_integration(new_signing_secrets=[testing]))
    ran = desk("integrations edit int_1 --environment testing --connection con_2 --rate 0")
    assert "whsec_testing" in ran.out
    assert "cannot be shown again" in ran.err
    assert daemon.last.json == {"testing": {"connection_id": "con_2", "rate_per_s": None}}


def test_pause_and_resume(daemon, desk):
    daemon.on("POST", "/v1/integrations/int_1/pause", wire.integration())
    daemon.on("POST", "/v1/integrations/int_1/resume", wire.integration())
    assert "Paused CRM endpoint · TESTING." in desk("integrations pause int_1 --environment testing").out
    assert daemon.last.json == {"environment": "testing"}
    assert "Resumed CRM endpoint" in desk("integrations resume int_1").out
    assert daemon.last.json == {"environment": None}


def with_testing():
    shown = wire.integration()
    testing = shown.environments[0].model_copy(update={"environment": Environment.TESTING})
    return shown.model_copy(update={"environments": [*shown.environments, testing]})


def test_new_key_is_shown_once_and_the_list_never_shows_it(daemon, desk):
    daemon.on("POST", "/v1/integrations/int_1/keys", wire.new_secret(replaces_until=wire.NOW))
    ran = desk("integrations keys int_1 --new --overlap 24h")
    assert "hdk_abcdef0123456789" in ran.out
    assert "valid until 2024-11-22 14:02:11 CET" in ran.out
    assert "cannot be shown again" in ran.err
    assert daemon.last.json == {"environment": "production", "overlap_s": 86400}
    daemon.on("GET", "/v1/integrations/int_1/keys", [wire.key().model_dump(mode="json")])
    assert "••••4d21" in desk("integrations keys int_1").out
    assert desk("integrations keys int_1 --json").json == {
        "items": [wire.key().model_dump(mode="json")],
        "next": None,
    }
    daemon.on("GET", "/v1/integrations/int_1", with_testing())
    assert desk("integrations keys int_1 --json --environment testing").json["items"] == []


def test_signing_secret_is_rotated(daemon, desk):
    daemon.on("POST", "/v1/integrations/int_1/signing-secrets", wire.new_secret(secret="whsec_abc"))
    assert "whsec_abc" in desk("integrations keys int_1 --signing --new --environment testing").out
    assert daemon.last.json == {"environment": "testing", "overlap_s": 0}


def test_every_signing_secret_that_is_valid_is_listed_with_until_when(daemon, desk):
    old = wire.signing_secret(id="sec_0", hint="••••11aa", expires_at=wire.NOW)
    found = [each.model_dump(mode="json") for each in (wire.signing_secret(), old)]
    daemon.on("GET", "/v1/integrations/int_1/signing-secrets", found)
    new_line, old_line = desk("integrations keys int_1 --signing").out.splitlines()[1:]
    assert "••••77aa" in new_line
    assert "until replaced" in new_line
    assert "••••11aa" in old_line
    assert "until 2024-11-22 14:02:11" in old_line
    assert desk("integrations keys int_1 --signing --json").json == {"items": found, "next": None}
    daemon.on("GET", "/v1/integrations/int_1", with_testing())
    assert "sent unsigned" in desk("integrations keys int_1 --signing --environment testing").out


def test_source_fields_are_described_in_words(daemon, desk):
    daemon.on("GET", "/v1/integrations", wire.page(wire.integration()))
    daemon.on("POST", "/v1/sources", wire.source())
    desk(
        "sources add heart --name Heart --level low --level high --field score:integer:required"
        " --field id:open:lookup:example=p:1042"
    )
    assert daemon.asked[0].json == {
        "key": "heart",
        "name": "Heart",
        "levels": ["low", "high"],
        "fields": [
            {"name": "score", "type": "integer", "required": True},
            {"name": "id", "sensitive": False, "lookup": True, "example": "p:1042"},
        ],
    }
    ran = desk("sources add heart --name Heart --field score:intger")
    assert ran.code == 2
    assert "'intger' is not known" in ran.err


def test_source_is_enabled_and_emptied(daemon, desk):
    daemon.on("GET", "/v1/integrations", wire.page(wire.integration()))
    daemon.on("POST", "/v1/sources/heart/enable", wire.source())
    daemon.on("PATCH", "/v1/sources/heart", wire.source())
    desk("sources enable heart --integration int_1")
    assert daemon.last.json == {"integration_id": "int_1", "enabled": True}
    desk("sources disable heart --integration int_1")
    assert daemon.last.json == {"integration_id": "int_1", "enabled": False}
    desk("sources edit heart --no-fields --level low")
    assert next(one for one in daemon.asked if one.method == "PATCH").json == {
        "levels": ["low"],
        "fields": [],
    }


def test_wrong_value_is_a_usage_error_that_names_the_field(daemon, desk):
    ran = desk("sources add 'Heart Health' --name x")
    assert ran.code == 2
    assert ran.err.startswith("error: key: ")
    assert "fix: see `healthdesk sources add --help`" in ran.err
    assert daemon.asked == []


def test_callback_is_shown_and_processed_again(daemon, desk):
    daemon.on("GET", "/v1/callbacks/cbk_1", wire.callback())
    ran = desk("callbacks show cbk_1")
    assert "✗ Rejected" in ran.out
    assert "webhook-id: msg_1" in ran.out
    assert "masked: `callbacks show cbk_1 --reveal` shows it" in ran.out
    clear = {"size": 9, "text": '{"id": 7}', "masked": False}
    daemon.on("POST", "/v1/callbacks/cbk_1/reveal", wire.callback(body=clear))
    ran = desk("callbacks show cbk_1 --reveal")
    assert '{"id": 7}' in ran.out
    assert "masked" not in ran.out
    daemon.on("POST", "/v1/callbacks/cbk_1/reprocess", wire.callback(state="failed"))
    assert desk("callbacks reprocess cbk_1").code == 1
    daemon.on("POST", "/v1/callbacks/cbk_1/reprocess", wire.callback(state="processed"))
    assert desk("callbacks reprocess cbk_1").code == 0


def test_callbacks_are_filtered(daemon, desk):
    daemon.on("GET", "/v1/callbacks", wire.page())
    desk("callbacks list --connection con_1 --state rejected --from 2024-11-22")
    assert daemon.lines() == [
        "GET /v1/callbacks?connection_id=con_1&arrived_from=2024-11-21T23:00:00+00:00&state=rejected&limit=50"
    ]


def test_channel_test_that_did_not_arrive_fails_with_what_was_said(daemon, desk):
    bad = ChannelTest(
        ok=False, sentence="the mail server refused the login", duration_ms=812, log="535 denied"
    )
    daemon.on("POST", "/v1/channels/chn_1/test", bad)
    ran = desk("channels test chn_1")
    assert ran.code == 1
    assert ran.out == "✗ the mail server refused the login (812 ms)\n  535 denied\n"
    assert desk("channels test chn_1 --json").json["ok"] is False


def test_rule_is_shown_with_the_names_of_what_it_is_about(daemon, desk):
    daemon.on("GET", "/v1/rules", wire.page(wire.rule(), wire.rule(id="rul_2", integration_id=None)))
    daemon.on("GET", "/v1/integrations", wire.page(wire.integration()))
    daemon.on("GET", "/v1/channels", wire.page(wire.channel()))
    ran = desk("rules list")
    assert "CRM endpoint (int_1)" in ran.out
    assert "Ops mail (chn_1)" in ran.out
    assert "everything" in ran.out
    daemon.asked.clear()
    desk("rules list --json")
    assert [one.path for one in daemon.asked] == ["/v1/rules"]


def test_rule_is_added_and_edited(daemon, desk):
    daemon.on("POST", "/v1/rules", wire.rule())
    daemon.on("PATCH", "/v1/rules/rul_1", wire.rule())
    desk(
        "rules add --json --name CRM --integration int_1 --channel chn_1 --channel chn_2 --environment testing --no-recoveries"
    )
    assert daemon.last.json == {
        "name": "CRM",
        "channel_ids": ["chn_1", "chn_2"],
        "environments": ["testing"],
        "recoveries": False,
        "integration_id": "int_1",
    }
    desk("rules edit rul_1 --no-enabled --environment both --json")
    assert daemon.last.json == {"enabled": False, "environments": ["production", "testing"]}


def test_tries_of_a_record_that_was_resent_are_told_with_all_its_attempts(daemon, desk):
    again = {"tries": 1, "attempts_total": 4}
    daemon.on("GET", "/v1/records/rec_1", wire.record_detail(**again))
    assert "1 since the resend, 4 in all\n" in desk("records show rec_1").out
    daemon.on("GET", "/v1/records/rec_1", wire.record_detail(tries=4, attempts_total=4))
    assert "since the resend" not in desk("records show rec_1").out
    daemon.on("GET", "/v1/records/rec_1", wire.record_detail(**again))
    told = desk("records show rec_1 --json").json
    assert (told["tries"], told["attempts_total"]) == (1, 4)


def test_problem_shows_its_evidence_and_who_was_told(daemon, desk):
    daemon.on("GET", "/v1/problems/prb_1", wire.problem())
    ran = desk("problems show prb_1")
    for words in (
        "✗ Open",
        "422 risk_level is required",
        "127 now",
        "First bad",
        "Ops mail",
        "✓ Sent",
        "fix the mapping",
    ):
        assert words in ran.out


def test_a_problem_of_tasks_counts_tasks_and_one_of_a_connection_what_it_blocked(daemon, desk):
    tasks = {"count": 3, "total": 4, "unit": "task", "sample_record_id": None, "sample_instance_id": "tsk_1"}
    daemon.on("GET", "/v1/problems/prb_1", wire.problem(**tasks))
    shown = desk("problems show prb_1").out
    assert "3 tasks now, 4 in all" in shown
    assert "tsk_1" in shown
    assert "Holds up\n" not in shown, "there is no list where nothing is in it"
    assert "record" not in shown
    blocked = {"count": 0, "total": 0, "blocked": {"task": 11, "proof": 1}}
    daemon.on("GET", "/v1/problems/prb_1", wire.problem(**blocked))
    assert "11 tasks and 1 proof sync blocked until it works again" in desk("problems show prb_1").out
    daemon.on("GET", "/v1/problems/prb_1", wire.problem(count=0, repaired={"task": 11}))
    assert "11 tasks are synced again" in desk("problems show prb_1").out


def test_a_problem_of_tasks_lists_them_between_its_evidence_and_who_was_told(daemon, desk):
    run = {"id": "run_1", "instance_id": "tsk_1", "trigger": "schedule", "started_at": wire.NOW}
    runs = {
        "last_good_run": {**run, "outcome": "created", "outcome_word": "Created"},
        "first_bad_run": {
            **run,
            "id": "run_2",
            "outcome": "failed",
            "error": "It was deleted",
            "status": 404,
        },
    }
    tasks = {"count": 3, "total": 4, "unit": "task", "instances": 3, "sample_instance_id": "tsk_1", **runs}
    daemon.on("GET", "/v1/problems/prb_1", wire.problem(**tasks))
    daemon.on("GET", "/v1/instances", wire.page(instance(name="Rotate keys"), next="tsk_1"))
    ran = desk("problems show prb_1")
    for words in ("Last good run", "Created", "First bad run", "It was deleted", "run_2", "Rotate keys"):
        assert words in ran.out
    assert "`healthdesk instances list --problem prb_1` has all" in ran.err
    assert daemon.lines()[-1] == "GET /v1/instances?problem_id=prb_1&limit=20"


def test_a_problem_of_a_connection_says_how_many_are_held_behind_it(daemon, desk):
    failing = {"count": 1, "held": 63, "total": 64}
    daemon.on("GET", "/v1/problems/prb_1", wire.problem(**failing))
    assert "64 now, 63 held behind it, 0 of them retrying, 64 in all" in desk("problems show prb_1").out
    daemon.on("GET", "/v1/problems", wire.page(wire.problem_row(**failing)))
    assert " 64 " in desk("problems list").out


def test_a_problem_of_testing_says_so(daemon, desk):
    daemon.on("GET", "/v1/problems", wire.page(wire.problem_row(environment="testing")))
    assert "CRM endpoint · TESTING" in " ".join(desk("problems list").out.split())
    daemon.on("GET", "/v1/problems", wire.page(wire.problem_row(environment="production")))
    assert "TESTING" not in desk("problems list").out


def test_status_counts_testing_only_where_there_is_something(daemon, desk):
    counts = {"records_failed": 0, "testing_failed": 3, "testing_held": 0}
    daemon.on("GET", "/v1/status", wire.status(sentence="The connection is healthy", counts=counts))
    shown = desk("status").out
    assert shown.startswith("✓")
    assert "testing failed" in shown
    assert "testing held" not in shown


def test_problems_are_those_that_are_not_resolved(daemon, desk):
    daemon.on("GET", "/v1/problems", wire.page())
    desk("problems list")
    assert daemon.lines()[-1] == "GET /v1/problems?limit=50&state=open&state=acknowledged"
    desk("problems list --state resolved --integration int_1")
    assert daemon.lines()[-1] == "GET /v1/problems?limit=50&integration_id=int_1&state=resolved"


def test_problem_is_taken_muted_and_resolved(daemon, desk):
    muted = wire.problem(muted_until=wire.NOW.replace(hour=17), muted_by="alice")
    for verb in ("ack", "mute", "resolve"):
        daemon.on("POST", f"/v1/problems/prb_1/{verb}", muted)
    assert desk("problems ack prb_1 --note mine").code == 0
    assert daemon.last.json == {"note": "mine"}
    assert desk("problems mute prb_1 --for 4h").out == "Muted prb_1 until 2024-11-22 18:02:11 CET.\n"
    assert daemon.last.json == {"for_s": 14400, "note": ""}
    assert desk("problems mute prb_1 --for 0").out == "Unmuted prb_1.\n"
    assert desk("problems mute prb_1 --for 31d").code == 2
    assert desk("problems resolve prb_1 --json").json["id"] == "prb_1"


def test_status_is_the_worst_thing_first(daemon, desk):
    daemon.on(
        "GET",
        "/v1/status",
        wire.status(sentence="131 records failed", counts={"records_failed": 131}, writable=False),
    )
    ran = desk("status")
    assert ran.out.startswith("✗ 131 records failed\n")
    assert "alice (administrator)" in ran.out
    assert "cannot be written" in ran.out
    assert desk("status --json").json["counts"] == {"records_failed": 131}


def test_apps_and_openapi(daemon, desk):
    app = App(id="http-endpoint", name="HTTP endpoint", summary="anything with a URL")
    daemon.on("GET", "/v1/apps", [app.model_dump(mode="json")])
    daemon.on("GET", "/v1/openapi.json", {"openapi": "3.1.0"})
    assert "http-endpoint" in desk("apps").out
    assert desk("apps --json").json["items"][0]["id"] == "http-endpoint"
    assert desk("openapi").json == {"openapi": "3.1.0"}


def test_json_is_ascii_so_that_nothing_in_it_acts_on_the_terminal(daemon, desk):
    daemon.on("GET", "/v1/records", wire.page(wire.record(error="\x9b31m \u202e •")))
    ran = desk("records list --json")
    assert ran.out.isascii()
    assert json.loads(ran.out)["items"][0]["error"] == "\x9b31m \u202e •"


def test_evidence_puts_good_beside_bad_with_one_sentence_and_one_action(daemon, desk):
    daemon.on("GET", "/v1/connections/con_1/evidence", wire.evidence())
    ran = desk("connections show con_1 --evidence")
    assert (ran.code, ran.err) == (0, "")
    sentence, span, action, *_ = ran.out.splitlines()
    assert sentence == "CRM: The token was refused."
    assert span.startswith("last good ")
    assert " → first bad " in span
    assert span.endswith("· same account, same site")
    assert action == "Next: Update the credentials"
    assert "Last good" in ran.out
    assert "200" in ran.out
    assert "401" in ran.out
    assert desk("connections show con_1 --evidence --heartbeats").code == 2


def test_a_connection_shows_how_long_its_credential_has_and_how_it_changed(daemon, desk):
    change = {"what": "account", "before": "a", "after": "b", "sentence": "The account is b now."}
    item = wire.connection(
        expires_at=wire.NOW,
        expires_from="learnt",
        expires_in="6 days",
        drift=[change],
        flapping_since=wire.NOW,
    )
    daemon.on("GET", "/v1/connections/con_1", item)
    ran = desk("connections show con_1")
    assert "● Connected · 6 days" in ran.out
    assert "(learnt, 6 days)" in ran.out
    assert "The account is b now." in ran.out
    assert "Flapping since" in ran.out


def test_accepting_drift_posts_and_shows_the_connection(daemon, desk):
    daemon.on("POST", "/v1/connections/con_1/accept-drift", wire.connection())
    ran = desk("connections accept-drift con_1")
    assert (ran.code, "● Connected" in ran.out) == (0, True)
