"""Flags of `healthdesk integrations add|edit` for how an environment delivers: a file for all of it, flags for the common."""

from __future__ import annotations

import argparse
import json
import sys
import tomllib
from pathlib import Path
from typing import TYPE_CHECKING, Any

from healthdesk.cli import options
from healthdesk.cli.command import UsageError
from healthdesk.domain.states import BodyFormat

if TYPE_CHECKING:
    from healthdesk.api.delivery import DeliveryMethod

_FLAGS = ("delivery", "body", "step", "batch", "batch_wait", "operation", "input", "delivery_set")


def arguments(parser: argparse.ArgumentParser) -> None:
    """Add the flags."""
    parser.add_argument(
        "--delivery",
        metavar="FILE",
        help="how it delivers, whole, as TOML (docs/delivery.md); - reads standard input",
    )
    parser.add_argument(
        "--body", choices=options.words(BodyFormat), help="what the endpoint receives (as_posted)"
    )
    parser.add_argument(
        "--step",
        action="append",
        metavar="STEP",
        help="a step of the mapping, repeatable: 'set tier = \"gold\"', 'rename score -> result.score', "
        "'format born as date:%%d.%%m.%%Y', 'default score = 0', 'remove notes'; '' for no mapping",
    )
    parser.add_argument(
        "--batch",
        type=options.whole(0, 1000),
        metavar="N",
        help="up to N records in one request; 0: one each",
    )
    parser.add_argument(
        "--batch-wait", type=float, metavar="SECONDS", help="how long a batch waits until it is full (1)"
    )
    parser.add_argument(
        "--operation",
        metavar="NAME",
        help="a delivery operation of the app: `healthdesk apps APP`; '' for none",
    )
    parser.add_argument(
        "--input",
        action="append",
        metavar="NAME=VALUE",
        help="an input of the operation, repeatable; an empty value takes it away",
    )
    parser.add_argument(
        "--delivery-set",
        action="append",
        metavar="NAME=VALUE",
        help="any other setting by its name in docs/delivery.md, repeatable: batch.results=items, "
        "receipt.status=state, 'receipt.delivered=[\"done\"]'; an empty value takes it away",
    )


def given(args: argparse.Namespace) -> bool:
    """Tell whether anything was said of how to deliver."""
    return any(getattr(args, name) is not None for name in _FLAGS)


def delivery(args: argparse.Namespace, now: DeliveryMethod | None) -> dict[str, Any]:
    """Return the delivery as it is to be: the file's, or that of `now`, with what the flags change."""
    if args.delivery is not None:
        made = _file(args.delivery)
    else:
        made = {} if now is None else now.model_dump(mode="json", exclude_defaults=True)
    if args.body is not None:
        made["body"] = args.body
    if args.step is not None:
        made["mapping"] = _steps(args.step)
    if args.batch is not None:
        made["batch"] = {**(made.get("batch") or {}), "size": args.batch} if args.batch else None
    if args.batch_wait is not None:
        if not made.get("batch"):
            raise UsageError("--batch-wait belongs to --batch")
        made["batch"]["wait_s"] = args.batch_wait
    if args.operation is not None:
        made["operation"] = args.operation
        if not args.operation:
            made.pop("inputs", None)
    if args.input is not None:
        inputs = {**made.get("inputs", {}), **options.pairs(args.input, "--input", "=")}
        made["inputs"] = {name: value for name, value in inputs.items() if value}
    for name, text in options.pairs(args.delivery_set or (), "--delivery-set", "=").items():
        _set(made, name, text)
    return made


_NEEDED = {"batch": "size", "lookup": "path", "order": "key"}
"""Parts that are nothing without one of their settings: taking it away takes them away."""


def _set(made: dict[str, Any], name: str, text: str) -> None:
    """Put one setting in its place, `receipt.status`; numbers, lists and booleans are JSON, all else is a text."""
    *parents, last = name.split(".")
    at = made
    for parent in parents:
        at[parent] = inner = at.get(parent) or {}
        if not isinstance(inner, dict):
            raise UsageError(f"--delivery-set {name}: {parent} has no settings of its own")
        at = inner
    if not text:
        at.pop(last, None)
        if len(parents) == 1 and _NEEDED.get(parents[0]) == last:
            made.pop(parents[0])
        return
    try:
        value = json.loads(text)
    except ValueError:
        value = text
    at[last] = text if isinstance(value, str) else value


def _steps(given: list[str]) -> list[dict[str, Any]]:
    from healthdesk.client.mapping_text import steps_of

    try:
        return [step.model_dump(mode="json") for step in steps_of("\n".join(given))]
    except ValueError as error:
        raise UsageError(f"--step: {error}") from error


def _file(name: str) -> dict[str, Any]:
    """Return what a TOML file says; it may have everything under `[delivery]`."""
    try:
        text = sys.stdin.read() if name == "-" else Path(name).read_text(encoding="utf-8")
        found = tomllib.loads(text)
    except (OSError, UnicodeDecodeError) as error:
        raise UsageError(f"--delivery {name}: {error}") from error
    except tomllib.TOMLDecodeError as error:
        raise UsageError(f"--delivery {name} is no TOML: {error}") from error
    inner = found.get("delivery")
    return inner if isinstance(inner, dict) and len(found) == 1 else found
