"""A connection is taken over with credentials of one's own, or handed over when somebody leaves."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl, urlsplit

import pytest
import sqlalchemy as sa
from tests.integration.authorizing_desk import AuthApp, asked, install
from tests.integration.http_desk import Answer, HttpDesk, http_desk
from tests.integration.trying_desk import OTHER, SAME, WRONG, Github, add, done, with_token, works

from healthdesk.domain.instance_states import InstanceKind
from healthdesk.domain.states import Role
from healthdesk.operations.desk import Operator
from healthdesk.store import connections as queries
from healthdesk.store import instances
from healthdesk.store.rows_instances import InstanceRow
from healthdesk.store.schema_instances import templates
from healthdesk.testing import FakeClock

ALICE = Operator("alice", Role.ADMINISTRATOR)
BOB = Operator("bob", Role.MANAGER)


@pytest.fixture
async def desk(tmp_path: Path) -> AsyncIterator[HttpDesk]:
    async with http_desk(tmp_path, clock=FakeClock(), ROLES__ADMINISTRATORS="alice") as made:
        made.operator = BOB
        yield made


@pytest.fixture
async def github() -> AsyncIterator[Github]:
    async with Github() as app:
        yield app


async def instance(desk: HttpDesk, instance_id: str, connection_id: str | None, owner: str) -> None:
    now = desk.engine.ctx.clock.now()
    kind = InstanceKind.TASK if instance_id.startswith("tsk_") else InstanceKind.PROOF
    await desk.engine.ctx.store.write(
        lambda conn: instances.insert(
            conn,
            id=instance_id,
            kind=kind,
            integration_id="int_t",
            connection_id=connection_id,
            app="github",
            owner=owner,
            name=instance_id,
            every_s=3600,
            now=now,
            by=owner,
            next_at=now,
        )
    )


async def template(desk: HttpDesk, template_id: str, connection_id: str | None, owner: str) -> None:
    values = {"id": template_id, "name": template_id, "task": {}, "owner": owner, "created_by": owner}
    values |= {"connection_id": connection_id, "created_at": desk.engine.ctx.clock.now()}
    await desk.engine.ctx.store.write(lambda conn: conn.execute(sa.insert(templates).values(values)))


async def shown(desk: HttpDesk, instance_id: str) -> InstanceRow:
    return await desk.engine.ctx.store.read(instances.get, instance_id)


async def owner_of_template(desk: HttpDesk, template_id: str) -> str:
    query = sa.select(templates.c.owner).where(templates.c.id == template_id)
    return await desk.engine.ctx.store.read(lambda conn: conn.execute(query).scalar_one())


async def take(desk: HttpDesk, connection: dict[str, Any], token: str, **more: Any) -> Answer:
    path = f"/v1/connections/{connection['id']}/make-me-owner"
    return await desk.call("POST", path, with_token(token, **more))


async def log(desk: HttpDesk, verb: str) -> list[dict[str, Any]]:
    entries = (await desk.ok("GET", "/v1/activity"))["items"]
    return [each["detail"] for each in reversed(entries) if each["verb"] == verb]


async def test_an_administrator_takes_a_connection_over_and_what_syncs_goes_on(
    desk: HttpDesk, github: Github
) -> None:
    made = await add(desk, github)
    for each, owner in (("prf_1", "bob"), ("tsk_1", "bob"), ("tsk_2", "mia")):
        await instance(desk, each, made["id"], owner)
    await template(desk, "tpl_1", made["id"], "bob")
    await desk.ok("PUT", f"/v1/connections/{made['id']}/members/alice", {"grant": "user"})
    before = await shown(desk, "prf_1")
    desk.operator = ALICE
    answer = await take(desk, made, SAME)
    assert answer.status == 200, answer.body
    told = answer.json
    assert (told["owner"], told["state"], told["my_grant"]) == ("alice", "connected", "owner")
    assert told["members"] == []
    assert told["refused"] == {"make_me_owner": "It is yours already."}
    assert told["previous_hint"], "those of bob can be put back within the hour"
    for each, owner in (("prf_1", "alice"), ("tsk_1", "alice"), ("tsk_2", "mia")):
        now = await shown(desk, each)
        assert (now.owner, now.connection_id) == (owner, made["id"])
        assert (now.next_at, now.version) == (before.next_at, before.version), "it goes on as it was"
    assert await owner_of_template(desk, "tpl_1") == "alice"
    assert await log(desk, "made owner") == [
        {
            "auth": "token",
            "before": {"owner": "bob"},
            "after": {"owner": "alice"},
            "instances": 2,
            "templates": 1,
        }
    ]
    desk.operator = BOB
    seen = await desk.ok("GET", f"/v1/connections/{made['id']}")
    assert (seen["my_grant"], "check" in seen["refused"]) == ("", True)


async def test_only_administrators_who_are_not_the_owner_may(desk: HttpDesk, github: Github) -> None:
    made = await add(desk, github)
    assert (await take(desk, made, SAME)).status == 403
    desk.operator = ALICE
    assert (await take(desk, made, SAME)).status == 200
    again = await take(desk, made, SAME)
    assert (again.status, again.json["detail"]) == (403, "it is yours already")


async def test_wrong_credentials_take_nothing_over(desk: HttpDesk, github: Github) -> None:
    made = await add(desk, github)
    await instance(desk, "tsk_1", made["id"], "bob")
    desk.operator = ALICE
    answer = await take(desk, made, WRONG)
    assert (answer.status, answer.json["type"].endswith("/trial-refused")) == (422, True)
    row = await desk.engine.ctx.store.read(queries.get, made["id"])
    assert (row.owner, (await shown(desk, "tsk_1")).owner) == ("bob", "bob")
    assert await works(desk, made)
    assert "made owner" not in await done(desk)


async def test_another_account_is_accepted_before_it_takes_over(desk: HttpDesk, github: Github) -> None:
    made = await add(desk, github)
    desk.operator = ALICE
    refused = await take(desk, made, OTHER)
    assert (refused.status, refused.json["changes"][0]["what"]) == (409, "account")
    assert (await desk.ok("GET", f"/v1/connections/{made['id']}"))["owner"] == "bob"
    accepted = (await take(desk, made, OTHER, accept_changes=True)).json
    assert (accepted["owner"], accepted["account"]) == ("alice", "hubot")
    back = await desk.ok("POST", f"/v1/connections/{made['id']}/credentials/put-back", {})
    assert (back["owner"], back["account"]) == ("alice", "octocat")


async def test_a_browser_may_grant_what_it_is_taken_over_with(desk: HttpDesk, tmp_path: Path) -> None:
    async with AuthApp() as app:
        install(desk, tmp_path)
        made = await desk.ok(
            "POST",
            "/v1/connections",
            {
                "app": "authapp",
                "settings": {"site": app.url},
                "credentials": {"auth": "key", "fields": {"key": "not-a-real-key"}},
                "unchecked": True,
            },
        )
        desk.operator = ALICE
        begun = await desk.ok("POST", "/v1/authorizations", asked(app, connection=made["id"], settings={}))
        state = dict(parse_qsl(urlsplit(begun["url"]).query))["state"]
        await desk.ask("GET", "/v1/oauth/callback", params={"state": state, "code": "one"})
        path = f"/v1/connections/{made['id']}/make-me-owner"
        taken = await desk.ok("POST", path, {"authorization": begun["id"]})
        assert (await desk.call("GET", f"/v1/authorizations/{begun['id']}")).json["status"] == "used"
    assert (taken["owner"], taken["auth"]) == ("alice", "browser")


async def test_connections_of_somebody_who_leaves_are_listed_and_handed_over(
    desk: HttpDesk, github: Github
) -> None:
    first, second = await add(desk, github, name="first"), await add(desk, github, name="second")
    desk.operator = ALICE
    other = await add(desk, github, name="of alice")
    for each, connection_id in (("tsk_1", first["id"]), ("tsk_2", other["id"]), ("tsk_3", None)):
        await instance(desk, each, connection_id, "bob")
    await template(desk, "tpl_1", None, "bob")
    listed = await desk.ok("GET", "/v1/people/bob/connections")
    assert [each["name"] for each in listed["items"]] == ["first", "second"]
    await desk.ok("PUT", f"/v1/connections/{second['id']}/members/root", {})
    one = await desk.ok("POST", "/v1/people/bob/hand-over", {"to": "root", "connection_ids": [second["id"]]})
    assert one == {
        "connections": [second["id"]],
        "instances": 0,
        "sentence": (
            "root owns 1 connection of bob: second."
            " They go on with the credentials of bob: update them before these are revoked."
        ),
    }
    assert (await desk.ok("GET", f"/v1/connections/{second['id']}"))["members"] == []
    assert (await shown(desk, "tsk_1")).owner == "bob"
    rest = await desk.ok("POST", "/v1/people/bob/hand-over", {"to": "root"})
    assert (rest["connections"], rest["instances"]) == ([first["id"]], 3)
    assert "3 of their tasks and proof syncs and 1 of their repeating tasks went along." in rest["sentence"]
    assert [(await shown(desk, each)).owner for each in ("tsk_1", "tsk_2", "tsk_3")] == ["root"] * 3
    assert await owner_of_template(desk, "tpl_1") == "root"
    assert await works(desk, first), "with the credentials it has"
    assert (await desk.ok("GET", "/v1/people/bob/connections"))["items"] == []
    nothing = await desk.ok("POST", "/v1/people/bob/hand-over", {"to": "root"})
    assert nothing["sentence"] == "bob owns nothing here: nothing was changed."
    assert await log(desk, "handed over") == [
        {"before": "bob", "after": "root"},
        {"before": "bob", "after": "root", "instances": 1},
        {"before": "bob", "after": "root", "instances": 2, "templates": 1},
    ]


async def test_a_hand_over_that_does_not_fit_changes_nothing(desk: HttpDesk, github: Github) -> None:
    mine = await add(desk, github, name="mine")
    assert (await desk.call("POST", "/v1/people/bob/hand-over", {"to": "mia"})).status == 403
    desk.operator = ALICE
    other = await add(desk, github, name="of alice")
    both = {"to": "mia", "connection_ids": [mine["id"], other["id"]]}
    answer = await desk.call("POST", "/v1/people/bob/hand-over", both)
    assert (answer.status, answer.json["detail"]) == (409, "of alice is alice's, not bob's")
    for body in ({"to": "bob"}, {"to": "a b"}, {"to": ""}):
        assert (await desk.call("POST", "/v1/people/bob/hand-over", body)).status == 400
    unknown = {"to": "no.such-user", "connection_ids": [mine["id"]]}
    assert [each["owner"] for each in (await desk.ok("GET", "/v1/connections"))["items"]] == ["bob", "alice"]
    said = (await desk.ok("POST", "/v1/people/bob/hand-over", unknown))["sentence"]
    assert said.endswith("This host knows no user no.such-user.")
