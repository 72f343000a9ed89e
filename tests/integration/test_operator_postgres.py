"""The same listeners on PostgreSQL: what is set up, posted and shown does not depend on the database."""

from __future__ import annotations

import asyncio
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest
from tests.harness.postgres import running_postgres
from tests.integration.http_desk import http_desk, record

pytestmark = pytest.mark.xdist_group("postgres-http")


async def test_from_setup_to_the_log(tmp_path: Path) -> None:
    # Not under pytest's own folder, which other pytest runs close to the user the server runs as.
    with TemporaryDirectory(prefix="healthdesk-http-") as server, running_postgres(Path(server)) as url:
        folder = tmp_path / "desk"
        folder.mkdir()
        async with http_desk(folder, database_url=url) as desk:
            delivery = await desk.delivery()
            headers = {"Idempotency-Key": "k"}
            answers = await asyncio.gather(*(delivery.post(headers=headers) for _ in range(10)))
            assert {answer.status for answer in answers} == {202}
            assert len({answer.json["id"] for answer in answers}) == 1
            assert (await delivery.post(record(level="x"), headers=headers)).status == 409
            await desk.ok("POST", f"/v1/integrations/{delivery.id}/pause", {})
            held = (await delivery.post()).json["id"]
            shown = await desk.ok("GET", f"/v1/records/{held}")
            assert (shown["state"], shown["hold_reason"]) == ("held", "paused")
            assert (await desk.ok("GET", "/v1/records/count"))["total"] == 2
            assert (await desk.ok("GET", "/v1/ledger"))["balanced"] is True
            status = await desk.ok("GET", "/v1/status")
            assert (status["database"], status["sentence"]) == ("postgresql", "1 record held")
            rows = await desk.ok("GET", "/v1/accounts")
            assert {row["kind"] for row in rows} == {"integration"}
            callback = await desk.ask("POST", f"/v1/callbacks/{delivery.connection_id}", data=b"\x00\xff")
            assert callback.status == 202
            kept = await desk.ok("POST", f"/v1/callbacks/{callback.json['id']}/reveal")
            assert kept["body"]["base64"] == "AP8="
            answer = await desk.call("DELETE", f"/v1/connections/{delivery.connection_id}")
            assert answer.status == 409
            verbs = [entry["verb"] for entry in (await desk.ok("GET", "/v1/activity"))["items"]]
            assert verbs == ["revealed", "paused", "made key", "enabled", "added", "added", "added"]
            assert (await desk.ask("GET", "/readyz")).status == 200

            given = {"text": '[[labels]]\nname = "Access"\n[[sources]]\nkey = "hra"\nname = "HRA"\n'}
            planned = await desk.ok("POST", "/v1/setup", given)
            assert (await desk.ok("GET", "/v1/labels"))["items"] == []  # it was tried, and undone
            done = await desk.ok("POST", "/v1/setup", {**given, "version": planned["version"]})
            assert (done["added"], (await desk.ok("POST", "/v1/setup", given))["same"]) == (2, 2)
