"""Runs a command against the daemon."""

from __future__ import annotations

import argparse

from pydantic import ValidationError

from healthdesk.cli.ask import Asker
from healthdesk.cli.command import DONE, Command, UsageError
from healthdesk.cli.desk import Desk
from healthdesk.cli.output import Output
from healthdesk.client.client import Client
from healthdesk.clock import Clock, SystemClock


async def run_command(
    command: Command, args: argparse.Namespace, out: Output, ask: Asker, clock: Clock | None = None
) -> int:
    """Do one command and return its exit code."""
    if command.run is None:
        raise TypeError(f"{args.prog} does not speak to the daemon")
    async with Client(args.socket) as client:
        desk = Desk(client=client, out=out, ask=ask, clock=clock or SystemClock())
        try:
            code = await command.run(desk, args)
        except ValidationError as error:
            raise UsageError(explain(error), f"see `{args.prog} --help`") from error
    return DONE if code is None else code


def explain(error: ValidationError) -> str:
    """Return what is wrong with an input, without its values: one may be a secret."""
    return "; ".join(
        f"{'.'.join(str(part) for part in item['loc']) or 'input'}: {item['msg']}"
        for item in error.errors(include_input=False, include_url=False)
    )
