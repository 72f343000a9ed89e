"""The table of actions decides who may do what: by desk role, and by what one holds on the thing at hand."""

from __future__ import annotations

import itertools
import re
from pathlib import Path

import pytest

from healthdesk.domain.roles import (
    ALWAYS,
    PERMISSIONS,
    STANDINGS,
    Standing,
    allowed,
    ever_allowed,
    who_may,
    why_not,
)
from healthdesk.domain.states import Grant, Role

ROLES = (Role.MEMBER, Role.MANAGER, Role.ADMINISTRATOR)
MINE_ALREADY = "connections.make_me_owner"
WORDS = {
    "yes": lambda _: True,
    "–": lambda _: False,
    "user": lambda standing: standing is not Standing.NOTHING,
    "manager": lambda standing: standing in (Standing.MANAGER, Standing.OWNER),
    "owner": lambda standing: standing is Standing.OWNER,
    "not the owner": lambda standing: standing is not Standing.OWNER,
}
"""What a word in a cell of the page means, said once more without the code's own constants."""


def table(repository: Path) -> dict[str, dict[Role, str]]:
    """Return the table of docs/security.md: by action and role the word in its cell."""
    rows = re.findall(
        r"^\| (\w+) \| (`.+`) \| (.+) \| (.+) \| (.+) \|$",
        (repository / "docs" / "security.md").read_text(),
        re.MULTILINE,
    )
    return {
        f"{noun}.{verb}": dict(zip((Role.ADMINISTRATOR, Role.MANAGER, Role.MEMBER), cells, strict=True))
        for noun, verbs, *cells in rows
        for verb in re.findall(r"`(\w+)`", verbs)
    }


def test_every_cell_says_what_the_page_says(repository: Path) -> None:
    told = table(repository)
    assert len(told) > 100
    for action, role, standing in itertools.product(told, ROLES, Standing):
        may = WORDS[told[action][role]](standing)
        assert allowed(role, action, standing) is may, (action, role, standing)
        assert (why_not(role, action, standing) == "") is may, (action, role, standing)
        assert not allowed(None, action, standing)
        assert not ever_allowed(None, action)


def test_a_stronger_role_and_a_stronger_standing_may_all_that_a_weaker_may() -> None:
    for action in PERMISSIONS.keys() - {MINE_ALREADY}:
        for standing in Standing:
            by_role = [allowed(role, action, standing) for role in ROLES]
            assert by_role == sorted(by_role), (action, standing)
            assert by_role[-1]
        for role in ROLES:
            by_standing = [allowed(role, action, standing) for standing in STANDINGS]
            assert by_standing == sorted(by_standing), (action, role)


def test_members_who_hold_nothing_read_and_change_nothing_of_others() -> None:
    reading = """
        list show watch heartbeats heartbeat evidence transitions expiring count attempts uses connections runs view records
    """
    may = {action for action in PERMISSIONS if allowed(Role.MEMBER, action)}
    own = {"filters.add", "filters.remove"}
    assert {action.split(".")[1] for action in may - own} <= {*reading.split(), "edit"}
    assert {action for action in may if action.endswith(".edit")} == {"preferences.edit"}


def test_the_manager_grant_manages_health_whatever_the_role() -> None:
    health = ("check", "update_credentials", "put_back", "disconnect", "members")
    for action in (*(f"connections.{verb}" for verb in health), "pings.set", "pings.remove"):
        for role in (Role.MEMBER, Role.MANAGER):
            may = [allowed(role, action, standing) for standing in STANDINGS]
            assert may == [False, False, True, True], (action, role)
        assert allowed(Role.ADMINISTRATOR, action)


def test_a_connection_is_taken_over_by_administrators_who_do_not_own_it() -> None:
    assert who_may(MINE_ALREADY) == "administrators who are not the owner"
    assert not any(allowed(role, MINE_ALREADY, each) for role in ROLES[:2] for each in Standing)
    assert [allowed(Role.ADMINISTRATOR, MINE_ALREADY, each) for each in STANDINGS] == [
        True,
        True,
        True,
        False,
    ]
    assert why_not(Role.ADMINISTRATOR, MINE_ALREADY, Standing.OWNER) == "it is yours already"


@pytest.mark.parametrize(
    ("role", "action", "standing", "why"),
    [
        (Role.MEMBER, "rules.add", Standing.NOTHING, "members may read; rules.add needs the role manager"),
        (
            Role.MEMBER,
            "vault.rotate",
            Standing.OWNER,
            "members may read; vault.rotate needs the role administrator",
        ),
        (
            Role.MANAGER,
            "people.hand_over",
            Standing.OWNER,
            "managers may not change this; people.hand_over needs the role administrator",
        ),
        (Role.MANAGER, "connections.check", Standing.USER, "this needs the manager grant on the connection"),
        (Role.MEMBER, "connections.use", Standing.NOTHING, "you hold no grant on this connection"),
        (Role.MEMBER, "connections.edit", Standing.MANAGER, "it is not yours"),
    ],
)
def test_a_refusal_says_what_is_missing(role: Role, action: str, standing: Standing, why: str) -> None:
    assert why_not(role, action, standing) == why


def test_a_standing_has_the_words_of_the_grants() -> None:
    assert {Standing(each.value) for each in Grant} == {Standing.USER, Standing.MANAGER}


def test_whoever_may_always_is_told_without_a_condition() -> None:
    for action, cells in PERMISSIONS.items():
        told = who_may(action)
        for role, cell in cells.items():
            assert (re.search(rf"{role.value}s(;|$)", told) is not None) is (cell == ALWAYS), (action, told)
    assert who_may("connections.check") == (
        "administrators; managers with the manager grant; members with the manager grant"
    )


def test_an_unknown_action_is_loud() -> None:
    with pytest.raises(LookupError):
        allowed(Role.ADMINISTRATOR, "records.explode")
