"""Each app's signature scheme: with the vendor's published example where there is one."""

from __future__ import annotations

import base64
import hmac
import json
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from healthdesk.connectors.handshakes import after_verification, before_verification
from healthdesk.connectors.signatures import HmacScheme, verify_hmac_scheme
from healthdesk.connectors.spec import CallbackManifest
from healthdesk.connectors.verify import Callback, about, came, verify_callback
from healthdesk.errors import Unauthenticated
from healthdesk.testing import START

BODY = b'{"action":"closed"}'


@dataclass
class Spec:
    scheme: str
    header: str = "X-Signature"
    algorithm: str = "sha256"
    encoding: str = "hex"
    prefix: str = ""
    id_header: str = ""
    event_header: str = ""
    signed: str = "{body}"
    timestamp_header: str = ""
    timestamp_format: str = "epoch_s"


def digest(secret: str, content: bytes, algorithm: str = "sha256") -> bytes:
    return hmac.digest(secret.encode(), content, algorithm)


def verify(spec, secrets, headers, body=BODY, now=START, app=None, url=""):
    return verify_callback(spec, secrets, Callback(came(headers, body, url=url), app), now)


def refused(*args, **kwargs) -> str:
    with pytest.raises(Unauthenticated) as caught:
        verify(*args, **kwargs)
    assert caught.value.what.endswith((".", ")."))
    return caught.value.what


GITHUB = {
    "X-Hub-Signature-256": "sha256=757107ea0eb2509fc211221cce984b8a37570b6d7586c22c46f4379c8b043e17",
    "X-GitHub-Delivery": "72d3162e",
    "X-GitHub-Event": "issues",
}


def test_githubs_published_vector():
    verified = verify(Spec("github"), ["It's a Secret to Everybody"], GITHUB, b"Hello, World!")
    assert (verified.delivery_id, verified.event) == ("72d3162e", "issues")
    assert "does not match" in refused(
        Spec("github"), ["It's a Secret to Everybody"], GITHUB, b"Hello, World?"
    )


def hmac_reason(secret: str, value: str | None, body: bytes = BODY, **scheme: str) -> str | None:
    headers = {} if value is None else {"X-Sig": value}
    return verify_hmac_scheme(
        HmacScheme("X-Sig", **scheme), [secret] if secret else [], came(headers, body), START
    )


@given(
    st.binary(max_size=40), st.sampled_from(["sha1", "sha256", "sha512"]), st.sampled_from(["hex", "base64"])
)
def test_every_algorithm_and_encoding(body, algorithm, encoding):
    raw = digest("key", body, algorithm)
    value = raw.hex() if encoding == "hex" else base64.b64encode(raw).decode()
    assert hmac_reason("key", value, body, algorithm=algorithm, encoding=encoding) is None
    assert hmac_reason("key", value, body + b" ", algorithm=algorithm, encoding=encoding)
    if encoding == "hex":
        assert hmac_reason("key", value.upper(), body, algorithm=algorithm) is None


@pytest.mark.parametrize("value", [None, "", "sha256=", "sha256=zz", "sha256=é", "abc"])
@pytest.mark.parametrize("encoding", ["hex", "base64"])
def test_nonsense_is_refused_with_a_reason_that_names_the_header(value, encoding):
    reason = hmac_reason("key", value, encoding=encoding, prefix="sha256=")
    assert "X-Sig" in reason
    assert ("sha256=" in reason) == (value == "abc")
    assert hmac_reason("", "x", encoding=encoding)


SLACK_SECRET = "8f742231b10e8888abcd99yyyzzz85a5"
SLACK_BODY = (
    b"token=xyzz0WbapA4vBCDEFasx0q6G&team_id=T1DC2JH3J&team_domain=testteamnow&channel_id=G8PSS9T3V&"
    b"channel_name=foobar&user_id=U2CERLKJA&user_name=roadrunner&command=%2Fwebhook-collect&text=&"
    b"response_url=https%3A%2F%2Fhooks.slack.com%2Fcommands%2FT1DC2JH3J%2F397700885554%2F96rGlfmibIGlgcZRskXaIFfN&"
    b"trigger_id=398738663015.47445629121.803a0bc887a14d10d2c447fce8b6703c"
)
SLACK = {
    "X-Slack-Request-Timestamp": "1531420618",
    "X-Slack-Signature": "v0=a2114d57b48eac39b9ad189dd8316235a7b4a8d21a10bd27519666489c69b503",
}


