"""How long an app asks to wait, told in the body of a refusal."""

from __future__ import annotations

import pytest
from tests.connectors.engine import connector

from healthdesk.domain.states import ErrorKind

WAITS = """
[[heartbeat]]
[heartbeat.request]
path = "/me"
[heartbeat.identity]
account_id = "id"
[[errors]]
when = "errors"
kind = "rate_limited"
sentence = "Acme asks to slow down"
[rate_limits]
wait = "errors[0].retry_in_seconds"
"""


@pytest.mark.parametrize(
    ("told", "headers", "waits"),
    [
        (17, {}, 17.0),
        ("2.5", {}, 2.5),
        (17, {"Retry-After": "3"}, 3.0),
        ("soon", {}, None),
        (-1, {}, None),
        (True, {}, None),
        (None, {}, None),
        ([5], {}, None),
    ],
)
async def test_the_body_tells_how_long_to_wait_where_no_header_does(
    endpoint, session, clock, told, headers, waits
):
    endpoint.answer(200, json={"errors": [{"retry_in_seconds": told}]}, headers=headers)
    failure = (await connector(WAITS, session, clock, endpoint.url).check()).failure
    assert failure is not None
    assert failure.kind is ErrorKind.RATE_LIMITED
    assert failure.retry_after_s == waits
