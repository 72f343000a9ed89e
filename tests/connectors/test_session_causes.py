"""Why no answer came, and whether the request was sent: one test a cause."""

import asyncio
import datetime as dt
import errno
import ipaddress
import socket
import ssl

import aiohttp
import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID
from tests.connectors.conftest import LOOPBACK, Names
from tests.connectors.test_session_timings import TickingClock

from healthdesk.connectors.causes import network_error
from healthdesk.connectors.session import GuardedSession, Request
from healthdesk.connectors.wire import Progress
from healthdesk.domain.exchange import Sent
from healthdesk.domain.states import ErrorKind
from healthdesk.testing import (
    FakeEndpoint,
    close_after_request,
    close_before_request,
    garbage,
    reply,
    reset_after_request,
    reset_before_request,
    reset_in_answer,
)


def cause(exchange):
    assert exchange.status is None
    assert exchange.error is not None
    assert exchange.error.sentence.endswith(".")
    return exchange.error.kind, exchange.error.sent


async def test_a_closed_port_is_refused_and_nothing_was_sent(session, refused_port):
    exchange = await session.send(Request("POST", f"http://127.0.0.1:{refused_port}/", body=b"x"))
    assert cause(exchange) == (ErrorKind.CONNECTION_REFUSED, Sent.NO)
    assert exchange.error.sentence == "127.0.0.1 refuses connections."


async def test_every_address_refusing_is_refused(clock, refused_port):
    names = Names({"two.example": ["127.0.0.1", "127.0.0.2"]})
    async with GuardedSession(LOOPBACK, clock=clock, resolver=names) as session:
        exchange = await session.send(Request("POST", f"http://two.example:{refused_port}/", body=b"x"))
    assert cause(exchange) == (ErrorKind.CONNECTION_REFUSED, Sent.NO)


async def test_an_unknown_name_is_dns(clock):
    async with GuardedSession(LOOPBACK, clock=clock, resolver=Names({})) as session:
        exchange = await session.send(Request("POST", "http://nowhere.example/", body=b"x"))
    assert cause(exchange) == (ErrorKind.DNS, Sent.NO)
    assert (
        exchange.error.sentence
        == "The name of nowhere.example cannot be looked up: Name or service not known."
    )


@pytest.mark.parametrize("behaviour", [reset_after_request, close_after_request])
@pytest.mark.parametrize(("method", "body"), [("POST", b"x" * 100), ("POST", b"x" * 1_000_000), ("GET", b"")])
async def test_lost_after_sending_may_have_arrived(session, endpoint, behaviour, method, body):
    endpoint.behave(behaviour())
    exchange = await session.send(Request(method, f"{endpoint.url}/", body=body))
    assert cause(exchange) == (ErrorKind.RESET, Sent.MAYBE)
    assert len(endpoint.requests) == 1


@pytest.mark.parametrize("behaviour", [reset_before_request, close_before_request])
async def test_lost_while_sending_may_have_arrived(session, endpoint, behaviour):
    endpoint.behave(behaviour())
    exchange = await session.send(Request("POST", f"{endpoint.url}/", body=b"x" * 1_000_000))
    assert cause(exchange) == (ErrorKind.RESET, Sent.MAYBE)
    assert endpoint.requests == []


async def test_a_connection_that_was_lost_before_the_first_byte_sent_nothing(session, endpoint):
    """As when the connection dies between being taken from the pool and being written to."""
    sent = TrackedSend(session)
    exchange = await sent.over_a_dead_connection(Request("POST", f"{endpoint.url}/", body=b"x"))
    assert cause(exchange) == (ErrorKind.RESET, Sent.NO)
    assert endpoint.requests == []


async def test_an_answer_that_breaks_off_keeps_its_status_and_says_so(session, endpoint):
    endpoint.behave(reset_in_answer(500, body=b"half an ans"))
    exchange = await session.send(Request("POST", f"{endpoint.url}/", body=b"x"))
    assert (exchange.status, exchange.error) == (500, None)
    assert exchange.response_body == b"half an ans"
    assert exchange.response_cut
    assert exchange.body_error is not None
    assert (exchange.body_error.kind, exchange.body_error.sent) == (ErrorKind.RESET, Sent.YES)


