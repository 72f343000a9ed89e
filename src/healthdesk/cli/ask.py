"""Questions and secrets: a prompt without echo, standard input or a file, never an argument."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Callable
from pathlib import Path
from typing import BinaryIO, TextIO

from healthdesk.cli.command import UsageError

_MOST = 64 * 1024


class Asker:
    """Asks on the terminal, when there is one."""

    def __init__(
        self,
        stdin: TextIO | None = None,
        stderr: TextIO | None = None,
        *,
        hidden: Callable[[str], str] | None = None,
    ) -> None:
        self._stdin = stdin if stdin is not None else sys.stdin
        self._stderr = stderr if stderr is not None else sys.stderr
        self._hidden = hidden if hidden is not None else without_echo
        self._read_by = ""

    @property
    def interactive(self) -> bool:
        """Whether a person is there to answer."""
        return self._stdin.isatty()

    def require_yes(self, yes: bool) -> None:  # noqa: FBT001 - the flag itself
        """Refuse before anything is asked of the daemon when nobody can confirm."""
        if not yes and not self.interactive:
            raise UsageError("there is no terminal to confirm on", "give --yes to go ahead without asking")

    def confirm(self, question: str) -> bool:
        """Ask for yes or no; anything else is no."""
        self._stderr.write(f"{question} [y/N] ")
        self._stderr.flush()
        return self._stdin.readline().strip().lower() in ("y", "yes")

    def line(self, prompt: str) -> str:
        """Ask for one line, seen as it is typed; an empty one is an answer."""
        self._stderr.write(f"{prompt}: ")
        self._stderr.flush()
        typed = self._stdin.readline()
        if not typed:
            raise UsageError(f"nothing was typed for {prompt}")
        return typed.strip()

    def hidden(self, prompt: str) -> str:
        """Ask for one line without echo."""
        return self._hidden(prompt)

    def read_all(self, what: str) -> bytes:
        """Return all of standard input, which only one thing can come from."""
        if self._read_by:
            raise UsageError(f"standard input cannot give both {self._read_by} and {what}")
        self._read_by = what
        buffer: BinaryIO | None = getattr(self._stdin, "buffer", None)
        return buffer.read() if buffer is not None else self._stdin.read().encode()

    def read_path(self, path: Path, what: str) -> bytes:
        """Return the content of a file, or of standard input for `-`."""
        if str(path) == "-":
            return self.read_all(what)
        try:
            return path.read_bytes()
        except OSError as error:
            raise UsageError(f"cannot read {path}: {error.strerror}") from error

    def secret(
        self, args: argparse.Namespace, name: str, prompt: str, *, required: bool = True
    ) -> str | None:
        """Return the secret that `--NAME-stdin` or `--NAME-file` gives, else ask for it.

        A secret that is not `required` is not asked for.
        """
        key = name.replace("-", "_")
        path: Path | None = getattr(args, f"{key}_file")
        if getattr(args, f"{key}_stdin"):
            return one_line(self.read_all(f"the {name}"), name)
        if path is not None:
            return one_line(self.read_path(path, f"the {name}"), name)
        if not required:
            return None
        if not self.interactive:
            raise UsageError(
                f"the {name} is missing and there is no terminal to ask on",
                f"give --{name}-stdin or --{name}-file PATH",
            )
        return one_line(self._hidden(prompt).encode(), name)


def without_echo(prompt: str) -> str:
    """Ask on the terminal for what must not be seen."""
    import getpass
    import warnings

    with warnings.catch_warnings():
        warnings.simplefilter("error", getpass.GetPassWarning)
        try:
            return getpass.getpass(f"{prompt}: ", stream=sys.stderr)
        except getpass.GetPassWarning as error:
            raise UsageError("this terminal cannot hide what is typed") from error
        except EOFError as error:
            raise UsageError(f"nothing was typed for {prompt}") from error


def secret_arguments(parser: argparse.ArgumentParser, name: str, what: str) -> None:
    """Add the two options a secret can come from."""
    group = parser.add_mutually_exclusive_group()
    group.add_argument(f"--{name}-stdin", action="store_true", help=f"read {what} from standard input")
    group.add_argument(f"--{name}-file", type=Path, metavar="PATH", help=f"read {what} from a file")


def one_line(raw: bytes, name: str) -> str:
    """Return a secret of one line without its line end; UsageError when it is none."""
    text = whole_text(raw, name).rstrip("\r\n")
    if any(ord(char) < 32 or ord(char) == 127 for char in text):
        raise UsageError(f"the {name} has more than one line or control characters in it")
    return text


def whole_text(raw: bytes, name: str) -> str:
    """Return a secret of any number of lines; UsageError when it is empty, too long or no text."""
    try:
        text = raw[:_MOST].decode()
    except UnicodeDecodeError as error:
        raise UsageError(f"the {name} is not UTF-8 text") from error
    if not text.strip() or len(raw) > _MOST:
        raise UsageError(f"the {name} is empty" if not text.strip() else f"the {name} is too long")
    return text
