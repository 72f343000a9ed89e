"""Proof syncs over the socket: tried before they are saved, shown to members alone, and every change in the activity log."""

from __future__ import annotations

import csv
import hashlib
import io
import json
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
from aiohttp import web
from tests.connectors.apps.fake import json as answered
from tests.connectors.apps.fake_github import FakeGithub
from tests.integration.http_desk import HttpDesk, http_desk
from tests.integration.proof_desk import add_sync, collect, connect, integrate, label, rows_of, shown

from healthdesk.domain.states import Role
from healthdesk.operations.desk import Operator
from healthdesk.store.schema_instances import proof_contents
from healthdesk.testing import FakeClock

MEMBERS = "organisation_members"
COLLABORATORS = "repository_collaborators"


class Github(FakeGithub):
    """Has the members that a test says, and loses its repository when a test says so."""

    def __init__(self) -> None:
        super().__init__()
        self.people: list[dict[str, Any]] | None = None
        self.gone = False

    async def members(self, request: web.Request) -> web.Response:
        if self.people is None:
            return await super().members(request)
        return answered(self.people)

    async def collaborators(self, request: web.Request) -> web.Response:
        return self.not_found(request) if self.gone else await super().collaborators(request)


@pytest.fixture
async def desk(tmp_path: Path) -> AsyncIterator[HttpDesk]:
    async with http_desk(tmp_path, clock=FakeClock()) as made:
        yield made


@pytest.fixture
async def github() -> AsyncIterator[Github]:
    async with Github() as app:
        yield app


def person(number: int, login: str, **more: Any) -> dict[str, Any]:
    return {"id": number, "login": login, "type": "User", "html_url": f"https://github.com/{number}", **more}


async def noted(desk: HttpDesk, object_id: str) -> list[tuple[str, Any]]:
    page = await desk.ok("GET", f"/v1/activity?object_id={object_id}")
    return [(each["verb"], each["detail"]) for each in reversed(page["items"])]


async def test_a_repository_that_is_gone_fails_the_sync_and_not_the_connection(
    desk: HttpDesk, github: Github
) -> None:
    made = await add_sync(desk, github, COLLABORATORS)
    assert made["generated_name"] == "Collaborators of octo-org/hello-world"
    first = await collect(desk, made["id"])
    assert first["state_word"] == "Succeeded"
    github.gone = True
    failed = await collect(desk, made["id"])
    assert (failed["state"], failed["state_word"], failed["error_kind"]) == ("failed", "Failed", "not_found")
    assert "it is not there, or the account may not see it" in failed["error"]
    assert "is connected, and yet" in failed["explanation"]["sentence"]
    assert (failed["content_hash"], failed["rows"]) == (first["content_hash"], first["rows"])
    connection = await desk.ok("GET", f"/v1/connections/{made['connection_id']}")
    assert (connection["state_word"], connection["last_healthy"]) == ("Connected", connection["last_checked"])
    assert connection["collected_at"] is not None
    [run, _] = (await desk.ok("GET", f"/v1/instances/{made['id']}/runs"))["items"]
    assert (run["outcome"], run["status"], run["content_hash"]) == ("failed", 404, "")
    answer = await desk.call("GET", f"/v1/instances/{made['id']}/runs/{run['id']}/contents")
    assert (answer.status, answer.json["detail"]) == (404, f"the run {run['id']} collected nothing")
    github.gone = False
    assert (await collect(desk, made["id"]))["state_word"] == "Succeeded"


async def test_what_the_app_refuses_is_not_saved_unless_it_is_unchecked(
    desk: HttpDesk, github: Github
) -> None:
    body = {
        "integration_id": await integrate(desk, "github"),
        "connection_id": await connect(desk, github),
        "label_id": await label(desk),
        "dataset": COLLABORATORS,
        "fields": {"owner": "octo-org", "repo": "no-such"},
    }
    answer = await desk.call("POST", "/v1/instances", body)
    assert (answer.status, answer.json["field"], answer.json["kind"]) == (422, "fields", "not_found")
    assert (await desk.ok("GET", "/v1/instances"))["items"] == []
    made = await desk.ok("POST", "/v1/instances", {**body, "unchecked": True, "name": "Ours"})
    assert (made["name"], made["named"], made["generated_name"]) == (
        "Ours",
        True,
        "Collaborators of octo-org/no-such",
    )
    assert (await collect(desk, made["id"]))["state_word"] == "Failed"


