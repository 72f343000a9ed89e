"""How the windows of delivery integrations, sources and the ledger look: fixed clock, zone, size and theme."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from textual.pilot import Pilot
from textual.screen import Screen

from healthdesk.domain.states import Environment
from healthdesk.tui.app import HealthdeskApp
from healthdesk.tui.screens.integration import IntegrationScreen
from healthdesk.tui.screens.ledger import LedgerScreen
from healthdesk.tui.screens.source import SourceScreen
from healthdesk.tui.screens.sources import SourcesScreen
from tests.tui.desk import LARGE, SMALL, Driver, make_app
from tests.tui.fake_delivery import DeliveryDesk
from tests.tui.fake_endpoint import a_ledger, all_methods, an_open_circuit
from tests.tui.fake_jobs import a_job
from tests.tui.task_desk import NEXT_TAB


def nothing(_: DeliveryDesk) -> None:
    """Leave the desk as it is."""


def circuit(desk: DeliveryDesk) -> None:
    desk.change(Environment.PRODUCTION, circuit=an_open_circuit(), delivery=all_methods())


def under_way(desk: DeliveryDesk) -> None:
    desk.jobs = [a_job()]


def before_testing(desk: DeliveryDesk) -> None:
    desk.without(Environment.TESTING)


def refused(desk: DeliveryDesk) -> None:
    desk.probe_ok = False


def unbalanced(desk: DeliveryDesk) -> None:
    desk.told_ledger = a_ledger(balanced=False)


def integration() -> Screen[Any]:
    return IntegrationScreen("int_crm")


def source() -> Screen[Any]:
    return SourceScreen("src_heart-health")


Scene = tuple[
    Callable[[], Screen[Any]], tuple[int, int], list[str], Callable[[DeliveryDesk], None], dict[str, Any]
]
SCENES: dict[str, Scene] = {
    "integration": (integration, SMALL, [], nothing, {}),
    "integration-wide": (integration, LARGE, [], circuit, {}),
    "integration-ascii": (integration, SMALL, ["shift+tab"], circuit, {"ascii_only": True}),
    "integration-sixteen-colours": (integration, SMALL, [], circuit, {"theme": "ansi-dark"}),
    "integration-job": (integration, SMALL, [], under_way, {}),
    "integration-new": (integration, SMALL, ["shift+tab"], before_testing, {}),
    "integration-sources": (integration, SMALL, [NEXT_TAB, "j"], nothing, {}),
    "integration-delivery": (integration, SMALL, [NEXT_TAB, NEXT_TAB], circuit, {}),
    "integration-actions": (integration, SMALL, ["full_stop"], nothing, {}),
    "testing-configuration": (integration, SMALL, ["E"], nothing, {}),
    "test-configuration": (integration, SMALL, ["X", "right", "enter"], refused, {}),
    "promote": (integration, SMALL, ["U"], nothing, {}),
    "sample-data": (integration, SMALL, ["t"], nothing, {}),
    "sample-data-wide": (integration, LARGE, ["t"], nothing, {}),
    "sample-data-ascii": (integration, SMALL, ["t", "space", "right"], nothing, {"ascii_only": True}),
    "sample-production": (integration, SMALL, ["t", "right", "enter"], nothing, {}),
    "notifications": (integration, SMALL, ["N"], nothing, {}),
    "delivery-method": (integration, SMALL, ["M"], circuit, {}),
    "circuit": (integration, SMALL, ["C"], circuit, {}),
    "sources": (SourcesScreen, SMALL, ["j", "j"], nothing, {}),
    "sources-wide": (SourcesScreen, LARGE, [], nothing, {}),
    "source": (source, SMALL, [], nothing, {}),
    "source-integrations": (source, LARGE, [NEXT_TAB], nothing, {}),
    "ledger": (LedgerScreen, SMALL, [], nothing, {}),
    "ledger-wide": (LedgerScreen, LARGE, [], unbalanced, {}),
    "ledger-ascii": (LedgerScreen, SMALL, [], nothing, {"ascii_only": True}),
}


@pytest.mark.parametrize("name", SCENES)
def test_scene(name: str, snap_compare: Any) -> None:
    make, size, keys, prepare, options = SCENES[name]
    desk = DeliveryDesk()
    prepare(desk)

    async def reach(pilot: Pilot[None]) -> None:
        assert isinstance(pilot.app, HealthdeskApp)
        driver = Driver(pilot.app, pilot)
        await driver.settle()
        await pilot.app.push_screen(make())
        await driver.settle()
        await driver.press(*keys)

    app = make_app(desk, area="connections", **options)
    assert snap_compare(app, terminal_size=size, run_before=reach)


def test_without_colours_testing_and_an_open_circuit_are_words_and_glyphs(
    snap_compare: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("NO_COLOR", "1")
    desk = DeliveryDesk()
    circuit(desk)

    async def reach(pilot: Pilot[None]) -> None:
        assert isinstance(pilot.app, HealthdeskApp)
        driver = Driver(pilot.app, pilot)
        await driver.settle()
        await pilot.app.push_screen(integration())
        await driver.settle()
        await driver.press("shift+tab")

    assert snap_compare(make_app(desk, area="connections"), terminal_size=SMALL, run_before=reach)
