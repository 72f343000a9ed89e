"""What well-known servers answer to a record they do not take, and what is read of it."""

from __future__ import annotations

import json
from datetime import UTC, datetime

import pytest

from healthdesk.domain.complaints import complaints_in
from healthdesk.domain.exchange import Exchange
from healthdesk.domain.messages import Told, read_told
from healthdesk.domain.outcome import judge_response, told_of
from healthdesk.domain.states import ErrorKind

X = "risk_level"


def told(body: object, content_type: str = "") -> Told:
    return read_told(body if isinstance(body, bytes) else json.dumps(body).encode(), content_type)


NAMED = {
    "salesforce": [
        {
            "message": "Required fields are missing: [risk_level]",
            "errorCode": "REQUIRED_FIELD_MISSING",
            "fields": [],
        }
    ],
    "salesforce composite": {
        "hasErrors": True,
        "results": [
            {
                "referenceId": "ref1",
                "errors": [
                    {
                        "statusCode": "REQUIRED_FIELD_MISSING",
                        "message": "Required fields are missing: [risk_level]",
                        "fields": [X],
                    }
                ],
            }
        ],
    },
    "wrapped": {"result": {"errors": [{"errorMessage": "risk_level is required"}]}},
    "wrapped map": {"response": {"errors": {"risk_level": ["is required"]}}},
    "unknown key": {"success": False, "errorMsg": "risk_level is required"},
    "another unknown key": {"ok": 0, "validation": ["risk_level is required"]},
    "fields with reasons": {"fields": [{"name": X, "reason": "must not be empty"}]},
    "map of fields": {"message": "Invalid", "fields": {"risk_level": "is required"}},
    "missing": {"error": "Bad Request", "missing": [X]},
    "missingFields": {"error": "Missing fields", "missingFields": [X]},
    "missingFields alone": {"missingFields": [X]},
    "missing objects": {"error": "Bad Request", "missing": [{"field": X, "message": "no value"}]},
    "servicenow": {
        "error": {"message": "Operation Failed", "detail": "Mandatory field missing: risk_level"},
        "status": "failure",
    },
    "graphql input": {
        "errors": [
            {
                "message": 'Variable "$input" got invalid value { score: 7 }; Field "risk_level" of required type "String!"'
                " was not provided.",
                "locations": [{"line": 1, "column": 17}],
            }
        ]
    },
    "graphql argument": {
        "errors": [
            {
                "message": 'Field "createHra" argument "risk_level" of type "String!" is required, but it was not provided.',
                "path": ["createHra"],
                "locations": [{"line": 1, "column": 2}],
            }
        ]
    },
    "graphql path": {
        "errors": [
            {
                "message": "risk_level is required",
                "path": ["createHra"],
                "extensions": {"code": "BAD_USER_INPUT"},
            }
        ]
    },
    "rfc 7807": {"title": "Invalid", "invalid-params": [{"name": X, "reason": "must not be blank"}]},
    "rfc 9457": {
        "type": "about:blank",
        "title": "Invalid",
        "errors": [{"detail": "is required", "pointer": "#/risk_level"}],
    },
    "fastapi": {
        "detail": [{"type": "missing", "loc": ["body", X], "msg": "Field required", "input": {"score": 71}}]
    },
    "asp.net": {
        "type": "https://tools.ietf.org/html/rfc9110#section-15.5.1",
        "title": "One or more validation errors occurred.",
        "status": 400,
        "errors": {"risk_level": ["The risk_level field is required."]},
        "traceId": "00-0a-0b-00",
    },
    "asp.net web api": {
        "Message": "The request is invalid.",
        "ModelState": {"risk_level": ["The risk_level field is required."]},
    },
    "json:api": {
        "errors": [
            {
                "status": "422",
                "source": {"pointer": "/risk_level"},
                "title": "Invalid",
                "detail": "can't be blank",
            }
        ]
    },
    "zod": {
        "success": False,
        "error": {
            "issues": [
                {
                    "code": "invalid_type",
                    "expected": "string",
                    "received": "undefined",
                    "path": [X],
                    "message": "Required",
                }
            ],
            "name": "ZodError",
        },
    },
    "zod flattened": {"formErrors": [], "fieldErrors": {"risk_level": ["Required"]}},
    "zod formatted": {"_errors": [], "risk_level": {"_errors": ["Required"]}},
    "trpc": {
        "error": {
            "message": '[\n  {\n    "code": "invalid_type",\n    "path": [\n      "risk_level"\n    ],\n    "message": "Required"\n  }\n]',
            "code": -32600,
        }
    },
    "ajv": {
        "errors": [
            {
                "instancePath": "",
                "schemaPath": "#/required",
                "keyword": "required",
                "params": {"missingProperty": X},
                "message": "must have required property 'risk_level'",
            }
        ]
    },
    "fastify": {
        "statusCode": 400,
        "code": "FST_ERR_VALIDATION",
        "error": "Bad Request",
        "message": "body must have required property 'risk_level'",
    },
    "loopback": {
        "error": {
            "statusCode": 422,
            "name": "UnprocessableEntityError",
            "message": "The request body is invalid. See error object `details` property for more info.",
            "code": "VALIDATION_FAILED",
            "details": [
                {
                    "path": "",
                    "code": "required",
                    "message": "must have required property 'risk_level'",
                    "info": {"missingProperty": X},
                }
            ],
        }
    },
    "spring errors": {
        "timestamp": "2025-11-22T14:02:00Z",
        "status": 400,
        "error": "Bad Request",
        "message": "Validation failed for object='hra'. Error count: 1",
        "path": "/hra",
        "errors": [
            {
                "codes": ["NotNull.hra.risk_level", "NotNull"],
                "arguments": [{"codes": ["hra.risk_level"], "defaultMessage": X, "code": X}],
                "defaultMessage": "must not be null",
                "objectName": "hra",
                "field": X,
                "rejectedValue": None,
                "bindingFailure": False,
                "code": "NotNull",
            }
        ],
    },
    "spring message": {
        "timestamp": "2025-11-22T14:02:00Z",
        "status": 400,
        "error": "Bad Request",
        "path": "/hra",
        "message": "Required request parameter 'risk_level' for method parameter type String is not present",
    },
    "nestjs": {
        "statusCode": 400,
        "message": ["risk_level should not be empty", "risk_level must be a string"],
        "error": "Bad Request",
    },
    "django rest": {"risk_level": ["This field is required."]},
    "marshmallow": {
        "code": 422,
        "status": "Unprocessable Entity",
        "errors": {"json": {"risk_level": ["Missing data for required field."]}},
    },
    "webargs": {"messages": {"json": {"risk_level": ["Missing data for required field."]}}},
    "flask-restful": {"message": {"risk_level": "Missing required parameter in the JSON body"}},
    "flask-restx": {
        "errors": {"": "'risk_level' is a required property"},
        "message": "Input payload validation failed",
    },
    "symfony": {
        "title": "Validation Failed",
        "violations": [
            {
                "propertyPath": X,
                "title": "This value should not be blank.",
                "type": "urn:uuid:c1051bb4-d103-4f74-8988-acbcafc7fdc3",
            }
        ],
    },
    "laravel": {
        "message": "The risk level field is required.",
        "errors": {"risk_level": ["The risk level field is required."]},
    },
    "rails": {"status": 400, "error": "param is missing or the value is empty: risk_level"},
    "mongoose": {
        "name": "ValidationError",
        "message": "hra validation failed: risk_level: Path `risk_level` is required.",
        "errors": {
            "risk_level": {
                "name": "ValidatorError",
                "message": "Path `risk_level` is required.",
                "kind": "required",
                "path": X,
            }
        },
    },
    "error with a name": {"name": "ValidationError", "message": "risk_level is required"},
    "strapi": {
        "data": None,
        "error": {
            "status": 400,
            "name": "ValidationError",
            "message": "risk_level must be defined.",
            "details": {
                "errors": [{"path": [X], "message": "risk_level must be defined.", "name": "ValidationError"}]
            },
        },
    },
    "google": {
        "error": {
            "code": 400,
            "message": "Invalid request",
            "status": "INVALID_ARGUMENT",
            "details": [
                {
                    "@type": "type.googleapis.com/google.rpc.BadRequest",
                    "fieldViolations": [{"field": X, "description": "risk_level is required"}],
                }
            ],
        }
    },
    "paypal": {
        "name": "INVALID_REQUEST",
        "message": "Request is not well-formed.",
        "debug_id": "f1a2",
        "details": [
            {
                "field": "/risk_level",
                "issue": "MISSING_REQUIRED_PARAMETER",
                "description": "A required field is missing.",
            }
        ],
    },
    "zendesk": {
        "error": "RecordInvalid",
        "description": "Record validation errors",
        "details": {"risk_level": [{"description": "Risk level: cannot be blank", "error": "BlankValue"}]},
    },
    "sap odata": {
        "error": {
            "code": "SY/530",
            "message": {"lang": "en", "value": "Property 'risk_level' is mandatory"},
        }
    },
    "postgrest": {
        "code": "23502",
        "details": "Failing row contains (7, null).",
        "hint": None,
        "message": 'null value in column "risk_level" of relation "hra" violates not-null constraint',
    },
    "fhir": {
        "resourceType": "OperationOutcome",
        "issue": [
            {
                "severity": "error",
                "code": "required",
                "details": {"text": "A required element is missing"},
                "diagnostics": "Patient.risk_level: minimum required = 1, but only found 0 (from http://hl7.org/fhir)",
                "expression": ["Patient"],
            }
        ],
    },
    "fhir expression": {
        "resourceType": "OperationOutcome",
        "issue": [
            {
                "severity": "information",
                "code": "informational",
                "diagnostics": "All is well, name is required",
            },
            {
                "severity": "error",
                "code": "required",
                "details": {"coding": [{"code": "MSG"}], "text": "A required element is missing"},
                "expression": ["Patient.risk_level"],
            },
        ],
    },
    "gin": b"Key: 'Input.risk_level' Error:Field validation for 'risk_level' failed on the 'required' tag",
    "serde": b"missing field `risk_level` at line 1 column 12",
    "jackson": b"Missing required creator property 'risk_level' (index 0)",
}


