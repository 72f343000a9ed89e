"""What an app's answer means: the first rule that fits decides, whatever the answer is, and nothing leaks."""

from __future__ import annotations

import json
from dataclasses import asdict
from datetime import UTC, datetime
from email.utils import format_datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.connectors.conftest import LOOPBACK
from tests.connectors.engine import TOKEN, app, connector

from healthdesk.connectors.client import CHECK_BYTES
from healthdesk.connectors.documents import read_document
from healthdesk.connectors.identities import read_identity
from healthdesk.connectors.judging import judge_of
from healthdesk.connectors.session import GuardedSession
from healthdesk.connectors.spec import IdentityManifest
from healthdesk.connectors.times import read_time
from healthdesk.domain.exchange import Exchange, Failure
from healthdesk.domain.states import Blame, ErrorKind
from healthdesk.testing import START, FakeClock, FakeEndpoint

HEAD = """
id = "acme"
name = "Acme"
message = "error.text"
[rate_limits]
remaining = "X-Left"
reset = "X-Reset"
[[auth]]
id = "token"
name = "Token"
"""
RULES = """
[[errors]]
status = ["403"]
when = "error.code == 'scope'"
kind = "permission"
sentence = "Acme wants another scope: {message}"
fix = "Give the token the scope write at {site}"
[[errors]]
status = ["403", "5xx"]
header = { X-Reason = "(?i)maint" }
kind = "server_error"
sentence = "{app} is being maintained ({status})"
[[errors]]
content_type = "text/html"
text = "asleep"
kind = "server_error"
blame = "configuration"
sentence = "The instance is asleep"
fix = "Wake it up"
[[errors]]
when = "ok == `false`"
on = ["heartbeat"]
kind = "authentication"
sentence = "Acme says: {message}"
[[errors]]
when = "ok == `false`"
kind = "refused"
sentence = "Acme refused: {message}"
[[errors]]
when = "!ok && error"
kind = "rate_limited"
sentence = "slow"
"""
ACME = app(RULES, HEAD)


def judge(
    status: int = 200,
    body: bytes | dict = b"{}",
    headers: dict[str, str] | None = None,
    *,
    on: str = "tasks",
    success: str | None = None,
    wanted: str = "json",
    cut: bool = False,
    made=ACME,
) -> Failure | None:
    if isinstance(body, dict):
        body = json.dumps(body).encode()
    lower = {name.lower(): value for name, value in (headers or {"content-type": "application/json"}).items()}
    exchange = Exchange("GET", "https://acme.example", {}, START, 0.0, status, lower, body, response_cut=cut)
    document = read_document(exchange, lower, wanted, CHECK_BYTES)
    return judge_of(made.manifest).judge(
        exchange, lower, document, on=on, expect=[], success=success, values={"site": "eu"}
    )


def test_the_sentence_and_the_fix_are_those_of_the_rule():
    failure = judge(403, {"error": {"code": "scope", "text": "needs\nwrite"}})
    assert failure.kind is ErrorKind.PERMISSION
    assert failure.sentence == "Acme wants another scope: needs write"
    assert failure.safe_sentence == "The account lacks a permission at Acme (403)"
    assert failure.next_action == "Give the token the scope write at eu"
    assert failure.message == "needs write"


def test_every_condition_of_a_rule_must_hold():
    assert judge(404, {"error": {"code": "scope"}, "ok": True}).kind is ErrorKind.NOT_FOUND
    assert judge(403, {"error": {"code": "other"}, "ok": True}).kind is ErrorKind.PERMISSION
    assert (
        judge(403, {"error": {"code": "other"}, "ok": True}).next_action
        == "Have the account permitted at Acme"
    )
    asleep = judge(200, b"<p>asleep", {"Content-Type": "text/html;charset=utf-8"})
    assert (asleep.kind, asleep.blame) == (ErrorKind.SERVER_ERROR, Blame.CONFIGURATION)
    assert judge(200, b"<p>awake", {"Content-Type": "text/html"}).kind is ErrorKind.UNEXPECTED_ANSWER


def test_a_header_is_searched_and_a_status_may_be_a_class():
    failure = judge(502, b"", {"X-Reason": "in MAINTENANCE"})
    assert failure.sentence == failure.safe_sentence == "Acme is being maintained (502)"
    assert judge(502, b"", {"X-Reason": "other"}).sentence == "Acme failed (502 Bad Gateway)"


def test_the_first_rule_that_fits_decides():
    both = {"error": {"code": "scope"}}
    assert (
        judge(403, both, {"content-type": "application/json", "x-reason": "maint"}).kind
        is ErrorKind.PERMISSION
    )


