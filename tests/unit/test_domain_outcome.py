"""A failure says what it is, whose fault, and what the endpoint said, without a value of the record."""

from __future__ import annotations

import json
import re
from dataclasses import asdict
from datetime import UTC, datetime, timedelta
from xml.sax.saxutils import escape, quoteattr

import pytest
from hypothesis import given
from hypothesis import strategies as st

from healthdesk.domain.exchange import Exchange, Failure, Sent, TransportError
from healthdesk.domain.outcome import MAX_MESSAGE_CHARS, judge_check, judge_response, told_of
from healthdesk.domain.scrubbing import MASK, Scrubber
from healthdesk.domain.states import Blame, ErrorKind
from healthdesk.domain.values import plain

NOW = datetime(2025, 11, 22, 14, 2, tzinfo=UTC)
DATA = {
    "name": "John Smith",
    "score": 71,
    "smoker": "no",
    "born": "1984-03-02",
    "note": "I feel a pain in my chest",
}


def answer(status: int, body: object = b"", headers: dict[str, str] | None = None) -> Exchange:
    raw = body if isinstance(body, bytes) else json.dumps(body).encode()
    return Exchange("POST", "http://crm/hra", {}, NOW, 1000.0, status, headers or {}, raw)


def judged(status: int, body: object = b"", headers: dict[str, str] | None = None) -> Failure:
    failure = judge_response(answer(status, body, headers), DATA)
    assert failure is not None
    return failure


@pytest.mark.parametrize("status", [200, 201, 202, 204, 299])
def test_only_2xx_is_success(status: int) -> None:
    assert judge_response(answer(status, b"error: John Smith"), DATA) is None


@pytest.mark.parametrize(
    ("status", "kind", "blame", "permanent"),
    [
        (100, ErrorKind.UNEXPECTED_ANSWER, Blame.THEM, False),
        (301, ErrorKind.REDIRECT, Blame.CONFIGURATION, True),
        (308, ErrorKind.REDIRECT, Blame.CONFIGURATION, True),
        (400, ErrorKind.REFUSED, Blame.CONFIGURATION, True),
        (401, ErrorKind.AUTHENTICATION, Blame.CREDENTIAL, True),
        (403, ErrorKind.PERMISSION, Blame.PERMISSION, True),
        (404, ErrorKind.NOT_FOUND, Blame.CONFIGURATION, True),
        (405, ErrorKind.REFUSED, Blame.CONFIGURATION, True),
        (408, ErrorKind.TIMEOUT, Blame.THEM, False),
        (409, ErrorKind.REFUSED, Blame.CONFIGURATION, True),
        (410, ErrorKind.GONE, Blame.THEM, True),
        (413, ErrorKind.TOO_LARGE, Blame.CONFIGURATION, True),
        (415, ErrorKind.FORMAT, Blame.CONFIGURATION, True),
        (422, ErrorKind.REFUSED, Blame.CONFIGURATION, True),
        (425, ErrorKind.RATE_LIMITED, Blame.THEM, False),
        (429, ErrorKind.RATE_LIMITED, Blame.THEM, False),
        (451, ErrorKind.REFUSED, Blame.CONFIGURATION, True),
        (500, ErrorKind.SERVER_ERROR, Blame.THEM, False),
        (504, ErrorKind.SERVER_ERROR, Blame.THEM, False),
        (999, ErrorKind.UNEXPECTED_ANSWER, Blame.THEM, False),
    ],
)
def test_status_decides(status: int, kind: ErrorKind, blame: Blame, permanent: bool) -> None:
    failure = judged(status)
    assert (failure.kind, failure.blame, failure.permanent) == (kind, blame, permanent)
    assert (failure.status, failure.sent) == (status, Sent.YES)
    assert str(status) in failure.sentence
    assert str(status) in failure.safe_sentence
    assert failure.next_action


@pytest.mark.parametrize("kind", list(ErrorKind))
@pytest.mark.parametrize("sent", list(Sent))
def test_no_answer_keeps_whether_it_was_sent(kind: ErrorKind, sent: Sent) -> None:
    exchange = Exchange("POST", "u", {}, NOW, 5.0, error=TransportError(kind, sent, "Why not,\nin words"))
    failure = judge_response(exchange, DATA)
    assert failure is not None
    assert (failure.status, failure.sent) == (None, sent)
    assert failure.sentence == "Why not, in words"
    assert "words" not in failure.safe_sentence
    assert failure.permanent is (
        kind in {ErrorKind.ADDRESS_BLOCKED, ErrorKind.AUTHENTICATION, ErrorKind.CONFIGURATION}
    )


