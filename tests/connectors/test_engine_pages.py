"""Lists that go on, and datasets made of them."""

from __future__ import annotations

import json
from urllib.parse import parse_qsl

import pytest
from tests.connectors.engine import connector

from healthdesk.connectors.connector import Connector
from healthdesk.domain.states import Blame, ErrorKind
from healthdesk.errors import ConnectorError
from healthdesk.testing import reply
from healthdesk.testing.faults import Behaviour, Visit

HEAD = """
id = "acme"
name = "Acme"
kinds = ["proof"]
[[auth]]
id = "token"
name = "Token"
"""
MEMBERS = """
[[datasets]]
id = "members"
name = "Members"
request = {{ path = "/orgs/{{org}}/members", {request} }}
items = "{items}"
columns = [
  {{ key = "login", label = "Login", path = "login" }},
  {{ key = "teams", label = "Teams", path = "teams[].name" }},
]
fields = [ {{ key = "org", label = "Organisation" }}, {{ key = "kind", label = "Kind", required = false, default = "all" }} ]
paging = {paging}
"""


def members(paging: str, *, items: str = "items", request: str = 'query = { kind = "{kind}" }') -> str:
    return MEMBERS.format(paging=paging, items=items, request=request)


def person(name: str) -> dict[str, object]:
    return {"login": name, "teams": [{"name": "a"}, {"name": "b"}]}


@pytest.fixture
def make(session, clock, endpoint):
    def made(paging: str, **more: str) -> Connector:
        return connector(members(paging, **more), session, clock, endpoint.url, head=HEAD)

    return made


def queries(endpoint) -> list[dict[str, str]]:
    return [dict(parse_qsl(each.path.partition("?")[2])) for each in endpoint.requests]


async def test_rows_are_text_with_every_column_in_order(make, endpoint):
    endpoint.answer(200, json={"items": [person("ada"), {"login": 7, "teams": None}, {"login": "b\x00\nc"}]})
    collected = await make('{ type = "none" }').collect("members", {"org": "a/b", "kind": ""})
    assert collected.failure is None
    assert collected.columns == ["login", "teams"]
    assert collected.rows == [
        {"login": "ada", "teams": "a, b"},
        {"login": "7", "teams": ""},
        {"login": "b\ufffd c", "teams": ""},
    ]
    assert endpoint.requests[0].path == "/orgs/a%2Fb/members?kind=all"


async def test_the_link_header_is_followed(make, endpoint):
    next_url = f'<{endpoint.url}/orgs/x/members?kind=all&per=2&page=2>; rel="next", <https://x>; rel="last"'
    endpoint.script(
        reply(200, json=[person("a"), person("b")], headers={"Link": next_url}),
        reply(200, json=[person("c")], headers={"Link": '<https://x>; rel="prev"'}),
    )
    collected = await make('{ type = "link", size_param = "per", size = 2 }', items="@").collect(
        "members", {"org": "x"}
    )
    assert [each["login"] for each in collected.rows] == ["a", "b", "c"]
    assert (collected.failure, collected.cut) == (None, False)
    assert queries(endpoint) == [{"kind": "all", "per": "2"}, {"kind": "all", "per": "2", "page": "2"}]


@pytest.mark.parametrize("absolute", [True, False])
async def test_a_next_url_is_followed_also_where_it_is_relative(make, endpoint, absolute):
    start = endpoint.url if absolute else ""
    endpoint.script(
        reply(200, json={"items": [person("a")], "next": start + "/more?at=1#f"}),
        reply(200, json={"items": [person("b")], "next": None}),
    )
    collected = await make('{ type = "url", next = "next" }').collect("members", {"org": "x"})
    assert [each["login"] for each in collected.rows] == ["a", "b"]
    assert endpoint.requests[1].path == "/more?at=1"


@pytest.mark.parametrize(
    "elsewhere",
    [
        "https://evil.example/x",
        "//evil.example/x",
        "http://127.0.0.1:1/x",
        "file:///etc/passwd",
        "http://[",
        ["x"],
        "{same_user}",
        "x" * 9000,
    ],
    ids=["host", "scheme-less", "port", "file", "none", "list", "user", "long"],
)
async def test_a_next_url_elsewhere_is_never_asked(make, endpoint, elsewhere):
    if elsewhere == "{same_user}":
        elsewhere = endpoint.url.replace("//", "//user:pass@") + "/x"
    endpoint.answer(200, json={"items": [person("a")], "next": elsewhere})
    collected = await make('{ type = "url", next = "next" }').collect("members", {"org": "x"})
    assert len(endpoint.requests) == 1
    assert [each["login"] for each in collected.rows] == ["a"]
    assert collected.failure.kind is ErrorKind.UNEXPECTED_ANSWER
    assert "an address for the next page that is not its own" in collected.failure.sentence


