"""The second document, walked: proof syncs, at the screen and by commands, against a daemon and apps."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from healthdesk.api.connections import Connection
from healthdesk.api.instances import Instance
from healthdesk.api.labels import LabelCreate
from healthdesk.api.people import HandOver, MemberGrant
from healthdesk.domain.instance_states import InstanceState, LabelKind
from healthdesk.domain.states import ConnectionState, Grant
from healthdesk.errors import ApiRefused
from healthdesk.tui.screens.connection import ConnectionScreen
from healthdesk.tui.screens.dialog import Question
from healthdesk.tui.screens.forms import Form
from healthdesk.tui.screens.proof import ProofScreen
from tests.acceptance.walking import HUBOT, OCTOCAT, Site, Walk, lines_with, until, walking

COLLABORATORS = "repository_collaborators"
HERE = {"owner": "octo-org", "repo": "hello-world"}


@dataclass
class Kept:
    """A proof sync, and what it works with."""

    connection: Connection
    integration_id: str
    control_id: str
    proof: Instance


@pytest.fixture
async def github() -> AsyncIterator[Site]:
    async with Site() as app:
        yield app


@pytest.fixture
async def walk(tmp_path: Path) -> AsyncIterator[Walk]:
    async with walking(tmp_path) as desk:
        yield desk


@pytest.fixture
async def kept(walk: Walk, github: Site) -> Kept:
    connection = await walk.connect(github, OCTOCAT)
    integration = await walk.proof_integration("github")
    control = await walk.client.label_create(LabelCreate(kind=LabelKind.CONTROL, name="CC6.1"))
    proof = await walk.proof(integration, connection.id, control.id, COLLABORATORS, HERE)
    return Kept(connection, integration, control.id, proof)


async def test_a_missing_repository_is_failed_while_the_connection_is_connected(
    walk: Walk, github: Site, kept: Kept
) -> None:
    github.gone = True
    async with walk.screen() as operator:
        await operator.sees("✓ 1")
        await operator.pilot.press("enter")
        await operator.is_on(ConnectionScreen)
        await operator.sees("Collaborators of octo-org/hello-world")
        await operator.focus_rows()
        await operator.pilot.press("s")
        await operator.sees("✗ 1 failed")
        (row,) = lines_with(operator.text(), "✗ Collaborators of octo-org/hello-world")
        assert "Failed" in row
        await operator.pilot.press("E")
        await operator.sees("GitHub shows this account no such thing")
        await operator.pilot.press("escape")
        await operator.is_on(ConnectionScreen)
        await operator.focus_card("onnection")
        await operator.pilot.press("c")
        await operator.sees("● Connected")
        await operator.pilot.press("escape")
        await operator.sees("✗ 1 / 1")
    connection = await walk.client.connection(kept.connection.id)
    assert connection.state is ConnectionState.CONNECTED
    assert "Failed" in (await walk.cli("instances list --kind proof")).out
    assert (
        "GitHub shows this account no such thing" in (await walk.cli(f"instances show {kept.proof.id}")).out
    )

    github.gone = False
    assert "Succeeded" in (await walk.cli(f"instances sync {kept.proof.id}")).out


async def test_the_window_shows_when_proof_was_last_collected(walk: Walk, kept: Kept) -> None:
    view = await walk.client.account(kept.connection.id)
    assert view.proof is not None
    assert (view.proof.total, view.proof.succeeded, view.proof.failed) == (1, 1, 0)
    (card,) = view.cards + view.others
    assert card.connected_on == (await walk.client.connection(kept.connection.id)).collected_at
    assert card.connected_on is not None
    async with walk.screen() as operator:
        await operator.sees("✓ 1")
        await operator.pilot.press("enter")
        await operator.sees("My connection · root")
        await operator.sees("All 1  ✓ 1 succeeded  ✗ 0 failed")
        for word in (
            "Connected on",
            "Last healthy",
            "Last checked",
            "Proof sync name",
            "Status",
            "Error message",
        ):
            assert word in operator.text(), word


async def test_whoever_holds_the_manager_grant_manages_its_health(walk: Walk, kept: Kept) -> None:
    await walk.client.connection_member_set(kept.connection.id, "carol", MemberGrant(grant=Grant.MANAGER))
    shown = await walk.client.connection(kept.connection.id)
    assert shown.my_grant == "owner"
    assert "check" not in shown.refused
    assert "make_me_owner" in shown.refused, "the owner cannot take it over"
    listed = json.loads((await walk.cli(f"connections members {kept.connection.id} --json")).out)
    assert ("carol", "manager") in {(each["user"], each["grant"]) for each in listed["items"]}
    async with walk.screen() as operator:
        await operator.sees("✓ 1")
        await operator.pilot.press("enter")
        await operator.is_on(ConnectionScreen)
        await operator.focus_card("My connection")
        await operator.pilot.press("W")
        await operator.is_told("Make me owner: It is yours already")


async def test_members_are_added_and_the_owner_changes(walk: Walk, github: Site, kept: Kept) -> None:
    await walk.cli(f"connections members {kept.connection.id} --add dave=manager")
    await walk.client.people_hand_over("root", HandOver(to="bob", connection_ids=[kept.connection.id]))
    number, login, scopes = github.tokens.pop(OCTOCAT["token"])
    github.tokens["a-token-of-root"] = (number, login, scopes)
    async with walk.screen() as operator:
        await operator.sees("octocat")
        await operator.pilot.press("enter")
        await operator.is_on(ConnectionScreen)
        await operator.sees("· bob")
        await operator.focus_card("onnection")
        await operator.pilot.press("W")
        await operator.is_on(Form)
        await operator.enter("token/token", "a-token-of-root")
        await operator.pilot.press("ctrl+s")
        await operator.is_on(ConnectionScreen)
        await operator.sees("· root")
        await operator.pilot.press("M")
        await operator.sees("dave")
    after = await walk.client.connection(kept.connection.id)
    assert after.owner == "root"
    assert (await walk.settled(kept.proof.id)).state is InstanceState.SUCCEEDED
    github.tokens["another"] = (number, login, scopes)
    await walk.cli(
        f"connections update-credentials {kept.connection.id} --auth token --secret-stdin token",
        stdin="another\n",
    )
    assert "dave" in (await walk.cli(f"connections members {kept.connection.id}")).out
    done = [each.verb for each in (await walk.client.activity_list()).items]
    assert {"made owner", "added member", "handed over"} <= set(done)


async def test_settings_are_put_to_the_app_before_they_are_saved(
    walk: Walk, github: Site, kept: Kept
) -> None:
    async with walk.screen() as operator:
        await operator.sees("✓ 1")
        await operator.pilot.press("enter")
        await operator.sees("Collaborators of octo-org/hello-world")
        await operator.focus_rows()
        await operator.pilot.press("e")
        await operator.is_on(Form)
        await operator.enter("fields/repo", "elsewhere")
        await operator.pilot.press("ctrl+s")
        await operator.sees("GitHub was asked first")
        await operator.sees("Nothing was saved.")
        assert (await walk.client.proof_sync(kept.proof.id)).fields["repo"] == "hello-world"
        await operator.enter("fields/repo", "hello-world")
        await operator.enter("name", "Who may push")
        await operator.pilot.press("ctrl+s")
        await operator.is_on(ConnectionScreen)
        await operator.sees("Who may push")
    assert (await walk.client.proof_sync(kept.proof.id)).name == "Who may push"
    await walk.cli(f"instances settings {kept.proof.id} --name ''")
    assert (await walk.client.proof_sync(kept.proof.id)).name == "Collaborators of octo-org/hello-world"
    made = await walk.cli(
        f"instances add --integration {kept.integration_id} --connection {kept.connection.id} --dataset {COLLABORATORS}"
        f" --field owner=octo-org --field repo=hello-world --label {kept.control_id} --name Twice --json"
    )
    assert json.loads(made.out)["name"] == "Twice"


async def test_members_of_the_control_view_proof_and_others_see_whom_to_ask(walk: Walk, kept: Kept) -> None:
    async with walk.screen() as operator:
        await operator.sees("✓ 1")
        await operator.pilot.press("enter")
        await operator.sees("Collaborators of octo-org/hello-world")
        await operator.focus_rows()
        await operator.pilot.press("enter")
        await operator.is_on(ProofScreen)
        await operator.sees("user-17")
    assert "user-17" in (await walk.cli(f"instances view {kept.proof.id}")).out

    await walk.cli(f"labels edit {kept.control_id} --remove-member root --add-member carol")
    async with walk.screen() as operator:
        await operator.sees("✓ 1")
        await operator.pilot.press("enter")
        await operator.sees("Collaborators of octo-org/hello-world")
        await operator.focus_rows()
        await operator.pilot.press("enter")
        await operator.is_on(ProofScreen)
        await operator.sees("CC6.1")
        await operator.sees("carol")
        assert "user-17" not in operator.text()
    told = await walk.cli(f"instances view {kept.proof.id}", expect=4)
    assert "CC6.1" in told.out
    assert "user-17" not in told.out
    run = (await walk.client.instance_runs(kept.proof.id)).items[0]
    with pytest.raises(ApiRefused):
        await walk.client.proof_contents(kept.proof.id, run.id)


async def test_a_disconnected_proof_sync_is_moved_with_change_connection(
    walk: Walk, github: Site, kept: Kept
) -> None:
    async with walk.screen() as operator:
        await operator.sees("✓ 1")
        await operator.pilot.press("enter")
        await operator.focus_card("My connection")
        await operator.pilot.press("D")
        await operator.sees("configuration is lost")
        await operator.press_button("Disconnect")

        async def lost() -> bool:
            return (await walk.client.instance(kept.proof.id)).connection_id is None

        await until(lost)
    again = await walk.connect(github, HUBOT, "Another")
    await walk.cli(f"instances change-connection {kept.proof.id} --connection {again.id}")
    collected = await walk.settled(kept.proof.id)
    assert (collected.connection_id, collected.state) == (again.id, InstanceState.SUCCEEDED)

    third = await walk.connect(github, OCTOCAT, "Third")
    async with walk.screen() as operator:
        await operator.sees("✓ 1")
        await operator.pilot.press("enter")
        await operator.focus_rows()
        await operator.pilot.press("O")
        await operator.sees("Third")
        await operator.choose("Third")

        async def moved() -> bool:
            return (await walk.client.instance(kept.proof.id)).connection_id == third.id

        await until(moved)


async def test_a_proof_sync_is_deleted_after_a_question(walk: Walk, kept: Kept) -> None:
    more = await walk.proof(
        kept.integration_id, kept.connection.id, kept.control_id, COLLABORATORS, HERE, name="Another one"
    )
    async with walk.screen() as operator:
        await operator.sees("✓ 2")
        await operator.pilot.press("enter")
        await operator.sees("Another one")
        await operator.focus_rows()
        await operator.pilot.press("g", "D")
        await operator.is_on(Question)
        await operator.pilot.press("right", "enter")
        await operator.sees("All 1  ✓ 1 succeeded")
    (left,) = (await walk.client.instances_list()).items
    assert left.id in {more.id, kept.proof.id}
    await walk.cli(f"instances delete {left.id} --yes")
    assert not (await walk.client.instances_list()).items