@pytest.mark.parametrize("body", NAMED.values(), ids=NAMED)
def test_the_field_that_a_server_misses_is_named(body: object) -> None:
    found = told(body)
    assert (found.field, found.missing, found.also) == (X, True, ())


UNNAMED = {
    "fhir without a place": (
        {
            "resourceType": "OperationOutcome",
            "issue": [
                {
                    "severity": "error",
                    "code": "required",
                    "details": {"text": "A required element is missing"},
                    "expression": ["Patient"],
                }
            ],
        },
        True,
    ),
    "hl7": (b"101^Required field missing", True),
    "wrapped": ({"result": {"errors": [{"errorMessage": "A field is required"}]}}, True),
    "i18n key": ({"errors": [{"key": "error.validation.required", "message": "is required"}]}, True),
    "error name": ({"error": {"name": "ValidationError", "message": "A value is required"}}, True),
    "address": (
        {
            "timestamp": 1,
            "status": 400,
            "error": "Bad Request",
            "path": "/hra",
            "message": "A field is required",
        },
        True,
    ),
    "whole body": ({"detail": [{"loc": ["body"], "msg": "Field required", "type": "missing"}]}, True),
    "query": ({"detail": [{"loc": ["query", "page"], "msg": "Field required", "type": "missing"}]}, True),
    "choice": (b"At least one of phone, mail is required", True),
    "either": ({"message": "Either phone or mail is required"}, True),
    "no record": (b"Contact not found", False),
    "status phrases": (b"Length Required", False),
    "payment": ({"title": "Payment Required"}, False),
    "asp.net cannot read it": (
        {
            "title": "One or more validation errors occurred.",
            "errors": {
                "record": ["The record field is required."],
                "$": ["The JSON value could not be converted to Hra. Path: $ | LineNumber: 0"],
            },
        },
        False,
    ),
    "hl7 message": (
        b"MSH|^~\\&|A|B|C|D|2025||ACK|1|P|2.5\rMSA|AE|1|Required field missing\rERR||PID^1^5|101^Required field missing^HL70357|E",
        True,
    ),
    "apigee": (
        {"fault": {"faultstring": "Invalid input", "detail": {"errorcode": "steps.jsonthreat.Failed"}}},
        False,
    ),
    "missing or invalid": (b"Missing or invalid parameter: risk_level", False),
    "details that are no errors": (
        {"error": {"message": "Operation refused", "details": {"requestId": "7f-11"}}},
        False,
    ),
}


