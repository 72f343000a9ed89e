"""Every error becomes problem details with its own status, and says nothing it should not."""

from __future__ import annotations

import json

import pytest
from aiohttp import web

from healthdesk import errors
from healthdesk.api.common import Problem
from healthdesk.http.problem_details import respond, respond_any, respond_status


def body_of(response: web.Response) -> dict[str, object]:
    assert isinstance(response.body, bytes)
    parsed: dict[str, object] = json.loads(response.body)
    return parsed


@pytest.mark.parametrize(
    ("error", "status", "slug"),
    [
        (errors.Malformed("x"), 400, "malformed"),
        (errors.Unauthenticated("x"), 401, "unauthenticated"),
        (errors.NotPermitted("x"), 403, "not-permitted"),
        (errors.NotFound("x"), 404, "not-found"),
        (errors.Conflict("x"), 409, "conflict"),
        (errors.IdempotencyConflict("x"), 409, "idempotency-conflict"),
        (errors.TooLarge("x"), 413, "too-large"),
        (errors.UnsupportedMedia("x"), 415, "unsupported-media-type"),
        (errors.RateLimited("x", retry_after_s=3), 429, "rate-limited"),
        (errors.Overloaded("x"), 503, "overloaded"),
        (errors.StoreUnavailable("x"), 503, "store-unavailable"),
        (errors.SchemaMismatch("x"), 503, "schema-mismatch"),
        (errors.ConnectorError("x"), 400, "connector"),
        (errors.ChannelError("x"), 400, "channel"),
        (errors.VaultError("x"), 500, "vault"),
        (errors.HostError("x"), 500, "internal"),
    ],
)
def test_each_error_has_its_status_and_type(error: errors.HealthdeskError, status: int, slug: str) -> None:
    response = respond(error)
    body = body_of(response)
    assert response.status == body["status"] == status
    assert str(body["type"]).rsplit("/", 1)[-1] == slug
    assert response.content_type == "application/problem+json"
    assert response.headers["Healthdesk-Api-Version"] == "1"
    Problem.model_validate(body)


def test_field_fix_and_instance_are_told() -> None:
    body = body_of(
        respond(errors.Malformed("no level", field="level", fix="send one"), instance="/v1/records/x")
    )
    assert (body["detail"], body["field"], body["fix"], body["instance"]) == (
        "no level",
        "level",
        "send one",
        "/v1/records/x",
    )


def test_who_may_retry_is_told_when() -> None:
    assert respond(errors.RateLimited("x", retry_after_s=0.2)).headers["Retry-After"] == "1"
    assert respond(errors.RateLimited("x", retry_after_s=2.1)).headers["Retry-After"] == "3"
    assert int(respond(errors.StoreUnavailable("x")).headers["Retry-After"]) > 0
    assert respond(errors.Unauthenticated("x")).headers["WWW-Authenticate"].startswith("Bearer")


def test_an_unexpected_error_tells_nothing_outside(caplog: pytest.LogCaptureFixture) -> None:
    response = respond_any(RuntimeError("the secret is hunter2"), instance="/v1/x")
    assert response.status == 500
    assert isinstance(response.body, bytes)
    assert b"hunter2" not in response.body
    assert "hunter2" in caplog.text


def test_a_detail_with_half_a_surrogate_is_still_an_answer() -> None:
    assert body_of(respond(errors.Malformed("bad \udc80 text")))["detail"] == "bad \udc80 text"


def test_faults_of_http_itself_are_problem_details_too() -> None:
    assert body_of(respond_status(405, "no"))["title"] == "Method Not Allowed"
    assert respond_any(web.HTTPRequestEntityTooLarge(1, 2)).status == 413
    assert respond_any(web.HTTPForbidden()).status == 403
