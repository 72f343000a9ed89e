"""The systemd unit of docs/operating.md fits the daemon, and systemd takes it as it stands."""

from __future__ import annotations

import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from healthdesk.daemon.main import END_TIMEOUT_S, GRACE_S
from healthdesk.engine.engine import LEAVE_GRACE_S
from healthdesk.engine.supervisor import CANCEL_TIMEOUT_S
from healthdesk.paths import credential_key_file, default_paths
from healthdesk.store.sqlite import CLOSE_TIMEOUT_S


@pytest.fixture
def unit(repository: Path) -> str:
    text = (repository / "docs/operating.md").read_text(encoding="utf-8")
    (found,) = re.findall(r"```ini\n(.*?)```", text, re.DOTALL)
    return str(found)


@pytest.fixture
def service(unit: str) -> dict[str, str]:
    body = unit.partition("[Service]\n")[2].partition("\n[")[0]
    return dict(line.split("=", 1) for line in body.splitlines() if line)


def test_systemd_waits_for_ready_and_for_the_end(service: dict[str, str]) -> None:
    assert service["Type"] == "notify"
    stopping_s = GRACE_S + LEAVE_GRACE_S + 2 * CANCEL_TIMEOUT_S + CLOSE_TIMEOUT_S + END_TIMEOUT_S
    assert float(service["TimeoutStopSec"]) > stopping_s + 10, "the listeners close first"
    assert float(service["WatchdogSec"]) >= 10
    assert service["Restart"] == "always"


def test_its_directories_and_its_key_are_those_of_the_daemon(service: dict[str, str], tmp_path: Path) -> None:
    places = default_paths({}, 0)
    assert Path("/var/lib") / service["StateDirectory"] == places.data_dir
    assert Path("/run") / service["RuntimeDirectory"] == places.socket.parent
    assert service["ExecStart"].endswith(f"healthdesk daemon --config {places.config}")
    name, _, source = service["LoadCredential"].partition(":")
    assert Path(source) == places.key_file
    (tmp_path / name).touch()
    assert credential_key_file({"CREDENTIALS_DIRECTORY": str(tmp_path)}) == tmp_path / name


@pytest.mark.skipif(shutil.which("systemd-analyze") is None, reason="systemd is not installed here")
def test_systemd_finds_nothing_wrong_with_it(unit: str, tmp_path: Path) -> None:
    file = tmp_path / "healthdesk.service"
    file.write_text(re.sub(r"^ExecStart=\S+", f"ExecStart={sys.executable}", unit, flags=re.MULTILINE))
    done = subprocess.run(
        ["systemd-analyze", "verify", str(file)], capture_output=True, text=True, check=False, timeout=60
    )
    said = [line for line in (done.stdout + done.stderr).splitlines() if "healthdesk.service" in line]
    assert (done.returncode, said) == (0, [])