@pytest.mark.parametrize(("body", "missing"), UNNAMED.values(), ids=UNNAMED)
def test_rather_no_field_is_named_than_a_wrong_one(body: object, missing: bool) -> None:
    found = told(body)
    assert (found.field, found.missing) == ("", missing)


@pytest.mark.parametrize(
    ("body", "fields"),
    [
        (b"risk_level, score are required", ["risk_level", "score"]),
        (b"risk_level and score are required", ["risk_level", "score"]),
        (b"Missing required fields: risk_level, score, and mood.", ["risk_level", "score", "mood"]),
        (b"Sorry, score is required", ["score"]),
        (b"createHra.riskLevel: must not be null", ["createHra.riskLevel"]),
        (b"email: required", ["email"]),
        (b"No value provided for risk_level", ["risk_level"]),
        ([{"message": "Required fields are missing: [LastName, Company]"}], ["LastName", "Company"]),
        ({"error": "Bad Request", "missing": ["risk_level", "score"]}, ["risk_level", "score"]),
        ({"errors": {"risk_level": ["is required"], "score": ["is required"]}}, ["risk_level", "score"]),
        ({"errors": {"score": ["is too high"], "risk_level": ["is required"]}}, ["risk_level"]),
    ],
)
def test_all_the_fields_that_are_missing_are_told(body: object, fields: list[str]) -> None:
    found = told(body)
    assert [found.field, *(name for name, _ in found.also)] == fields
    assert found.missing


