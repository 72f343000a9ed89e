"""What a request template becomes: exactly what the manifest says, on the wire."""

from __future__ import annotations

import json
from urllib.parse import parse_qsl, unquote, urlsplit

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.connectors.engine import connector

from healthdesk.connectors import templates
from healthdesk.connectors.outgoing import Outgoing
from healthdesk.connectors.spec import RequestTemplate
from healthdesk.connectors.templates import Extra
from healthdesk.errors import ConnectorError

BASE = "https://api.acme.example/v2"


def render(values=None, extra=None, base=BASE, of_all=None, **request) -> Outgoing:
    template = RequestTemplate.model_validate(request)
    return templates.request(template).render(base, of_all or {}, values or {}, extra)


@pytest.mark.parametrize(
    ("value", "path"),
    [
        ("a b", "a%20b"),
        ("group/project", "group%2Fproject"),
        ("a?b#c&d=e", "a%3Fb%23c%26d%3De"),
        ("100%", "100%25"),
        ("שלום", "%D7%A9%D7%9C%D7%95%D7%9D"),
        ("a+b;c:d@e", "a%2Bb%3Bc%3Ad%40e"),
        (42, "42"),
        ("\ud800", "%3F"),
    ],
)
def test_a_value_stays_within_its_segment(value, path):
    assert render({"id": value}, path="/projects/{id}/issues").url == f"{BASE}/projects/{path}/issues"


@pytest.mark.parametrize("value", ["..", "."])
def test_a_value_cannot_lead_out_of_its_segment(value):
    with pytest.raises(ConnectorError, match="id cannot be") as caught:
        render({"id": value}, path="/projects/{id}/issues")
    assert caught.value.field == "id"


@pytest.mark.parametrize("value", [None, ""])
def test_a_path_without_its_value_is_an_error_that_names_it(value):
    with pytest.raises(ConnectorError, match="owner is missing") as caught:
        render({"owner": value}, path="/repos/{owner}")
    assert caught.value.field == "owner"


def test_a_header_without_its_value_is_an_error_that_names_it():
    with pytest.raises(ConnectorError, match="email is missing, and the header From needs it"):
        render({}, of_all={"From": "{email}"})


def test_what_has_no_value_is_left_out_of_query_and_form():
    sent = render(
        {"page": 2, "q": "is:open a&b", "flag": True},
        query={"q": "repo:x {q}", "page": "{page}", "none": "{gone}", "half": "a {gone}", "flag": "{flag}", "k[x]": "1"},
    )  # fmt: skip
    assert sent.url == f"{BASE}?q=repo%3Ax%20is%3Aopen%20a%26b&page=2&flag=true&k%5Bx%5D=1"
    form = render({"a": "1 2&"}, method="POST", form={"a": "{a}", "b": "{gone}", "c": "{{x}}"})
    assert parse_qsl(form.body.decode()) == [("a", "1 2&"), ("c", "{x}")]
    assert form.headers["Content-Type"] == "application/x-www-form-urlencoded"


def test_json_keeps_types_and_leaves_out_what_has_no_value():
    sent = render(
        {"title": "T", "n": 3, "labels": ["a"], "done": False, "empty": ""},
        method="POST",
        json={
            "title": "{title}",
            "text": "{title}: {n}",
            "gone": "{nothing}",
            "n": "{n}",
            "labels": "{labels}",
            "done": "{done}",
            "empty": "{empty}",
            "literal": {"a": [1, 2.5, None, True, {}], "b": []},
            "nested": {"deep": {"gone": "{nothing}"}},
            "partly": {"kept": 1, "gone": "{nothing}"},
            "list": ["{nothing}"],
            "ops": [
                {"op": "add", "path": "/a", "value": "{title}"},
                {"op": "add", "path": "/b", "value": "{nothing}"},
                {"op": "add", "path": "/c", "value": {"id": "{nothing}", "type": "user"}},
            ],
            "braces": "{{n}}",
        },
    )
    assert json.loads(sent.body) == {
        "title": "T",
        "text": "T: 3",
        "n": 3,
        "labels": ["a"],
        "done": False,
        "empty": "",
        "literal": {"a": [1, 2.5, None, True, {}], "b": []},
        "partly": {"kept": 1},
        "ops": [{"op": "add", "path": "/a", "value": "T"}],
        "braces": "{n}",
    }
    assert sent.headers["Content-Type"] == "application/json"


def test_a_body_of_nothing_is_still_a_body():
    assert render({}, method="PATCH", json={"a": "{gone}"}).body == b"{}"
    patch = render({}, method="PATCH", json=[{"value": "{gone}"}], content_type="application/json-patch+json")
    assert (patch.body, patch.headers["Content-Type"]) == (b"[]", "application/json-patch+json")


def test_graphql_is_a_query_as_it_is_and_its_variables():
    query = "query($id: ID!) { issue(id: $id) { id } }"
    sent = render({"id": "7"}, method="POST", graphql=query, variables={"id": "{id}", "after": "{after}"})
    assert json.loads(sent.body) == {"query": query, "variables": {"id": "7"}}


