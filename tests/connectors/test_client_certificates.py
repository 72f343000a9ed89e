"""Client certificates: looked at when they are given, shown in TLS, and never used for somebody else's requests."""

from __future__ import annotations

import contextlib
import socket
import ssl
from collections.abc import AsyncIterator
from datetime import UTC, datetime
from pathlib import Path
from threading import Thread

import pytest
from cryptography.hazmat.primitives.asymmetric import ec
from tests.connectors.certificates import START, Authority, pem_of
from tests.connectors.conftest import LOOPBACK

from healthdesk.connectors.auth.expiry import expiry_of_tokens
from healthdesk.connectors.client_certificates import ClientCertificate, check_certificate, check_shown
from healthdesk.connectors.registry import Registry
from healthdesk.connectors.session import GuardedSession, Request
from healthdesk.domain.exchange import Sent
from healthdesk.domain.outcome import judge_check
from healthdesk.domain.states import Blame, ErrorKind
from healthdesk.errors import ConnectorError
from healthdesk.testing import FakeClock, FakeEndpoint

NOW = datetime(2026, 7, 1, tzinfo=UTC)


@pytest.fixture
def authority(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Authority:
    made = Authority.make(tmp_path)
    monkeypatch.setenv("SSL_CERT_FILE", str(made.path))
    return made


@pytest.fixture
async def server(authority: Authority, tmp_path: Path) -> AsyncIterator[FakeEndpoint]:
    async with FakeEndpoint(ssl_context=authority.server(tmp_path)) as running:
        yield running


async def test_a_server_that_asks_for_a_certificate_gets_it_and_the_connection_is_used_again(
    authority: Authority, server: FakeEndpoint
) -> None:
    mine, other = (ClientCertificate(*authority.issue(name)) for name in ("mine", "other"))
    async with GuardedSession(LOOPBACK, clock=FakeClock()) as session:
        for certificate in (mine, mine, other):
            request = Request("POST", f"{server.url}/", body=b"x", certificate=certificate)
            exchange = await session.send(request)
            assert (exchange.status, exchange.error) == (200, None)
    assert [each.connection for each in server.requests] == [1, 1, 2]


class Alerting:
    """A TLS server that tells why it lets nobody in, as OpenSSL does: asyncio's servers close without a word."""

    def __init__(self, context: ssl.SSLContext) -> None:
        self._context = context
        self._listening = socket.create_server(("127.0.0.1", 0))
        self._thread = Thread(target=self._serve)

    def __enter__(self) -> str:
        self._thread.start()
        return f"https://127.0.0.1:{self._listening.getsockname()[1]}/"

    def __exit__(self, *_: object) -> None:
        self._listening.shutdown(socket.SHUT_RDWR)
        self._thread.join()
        self._listening.close()

    def _serve(self) -> None:
        with contextlib.suppress(OSError):  # it is shut down
            while True:
                plain, _ = self._listening.accept()
                self._refuse(plain)

    def _refuse(self, plain: socket.socket) -> None:
        secured = self._context.wrap_socket(plain, server_side=True, do_handshake_on_connect=False)
        with contextlib.suppress(ssl.SSLError):
            secured.do_handshake()
        with socket.socket(
            fileno=secured.detach()
        ) as told:  # what is unread as it is closed would undo the alert
            told.shutdown(socket.SHUT_WR)
            while told.recv(4096):
                pass


@pytest.mark.parametrize("version", [ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3])
async def test_without_a_certificate_or_with_somebody_else_s_nothing_arrives_and_the_credential_is_blamed(
    authority: Authority, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, version: ssl.TLSVersion
) -> None:
    # aiohttp makes its context once, as it is imported: before the test's authority was there to be trusted.
    trusting = ssl.create_default_context(cafile=str(authority.path))
    monkeypatch.setattr("aiohttp.connector._SSL_CONTEXT_VERIFIED", trusting)
    (tmp_path / "other").mkdir()
    stranger = ClientCertificate(*Authority.make(tmp_path / "other", "Another authority").issue("stranger"))
    context = authority.server(tmp_path)
    context.minimum_version = context.maximum_version = version
    with Alerting(context) as url:
        async with GuardedSession(LOOPBACK, clock=FakeClock()) as session:
            refused = await session.send(Request("POST", url, body=b"x", certificate=stranger))
            missing = await session.send(Request("POST", url, body=b"x"))
    assert refused.error is not None
    assert missing.error is not None
    assert (refused.error.kind, refused.error.sent) == (ErrorKind.AUTHENTICATION, Sent.NO), refused.error
    assert "127.0.0.1 does not accept our client certificate: " in refused.error.sentence
    failure = judge_check(refused, 200)
    assert failure is not None
    assert (failure.blame, failure.permanent) == (Blame.CREDENTIAL, True)
    assert failure.next_action.startswith("Give the connection a client certificate")
    if version is ssl.TLSVersion.TLSv1_3:
        assert missing.error.kind is ErrorKind.AUTHENTICATION
        assert "127.0.0.1 wants a client certificate: " in missing.error.sentence
    else:  # TLS 1.2 has no alert of its own for it
        assert missing.error.kind is ErrorKind.TLS
        assert "it may want a client certificate" in missing.error.sentence


def test_a_certificate_is_looked_at_before_it_is_saved(authority: Authority) -> None:
    method = Registry.builtin().get("http-endpoint").manifest.method("mtls")
    assert method is not None
    certificate, key = authority.issue("mine")
    check_certificate(method, {"certificate": certificate, "private_key": key}, NOW)
    _, other_key = authority.issue("other")
    ended, ended_key = authority.issue("mine", end=datetime(2026, 6, 30, tzinfo=UTC))
    early, early_key = authority.issue("mine", start=datetime(2027, 1, 1, tzinfo=UTC))
    locked = pem_of(ec.generate_private_key(ec.SECP256R1()), b"secret")
    cases = {
        "the private key does not fit the certificate": (certificate, other_key, "private_key"),
        "the certificate ended on 2026-06-30": (ended, ended_key, "certificate"),
        "the certificate begins on 2027-01-01": (early, early_key, "certificate"),
        "the private key has a password": (certificate, locked, "private_key"),
        "the private key is not PEM": (certificate, "nonsense", "private_key"),
        "the certificate is not PEM": ("nonsense", key, "certificate"),
        "the certificate was given without the private_key": (certificate, "", "private_key"),
    }
    for words, (given, given_key, field) in cases.items():
        with pytest.raises(ConnectorError, match=words) as caught:
            check_certificate(method, {"certificate": given, "private_key": given_key}, NOW)
        assert caught.value.field == f"credentials.fields.{field}"
        assert caught.value.fix


def test_a_certificate_is_not_shown_to_an_address_without_tls(authority: Authority) -> None:
    method = Registry.builtin().get("http-endpoint").manifest.method("oauth2")
    assert method is not None
    certificate, key = authority.issue("mine")
    given = {"certificate": certificate, "private_key": key, "token_endpoint": "https://login.example.com/t"}
    check_shown(method, given, "https://crm.example.com")
    check_shown(method, {"token_endpoint": "http://login.example.com/t"}, "http://crm.example.com")
    plain = given | {"token_endpoint": "HTTP://login.example.com/t"}
    for values, url, words, field in (
        (given, "http://crm.example.com", "base URL", "base_url"),
        (plain, "https://crm.example.com", "token address", "credentials.fields.token_endpoint"),
    ):
        with pytest.raises(ConnectorError, match=f"the {words} begins with http://") as caught:
            check_shown(method, values, url)
        assert caught.value.field == field


def test_a_certificate_tells_when_it_ends_and_shows_nothing(authority: Authority) -> None:
    end = datetime(2026, 12, 31, tzinfo=UTC)
    certificate, key = authority.issue("mine", start=START, end=end)
    assert expiry_of_tokens({"certificate": certificate, "private_key": key}) == end
    assert expiry_of_tokens({"certificate": "-----BEGIN CERTIFICATE-----\nnonsense"}) is None
    assert "BEGIN" not in repr(ClientCertificate(certificate, key))