@pytest.mark.parametrize(
    ("body", "field"),
    [
        (
            {
                "errors": [
                    {
                        "instancePath": "/address",
                        "params": {"missingProperty": "street"},
                        "message": "must have required property 'street'",
                    }
                ]
            },
            "address.street",
        ),
        ({"errors": [{"path": "$.address", "message": "required key [street] not found"}]}, "address.street"),
        ({"address": {"street": ["This field is required."]}}, "address.street"),
        ({"errors": {"address": {"street": ["is required"]}}}, "address.street"),
        ({"errors": {"dob": ["Birthday is required"]}}, "dob"),
        ({"errors": {"riskLevel": ["Level is required"]}}, "riskLevel"),
        ({"errors": [{"field": "dob", "message": "birth_date is required"}]}, "dob"),
        ({"errors": {"validation": ["birth_date is required"]}}, "birth_date"),
        ({"errors": {"person": ["birthday is required"]}}, ""),
        ({"errors": {"title": ["can't be blank"]}}, "title"),
    ],
)
def test_a_text_and_a_key_that_name_two_things(body: object, field: str) -> None:
    assert told(body).field == field


@pytest.mark.parametrize(
    ("body", "header"),
    [
        (b"Missing required header: X-Signature", "X-Signature"),
        ({"message": "Missing X-Signature header"}, "X-Signature"),
        (b"Header 'X-Signature' is required", "X-Signature"),
        (b"X-Signature header is missing", "X-Signature"),
        (b"Missing Authorization header", "Authorization"),
        (
            {
                "message": "Required request header 'X-Signature' for method parameter type String is not present",
                "path": "/hra",
                "timestamp": 1,
            },
            "X-Signature",
        ),
        (
            {"detail": [{"loc": ["header", "x-signature"], "msg": "Field required", "type": "missing"}]},
            "x-signature",
        ),
        ({"errors": [{"source": {"header": "X-Signature"}, "detail": "is required"}]}, "X-Signature"),
        (b"The header row is missing", ""),
        (b"Invalid header", ""),
        ({"errors": [{"source": {"header": "the one of John"}, "detail": "is required"}]}, ""),
    ],
)
def test_a_header_that_is_missing_is_no_field(body: object, header: str) -> None:
    found = told(body)
    assert (found.header, found.field) == (header, "")
    assert not (header and found.missing)


SOAP = """<?xml version="1.0" encoding="UTF-8"?>
<soap:Envelope xmlns:soap="http://schemas.xmlsoap.org/soap/envelope/"><soap:Body><soap:Fault>
<faultcode>soap:Client</faultcode><faultstring>risk_level is required</faultstring>{0}</soap:Fault></soap:Body></soap:Envelope>"""