def test_a_status_counts_though_the_body_broke_off() -> None:
    error = TransportError(ErrorKind.RESET, Sent.YES, "reset")
    assert judge_response(Exchange("POST", "u", {}, NOW, 5.0, 200, error=error), DATA) is None
    failure = judge_response(Exchange("POST", "u", {}, NOW, 5.0, 422, error=error), DATA)
    assert failure is not None
    assert failure.kind is ErrorKind.REFUSED


MISSING = [
    {"message": "risk_level is required"},
    {"error": "risk_level is required"},
    {"error": {"code": "invalid", "message": "Missing parameter: risk_level", "param": "risk_level"}},
    {"errors": {"risk_level": ["required"]}},
    {"errors": {"risk_level": "can't be blank"}},
    {"errors": ["risk_level is missing"]},
    {"errors": [{"field": "risk_level", "code": "required"}]},
    {"errors": [{"source": {"pointer": "/risk_level"}, "detail": "must not be null"}]},
    {"risk_level": ["This field is required."]},
    {"detail": [{"loc": ["body", "risk_level"], "msg": "Field required", "type": "missing"}]},
    {"detail": [{"loc": ["body", "risk_level"], "msg": "field required", "type": "value_error.missing"}]},
    {"title": "Invalid", "status": 422, "errors": [{"detail": "is required", "pointer": "#/risk_level"}]},
    {"title": "Invalid", "invalid-params": [{"name": "risk_level", "reason": "must not be blank"}]},
    {"message": "Validation failed", "errors": {"risk_level": ["The risk level field is required."]}},
    {"errors": [{"instancePath": "", "params": {"missingProperty": "risk_level"}, "message": "is required"}]},
    {"message": "The risk_level field is required."},
    {"message": "Validation failed: risk_level can't be blank"},
    # HubSpot, then Salesforce: the texts that they answer, by the pages that domain.messages cites
    {
        "message": "Error creating TICKET. Some required properties were not set.",
        "context": {"properties": ["risk_level"]},
    },
    {
        "message": "Invalid",
        "errors": [
            {
                "message": "Some required properties were not set.",
                "code": "REQUIRED_FIELD",
                "context": {"propertyName": ["risk_level"]},
            }
        ],
    },
    {"message": "Invalid input JSON on line 1, column 2. Some required fields were not set: [risk_level]"},
    [
        {
            "message": "Required fields are missing: [risk_level]",
            "errorCode": "REQUIRED_FIELD_MISSING",
            "fields": ["risk_level"],
        }
    ],
    [{"message": "Required fields are missing: [risk_level, B]", "errorCode": "REQUIRED_FIELD_MISSING"}],
    "risk_level is required",
    b"risk_level is required",
    b"Missing required field: risk_level",
    b"missing risk_level",
    b"must have required property 'risk_level'",
    b"'risk_level' is a required property",
    b"required key [risk_level] not found",
    b"Parameter `risk_level` must be provided",
]


@pytest.mark.parametrize("body", MISSING)
@pytest.mark.parametrize("status", [400, 422])
def test_the_missing_field_is_found(body: object, status: int) -> None:
    failure = judged(status, body)
    assert (failure.kind, failure.field) == (ErrorKind.MISSING_FIELD, "risk_level")
    assert failure.permanent
    assert failure.safe_sentence.endswith(f"a required field is missing ({status}, field risk_level)")


@pytest.mark.parametrize("text", ["is required", "must not be blank", "can't be blank", "required"])
def test_the_field_and_what_is_said_of_it_are_one_sentence(text: str) -> None:
    joint = ": " if text == "required" else " "
    assert judged(422, {"errors": {"risk_level": [text]}}).sentence == f"risk_level{joint}{text}"


@pytest.mark.parametrize(
    ("path", "field"),
    [
        ("#/items/0/risk_level", "items.risk_level"),
        ("$.items[0].risk_level", "items.risk_level"),
        ("body.riskLevel", "riskLevel"),
        ("risk-level", "risk-level"),
        ("Risk level", ""),
        ("patient_12345", ""),
        ("123", ""),
        ("a" * 65, ""),
        ("js@example.org", ""),
    ],
)
def test_only_what_looks_like_a_field_is_named(path: str, field: str) -> None:
    failure = judged(422, {"errors": [{"path": path, "message": "is required"}]})
    assert (failure.kind, failure.field) == (ErrorKind.MISSING_FIELD, field)