def test_a_request_without_a_body_says_nothing_of_one():
    for method in ("GET", "HEAD", "DELETE", "POST"):
        sent = render({}, method=method, path="/x", content_type="text/plain")
        assert sent.body == b""
        assert "Content-Type" not in sent.headers


def test_a_header_of_the_request_wins_whatever_its_case():
    sent = render({}, of_all={"ACCEPT": "application/vnd.acme+json", "X-V": "1"}, method="GET")
    assert sent.headers == {"ACCEPT": "application/vnd.acme+json", "X-V": "1"}
    own = render({}, of_all={"x-v": "1"}, answer="text", headers={"X-V": "2"})
    assert own.headers == {"X-V": "2"}


@pytest.mark.parametrize(
    ("into", "url", "body"),
    [
        ("query", f"{BASE}/x?a=1&after=c%3D", {"b": 2}),
        ("json", f"{BASE}/x?a=1&after=0", {"b": 2, "page": {"after": "c="}}),
    ],
)
def test_paging_adds_to_a_request(into, url, body):
    name = "after" if into == "query" else "page.after"
    sent = render(
        {},
        Extra({name: "c="}, into),
        method="POST",
        path="/x",
        query={"a": "1", "after": "0"},
        json={"b": 2},
    )
    assert (sent.url, json.loads(sent.body)) == (url, body)


def test_paging_adds_to_the_variables_of_a_query():
    sent = render({}, Extra({"after": "c"}, "variables"), method="POST", graphql="{a}", variables={"n": 1})
    assert json.loads(sent.body)["variables"] == {"n": 1, "after": "c"}


_TEXT = st.text(max_size=30)


@given(value=_TEXT.filter(lambda text: text not in ("", ".", "..")))
def test_any_value_comes_back_from_the_path_as_it_was(value):
    parts = urlsplit(render({"a": value}, path="/x/{a}/y").url)
    assert parts.netloc == "api.acme.example"
    assert parts.path.count("/") == 4
    segment = unquote(parts.path.split("/")[3], errors="strict")
    assert segment == value.encode("utf-8", "replace").decode()


@given(name=st.from_regex(r"[a-z_\[\]]{1,8}", fullmatch=True), value=_TEXT)
def test_any_value_comes_back_from_query_form_and_json_as_it_was(name, value):
    plain = value.encode("utf-8", "replace").decode()
    query = urlsplit(render({"a": value}, query={name: "{a}"}).url).query
    assert parse_qsl(query, keep_blank_values=True) == [(name, plain)]
    form = render({"a": value}, method="POST", form={name: "-{a}"}).body.decode()
    assert parse_qsl(form, keep_blank_values=True) == [(name, "-" + plain)]
    assert json.loads(render({"a": value}, method="POST", json={name: "{a}"}).body) == {name: plain}


_JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(alphabet="ab{}", max_size=5).filter(lambda text: "{" not in text and "}" not in text),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=5), inner, max_size=4),
    max_leaves=20,
)  # fmt: skip


@given(body=_JSON.filter(lambda value: value is not None))
def test_a_body_without_placeholders_is_sent_as_it_is_written(body):
    assert json.loads(render({}, method="POST", json=body).body) == body


async def test_the_wire_carries_what_was_rendered(session, clock, endpoint):
    text = """
[[heartbeat]]
request = { path = "/p/{account}/x", query = { q = "{query}", "k[0]" = "a,b" }, headers = { X-Tenant = "{account}" } }
identity = { account_id = "id" }
"""
    endpoint.answer(200, json={"id": 1})
    values = {"account": "a/b c%", "query": "x+y=z&é"}
    assert (await connector(text, session, clock, endpoint.url, settings=values).check()).ok
    [seen] = endpoint.requests
    path, _, query = seen.path.partition("?")
    assert path == "/p/a%2Fb%20c%25/x"
    assert parse_qsl(query) == [("q", "x+y=z&é"), ("k[0]", "a,b")]
    assert seen.headers["x-tenant"] == "a/b c%"
    assert seen.body == b""
    assert "content-length" not in seen.headers


@pytest.mark.parametrize("method", ["GET", "POST", "PUT", "PATCH", "DELETE"])
async def test_the_wire_says_nothing_of_a_body_that_is_not_there(session, clock, endpoint, method):
    endpoint.answer(200, json={})
    client = connector("", session, clock, endpoint.url).client
    reply = await client.call(RequestTemplate(method=method, path="x"), on="tasks")
    assert reply.ok
    [seen] = endpoint.requests
    assert (seen.method, seen.body) == (method, b"")
    assert "content-type" not in seen.headers
    assert seen.headers.get("content-length", "0") == "0"


async def test_the_wire_carries_the_type_of_the_body(session, clock, endpoint):
    endpoint.answer(200, json={})
    client = connector("", session, clock, endpoint.url).client
    for number in range(2):  # the second goes over a connection that is open already
        request = RequestTemplate(
            method="PATCH", path="x", json=[number], content_type="application/json-patch+json"
        )
        await client.call(request, on="tasks")
    assert [each.json() for each in endpoint.requests] == [[0], [1]]
    assert {each.headers["content-type"] for each in endpoint.requests} == {"application/json-patch+json"}
    assert endpoint.connections == 1
