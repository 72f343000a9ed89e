"""Refusals as six vendors document them, and how each signs its callbacks, by the manifests alone.

Sources: linear.app/developers (graphql, rate-limiting, webhooks), developer.monday.com/api-reference/docs (error-handling,
rate-limits, changelog), developer.zendesk.com (rate-limits, errors, webhooks/verifying), developer.atlassian.com/cloud/trello
(rate-limits, status-codes, webhooks), developers.hubspot.com/docs (error-handling, validating-requests),
learn.microsoft.com/azure/devops (rate-limits, service-hooks/events).
"""

from __future__ import annotations

import base64
import hmac
import json
from datetime import UTC, datetime
from types import SimpleNamespace
from typing import Any

import pytest

from healthdesk.connectors.documents import read_document
from healthdesk.connectors.judging import judge_of
from healthdesk.connectors.registry import Registry
from healthdesk.connectors.verify import Callback, Verified, about, came, verify_callback
from healthdesk.domain.exchange import Exchange
from healthdesk.domain.states import Blame, ErrorKind
from healthdesk.errors import Unauthenticated
from healthdesk.testing.clock import START

REGISTRY = Registry.builtin()
K, B = ErrorKind, Blame
JSON, HTML, TEXT = "application/json; charset=utf-8", "text/html", "text/plain"


def _linear(kind: str, code: str, message: str = "It is so.") -> dict[str, Any]:
    extensions = {"type": kind, "code": code, "userPresentableMessage": message}
    return {"errors": [{"message": kind, "extensions": extensions}], "data": None}


def _monday(code: str, status_code: int, message: str = "It is so.", **more: Any) -> dict[str, Any]:
    extensions = {"code": code, "status_code": status_code, "error_data": {}, **more}
    return {"data": {}, "errors": [{"message": message, "extensions": extensions}], "account_id": 1}


def _hubspot(category: str, message: str = "It is so.", **more: Any) -> dict[str, Any]:
    return {"status": "error", "message": message, "correlationId": "c", "category": category, **more}


def _azure(kind: str, message: str) -> dict[str, Any]:
    return {"$id": "1", "message": message, "typeKey": kind, "errorCode": 0, "eventId": 3000}


OLD_COMPLEXITY = {
    "error_code": "ComplexityException",
    "status_code": 429,
    "error_message": "Complexity budget exhausted, query cost 30001 budget remaining 19986 out of 1000000 reset in 3 seconds",
    "error_data": {},
    "errors": [
        "Complexity budget exhausted, query cost 30001 budget remaining 19986 out of 1000000 reset in 3 seconds"
    ],
    "account_id": 1,
}
NEW_COMPLEXITY = _monday(
    "COMPLEXITY_BUDGET_EXHAUSTED", 429, "Complexity budget exhausted", retry_in_seconds=60
)

