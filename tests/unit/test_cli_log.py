"""The log on the command line: every filter, saved filters, the live tail, the file, and the ledger of a period."""

from __future__ import annotations

from collections import deque

import pytest
from aiohttp import web
from tests.harness import wire
from tests.harness.cli import Shell, StillClock
from tests.harness.fake_daemon import FakeDaemon, running
from tests.unit.test_cli_outcomes import stream

EVERY = (
    "--source heart --state failed --level low --level high --status 422 --error-kind timeout"
    " --hold-reason paused --problem prb_1 --job job_1 --real --text rec_01 --lookup participant=p=7"
    " --from 2024-11-01T00:00Z --completed-to 2024-11-02T00:00Z --first-attempt-from 2024-11-03T00:00Z"
    " --last-attempt-to 2024-11-04T00:00Z"
)
AS_ASKED = {
    "source": ["heart"],
    "state": ["failed"],
    "level": ["low", "high"],
    "status": ["422"],
    "error_kind": ["timeout"],
    "hold_reason": ["paused"],
    "problem_id": ["prb_1"],
    "job_id": ["job_1"],
    "sample": ["false"],
    "text": ["rec_01"],
    "lookup": ["participant=p=7"],
    "arrived_from": ["2024-11-01T00:00:00+00:00"],
    "completed_to": ["2024-11-02T00:00:00+00:00"],
    "first_attempt_from": ["2024-11-03T00:00:00+00:00"],
    "last_attempt_to": ["2024-11-04T00:00:00+00:00"],
}


@pytest.fixture
def daemon(tmp_path):
    with running(FakeDaemon(tmp_path / "s")) as daemon:
        yield daemon


@pytest.fixture
def desk(daemon):
    return Shell(daemon)


def asked(daemon, *, without=()):
    found = {}
    for name, value in daemon.last.query:
        found.setdefault(name, []).append(value)
    return {name: values for name, values in found.items() if name not in without}


def test_every_part_of_the_filter_has_an_option(daemon, desk):
    daemon.on("GET", "/v1/records", wire.page(wire.record()))
    assert desk(f"records list {EVERY}").code == 0
    assert asked(daemon, without=("limit", "direction")) == AS_ASKED


def test_a_short_page_is_gone_on_from_by_itself(daemon, desk):
    short = {"items": [], "next": "rec_5", "order": "arrived", "searched_to": wire.NOW.isoformat()}
    daemon.on("GET", "/v1/records", short, wire.page(wire.record()))
    ran = desk("records list --level rare --json")
    assert len(ran.json["items"]) == 1
    assert [("after", "rec_5") in one.query for one in daemon.asked] == [False, True]


def test_options_replace_parts_of_the_saved_filter(daemon, desk):
    saved = wire.saved_filter(filter={"statuses": [422], "states": ["failed"]})
    daemon.on("GET", "/v1/filters", wire.page(saved))
    daemon.on("GET", "/v1/records", wire.page(wire.record()))
    assert desk("records list --filter 422s --state held").code == 0
    assert asked(daemon, without=("limit", "direction")) == {"status": ["422"], "state": ["held"]}
    ran = desk("records list --filter nothing")
    assert ran.code == 1
    assert "there is no saved filter 'nothing'" in ran.err


def test_filters_are_saved_listed_and_removed(daemon, desk):
    daemon.on("POST", "/v1/filters", wire.saved_filter())
    placed = {"statuses": [422], "integration_id": "int_1", "environment": "testing"}
    daemon.on("GET", "/v1/filters", wire.page(wire.saved_filter(filter=placed)))
    daemon.on("GET", "/v1/integrations", wire.page(wire.integration()))
    daemon.on("DELETE", "/v1/filters/flt_1", 204)
    assert "Saved 422s: status 422." in desk("filters save 422s --status 422 --shared").out
    assert daemon.last.json == {"name": "422s", "filter": {"statuses": [422]}, "shared": True}
    assert "CRM endpoint, TESTING, status 422" in desk("filters list").out
    assert "Removed the filter 422s." in desk("filters remove 422s").out
    assert daemon.lines()[-1] == "DELETE /v1/filters/flt_1"


