"""Drift is what the app said both times and said differently; everything else says nothing."""

from __future__ import annotations

from dataclasses import replace

from hypothesis import given
from hypothesis import strategies as st

from healthdesk.domain.drift import identity_changes, scope_words
from healthdesk.domain.identity import Identity
from healthdesk.domain.standing import STANDING_KINDS, key_for_drift
from healthdesk.domain.states import Blame, ErrorKind

OPS = Identity("7", "ops@acme.io", "https://acme.atlassian.net", ("read", "write"))
IDENTITIES = st.builds(
    Identity,
    st.sampled_from(["1", "2"]),
    st.sampled_from(["", "ops", "bob"]),
    st.sampled_from(["", "https://a.example", "https://b.example"]),
    st.none() | st.lists(st.sampled_from(["a", "b", "c"])).map(tuple),
)


def whats(before: Identity, after: Identity) -> list[str]:
    return [each.what for each in identity_changes(before, after)]


@given(IDENTITIES, IDENTITIES)
def test_the_same_is_no_drift_and_drift_is_seen_from_both_sides(one: Identity, other: Identity) -> None:
    assert whats(one, one) == []
    assert whats(one, other) == whats(other, one)


@given(IDENTITIES, IDENTITIES)
def test_what_the_app_does_not_tell_says_nothing(one: Identity, other: Identity) -> None:
    silent = replace(other, account_id=one.account_id, site="", scopes=None)
    assert whats(one, silent) == []


def test_a_renamed_account_and_another_spelling_of_the_site_are_the_same() -> None:
    assert whats(OPS, replace(OPS, account="operations@acme.io")) == []
    assert whats(OPS, replace(OPS, site="https://ACME.atlassian.net/")) == []
    assert whats(OPS, replace(OPS, scopes=("write", "read"))) == []


def test_another_account_site_and_fewer_scopes_are_said_in_a_sentence_each() -> None:
    after = Identity("8", "bob@acme.io", "https://other.atlassian.net", ("read", "admin"))
    account, site, scopes = identity_changes(OPS, after)
    assert account.sentence == (
        "The credential belongs to the account bob@acme.io (8) now, it was ops@acme.io (7)."
    )
    assert (site.before, site.after) == (OPS.site, after.site)
    assert scopes.sentence == "The scopes of the credential changed: it lost write and gained admin."
    assert scopes.loses
    assert not account.loses


def test_hundreds_of_scopes_are_one_short_line() -> None:
    assert scope_words([f"scope{n:03}" for n in range(300)]).endswith(" and 288 more")
    assert scope_words([]) == "none"


def test_the_problem_of_drift_blames_and_its_alert_names_no_account() -> None:
    other = identity_changes(OPS, replace(OPS, account_id="8", account="bob@acme.io"))
    key = key_for_drift(other, "con_1", "Jira", "alice")
    assert (key.kind, key.blame, key.opens_at_once) == (ErrorKind.DRIFT, Blame.CONFIGURATION, True)
    assert "bob@acme.io" in key.cause
    assert "bob" not in key.safe_cause
    fewer = identity_changes(OPS, replace(OPS, scopes=("read",)))
    lost = key_for_drift(fewer, "con_1", "Jira", "alice")
    assert lost.blame is Blame.PERMISSION
    assert lost.fingerprint == key.fingerprint, "one problem of drift a connection"
    assert ErrorKind.DRIFT in STANDING_KINDS


def test_the_label_of_an_account_names_its_site() -> None:
    assert OPS.label == "acme.atlassian.net · ops@acme.io"
    assert Identity("acme-bot").label == "acme-bot"
    assert Identity("1", "acme.okta.com", "https://acme.okta.com").label == "acme.okta.com"
