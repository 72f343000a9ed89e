"""Imports point one way: the contracts of pyproject.toml, and what a start really loads."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

HEAVY = (
    "pydantic",
    "aiohttp",
    "textual",
    "sqlalchemy",
    "alembic",
    "httpx",
    "apprise",
    "cryptography",
    "rich",
)


def modules_after(program: str) -> set[str]:
    """Run a program in a new interpreter and return the names of what it loaded."""
    report = "\nimport json, sys\nprint('\\n' + json.dumps(sorted(sys.modules)))"
    done = subprocess.run(
        [sys.executable, "-c", program + report], capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    return set(json.loads(done.stdout.splitlines()[-1]))


def loaded(modules: set[str], *names: str) -> set[str]:
    """Return those of the packages that are among the modules."""
    return {name for name in names if any(m == name or m.startswith(f"{name}.") for m in modules)}


def test_import_contracts_hold(repository: Path) -> None:
    linter = Path(sys.executable).with_name("lint-imports")
    done = subprocess.run(
        [linter, "--no-logo", "--no-cache"], cwd=repository, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stdout + done.stderr


@pytest.mark.parametrize("arguments", [["--help"], ["--version"], ["records", "--help"]])
def test_help_and_version_load_nothing_heavy(arguments: list[str]) -> None:
    program = (
        "from healthdesk.cli.main import main\n"
        f"try:\n    main({arguments!r})\nexcept SystemExit as stop:\n    assert not stop.code, stop.code\n"
    )
    assert loaded(modules_after(program), *HEAVY) == set()


def test_the_daemon_loads_no_screen_and_no_apprise() -> None:
    modules = modules_after("import healthdesk.daemon.main")
    assert loaded(modules, "sqlalchemy", "aiohttp") == {"sqlalchemy", "aiohttp"}
    assert (
        loaded(modules, "textual", "rich", "apprise", "healthdesk.tui", "healthdesk.cli", "healthdesk.demo")
        == set()
    )


def test_commands_load_no_screen() -> None:
    program = (
        "import pkgutil, importlib, healthdesk.cli as c\n"
        "for m in pkgutil.iter_modules(c.__path__): importlib.import_module('healthdesk.cli.' + m.name)\n"
        "from healthdesk.api.delivery import DeliveryMethod\n"
        "from healthdesk.cli import delivery_flags, delivery_view\n"
        "step = delivery_flags._steps(['set a = 1'])\n"
        "delivery_view.method_facts(DeliveryMethod.model_validate({'mapping': step, 'batch': {'size': 2}}))"
    )
    assert loaded(modules_after(program), "textual", "healthdesk.tui") == set()


def test_the_screen_loads_no_store_and_no_engine() -> None:
    modules = modules_after("import healthdesk.tui.app")
    assert loaded(modules, "textual") == {"textual"}
    forbidden = ("healthdesk.store", "healthdesk.engine", "healthdesk.http", "healthdesk.config")
    assert loaded(modules, "sqlalchemy", "alembic", "apprise", "asyncpg", *forbidden) == set()


def test_the_client_loads_neither_screen_nor_store() -> None:
    modules = modules_after("import healthdesk.client.client")
    assert loaded(modules, "textual", "sqlalchemy", "healthdesk.store", "healthdesk.engine") == set()


def test_connectors_load_the_domain_and_their_http_client_alone() -> None:
    modules = modules_after("import healthdesk.connectors.registry, healthdesk.connectors.session")
    ours = {name.split(".")[1] for name in modules if name.startswith("healthdesk.")}
    assert ours <= {"connectors", "domain", "errors", "clock"}


def test_the_domain_loads_nothing_from_outside() -> None:
    program = (
        "import pkgutil, importlib, healthdesk.domain as d\n"
        "for m in pkgutil.iter_modules(d.__path__): importlib.import_module('healthdesk.domain.' + m.name)"
    )
    modules = modules_after(program)
    assert loaded(modules, *HEAVY, "asyncio") == set()
    assert {name.split(".")[1] for name in modules if name.startswith("healthdesk.")} <= {"domain", "errors"}


def test_no_module_is_too_long(repository: Path) -> None:
    long = {
        str(path.relative_to(repository)): lines
        for path in (repository / "src").rglob("*.py")
        if (lines := len(path.read_text(encoding="utf-8").splitlines())) > 500
    }
    assert long == {}