@pytest.mark.parametrize(
    ("wrong", "field"),
    [
        ({"fields": {"owner": "octo-org"}}, "fields.repo"),
        ({"fields": {"owner": "octo-org", "repo": "a b"}}, "fields.repo"),
        ({"fields": {"owner": "octo-org", "repo": "a", "colour": "red"}}, "fields.colour"),
        ({"fields": {"owner": "octo-org", "repo": "a", "affiliation": "none"}}, "fields.affiliation"),
        ({"dataset": "no_such"}, "dataset"),
        ({"label_id": "lbl_no"}, "label_id"),
        ({"integration_id": "int_no"}, "integration_id"),
        ({"connection_id": "con_no"}, "connection_id"),
        ({"every_s": 5}, "every_s"),
        ({"name": "x" * 101}, "name"),
    ],
)
async def test_what_is_wrong_is_named_before_the_app_is_asked(
    desk: HttpDesk, github: Github, wrong: dict[str, Any], field: str
) -> None:
    body = {
        "integration_id": await integrate(desk, "github"),
        "connection_id": await connect(desk, github),
        "label_id": await label(desk),
        "dataset": COLLABORATORS,
        "fields": {"owner": "octo-org", "repo": "hello-world"},
    }
    github.requests.clear()
    answer = await desk.call("POST", "/v1/instances", body | wrong)
    assert (answer.status, answer.json["field"]) == (400, field), answer.json
    assert github.requests == []


async def test_the_only_connection_of_the_app_is_used_and_several_are_named(
    desk: HttpDesk, github: Github
) -> None:
    body = {
        "integration_id": await integrate(desk, "github"),
        "label_id": await label(desk),
        "dataset": MEMBERS,
        "fields": {"org": "octo-org"},
    }
    answer = await desk.call("POST", "/v1/instances", body)
    assert (answer.status, answer.json["field"]) == (400, "connection_id")
    first = await connect(desk, github)
    made = await desk.ok("POST", "/v1/instances", body)
    assert made["connection_id"] == first
    second = await connect(desk, github, "GitHub of audits")
    answer = await desk.call("POST", "/v1/instances", body)
    assert answer.status == 400
    assert first in answer.json["fix"]
    assert second in answer.json["fix"]


async def test_members_see_the_proof_and_others_where_to_ask(desk: HttpDesk, github: Github) -> None:
    await label(desk, "Elsewhere")
    made = await add_sync(desk, github, MEMBERS)
    one = f"/v1/instances/{made['id']}"
    proof = await collect(desk, made["id"])
    run = f"{one}/runs/{proof['last_run_id']}"
    assert (await desk.ok("GET", f"{one}/view"))["proof"]["id"] == made["id"]
    desk.operator = Operator("root", Role.ADMINISTRATOR)
    seen = await desk.ok("GET", f"{one}/view")
    assert (seen["member"], seen["proof"]) == (False, None)
    assert [(each["name"], each["members"]) for each in seen["labels"]] == [
        ("Access", ["alice"]),
        ("Elsewhere", ["alice"]),
    ]
    for path in (f"{run}/contents", f"{run}/difference", f"{run}/export"):
        answer = await desk.call("GET", path)
        assert answer.status == 403, path
        assert "alice" in answer.json["fix"]
        assert f"--add-member {desk.operator.user}" in answer.json["fix"]
        assert b"octocat" not in answer.body
    await desk.ok("PATCH", f"/v1/labels/{made['label_id']}", {"members": ["alice", "root"]})
    assert len(await rows_of(desk, made["id"], proof["last_run_id"])) == proof["rows"]
    assert (await noted(desk, made["label_id"]))[-1] == ("added member", {"members": ["root"]})
    page = await desk.ok("GET", f"/v1/activity?object_id={made['id']}")
    assert (page["items"][0]["user"], page["items"][0]["verb"]) == ("root", "viewed")