def test_slacks_published_vector_holds_for_five_minutes():
    at = datetime.fromtimestamp(1531420618, UTC)
    assert verify(Spec("slack"), [SLACK_SECRET], SLACK, SLACK_BODY, at)
    assert verify(Spec("slack"), [SLACK_SECRET], SLACK, SLACK_BODY, at + timedelta(minutes=5))
    late = at + timedelta(minutes=5, seconds=1)
    assert "more than 5 minutes ago" in refused(Spec("slack"), [SLACK_SECRET], SLACK, SLACK_BODY, late)
    early = at - timedelta(minutes=6)
    assert "in the future" in refused(Spec("slack"), [SLACK_SECRET], SLACK, SLACK_BODY, early)
    moved = {**SLACK, "X-Slack-Request-Timestamp": "1531420619"}
    assert "does not match" in refused(Spec("slack"), [SLACK_SECRET], moved, SLACK_BODY, at)


def stripe(*secrets: str, body: bytes = BODY, at: datetime = START) -> dict[str, str]:
    second = int(at.timestamp())
    content = f"{second}.".encode() + body
    parts = [f"t={second}", *(f"v1={digest(each, content).hex()}" for each in secrets), "v0=ignored"]
    return {"Stripe-Signature": ",".join(parts)}


def test_stripe_signs_the_time_with_the_body_and_may_sign_twice():
    assert verify(Spec("stripe"), ["new"], stripe("old", "new"))
    assert verify(Spec("stripe"), ["other", "old"], stripe("old"))
    assert "does not match" in refused(Spec("stripe"), ["new"], stripe("old"))
    assert "5 minutes" in refused(Spec("stripe"), ["new"], stripe("new", at=START - timedelta(hours=1)))
    assert "cannot be read" in refused(Spec("stripe"), ["new"], {"Stripe-Signature": "v1=00"})


def test_gitlab_sends_the_secret_itself():
    headers = {"X-Gitlab-Token": "s3cret", "X-Gitlab-Event-UUID": "u-1", "X-Gitlab-Event": "Issue Hook"}
    verified = verify(Spec("gitlab"), ["old", "s3cret"], headers)
    assert (verified.delivery_id, verified.event) == ("u-1", "Issue Hook")
    assert "is not the secret" in refused(Spec("gitlab"), ["s3cre"], headers)
    assert "missing" in refused(Spec("gitlab"), ["s3cret"], {})


def test_jira_and_asana_sign_the_body():
    jira = {
        "X-Hub-Signature": "sha256=" + digest("k", BODY).hex(),
        "X-Atlassian-Webhook-Identifier": "j-1",
    }
    assert verify(Spec("jira"), ["k"], jira).delivery_id == "j-1"
    assert verify(Spec("asana"), ["k"], {"X-Hook-Signature": digest("k", BODY).hex()})
    assert refused(Spec("asana"), ["k"], {"X-Hook-Signature": digest("K", BODY).hex()})


@pytest.mark.parametrize("scheme", ["bearer", "basic"])
def test_bearer_and_basic_compare_the_whole_secret(scheme):
    good = {
        "bearer": "Bearer user:pass",
        "basic": "Basic " + base64.b64encode(b"user:pass").decode(),
    }[scheme]
    assert verify(Spec(scheme), ["user:pass"], {"Authorization": good})
    assert refused(Spec(scheme), ["user:pas"], {"Authorization": good})
    assert "missing" in refused(Spec(scheme), ["user:pass"], {"Authorization": "Digest x"})


def test_an_hmac_may_cover_method_address_and_time_and_stand_among_others():
    url = "https://desk.example/v1/callbacks/con_1"
    millis = str(int(START.timestamp() * 1000))
    content = b"POST" + url.encode() + BODY + millis.encode()
    spec = Spec(
        "hmac",
        "X-Sig",
        encoding="base64",
        prefix="v1=",
        signed="{method}{url}{body}{timestamp}",
        timestamp_header="X-Time",
        timestamp_format="epoch_ms",
    )
    value = "v2=xx,v1=" + base64.b64encode(digest("k", content)).decode()
    headers = {"X-Sig": value, "X-Time": millis}
    assert verify(spec, ["k"], headers, url=url)
    assert "does not match" in refused(spec, ["k"], headers, url=url + "/x")
    assert "X-Time is missing" in refused(spec, ["k"], {"X-Sig": value}, url=url)