@pytest.mark.parametrize("name", ["John", "Smith", "no", "patient_Smith", "71", "1984-03-02", "smith"])
def test_a_value_is_never_named_as_a_field(name: str) -> None:
    for body in (
        {"errors": {name: ["is required"]}},
        f"{name} is required",
        {"errors": [{"field": name, "code": "required"}]},
    ):
        failure = judged(422, body)
        assert failure.field == ""
        assert name not in failure.safe_sentence
        assert name not in failure.sentence


@pytest.mark.parametrize(
    ("value", "name"),
    [
        ("Alice Smith", "alice_smith"),
        ("Alice Smith", "AliceSmith"),
        ("Alice Smith", "aliceSmith"),
        ("Alice Smith", "alicesmith"),
        ("Alice Smith", "ALICE-SMITH"),
        ("Alice Smith", "answers.alice_smith"),
        ("Alice Smith", "patient_alice_smith_name"),
        ("Alice Smith", "smith_alice"),
        ("Alice Smith", "SmithAlice"),
        ("alice smith", "AliceSmith"),
        ("Zsófia Quill", "zsofia_quill"),
        ("alice@example.com", "alice_example_com"),
    ],
)
def test_a_value_written_as_an_identifier_is_never_named_as_a_field(value: str, name: str) -> None:
    for body in (
        {"errors": {name: ["is required"]}},
        {"errors": [{"field": name, "message": "is required"}]},
        {"message": f"{name} is required"},
    ):
        failure = judge(422, body, {"name": value})
        assert failure.field == ""
        assert name not in failure.safe_sentence
        assert name not in failure.sentence


@pytest.mark.parametrize("field", ["risk_level", "first_name", "emailAddress", "blood-sugar", "risk"])
def test_a_field_that_shares_words_with_values_is_named(field: str) -> None:
    data = {
        "name": "John Smith",
        "group": "risk",
        "way": "E-mail",
        "street": "First Street",
        "sign": "Blood Pressure",
    }
    failure = judge(
        422, {"errors": {field: ["is required"]}}, data | ({} if field != "risk" else {"group": 1})
    )
    assert failure.field == field


@pytest.mark.parametrize(
    ("value", "body"),
    [
        ("x: smith", "x: smith is required"),
        ("x/smith", {"errors": [{"pointer": "/x~1smith", "detail": "is required"}]}),
        ("smith/12", {"errors": [{"pointer": "/smith/12", "detail": "is required"}]}),
        ("i am smith", "i am smith is required"),
        ("the smith", "the smith is required"),
    ],
)
def test_a_part_of_a_repeated_value_is_never_named_as_a_field(value: str, body: object) -> None:
    failure = judge(422, body, {"note": value})
    assert failure.field == ""
    assert "smith" not in failure.safe_sentence + failure.sentence


@pytest.mark.parametrize(
    ("body", "kind"),
    [
        ({"message": "invalid JSON at line 1"}, ErrorKind.FORMAT),
        ({"errors": {"born": ["is not a valid date"]}}, ErrorKind.FORMAT),
        ({"errors": {"score": ["must be a string"]}}, ErrorKind.FORMAT),
        ({"errors": {"score": ["is too high"]}}, ErrorKind.REFUSED),
        ({"message": "record exists already"}, ErrorKind.REFUSED),
        ({"message": "this value must not be provided"}, ErrorKind.REFUSED),
    ],
)
def test_refusals_are_told_apart(body: object, kind: ErrorKind) -> None:
    assert judged(422, body).kind is kind


