"""Which records of an environment go one after the other: those with one value at its order key."""

from __future__ import annotations

from healthdesk.domain.lookup_values import canonical, keyed_hash
from healthdesk.domain.states import Environment
from healthdesk.domain.templating import look, split_path


def order_key(
    secret: bytes, integration_id: str, environment: Environment, path: str, data: object
) -> str | None:
    """Return what tells the record's order key from others, as hex of HMAC-SHA256, or None for a record without one.

    The value itself is not kept. A record without a value at `path`, or with an object or array there, waits for none.
    """
    text = canonical(look(data, split_path(path)))
    if text is None:
        return None
    return keyed_hash(secret, "order", integration_id, environment.value, path, text).hex()
