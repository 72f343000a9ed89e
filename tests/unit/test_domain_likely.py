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


def likely(body: object, status: int = 400, **known: object):
    raw = body if isinstance(body, bytes) else json.dumps(body).encode()
    told = told_of(raw, {})
    return likely_cause(
        kind=ErrorKind.MISSING_FIELD if told.missing else ErrorKind.REFUSED,
        status=status,
        message=told.message,
        field=told.field,
        missing=told.missing,
        unknown=told.unknown,
        others=[name for name, _ in told.also],
        header=told.header,
        code=told.code,
        **known,
    )


@pytest.mark.parametrize(
    "body",
    [
        {"error": "invalid_grant", "error_description": "expired access/refresh token"},
        {"error": "invalid_grant"},
        {"error": "invalid_client", "error_description": "client not known"},
        [{"message": "Session expired or invalid", "errorCode": "INVALID_SESSION_ID"}],
        [
            {
                "message": "This session is not valid for use with the REST API",
                "errorCode": "INVALID_SESSION_ID",
            }
        ],
        b"Session expired",
        b"Missing Authorization header",
        {"message": "Missing required header: X-Api-Key"},
        {
            "__type": "ExpiredTokenException",
            "message": "The security token included in the request is expired",
        },
        {
            "error": {
                "code": 400,
                "message": "API key not valid. Please pass a valid API key.",
                "status": "INVALID_ARGUMENT",
                "details": [
                    {"@type": "type.googleapis.com/google.rpc.ErrorInfo", "reason": "API_KEY_INVALID"}
                ],
            }
        },
        {
            "error": {
                "message": "Error validating access token: Session has expired on Friday.",
                "type": "OAuthException",
                "code": 190,
            }
        },
        {"message": "jwt expired"},
        {"error": {"message": "Authentication required"}},
        (
            b"<soap:Envelope xmlns:soap='urn:s'><soap:Body><soap:Fault><faultcode>sf:INVALID_SESSION_ID</faultcode>"
            b"<faultstring>INVALID_SESSION_ID: Invalid Session ID found in SessionHeader</faultstring></soap:Fault></soap:Body>"
            b"</soap:Envelope>"
        ),
    ],
)
def test_credentials_that_are_refused_with_400_are_told_as_that(body: object) -> None:
    found = likely(body)
    assert (found.cause, found.key) == (Cause.CREDENTIAL, "u")


@pytest.mark.parametrize(
    "body",
    [
        {"message": "CSRF token has expired"},
        {"error": {"message": "(#100) Invalid parameter", "type": "OAuthException", "code": 100}},
        {"errors": [{"field": "token", "message": "token has expired"}]},
        {"message": "The session is full"},
        {"message": "The card has expired"},
    ],
)
def test_what_only_sounds_like_credentials_is_none_of_them(body: object) -> None:
    assert likely(body).cause is Cause.FORMAT


def test_a_header_that_is_missing_is_named_and_is_no_trouble_with_a_token():
    found = likely(b"Missing required header: X-Signature")
    assert (found.cause, found.field, found.key) == (Cause.MISSING_FIELD, "", "f")
    assert found.sentence == "The endpoint requires the header X-Signature of the request (400)."
    assert found.next_action.startswith("Add X-Signature to the headers")
    named = likely(b"Missing Authorization header", connection="CRM")
    assert named.sentence == (
        "The endpoint finds no credential of CRM in the request: it requires the header Authorization (400)."
    )


@pytest.mark.parametrize(
    ("keys", "ending"),
    [(["mood"], ": they were not sent."), (["score"], "(422)."), (["riskLevel"], "(422)."), (None, "(422).")],
)
def test_several_fields_that_are_missing_are_all_named(keys, ending):
    found = likely(b"risk_level, score are required", 422, keys=keys)
    assert found.sentence.startswith("The endpoint requires the fields risk_level and score (422)")
    assert found.sentence.endswith(ending)
    assert found.field == "risk_level"


def test_a_field_within_something_that_was_sent_is_not_said_to_be_absent():
    body = {"errors": [{"path": "address.street", "message": "is required"}]}
    assert "not sent" not in likely(body, 422, keys=["address"]).sentence
    assert "not sent" in likely(body, 422, keys=["score"]).sentence
