"""`healthdesk connections` tells the health of instances, and which connections belong together."""

import pytest
from tests.harness import wire
from tests.harness.cli import Shell
from tests.harness.fake_daemon import FakeDaemon, running
from tests.harness.wire_instances import account

from healthdesk.api.accounts import AccountRow


@pytest.fixture
def daemon(tmp_path):
    with running(FakeDaemon(tmp_path / "s")) as daemon:
        yield daemon


@pytest.fixture
def desk(daemon):
    return Shell(daemon)


JIRA = AccountRow(
    kind="connection",
    id="con_1",
    name="Jira of alice",
    app="Jira Cloud",
    account="acme · ops@acme.io",
    state="failing",
    state_word="Connection failure",
    failed=12,
    blocked=11,
    total=40,
    unit="tasks",
    explanation={"sentence": "Jira refused the token."},
    details={"connections": ["con_1", "con_0"]},
)
CRM = AccountRow(
    kind="integration",
    id="int_1",
    app="CRM endpoint",
    account="crm.acme.io",
    state="connected",
    state_word="Connected",
    failed=131,
    total=1200,
    unit="records",
    details={"connections": ["con_9"]},
)


def rows() -> list:
    return [row.model_dump(mode="json") for row in (JIRA, CRM)]


def test_connections_are_listed_with_the_health_of_their_instances(daemon, desk):
    daemon.on("GET", "/v1/accounts", rows())
    daemon.on(
        "GET", "/v1/connections", wire.page(wire.connection(), wire.connection(id="con_9", name="Other"))
    )
    out = desk("connections list").out.splitlines()
    assert [("✗ 12 / 40" in line, "131" in line) for line in out[1:]] == [(True, False), (False, False)]
    asked = len(daemon.asked)
    assert len(desk("connections list --json").json["items"]) == 2
    assert daemon.lines()[asked:] == ["GET /v1/connections?limit=50"]


@pytest.mark.parametrize("width", [80, 120])
def test_accounts_are_listed_as_the_terminal_ui_shows_them(daemon, desk, width):
    daemon.on("GET", "/v1/accounts", rows())
    out = desk("connections list --accounts").out
    for words in ("✗ Connection failure", "✗ 12 / 40", "✗ 131 / 1,200 records", "Jira refused the token."):
        assert words in out
    assert desk("connections list --accounts --json").json == {"items": rows(), "next": None}
    desk.width = width
    assert max(len(line) for line in desk("connections list --accounts").out.splitlines()) <= width


def test_one_connection_is_shown_with_those_it_belongs_together_with(daemon, desk):
    daemon.on("GET", "/v1/connections/con_1", wire.connection())
    shown = account(blocked="11 tasks of alice are blocked.")
    daemon.on("GET", "/v1/accounts/con_1", shown)
    ran = desk("connections show con_1")
    assert ran.code == 0
    for words in (
        "Jira Cloud · acme",
        "11 tasks of alice are blocked.",
        "Jira tasks (tasks, int_2)",
        "40: 28 succeeded, 12 failed, 11 blocked",
        "Admin connection",
        "My connection",
        "Ask bob.",
    ):
        assert words in ran.out
    assert desk("connections show con_1 --account --json").json == shown.model_dump(mode="json")
    assert "Admin connection" in desk("connections show con_1 --account").out
    assert desk("connections show con_1 --account --evidence").code == 2
