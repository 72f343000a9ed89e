"""`init` and `doctor` on the command line; what they do is tested where they live."""

import json
import os

import pytest
from tests.harness.cli import Shell
from tests.harness.fake_daemon import FakeDaemon


@pytest.fixture
def desk(tmp_path, monkeypatch):
    for name in [name for name in os.environ if name.startswith("HEALTHDESK_")]:
        monkeypatch.delenv(name)
    return Shell(FakeDaemon(tmp_path / "none"))


def test_init_makes_a_desk_and_says_what_comes_next(desk, tmp_path):
    folder = tmp_path / "desk"
    ran = desk(f"init --dir {folder} --listen 127.0.0.1:9999")
    assert ran.code == 0
    assert f"made  {folder / 'config.toml'}" in ran.out
    assert "healthdesk daemon" in ran.out
    assert "127.0.0.1:9999" in (folder / "config.toml").read_text()


def test_second_init_keeps_everything(desk, tmp_path):
    folder = tmp_path / "desk"
    first = desk(f"init --dir {folder} --json").json
    again = desk(f"init --dir {folder} --json").json
    assert str(folder / "config.toml") in first["created"]
    assert again["created"] == []
    assert set(first["created"]) <= set(again["kept"])


def test_folder_and_config_contradict_each_other(desk, tmp_path):
    ran = desk(f"init --dir {tmp_path} --config {tmp_path}/c.toml")
    assert ran.code == 2
    assert "--config" in ran.err


def test_wrong_setting_is_an_error_with_its_fix(desk, tmp_path):
    ran = desk(f"init --dir {tmp_path / 'desk'} --allow-private-network nonsense")
    assert ran.code == 1
    assert ran.err.startswith("error: ")
    assert "allow_private_networks" in ran.err


def test_doctor_fails_when_a_finding_does_and_prints_the_fix(desk, tmp_path):
    ran = desk(f"doctor --config {tmp_path / 'nothing.toml'}")
    assert ran.code == 1
    assert "✗ fail config: " in ran.out
    assert "    fix: " in ran.out
    ran = desk(f"doctor --json --config {tmp_path / 'nothing.toml'}")
    assert ran.code == 1
    assert ran.json["status"] == "fail"
    assert {check["name"] for check in ran.json["checks"]} >= {"config", "clock", "dns"}


def test_demo_repair_without_a_demo_fails_with_a_fix(desk, tmp_path, capsys):
    assert desk(f"demo repair --dir {tmp_path}").code == 1
    assert "fix: start one with `healthdesk demo`" in capsys.readouterr().err


@pytest.mark.parametrize("what", ["repair", "break"])
def test_demo_repair_says_which_demo_and_which_others_run(what, desk, tmp_path, monkeypatch, capsys):
    asked = []

    async def control(self, act):
        asked.append((self._url, act))
        return {}

    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    monkeypatch.setattr("healthdesk.demo.running.WorldLink.control", control)
    for age, name in enumerate(("newest", "older", "ended")):
        folder = tmp_path / f"healthdesk-demo-{name}"
        folder.mkdir()
        pid = 2**22 + 1 if name == "ended" else os.getpid()
        (folder / "demo.json").write_text(json.dumps({"world": f"http://{name}", "pid": pid}))
        os.utime(folder, (1_000_000 - age, 1_000_000 - age))
    assert desk(f"demo {what}").code == 0
    assert asked == [("http://newest", what)]
    printed = capsys.readouterr().out
    assert f"The demo in {tmp_path}/healthdesk-demo-newest:" in printed
    assert f"untouched: healthdesk demo {what} --dir {tmp_path}/healthdesk-demo-older" in printed
    assert "ended" not in printed


def test_demo_repair_takes_no_duration(desk):
    assert desk("demo repair --for 5").code == 2
    assert desk("demo mend").code == 2