@pytest.mark.parametrize(
    ("body", "message"),
    [
        (SOAP.format(""), "risk_level is required"),
        (SOAP.format("<detail><hostname>ip-10</hostname></detail>"), "risk_level is required"),
        (
            SOAP.format(
                "<detail><e:Bad><e:field>risk_level</e:field><e:message>must be given</e:message></e:Bad></detail>"
            ).replace("<detail>", '<detail xmlns:e="urn:e">'),
            "risk_level must be given",
        ),
        (
            (
                '<env:Envelope xmlns:env="http://www.w3.org/2003/05/soap-envelope"><env:Body><env:Fault><env:Code>'
                '<env:Value>env:Sender</env:Value></env:Code><env:Reason><env:Text xml:lang="en">risk_level is required'
                "</env:Text></env:Reason></env:Fault></env:Body></env:Envelope>"
            ),
            "risk_level is required",
        ),
        (
            (
                '<E><Body><Fault><Reason><Text xml:lang="en">risk_level is required</Text><Text xml:lang="de">fehlt</Text></Reason>'
                "</Fault></Body></E>"
            ),
            "risk_level is required",
        ),
        ("<error><message>risk_level is required</message></error>", "risk_level is required"),
        (
            "<Error><Code>Missing</Code><Message><![CDATA[risk_level is required]]></Message></Error>",
            "risk_level is required",
        ),
        ("<errors><error>risk_level is required</error></errors>", "risk_level is required"),
        (
            (
                "<errors><error><field>risk_level</field><message>is required</message></error><error><field>score"
                "</field><message>is too high</message></error></errors>"
            ),
            "risk_level is required; score is too high",
        ),
        ('<error field="risk_level">is required</error>', "risk_level is required"),
        ('<string xmlns="http://x.example/">risk_level is required</string>', "risk_level is required"),
        (
            (
                '<OperationOutcome xmlns="http://hl7.org/fhir"><issue><severity value="error"/><code value="required"/>'
                '<details><text value="A required element is missing"/></details><expression value="Patient.risk_level"/>'
                "</issue></OperationOutcome>"
            ),
            "risk_level: A required element is missing",
        ),
    ],
)
def test_an_answer_of_xml_is_read(body: str, message: str) -> None:
    found = told(body.encode())
    assert (found.message, found.field, found.missing) == (message, X, True)


@pytest.mark.parametrize(
    "body",
    [
        '<!DOCTYPE e [<!ENTITY a "risk_level is required">]><error><message>&a;</message></error>',
        '<?xml version="1.0"?><!DOCTYPE e [<!ENTITY a SYSTEM "file:///etc/passwd">]><error><message>&a;</message></error>',
        '<!DOCTYPE e [<!ENTITY a "aaaaaaaaaa">'
        + "".join(f'<!ENTITY {chr(98 + n)} "{f"&{chr(97 + n)};" * 10}">' for n in range(9))
        + "]><error><message>&j;</message></error>",
        "<?xml version='1.0'?>" + "<a>" * 5000 + "</a>" * 5000,
        "<?xml version='1.0'?><a>" + "<b/>" * 6000 + "<message>risk_level is required</message></a>",
        "<?xml version='1.0'?><a><message>risk_level is required</message>" + "x" * 70_000 + "</a>",
        "<?xml version='1.0'?><error><message>risk_level is required",
        "<?xml version='1.0'?><record><name>John</name><born>1984-03-02</born></record>",
    ],
)
def test_xml_that_is_hostile_broken_or_no_error_names_nothing(body: str) -> None:
    found = told(body.encode())
    assert found.field == ""
    assert "required" not in found.message or "<" in found.message
    assert "root:" not in found.message
    assert "a" * 100 not in found.message


