"""`healthdesk backup`: what comes is told, and a file is there only when it is a whole backup."""

from __future__ import annotations

import gzip
import sys

from aiohttp import web
from tests.harness.cli import Shell, Typed
from tests.harness.fake_daemon import FakeDaemon, running

from healthdesk.cli import backup
from healthdesk.domain.backup_format import Head, Writer


def file_of(body: bytes):
    async def answer(_request: web.Request) -> web.Response:
        return web.Response(body=body, content_type="application/gzip")

    return answer


def test_a_backup_is_told_as_it_comes_and_is_there_only_when_it_is_whole(tmp_path, monkeypatch) -> None:
    writer = Writer()
    whole = gzip.compress(writer.head(Head("0001", "0.1.0", "now", "sqlite")) + writer.end())
    file = tmp_path / "desk.gz"
    monkeypatch.setattr(backup, "SAY_EVERY", 1)
    with running(FakeDaemon(tmp_path / "s")) as daemon:
        desk = Shell(daemon)
        daemon.on("GET", "/v1/backup", file_of(whole[:-9]), file_of(whole))
        broken = desk(f"backup {file}")
        assert (broken.code, file.exists()) == (1, False)
        assert "what the daemon sent is not whole" in broken.err

        taken = desk(f"backup {file}")
        assert (taken.code, file.read_bytes()) == (0, whole)
        assert "0 MiB so far" in taken.err
        assert "key file is not in it" in taken.err

        monkeypatch.setattr(sys, "stdout", Typed(terminal=True))
        assert "redirect it" in desk("backup -").err