async def test_only_members_of_what_it_is_filed_under_and_administrators_file_it_elsewhere(
    desk: HttpDesk, github: Github
) -> None:
    alice, max_ = desk.operator, Operator("max", Role.MEMBER)
    made = await add_sync(desk, github, COLLABORATORS)
    one, elsewhere = f"/v1/instances/{made['id']}", await label(desk, "Elsewhere", "max")
    control = f"/v1/labels/{made['label_id']}"
    await desk.ok("PUT", f"/v1/connections/{made['connection_id']}/members/max", {"grant": "manager"})
    desk.operator = max_
    answer = await desk.call("PATCH", one, {"label_id": elsewhere, "name": "Mine"})
    assert (answer.status, answer.json["field"]) == (403, "label_id")
    assert answer.json["detail"].endswith("control Access, and only its members file it elsewhere")
    assert answer.json["fix"].startswith("Ask one of its members (alice), or an administrator: ")
    assert (await desk.ok("GET", f"{one}/view"))["member"] is False, "and it shows no more than before"
    changed = await desk.ok("PATCH", one, {"label_id": made["label_id"], "name": "Mine"})
    assert changed["name"] == "Mine", "the label it has already is no move"
    desk.operator = alice
    await desk.ok("PATCH", control, {"members": []})
    desk.operator = max_
    answer = await desk.call("PATCH", one, {"label_id": elsewhere})
    assert answer.json["fix"].startswith("It has no members; ask an administrator: ")
    desk.operator = alice
    await desk.ok("PATCH", control, {"members": ["max"]})
    desk.operator = max_
    assert (await desk.ok("PATCH", one, {"label_id": elsewhere}))["label_id"] == elsewhere
    desk.operator = Operator("root", Role.ADMINISTRATOR)
    assert (await desk.ok("PATCH", one, {"label_id": made["label_id"]}))["label_id"] == made["label_id"]


async def test_settings_are_put_to_the_app_and_saved(desk: HttpDesk, github: Github) -> None:
    made = await add_sync(desk, github, COLLABORATORS)
    one = f"/v1/instances/{made['id']}"
    await collect(desk, made["id"])
    answer = await desk.call("PATCH", one, {"fields": {"repo": "no-such"}})
    assert (answer.status, answer.json["field"]) == (422, "fields")
    assert (await shown(desk, made["id"]))["fields"]["repo"] == "hello-world"
    other = await label(desk, "Members")
    changed = await desk.ok(
        "PATCH",
        one,
        {"dataset": MEMBERS, "fields": {"org": "octo-org"}, "label_id": other, "every_s": 7200},
    )
    assert (changed["name"], changed["dataset"], changed["label_name"]) == (
        changed["generated_name"],
        MEMBERS,
        "Members",
    )
    assert changed["every_s"] == 7200
    verb, detail = (await noted(desk, made["id"]))[-1]
    assert verb == "edited"
    assert detail["before"].keys() == detail["after"].keys() == {
        "name", "dataset", "fields", "label_id", "every_s",
    }  # fmt: skip
    assert detail["before"]["fields"] == {"owner": "octo-org", "repo": "hello-world", "affiliation": "all"}
    named = await desk.ok("PATCH", one, {"name": "Ours"})
    assert (named["name"], named["named"]) == ("Ours", True)
    plain = await desk.ok("PATCH", one, {"name": "", "every_s": None})
    assert (plain["name"], plain["named"], plain["every_s"]) == (plain["generated_name"], False, 86400)
    later = await collect(desk, made["id"])
    assert later["rows"] == github.rows[MEMBERS]
    found = await desk.ok("GET", f"{one}/runs/{later['last_run_id']}/difference")
    assert found["columns_added"]


