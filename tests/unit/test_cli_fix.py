"""`healthdesk records fix` and what `records show` tells of a failed record."""

import pytest
from tests.harness import wire
from tests.harness.cli import Shell
from tests.harness.fake_daemon import FakeDaemon, running
from tests.harness.fix_calls import fix, preview
from tests.harness.job_calls import job, job_plan

from healthdesk.api.resends import Resent

REC = "rec_01JD0000000000000000000001"
PREVIEW = f"/v1/records/{REC}/fix/preview"
FIX = f"/v1/records/{REC}/fix"


@pytest.fixture
def daemon(tmp_path):
    with running(FakeDaemon(tmp_path / "s")) as daemon:
        daemon.on("POST", PREVIEW, preview(warnings=["The source declares score: required, missing."]))
        daemon.on("POST", FIX, wire.record_detail(fix_id="fix_1"))
        daemon.on("POST", "/v1/integrations/int_1/mapping", wire.integration())
        daemon.on("POST", "/v1/problems/prb_1/fix/preview", preview(total=127, tried=100, changes=99))
        yield daemon


@pytest.fixture
def desk(daemon):
    return Shell(daemon)


def test_steps_are_sent_in_the_order_given_with_the_version_that_was_shown(daemon, desk):
    ran = desk(
        f"records fix {REC} --rename riskLevel=risk_level --set tier=2 --default note=none --format born=date:%d.%m.%Y"
        " --remove secret --header X-Why=fixed --note asked --yes"
    )
    assert ran.code == 0
    assert "Fixed" in ran.out
    assert "score: required, missing" in ran.err
    sent = daemon.last.json
    assert [(step["do"], step["path"]) for step in sent["mapping"]] == [
        ("rename", "riskLevel"),
        ("set", "tier"),
        ("default", "note"),
        ("format", "born"),
        ("remove", "secret"),
    ]
    assert (sent["mapping"][0]["to"], sent["mapping"][1]["value"], sent["mapping"][2]["value"]) == (
        "risk_level",
        2,
        "none",
    )
    assert sent["mapping"][3]["how"] == "date:%d.%m.%Y"
    assert (sent["headers"], sent["version"], sent["resend"]) == ({"X-Why": "fixed"}, "v1", True)


def test_a_dry_run_prints_the_difference_and_changes_nothing(daemon, desk):
    ran = desk(f"records fix {REC} --set a=1 --dry-run")
    assert (ran.code, "  ~ riskLevel → risk_level\n  +x\n" in ran.out) == (0, True)
    assert daemon.lines() == [f"POST {PREVIEW}"]


def test_nobody_who_confirms_is_nothing_changed(daemon, desk):
    assert desk(f"records fix {REC} --set a=1").code == 2
    assert daemon.lines() == []
    ran = desk(f"records fix {REC} --set a=1", terminal=True, stdin="n\n")
    assert (ran.code, "Nothing was changed" in ran.err) == (1, True)
    assert daemon.lines() == [f"POST {PREVIEW}"]
    daemon.on("POST", "/v1/records/resend", Resent(resent=1, delivered=1))
    ran = desk(f"records fix {REC} --set a=1", terminal=True, stdin="y\nn\n")
    assert (ran.code, "It was delivered already" in ran.err) == (1, True)
    assert desk(f"records fix {REC} --set a=1", terminal=True, stdin="y\ny\ny\n").code == 0
    assert (daemon.last.json["delivered_too"], daemon.last.json["new_webhook_id"]) == (True, True)


def test_a_body_comes_from_a_file(daemon, desk, tmp_path):
    (tmp_path / "body.json").write_text('{"risk_level": "high"}')
    assert desk(f"records fix {REC} --body-file {tmp_path}/body.json --no-resend --yes").code == 0
    assert (daemon.last.json["body"], daemon.last.json["resend"]) == ('{"risk_level": "high"}', False)


def test_steps_and_headers_that_work_are_saved(daemon, desk):
    queued, refused, delivered = (
        wire.record_detail(state=each) for each in ("queued", "failed", "delivered")
    )
    daemon.on("POST", FIX, wire.record_detail(state="sending", fix_id="fix_1"))
    daemon.on("GET", f"/v1/records/{REC}", queued, refused, delivered)
    ran = desk(f"records fix {REC} --default risk_level=unknown --save --yes")
    assert (ran.code, "Nothing is kept" in ran.err) == (1, True)
    assert daemon.last.path == f"/v1/records/{REC}", "what was refused does not go to all records"
    assert desk(f"records fix {REC} --default risk_level=unknown --save --yes").code == 0
    assert daemon.last.path == "/v1/integrations/int_1/mapping"
    assert daemon.last.json["mapping"][0]["path"] == "risk_level"
    daemon.on("POST", FIX, wire.record_detail(state="delivered"))
    ran = desk(f"records fix {REC} --header x-tenant=acme --save --yes")
    assert (ran.code, daemon.last.json["headers"]) == (0, {"x-tenant": "acme"})
    assert "has the headers now, for all records from now on" in ran.err


