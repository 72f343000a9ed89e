"""No value of a record survives in what is masked, and no trace of one in what an endpoint wrote."""

from __future__ import annotations

import json
import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from healthdesk.domain.addresses import as_stored, redact_text, secret_in
from healthdesk.domain.masking import (
    MASK,
    mask_headers,
    mask_json,
    mask_text,
    mask_url,
    redact_headers,
    redact_url,
    scrub,
    values_of,
)
from healthdesk.domain.scrubbing import Scrubber
from healthdesk.domain.shared_answers import without_others, without_values
from healthdesk.domain.values import plain

TEXT = st.text(st.characters(exclude_categories=["Cs"]), max_size=20)
KEYS = st.sampled_from(["q1", "answer", "score", "items", "who"])
LEAF = st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | TEXT
JSON = st.recursive(
    LEAF,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(KEYS, inner, max_size=4),
    max_leaves=15,
)


def leaves(value: object) -> list[object]:
    if isinstance(value, dict):
        return [leaf for item in value.values() for leaf in leaves(item)]
    if isinstance(value, list):
        return [leaf for item in value for leaf in leaves(item)]
    return [] if value is None else [value]


def traces(text: str, leaf: object) -> bool:
    """Tell whether a leaf is in the text: a short one as a word of its own, a longer one anywhere, in any case."""
    written = json.dumps(leaf) if isinstance(leaf, bool) else plain(str(leaf))
    if not any(char.isalnum() for char in written):
        return False
    if len(written) < 4:
        return re.search(rf"(?<!\w){re.escape(written)}(?!\w)", text) is not None
    return written in text or written.lower() in text.lower()


@given(JSON)
def test_mask_json_keeps_shape_and_no_leaf(value: object) -> None:
    masked = mask_json(value)
    assert all(leaf == MASK for leaf in leaves(masked))
    assert len(leaves(masked)) == len(leaves(value))
    again = json.loads(json.dumps(masked))
    assert mask_json(again) == masked


@given(st.dictionaries(KEYS, JSON, max_size=4), st.booleans())
def test_no_leaf_is_in_the_masked_text(data: object, as_ascii: bool) -> None:
    masked = mask_text(json.dumps(data, ensure_ascii=as_ascii).encode(), "application/json")
    shown = re.sub(r'"(q1|answer|score|items|who)"', "", masked).replace("null", "")
    assert set(shown) <= set(f'{MASK} \n{{}}[],:"')


@given(
    st.binary(max_size=80) | TEXT.map(str.encode), st.sampled_from(["", "text/html", "application/json", "x"])
)
def test_what_cannot_be_parsed_is_hidden_whole(body: bytes, content_type: str) -> None:
    shown = mask_text(body, content_type)
    try:
        json.loads(body)
    except ValueError:
        assert shown == "" or re.fullmatch(
            rf"{MASK} \(([\w/]+|not JSON), \d+ bytes, hidden until revealed\)", shown
        )


@pytest.mark.parametrize(
    "body",
    [b"[" * 50_000, b"[" * 500 + b"]" * 500, b'{"a":' * 300 + b"1" + b"}" * 300, b'{"a": 12', b"9" * 5000],
)
def test_hostile_bodies_are_masked_or_hidden(body: bytes) -> None:
    shown = mask_text(body, "application/json")
    assert MASK in shown
    assert not re.search(r"12|99", shown.partition("(")[0])


def test_only_data_of_a_posted_record_is_masked() -> None:
    body = b'{"source":"heart","level":"high","data":{"name":"Smith","score":71,"note":null}}'
    shown = json.loads(mask_text(body, "application/json", under="data", clear=frozenset({"score"})))
    assert shown == {"source": "heart", "level": "high", "data": {"name": MASK, "score": 71, "note": None}}


def test_keys_of_an_answer_that_hold_values_are_masked() -> None:
    body = json.dumps(
        {"errors": {"Smith": ["bad"], "smith": 1, "patient_Smith": 2, "john smith": 3, "risk": 4}}
    )
    shown = json.loads(
        mask_text(body.encode(), "application/json", values=frozenset({"John Smith", "Smith", "high risk"}))
    )
    assert list(shown["errors"]) == [MASK, f"{MASK} 2", f"{MASK} 3", f"{MASK} 4", "risk"]


