"""What keeps a name from doing anything on the desk is told when it is given something."""

from dataclasses import dataclass

import pytest

from healthdesk.host.users import Names, hint_about


class Host(Names):
    """A host with these users; carol is in the group ops."""

    users = {"root": (0, 0), "alice": (1000, 100), "bob": (1001, 100), "carol": (1002, 100)}

    def ids_of(self, user: str) -> tuple[int, int] | None:
        return self.users.get(user)

    def group_id(self, name: str) -> int | None:
        return {"ops": 500, "users": 100}.get(name)

    def groups_of(self, user: str, gid: int) -> frozenset[int]:
        return frozenset({500}) if user == "carol" else frozenset()


@dataclass(frozen=True)
class Lists:
    administrators: tuple[str, ...] = ("alice",)
    managers: tuple[str, ...] = ("@ops",)
    members: tuple[str, ...] = ()


@pytest.mark.parametrize(
    ("user", "hint"),
    [
        ("root", ""),
        ("alice", ""),
        ("carol", ""),
        ("bob", "bob has no role on this desk: an administrator names them in [roles] of config.toml"),
        ("mallory", "this host knows no user mallory"),
    ],
)
def test_a_name_without_a_user_or_a_role_is_hinted_at(user: str, hint: str) -> None:
    assert hint_about(user, Lists(), Host()) == hint


def test_the_first_group_of_a_user_counts() -> None:
    assert hint_about("bob", Lists(members=("@users",)), Host()) == ""