CASES = [
    ("linear", "heartbeat", 400, JSON, _linear("authentication error", "AUTHENTICATION_ERROR"), K.AUTHENTICATION, B.CREDENTIAL),
    ("linear", "heartbeat", 401, JSON, _linear("authentication error", "AUTHENTICATION_ERROR"), K.AUTHENTICATION, B.CREDENTIAL),
    ("linear", "tasks", 400, JSON, _linear("ratelimited", "RATELIMITED"), K.RATE_LIMITED, B.THEM),
    ("linear", "tasks", 200, JSON, _linear("forbidden", "FORBIDDEN"), K.PERMISSION, B.PERMISSION),
    ("linear", "tasks", 200, JSON, _linear("invalid input", "INPUT_ERROR"), K.REFUSED, B.CONFIGURATION),
    ("linear", "tasks", 200, JSON, {"errors": [{"message": "Entity not found: Issue"}]}, K.NOT_FOUND, B.CONFIGURATION),
    ("linear", "tasks", 200, JSON, {"data": {"teams": {"nodes": []}}}, K.NOT_FOUND, B.CONFIGURATION),
    ("linear", "tasks", 200, JSON, _linear("internal error", "INTERNAL_SERVER_ERROR"), K.SERVER_ERROR, B.THEM),
    ("linear", "heartbeat", 200, HTML, "<html>maintenance</html>", K.UNEXPECTED_ANSWER, B.THEM),
    ("monday", "heartbeat", 200, JSON, OLD_COMPLEXITY, K.RATE_LIMITED, B.THEM),
    ("monday", "tasks", 200, JSON, NEW_COMPLEXITY, K.RATE_LIMITED, B.THEM),
    ("monday", "tasks", 429, JSON, {"errors": ["Minute limit rate exceeded"]}, K.RATE_LIMITED, B.THEM),
    ("monday", "heartbeat", 200, JSON, {"errors": ["Not Authenticated"]}, K.AUTHENTICATION, B.CREDENTIAL),
    ("monday", "tasks", 200, JSON, _monday("UserUnauthorizedException", 403), K.PERMISSION, B.PERMISSION),
    ("monday", "tasks", 200, JSON, _monday("ResourceNotFoundException", 404), K.NOT_FOUND, B.CONFIGURATION),
    ("monday", "tasks", 200, JSON, {"data": {"items": []}}, K.NOT_FOUND, B.CONFIGURATION),
    ("monday", "tasks", 200, JSON, _monday("ColumnValueException", 200), K.REFUSED, B.CONFIGURATION),
    ("monday", "tasks", 200, JSON, _monday("INTERNAL_SERVER_ERROR", 500), K.SERVER_ERROR, B.THEM),
    ("zendesk", "heartbeat", 200, JSON, {"user": {"id": None, "name": "Anonymous user"}}, K.AUTHENTICATION, B.CREDENTIAL),
    ("zendesk", "tasks", 401, JSON, {"error": "Couldn't authenticate you"}, K.AUTHENTICATION, B.CREDENTIAL),
    ("zendesk", "tasks", 403, JSON, {"error": {"title": "Forbidden", "message": "No."}}, K.PERMISSION, B.PERMISSION),
    ("zendesk", "tasks", 404, JSON, {"error": "RecordNotFound", "description": "Not found"}, K.NOT_FOUND, B.CONFIGURATION),
    ("zendesk", "heartbeat", 404, HTML, "No help desk at nowhere.zendesk.com", K.CONFIGURATION, B.CONFIGURATION),
    ("zendesk", "tasks", 429, TEXT, "Rate limit for ticket updates exceeded, please wait", K.RATE_LIMITED, B.THEM),
    (
        "zendesk", "tasks", 422, JSON,
        {"error": "RecordInvalid", "details": {"base": [{"description": "Assignee: is required when solving a ticket"}]}},
        K.MISSING_FIELD, B.CONFIGURATION,
    ),
    (
        "zendesk", "tasks", 422, JSON,
        {"error": "RecordInvalid", "details": {"status": [{"description": "Status: closed prevents ticket update"}]}},
        K.REFUSED, B.CONFIGURATION,
    ),
    ("trello", "heartbeat", 401, TEXT, "invalid key", K.AUTHENTICATION, B.CREDENTIAL),
    ("trello", "heartbeat", 401, TEXT, "invalid app token", K.AUTHENTICATION, B.CREDENTIAL),
    ("trello", "heartbeat", 401, TEXT, "expired token", K.AUTHENTICATION, B.CREDENTIAL),
    ("trello", "tasks", 401, TEXT, "unauthorized permission requested", K.PERMISSION, B.PERMISSION),
    ("trello", "tasks", 401, TEXT, "unauthorized card permission requested", K.PERMISSION, B.PERMISSION),
    ("trello", "tasks", 404, TEXT, "The requested resource was not found.", K.NOT_FOUND, B.CONFIGURATION),
    ("trello", "tasks", 400, TEXT, "invalid id", K.NOT_FOUND, B.CONFIGURATION),
    ("trello", "tasks", 400, TEXT, "invalid value for idList", K.MISSING_FIELD, B.CONFIGURATION),
    ("trello", "tasks", 429, JSON, {"error": "API_KEY_LIMIT_EXCEEDED", "message": "Rate limit exceeded"}, K.RATE_LIMITED, B.THEM),
    ("hubspot", "heartbeat", 401, JSON, _hubspot("EXPIRED_AUTHENTICATION"), K.AUTHENTICATION, B.CREDENTIAL),
    ("hubspot", "heartbeat", 401, JSON, _hubspot("INVALID_AUTHENTICATION"), K.AUTHENTICATION, B.CREDENTIAL),
    ("hubspot", "tasks", 403, JSON, _hubspot("MISSING_SCOPES"), K.PERMISSION, B.PERMISSION),
    ("hubspot", "tasks", 429, JSON, _hubspot("RATE_LIMITS"), K.RATE_LIMITED, B.THEM),
    ("hubspot", "tasks", 404, JSON, _hubspot("OBJECT_NOT_FOUND"), K.NOT_FOUND, B.CONFIGURATION),
    ("hubspot", "tasks", 400, JSON, _hubspot("VALIDATION_ERROR", errors=[{"code": "REQUIRED_FIELD"}]), K.MISSING_FIELD, B.CONFIGURATION),
    ("hubspot", "tasks", 400, JSON, _hubspot("VALIDATION_ERROR"), K.REFUSED, B.CONFIGURATION),
    ("azure-devops", "heartbeat", 203, HTML, "<html>Azure DevOps Services | Sign In</html>", K.AUTHENTICATION, B.CREDENTIAL),
    ("azure-devops", "heartbeat", 401, HTML, "Access Denied: The Personal Access Token used has expired.", K.AUTHENTICATION, B.CREDENTIAL),
    (
        "azure-devops", "heartbeat", 200, JSON,
        {"authenticatedUser": {"id": "aaaaaaaa-aaaa-aaaa-aaaa-aaaaaaaaaaaa", "providerDisplayName": "Anonymous"}},
        K.AUTHENTICATION, B.CREDENTIAL,
    ),
    (
        "azure-devops", "tasks", 404, JSON,
        _azure("WorkItemUnauthorizedAccessException", "TF401232: Work item 299 does not exist, or you do not have permissions to read it."),
        K.NOT_FOUND, B.CONFIGURATION,
    ),
    (
        "azure-devops", "tasks", 403, JSON,
        _azure("WorkItemUnauthorizedAccessException", "TF237111: The current user does not have permissions to save work items under the specified area path."),
        K.PERMISSION, B.PERMISSION,
    ),
    (
        "azure-devops", "tasks", 400, JSON,
        _azure("RuleValidationException", "TF401320: Rule Error for field Root Cause. Error code: Required, HasValues, LimitedToValues, InvalidEmpty."),
        K.MISSING_FIELD, B.CONFIGURATION,
    ),
    (
        "azure-devops", "tasks", 400, JSON,
        _azure("RuleValidationException", "TF401347: Invalid tree name given for work item 1, field 'System.AreaPath'."),
        K.REFUSED, B.CONFIGURATION,
    ),
]  # fmt: skip