@given(st.dictionaries(KEYS, JSON, max_size=4))
def test_no_value_is_in_what_is_kept_of_an_answer_to_several_records(data: dict[str, object]) -> None:
    kept = without_values(json.dumps({"message": "busy", "got": [data]}).encode(), Scrubber(values_of(data)))
    said = json.loads(kept)["got"]
    assert not any(
        traces(str(leaf), each) for leaf in leaves(said) for each in leaves(data) if type(each) is str
    )


def test_what_is_said_of_one_record_of_a_batch_keeps_its_own_values_and_no_trace_of_the_others() -> None:
    own, other = {"name": "Ann Bee", "clinic": "North Ward"}, {"name": "Zsofia Quill", "clinic": "North Ward"}
    told = {
        "id": "rec_01", "at": "2025-11-22", "error": "Ann Bee of North Ward is Quill", "status": 409,
        "of": [{"name": "Zsofia Quill", "smoker": True, "score": 7}], "ok": False,
    }  # fmt: skip
    assert without_others(told, own, Scrubber(values_of([own, other]))) == told | {
        "error": f"Ann Bee of North Ward is {MASK}", "of": [{"name": MASK, "smoker": MASK, "score": MASK}],
    }  # fmt: skip


@pytest.mark.parametrize("body", [b"[" * 50_000, b"<p>Ann Bee " + b"x" * 5000 + b"Ann Bee", b"\xff Ann Bee"])
def test_hostile_answers_to_several_records_keep_no_value(body: bytes) -> None:
    kept = without_values(body, Scrubber(frozenset({"Ann Bee"})))
    assert b"Bee" not in kept
    assert MASK.encode() in kept


def test_forms_keep_their_names() -> None:
    shown = mask_text(b"name=Smith&score=71&empty=", "application/x-www-form-urlencoded; charset=utf-8")
    assert shown == f"name={MASK}&score={MASK}&empty={MASK}"


def test_xml_keeps_its_elements() -> None:
    body = (
        '<?xml version="1.0" encoding="iso-8859-1"?><s:Env xmlns:s="urn:x"><!-- Smith --><s:Body of="Smith" at="">'
        "<name>Sm\xf6th</name>tail<Smith>1</Smith><![CDATA[Smith]]><none/></s:Body></s:Env>"
    )
    shown = mask_text(body.encode("iso-8859-1"), "text/xml", values=frozenset({"Smith"}))
    assert [line.strip() for line in shown.splitlines()] == [
        f'<s:Env xmlns:s="{MASK}">',
        f'<s:Body of="{MASK}" at="">',
        f"<name>{MASK}</name>",
        MASK,
        f"<{MASK}>{MASK}</{MASK}>",
        MASK,
        "<none/>",
        "</s:Body>",
        "</s:Env>",
    ]


def test_what_a_refusal_says_is_shown_without_values_of_the_record() -> None:
    answer = {
        "errors": [
            {"field": "risk_level", "message": "is required for Ada Smith", "value": "no", "code": 1234}
        ],
        "messages": ["Smith is not known", "ask again"],
        "status": 7001,
        "ok": False,
        "error": {"detail": "born 1990-01-02", "patient": {"name": "Eve"}},
    }
    body, values = json.dumps(answer).encode(), frozenset({"Ada Smith", "7001"})
    shown = json.loads(mask_text(body, "application/json", values=values, refusal=True))
    assert shown == {
        "errors": [
            {"field": "risk_level", "message": f"is required for {MASK}", "value": MASK, "code": 1234}
        ],
        "messages": [f"{MASK} is not known", "ask again"],
        "status": MASK,
        "ok": False,
        "error": {"detail": f"born {MASK}", "patient": {"name": MASK}},
    }
    for masked in (
        mask_text(body, "application/json", values=values),
        mask_text(body, "application/json", refusal=True),
    ):
        assert set(leaves(json.loads(masked))) == {MASK}, "no refusal, or the values are not known any more"


