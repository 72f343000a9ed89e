"""What the composition root makes itself, and how the process ends."""

import asyncio
import logging
import threading

from tests.connectors.manifests import FULL

from healthdesk.config import load_config
from healthdesk.daemon import main
from healthdesk.daemon.build import Randomness, read_apps


def test_random_bytes_are_of_the_length_asked_for_and_never_given_out_twice():
    randomness = Randomness()
    given = [randomness(5) for _ in range(5000)]
    assert {len(piece) for piece in given} == {5}
    assert len(set(given)) == len(given)
    assert len(randomness(100_000)) == 100_000


def test_the_folders_of_the_config_are_read_and_a_bad_one_stops_nothing(tmp_path, caplog):
    for name, text in (("full", FULL), ("bad", FULL.replace("[rate_limits]", "[rate_limit]"))):
        (tmp_path / "mine" / name).mkdir(parents=True)
        (tmp_path / "mine" / name / "manifest.toml").write_text(text, encoding="utf-8")
    file = tmp_path / "config.toml"
    file.write_text('[connectors]\nfolders = ["mine"]\n', encoding="utf-8")
    with caplog.at_level(logging.ERROR):
        apps = read_apps(load_config(file, {}))
    assert apps.get("full").name == "Full"
    assert "http-endpoint" in apps
    assert f"{tmp_path}/mine/bad/manifest.toml:73: rate_limit" in caplog.text
    assert "did you mean rate_limits?" in caplog.text


def test_a_process_that_was_stopped_ends_whatever_hangs(monkeypatch, caplog):
    monkeypatch.setattr(main, "END_TIMEOUT_S", 0.01)
    released = threading.Event()
    codes = []

    async def served():
        # The loop closes after its threads.
        asyncio.get_running_loop().run_in_executor(None, released.wait, 60)

    main.end_for_certain(served(), end=lambda code: (codes.append(code), released.set()))
    assert codes == [1]
    assert "did not end within 0.01 s: the process ends without it" in caplog.text