async def test_a_cursor_goes_where_the_manifest_says(make, endpoint):
    answers = [
        reply(200, json={"items": [person("a")], "meta": {"after": "c=1", "more": True}}),
        reply(200, json={"items": [person("b")], "meta": {"after": "c=2", "more": False}}),
    ]
    paging = '{ type = "cursor", next = "meta.after", more = "meta.more", param = "after" }'
    endpoint.script(*answers)
    assert len((await make(paging).collect("members", {"org": "x"})).rows) == 2
    assert queries(endpoint) == [{"kind": "all"}, {"kind": "all", "after": "c=1"}]

    endpoint.requests.clear()
    endpoint.script(*answers)
    paging = paging.replace("param =", 'into = "variables", param =')
    graphql = 'method = "POST", graphql = "{a}", variables = { org = "{org}" }'
    assert len((await make(paging, request=graphql).collect("members", {"org": "x"})).rows) == 2
    assert [json.loads(each.body)["variables"] for each in endpoint.requests] == [
        {"org": "x"},
        {"org": "x", "after": "c=1"},
    ]


async def test_a_cursor_may_be_in_a_header(make, endpoint):
    endpoint.script(
        reply(200, json={"items": [person("a")]}, headers={"X-Next-Page": "2"}),
        reply(200, json={"items": [person("b")]}, headers={"X-Next-Page": ""}),
    )
    paging = '{ type = "header", next_header = "x-next-page", param = "page" }'
    assert len((await make(paging).collect("members", {"org": "x"})).rows) == 2
    assert queries(endpoint) == [{"kind": "all"}, {"kind": "all", "page": "2"}]


async def test_a_cursor_that_is_no_value_is_not_sent(make, endpoint):
    endpoint.answer(200, json={"items": [person("a")], "next": {"a": 1}})
    collected = await make('{ type = "cursor", next = "next", param = "after" }').collect(
        "members", {"org": "x"}
    )
    assert "a mark for the next page that cannot be sent" in collected.failure.sentence


async def test_pages_are_counted_until_one_is_short(make, endpoint):
    endpoint.script(
        reply(200, json={"items": [person("a"), person("b")]}), reply(200, json={"items": [person("c")]})
    )
    paging = '{ type = "page", param = "page", size_param = "per", size = 2 }'
    collected = await make(paging).collect("members", {"org": "x"})
    assert len(collected.rows) == 3
    assert [(each["page"], each["per"]) for each in queries(endpoint)] == [("1", "2"), ("2", "2")]


async def test_the_first_page_may_come_without_its_number(make, endpoint):
    endpoint.script(
        reply(200, json={"items": [person("a")], "next_page": "https://elsewhere.example/members?page=2"}),
        reply(200, json={"items": [person("b")], "next_page": None}),
    )
    paging = '{ type = "page", param = "page", ask_first = false, more = "next_page" }'
    collected = await make(paging).collect("members", {"org": "x"})
    assert (len(collected.rows), collected.failure, collected.cut) == (2, None, False)
    assert [each.get("page") for each in queries(endpoint)] == [None, "2"]


async def test_items_are_counted_until_a_page_is_empty(make, endpoint):
    endpoint.script(
        reply(200, json={"items": [person("a"), person("b")]}),
        reply(200, json={"items": [person("c")]}),
        reply(200, json={"items": []}),
    )
    collected = await make('{ type = "offset", param = "startAt" }').collect("members", {"org": "x"})
    assert len(collected.rows) == 3
    assert [each["startAt"] for each in queries(endpoint)] == ["0", "2", "3"]


async def test_a_list_that_goes_round_ends(make, endpoint):
    endpoint.answer(200, json={"items": [person("a")], "next": "same"})
    collected = await make('{ type = "cursor", next = "next", param = "after" }').collect(
        "members", {"org": "x"}
    )
    assert len(endpoint.requests) == 2
    assert "goes round in circles" in collected.failure.sentence


async def test_a_list_without_an_end_is_cut(make, endpoint):
    async def act(visit: Visit) -> bool:
        number = len(endpoint.requests)
        return await reply(200, json={"items": [person("a")], "next": number}).act(visit)

    endpoint.behave(Behaviour("counting", act))
    collected = await make('{ type = "cursor", next = "next", param = "after" }').collect(
        "members", {"org": "x"}
    )
    assert collected.cut
    assert collected.failure is None
    assert len(collected.rows) == len(endpoint.requests) == 1000


