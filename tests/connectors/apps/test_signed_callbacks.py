"""Callbacks of Slack, PagerDuty, Okta and Google as each proves them, and what each event is about, by the manifests alone.

Sources: api.slack.com/authentication/verifying-requests-from-slack, developer.pagerduty.com/docs/verifying-webhook-signatures
and webhooks overview, developer.okta.com/docs/concepts/event-hooks, developers.google.com/admin-sdk/directory/v1/guides/push.
"""

from __future__ import annotations

import hmac
import json
from datetime import timedelta
from types import SimpleNamespace
from typing import Any

import pytest

from healthdesk.connectors.handshakes import after_verification, before_verification
from healthdesk.connectors.registry import Registry
from healthdesk.connectors.verify import Callback, Verified, about, came, verify_callback
from healthdesk.errors import Unauthenticated
from healthdesk.testing import START

REGISTRY = Registry.builtin()
SECRET = "a shared secret"
AT = str(int(START.timestamp()))


def _hex(text: str, secret: str = SECRET) -> str:
    return hmac.new(secret.encode(), text.encode(), "sha256").hexdigest()


def _proof(app: str, body: str) -> dict[str, str]:
    if app == "slack":
        return {"X-Slack-Request-Timestamp": AT, "X-Slack-Signature": f"v0={_hex(f'v0:{AT}:{body}')}"}
    if app == "pagerduty":
        return {"X-PagerDuty-Signature": f"v1={_hex(body, 'another')},v1={_hex(body)}"}
    if app == "okta":
        return {"Authorization": SECRET}
    return {"X-Goog-Channel-Token": SECRET, "X-Goog-Resource-State": "update"}


def _callback(app: str, headers: dict[str, str], body: str) -> Callback:
    return Callback(came(headers, body.encode()), REGISTRY.get(app).manifest.callbacks)


def _verified(app: str, callback: Callback) -> Verified:
    spec = REGISTRY.get(app).manifest.callbacks
    assert spec is not None
    wanted = SimpleNamespace(**spec.model_dump(), id_header="", event_header="")
    return verify_callback(wanted, [SECRET], callback, START)


def _slack(event: dict[str, Any]) -> dict[str, Any]:
    return {"type": "event_callback", "event_id": "Ev1", "team_id": "T1", "event": event}


def _pagerduty(kind: str, data: dict[str, Any]) -> dict[str, Any]:
    return {
        "event": {"id": "01BWE", "event_type": kind, "resource_type": kind.partition(".")[0], "data": data}
    }


CASES = [
    ("slack", _slack({"type": "message", "subtype": "message_changed", "message": {"ts": "17.1"}}), "Ev1", "message", ["17.1"]),
    ("slack", _slack({"type": "message", "subtype": "message_deleted", "deleted_ts": "17.1"}), "Ev1", "message", ["17.1"]),
    ("slack", _slack({"type": "message", "text": "hello", "ts": "18.1"}), "Ev1", "message", []),
    ("slack", _slack({"type": "reaction_added", "item": {"type": "message", "ts": "17.1"}}), "Ev1", "reaction_added", ["17.1"]),
    ("slack", _slack({"type": "reaction_removed", "item": {"type": "message", "ts": "17.1"}}), "Ev1", "reaction_removed", ["17.1"]),
    ("pagerduty", _pagerduty("incident.resolved", {"id": "PT4", "type": "incident"}), "01BWE", "incident.resolved", ["PT4"]),
    ("pagerduty", _pagerduty("incident.annotated", {"id": "N1", "type": "incident_note", "incident": {"id": "PT4"}}), "01BWE", "incident.annotated", ["PT4"]),
    ("pagerduty", _pagerduty("service.updated", {"id": "PIJ"}), "01BWE", "service.updated", []),
    ("okta", {"eventId": "e-1", "data": {"events": [{"eventType": "user.lifecycle.suspend", "target": [{"id": "00u1"}]}, {"eventType": "user.lifecycle.suspend", "target": [{"id": "00u2"}]}]}}, "e-1", "user.lifecycle.suspend", ["00u1", "00u2"]),
    ("google-workspace", {"kind": "admin#directory#user", "id": "111220860655841818702"}, "", "update", ["111220860655841818702"]),
]  # fmt: skip


@pytest.mark.parametrize(("app", "document", "delivery", "event", "instances"), CASES)
def test_a_callback_is_known_by_its_proof_and_read(app, document, delivery, event, instances) -> None:
    body = json.dumps(document)
    genuine = _callback(app, _proof(app, body), body)
    verified = _verified(app, genuine)
    assert (verified.delivery_id, verified.event) == (delivery, event)
    assert list(about(genuine, verified.event).instances) == instances


@pytest.mark.parametrize("app", ["slack", "pagerduty"])
def test_a_body_that_was_changed_is_refused(app) -> None:
    proof = _proof(app, '{"a": 1}')
    with pytest.raises(Unauthenticated, match="does not match"):
        _verified(app, _callback(app, proof, '{"a": 2}'))


@pytest.mark.parametrize("app", ["okta", "google-workspace"])
def test_another_secret_is_refused(app) -> None:
    proof = {name: value.replace(SECRET, "another") for name, value in _proof(app, "{}").items()}
    with pytest.raises(Unauthenticated, match="not the secret"):
        _verified(app, _callback(app, proof, "{}"))


def test_a_request_of_slack_is_good_for_five_minutes() -> None:
    old = str(int((START - timedelta(minutes=6)).timestamp()))
    headers = {"X-Slack-Request-Timestamp": old, "X-Slack-Signature": f"v0={_hex(f'v0:{old}:{{}}')}"}
    with pytest.raises(Unauthenticated, match="5 minutes"):
        _verified("slack", _callback("slack", headers, "{}"))


def test_the_addresses_are_made_sure_of_as_slack_and_okta_do() -> None:
    challenge = json.dumps({"type": "url_verification", "challenge": "3eZbrw"})
    echo = after_verification(_callback("slack", _proof("slack", challenge), challenge))
    assert echo is not None
    assert json.loads(echo.body) == {"challenge": "3eZbrw"}
    asked = _callback("okta", {"X-Okta-Verification-Challenge": "abc"}, "")
    echo = before_verification(asked, {})
    assert echo is not None
    assert json.loads(echo.body) == {"verification": "abc"}