@pytest.mark.parametrize(
    ("body", "content_type"),
    [
        ("Zsófia: größe is required".encode("latin-1"), "text/plain; charset=ISO-8859-1"),
        (
            '{"message": "Zsófia: größe is required"}'.encode("cp1252"),
            'application/json; charset="windows-1252"',
        ),
        ('{"message": "Zsófia: größe is required"}'.encode("utf-16"), "application/json"),
        (
            '{"message": "Zsófia: größe is required"}'.encode("utf-16-le"),
            "application/json; charset=utf-16le",
        ),
        # what reads as UTF-8 is that: Tomcat declares Latin-1 unless told otherwise
        ('{"message": "Zsófia: größe is required"}'.encode(), "application/json;charset=ISO-8859-1"),
        (
            '<?xml version="1.0" encoding="ISO-8859-2"?><error><message>Zsófia: größe is required</message></error>'.encode(
                "iso8859-2"
            ),
            "text/xml",
        ),
        (
            '<?xml version="1.0" encoding="ISO-8859-1"?><error><message>Zsófia: größe is required</message></error>'.encode(
                "utf-16"
            ),
            "",
        ),
    ],
)
def test_an_answer_is_read_in_the_charset_that_it_declares(body: bytes, content_type: str) -> None:
    assert told(body, content_type).message == "Zsófia: größe is required"
    moment = datetime(2025, 11, 22, tzinfo=UTC)
    answer = Exchange("POST", "http://x/", {}, moment, 1.0, 422, {"Content-Type": content_type}, body)
    failure = judge_response(answer, {"name": "Zsófia Quill"})
    assert failure is not None
    assert failure.sentence == "••••: größe is required"


@pytest.mark.parametrize(
    "charset", ["", "no-such", "utf-7", "idna", "zlib", "rot13", "unicode_escape", "punycode"]
)
def test_only_charsets_that_are_cheap_are_read(charset: str) -> None:
    assert told(b"\xff\xe9 is required", f"text/plain; charset={charset}") == Told()


def test_a_name_that_is_a_value_of_the_record_is_not_told() -> None:
    data = {"name": "John Smith", "code": "X-Ray-7"}
    body = b'{"errors": {"risk_level": ["is required"], "john_smith": ["is required"]}}'
    found = told_of(body, data)
    assert (found.field, found.also) == (X, ())
    assert told_of(b"Missing required header: X-Ray-7", data).header == ""
    assert told_of(b"Missing required header: X-Signature", data).header == "X-Signature"


@pytest.mark.parametrize(
    "body",
    [
        {"errors": {"validation": ["x: smith_x is required"]}},
        {"errors": {"person": ["x: smith_x is required"]}},
        {"errors": ["risk_level is required", "x: smith_x is required"]},
        {
            "issue": [
                {
                    "severity": "error",
                    "diagnostics": "x: smith_x.z: minimum required = 1, but only found 0",
                    "expression": ["Patient"],
                }
            ]
        },
    ],
)
def test_a_name_from_a_text_that_repeats_a_value_is_not_told(body: object) -> None:
    found = told_of(json.dumps(body).encode(), {"note": "x: smith_x"})
    assert "smith" not in found.field
    assert found.also == ()
    assert "smith" in (without := told_of(json.dumps(body).encode(), {})).field + str(without.also)


def test_values_within_xml_are_masked() -> None:
    body = b"<error><message>J&#111;hn Smith is <![CDATA[unknown]]></message></error>"
    moment = datetime(2025, 11, 22, tzinfo=UTC)
    failure = judge_response(
        Exchange("POST", "http://x/", {}, moment, 1.0, 422, {}, body), {"name": "John Smith"}
    )
    assert failure is not None
    assert (failure.kind, failure.sentence) == (ErrorKind.REFUSED, "•••• is unknown")


@pytest.mark.timeout(20)  # what is looked for in an answer must not take longer than the answer is long
@pytest.mark.parametrize(
    "body",
    [
        {"errors": [{"errors": [{"x": "y"}] * 50}] * 2000},
        [[[[[["a b"] * 20] * 20] * 20] * 20]],
        {"message": "[{" * 2000 + "]"},
        {"errors": ["a, " * 333] * 50},
        {"errors": ["field a " * 120, "header a-" * 120, "missing a-" * 100, "the a, a and " * 70] * 20},
        {"message": "header " * 140, "errors": ["required header: " * 60]},
    ],
)
def test_hostile_answers_are_read_in_bounded_time(body: object) -> None:
    for _ in range(3):
        assert told(body).field == ""


def test_nested_lists_of_errors_are_looked_through_once() -> None:
    deep: object = {"x": 1}
    for _ in range(60):
        deep = {"errors": [deep, deep], "details": deep, "error": deep}
    assert read_told(json.dumps({"errors": []}).encode()) == Told()
    assert list(complaints_in(deep)) == []


def test_a_body_of_more_than_a_megabyte_is_not_read() -> None:
    assert told({"message": "risk_level is required", "x": "y" * 1_100_000}) == Told()
