"""The connector that docs/connectors.md builds: it lints clean and its fixtures pass, as they stand on the page."""

import re
from pathlib import Path

import pytest
from pydantic import BaseModel
from tests.docs.test_docs import section

from healthdesk.connectors.findings import Finding
from healthdesk.connectors.fixtures import Answered, Asked, Fixture, Step
from healthdesk.connectors.lint import lint
from healthdesk.connectors.registry import Registry
from healthdesk.host.connectors.trying import run_folder


@pytest.fixture
def text(repository: Path) -> str:
    return (repository / "docs/connectors.md").read_text(encoding="utf-8")


@pytest.fixture
def lantern(text: str, tmp_path: Path) -> Path:
    """Write the folder as the page tells it."""
    example = section(text, "## A connector, step by step")
    manifest = "\n".join(re.findall(r"^```toml\n(.*?)^```$", example, re.MULTILINE | re.DOTALL))
    fixtures = re.findall(
        r"`(lantern/fixtures/[a-z-]+\.json)`[^`]*\n\n```json\n(.*?)^```$", example, re.MULTILINE | re.DOTALL
    )
    files = {"lantern/manifest.toml": manifest, **dict(fixtures)}
    assert len(files) == 3
    for name, content in files.items():
        place = tmp_path / name
        place.parent.mkdir(parents=True, exist_ok=True)
        place.write_text(content, encoding="utf-8")
    return tmp_path / "lantern"


def test_the_manifest_on_the_page_lints_clean(lantern: Path) -> None:
    nothing: list[Finding] = []
    assert lint(lantern) == nothing


async def test_the_fixtures_on_the_page_pass(lantern: Path) -> None:
    reports = await run_folder(lantern)
    assert [(report.name, report.wrong) for report in reports] == [
        ("heartbeat", ()),
        ("heartbeat-revoked", ()),
    ]


def test_the_folder_on_the_page_is_an_app(lantern: Path) -> None:
    registry = Registry.everything([lantern], packages=())
    assert registry.get("lantern").manifest.kinds == ["tasks", "proof"]


@pytest.mark.parametrize(
    ("models", "heading"), [((Fixture,), "## Fixtures"), ((Step,), "### Step")], ids=["fixture", "step"]
)
def test_every_key_of_a_fixture_is_on_the_page(
    models: tuple[type[BaseModel], ...], heading: str, text: str
) -> None:
    table = section(text, heading).partition("\n### ")[0]
    rows = re.findall(r"^\| (`[^|]+`) \|", table, re.MULTILINE)
    documented = {name for row in rows for name in re.findall(r"`(\w+)`", row)}
    assert documented == {
        field.alias or name for model in models for name, field in model.model_fields.items()
    }


@pytest.mark.parametrize(
    ("model", "row"), [(Asked, "asked"), (Answered, "answered")], ids=["asked", "answered"]
)
def test_every_key_of_a_step_is_in_its_row(model: type[BaseModel], row: str, text: str) -> None:
    line = next(line for line in section(text, "### Step").splitlines() if line.startswith(f"| `{row}` |"))
    names = {field.alias or name for name, field in model.model_fields.items()}
    assert names <= set(re.findall(r"`(\w+)`", line))
