"""Problems of a connection that stand for as long as something is so, whatever its checks say: expiring, drift, flapping."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from healthdesk.domain.drift import IdentityChange
from healthdesk.domain.expiry import cause_words, renewal_words
from healthdesk.domain.folding import digest
from healthdesk.domain.problem_keys import ProblemKey
from healthdesk.domain.states import Blame, ErrorKind

STANDING_KINDS = frozenset(
    {ErrorKind.EXPIRING, ErrorKind.DRIFT, ErrorKind.FLAPPING, ErrorKind.OFFLINE, ErrorKind.SILENT}
)
"""A good check does not end these, and no record waits for them."""


def standing_fingerprint(kind: ErrorKind, connection_id: str) -> str:
    """Return the fingerprint of a connection's problem of one of `STANDING_KINDS`."""
    return digest("standing", kind.value, connection_id)


def key_for_expiry(
    expires_at: datetime, now: datetime, connection_id: str, name: str, owner: str, auth: str
) -> ProblemKey:
    """Return the problem of a credential that ends soon, or has ended."""
    cause = cause_words(expires_at, now, auth)
    return _key(
        ErrorKind.EXPIRING,
        Blame.CREDENTIAL,
        cause,
        cause[0].upper() + cause[1:],
        f"{renewal_words(auth)}; or enter another date, if this one is wrong",
        connection_id,
        name,
        owner,
    )


def key_for_drift(changes: Sequence[IdentityChange], connection_id: str, name: str, owner: str) -> ProblemKey:
    """Return the problem of a credential that belongs to another account or site now, or may do something else.

    What it is now stays on the desk: an alert names only what changed.
    """
    what = " and ".join(dict.fromkeys(each.what for each in changes))
    lost = any(each.loses for each in changes)
    return _key(
        ErrorKind.DRIFT,
        Blame.PERMISSION if all(each.what == "scopes" for each in changes) else Blame.CONFIGURATION,
        f"{what} changed: " + "; ".join(f"{each.before} → {each.after}" for each in changes),
        f"The {what} behind the credential {'are' if what == 'scopes' else 'is'} not what was connected",
        "Give the account its permissions back, or accept the change"
        if lost
        else "Update the credentials with those that are meant, or accept the change",
        connection_id,
        name,
        owner,
    )


def key_for_flapping(connection_id: str, name: str, owner: str) -> ProblemKey:
    """Return the problem of a connection that goes to and fro between well and not."""
    return _key(
        ErrorKind.FLAPPING,
        Blame.THEM,
        "goes to and fro between connected and failing",
        "The connection goes to and fro between connected and failing; its single changes are not announced",
        "Look at what its checks say; it is said to be over once it is quiet",
        connection_id,
        name,
        owner,
    )


def _key(
    kind: ErrorKind,
    blame: Blame,
    cause: str,
    safe_cause: str,
    next_action: str,
    connection_id: str,
    name: str,
    owner: str,
) -> ProblemKey:
    return ProblemKey(
        fingerprint=standing_fingerprint(kind, connection_id),
        kind=kind,
        blame=blame,
        status=None,
        cause=cause,
        safe_cause=safe_cause,
        next_action=next_action,
        owner=owner,
        integration_id=None,
        connection_id=connection_id,
        environment=None,
        opens_at_once=True,
        where=name,
    )