def test_a_rule_may_be_of_some_operations_only():
    body = {"ok": False, "error": {"text": "no"}}
    assert judge(200, body, on="heartbeat").kind is ErrorKind.AUTHENTICATION
    assert judge(200, body, on="datasets").kind is ErrorKind.REFUSED


@pytest.mark.parametrize("body", [b"", b"<html>", b"nope", b"null"])
def test_of_a_body_that_cannot_be_read_nothing_is_true(body):
    assert judge(400, body).sentence.startswith("Acme refused the request (400 Bad Request)")


def test_a_message_that_is_not_told_is_the_status():
    assert judge(200, {"ok": False}).sentence == "Acme refused: 200 OK"


def test_success_must_be_true():
    assert judge(200, {"done": True}, success="done") is None
    for body in ({"done": False}, {}, {"done": None}, {"done": ""}):
        failure = judge(200, body, success="done")
        assert failure.kind is ErrorKind.UNEXPECTED_ANSWER
        assert failure.sentence == "Acme answered 200 without what was asked for"


@pytest.mark.parametrize(
    ("headers", "status", "wait_s"),
    [
        ({"Retry-After": "7"}, 429, 7.0),
        ({"Retry-After": format_datetime(START.replace(second=30), usegmt=True)}, 503, 30.0),
        ({"X-Left": "0", "X-Reset": str(int(START.timestamp()) + 60)}, 403, 60.0),
        ({"X-Left": "5", "X-Reset": str(int(START.timestamp()) + 60)}, 403, None),
        ({"X-Reset": str(int(START.timestamp()) + 60)}, 429, 60.0),
        ({"X-Reset": str(int(START.timestamp()) - 60)}, 429, 0.0),
        ({"X-Reset": "9" * 400}, 429, None),
        ({"X-Reset": "soon"}, 429, None),
        ({"Retry-After": "1e9", "X-Reset": "NaN"}, 429, None),
    ],
)
def test_how_long_to_wait(headers, status, wait_s):
    assert judge(status, b"", headers).retry_after_s == wait_s


@pytest.mark.parametrize(
    ("told", "format", "read"),
    [
        ("2026-12-31 23:59:59 UTC", "iso", datetime(2026, 12, 31, 23, 59, 59, tzinfo=UTC)),
        ("2026-12-31 23:59:59 +0200", "iso", datetime(2026, 12, 31, 21, 59, 59, tzinfo=UTC)),
        ("2026-12-31T23:59:59.123Z", "iso", datetime(2026, 12, 31, 23, 59, 59, 123000, tzinfo=UTC)),
        ("2026-12-31", "iso", datetime(2026, 12, 31, tzinfo=UTC)),
        (1798761599, "epoch_s", datetime(2026, 12, 31, 23, 59, 59, tzinfo=UTC)),
        ("1798761599000", "epoch_ms", datetime(2026, 12, 31, 23, 59, 59, tzinfo=UTC)),
        ("Thu, 31 Dec 2026 23:59:59 GMT", "http", datetime(2026, 12, 31, 23, 59, 59, tzinfo=UTC)),
        ("0001-01-01T00:00:00+14:00", "iso", None),
        ("9" * 16, "epoch_s", None),
        ("never", "iso", None),
        ("", "http", None),
        (True, "epoch_s", None),
        (None, "iso", None),
        (float("inf"), "epoch_s", None),
    ],
)
def test_times_in_the_formats_of_apps(told, format, read):
    assert read_time(told, format) == read


_JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda inner: st.lists(inner, max_size=3)
    | st.dictionaries(st.sampled_from(["ok", "error", "text", "code", "id"]) | st.text(max_size=3), inner, max_size=4),
    max_leaves=12,
)  # fmt: skip
_BODY = st.binary(max_size=60) | _JSON.map(lambda value: json.dumps(value).encode())
_HEADER = st.text(st.characters(blacklist_categories=["Cs"]), max_size=20)
_HEADERS = st.fixed_dictionaries(
    {},
    optional={
        "content-type": st.sampled_from(["application/json", "text/html", "text/xml; charset=utf-16"])
        | _HEADER,
        "x-reason": st.sampled_from(["maint"]) | _HEADER,
        "retry-after": _HEADER,
        "x-left": st.sampled_from(["0"]) | _HEADER,
        "x-reset": _HEADER | st.integers().map(str),
        "link": _HEADER,
    },
)
_OPERATIONS = st.sampled_from(["heartbeat", "probe", "tasks", "datasets", "token"])


