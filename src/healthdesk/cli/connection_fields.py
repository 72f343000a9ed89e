"""The fields an app asks for, on the command line: options for what is not secret, prompts, files and standard input."""

from __future__ import annotations

import argparse
import json
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

from healthdesk.cli.ask import one_line, whole_text
from healthdesk.cli.command import UsageError
from healthdesk.cli.desk import Desk
from healthdesk.cli.parser import nearest

if TYPE_CHECKING:
    from healthdesk.api.apps import App, AppAuth, AppField

_TRIES = 3
_NAMED_SECRETS = ("token", "password")
_NAMED = ("username", "header_name", "parameter_name")


def field_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the ways to give what an app asks for."""
    group = parser.add_argument_group(
        "fields of an app",
        "`healthdesk apps APP` lists them; what is needed and not given is asked for",
    )
    plain_field_argument(group)
    group.add_argument(
        "--secret-file",
        action="append",
        default=[],
        metavar="KEY=PATH",
        help="read a secret field from a file",
    )
    group.add_argument("--secret-stdin", metavar="KEY", help="read a secret field from standard input")
    group.add_argument(
        "--credentials-stdin",
        action="store_true",
        help="read fields from standard input, as a JSON object of strings",
    )


def plain_field_argument(group: argparse._ActionsContainer) -> None:
    """Add the way to give what is not secret."""
    group.add_argument(
        "--field",
        action="append",
        default=[],
        metavar="KEY=VALUE",
        help="a field that is not secret; repeatable",
    )


def uses_fields(args: argparse.Namespace) -> bool:
    """Tell whether fields were given by the names an app has for them."""
    return bool(args.field or args.secret_file or args.secret_stdin or args.credentials_stdin)


_TOKEN = {"token_url": "Token address"}
_ADDRESSES: dict[str, dict[str, str]] = {
    "oauth2_client_credentials": _TOKEN,
    "oauth2_code": {**_TOKEN, "authorize_url": "Authorization address"},
    "oauth2_device": {**_TOKEN, "device_url": "Device address"},
    "jwt_grant": _TOKEN,
    "aws_sigv4": _TOKEN,
}
"""Self-managed apps, and servers for tests, have them elsewhere."""


@dataclass
class Fields:
    """The fields of an app and of one of its methods, and the values that were given for them."""

    app: App
    method: AppAuth
    values: dict[str, str] = field(default_factory=dict)

    def known(self) -> dict[str, AppField]:
        """Return every field by its key."""
        return {each.key: each for each in (*self.app.fields, *self.method.fields, *self._addresses())}

    def _addresses(self) -> list[AppField]:
        """Return the addresses that a connection may have instead of its app's, where the method uses them."""
        from healthdesk.api.apps import AppField

        return [
            AppField(key=key, label=label, required=False, example="https://login.example.com/oauth/…")
            for key, label in _ADDRESSES.get(self.method.type, {}).items()
        ]

    def settings(self) -> dict[str, str]:
        """Return the values that are settings of the connection."""
        keys = {each.key for each in (*self.app.fields, *self._addresses())}
        return {key: value for key, value in self.values.items() if key in keys}

    def credentials(self) -> dict[str, str]:
        """Return the values that are fields of the method."""
        keys = {each.key for each in self.method.fields}
        return {key: value for key, value in self.values.items() if key in keys}

    def named(self, key: str) -> AppField:
        """Return a field; UsageError suggests the nearest."""
        found = self.known().get(key)
        if found is None:
            near = nearest(key, list(self.known()))
            fix = f"did you mean {near}?" if near else f"see `healthdesk apps {self.app.id}`"
            raise UsageError(f"{self.app.name} ({self.method.id}) has no field {key!r}", fix)
        return found


def choose_method(desk: Desk, app: App, wanted: str | None, now: str = "") -> AppAuth:
    """Return the method of authentication: the one named, the one in use `now`, the only one, or the one asked for."""
    methods = {each.id: each for each in app.auth}
    name = wanted or now or (next(iter(methods)) if len(methods) == 1 else "")
    if not name and desk.ask.interactive:
        for each in app.auth:
            desk.out.note(f"{each.id}: {each.name}. {each.help}".rstrip())
        name = desk.ask.line(f"Method ({', '.join(methods)})")
    if not name:
        raise UsageError(f"{app.name} has several methods: {', '.join(methods)}", "give --auth METHOD")
    if name not in methods:
        near = nearest(name, list(methods))
        fix = f"did you mean {near}?" if near else f"one of: {', '.join(methods)}"
        raise UsageError(f"--auth: {app.name} has no method {name!r}", fix)
    return methods[name]


def read_fields(desk: Desk, args: argparse.Namespace, fields: Fields) -> None:
    """Take what the options give: each field once, and a secret never from an argument."""
    read_given(desk, args, fields)
    for key in _NAMED_SECRETS:
        if getattr(args, f"{key}_stdin") or getattr(args, f"{key}_file") is not None:
            fields.named(key)
            _put(fields, key, desk.ask.secret(args, key, key) or "")
    for key in _NAMED:
        if getattr(args, key) is not None:
            fields.named(key)
            _put(fields, key, getattr(args, key))


