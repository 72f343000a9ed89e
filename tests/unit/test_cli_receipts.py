"""`records look-up`, `integrations keys --receipt`, and receipts among the callbacks."""

from __future__ import annotations

import pytest
from tests.harness import wire
from tests.harness.cli import Shell
from tests.harness.fake_daemon import FakeDaemon, running

from healthdesk.api.callbacks import Callback
from healthdesk.api.flow import LookedUp
from healthdesk.domain.states import CallbackState, Environment, RecordState


@pytest.fixture
def daemon(tmp_path):
    with running(FakeDaemon(tmp_path / "s")) as daemon:
        daemon.on("GET", "/v1/integrations/int_1", wire.integration(name="CRM"))
        yield daemon


@pytest.fixture
def desk(daemon):
    return Shell(daemon)


@pytest.mark.parametrize(("found", "code"), [(True, 0), (False, 1), (None, 1)])
def test_looking_up_says_what_the_endpoint_said_and_what_the_record_is_now(daemon, desk, found, code):
    answer = LookedUp(found=found, sentence="It was asked and answered.", status=200)
    daemon.on("POST", "/v1/records/rec_1/look-up", answer)
    daemon.on("GET", "/v1/records/rec_1", wire.record_detail(state=RecordState.DELIVERED))
    ran = desk("records look-up rec_1")
    assert ran.code == code
    assert "It was asked and answered." in ran.out
    assert "Delivered" in ran.out


def test_a_receipt_secret_is_made_and_shown_once(daemon, desk):
    made = wire.new_secret(secret="whsec_shown", hint="••••hown")
    daemon.on("POST", "/v1/integrations/int_1/receipt-secrets", made)
    ran = desk("integrations keys int_1 --receipt --new --overlap 1h --environment testing")
    assert ran.code == 0
    assert "whsec_shown" in ran.out
    assert daemon.last.json == {"environment": "testing", "overlap_s": 3600}


def test_a_receipt_secret_of_the_endpoints_own_comes_from_a_file_and_is_not_shown(daemon, desk, tmp_path):
    (tmp_path / "secret").write_text("theirs alone\n")
    kept = wire.new_secret(secret="", hint="••••lone")
    daemon.on("POST", "/v1/integrations/int_1/receipt-secrets", kept)
    ran = desk(f"integrations keys int_1 --receipt --new --receipt-secret-file {tmp_path / 'secret'}")
    assert ran.code == 0
    assert "theirs alone" not in ran.out + ran.err
    assert "••••lone" in ran.out
    assert daemon.last.json["secret"] == "theirs alone"
    assert desk(f"integrations keys int_1 --receipt-secret-file {tmp_path / 'secret'}").code == 2


def test_without_a_receipt_secret_the_list_says_what_that_means(daemon, desk):
    daemon.on("GET", "/v1/integrations/int_1/receipt-secrets", [])
    assert "every receipt is refused" in desk("integrations keys int_1 --receipt").out


def test_receipts_stand_among_the_callbacks_with_what_they_say(daemon, desk):
    receipt = Callback(
        id="cbk_2",
        connection_id="",
        delivery_id="msg_1",
        received_at=wire.NOW,
        state=CallbackState.PROCESSED,
        event="failed",
        integration_id="int_1",
        integration_name="CRM endpoint",
        environment=Environment.TESTING,
    )
    daemon.on("GET", "/v1/callbacks", wire.page(receipt))
    ran = desk("callbacks list --integration int_1")
    assert ("integration_id", "int_1") in daemon.last.query
    assert "CRM endpoint" in ran.out
    assert "receipt (testing): failed" in ran.out
