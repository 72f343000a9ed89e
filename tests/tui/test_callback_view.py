"""A callback that names no event and no delivery is still called something."""

from datetime import UTC

from healthdesk.tui.format import plain
from healthdesk.tui.screens.callback import CallbackScreen
from healthdesk.tui.view.callbacks import callback_cells, callback_explain, callback_lines
from healthdesk.tui.view.record import record_verdict
from healthdesk.tui.view.times import View
from tests.harness import wire


def test_callback_without_event_and_delivery_id_is_called_by_its_id() -> None:
    screen = CallbackScreen("cbk_1")
    screen.detail = wire.callback(event="", delivery_id="")
    assert screen.crumbs() == "Callbacks › cbk_1"


def test_second_line_of_a_callback_without_delivery_id_is_its_size_alone() -> None:
    view = View(wire.NOW, UTC)
    item = wire.callback_row(event="", delivery_id="", state="processed", reason="", size=19)
    assert plain([callback_explain(item, view)[1]]) == "19 bytes"


def test_what_a_callback_is_about_stands_in_the_list_and_in_its_window() -> None:
    view = View(wire.NOW, UTC)
    about = {"instances": ["acme/ops#7"], "records": ["rec_1"], "state": "processed", "reason": ""}
    row = wire.callback_row(**about, delivery_id="d-1", size=283)
    assert plain([callback_explain(row, view)[1]]) == "about acme/ops#7, rec_1 · d-1 · 283 bytes"
    assert "About        acme/ops#7, rec_1" in plain(callback_lines(wire.callback(**about), view))
    assert "About" not in plain(callback_lines(wire.callback(instances=[], records=[]), view))


def test_a_receipt_is_from_its_integration_and_says_what_became_of_the_record() -> None:
    view = View(wire.NOW, UTC)
    receipt = {
        "connection_id": "",
        "connection_name": "",
        "integration_id": "int_1",
        "integration_name": "CRM endpoint",
        "environment": "testing",
        "event": "failed",
        "state": "processed",
        "reason": "",
    }
    cells = plain([tuple(callback_cells(wire.callback_row(**receipt), view))])
    assert "CRM endpoint" in cells
    assert "receipt (testing): failed" in cells
    lines = plain(callback_lines(wire.callback(**receipt), view))
    assert "From         CRM endpoint" in lines


def test_a_record_says_until_when_its_receipt_is_awaited_and_when_its_endpoint_is_asked() -> None:
    view = View(wire.NOW, UTC)

    def headline(state: str, **more: object) -> str:
        detail = wire.record_detail(state=state, explanation=None, **more)
        return plain([record_verdict(detail, view)[0]])

    at = f"{wire.NOW:%H:%M:%S}"
    assert headline("awaiting_receipt", next_attempt_at=wire.NOW).startswith(
        f"○ Awaiting its receipt until {at}"
    )
    assert headline("unknown", next_attempt_at=wire.NOW).startswith(f"? Unknown: the endpoint is asked {at}")
    assert headline("unknown", next_attempt_at=None).startswith("? Unknown: the request may have arrived")