@pytest.mark.parametrize(
    ("body", "sentence"),
    [
        ({"message": "John Smith (71) is unknown"}, "•••• (••••) is unknown"),
        ({"error": {"message": "Smith was deleted"}}, "•••• was deleted"),
        ({"errors": [{"field": "score", "message": "71 is too high"}]}, "score: •••• is too high"),
        ({"errors": {"score": ["is too high"]}}, "score is too high"),
        ({"errors": {"score": ["can't be that", "Is too high"]}}, "score can't be that; score Is too high"),
        ({"errors": {"score": ["island"]}}, "score: island"),
        ({"errors": ["one", "two", "three", "four"]}, "one; two; three"),
        ({"detail": "broken", "title": "Bad Request", "status": 422}, "broken"),
        ({"title": "Bad Request", "type": "about:blank"}, "Bad Request"),
        (b"  short\n text ", "short text"),
        (b"<html><head><title>422 Nope</title></head><body>John Smith</body></html>", "422 Nope"),
        (
            b"<html><body>John Smith</body></html>",
            "The endpoint refused the record (422 Unprocessable Entity)",
        ),
        (b"{broken json John Smith", "The endpoint refused the record (422 Unprocessable Entity)"),
        (b"x" * 2000, "The endpoint refused the record (422 Unprocessable Entity)"),
        (b"\xff\xfe", "The endpoint refused the record (422 Unprocessable Entity)"),
        (b"[" * 5000, "The endpoint refused the record (422 Unprocessable Entity)"),
        ([1, None, True], "The endpoint refused the record (422 Unprocessable Entity)"),
        ({"ok": False}, "The endpoint refused the record (422 Unprocessable Entity)"),
    ],
)
def test_what_the_endpoint_said(body: object, sentence: str) -> None:
    failure = judged(422, body)
    assert failure.sentence == sentence
    assert failure.safe_sentence in {
        "The endpoint refused the record (422)",
        "The endpoint refused the record (422, field score)",
    }


def test_the_sentence_is_capped_after_it_was_scrubbed() -> None:
    failure = judged(422, {"message": "a" * 195 + " John Smith and more"})
    assert len(failure.sentence) == MAX_MESSAGE_CHARS
    assert "J" not in failure.sentence
    long_value = "secret words of a patient " * 200
    assert "patient" not in judge(422, {"message": f"refused: {long_value}"}, {"note": long_value}).sentence


def judge(status: int, body: object, data: object) -> Failure:
    failure = judge_response(answer(status, body), data)
    assert failure is not None
    return failure


def test_data_may_be_given_as_bytes() -> None:
    body = {"message": "John Smith is unknown"}
    assert judge(422, body, json.dumps(DATA).encode()).sentence == "•••• is unknown"
    assert judge(422, body, b"John Smith").sentence == "•••• is unknown"


def traces(text: str, leaf: object) -> bool:
    written = (json.dumps(leaf) if isinstance(leaf, bool) else plain(str(leaf))).strip(" #/$.")
    if not any(char.isalnum() for char in written):
        return False
    if len(written) < 4:
        return re.search(rf"(?<!\w){re.escape(written)}(?!\w)", text) is not None
    return written.lower() in text.lower()


TEXT = st.text(st.characters(exclude_categories=["Cs"]), min_size=1, max_size=15)
LEAF = TEXT | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.booleans()
SHAPES = st.sampled_from(
    [
        "{0}",
        "{0} is required",
        "field {0} is missing",
        "'{0}' is a required property",
        "unknown: {0}",
        "missing {0}",
    ]
)


@given(
    data=st.dictionaries(st.sampled_from(["a", "b", "c"]), LEAF, min_size=1),
    shape=SHAPES,
    status=st.sampled_from([400, 401, 403, 404, 409, 422, 500]),
    wrap=st.sampled_from(
        ["text", "message", "errors", "keys", "pointer", "xml", "fhir", "listed", "wrapped", "json"]
    ),
)
def test_what_leaves_the_desk_does_not_depend_on_values(
    data: dict[str, object], shape: str, status: int, wrap: str
) -> None:
    value = str(next(iter(data.values())))
    said = shape.format(value)
    body = {
        "text": said.encode(),
        "message": {"message": said},
        "errors": {"errors": [said, {"detail": said}]},
        "keys": {"errors": {value: ["is required"]}},
        "pointer": {"errors": [{"pointer": f"/{value}", "detail": "is required"}]},
        "xml": f"<e><error field={quoteattr(value)}>{escape(said)}</error></e>".encode(),
        "fhir": {"issue": [{"severity": "error", "diagnostics": said, "expression": [f"Patient.{value}"]}]},
        "listed": {"error": said, "missing": [value], "code": value},
        "wrapped": {"result": {value: said, "fault": {value: [said]}}},
        "json": {"message": "[" + json.dumps({"path": [value], "message": said}) + "]"},
    }[wrap]
    failure = judge(status, body, data)
    named = told_of(body if isinstance(body, bytes) else json.dumps(body).encode(), data)
    assert (named.field, named.also, named.header) == ("", (), "")
    told = {failure.safe_sentence, failure.next_action, failure.field}
    for leaf in data.values():
        assert not traces(failure.message.replace(MASK, "\n"), leaf)
    neutral = [
        judge(status, {"message": text}, None)
        for text in ("", "one thing or another is required", "not valid json")
    ]
    assert told <= {text for other in neutral for text in (other.safe_sentence, other.next_action, "")}


