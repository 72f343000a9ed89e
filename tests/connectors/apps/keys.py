"""The key that service accounts of the fakes sign with, made anew in every run."""

from __future__ import annotations

from typing import Any

import jwt
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat

_KEY = rsa.generate_private_key(public_exponent=65537, key_size=2048)
PEM = _KEY.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()).decode()


def claims_of(assertion: str, audience: str) -> dict[str, Any] | None:
    """Return the claims that the key signed for an audience, or None. The time is the test's clock's, not the host's."""
    try:
        return jwt.decode(
            assertion,
            _KEY.public_key(),
            algorithms=["RS256"],
            audience=audience,
            options={"verify_exp": False, "verify_iat": False, "require": ["iss", "sub", "exp", "iat"]},
        )
    except jwt.PyJWTError:
        return None