def test_what_a_refusal_says_in_xml_is_shown_without_values_of_the_record() -> None:
    body = b"<s:Fault><faultcode>Client</faultcode><faultstring>no Ada &lt;here&gt;</faultstring><who>Eve</who></s:Fault>"
    shown = mask_text(body, "text/xml", values=frozenset({"Ada"}), refusal=True)
    assert [line.strip() for line in shown.splitlines()][1:-1] == [
        "<faultcode>Client</faultcode>",
        f"<faultstring>no {MASK} &lt;here&gt;</faultstring>",
        f"<who>{MASK}</who>",
    ]
    assert "no" not in mask_text(body, "text/xml", values=frozenset({"Ada"}))


@pytest.mark.parametrize(
    "body",
    [
        '<!DOCTYPE a [<!ENTITY who "Smith">]><a>&who;</a>',
        "<a>Smith",
        "<a>" * 150 + "Smith" + "</a>" * 150,
        '<?xml version="1.0" encoding="no-such"?><a>Smith</a>',
        "Smith",
    ],
)
def test_xml_that_cannot_be_masked_is_hidden_whole(body: str) -> None:
    shown = mask_text(body.encode(), "application/soap+xml; charset=utf-8")
    assert shown == f"{MASK} (application/soap+xml, {len(body):,} bytes, hidden until revealed)"


def test_lone_surrogates_can_be_stored() -> None:
    shown = mask_text(rb'{"\ud800": 1}', "application/json")
    assert json.loads(shown.encode()) == {"?": MASK}
    assert plain("a\ud800b") == "a b"


@given(
    data=st.lists(LEAF, min_size=1, max_size=8),
    pattern=st.lists(
        st.sampled_from(
            ["{}", "'{}'", "value {}", '"{}"', "{},", "{}", "({})", "is not valid:", "risk_level", "for"]
        ),
        max_size=8,
    ),
    upper=st.booleans(),
)
def test_no_value_survives_in_a_message_that_repeats_it(
    data: list[object], pattern: list[str], upper: bool
) -> None:
    written = [json.dumps(leaf) if isinstance(leaf, bool) else str(leaf) for leaf in data if leaf is not None]
    pieces = [
        part.replace("{}", written[i % len(written)] if written else "") for i, part in enumerate(pattern)
    ]
    text = " ".join(pieces)
    shown = scrub(text.upper() if upper else text, values_of(data))
    for leaf in leaves(data):
        assert not traces(shown.replace(MASK, "\n"), leaf)


@given(TEXT, st.lists(TEXT, max_size=4))
def test_scrubbing_twice_changes_nothing(text: str, data: list[str]) -> None:
    values = values_of(data)
    once = scrub(text, values)
    assert scrub(once, values).replace(MASK, "") == once.replace(MASK, "")


DATA = {
    "name": "John Smith",
    "mail": "js@example.org",
    "score": 71,
    "bmi": 23.456,
    "income": 1234567,
    "small": 0.00001,
    "smoker": "no",
    "consent": True,
    "born": "1984-03-02",
    "code": "AB-1234-X",
    "note": "my heart hurts when I climb the stairs to my flat",
    "city": "Düsseldorf",
    "risk": "high",
}


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("Smith is unknown", "•••• is unknown"),
        ("JOHN SMITH is unknown", "•••• is unknown"),
        ("john_smith, johnSmith and johnsmith", "•••• and ••••"),
        ("john_stone", "john_stone"),
        ("patient_Smith is unknown", "•••• is unknown"),
        ("score must be below 70, is 71", "score must be below 70, is ••••"),
        ("score 71.0 and 71,00 and +71 and 71kg", "score •••• and •••• and +•••• and ••••kg"),
        ("bmi 23.46 of 23.456 or 23", "bmi •••• of •••• or ••••"),
        ("income 1,234,567 or 1.234.567", "income •••• or ••••"),
        ("small 1e-05", "small ••••"),
        ("q71 stays, and so does field_71", "q71 stays, and so does field_71"),
        ("smoker no: notice nothing", "smoker ••••: notice nothing"),
        ("consent True", "consent ••••"),
        ("born 02/03/1984", "born ••••"),
        ("born 1984-03-02T00:00:00Z", "born ••••T00:00:00Z"),
        ("call +49 (0)30 123456", "call ••••"),
        ("mail other@example.com", "mail ••••"),
        ("code 1234 of ab-1234-x", "code •••• of ••••"),
        ("note 'my heart hurts wh…' is too long", "note '••••…' is too long"),
        ("D\\u00fcsseldorf, D&uuml;sseldorf", "••••"),
        ("Du\u0308sseldorf", "••••"),
        ("highest", "••••est"),
        ("two\nlines\x1b[31m", "two lines [31m"),
    ],
)
def test_traces_of_values(text: str, shown: str) -> None:
    assert scrub(text, values_of(DATA)) == shown


