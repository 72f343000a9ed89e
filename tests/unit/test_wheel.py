"""The wheel: everything the desk needs is in it, and nothing else."""

from __future__ import annotations

import subprocess
import sys
import venv
from pathlib import Path
from zipfile import ZipFile

import pytest

# One worker builds the wheel once for all tests of this file.
pytestmark = pytest.mark.xdist_group("wheel")


@pytest.fixture(scope="session")
def wheel(repository: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Build the wheel from the working tree, with the pinned backend."""
    out = tmp_path_factory.mktemp("wheel")
    command = [
        sys.executable,
        "-m",
        "build",
        "--wheel",
        "--no-isolation",
        "--outdir",
        str(out),
        str(repository),
    ]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    (built,) = out.glob("*.whl")
    return built


def test_the_wheel_contains_every_file_of_the_package(repository: Path, wheel: Path) -> None:
    names = set(ZipFile(wheel).namelist())
    source = repository / "src"
    wanted = {
        str(path.relative_to(source))
        for path in (source / "healthdesk").rglob("*")
        if path.is_file() and not any(part == "__pycache__" or part.startswith(".") for part in path.parts)
    }
    assert wanted <= names
    assert "healthdesk/config.example.toml" in names
    kinds = {Path(name).suffix for name in wanted}
    assert {".py", ".toml", ".tcss"} <= kinds, (
        "manifests or styles have moved: does the wheel still have them?"
    )
    assert any("migrations/versions" in name for name in wanted)


def test_the_wheel_contains_no_tests_and_no_caches(wheel: Path) -> None:
    tops = {name.split("/")[0] for name in ZipFile(wheel).namelist()}
    assert {top for top in tops if not top.endswith(".dist-info")} == {"healthdesk"}
    assert not [name for name in ZipFile(wheel).namelist() if name.endswith((".pyc", ".db"))]


def test_an_installed_wheel_says_its_version(wheel: Path, tmp_path: Path) -> None:
    from healthdesk import __version__

    venv.create(tmp_path / "venv", with_pip=False)
    python = tmp_path / "venv" / "bin" / "python"
    # Without dependencies: `--version` needs none, and the rest of the package is tested where it is developed.
    command = [
        sys.executable,
        "-m",
        "pip",
        "--python",
        str(python),
        "install",
        "--quiet",
        "--no-deps",
        str(wheel),
    ]
    subprocess.run(command, check=True, capture_output=True)
    done = subprocess.run(
        [tmp_path / "venv" / "bin" / "healthdesk", "--version"], capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    assert __version__ in done.stdout