async def test_a_disconnected_proof_sync_is_moved_to_another_connection(
    desk: HttpDesk, github: Github
) -> None:
    made = await add_sync(desk, github, MEMBERS)
    one = f"/v1/instances/{made['id']}"
    await collect(desk, made["id"])
    await desk.ok("DELETE", f"/v1/connections/{made['connection_id']}")
    lost = await shown(desk, made["id"])
    assert (lost["connection_id"], lost["state"]) == (None, "succeeded")
    assert (await desk.call("PATCH", one, {"fields": {"role": "admin"}})).status == 409
    other = await connect(desk, github, "GitHub of audits")
    moved = await desk.ok("POST", f"{one}/change-connection", {"connection_id": other})
    assert (moved["connection_id"], moved["error"], moved["explanation"]) == (other, "", None)
    assert (await noted(desk, made["id"]))[-1] == (
        "changed connection",
        {"before": "", "after": "GitHub of audits"},
    )
    assert (await collect(desk, made["id"]))["state_word"] == "Succeeded"
    endpoint = (await desk.connection())["id"]
    answer = await desk.call("POST", f"{one}/change-connection", {"connection_id": endpoint})
    assert (answer.status, answer.json["field"]) == (400, "connection_id")


async def test_deleting_takes_all_it_collected_along(desk: HttpDesk, github: Github) -> None:
    made = await add_sync(desk, github, MEMBERS)
    await collect(desk, made["id"])
    assert await _kept(desk) == 1
    answer = await desk.call("DELETE", f"/v1/labels/{made['label_id']}")
    assert answer.status == 409
    assert made["name"] in answer.json["detail"]
    await desk.ok("DELETE", f"/v1/instances/{made['id']}")
    assert await _kept(desk) == 0
    assert (await desk.call("GET", f"/v1/proof-syncs/{made['id']}")).status == 404
    assert (await noted(desk, made["id"]))[-1][0] == "removed"
    await desk.ok("DELETE", f"/v1/labels/{made['label_id']}")


async def test_who_may_not_use_a_connection_adds_and_changes_nothing(desk: HttpDesk, github: Github) -> None:
    made = await add_sync(desk, github, MEMBERS)
    one = f"/v1/instances/{made['id']}"
    new = {name: made[name] for name in ("integration_id", "connection_id", "label_id", "dataset", "fields")}
    for user, role in (("mia", Role.MEMBER), ("max", Role.MANAGER)):
        desk.operator = Operator(user, role)
        for method, path, body in (
            ("POST", "/v1/instances", new),
            ("PATCH", one, {"name": "Mine"}),
            ("POST", f"{one}/change-connection", {"connection_id": made["connection_id"]}),
            ("DELETE", one, None),
        ):
            answer = await desk.call(method, path, body)
            assert answer.status == 403, (user, method, path)
            assert "alice" in answer.json["fix"]
        assert (await shown(desk, made["id"]))["refused"].keys() >= {
            "settings",
            "delete",
            "change_connection",
        }
    desk.operator = Operator("alice", Role.ADMINISTRATOR)
    members = f"/v1/connections/{made['connection_id']}/members"
    await desk.ok("PUT", f"{members}/mia", {"grant": "user"})
    await desk.ok("PUT", f"{members}/max", {"grant": "manager"})
    desk.operator = Operator("mia", Role.MEMBER)
    assert (await desk.ok("POST", "/v1/instances", new))["owner"] == "mia"
    assert (await desk.call("PATCH", one, {"name": "Mine"})).status == 403
    desk.operator = Operator("max", Role.MEMBER)
    assert (await desk.ok("PATCH", one, {"name": "Mine"}))["name"] == "Mine"


