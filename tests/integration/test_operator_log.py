"""The log's filters over the operator API: lookup fields, dates, saved filters, and what they refuse."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
from tests.integration.http_desk import HttpDesk, http_desk, record

from healthdesk.domain.states import Role
from healthdesk.operations.desk import Operator
from healthdesk.store import lookups as lookup_queries


@pytest.fixture
async def desk(tmp_path: Path) -> AsyncIterator[HttpDesk]:
    async with http_desk(tmp_path) as made:
        yield made


async def ids(desk: HttpDesk, query: str) -> list[str]:
    return [row["id"] for row in (await desk.ok("GET", f"/v1/records?{query}"))["items"]]


async def declare(desk: HttpDesk, *names: str) -> None:
    fields = [{"name": name, "lookup": True} for name in names]
    await desk.ok("PATCH", "/v1/sources/heart", {"fields": fields})


async def test_a_record_is_found_by_the_exact_value_of_a_lookup_field(desk: HttpDesk) -> None:
    delivery = await desk.delivery()
    await declare(desk, "participant")
    posted = {
        name: (await delivery.post(record(data={"participant": name}))).json["id"]
        for name in ("p-1", "p-11", "7")
    }
    added = {
        "integration_id": delivery.id,
        "environment": "production",
        **record(data={"participant": 7}),
    }
    by_hand = (await desk.call("POST", "/v1/records", added)).json["id"]
    assert await ids(desk, "lookup=participant=p-1") == [posted["p-1"]]
    assert await ids(desk, "source=heart&lookup=participant%3D7") == [by_hand, posted["7"]]
    assert await ids(desk, "lookup=participant=p") == []
    counted = await desk.ok("GET", "/v1/records/count?lookup=participant=p-11")
    assert counted == {"total": 1, "exact": True}
    refused = await desk.call("GET", "/v1/records?lookup=case=1")
    assert (refused.status, refused.json["field"]) == (400, "lookup")
    assert "participant" in refused.json["fix"]
    twice = await desk.call("GET", "/v1/records?lookup=participant=1&lookup=participant=2")
    assert twice.status == 400


async def test_declaring_a_lookup_field_finds_earlier_records_once_they_are_filled_in(desk: HttpDesk) -> None:
    delivery = await desk.delivery()
    early = (await delivery.post(record(data={"participant": "p-1"}))).json["id"]
    await declare(desk, "participant")
    assert await ids(desk, "lookup=participant=p-1") == []
    store, clock = desk.engine.ctx.store, desk.engine.ctx.clock
    [source_id] = await store.read(lookup_queries.waiting, clock.now().replace(year=2100))
    from healthdesk.engine.desk_secrets import desk_secret

    secret = await desk_secret(desk.engine.ctx, "lookup")
    assert await store.write(lookup_queries.fill_some, source_id, secret, 100) is False
    assert await ids(desk, "lookup=participant=p-1") == [early]


async def test_a_page_by_completion_pages_by_completion_and_refuses_other_cursors(desk: HttpDesk) -> None:
    delivery = await desk.delivery()
    days = ["2025-11-03", "2025-11-01", "2025-11-02", "2025-12-01"]
    posted = [(await delivery.post(record(completed_at=f"{day}T10:00:00Z"))).json["id"] for day in days]
    part = "completed_from=2025-11-01T00:00:00Z&completed_to=2025-11-30T00:00:00Z"
    first = await desk.ok("GET", f"/v1/records?{part}&limit=2")
    rest = await desk.ok("GET", f"/v1/records?{part}&limit=2&after={first['next']}")
    got = [row["id"] for row in first["items"] + rest["items"]]
    assert got == [posted[0], posted[2], posted[1]]
    assert (first["order"], rest["next"]) == ("completed", None)
    assert await ids(desk, f"{part}&direction=oldest") == got[::-1]
    by_id = await desk.call("GET", f"/v1/records?after={first['next']}")
    assert (by_id.status, by_id.json["field"]) == (400, "after")
    by_date = await desk.call("GET", f"/v1/records?{part}&after={posted[0]}")
    assert (by_date.status, by_date.json["field"]) == (400, "after"), "an id is no place in it"
    assert await ids(desk, f"{part}&order=arrived&after={posted[2]}") == posted[1::-1]
    naive = await desk.call("GET", "/v1/records?completed_from=2025-11-01T00:00:00")
    assert (naive.status, naive.json["field"]) == (400, "completed_from")
    assert (await desk.call("GET", "/v1/records?job_id=job_x")).json["field"] == "job_id"


async def test_filters_are_saved_replaced_shared_and_removed(desk: HttpDesk) -> None:
    async def save(name: str, chosen: dict[str, Any], *, shared: bool = False) -> Any:
        return await desk.ok("POST", "/v1/filters", {"name": name, "filter": chosen, "shared": shared})

    mine = await save("failing", {"states": ["failed"]})
    again = await save("failing", {"statuses": [422], "sample": False}, shared=True)
    own = await save("held", {"states": ["held"]})
    assert (again["id"], again["filter"]["statuses"]) == (mine["id"], [422])
    refused = await desk.call(
        "POST", "/v1/filters", {"name": "x", "filter": {"lookup": {"participant": "p"}}}
    )
    assert (refused.status, refused.json["field"]) == (400, "filter.lookup")
    alice = desk.operator
    desk.operator = Operator("bob", Role.MEMBER)
    listed = (await desk.ok("GET", "/v1/filters"))["items"]
    assert [(each["name"], each["owner"]) for each in listed] == [("failing", alice.user)]
    assert (await desk.call("DELETE", f"/v1/filters/{mine['id']}")).status == 403
    assert (await desk.call("DELETE", f"/v1/filters/{own['id']}")).status == 404
    desk.operator = alice
    assert (await desk.call("DELETE", f"/v1/filters/{mine['id']}")).status == 204
    assert [each["name"] for each in (await desk.ok("GET", "/v1/filters"))["items"]] == ["held"]


async def test_the_log_goes_out_as_a_file_without_formulas_and_without_what_is_sensitive(
    desk: HttpDesk,
) -> None:
    delivery = await desk.delivery()
    fields = [{"name": "score", "sensitive": False}, {"name": "participant"}]
    await desk.ok("PATCH", "/v1/sources/heart", {"fields": fields})
    data = {"score": 71, "participant": "Grace Hopper", "else": 1}
    posted = [(await delivery.post(record(level="=cmd()", data=data))).json["id"] for _ in range(3)]
    table = await desk.call("GET", "/v1/records/export?bodies=true")
    header, *rows = csv.reader(io.StringIO(table.body.decode(), newline=""))
    lines = [dict(zip(header, row, strict=True)) for row in rows]
    assert [line["id"] for line in lines] == posted[::-1]
    assert {(line["level"], line["sample"], line["data"]) for line in lines} == {
        ("'=cmd()", "no", '{"score": 71}')
    }
    plain = await desk.call("GET", "/v1/records/export?format=jsonl&direction=oldest")
    first, *_ = [json.loads(line) for line in plain.body.splitlines()]
    assert (first["id"], first["level"], "data" in first) == (posted[0], "=cmd()", False)
    revealed = await desk.call("GET", "/v1/records/export?format=jsonl&bodies=true&reveal=true")
    assert json.loads(revealed.body.splitlines()[0])["data"] == data
    entries = (await desk.ok("GET", "/v1/activity"))["items"]
    told = [each["detail"] for each in entries if each["verb"] == "exported"]
    assert [(each["bodies"], each["revealed"]) for each in told] == [
        (True, True),
        (False, False),
        (True, False),
    ]
    assert b"Grace" not in table.body
    desk.operator = Operator("bob", Role.MEMBER)
    assert (await desk.call("GET", "/v1/records/export")).status == 403


async def test_the_ledger_of_a_period_balances_and_refuses_times_without_a_zone(desk: HttpDesk) -> None:
    delivery = await desk.delivery()
    for _ in range(3):
        await delivery.post()
    found = await desk.ok("GET", "/v1/ledger?arrived_from=2020-01-01T00:00:00Z")
    assert (found["balanced"], [line["count"] for line in found["lines"]]) == (True, [3])
    assert sum(row["accepted"] for row in found["rows"]) == 3
    before = await desk.ok("GET", "/v1/ledger?arrived_to=2020-01-01T00:00:00Z")
    assert (before["lines"], {row["accepted"] for row in before["rows"]}) == ([], {0})
    refused = await desk.call("GET", "/v1/ledger?arrived_from=2020-01-01T00:00:00")
    assert (refused.status, refused.json["field"]) == (400, "arrived_from")


async def test_a_job_over_a_lookup_value_keeps_the_field_and_never_the_value(desk: HttpDesk) -> None:
    await desk.delivery()
    await declare(desk, "participant")
    made = await desk.ok(
        "POST", "/v1/jobs", {"filter": {"lookup": {"participant": "zsofia-quill"}}, "expect": 0}
    )
    assert made["filter"]["lookup"] == {"participant": "••••"}
    seen = json.dumps([await desk.ok("GET", "/v1/jobs"), await desk.ok("GET", "/v1/activity")])
    assert "participant" in seen
    assert "zsofia-quill" not in seen
