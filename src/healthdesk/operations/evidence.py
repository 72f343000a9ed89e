"""The last good check beside the first bad one: what differs, in one plain sentence and one action.

Pure: rows in, models out. Times stay data, so that each reader sees them in their own zone.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any
from urllib.parse import urlsplit

from healthdesk.api.connections import IdentityChange
from healthdesk.api.health import CheckEvidence, Difference, Evidence, Identity
from healthdesk.domain.drift import scope_words
from healthdesk.domain.identity import Identity as Whose
from healthdesk.domain.states import ConnectionState
from healthdesk.operations.explain import explain_connection, said_of, sentence
from healthdesk.store.rows import ConnectionRow, HeartbeatRow
from healthdesk.store.rows_health import CheckEvidenceRow
from healthdesk.store.standing import drift_of

HEADERS = (
    "content-type",
    "server",
    "www-authenticate",
    "location",
    "retry-after",
    "x-ratelimit-remaining",
    "x-oauth-scopes",
    "x-accepted-oauth-scopes",
    "deprecation",
    "sunset",
)
"""Headers of an answer that tell why it is another one: who answered, what it is, and what was asked for."""

_WELL = (ConnectionState.CONNECTED, ConnectionState.UNKNOWN)


def evidence_of(row: ConnectionRow, found: CheckEvidenceRow, *, bodies: bool) -> Evidence:
    """Return the evidence of a connection. `bodies`: the reader may see what the app answered."""
    good, bad, latest = found.last_good, found.first_bad, found.latest
    why = explain_connection(row)
    shown = {each.id for each in (good, bad) if each is not None}
    return Evidence(
        connection_id=row.id,
        name=row.name,
        state=row.state,
        sentence=_sentence(row, found),
        comparison=_comparison(row, good, bad),
        blame=why.blame if why else "",
        next_action=why.next_action if why else "",
        key=why.key if why else "",
        last_good=_check(good, bodies=bodies),
        first_bad=_check(bad, bodies=bodies),
        latest=_check(latest, bodies=bodies) if latest and latest.id not in shown else None,
        differences=_differences(row, good, bad),
        drift=drift_models(row),
    )


def drift_models(row: ConnectionRow) -> list[IdentityChange]:
    """Return how the credential differs from the one that was connected."""
    return [
        IdentityChange(what=each.what, before=each.before, after=each.after, sentence=each.sentence)
        for each in drift_of(row.identity, row.identity_connected)
    ]


def _sentence(row: ConnectionRow, found: CheckEvidenceRow) -> str:
    bad = found.first_bad
    if row.state in _WELL or bad is None:
        if row.judged_by_deliveries:
            return "Judged by its deliveries: their failures are the evidence, in its problem."
        if row.state is ConnectionState.UNKNOWN:
            return "Not checked yet."
        return "Nothing is wrong: the last check was good." if row.failure is None else _why(row)
    said = said_of(row.name, bad.sentence)
    latest = found.latest
    if latest is not None and not latest.ok and latest.kind != bad.kind:
        said += f" By now: {sentence(latest.sentence)}"
    return said


def _why(row: ConnectionRow) -> str:
    return said_of(row.name, row.failure.sentence) if row.failure else ""


def _comparison(row: ConnectionRow, good: HeartbeatRow | None, bad: HeartbeatRow | None) -> str:
    """Return `same account, same site`: what the credential and the address say, whatever was answered."""
    if bad is None:
        return ""
    if good is None:
        return "never good before"
    parts = []
    before, after = _whose(good.identity), _whose(bad.identity) or _whose(row.identity)
    if before is not None and after is not None:
        parts.append("same account" if before.account_id == after.account_id else "another account")
        if _fewer(before, after):
            parts.append("other scopes")
    noun = "site" if before is not None else "address"
    if good.url or bad.url:  # a ping has none
        parts.append(f"same {noun}" if _host(good) == _host(bad) else f"another {noun}")
    return ", ".join(parts)


def _fewer(before: Whose, after: Whose) -> bool:
    return None not in (before.scopes, after.scopes) and set(before.scopes or ()) != set(after.scopes or ())


def _differences(row: ConnectionRow, good: HeartbeatRow | None, bad: HeartbeatRow | None) -> list[Difference]:
    if good is None or bad is None:
        return []
    pairs: list[tuple[str, str, str]] = []
    before, after = _whose(good.identity), _whose(bad.identity) or _whose(row.identity)
    if before is not None and after is not None:
        if before.account_id != after.account_id:
            pairs.append(("account", before.label, after.label))
        pairs.append(("site", before.site, after.site))
        if before.scopes is not None and after.scopes is not None:
            pairs.append(("scopes", scope_words(before.scopes), scope_words(after.scopes)))
    pairs.append(("address", f"{good.method} {good.url}".strip(), f"{bad.method} {bad.url}".strip()))
    pairs.append(("status", str(good.status or "no answer"), str(bad.status or "no answer")))
    if bad.status is not None:
        was, is_now = _lower(good.response_headers), _lower(bad.response_headers)
        pairs += [(name, was.get(name, ""), is_now.get(name, "")) for name in HEADERS]
    return [Difference(what=what, before=one, after=two) for what, one, two in pairs if one != two]


def _lower(headers: Mapping[str, str]) -> dict[str, str]:
    return {name.lower(): value for name, value in headers.items()}


def _host(check: HeartbeatRow) -> str:
    return urlsplit(check.url).netloc.lower()


def _whose(kept: Mapping[str, Any] | None) -> Whose | None:
    return Whose.from_json(kept) if kept else None


def _check(row: HeartbeatRow | None, *, bodies: bool) -> CheckEvidence | None:
    return check_of(row, bodies=bodies) if row is not None else None


def check_of(row: HeartbeatRow, *, bodies: bool) -> CheckEvidence:
    """Return a check whole. `bodies`: the reader may see what the app answered."""
    return CheckEvidence(
        **{name: getattr(row, name) for name in _SAME},
        response_headers=dict(row.response_headers),
        response_body=row.response_body.decode("utf-8", "replace") if bodies else "",
        identity=Identity.model_validate(row.identity) if row.identity else None,
    )


_SAME: Sequence[str] = (
    "id", "connection_id", "at", "trigger", "ok", "status", "duration_ms", "kind", "sentence", "state_after",
    "method", "url", "response_cut",
)  # fmt: skip
