"""`healthdesk integrations add` and `edit`: with an environment for deliveries, with a mapping for tasks."""

from __future__ import annotations

import argparse
from typing import TYPE_CHECKING, Any

from healthdesk.cli import delivery_flags, options, task_settings
from healthdesk.cli.command import UsageError
from healthdesk.cli.desk import Desk
from healthdesk.cli.integration_view import command_for_key, print_integration
from healthdesk.cli.keys import print_first_secrets
from healthdesk.domain.masking import is_secret_header
from healthdesk.domain.states import Environment, IntegrationKind, OnUnknown

if TYPE_CHECKING:
    from healthdesk.api.delivery import DeliveryMethod
    from healthdesk.api.integrations import Integration


def _positive(text: str) -> float:
    try:
        value = float(text)
    except ValueError:
        value = -1.0
    if not 0 <= value < 1e9:
        raise argparse.ArgumentTypeError(f"{text!r} is not a positive number")
    return value


def _environment_arguments(parser: argparse.ArgumentParser) -> None:
    options.environment(parser, default=Environment.PRODUCTION.value, what="which environment (production)")
    parser.add_argument("--connection", metavar="CONNECTION", help="id or name of the connection")
    parser.add_argument(
        "--path", help="path on the connection's base URL; {data.member} and {id} are filled in"
    )
    parser.add_argument("--method", choices=("POST", "PUT", "PATCH", "GET", "DELETE"), help="POST")
    parser.add_argument(
        "--header",
        action="append",
        metavar="NAME:VALUE",
        help="a header to send, repeatable; not for secrets",
    )
    parser.add_argument(
        "--concurrency", type=options.whole(1, 256), metavar="N", help="records in flight at once"
    )
    parser.add_argument("--rate", type=_positive, metavar="N", help="at most N a second; 0: no limit")
    parser.add_argument("--timeout", type=_positive, metavar="SECONDS", help="how long an answer may take")
    parser.add_argument(
        "--on-unknown",
        choices=options.words(OnUnknown),
        help="a record that may have arrived: resend or hold it",
    )
    parser.add_argument(
        "--accept-limit", type=options.whole(0), metavar="N", help="accept at most N a minute; 0: no limit"
    )
    delivery_flags.arguments(parser)


