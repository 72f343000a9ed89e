"""Authentication at apps: credentials, tokens, and what makes a request authentic."""

from healthdesk.connectors.auth.credentials import StoredCredentials, check_credentials, check_value
from healthdesk.connectors.auth.static import auth_headers, basic, secret_headers, secrets_of

__all__ = [
    "StoredCredentials",
    "auth_headers",
    "basic",
    "check_credentials",
    "check_value",
    "secret_headers",
    "secrets_of",
]