def _judged(app: str, on: Any, status: int, content_type: str, body: Any):
    text = body if isinstance(body, str) else json.dumps(body)
    headers = {"content-type": content_type}
    exchange = Exchange(
        method="GET",
        url="https://api.example.com/",
        request_headers={},
        started_at=START,
        duration_ms=12.0,
        status=status,
        response_headers=headers,
        response_body=text.encode(),
    )
    document = read_document(exchange, headers, "json", 100_000)
    judge = judge_of(REGISTRY.get(app).manifest)
    return judge.judge(exchange, headers, document, on=on, expect=[], success=None, values={})


@pytest.mark.parametrize(("app", "on", "status", "content_type", "body", "kind", "blame"), CASES)
def test_a_refusal_is_told_as_what_it_is(app, on, status, content_type, body, kind, blame) -> None:
    failure = _judged(app, on, status, content_type, body)
    assert failure is not None
    assert (failure.kind, failure.blame) == (kind, blame), failure.sentence
    assert "{" not in failure.sentence
    assert failure.next_action


def test_what_the_app_says_is_in_the_sentence() -> None:
    body = {
        "error": "RecordInvalid",
        "details": {"a": [{"description": "A: is required"}], "b": [{"description": "B: bad"}]},
    }
    failure = _judged("zendesk", "tasks", 422, JSON, body)
    assert failure.sentence == "Zendesk asks for a field that is missing: A: is required; B: bad"