async def test_what_is_not_http_is_a_protocol_error_of_a_request_that_arrived(session, endpoint):
    endpoint.behave(garbage())
    exchange = await session.send(Request("POST", f"{endpoint.url}/", body=b"x"))
    assert cause(exchange) == (ErrorKind.PROTOCOL, Sent.YES)


async def test_endless_headers_are_a_protocol_error(session, endpoint):
    endpoint.answer(200, headers={"X-Long": "x" * 100_000})
    exchange = await session.send(Request("POST", f"{endpoint.url}/", body=b"x"))
    assert cause(exchange) == (ErrorKind.PROTOCOL, Sent.YES)


async def test_many_long_headers_are_cut_before_they_are_kept(session, endpoint):
    endpoint.answer(200, headers={f"X-{number}": "x" * 1000 for number in range(60)})
    exchange = await session.send(Request("POST", f"{endpoint.url}/", body=b"x"))
    assert exchange.status == 200
    assert sum(map(len, exchange.response_headers.values())) <= 16_384


@pytest.mark.parametrize(
    "url", ["ftp://127.0.0.1/", "http:///nohost", "nonsense", "http://[::1", "http://127.0.0.1:99999/"]
)
async def test_an_impossible_url_is_a_fault_of_configuration(session, url):
    exchange = await session.send(Request("POST", url, body=b"x"))
    assert cause(exchange) == (ErrorKind.CONFIGURATION, Sent.NO)


async def test_a_header_with_a_line_break_is_refused_and_its_value_not_told(session, endpoint):
    request = Request("POST", f"{endpoint.url}/", headers={"X-Api-Key": "secret\r\nX-Evil: 1"}, body=b"x")
    exchange = await session.send(request)
    assert cause(exchange) == (ErrorKind.CONFIGURATION, Sent.NO)
    assert "secret" not in exchange.error.sentence
    assert endpoint.requests == []


class TestTls:
    @pytest.fixture
    def certificate(self, tmp_path):
        """A certificate for 127.0.0.1, signed by itself."""
        key = ec.generate_private_key(ec.SECP256R1())
        name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "fake endpoint")])
        start = dt.datetime(2020, 1, 1, tzinfo=dt.UTC)
        made = (
            x509.CertificateBuilder()
            .subject_name(name)
            .issuer_name(name)
            .public_key(key.public_key())
            .serial_number(1)
            .not_valid_before(start)
            .not_valid_after(start.replace(year=2120))
            .add_extension(
                x509.SubjectAlternativeName([x509.IPAddress(ipaddress.ip_address("127.0.0.1"))]),
                critical=False,
            )
            .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
            .sign(key, hashes.SHA256())
        )
        path = tmp_path / "endpoint.pem"
        path.write_bytes(
            key.private_bytes(
                serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
            )
            + made.public_bytes(serialization.Encoding.PEM)
        )
        return path

    @pytest.fixture
    async def tls_endpoint(self, certificate):
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(certificate)
        async with FakeEndpoint(ssl_context=context) as running:
            yield running

    async def test_a_certificate_nobody_vouches_for_is_refused_before_sending(self, session, tls_endpoint):
        exchange = await session.send(Request("POST", f"{tls_endpoint.url}/", body=b"x"))
        assert cause(exchange) == (ErrorKind.TLS, Sent.NO)
        assert "self-signed certificate" in exchange.error.sentence
        assert tls_endpoint.requests == []

    async def test_a_certificate_for_another_name_is_refused(self, clock, tls_endpoint, certificate):
        context = ssl.create_default_context(cafile=str(certificate))
        names = Names({"other.example": ["127.0.0.1"]})
        async with GuardedSession(LOOPBACK, clock=clock, resolver=names, ssl_context=context) as session:
            exchange = await session.send(
                Request("POST", f"https://other.example:{tls_endpoint.port}/", body=b"x")
            )
        assert cause(exchange) == (ErrorKind.TLS, Sent.NO)
        assert "other.example" in exchange.error.sentence

    async def test_a_trusted_certificate_is_accepted(self, clock, tls_endpoint, certificate):
        context = ssl.create_default_context(cafile=str(certificate))
        async with GuardedSession(LOOPBACK, clock=clock, ssl_context=context) as session:
            exchange = await session.send(Request("POST", f"{tls_endpoint.url}/", body=b"x"))
        assert exchange.status == 200

    async def test_tls_is_timed_apart_from_the_connection(self, tls_endpoint, certificate):
        context = ssl.create_default_context(cafile=str(certificate))
        async with GuardedSession(LOOPBACK, clock=TickingClock(), ssl_context=context) as session:
            exchange = await session.send(Request("POST", f"{tls_endpoint.url}/", body=b"x"))
        assert exchange.connect_ms > 0
        assert exchange.tls_ms > 0
        assert exchange.connect_ms + exchange.tls_ms < exchange.first_byte_ms < exchange.duration_ms

    async def test_tls_to_a_port_that_speaks_plain_http_is_tls(self, session, endpoint):
        endpoint.behave(garbage(b"HTTP/1.1 400 Bad Request\r\n\r\n", before_reading=True))
        exchange = await session.send(Request("POST", f"https://127.0.0.1:{endpoint.port}/", body=b"x"))
        assert cause(exchange) == (ErrorKind.TLS, Sent.NO)

    async def test_a_connection_that_is_dropped_in_the_handshake_sent_nothing(self, session, endpoint):
        endpoint.behave(close_before_request())
        exchange = await session.send(Request("POST", f"https://127.0.0.1:{endpoint.port}/", body=b"x"))
        assert cause(exchange) == (ErrorKind.RESET, Sent.NO)