def test_a_field_name_stays_though_it_holds_a_value() -> None:
    assert scrub("high_score is required, highest", values_of(DATA), keep="high_score") == (
        "high_score is required, ••••est"
    )


def test_without_values_the_message_stays() -> None:
    assert scrub("token expired 2025-01-01", frozenset()) == "token expired 2025-01-01"


@pytest.mark.parametrize(
    ("word", "held"),
    [
        ("Smith", True),
        ("smith", True),
        ("no", True),
        ("patient_Smith", True),
        ("x_js@example.org", True),
        ("risk_level", False),
        ("high_score", False),
        ("no_consent", False),
        ("name", False),
        ("", False),
    ],
)
def test_identifiers_made_of_values(word: str, held: bool) -> None:
    assert Scrubber(values_of(DATA)).holds(word) is held


def test_values_are_texts_numbers_and_booleans() -> None:
    data = {"a": [" x  y ", "", None, 1, 2.5, True, {"b": "z"}], "c": 10**5000}
    assert values_of(data) == {"x y", "1", "2.5", "true", "z"}


def test_headers() -> None:
    headers = {
        "Authorization": "Bearer abcdefghijklmnop",
        "Proxy-Authorization": "Basic dXNlcjpwYXNzd29yZA==",
        "X-Own": "topsecret",
        "X-API-Key": "0123456789abcdef",
        "Set-Cookie": "sid=0123456789abcdef",
        "X-Gitlab-Token": "0123456789abcdef",
        "X-Hook-Secret": "short",
        "Idempotency-Key": "key-of-a-record",
        "webhook-signature": "v1,c2ln",
        "Content-Length": "71",
        "X-Error": "Smith has 71",
    }
    assert redact_headers(headers, ["x-own"], values_of(DATA)) == {
        "Authorization": "Bearer ••••mnop",
        "Proxy-Authorization": "Basic ••••",
        "X-Own": "••••",
        "X-API-Key": "••••cdef",
        "Set-Cookie": "••••",
        "X-Gitlab-Token": "••••cdef",
        "X-Hook-Secret": "••••",
        "Idempotency-Key": "key-of-a-record",
        "webhook-signature": "v1,c2ln",
        "Content-Length": "71",
        "X-Error": "•••• has ••••",
    }


@given(st.text(max_size=40))
def test_at_most_the_last_four_of_a_secret_are_shown(secret: str) -> None:
    shown = redact_headers({"Authorization": f"Bearer {secret}"})["Authorization"]
    assert len(shown.rpartition(MASK)[2]) <= 4


@pytest.mark.parametrize(
    ("url", "shown"),
    [
        ("https://crm.acme.io/v2/hra", "https://crm.acme.io/v2/hra"),
        ("https://u:p%40ss@crm.acme.io:8443/a?x=1#f", f"https://u:{MASK}@crm.acme.io:8443/a?x=1"),
        ("https://tok@crm.acme.io/", f"https://{MASK}@crm.acme.io/"),
        ("https://h/?api_key=abc&page=2&token=t", f"https://h/?api_key={MASK}&page=2&token={MASK}"),
        ("https://h/?keyword=abc&monkey=1", "https://h/?keyword=abc&monkey=1"),
        ("http://u@[::1", MASK),
        ("/v2?a=b%20c&%61pi%5Fkey=k%20y&token=", f"/v2?a=b%20c&%61pi%5Fkey={MASK}&token="),
        # what each record has its own of is no secret of the settings
        ("/v2?code={data.code}&key={id}x&sig={{a}}", f"/v2?code={{data.code}}&key={MASK}&sig={MASK}"),
    ],
)
def test_urls(url: str, shown: str) -> None:
    assert redact_url(url) == shown
    assert redact_url(shown) == shown
    assert as_stored(shown, url) == url
    assert as_stored(f"{url}&more=1", url) == f"{url}&more=1"
    assert bool(secret_in(url)) == (f"={MASK}" in shown)