def test_a_time_in_the_body_protects_against_replay():
    app = CallbackManifest(
        scheme="hmac", timestamp={"path": "sent"}, timestamp_format="iso", delivery_id={"path": "id"}
    )
    spec = Spec("hmac", timestamp_format="iso")
    body = json.dumps({"sent": START.isoformat(), "id": 7}).encode()
    headers = {"X-Signature": digest("k", body).hex()}
    assert verify(spec, ["k"], headers, body, app=app).delivery_id == "7"
    assert "5 minutes" in refused(spec, ["k"], headers, body, START + timedelta(hours=1), app)
    bare = b"{}"
    assert "cannot be read" in refused(spec, ["k"], {"X-Signature": digest("k", bare).hex()}, bare, app=app)


@pytest.mark.parametrize(
    "scheme", ["github", "gitlab", "jira", "asana", "slack", "stripe", "hmac", "token", "bearer", "basic"]
)
@given(value=st.text(max_size=60), body=st.binary(max_size=60), secret=st.text(min_size=8, max_size=20))
def test_whatever_comes_is_refused_with_a_sentence_and_never_breaks(scheme, value, body, secret):
    names = (
        "X-Hub-Signature-256", "X-Gitlab-Token", "X-Hub-Signature", "X-Hook-Signature", "X-Slack-Signature",
        "X-Slack-Request-Timestamp", "Stripe-Signature", "X-Signature", "Authorization",
    )  # fmt: skip
    if secret in value:
        return
    for secrets in ([], [secret]):
        assert refused(Spec(scheme), secrets, dict.fromkeys(names, value), body)


APP = CallbackManifest(
    scheme="asana",
    handshake="asana",
    each="events",
    events=[
        {"name": "*", "when": "resource.resource_type == 'task'", "instance": "resource.gid"},
        {"name": "*", "record": "resource.record"},
    ],
)


def test_a_callback_tells_which_issues_and_records_it_is_about():
    events = [
        {"resource": {"resource_type": "task", "gid": "12"}},
        {"resource": {"resource_type": "project", "gid": "13", "record": "rec_1"}},
        {"resource": {"resource_type": "task", "gid": "12"}},
        {"resource": {"resource_type": "task", "gid": 14}},
        "nonsense",
        {"resource": {"resource_type": "task", "gid": {"a": 1}}},
    ]
    found = about(Callback(came({}, json.dumps({"events": events}).encode()), APP), "")
    assert (found.instances, found.records) == (("12", "14"), ("rec_1",))


@given(
    st.recursive(
        st.none() | st.booleans() | st.integers() | st.text(),
        lambda inner: (
            st.lists(inner) | st.dictionaries(st.sampled_from(["events", "resource", "gid"]), inner)
        ),
    )
)
def test_what_a_callback_is_about_can_be_asked_of_anything(document):
    found = about(Callback(came({}, json.dumps(document).encode()), APP), "x")
    assert all(isinstance(each, str) and "\n" not in each for each in (*found.instances, *found.records))


def test_handshakes_send_back_what_was_given_and_no_more():
    asana = Callback(came({"X-Hook-Secret": "abc"}, b""), APP)
    echo = before_verification(asana, {})
    assert (echo.headers, echo.secret) == ({"X-Hook-Secret": "abc"}, "abc")
    assert "abc" not in repr(echo)
    assert before_verification(Callback(came({"X-Hook-Secret": "a" * 2000}, b""), APP), {}) is None
    assert before_verification(Callback(came({"X-Hook-Secret": "abc"}, b"")), {}) is None
    challenge = CallbackManifest(scheme="slack", handshake="challenge")
    asked = Callback(came({}, b'{"type":"url_verification","challenge":"c1"}'), challenge)
    assert (before_verification(asked, {}), json.loads(after_verification(asked).body)) == (
        None,
        {"challenge": "c1"},
    )
    okta = CallbackManifest(scheme="token", handshake="okta")
    asked = Callback(came({"X-Okta-Verification-Challenge": "o1"}, b""), okta)
    assert json.loads(before_verification(asked, {}).body) == {"verification": "o1"}
    graph = CallbackManifest(scheme="none", handshake="validation_token")
    assert before_verification(Callback(came({}, b""), graph), {"validationToken": "v&<1>"}).body == b"v&<1>"