def _first_that_fits(status: int, body: bytes, headers: dict[str, str], on: str) -> ErrorKind | None:
    """Say what the rules above mean, written another way."""
    document = None
    content_type = headers.get("content-type", "").lower()
    kind = content_type.partition(";")[0].strip()
    if ("json" in kind or kind in ("", "*/*")) and "html" not in kind and not _looks_like_html(body):
        try:
            document = json.loads(body.decode("utf-8-sig"), parse_constant=_refuse)
        except ValueError:
            document = None
    members = document if isinstance(document, dict) else {}
    error = members.get("error") if isinstance(members.get("error"), dict) else {}
    if status == 403 and error.get("code") == "scope":
        return ErrorKind.PERMISSION
    if (status == 403 or status // 100 == 5) and "maint" in headers.get("x-reason", "").lower():
        return ErrorKind.SERVER_ERROR
    if content_type.startswith("text/html") and "asleep" in body.decode("utf-8", "replace"):
        return ErrorKind.SERVER_ERROR
    if members.get("ok") is False:
        return ErrorKind.AUTHENTICATION if on == "heartbeat" else ErrorKind.REFUSED
    return (
        ErrorKind.RATE_LIMITED if _is_true(members.get("error")) and not _is_true(members.get("ok")) else None
    )


def _is_true(value: object) -> bool:
    return value is not None and value is not False and value not in ("", [], {})


def _looks_like_html(body: bytes) -> bool:
    return body.lstrip()[:1] == b"<"


def _refuse(name: str) -> None:
    raise ValueError(name)


@given(status=st.integers(100, 599), body=_BODY, headers=_HEADERS, on=_OPERATIONS)
def test_the_first_fitting_rule_wins_whatever_the_answer(status, body, headers, on):
    failure = judge(status, body, headers, on=on)
    expected = _first_that_fits(status, body, headers, on)
    if expected is not None:
        assert failure.kind is expected
    elif 200 <= status < 300:
        assert failure is None or failure.kind is ErrorKind.UNEXPECTED_ANSWER
    else:
        assert failure is not None


@given(
    status=st.integers(100, 599),
    body=_BODY,
    headers=_HEADERS,
    on=_OPERATIONS,
    wanted=st.sampled_from(["json", "xml", "text", "none"]),
    cut=st.booleans(),
    success=st.sampled_from([None, "ok", "length(@) > `1`", "id.a.b"]),
)
def test_a_verdict_can_be_kept_and_shown(status, body, headers, on, wanted, cut, success):
    failure = judge(status, body, headers, on=on, wanted=wanted, cut=cut, success=success)
    if failure is None:
        assert 200 <= status < 300
        return
    for text in (failure.sentence, failure.safe_sentence, failure.next_action, failure.message):
        assert text.isprintable()
        text.encode()
    assert failure.sentence
    assert failure.safe_sentence
    assert failure.next_action
    assert len(failure.sentence) <= 400
    assert failure.retry_after_s is None or failure.retry_after_s >= 0
    json.dumps(asdict(failure))


IDENTITY = IdentityManifest.model_validate(
    {
        "account_id": "id || error.code",
        "account": "join(' ', [text, code])",
        "site": "ok",
        "scopes": {"path": "error"},
        "expires": {"path": "code", "format": "epoch_ms"},
    }
)


@given(document=_JSON)
def test_an_identity_can_be_kept_whatever_it_is_read_from(document):
    identity = read_identity(IDENTITY, document, {})
    for text in (identity.account_id, identity.account, identity.site, *(identity.scopes or ())):
        assert text.isprintable()
        assert len(text) <= 200
        text.encode()
    json.dumps(identity.to_json())


@given(
    before=st.text(max_size=10),
    after=st.text(max_size=10),
    status=st.sampled_from([200, 400, 401, 403, 500]),
    escape=st.sampled_from([str, lambda text: "".join(f"\\u{ord(char):04x}" for char in text)]),
)
async def test_a_repeated_secret_is_in_nothing_that_is_kept(before, after, status, escape):
    text = (
        RULES
        + '\n[[heartbeat]]\nrequest = { path = "me" }\nidentity = { account_id = "id", account = "error.text" }\n'
    )
    said = json.dumps(before)[1:-1] + escape(TOKEN) + json.dumps(after)[1:-1]
    body = (
        f'{{"id": 1, "ok": {"true" if status == 200 else "false"}, "error": {{"text": "{said}"}}}}'.encode()
    )
    clock = FakeClock()
    async with (
        FakeEndpoint() as endpoint,
        GuardedSession(LOOPBACK, clock=clock, call_later=clock.call_later) as session,
    ):
        endpoint.answer(status, body=body, headers={"Content-Type": "application/json"})
        outcome = await connector(text, session, clock, endpoint.url, head=HEAD).check()
    assert TOKEN not in repr(outcome)
    assert escape(TOKEN) not in outcome.exchange.response_body.decode()
