"""AWS signatures against AWS's published vector and botocore, and roles that are assumed."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest
from botocore.auth import SigV4Auth
from botocore.awsrequest import AWSRequest
from botocore.credentials import Credentials
from tests.connectors.auth_world import app_with, fields, form_of

from healthdesk.connectors.auth.aws import signed
from healthdesk.connectors.auth.build import build_authorizer
from healthdesk.connectors.auth.tokens import MemoryTokens
from healthdesk.connectors.outgoing import NotAuthorized, Outgoing
from healthdesk.domain.states import Blame, ErrorKind
from healthdesk.testing import FakeClock, reply

# The example keys of AWS's documentation, valid nowhere.
KEYS = {"access_key_id": "AKIDEXAMPLE", "secret_access_key": "wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY"}
AWS = {
    "type": "aws_sigv4",
    "fields": fields("access_key_id", "secret_access_key", secret=("secret_access_key",)),
    "aws": {"service": "sts", "region": "{region}"},
}
ROLE = {"role_arn": "arn:aws:iam::123456789012:role/desk", "external_id": "tenant-7"}
ASSUMED = """<AssumeRoleResponse xmlns="https://sts.amazonaws.com/doc/2011-06-15/"><AssumeRoleResult><Credentials>
<AccessKeyId>ASIAEXAMPLE</AccessKeyId><SecretAccessKey>temp0rary-s3cret</SecretAccessKey>
<SessionToken>sess1on-t0ken-{number}</SessionToken><Expiration>{until}</Expiration></Credentials>
</AssumeRoleResult></AssumeRoleResponse>"""
DENIED = """<ErrorResponse xmlns="https://sts.amazonaws.com/doc/2011-06-15/"><Error><Type>Sender</Type>
<Code>AccessDenied</Code><Message>User: arn:aws:iam::1:user/x is not authorized to perform: sts:AssumeRole</Message>
</Error></ErrorResponse>"""


def test_the_signature_is_that_of_the_published_vector():
    # AWS's Signature Version 4 test suite, get-vanilla-query-order-key-case:
    # https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_sigv-create-signed-request.html
    clock = FakeClock(datetime(2015, 8, 30, 12, 36, tzinfo=UTC))
    request = Outgoing("GET", "https://example.amazonaws.com/?Param2=value2&Param1=value1")
    sent = signed(request, KEYS, service="service", region="us-east-1", clock=clock)
    assert sent.headers["Authorization"] == (
        "AWS4-HMAC-SHA256 Credential=AKIDEXAMPLE/20150830/us-east-1/service/aws4_request, "
        "SignedHeaders=host;x-amz-date, "
        "Signature=b97d918cfa904a5beff61c982a1b6f458b799221646efd99d3219ec94cdf2500"
    )
    assert sent.headers["X-Amz-Date"] == "20150830T123600Z"


def test_a_body_and_a_session_token_are_signed_as_botocore_does(monkeypatch):
    at = datetime(2026, 3, 2, 9, 30, tzinfo=UTC)
    monkeypatch.setattr("botocore.auth.get_current_datetime", lambda: at)
    url, body, headers = "https://sts.eu-west-1.amazonaws.com/", b"Action=X", {"Content-Type": "text/plain"}
    expected = AWSRequest("POST", url, headers=dict(headers), data=body)
    keys = {**KEYS, "session_token": "sess1on"}
    SigV4Auth(Credentials(*keys.values()), "sts", "eu-west-1").add_auth(expected)
    sent = signed(
        Outgoing("POST", url, headers, body),
        keys,
        service="sts",
        region="eu-west-1",
        clock=FakeClock(at),
    )
    assert sent.headers == dict(expected.headers.items())
    assert sent.headers["X-Amz-Security-Token"] == "sess1on"
    assert sent.secret_headers == {"authorization", "x-amz-security-token"}


@pytest.fixture
def built(session, clock, endpoint):
    def build(**settings):
        return build_authorizer(
            app_with(AWS),
            "main",
            KEYS,
            {"region": "eu-west-1", "token_url": f"{endpoint.url}/sts", **settings},
            session=session,
            clock=clock,
            tokens=MemoryTokens(),
        )

    return build


def assumed(number, until):
    return reply(200, body=ASSUMED.format(number=number, until=until).encode())


GET = Outgoing(
    "POST", "https://sts.eu-west-1.amazonaws.com/", {}, b"Action=GetCallerIdentity&Version=2011-06-15"
)


async def test_without_a_role_the_keys_sign_and_nothing_is_asked(built, endpoint):
    sent = await built().authorize(GET)
    assert "Credential=AKIDEXAMPLE/20260302/eu-west-1/sts/aws4_request" in sent.headers["Authorization"]
    assert endpoint.requests == []


async def test_a_role_is_assumed_once_with_the_external_id_and_its_keys_sign(built, endpoint, clock):
    endpoint.script(assumed(1, "2026-03-02T10:30:00Z"), assumed(2, "2026-03-02T11:30:00Z"))
    authorizer = built(**ROLE)
    sent = await authorizer.authorize(GET)
    await authorizer.authorize(GET)
    assert "Credential=ASIAEXAMPLE/" in sent.headers["Authorization"]
    assert sent.headers["X-Amz-Security-Token"] == "sess1on-t0ken-1"
    assert sent.secrets.out_of(b"temp0rary-s3cret sess1on-t0ken-1").count("••••".encode()) == 2
    (request,) = endpoint.requests
    assert form_of(request) == {
        "Action": "AssumeRole",
        "Version": "2011-06-15",
        "RoleArn": ROLE["role_arn"],
        "RoleSessionName": "healthdesk",
        "DurationSeconds": "3600",
        "ExternalId": "tenant-7",
    }
    assert "Credential=AKIDEXAMPLE/20260302/eu-west-1/sts/" in request.headers["authorization"]
    assert "temp0rary-s3cret" not in str(await authorizer.values())
    clock.advance(3600)
    sent = await authorizer.authorize(GET)
    assert sent.headers["X-Amz-Security-Token"] == "sess1on-t0ken-2"


async def test_the_request_for_a_role_arrives_as_it_was_signed(built, endpoint, clock, monkeypatch):
    endpoint.behave(assumed(1, "2026-03-02T10:30:00Z"))
    await built(**ROLE).authorize(GET)
    (request,) = endpoint.requests
    monkeypatch.setattr("botocore.auth.get_current_datetime", lambda: clock.now().replace(tzinfo=None))
    again = AWSRequest(
        "POST",
        f"{endpoint.url}/sts",
        headers={"Content-Type": request.headers["content-type"]},
        data=request.body,
    )
    SigV4Auth(Credentials(*KEYS.values()), "sts", "eu-west-1").add_auth(again)
    assert request.headers["authorization"] == again.headers["Authorization"]
    assert request.headers["host"] == f"127.0.0.1:{endpoint.port}"


async def test_a_role_that_may_not_be_assumed_is_a_permission(built, endpoint):
    endpoint.answer(403, body=DENIED.encode(), headers={"Content-Type": "text/xml"})
    with pytest.raises(NotAuthorized) as caught:
        await built(**ROLE).authorize(GET)
    failure = caught.value.failure
    assert (failure.kind, failure.blame) == (ErrorKind.PERMISSION, Blame.PERMISSION)
    assert "not authorized to perform: sts:AssumeRole" in failure.sentence


async def test_wrong_keys_are_the_credentials_fault(built, endpoint):
    endpoint.answer(403, body=DENIED.replace("AccessDenied", "InvalidClientTokenId").encode())
    with pytest.raises(NotAuthorized) as caught:
        await built(**ROLE).authorize(GET)
    assert (caught.value.failure.kind, caught.value.failure.permanent) == (ErrorKind.AUTHENTICATION, True)


@pytest.mark.parametrize("body", [b"<html>ok</html>", b"", b"<AssumeRoleResponse/>", b"\xff\xfe<"])
async def test_an_answer_that_is_no_role_is_unexpected(built, endpoint, body):
    endpoint.answer(200, body=body)
    with pytest.raises(NotAuthorized) as caught:
        await built(**ROLE).authorize(GET)
    assert caught.value.failure.kind is ErrorKind.UNEXPECTED_ANSWER
