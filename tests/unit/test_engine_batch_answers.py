"""What an answer to a batch makes of each record in it."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from types import SimpleNamespace
from typing import Any

import pytest

from healthdesk.domain.delivery import Batch
from healthdesk.domain.exchange import Exchange, Sent
from healthdesk.engine.batch_answers import document_of, judged

RECORDS = [SimpleNamespace(id=f"rec_{n}", webhook_id=f"rec_{n}", data=b"{}") for n in range(2)]
NOW = datetime(2026, 1, 1, tzinfo=UTC)


def answer(status: int, document: Any) -> Exchange:
    body = json.dumps(document).encode()
    return Exchange("POST", "http://x/", {}, NOW, 1.0, status=status, response_body=body)


@pytest.mark.parametrize(
    ("told", "said"),
    [
        ({"status": "200"}, "taken"),
        ({"status": 201}, "taken"),
        ({"status": "201 Created"}, "taken"),
        ({"status": "422 Unprocessable"}, "refused"),
        ({"status": 503}, "refused"),
        ({"status": 200, "error": "no such clinic"}, "refused"),
        ({"status": "error"}, "nothing"),
        ({"status": 0}, "nothing"),
        ({"status": "2000"}, "nothing"),
        ({"status": True}, "nothing"),
        ({"status": [200, 500]}, "nothing"),
        ({}, "nothing"),
    ],
)
async def test_only_a_status_that_is_read_as_success_is_one(told: dict[str, Any], said: str) -> None:
    batch = Batch(2, results="@", result_status="status", result_error="error")
    whole = answer(200, [told, {"status": 200}])
    result, other = await judged(batch, RECORDS, [{}, {}], whole, document_of(whole))
    assert other.failure is None
    failure = result.failure
    untold = failure is not None and failure.status is None and failure.sent is Sent.MAYBE
    assert result.status == (int(str(told["status"])[:3]) if failure is None else None)
    assert ("taken" if failure is None else "nothing" if untold else "refused") == said


@pytest.mark.parametrize(
    ("told", "left"), [([], 0), ([{"id": "rec_0", "status": 400}], 1), ([{"status": "odd"}], 2)]
)
async def test_where_results_name_only_what_failed_the_others_are_delivered_unless_one_is_nobody_s(
    told: list[Any], left: int
) -> None:
    batch = Batch(2, results="@", result_id="id", result_status="status")
    whole = answer(200, told)
    results = await judged(batch, RECORDS, [{}, {}], whole, document_of(whole), others_delivered=True)
    assert sum(each.failure is not None for each in results) == left