def read_given(desk: Desk, args: argparse.Namespace, fields: Fields) -> None:
    """Take what the options of `field_arguments` give."""
    read_plain(args, fields)
    for text in args.secret_file:
        key, separator, path = text.partition("=")
        if not separator:
            raise UsageError(
                "--secret-file is given as KEY=PATH", "for example --secret-file private_key=key.pem"
            )
        _put(fields, key, _text(fields.named(key), desk.ask.read_path(Path(path), f"the {key}")))
    if args.secret_stdin is not None:
        key = args.secret_stdin
        _put(fields, key, _text(fields.named(key), desk.ask.read_all(f"the {key}")))
    if args.credentials_stdin:
        for key, value in _object(desk.ask.read_all("the credentials")).items():
            fields.named(key)
            _put(fields, key, value)


def read_plain(args: argparse.Namespace, fields: Fields) -> None:
    """Take `--field KEY=VALUE`; a secret is refused, and not repeated."""
    for text in args.field:
        key, separator, value = text.partition("=")
        if not separator:
            raise UsageError("--field is given as KEY=VALUE", f"see `healthdesk apps {fields.app.id}`")
        if fields.named(key).secret:
            raise UsageError(
                f"{key} is a secret, and secrets are never arguments",
                f"leave it out to be asked for it, or give --secret-stdin {key} or --secret-file {key}=PATH",
            )
        _put(fields, key, value)


def ask_for_rest(desk: Desk, fields: Fields, known: Mapping[str, str]) -> None:
    """Ask for what is needed and was not given; without a terminal a UsageError names all of it.

    `known` are settings that are there already.
    """
    missing = [
        each
        for each in fields.known().values()
        if each.required and not each.default and each.key not in fields.values and each.key not in known
    ]
    if missing and not desk.ask.interactive:
        raise UsageError(
            f"{', '.join(each.label for each in missing)}: missing, and there is no terminal to ask on",
            "give " + " and ".join(_how(each) for each in missing),
        )
    told = False
    for each in missing:
        if each.secret and not told and fields.method.where:
            told = True
            where = fields.method.where_with({**known, **fields.values})
            desk.out.note(f"Where to find it: {where}")
        fields.values[each.key] = _ask(desk, each)


def _ask(desk: Desk, each: AppField) -> str:
    """Ask until the answer fits, a few times."""
    if each.help:
        desk.out.note(each.help)
    wrong = ""
    for _ in range(_TRIES):
        value = _answer(desk, each)
        wrong = _wrong(each, value)
        if not wrong:
            return value
        desk.out.note(wrong)
    raise UsageError(wrong)


def _answer(desk: Desk, each: AppField) -> str:
    prompt = desk.out.safe(each.label)
    if each.multiline:
        path = desk.ask.line(f"{prompt}: path of the file that holds it")
        return _text(each, desk.ask.read_path(Path(path).expanduser(), f"the {each.key}")) if path else ""
    hint = ", ".join(each.options) or each.example
    prompt += f" ({desk.out.safe(hint)})" if hint else ""
    return desk.ask.hidden(prompt).strip() if each.secret else desk.ask.line(prompt)


def _wrong(each: AppField, value: str) -> str:
    example = f", for example {each.example}" if each.example else ""
    if not value:
        return f"{each.label} is needed{example}"
    if each.options and value not in each.options:
        return f"{each.label} is one of {', '.join(each.options)}"
    if each.pattern and not re.fullmatch(each.pattern, value):
        return f"that does not look like {each.label}{example}"
    return ""


def _how(each: AppField) -> str:
    if each.multiline:
        return f"--secret-file {each.key}=PATH" if each.secret else f"--field {each.key}=…"
    if each.secret:
        return f"--secret-stdin {each.key} (or --secret-file {each.key}=PATH)"
    example = f" (for example {each.example})" if each.example else ""
    return f"--field {each.key}=…{example}"


def _put(fields: Fields, key: str, value: str) -> None:
    if key in fields.values:
        raise UsageError(f"the field {key} is given twice")
    fields.values[key] = value


def _text(each: AppField, raw: bytes) -> str:
    return whole_text(raw, each.key) if each.multiline else one_line(raw, each.key)


def _object(raw: bytes) -> dict[str, str]:
    """Return a JSON object of strings. What is wrong with it is told without its values."""
    try:
        found = json.loads(whole_text(raw, "credentials"))
    except json.JSONDecodeError:
        raise UsageError("the credentials are not JSON", 'for example {"token": "…"}') from None
    if not isinstance(found, dict) or not all(isinstance(value, str) for value in found.values()):
        raise UsageError("the credentials are not a JSON object of strings", 'for example {"token": "…"}')
    return found