def test_addresses_in_a_text_are_shown_without_their_secrets() -> None:
    assert redact_text('GET https://u:pw@h/a?sig=ab&x=1, 200; {"path": "/b?key=c"} who? a=b token=c') == (
        f'GET https://{MASK}@h/a?sig={MASK}&x=1, 200; {{"path": "/b?key={MASK}"}} who? a=b token=c'
    )
    assert redact_url("/a?k=v&K=v", {"k"}) == f"/a?k={MASK}&K=v"


@pytest.mark.parametrize(
    ("location", "shown"),
    [
        ("http://127.0.0.1:8000/v2/hra", "http://127.0.0.1:8000/v2/hra"),
        ("/v2/hra?sig=abc&kind=hra#top", f"/v2/hra?sig={MASK}&kind=hra"),
        ("https://u:pw@crm.example/people/Zs%C3%B3fia", f"https://u:{MASK}@crm.example/people/{MASK}"),
        ("https://zsófia.example/x", f"https://{MASK}/x"),
        ("http://[::1", MASK),
    ],
)
def test_where_an_endpoint_redirects_to_can_be_read(location: str, shown: str) -> None:
    scrubber = Scrubber(frozenset({"Zsófia", "127", "8000", "1"}))
    assert mask_headers({"Location": location}, scrubber) == {"Location": shown}


def test_where_an_endpoint_redirected_to_is_its_host_once_the_record_is_gone() -> None:
    masked = mask_headers({"location": "https://crm.example:8443/people/Ada?x=1"}, None)
    assert masked == {"location": f"https://crm.example:8443/{MASK}"}


def test_headers_of_an_answer_repeat_nothing_of_the_record_in_a_view() -> None:
    scrubber = Scrubber(values_of({"name": "Zsófia Quillfeather", "no": 84726153, "smokes": True}))
    shown = mask_headers(
        {
            "Content-Type": "text/html",
            "healthdesk-sample": "true",
            "X-Who": "Zs%C3%B3fia%20Quillfeather is unknown",
            "X-84726153": "no such member",
            "X-Trace": "f3a9",
        },
        scrubber,
    )
    assert shown == {
        "Content-Type": "text/html",
        "healthdesk-sample": "true",
        "X-Who": f"{MASK} is unknown",
        MASK: "no such member",
        "X-Trace": "f3a9",
    }
    gone = mask_headers({"Content-Type": "text/html", "X-Who": "Zsófia"}, None)
    assert gone == {"Content-Type": "text/html", "X-Who": MASK}


def test_values_in_a_url_that_a_template_made_are_masked():
    scrubber = Scrubber(values_of({"name": "Grace Hopper", "mail": "grace@navy.example"}))
    url = "https://crm.example:8443/people/Grace%20Hopper/hra?mail=grace%40navy.example&kind=hra"
    assert mask_url(url, scrubber) == f"https://crm.example:8443/people/{MASK}/hra?mail={MASK}&kind=hra"
    assert mask_url("https://crm.example/v2/hra", scrubber) == "https://crm.example/v2/hra"
    assert mask_url("https://crm.example/?key=••••", scrubber) == "https://crm.example/?key=••••"
    assert mask_url("", scrubber) == ""


def test_once_the_values_are_gone_only_the_host_of_a_url_is_shown():
    assert mask_url("https://crm.example/people/Ada?x=1", None) == f"https://crm.example/{MASK}"
