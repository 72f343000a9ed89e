"""When records wait, when one is a probe, and what is told to other daemons."""

from datetime import UTC, datetime
from types import SimpleNamespace

import pytest

from healthdesk.domain.states import ConnectionState, Environment, HoldReason, IntegrationState, OnUnknown
from healthdesk.engine.relay import TOLD_ONE_BY_ONE, _condensed
from healthdesk.engine.share import NOTHING, Share
from healthdesk.engine.targets import Targets, hold_reason
from healthdesk.errors import VaultError
from healthdesk.store.rows import TargetRow

SINCE = datetime(2026, 3, 2, tzinfo=UTC)


def row(**more) -> TargetRow:
    fields = {
        "integration_id": "int_1",
        "integration_name": "CRM",
        "environment": Environment.PRODUCTION,
        "state": IntegrationState.ACTIVE,
        "connection_id": "con_1",
        "connection_name": "CRM",
        "owner": "alice",
        "connection_state": ConnectionState.CONNECTED,
        "connection_deleted": False,
        "has_heartbeat": False,
        "app": "http-endpoint",
        "base_url": "http://127.0.0.1:9",
        "credentials_enc": "",
        "path": "/hra",
        "method": "POST",
        "headers": {},
        "on_unknown": OnUnknown.RESEND,
        "concurrency": None,
        "rate_per_s": None,
        "timeout_s": None,
        "accept_limit_per_minute": None,
        "connection_state_since": SINCE,
    }
    return TargetRow(**{**fields, **more})


def target(**more):
    config = SimpleNamespace(delivery=SimpleNamespace(timeout_s=30.0, concurrency=16))
    return Targets(SimpleNamespace(config=config, vault=None))._build(row(**more))


@pytest.mark.parametrize(
    ("more", "expected"),
    [
        ({}, None),
        ({"state": IntegrationState.PAUSED}, HoldReason.PAUSED),
        ({"connection_state": ConnectionState.FAILING}, HoldReason.CONNECTION),
        ({"connection_state": ConnectionState.SUSPECT}, None),
        ({"connection_deleted": True}, HoldReason.CONNECTION),
        ({"state": IntegrationState.PAUSED, "connection_state": ConnectionState.FAILING}, HoldReason.PAUSED),
    ],
)
def test_records_wait_while_paused_or_while_the_connection_fails(more, expected):
    assert hold_reason(row(**more)) is expected


class OtherKey:
    def decrypt(self, token):
        raise VaultError("the key does not open it")


def test_secrets_that_this_daemon_alone_cannot_read_hold_nothing_in_the_database():
    config = SimpleNamespace(delivery=SimpleNamespace(timeout_s=30.0, concurrency=16))
    targets = Targets(SimpleNamespace(config=config, vault=OtherKey()))
    alone = targets._build(row(credentials_enc="sealed"))
    assert (alone.hold, alone.held, targets.readable) == (HoldReason.CONNECTION,) * 2 + (False,)
    for share in (Share(0, 2), NOTHING):
        targets.share = share
        beside = targets._build(row(credentials_enc="sealed"))
        assert (beside.hold, beside.held) == (HoldReason.CONNECTION, None)
        paused = targets._build(row(credentials_enc="sealed", state=IntegrationState.PAUSED))
        assert (paused.hold, paused.held) == (HoldReason.PAUSED, HoldReason.PAUSED)


def test_probe_is_for_a_failing_connection_that_is_judged_by_deliveries():
    suspect = {"connection_state": ConnectionState.SUSPECT}
    assert target(**suspect).probe_since == SINCE
    assert target(**suspect).probing
    first_doubt = target(**suspect, connection_suspect_checks=1)
    assert first_doubt.probing
    assert first_doubt.probe_since is None
    checked = target(**suspect, has_heartbeat=True)
    assert not checked.probing
    assert checked.probe_since is None
    assert target().probe_since is None


def test_much_news_of_one_kind_is_told_once_to_other_daemons():
    few = [("record.changed", f"rec_{n}") for n in range(TOLD_ONE_BY_ONE)]
    assert _condensed(few) == few
    many = [*few, ("record.changed", "rec_x"), ("problem.changed", "prb_1")]
    assert _condensed(many) == [("record.changed", ""), ("problem.changed", "prb_1")]