async def test_hostile_rows_are_kept_shown_and_exported_as_plain_text(desk: HttpDesk, github: Github) -> None:
    github.people = [
        person(1, "=cmd|' /C calc'!A0"),
        person(2, "+1"),
        person(3, "@SUM(A1)"),
        person(4, "-2"),
        person(5, "\x1b[31mred\u202e\x00\r\n\tlines"),
        person(6, "x" * 10_000),
        person(7, '"quoted", [/bar] \U0001f600'),
        {"id": 8, "login": {"deep": ["a"]}, "type": ["a", "b"], "html_url": None},
    ]
    made = await add_sync(desk, github, MEMBERS)
    proof = await collect(desk, made["id"])
    assert (proof["state_word"], proof["rows"]) == ("Succeeded", 8)
    rows = await rows_of(desk, made["id"], proof["last_run_id"])
    assert [row["login"] for row in rows[:4]] == ["=cmd|' /C calc'!A0", "+1", "@SUM(A1)", "-2"]
    assert all(cell.isprintable() for row in rows for cell in row.values())
    assert len(rows[5]["login"]) == 4000
    run = f"/v1/instances/{made['id']}/runs/{proof['last_run_id']}"
    answer = await desk.call("GET", f"{run}/export")
    assert answer.headers["Content-Type"] == "text/csv; charset=utf-8"
    assert answer.headers["Content-Disposition"] == (
        'attachment; filename="Members-of-octo-org-20260302-0930.csv"'
    )
    read = list(csv.DictReader(io.StringIO(answer.body.decode(), newline="")))
    assert len(read) == 8
    assert not any(cell.startswith(("=", "+", "-", "@")) for row in read for cell in row.values())
    exported = (await desk.call("GET", f"{run}/export?format=json")).json
    assert exported["rows"] == rows
    keys = [each["key"] for each in exported["columns"]]
    lines = [json.dumps(line, ensure_ascii=False, separators=(",", ":")) for line in
             (keys, *([row[key] for key in keys] for row in exported["rows"]))]  # fmt: skip
    text = "[\n" + ",\n".join(lines) + "\n]"
    assert hashlib.sha256(text.encode()).hexdigest() == exported["content_hash"] == proof["content_hash"]
    verbs = [verb for verb, _ in await noted(desk, made["id"])]
    assert verbs[-2:] == ["exported", "exported"]


async def test_a_hundred_thousand_rows_are_kept_paged_compared_and_exported(
    desk: HttpDesk, github: Github
) -> None:
    github.people = [person(number, f"user-{number}") for number in range(30_000)]
    made = await add_sync(desk, github, MEMBERS, unchecked=True)
    one = f"/v1/instances/{made['id']}"

    async def members(request: web.Request) -> web.Response:
        page = int(request.query.get("page", "1"))
        assert github.people is not None
        link = f'<{github.url}/orgs/octo-org/members?page={page + 1}>; rel="next"'
        people = [{**each, "id": page * 100_000 + each["id"]} for each in github.people]
        return answered(people, headers={"Link": link})

    github.members = members  # type: ignore[method-assign]
    first = await collect(desk, made["id"])
    assert (first["state_word"], first["rows"]) == ("Succeeded", 100_000)
    [run] = (await desk.ok("GET", f"{one}/runs"))["items"]
    assert run["cut"] is True
    path = f"{one}/runs/{first['last_run_id']}"
    page = await desk.ok("GET", f"{path}/contents?after=99990&limit=50")
    assert (len(page["rows"]), page["total"], page["next"]) == (10, 100_000, None)
    github.people[5] = person(5, "renamed")
    second = await collect(desk, made["id"])
    found = await desk.ok("GET", f"{one}/runs/{second['last_run_id']}/difference")
    assert (len(found["changed"]), found["unchanged"]) == (4, 99_996)
    answer = await desk.call("GET", f"{path}/export")
    assert answer.body.count(b"\r\n") == 100_001


async def _kept(desk: HttpDesk) -> int:
    return len(await desk.engine.ctx.store.read(lambda conn: conn.execute(proof_contents.select()).all()))