async def _environment(
    desk: Desk, args: argparse.Namespace, now: DeliveryMethod | None = None
) -> dict[str, Any]:
    fields: dict[str, Any] = {}
    if args.connection is not None:
        fields["connection_id"] = await desk.connection_id(args.connection)
    if args.header is not None:
        fields["headers"] = options.pairs(args.header, "--header")
        secret = next((name for name in fields["headers"] if is_secret_header(name)), None)
        if secret is not None:
            raise UsageError(
                f"the header {secret} is a secret; secrets are never arguments",
                "give it to the connection: `healthdesk connections update-credentials`",
            )
    if args.rate is not None:
        fields["rate_per_s"] = args.rate or None
    if args.accept_limit is not None:
        fields["accept_limit_per_minute"] = args.accept_limit or None
    plain = {
        "path": args.path,
        "method": args.method,
        "concurrency": args.concurrency,
        "timeout_s": args.timeout,
        "on_unknown": args.on_unknown,
    }
    fields.update((key, value) for key, value in plain.items() if value is not None)
    if delivery_flags.given(args):
        fields["delivery"] = delivery_flags.delivery(args, now)
    return fields


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the arguments of `add`."""
    parser.add_argument("--name", required=True, help="what people call it")
    parser.add_argument(
        "--kind",
        choices=options.words(IntegrationKind),
        default=IntegrationKind.DELIVERY.value,
        help="delivery",
    )
    parser.add_argument("--app", help="of kind proof: the app that proof is collected from")
    _environment_arguments(parser)
    task_settings.settings_arguments(parser)


async def _add_of_app(desk: Desk, args: argparse.Namespace) -> None:
    from healthdesk.api.integrations import IntegrationCreate

    task_settings.refuse_environments(args)
    fields: dict[str, Any] = {"kind": args.kind, "name": args.name, "unchecked": args.unchecked}
    if args.app is not None:
        fields["app"] = args.app
    if args.connection is not None:
        fields["connection_id"] = await desk.connection_id(args.connection)
    if args.kind == IntegrationKind.TASKS:
        fields["tasks"] = task_settings.task_settings(args, {})
    elif args.every is not None:
        fields["proof"] = {"every_s": args.every}
    print_integration(desk, await desk.client.integration_create(IntegrationCreate(**fields)))


async def add(desk: Desk, args: argparse.Namespace) -> None:
    """Add an integration; a delivery with one environment."""
    from healthdesk.api.integrations import EnvironmentSettings, IntegrationCreate

    if args.kind != IntegrationKind.DELIVERY:
        await _add_of_app(desk, args)
        return
    if task_settings.of_apps(args):
        raise UsageError("a delivery has no mapping", "say --kind tasks")
    if args.connection is None:
        raise UsageError("--connection is missing", "see `healthdesk connections list`")
    settings = EnvironmentSettings(**await _environment(desk, args))
    chosen: dict[str, Any] = {args.environment: settings}
    item = await desk.client.integration_create(IntegrationCreate(name=args.name, **chosen))
    print_integration(desk, item)
    if not desk.out.as_json:
        print_first_secrets(desk, item.new_signing_secrets)
        desk.out.note(f"next: {command_for_key(item.id, Environment(args.environment))}")


def edit_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the arguments of `edit`."""
    options.integration(parser)
    parser.add_argument("--name", help="what people call it")
    _environment_arguments(parser)
    task_settings.settings_arguments(parser)


async def _edit_of_app(desk: Desk, args: argparse.Namespace, now: Integration) -> None:
    from healthdesk.api.integrations import IntegrationEdit

    task_settings.refuse_environments(args)
    fields: dict[str, Any] = {} if args.name is None else {"name": args.name}
    if args.connection is not None:
        fields["connection_id"] = await desk.connection_id(args.connection)
    if task_settings.of_apps(args) and now.tasks is not None:
        fields["tasks"] = task_settings.task_settings(args, now.tasks.model_dump(mode="json"))
    elif task_settings.of_apps(args):
        fields["proof"] = {"every_s": args.every}
    if not fields:
        raise UsageError("nothing to change", f"see `{args.prog} --help`")
    changes = IntegrationEdit(**fields, unchecked=args.unchecked)
    print_integration(desk, await desk.client.integration_edit(now.id, changes))


async def edit(desk: Desk, args: argparse.Namespace) -> None:
    """Change an integration; an environment it does not have yet is added."""
    from healthdesk.api.integrations import EnvironmentEdit, IntegrationEdit

    integration_id = await desk.integration_id(args.integration)
    if task_settings.of_apps(args) or args.unchecked or task_settings.may_be_of_apps(args):
        now = await desk.client.integration(integration_id)
        if now.kind is not IntegrationKind.DELIVERY:
            await _edit_of_app(desk, args, now)
            return
        if task_settings.of_apps(args):
            raise UsageError(f"{now.name} delivers records: it has no mapping")
    fields: dict[str, Any] = {} if args.name is None else {"name": args.name}
    before = None
    if delivery_flags.given(args):
        shown = await desk.client.integration(integration_id)
        before = next(
            (each.delivery for each in shown.environments if each.environment == args.environment), None
        )
    changes = await _environment(desk, args, before)
    if changes:
        fields[args.environment] = EnvironmentEdit(**changes)
    if not fields:
        raise UsageError("nothing to change", f"see `{args.prog} --help`")
    item = await desk.client.integration_edit(integration_id, IntegrationEdit(**fields))
    print_integration(desk, item)
    if not desk.out.as_json:
        print_first_secrets(desk, item.new_signing_secrets)