async def test_what_came_before_a_failure_is_kept_with_it(make, endpoint):
    endpoint.script(
        reply(200, json={"items": [person("a")], "next": "n"}),
        reply(429, json={"message": "slow"}, headers={"Retry-After": "7"}),
    )
    collected = await make('{ type = "cursor", next = "next", param = "after" }').collect(
        "members", {"org": "x"}
    )
    assert len(collected.rows) == 1
    assert (collected.failure.kind, collected.failure.retry_after_s) == (ErrorKind.RATE_LIMITED, 7.0)
    assert collected.exchange.status == 429


@pytest.mark.parametrize("body", [{}, {"items": None}, {"items": "x"}, [], {"items": 3}])
async def test_an_answer_without_the_list_is_no_empty_list(make, endpoint, body):
    endpoint.answer(200, json=body)
    collected = await make('{ type = "none" }').collect("members", {"org": "x"})
    assert (collected.failure.kind, collected.failure.blame) == (ErrorKind.UNEXPECTED_ANSWER, Blame.THEM)
    assert "without the list that was asked for" in collected.failure.sentence


async def test_an_object_is_one_row(make, endpoint):
    endpoint.answer(200, json=person("ada"))
    collected = await make('{ type = "none" }', items="@").collect("members", {"org": "x"})
    assert [each["login"] for each in collected.rows] == ["ada"]


async def test_what_is_not_there_is_our_mistake(make):
    with pytest.raises(ConnectorError, match="Acme has no dataset nope"):
        await make('{ type = "none" }').collect("nope")
    with pytest.raises(ConnectorError, match="org is missing") as caught:
        await make('{ type = "none" }').collect("members", {"org": ""})
    assert caught.value.field == "org"


async def test_pages_go_on_beyond_a_hundred_and_end_where_it_is_said(make, endpoint):
    endpoint.script(*(reply(200, json={"items": [person(str(at))], "next": str(at)}) for at in range(1, 200)))
    paging = '{ type = "cursor", next = "next", param = "after" }'
    collected = await make(paging).collect("members", {"org": "x"}, most_pages=150)
    assert (len(collected.rows), collected.cut) == (150, True)


async def test_a_hundred_thousand_rows_are_where_a_collection_is_cut(make, endpoint, monkeypatch):
    monkeypatch.setattr("healthdesk.connectors.connector.MOST_ROWS", 1500)
    items = [{"login": str(at)} for at in range(1000)]
    endpoint.script(reply(200, json={"items": items, "next": "2"}), reply(200, json={"items": items}))
    paging = '{ type = "cursor", next = "next", param = "after" }'
    collected = await make(paging).collect("members", {"org": "x"})
    assert (len(collected.rows), collected.cut) == (1500, True)


async def test_long_cells_cut_a_collection_before_they_fill_the_memory(make, endpoint, monkeypatch):
    monkeypatch.setattr("healthdesk.connectors.connector.MOST_CHARACTERS", 5000)
    endpoint.answer(200, json={"items": [{"login": "x" * 3000}], "next": "again"})
    endpoint.script(
        *(reply(200, json={"items": [{"login": "x" * 3000}], "next": str(at)}) for at in range(9))
    )
    paging = '{ type = "cursor", next = "next", param = "after" }'
    collected = await make(paging).collect("members", {"org": "x"})
    assert (len(collected.rows), collected.cut) == (2, True)


PROBED = """
[[probes]]
id = "read"
name = "Read members"
fields = [ { key = "org", label = "Organisation" } ]
request = { path = "/orgs/{org}" }
success = "readable"
missing = "The account has to be a member."
"""


async def test_a_dataset_is_tried_by_its_probe_and_without_one_by_its_first_page(
    session, clock, endpoint, make
):
    paging = '{ type = "cursor", next = "next", param = "after" }'
    probed = members(paging) + 'probe = "read"\n' + PROBED
    connector_with_probe = connector(probed, session, clock, endpoint.url, head=HEAD)
    endpoint.answer(200, json={"readable": False})
    tried = await connector_with_probe.try_dataset("members", {"org": "x"})
    assert tried.failure.sentence.startswith("The account has to be a member")
    endpoint.answer(200, json={"readable": True, "items": [person("a")], "next": "2"})
    assert (await connector_with_probe.try_dataset("members", {"org": "x"})).failure is None
    assert [each.path for each in endpoint.requests] == ["/orgs/x", "/orgs/x"]
    endpoint.requests.clear()
    tried = await make(paging).try_dataset("members", {"org": "x"})
    assert (tried.failure, len(tried.rows), tried.cut) == (None, 1, True)
    assert len(endpoint.requests) == 1
