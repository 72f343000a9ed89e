import base64
import hmac
from dataclasses import dataclass
from datetime import timedelta

import pytest

from healthdesk.connectors.verify import Callback, came, verify_callback
from healthdesk.domain.signing import new_secret, sign
from healthdesk.errors import Unauthenticated
from healthdesk.testing import START

SECRET = new_secret(b"s" * 32)
OLD_SECRET = new_secret(b"o" * 32)
BODY = b'{"type":"ticket.closed","data":{}}'


@dataclass
class Spec:
    scheme: str = "standard_webhooks"
    header: str = "X-Signature"
    algorithm: str = "sha256"
    encoding: str = "hex"
    prefix: str = ""
    id_header: str = ""
    event_header: str = ""
    signed: str = "{body}"
    timestamp_header: str = ""
    timestamp_format: str = "epoch_s"


def standard_headers(secrets=(SECRET,), msg_id="msg_1", body=BODY, names="Webhook", at=START):
    timestamp = int(at.timestamp())
    return {
        f"{names}-Id": msg_id,
        f"{names}-Timestamp": str(timestamp),
        f"{names}-Signature": sign(secrets, msg_id, timestamp, body),
    }


def refused(spec, secrets, headers, body=BODY, now=START):
    with pytest.raises(Unauthenticated) as caught:
        verify_callback(spec, secrets, Callback(came(headers, body)), now)
    return caught.value.what


@pytest.mark.parametrize("names", ["Webhook", "svix"])
def test_a_standard_webhook_is_known_by_its_signed_id(names):
    headers = {**standard_headers(names=names), "X-Other-Id": "forged"}
    verified = verify_callback(Spec(id_header="X-Other-Id"), [SECRET], Callback(came(headers, BODY)), START)
    assert (verified.delivery_id, verified.event) == ("msg_1", "ticket.closed")


def test_either_secret_is_taken_while_one_is_rotated():
    assert verify_callback(
        Spec(), [SECRET, OLD_SECRET], Callback(came(standard_headers([OLD_SECRET]), BODY)), START
    )


@pytest.mark.parametrize(
    ("secrets", "headers", "body", "now"),
    [
        ([OLD_SECRET], standard_headers(), BODY, START),
        ([SECRET], standard_headers(), BODY + b" ", START),
        ([SECRET], standard_headers(), BODY, START + timedelta(minutes=6)),
        ([SECRET], standard_headers(), BODY, START - timedelta(minutes=6)),
        ([SECRET], {}, BODY, START),
        ([SECRET], {**standard_headers(), "Webhook-Id": "msg_2"}, BODY, START),
        ([], standard_headers(), BODY, START),
    ],
)
def test_what_is_not_genuine_is_refused_with_a_sentence(secrets, headers, body, now):
    assert refused(Spec(), secrets, headers, body, now).endswith(".")


def test_a_secret_that_is_none_is_our_fault_and_says_so():
    assert "whsec_" in refused(Spec(), ["not base64!"], standard_headers())


def test_the_hmac_of_the_raw_body_is_verified_with_githubs_vector():
    spec = Spec(
        "hmac",
        "X-Hub-Signature-256",
        prefix="sha256=",
        id_header="X-GitHub-Delivery",
        event_header="X-GitHub-Event",
    )
    headers = {
        "x-hub-signature-256": "sha256=757107ea0eb2509fc211221cce984b8a37570b6d7586c22c46f4379c8b043e17",
        "x-github-delivery": "72d3162e",
        "x-github-event": "push",
    }
    verified = verify_callback(
        spec, ["It's a Secret to Everybody"], Callback(came(headers, b"Hello, World!")), START
    )
    assert (verified.delivery_id, verified.event) == ("72d3162e", "push")
    assert refused(spec, ["another"], headers, b"Hello, World!")
    assert refused(spec, ["It's a Secret to Everybody"], headers, b"Hello, World?")
    assert refused(spec, [], headers, b"Hello, World!")
    assert refused(spec, [""], headers, b"Hello, World!")


def test_a_base64_hmac_of_another_algorithm_is_verified():
    spec = Spec("hmac", algorithm="sha512", encoding="base64")
    signature = base64.b64encode(hmac.digest(b"key", BODY, "sha512")).decode()
    assert verify_callback(spec, ["old", "key"], Callback(came({"X-Signature": signature}, BODY)), START)
    assert refused(spec, ["key"], {"X-Signature": "***"})


def test_a_callback_without_an_id_is_not_deduplicated():
    assert verify_callback(Spec("none"), [], Callback(came({}, BODY)), START).delivery_id == ""
    assert (
        verify_callback(Spec("none", id_header="X-Id"), [], Callback(came({}, BODY)), START).delivery_id == ""
    )


def test_long_ids_stay_apart_and_names_from_outside_stay_short_and_printable():
    spec = Spec("none", id_header="X-Id", event_header="X-Event")
    one, two = (
        verify_callback(
            spec,
            [],
            Callback(came({"X-Id": "i" * 500 + end, "X-Event": "a\x1b[31m" + "e" * 500}, BODY)),
            START,
        )
        for end in "12"
    )
    assert one.delivery_id != two.delivery_id
    assert len(one.delivery_id) < 200
    assert len(one.event) <= 100
    assert "\x1b" not in one.event


@pytest.mark.parametrize("body", [b"", b"[]", b'{"type": 7}', b"\xff", b"[" * 100_000])
def test_a_body_without_a_type_has_no_event(body):
    assert (
        verify_callback(Spec(), [SECRET], Callback(came(standard_headers(body=body), body)), START).event
        == ""
    )


def test_an_unknown_scheme_verifies_nothing():
    assert refused(Spec("magic"), [SECRET], standard_headers())


def test_what_stripe_sends_twice_is_one_delivery_by_the_id_that_is_signed():
    body = b'{"id":"evt_1","object":"event","type":"charge.failed"}'
    at = int(START.timestamp())
    digest = hmac.digest(b"of-stripe", f"{at}.".encode() + body, "sha256").hex()
    callback = Callback(came({"Stripe-Signature": f"t={at},v1={digest}"}, body))
    verified = verify_callback(Spec("stripe"), ["of-stripe"], callback, START)
    assert (verified.delivery_id, verified.event) == ("evt_1", "charge.failed")
