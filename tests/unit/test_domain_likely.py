"""What is likely wrong with a record that was not taken."""

import json

import pytest

from healthdesk.domain.likely import Cause, likely_cause
from healthdesk.domain.outcome import told_of
from healthdesk.domain.states import ErrorKind


@pytest.mark.parametrize(
    ("kind", "status", "message", "cause", "key"),
    [
        (ErrorKind.AUTHENTICATION, 401, "", Cause.CREDENTIAL, "u"),
        (ErrorKind.PERMISSION, 403, "", Cause.CREDENTIAL, "u"),
        (ErrorKind.REFUSED, 400, "The access token is invalid", Cause.CREDENTIAL, "u"),
        (ErrorKind.MISSING_FIELD, 422, "a field is required", Cause.MISSING_FIELD, "f"),
        (ErrorKind.NOT_FOUND, 404, "", Cause.ENDPOINT, "e"),
        (ErrorKind.DNS, None, "", Cause.ENDPOINT, "e"),
        (ErrorKind.CONNECTION_REFUSED, None, "", Cause.ENDPOINT, "e"),
        (ErrorKind.REFUSED, 405, "", Cause.ENDPOINT, "e"),
        (ErrorKind.FORMAT, 415, "", Cause.FORMAT, "f"),
        (ErrorKind.TOO_LARGE, 413, "", Cause.FORMAT, "f"),
        (ErrorKind.REFUSED, 422, "score out of range", Cause.FORMAT, "f"),
        (ErrorKind.REFUSED, 409, "", Cause.DOWNSTREAM, "s"),
        (ErrorKind.SERVER_ERROR, 503, "", Cause.DOWNSTREAM, "s"),
        (ErrorKind.TIMEOUT, None, "", Cause.DOWNSTREAM, "s"),
        (ErrorKind.RATE_LIMITED, 429, "", Cause.DOWNSTREAM, "s"),
    ],
)
def test_each_failure_has_a_cause_a_sentence_and_a_next_step(kind, status, message, cause, key):
    found = likely_cause(kind=kind, status=status, message=message)
    assert (found.cause, found.key) == (cause, key)
    assert found.sentence.endswith(".")
    assert found.next_action.endswith(".")
    assert str(status or "") in found.sentence


def test_our_own_faults_and_no_failure_have_none():
    assert likely_cause(kind="", status=200) is None
    assert likely_cause(kind=ErrorKind.INTERNAL, status=None) is None


def test_an_expired_token_is_told_from_one_that_may_be_anything():
    told = likely_cause(kind=ErrorKind.AUTHENTICATION, status=401, message="token expired", connection="CRM")
    assert told.sentence == "The endpoint refuses the credential of CRM (401): the token has expired."
    told = likely_cause(kind=ErrorKind.AUTHENTICATION, status=401, message="no")
    assert "was revoked or is wrong" in told.sentence


@pytest.mark.parametrize(
    ("keys", "words", "action"),
    [
        (["score"], "it was not sent", "Set risk_level"),
        (["riskLevel"], "it was sent as riskLevel", "Rename riskLevel to risk_level"),
        (["Risk-Level"], "it was sent as Risk-Level", "Rename Risk-Level"),
        (["risk_level"], "empty or not in the form", "Set a value for risk_level"),
        (None, "requires the field risk_level (422).", "Set risk_level"),
    ],
)
def test_a_missing_field_is_named_and_looked_for_in_what_was_sent(keys, words, action):
    found = likely_cause(
        kind=ErrorKind.MISSING_FIELD, status=422, field="risk_level", missing=True, keys=keys
    )
    assert found.field == "risk_level"
    assert words in found.sentence
    assert found.next_action.startswith(action)


_NO_PROPERTY = 'Property "risk_level" does not exist'
_VALIDATED = [
    {"isValid": False, "message": _NO_PROPERTY, "error": "PROPERTY_DOESNT_EXIST", "name": "risk_level"}
]


@pytest.mark.parametrize(
    "body",
    [
        {
            "message": "Not valid",
            "errors": [
                {
                    "message": _NO_PROPERTY,
                    "code": "PROPERTY_DOESNT_EXIST",
                    "context": {"propertyName": ["risk_level"]},
                }
            ],
        },
        {
            "message": f"Property values were not valid: {json.dumps(_VALIDATED)}",
            "category": "VALIDATION_ERROR",
        },
        [{"message": "No such column 'risk_level' on sobject of type Contact", "errorCode": "INVALID_FIELD"}],
        'Unknown field: "risk_level"',
    ],
)
def test_a_field_that_the_endpoint_does_not_have_is_named(body: object) -> None:
    told = told_of(json.dumps(body).encode(), {})
    assert (told.field, told.unknown, told.missing) == ("risk_level", True, False)
    assert not told_of(b'{"code": "INVALID_FIELD", "field": "age", "message": "must be 18"}', {}).unknown


def test_a_field_that_the_endpoint_does_not_have_is_renamed_or_removed():
    found = likely_cause(kind=ErrorKind.REFUSED, status=400, field="risk_level", unknown=True)
    assert (found.cause, found.field, found.key) == (Cause.FORMAT, "risk_level", "f")
    assert found.sentence == "The endpoint has no field risk_level (400)."
    assert found.next_action.startswith("Rename or remove risk_level in the mapping")


def test_a_server_that_fails_over_a_named_field_misses_it():
    found = likely_cause(kind=ErrorKind.SERVER_ERROR, status=500, field="risk_level", missing=True, keys=[])
    assert (found.cause, found.sentence) == (
        Cause.MISSING_FIELD,
        "The endpoint fails without the field risk_level (500): it was not sent.",
    )