def test_following_prints_what_arrives_and_what_changes(daemon, desk):
    before = wire.record(id="rec_1", state="queued", last_status=None, error="")
    after = wire.record(id="rec_1")
    new = wire.record(id="rec_2", state="delivered", last_status=200, error="")
    daemon.on("GET", "/v1/status", wire.status())
    daemon.on("GET", "/v1/events", stream(1, 2), stream())
    first_look = [wire.page(before)] * 3
    daemon.on("GET", "/v1/records", *first_look, wire.page(after), wire.page(new), wire.page(after))
    ran = desk("records list --status 422 --follow --limit 2", clock=StillClock())
    lines = ran.out.splitlines()
    assert ["rec_1" in lines[0], "rec_2" in lines[1], len(lines)] == [True, True, 2]
    assert "failed 422" in lines[0]
    assert ran.code == 0
    asked_for = [dict(one.query) for one in daemon.asked if one.path == "/v1/records"]
    assert [each.get("order") for each in asked_for] == [None, "arrived", "last_attempt"] * 2
    assert all(each["status"] == "422" for each in asked_for)
    assert desk("records list --follow --count").code == 2
    paths = [one.path for one in daemon.asked]
    assert paths.index("/v1/events") < paths.index("/v1/records"), "what changes after the look is told"


def test_following_finds_what_changed_while_the_daemon_was_away_before_any_event(daemon, desk):
    daemon.on("GET", "/v1/status", wire.status())
    daemon.on("GET", "/v1/events", stream())
    daemon.on("GET", "/v1/records", *[wire.page(wire.record(state="queued"))] * 3, wire.page(wire.record()))
    ran = desk("records list --follow --limit 1", clock=StillClock())
    assert (ran.code, "failed 422" in ran.out) == (0, True)


def test_an_export_is_written_whole_and_says_how_far_it_is(daemon, desk, tmp_path):
    path = tmp_path / "log.jsonl"
    pieces = deque([b"{}\n" * 6_000, b"{}\n" * 6_000])

    async def answer(request):
        response = web.StreamResponse(headers={"healthdesk-total": "10000+"})
        await response.prepare(request)
        while pieces:
            await response.write(pieces.popleft())
        return response

    daemon.on("GET", "/v1/records/export", answer)
    ran = desk(f"records export --state failed --format jsonl --output {path}")
    assert ran.code == 0
    assert path.read_bytes() == b"{}\n" * 12_000
    assert ran.err == "12,000 of 12,000+ records\n", "at least as many as there were already"
    assert asked(daemon)["format"] == ["jsonl"]
    assert "is there already" in desk(f"records export --output {path}").err
    assert desk(f"records export --output {path}2 --reveal").code == 2

    async def one(_request):
        return web.Response(body=b"{}\n", headers={"healthdesk-total": "1"})

    daemon.on("GET", "/v1/records/export", one)
    assert "3 bytes of 1 record to " in desk(f"records export --format jsonl --output {path}1").out


def test_an_export_that_breaks_off_leaves_no_file(daemon, desk, tmp_path):
    async def answer(request):
        response = web.StreamResponse(headers={"healthdesk-total": "5", "Content-Length": "100"})
        await response.prepare(request)
        await response.write(b"id\r\n")
        request.transport.close()
        return response

    daemon.on("GET", "/v1/records/export", answer)
    assert desk(f"records export --output {tmp_path / 'log.csv'}").code == 3
    assert [each.name for each in tmp_path.iterdir() if "log" in each.name] == []


def test_the_ledger_of_a_period_has_reasons_and_samples_apart(daemon, desk):
    lines = [
        {
            "integration_id": "int_1",
            "environment": "production",
            "state": "held",
            "reason": "paused",
            "count": 3,
        },
        {
            "integration_id": "int_1",
            "environment": "production",
            "state": "delivered",
            "sample": True,
            "count": 2,
        },
    ]
    daemon.on("GET", "/v1/ledger", wire.ledger(lines=lines))
    ran = desk("records ledger --from 2024-11-01T00:00Z --environment production")
    assert ran.code == 0
    assert asked(daemon) == {
        "arrived_from": ["2024-11-01T00:00:00+00:00"],
        "environment": ["production"],
    }
    held, sample = ran.out.splitlines()[-2:]
    assert held.split()[-3:] == ["held", "paused", "3"]
    assert "~ samples" in sample
