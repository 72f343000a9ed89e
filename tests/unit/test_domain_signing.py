"""Our signatures are accepted by the reference libraries, and we accept what they sign."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
import standardwebhooks
import svix
from hypothesis import given
from hypothesis import strategies as st

from healthdesk.domain.signing import new_secret, sign, verify_standard_webhook
from healthdesk.errors import Malformed

NOW = datetime.now(UTC).replace(microsecond=0)
SECRET, OTHER = new_secret(b"a" * 32), new_secret(bytes(range(24)))
BODY = '{"score":71,"name":"Jürgen"}'.encode()


def headers(signature: str, msg_id: str = "rec_1", at: datetime = NOW) -> dict[str, str]:
    return {
        "webhook-id": msg_id,
        "webhook-timestamp": str(int(at.timestamp())),
        "webhook-signature": signature,
    }


def signed(secrets: list[str], at: datetime = NOW) -> dict[str, str]:
    return headers(sign(secrets, "rec_1", int(at.timestamp()), BODY), at=at)


def fresh() -> datetime:
    """The libraries compare with the host's clock, so what they verify is signed when the test runs."""
    return datetime.now(UTC).replace(microsecond=0)


LIBRARIES = [
    (standardwebhooks.Webhook, standardwebhooks.WebhookVerificationError),
    (svix.Webhook, svix.WebhookVerificationError),
]


@pytest.mark.parametrize(("library", "refusal"), LIBRARIES)
def test_what_we_sign_is_accepted(library, refusal) -> None:
    library(SECRET).verify(BODY, signed([SECRET], fresh()))
    for secret, body in ((OTHER, BODY), (SECRET, BODY + b" ")):
        with pytest.raises(refusal):
            library(secret).verify(body, signed([SECRET], fresh()))


@pytest.mark.parametrize(("library", "refusal"), LIBRARIES)
def test_while_a_secret_is_rotated_both_are_accepted(library, refusal) -> None:
    library(SECRET).verify(BODY, signed([OTHER, SECRET], fresh()))
    library(OTHER).verify(BODY, signed([OTHER, SECRET], fresh()))


@pytest.mark.parametrize("library", [standardwebhooks.Webhook, svix.Webhook])
def test_what_they_sign_is_accepted(library) -> None:
    signature = library(SECRET).sign("msg_1", NOW, BODY.decode())
    assert verify_standard_webhook([OTHER, SECRET], headers(signature, "msg_1"), BODY, NOW) is None
    assert (
        verify_standard_webhook([SECRET, OTHER], headers(signature + " v1,c2ln", "msg_1"), BODY, NOW) is None
    )
    assert verify_standard_webhook([OTHER], headers(signature, "msg_1"), BODY, NOW) is not None


def test_header_names_are_taken_in_any_case_and_branded() -> None:
    given = signed([SECRET])
    upper = {name.title(): value for name, value in given.items()}
    branded = {name.replace("webhook", "svix"): value for name, value in given.items()}
    assert verify_standard_webhook([SECRET], upper, BODY, NOW) is None
    assert verify_standard_webhook([SECRET], branded, BODY, NOW) is None


@given(st.binary(max_size=50), st.integers(0, 2**40), st.binary(min_size=24, max_size=64))
def test_round_trip(body: bytes, timestamp_s: int, random: bytes) -> None:
    secret = new_secret(random)
    at = NOW.replace(year=2030)
    seconds = int(at.timestamp())
    given_headers = headers(sign([secret], "m", seconds, body), "m", at)
    assert verify_standard_webhook([secret], given_headers, body, at) is None
    assert verify_standard_webhook([secret], given_headers, body + b"x", at) is not None


@pytest.mark.parametrize("minutes", [-6, 6, -60 * 24, 60 * 24])
def test_old_and_future_signatures_are_refused(minutes: int) -> None:
    reason = verify_standard_webhook([SECRET], signed([SECRET]), BODY, NOW + timedelta(minutes=minutes))
    assert reason is not None
    assert "5 minutes" in reason


@pytest.mark.parametrize("seconds", [-300, 300])
def test_five_minutes_are_tolerated(seconds: int) -> None:
    assert verify_standard_webhook([SECRET], signed([SECRET]), BODY, NOW + timedelta(seconds=seconds)) is None


@pytest.mark.parametrize(
    "change",
    [
        {"webhook-id": "rec_2"},
        {"webhook-id": ""},
        {"webhook-timestamp": str(int(NOW.timestamp()) + 1)},
        {"webhook-timestamp": "soon"},
        {"webhook-timestamp": "٣"},
        {"webhook-timestamp": "-1"},
        {"webhook-timestamp": "9" * 400},
        {"webhook-signature": ""},
        {"webhook-signature": "v1,"},
        {"webhook-signature": "v1,Smith!"},
        {"webhook-signature": "v1a,c2ln v2,c2ln é"},
    ],
)
def test_anything_changed_is_refused_with_a_reason(change: dict[str, str]) -> None:
    given = signed([SECRET]) | change
    assert verify_standard_webhook([SECRET], given, BODY, NOW)


def test_missing_headers_and_secrets_are_named() -> None:
    reason = verify_standard_webhook([SECRET], {"webhook-id": "x"}, BODY, NOW)
    assert reason is not None
    assert "webhook-timestamp" in reason
    reason = verify_standard_webhook([], signed([SECRET]), BODY, NOW)
    assert reason is not None
    assert "secret" in reason


@pytest.mark.parametrize("secret", ["", "whsec_", "whsec_!!", "pässword"])
def test_a_secret_that_is_none_is_malformed(secret: str) -> None:
    with pytest.raises(Malformed):
        sign([secret], "m", 1, b"")


def test_short_randomness_is_refused() -> None:
    with pytest.raises(ValueError, match="24"):
        new_secret(b"x" * 23)