@pytest.mark.parametrize(
    "words",
    [
        "--set a=1",
        f"{REC} --problem prb_1 --set a=1",
        REC,
        f"{REC} --set a",
        f"{REC} --body-file - --save",
        f"{REC} --set a=1 --save --no-resend",
        f"{REC} --set a=1 --rate 5",
        "--problem prb_1 --set a=1 --new-webhook-id",
        "--problem prb_1 --set a=1 --save",
        "--problem prb_1 --set a=1 --no-resend",
        f"{REC} --undo --set a=1",
    ],
)
def test_what_makes_no_sense_is_refused_before_anything_is_asked(daemon, desk, words):
    assert desk(f"records fix {words} --yes").code == 2
    assert daemon.lines() == []


def test_all_of_a_problem_is_a_job(daemon, desk):
    daemon.on("POST", "/v1/jobs", job_plan(total=127, fixed=126), job(title="Fix and resend 127 records"))
    ran = desk("records fix --problem prb_1 --set a=1 --rate 2 --yes")
    assert ran.code == 0, ran.err
    assert "already delivered" in ran.out
    assert [each.json["rate_per_s"] for each in daemon.asked[-2:]] == [2, 2]
    assert "of 100 it was tried on" in ran.out
    assert "Fix and resend 127 records" in ran.out
    sent = daemon.last.json
    assert (sent["filter"]["problem_id"], sent["expect"]) == ("prb_1", 127)
    assert sent["fix"]["mapping"][0]["path"] == "a"


def test_fixes_are_listed_and_taken_back(daemon, desk):
    daemon.on("GET", f"/v1/records/{REC}/fixes", [fix(in_force=True, note="why").model_dump(mode="json")])
    ran = desk(f"records fix {REC} --list")
    assert "fix_1" in ran.out
    assert "bob, in force: default risk_level – why" in ran.out
    daemon.on("POST", f"/v1/records/{REC}/unfix", wire.record_detail())
    assert "sent as it was posted" in desk(f"records fix {REC} --undo").out


def test_a_record_says_what_is_likely_wrong_and_its_timeline(daemon, desk):
    likely = {"cause": "missing_field", "sentence": "It misses risk_level.", "next_action": "Set it."}
    moments = [{"at": wire.NOW, "what": "fixed", "sentence": "Fixed: default risk_level.", "by": "bob"}]
    shown = wire.record_detail(
        cause="missing_field", likely=likely, timeline=moments, problem_cause="422 risk_level"
    )
    daemon.on("GET", f"/v1/records/{REC}", shown)
    ran = desk(f"records show {REC}")
    assert "missing field: It misses risk_level." in ran.out
    assert "Set it." in ran.out
    assert "Fixed: default risk_level." in desk(f"records show {REC} --timeline").out


def test_a_curl_command_keeps_its_lines(daemon, desk):
    command = "curl -g -X POST https://crm.example.org/hra \\\n  -H 'content-type: application/json'"
    daemon.on("GET", f"/v1/records/{REC}", wire.record_detail(curl=command))
    assert desk(f"records show {REC} --curl").out == command + "\n"
    daemon.on("GET", f"/v1/records/{REC}/attempts", wire.page(wire.attempt()))
    daemon.on("GET", f"/v1/records/{REC}/attempts/att_1", wire.attempt_detail(curl=command))
    assert desk(f"records show {REC} --attempt 1 --curl").out == command + "\n"


def test_an_attempt_is_shown_by_its_number_with_the_parts_of_its_time(daemon, desk):
    daemon.on("GET", f"/v1/records/{REC}/attempts", wire.page(wire.attempt()))
    timed = wire.attempt_detail(connect_ms=3, tls_ms=7, first_byte_ms=30)
    daemon.on("GET", f"/v1/records/{REC}/attempts/att_1", timed)
    assert "38 ms (connect 3 ms, TLS 7 ms, first byte 30 ms)" in desk(f"records show {REC} --attempt 1").out
    assert desk(f"records show {REC} --attempt 2").code == 2
