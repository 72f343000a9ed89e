"""Client certificates of connections (mutual TLS): looked at when they are given, and put into a TLS context of their own."""

from __future__ import annotations

import os
import ssl
import tempfile
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from functools import lru_cache

from cryptography import x509
from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives import serialization

from healthdesk.connectors.spec.auth import AuthManifest
from healthdesk.connectors.texts import text
from healthdesk.errors import ConnectorError


@dataclass(frozen=True, slots=True)
class ClientCertificate:
    """A certificate with its chain, and its key, both PEM without a password."""

    certificate: str
    key: str

    def __repr__(self) -> str:
        """Show nothing: a traceback or a log line must not hold a key."""
        return "ClientCertificate()"


def certificate_of(method: AuthManifest, values: Mapping[str, str]) -> ClientCertificate | None:
    """Return the client certificate among the fields of a method, or None."""
    named = method.client_certificate
    if named is None or not values.get(named.certificate):
        return None
    return ClientCertificate(values[named.certificate], values.get(named.key, ""))


def check_certificate(method: AuthManifest, values: Mapping[str, str], now: datetime) -> None:
    """Raise ConnectorError for a certificate that cannot be read, has ended, or does not fit its key."""
    named = method.client_certificate
    if named is None or not (values.get(named.certificate) or values.get(named.key)):
        return
    for field, other in ((named.certificate, named.key), (named.key, named.certificate)):
        if not values.get(field):
            raise _wrong(field, f"the {other} was given without the {field}", "give both, or neither")
    try:
        first = x509.load_pem_x509_certificates(values[named.certificate].encode())[0]
    except ValueError:
        raise _wrong(
            named.certificate,
            "the certificate is not PEM",
            "it begins with -----BEGIN CERTIFICATE-----; the chain may follow",
        ) from None
    try:
        key = serialization.load_pem_private_key(values[named.key].encode(), None)
    except TypeError:
        raise _wrong(
            named.key,
            "the private key has a password",
            "take it off: `openssl pkey -in key.pem -out plain.pem`",
        ) from None
    except (ValueError, UnsupportedAlgorithm):
        raise _wrong(
            named.key, "the private key is not PEM", "it begins with -----BEGIN PRIVATE KEY----- or the like"
        ) from None
    if first.public_key() != key.public_key():
        raise _wrong(
            named.key,
            "the private key does not fit the certificate",
            "give the key the certificate was issued for",
        )
    if first.not_valid_after_utc <= now:
        raise _wrong(
            named.certificate,
            f"the certificate ended on {first.not_valid_after_utc:%Y-%m-%d}",
            "have a new one issued",
        )
    if first.not_valid_before_utc > now:
        raise _wrong(
            named.certificate,
            f"the certificate begins on {first.not_valid_before_utc:%Y-%m-%d}",
            "wait until then, or set this machine's clock",
        )


def check_shown(method: AuthManifest, values: Mapping[str, str], base_url: str) -> None:
    """Raise ConnectorError where a certificate was given for an address without TLS: nothing would ever ask for it.

    That is the base URL, and where tokens are got with the certificate (RFC 8705) the token address.
    """
    if certificate_of(method, values) is None:
        return
    if _plain(base_url):
        raise ConnectorError(
            "a client certificate is shown in TLS, and the base URL begins with http://",
            fix="give a base URL with https://, or leave the certificate out",
            field="base_url",
        )
    address = text("" if method.oauth is None else method.oauth.token_url)
    if _plain(address.filled(values)):
        named = next(iter(address.names), "")
        raise ConnectorError(
            "a client certificate is shown in TLS, and the token address begins with http://",
            fix="give a token address with https://, or leave the certificate out",
            field=f"credentials.fields.{named}" if named else "credentials",
        )


def _plain(url: str) -> bool:
    """Tell whether a request to this URL has no TLS; schemes are the same in capitals (RFC 3986, section 3.1)."""
    return url.strip().lower().startswith("http://")


def _wrong(field: str, what: str, fix: str) -> ConnectorError:
    return ConnectorError(what, fix=fix, field=f"credentials.fields.{field}")


@lru_cache(maxsize=256)
def context_of(given: ClientCertificate) -> ssl.SSLContext:
    """Return the TLS context of a client certificate, the same each time: connections are kept and used again by it.

    Python reads certificates from files alone; this one is memory, or is gone when this returns. Raises ConnectorError.
    """
    context = ssl.create_default_context()
    pem = f"{given.certificate.strip()}\n{given.key.strip()}\n".encode()
    try:
        if hasattr(os, "memfd_create"):
            number = os.memfd_create("client-certificate")
            with os.fdopen(number, "wb") as file:
                file.write(pem)
                file.flush()
                context.load_cert_chain(f"/proc/self/fd/{number}")
        else:
            with tempfile.NamedTemporaryFile() as named:
                named.write(pem)
                named.flush()
                context.load_cert_chain(named.name)
    except (ssl.SSLError, OSError) as error:
        raise ConnectorError(
            f"the client certificate cannot be used: {error.strerror or type(error).__name__}",
            fix="give the certificate and its key again",
        ) from error
    return context
