"""What a command is: a verb of a noun, its arguments and the function that does it."""

from __future__ import annotations

import argparse
import importlib
from collections.abc import Callable, Coroutine
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from healthdesk.cli.desk import Desk
    from healthdesk.cli.output import Output

Arguments = Callable[[argparse.ArgumentParser], None]
Remote = Callable[["Desk", argparse.Namespace], Coroutine[Any, Any, int | None]]
Local = Callable[[argparse.Namespace, "Output"], int]

DONE, FAILED, USAGE, UNREACHABLE, NOT_PERMITTED, INTERRUPTED = 0, 1, 2, 3, 4, 130


class UsageError(Exception):
    """The command cannot be done as it was given; `fix` says how to give it."""

    def __init__(self, what: str, fix: str = "") -> None:
        super().__init__(what)
        self.what = what
        self.fix = fix


def no_arguments(parser: argparse.ArgumentParser) -> None:
    """Add nothing."""


@dataclass(frozen=True, slots=True)
class Command:
    """A verb: `run` speaks to the daemon, `local` does not. A noun without verbs has one with verb ``""``."""

    verb: str
    summary: str
    run: Remote | None = None
    local: Local | None = None
    arguments: Arguments = no_arguments


@dataclass(frozen=True, slots=True)
class Noun:
    """What comes first on the command line. Its module has `COMMANDS` and is imported when it is asked for."""

    name: str
    summary: str
    module: str
    table: str = "COMMANDS"

    def commands(self) -> tuple[Command, ...]:
        """Import the module and return its table."""
        table: tuple[Command, ...] = getattr(importlib.import_module(self.module), self.table)
        return table


_CLI = "healthdesk.cli"

NOUNS: tuple[Noun, ...] = (
    Noun("init", "set up a desk on this host", f"{_CLI}.host", "INIT"),
    Noun("daemon", "run the daemon", f"{_CLI}.host", "DAEMON"),
    Noun("demo", "show a living desk with a world of its own", f"{_CLI}.host", "DEMO"),
    Noun("doctor", "check this host, each finding with its fix", f"{_CLI}.host", "DOCTOR"),
    Noun("status", "how the desk is", f"{_CLI}.about", "STATUS"),
    Noun("apps", "what can be connected", f"{_CLI}.apps"),
    Noun("connectors", "make, check and test the folder of an app", f"{_CLI}.connectors"),
    Noun("connections", "credentials for an app, and their health", f"{_CLI}.connections"),
    Noun("pings", "push heartbeats of what cannot be called", f"{_CLI}.pings"),
    Noun("integrations", "what is delivered where", f"{_CLI}.integrations"),
    Noun("tasks", "tasks of the desk, and their issues", f"{_CLI}.tasks"),
    Noun("templates", "repeating tasks", f"{_CLI}.templates"),
    Noun("labels", "labels and controls, under which proof is filed", f"{_CLI}.labels"),
    Noun("instances", "tasks and proof syncs of integrations, and their health", f"{_CLI}.instances"),
    Noun("sources", "what produces records", f"{_CLI}.sources"),
    Noun("sample", "sample data, to try an environment", f"{_CLI}.samples"),
    Noun("records", "the log of records, and resending them", f"{_CLI}.records"),
    Noun("filters", "saved filters of the log", f"{_CLI}.filters"),
    Noun("jobs", "what is done to many records", f"{_CLI}.jobs"),
    Noun("callbacks", "inbound webhooks from apps", f"{_CLI}.callbacks"),
    Noun("channels", "where alerts go", f"{_CLI}.channels"),
    Noun("rules", "which problems go to which channels", f"{_CLI}.rules"),
    Noun("problems", "what is broken, by cause", f"{_CLI}.problems"),
    Noun("alerts", "messages sent about problems", f"{_CLI}.alerts"),
    Noun("activity", "who did what", f"{_CLI}.about", "ACTIVITY"),
    Noun("events", "changes as they happen", f"{_CLI}.about", "EVENTS"),
    Noun("key", "the key that encrypts secrets", f"{_CLI}.key"),
    Noun("export", "write the set-up as TOML, without secrets", f"{_CLI}.setup", "EXPORT"),
    Noun("import", "add and change what a set-up says, plan first", f"{_CLI}.setup", "IMPORT"),
    Noun("backup", "write the whole desk to a file while it works", f"{_CLI}.backup", "BACKUP"),
    Noun("restore", "put a backup into a desk that is new", f"{_CLI}.restore", "RESTORE"),
    Noun("openapi", "the API's OpenAPI document", f"{_CLI}.about", "OPENAPI"),
)


def every_command() -> list[str]:
    """Return the words of every command, such as `records resend-all`; docs are checked against it."""
    return [f"{noun.name} {command.verb}".strip() for noun in NOUNS for command in noun.commands()]
