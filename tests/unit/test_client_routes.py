"""The client and the daemon's route table agree: every route has a call, and takes what the call sends."""

import re

import pytest
from multidict import MultiDict
from pydantic import BaseModel, TypeAdapter
from tests.harness.client_calls import CALLS

from healthdesk.api.common import Page
from healthdesk.http.query import parse_query, repeats
from healthdesk.http.routes import OPERATOR_ROUTES

STREAMED = {("GET", "/v1/events"), ("GET", "/v1/backup")}
# Fixed paths are matched before those with a parameter in the same place.
ROUTES = sorted(OPERATOR_ROUTES, key=lambda route: [part.startswith("{") for part in route.path.split("/")])


def route_of(line: str):
    method, _, target = line.partition(" ")
    path = target.partition("?")[0]
    found = [
        route
        for route in ROUTES
        if route.method == method and re.fullmatch(re.sub(r"\{[^}]+\}", "[^/]+", route.path), path)
    ]
    assert found, f"no route for {method} {path}"
    return found[0]


def test_every_route_has_a_call():
    called = {(route_of(line).method, route_of(line).path) for _, line, _, _ in CALLS.values()}
    assert {(route.method, route.path) for route in OPERATOR_ROUTES} - called == STREAMED


@pytest.mark.parametrize("name", CALLS)
def test_route_takes_what_the_call_sends(name):
    _, line, _, body = CALLS[name]
    route = route_of(line)
    query = MultiDict(part.split("=", 1) for part in line.partition("?")[2].split("&") if part)
    if query:
        assert route.query is not None
        parse_query(route.query, query, repeats(route.query))
    if body is not None:
        assert route.input is not None
        route.input.model_validate(body)
    else:
        assert route.input is None


@pytest.mark.parametrize("name", CALLS)
def test_route_answers_what_the_call_reads(name):
    _, line, answer, _ = CALLS[name]
    route = route_of(line)
    if answer == 204:
        assert route.output is None
        return
    if callable(answer):  # a file, which is read as it comes
        assert route.media
        return
    wire = answer.model_dump(mode="json") if isinstance(answer, BaseModel) else answer
    reader = TypeAdapter(route.output)
    read = reader.validate_python(wire)
    if isinstance(answer, BaseModel) and not isinstance(answer, Page):
        assert reader.dump_python(read, mode="json") == wire
