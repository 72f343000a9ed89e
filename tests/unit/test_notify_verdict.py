"""What is made of what was seen on the wire while a plugin was at work."""

from __future__ import annotations

import socket
import ssl

import pytest

from healthdesk.domain.states import ErrorKind
from healthdesk.engine.notify_verdict import (
    WORDS_MAX,
    Evidence,
    error_evidence,
    http_evidence,
    judge,
    scrub,
    secrets_of,
    service_words,
    smtp_evidence,
)


def wrapped(cause: BaseException) -> Exception:
    outer = ValueError("pool gave up", cause)
    outer.__cause__ = RuntimeError("adapter")
    return outer


@pytest.mark.parametrize(
    ("error", "kind"),
    [
        (socket.gaierror(-2, "Name or service not known"), ErrorKind.DNS),
        (ConnectionRefusedError(111, "Connection refused"), ErrorKind.CONNECTION_REFUSED),
        (ConnectionResetError(104, "Connection reset by peer"), ErrorKind.RESET),
        (TimeoutError("timed out"), ErrorKind.TIMEOUT),
        (ssl.SSLCertVerificationError(1, "self-signed certificate"), ErrorKind.TLS),
        (OSError(113, "No route to host"), ErrorKind.CONNECTION_REFUSED),
    ],
)
def test_network_error_is_judged_by_its_deepest_cause(error: BaseException, kind: ErrorKind) -> None:
    assert error_evidence("chat.example", error).kind is kind
    assert error_evidence("chat.example", wrapped(error)).kind is kind


def test_error_that_contains_itself_ends() -> None:
    error = ValueError("round")
    error.__context__ = error
    assert error_evidence("chat.example", error).kind is ErrorKind.PROTOCOL


def test_success_leaves_no_evidence() -> None:
    assert http_evidence("chat.example", 204, b"", None) is None
    assert smtp_evidence("mail.example", 250, b"OK") is None


@pytest.mark.parametrize(
    ("code", "kind", "retryable"),
    [
        (421, ErrorKind.SERVER_ERROR, True),
        (452, ErrorKind.SERVER_ERROR, True),
        (535, ErrorKind.AUTHENTICATION, False),
        (550, ErrorKind.REFUSED, False),
    ],
)
def test_mail_server_says_whether_later_helps(code: int, kind: ErrorKind, retryable: bool) -> None:
    seen = smtp_evidence("mail.example", code, b"so it is")
    assert seen is not None
    verdict = judge([seen], [])
    assert (verdict.kind, verdict.retryable) == (kind, retryable)
    assert verdict.sentence == f"mail.example answered {code}: so it is"


def test_refusal_before_the_hang_up_is_the_reason() -> None:
    refused = Evidence(ErrorKind.AUTHENTICATION, "mail.example", "no", 535)
    hung_up = Evidence(ErrorKind.RESET, "mail.example", "")
    assert judge([refused, hung_up], []).kind is ErrorKind.AUTHENTICATION
    assert judge([hung_up], []).kind is ErrorKind.RESET


def test_blocked_address_outweighs_what_came_of_it() -> None:
    blocked = Evidence(ErrorKind.ADDRESS_BLOCKED, "", "10.0.0.1 is a private network")
    verdict = judge([blocked, Evidence(ErrorKind.PROTOCOL, "10.0.0.1", "refused")], [])
    assert verdict.sentence == "not sent: 10.0.0.1 is a private network"
    assert not verdict.retryable


def test_without_evidence_the_plugins_last_words_are_told() -> None:
    assert judge([], ["sending", "channel_not_found"]).sentence == "channel_not_found"
    assert judge([], []).retryable


def test_retry_after_of_a_limited_service_is_kept() -> None:
    seen = http_evidence("chat.example", 429, b"", "12")
    assert seen is not None
    assert judge([seen], []).retry_after_s == 12.0
    dated = http_evidence("chat.example", 429, b"", "Mon, 23 Nov 2026 01:00:00 GMT")
    assert dated is not None
    assert dated.retry_after_s is None


@pytest.mark.parametrize(
    ("body", "words"),
    [
        (b'{"ok": false, "error": "channel_not_found"}', "channel_not_found"),
        (b'{"error": {"message": "token revoked"}}', "token revoked"),
        (b"no_service\n", "no_service"),
        (b"<html><body>502</body></html>", ""),
        (b"\xff\xfe\x1b[31m", "�� [31m"),
        (b"[1, 2]", ""),
    ],
)
def test_words_of_a_service_are_found_in_its_answer(body: bytes, words: str) -> None:
    assert service_words(body) == words


def test_long_words_are_cut() -> None:
    assert len(service_words(b"x" * 10_000)) == WORDS_MAX


def test_every_secret_of_a_url_is_scrubbed_in_any_form() -> None:
    url = "jsons://desk:p%40ss-word@hooks.example/t0ken%2Fpart?key=abcd1234"
    secrets = secrets_of(url, host_is_public=True)
    for text in ("p@ss-word", "p%40ss-word", "T0KEN/part", "abcd1234"):
        assert scrub(f"<{text}>", secrets) == "<••••>"
    assert "hooks.example" in scrub("hooks.example answered", secrets)


def test_token_in_the_place_of_a_host_is_scrubbed() -> None:
    secrets = secrets_of("slack://T1JJ3T3L2/A1BRTD4JD/xyz987", host_is_public=False)
    assert scrub("team t1jj3t3l2 is unknown", secrets) == "team •••• is unknown"
