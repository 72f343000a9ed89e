"""`healthdesk export` and `import`: what operators configured, as a file."""

from __future__ import annotations

import argparse
import tomllib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from healthdesk.cli import options
from healthdesk.cli.command import FAILED, Command, UsageError
from healthdesk.cli.desk import Desk
from healthdesk.cli.marks import STRONG, Cell
from healthdesk.cli.setup_plan import kind_words, print_plan
from healthdesk.cli.whole_file import refuse_there, whole_file

STDOUT = Path("-")


def _export_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "file",
        metavar="FILE",
        type=Path,
        nargs="?",
        default=STDOUT,
        help="where to write it (standard output)",
    )
    parser.add_argument("--overwrite", action="store_true", help="replace a file that is there")


async def export(desk: Desk, args: argparse.Namespace) -> None:
    """Write the set-up as TOML; secrets are not in it."""
    if args.file != STDOUT:
        refuse_there(args.file, overwrite=args.overwrite)
    text = await desk.client.setup_export()
    if args.file == STDOUT:
        if desk.out.as_json:
            desk.out.json(tomllib.loads(text))
        else:
            desk.out.block(text.rstrip("\n"), indent="")
        return
    with whole_file(args.file) as file:
        file.write(text.encode())
    counts = {kind: len(items) for kind, items in tomllib.loads(text).items() if isinstance(items, list)}
    if desk.out.as_json:
        desk.out.json({"file": str(args.file), **counts})
        return
    told = ", ".join(f"{kind_words(kind)} ({number:,})" for kind, number in counts.items())
    desk.out.paragraph(f"{args.file}: {told or 'nothing is configured yet'}.", hang="  ")


def _import_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("file", metavar="FILE", type=Path, help="a set-up, or - for standard input")
    parser.add_argument(
        "--secrets",
        metavar="FILE",
        type=Path,
        help="TOML with the secrets of what is new, as [connections.NAME] token = …, [channels.NAME] url = …",
    )
    parser.add_argument("--dry-run", action="store_true", help="print the plan and change nothing")
    options.yes(parser)


async def import_(desk: Desk, args: argparse.Namespace) -> int | None:
    """Print what the file would change, ask for secrets that are wanted, and do it after a confirmation."""
    from healthdesk.api.setup import SetupGiven

    if not args.dry_run:
        desk.ask.require_yes(args.yes)
    text = desk.ask.read_path(args.file, "the set-up").decode("utf-8", "replace")
    secrets = _secrets(args.secrets) if args.secrets is not None else {}
    given = SetupGiven(text=text, secrets=secrets)
    plan = await desk.client.setup_plan(given)
    if plan.missing_secrets and desk.ask.interactive and not args.dry_run and not desk.out.as_json:
        for place in plan.missing_secrets:
            secrets[place] = desk.ask.hidden(desk.out.safe(place))
        given = SetupGiven(text=text, secrets={place: each for place, each in secrets.items() if each})
        plan = await desk.client.setup_plan(given)
    if not desk.out.as_json:
        print_plan(desk.out, plan)
        desk.out.flush()
    if args.dry_run or plan.refused or not plan.added + plan.changed:
        if desk.out.as_json:
            desk.out.model(plan)
        return FAILED if plan.refused else None
    if not args.yes and not desk.ask.confirm(f"Add {plan.added} and change {plan.changed}?"):
        desk.out.note("Nothing was changed.")
        return FAILED
    done = await desk.client.setup_import(given, plan.version)
    desk.out.done(done, f"Added {done.added}, changed {done.changed}.")
    if done.secrets and not desk.out.as_json:
        desk.out.heading("Secrets that were made")
        desk.out.facts([(place, Cell(secret, STRONG)) for place, secret in done.secrets.items()])
        desk.out.note("Give them to whoever runs the other ends now: they cannot be shown again.")
        if any(place.startswith("integrations.") for place in done.secrets):
            desk.out.note("Where records and receipts are posted: `healthdesk integrations show NAME`.")
    return None


def _secrets(file: Path) -> dict[str, Any]:
    """Return secrets by place out of a TOML file. What is wrong with it is said without a value."""
    try:
        return dict(_flat(tomllib.loads(file.read_text(encoding="utf-8"))))
    except OSError as error:
        raise UsageError(f"{file}: {error.strerror}") from None
    except (tomllib.TOMLDecodeError, UnicodeDecodeError):
        raise UsageError(
            f"{file} is no TOML", 'write [connections."My CRM"] and token = "…" under it'
        ) from None


def _flat(value: Any, before: str = "") -> Iterator[tuple[str, str]]:
    for key, each in value.items():
        if isinstance(each, dict):
            yield from _flat(each, f"{before}{key}.")
        elif isinstance(each, str):
            yield f"{before}{key}", each
        else:
            raise UsageError(f"{before}{key} is no text", 'secrets are texts: token = "…"')


EXPORT = (Command("", "write the set-up as TOML, without secrets", run=export, arguments=_export_arguments),)
IMPORT = (
    Command("", "add and change what a set-up says, plan first", run=import_, arguments=_import_arguments),
)