@pytest.mark.parametrize(
    ("number", "kind"),
    [
        (errno.ETIMEDOUT, ErrorKind.CONNECT_TIMEOUT),
        (errno.ENETUNREACH, ErrorKind.CONNECTION_REFUSED),
        (errno.EHOSTUNREACH, ErrorKind.CONNECTION_REFUSED),
        (errno.EMFILE, ErrorKind.INTERNAL),
        (errno.EADDRNOTAVAIL, ErrorKind.INTERNAL),
        (errno.ECONNRESET, ErrorKind.RESET),
    ],
)
def test_errors_of_the_operating_system_before_a_connection_sent_nothing(number, kind):
    error = network_error(OSError(number, "told by the system"), Progress(), host="crm.example")
    assert (error.kind, error.sent) == (kind, Sent.NO)


def test_an_unforeseen_error_before_a_connection_is_still_typed():
    error = network_error(aiohttp.ClientError(), Progress(), host="crm.example")
    assert error.sent is Sent.NO


class TrackedSend:
    """Sends over a connection from the pool that dies in the moment it is taken."""

    def __init__(self, session: GuardedSession) -> None:
        self._session = session

    async def over_a_dead_connection(self, request: Request):
        connector = self._session._http.connector
        connect = connector.connect

        async def dying(*args, **kwargs):
            connection = await connect(*args, **kwargs)
            connection.transport.abort()
            return connection

        connector.connect = dying
        return await self._session.send(request)


async def test_the_fake_endpoint_really_resets(endpoint):
    """RST and not FIN: a client that reads sees ECONNRESET."""
    endpoint.behave(reset_before_request())
    with socket.create_connection(("127.0.0.1", endpoint.port)) as client:
        client.setblocking(False)
        loop = asyncio.get_running_loop()
        await loop.sock_sendall(client, b"P")
        with pytest.raises(ConnectionResetError):
            await loop.sock_recv(client, 1)


async def test_scripted_answers_come_in_order_and_then_the_standing_one(session, endpoint):
    endpoint.script(500, reply(429, headers={"Retry-After": "7"}))
    endpoint.answer(204)
    statuses = [(await session.send(Request("POST", endpoint.url, body=b"x"))).status for _ in range(4)]
    assert statuses == [500, 429, 204, 204]
