"""The fixtures of every app that comes with healthdesk: recorded once, played over loopback, none with a secret in it."""

import re
from pathlib import Path

import pytest

from healthdesk.connectors.fixtures import FOLDER, fixtures_of, read_fixture
from healthdesk.connectors.reader import read_folder
from healthdesk.host.connectors.trying import app_of, run_case

BUILTIN = Path(__file__).parents[2] / "src/healthdesk/connectors/builtin"
CASES = [
    pytest.param(place.parent, name, id=f"{place.parent.name}-{name}")
    for place in sorted(BUILTIN.glob(f"*/{FOLDER}"))
    for name, _ in fixtures_of(place.parent)
]
APPS = sorted(place.parent for place in BUILTIN.glob("*/manifest.toml"))


@pytest.mark.parametrize(("folder", "name"), CASES)
async def test_a_fixture_passes(folder: Path, name: str) -> None:
    fixture = read_fixture(dict(fixtures_of(folder))[name])
    report = await run_case(app_of(folder), name, fixture)
    assert report.wrong == ()


@pytest.mark.parametrize(
    "folder", [each for each in APPS if read_folder(each).manifest.heartbeat], ids=lambda each: each.name
)
def test_every_app_with_a_heartbeat_has_a_fixture_of_it_and_of_a_refusal(folder: Path) -> None:
    fixtures = [read_fixture(place) for _, place in fixtures_of(folder)]
    outcomes = [fixture.outcome or {} for fixture in fixtures if fixture.operation == "heartbeat"]
    assert any("identity" in outcome for outcome in outcomes)
    assert any("failure" in outcome for outcome in outcomes)


@pytest.mark.parametrize("folder", APPS, ids=lambda each: each.name)
def test_no_fixture_holds_a_private_address_or_what_looks_like_a_token(folder: Path) -> None:
    for name, place in fixtures_of(folder):
        text = place.read_text(encoding="utf-8")
        assert "127.0.0.1" not in text, name
        assert not re.search(r"-----BEGIN|gh[pous]_\w{20}|xox[bp]-\w{10}|AKIA[0-9A-Z]{16}", text), name
        people = set(re.findall(r"[\w.+-]+@[\w-]+\.[\w.-]+", text))
        assert all(re.search(r"@(?:[\w-]+\.)*example(?:\.(?:com|org|net))?$", each) for each in people), (
            name,
            people,
        )