def test_monday_tells_in_the_body_how_long_to_wait() -> None:
    assert _judged("monday", "tasks", 200, JSON, NEW_COMPLEXITY).retry_after_s == 60.0


SECRET = "a shared secret"
URL = "https://desk.example.com/callbacks/c1"
AT = datetime(2026, 3, 1, 12, tzinfo=UTC)
MS = str(int(AT.timestamp() * 1000))


def _mac(algorithm: str, *parts: str) -> bytes:
    return hmac.digest(SECRET.encode(), "".join(parts).encode(), algorithm)


def _signed(app: str, body: str) -> dict[str, str]:
    b64 = base64.b64encode
    if app == "linear":
        return {
            "Linear-Signature": _mac("sha256", body).hex(),
            "Linear-Delivery": "d-1",
            "Linear-Event": "Issue",
        }
    if app == "zendesk":
        at = "2026-03-01T12:00:00Z"
        return {
            "X-Zendesk-Webhook-Signature": b64(_mac("sha256", at, body)).decode(),
            "X-Zendesk-Webhook-Signature-Timestamp": at,
            "X-Zendesk-Webhook-Invocation-Id": "d-1",
        }
    if app == "trello":
        return {"X-Trello-Webhook": b64(_mac("sha1", body, URL)).decode()}
    return {
        "X-HubSpot-Signature-v3": b64(_mac("sha256", "POST", URL, body, MS)).decode(),
        "X-HubSpot-Request-Timestamp": MS,
    }


CALLBACKS = [
    ("linear", {"type": "Issue", "action": "update", "data": {"id": "issue-7"}, "webhookTimestamp": int(MS)}, "d-1", "Issue", "issue-7"),
    ("zendesk", {"type": "zen:event-type:ticket.status_changed", "detail": {"id": "7"}}, "d-1", "zen:event-type:ticket.status_changed", "7"),
    ("trello", {"action": {"id": "a-1", "type": "updateCard", "data": {"card": {"id": "c-7"}}}}, "a-1", "updateCard", "c-7"),
    ("hubspot", [{"eventId": 1, "subscriptionType": "ticket.propertyChange", "objectId": 7}], "", "ticket.propertyChange", "7"),
]  # fmt: skip


@pytest.mark.parametrize(("app", "document", "delivery", "event", "instance"), CALLBACKS)
def test_a_callback_is_verified_as_the_app_signs_it(app, document, delivery, event, instance) -> None:
    body = json.dumps(document)
    genuine = _callback(app, _signed(app, body), body)
    verified = _verified(app, genuine)
    assert (verified.delivery_id, verified.event) == (delivery, event)
    assert about(genuine, verified.event).instances == (instance,)
    with pytest.raises(Unauthenticated):
        _verified(app, _callback(app, _signed(app, body), body.replace("7", "8")))


@pytest.mark.parametrize("app", ["linear", "zendesk", "hubspot"])
def test_a_callback_of_yesterday_is_not_taken_again(app) -> None:
    document = next(each[1] for each in CALLBACKS if each[0] == app)
    body = json.dumps(document)
    with pytest.raises(Unauthenticated, match="5 minutes"):
        _verified(app, _callback(app, _signed(app, body), body), datetime(2026, 3, 2, 12, tzinfo=UTC))


def _callback(app: str, headers: dict[str, str], body: str) -> Callback:
    return Callback(
        came(headers, body.encode(), method="POST", url=URL), REGISTRY.get(app).manifest.callbacks
    )


def _verified(app: str, callback: Callback, now: datetime = AT) -> Verified:
    spec = REGISTRY.get(app).manifest.callbacks
    assert spec is not None
    wanted = SimpleNamespace(**spec.model_dump(), id_header="", event_header="")
    return verify_callback(wanted, [SECRET], callback, now)