def test_no_text_of_a_failure_holds_a_value() -> None:
    body = {"message": "John Smith, 71, said no on 1984-03-02: I feel a pain in my chest. John? Smith! 71.0"}
    texts = " ".join(str(value) for value in asdict(judged(422, body)).values())
    for trace in ("John", "Smith", "71", " no ", "1984", "pain", "chest"):
        assert trace not in texts


@pytest.mark.parametrize(
    ("value", "seconds"),
    [
        ("120", 120.0),
        (" 1.5 ", 1.5),
        ("0", 0.0),
        ("-1", None),
        ("soon", None),
        ("", None),
        ("1e9", None),
        ("9" * 50, None),
        ("Sat, 22 Nov 2025 14:04:01 GMT", 120.0),
        ("Sat, 22 Nov 2025 14:00:00 GMT", 0.0),
        ("Sat, 31 Feb 2025 14:00:00 GMT", None),
        ("Sat, 22 Foo 2025 14:00:00 GMT", None),
    ],
)
def test_retry_after(value: str, seconds: float | None) -> None:
    assert judged(429, headers={"Retry-After": value}).retry_after_s == seconds
    assert judged(503, headers={"retry-after": value}).retry_after_s == seconds


def test_without_retry_after_there_is_none() -> None:
    assert judged(429).retry_after_s is None


def test_a_heartbeat_is_judged_by_the_expected_status() -> None:
    assert judge_check(answer(200), 200) is None
    assert judge_check(answer(401), 401) is None
    other = judge_check(answer(204), 200)
    assert other is not None
    assert (other.kind, other.blame) == (ErrorKind.UNEXPECTED_ANSWER, Blame.CONFIGURATION)
    assert "200" in other.sentence
    refused = judge_check(answer(401, {"message": "token expired"}), 200)
    assert refused is not None
    assert (refused.kind, refused.sentence) == (ErrorKind.AUTHENTICATION, "token expired")
    gone = judge_check(
        Exchange("GET", "u", {}, NOW, 1.0, error=TransportError(ErrorKind.DNS, Sent.NO, "no host")), 200
    )
    assert gone is not None
    assert (gone.kind, gone.sent) == (ErrorKind.DNS, Sent.NO)


def test_a_record_word_is_not_used_of_a_heartbeat() -> None:
    for status in (400, 404, 409, 413, 415, 422, 500):
        failure = judge_check(answer(status), 200)
        assert failure is not None
        assert "record" not in failure.safe_sentence


@pytest.mark.timeout(60)  # what is looked for in a text must not take longer than the text is long
@pytest.mark.parametrize("piece", ["a", "a.", "missing ", "'", "1,", "1 ", "a@", "-1"])
def test_hostile_answers_come_to_an_end_and_are_cut(piece: str) -> None:
    text = (piece * 1000)[:1000]
    for failure in (
        judged(422, text.encode()),
        judged(422, {"message": text, "errors": {text: [text] * 50}}),
    ):
        assert 0 < len(failure.sentence) <= MAX_MESSAGE_CHARS
        assert failure.safe_sentence.startswith("The endpoint refused the record")
        assert piece.strip() * 2 not in failure.safe_sentence


def test_times_are_taken_from_the_exchange() -> None:
    later = NOW + timedelta(hours=1)
    date = later.strftime("%a, %d %b %Y %H:%M:%S GMT")
    assert judged(503, headers={"Retry-After": date}).retry_after_s == 3599.0


def test_values_are_found_among_the_thousands_of_a_batch():
    values = frozenset({"Zsofia Quill", "no", "p-17", "71", "a diagnosis that is rather long"})
    few, many = Scrubber(values), Scrubber(values | {f"zz{number}qq" for number in range(3000)})
    for text in (
        "no such participant as Zsofia Quill (p-17)",
        "ZSOFIA QUILL's score 71.0 is not known",
        "a diagnosis that is rath… is not on the list",
        "notice: nothing of them",
        "patient_Quill of aliceZsofiaQuill",
    ):
        assert many.scrub(text) == few.scrub(text), text
        assert [many.holds(word) for word in text.split()] == [few.holds(word) for word in text.split()]
    assert "zz77qq" not in many.scrub("unlike that of zz77qq")
