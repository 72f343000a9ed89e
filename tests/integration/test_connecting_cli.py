"""The command line, a daemon process and an app: connecting and replacing credentials as an operator does."""

from __future__ import annotations

import asyncio
import json
import sys
from collections.abc import AsyncIterator
from dataclasses import dataclass

import pytest
from tests.harness.desk import Desk, temporary_desk
from tests.integration.trying_desk import OTHER, TOKEN, WRONG, Github


@dataclass
class Ran:
    code: int
    out: str
    err: str


@dataclass
class Shell:
    """Runs `healthdesk` as a process of its own, a secret on its standard input."""

    desk: Desk
    said: list[str]

    async def __call__(self, line: str, secret: str = "") -> Ran:
        process = await asyncio.create_subprocess_exec(
            sys.executable,
            "-m",
            "healthdesk",
            *line.split(),
            env=self.desk.environ(),
            stdin=asyncio.subprocess.PIPE,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.PIPE,
        )
        out, err = await process.communicate(secret.encode())
        assert process.returncode is not None
        self.said += [out.decode(), err.decode()]
        return Ran(process.returncode, out.decode(), err.decode())


@pytest.fixture
async def shell() -> AsyncIterator[Shell]:
    async with temporary_desk() as desk:
        yield Shell(desk, [])


async def test_an_operator_connects_an_app_and_replaces_its_credentials(shell: Shell) -> None:
    async with Github() as github:
        add = f"connections add --app github --auth token --base-url {github.url} --secret-stdin token"
        refused = await shell(add, WRONG)
        assert refused.code == 1
        assert "GitHub refused the token: Bad credentials" in refused.err
        assert "https://github.com/settings/personal-access-tokens" in refused.err
        assert "No connections yet" in (await shell("connections list")).out

        added = await shell(add, TOKEN)
        assert added.code == 0, added.err
        assert "● Connected" in added.out
        assert "GitHub · octocat" in added.out
        (made,) = json.loads((await shell("connections list --json")).out)["items"]

        update = f"connections update-credentials {made['id']} --token-stdin"
        other = await shell(update, OTHER)
        assert other.code == 1
        assert "hubot" in other.err
        assert "--yes" in other.err
        updated = await shell(f"{update} --yes", OTHER)
        assert updated.code == 0, updated.err
        assert f"healthdesk connections put-back {made['id']}" in updated.out
        assert json.loads((await shell(f"connections show {made['id']} --json")).out)["account"] == "hubot"

        back = await shell(f"connections put-back {made['id']}")
        assert back.code == 0, back.err
        assert json.loads((await shell(f"connections show {made['id']} --json")).out)["account"] == "octocat"
    for text in (*shell.said, shell.desk.log):
        assert not any(secret in text for secret in (TOKEN, OTHER, WRONG))
