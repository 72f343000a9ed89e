"""`healthdesk integrations`."""

from __future__ import annotations

import argparse
from typing import TYPE_CHECKING, Any

from healthdesk.cli import before_launch, delivery_flags, options, task_settings
from healthdesk.cli.command import FAILED, Command, UsageError
from healthdesk.cli.desk import Desk
from healthdesk.cli.flow import CIRCUIT
from healthdesk.cli.integration_view import command_for_key, print_integration, state
from healthdesk.cli.keys import keys, keys_arguments, print_first_secrets
from healthdesk.cli.marks import Cell
from healthdesk.cli.tables import Column
from healthdesk.domain.states import Environment, IntegrationKind, OnUnknown

if TYPE_CHECKING:
    from healthdesk.api.delivery import DeliveryMethod
    from healthdesk.api.integrations import Integration

_SECRET_HEADERS = frozenset({"authorization", "proxy-authorization", "cookie"})


async def list_(desk: Desk, args: argparse.Namespace) -> None:
    """Print every integration, a row an environment."""
    columns = (
        Column("Status"),
        Column("Id"),
        Column("Name", flex=True),
        Column("For"),
        Column("Connection", flex=True, spare=2),
        Column("Failed", right=True),
        Column("Held", right=True, spare=3),
        Column("Delivered", right=True, spare=1),
    )
    page = await desk.collect(
        lambda after, limit: desk.client.integrations_list(after=after, limit=limit),
        limit=args.limit,
        after=args.after,
    )
    if desk.out.as_json:
        desk.out.model(page)
        return
    rows: list[list[Cell | str]] = []
    for item in page.items:
        if item.kind is not IntegrationKind.DELIVERY:
            failed = f"{item.totals.failed:,}" if item.totals else "–"
            through = item.connection_name or item.app_name
            rows.append(
                [task_settings.state(item), item.id, item.name, item.kind.value, through, failed, "–", "–"]
            )
        for view in item.environments:
            totals = view.totals
            rows.append(
                [
                    state(view),
                    item.id,
                    item.name,
                    view.environment.shown,
                    view.connection_name or view.connection_id,
                    *(f"{totals.get(key, 0):,}" for key in ("failed", "held", "delivered")),
                ]
            )
    desk.out.table(columns, rows, empty="No integrations yet. `healthdesk integrations add` adds one.")
    desk.out.more(page)


async def show(desk: Desk, args: argparse.Namespace) -> None:
    """Print one integration."""
    print_integration(desk, await desk.client.integration(await desk.integration_id(args.integration)))


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
        secret = next((name for name in fields["headers"] if name.lower() in _SECRET_HEADERS), None)
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


def _add_arguments(parser: argparse.ArgumentParser) -> None:
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


def _edit_arguments(parser: argparse.ArgumentParser) -> None:
    _one(parser)
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


def _one(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("integration", metavar="INTEGRATION", help="id or name")


def _choice_arguments(parser: argparse.ArgumentParser) -> None:
    _one(parser)
    options.environment(parser, what="only this environment; without it, all it has")


async def pause(desk: Desk, args: argparse.Namespace) -> None:
    """Stop delivering, syncing or collecting; records are kept and held."""
    integration_id = await desk.integration_id(args.integration)
    item = await desk.client.integration_pause(integration_id, _chosen(args))
    what = "Its records are held" if item.kind is IntegrationKind.DELIVERY else "Nothing of it runs"
    desk.out.done(item, f"Paused {item.name}. {what} until it is resumed.")


async def resume(desk: Desk, args: argparse.Namespace) -> None:
    """Deliver, sync or collect again."""
    integration_id = await desk.integration_id(args.integration)
    item = await desk.client.integration_resume(integration_id, _chosen(args))
    what = "Held records are sent" if item.kind is IntegrationKind.DELIVERY else "What waited runs"
    desk.out.done(item, f"Resumed {item.name}. {what} now.")


def _remove_arguments(parser: argparse.ArgumentParser) -> None:
    _one(parser)
    parser.add_argument("--unlink", action="store_true", help="part its tasks from it; their issues stay")
    options.yes(parser)


async def remove(desk: Desk, args: argparse.Namespace) -> int | None:
    """Remove an integration of tasks or proof."""
    desk.ask.require_yes(args.yes)
    item = await desk.client.integration(await desk.integration_id(args.integration))
    linked = item.totals.total if item.totals and args.unlink else 0
    lost = f" {linked:,} of its tasks are synced no more; their issues stay." if linked else ""
    if not args.yes and not desk.ask.confirm(desk.out.safe(f"Remove {item.name}?{lost}")):
        desk.out.note("Nothing was changed.")
        return FAILED
    await desk.client.integration_remove(item.id, unlink=args.unlink)
    desk.out.done(item, f"Removed {item.name}.{lost}")
    return None


def _chosen(args: argparse.Namespace) -> Environment | None:
    return None if args.environment is None else Environment(args.environment)


COMMANDS = (
    Command("list", "list integrations", run=list_, arguments=options.paging),
    Command("show", "show an integration with its environments or its mapping", run=show, arguments=_one),
    Command("add", "add an integration: delivery, tasks or proof", run=add, arguments=_add_arguments),
    Command(
        "edit", "change an integration, or add its other environment", run=edit, arguments=_edit_arguments
    ),
    Command("remove", "remove one of tasks or proof", run=remove, arguments=_remove_arguments),
    Command(
        "pause",
        "stop delivering, syncing or collecting; records are held",
        run=pause,
        arguments=_choice_arguments,
    ),
    Command(
        "resume", "deliver, sync or collect again, held records too", run=resume, arguments=_choice_arguments
    ),
    CIRCUIT,
    Command(
        "keys",
        "list or make bearer keys and secrets of our signature",
        run=keys,
        arguments=keys_arguments,
    ),
    Command(
        "test",
        "send one signed probe and show the exchange",
        run=before_launch.test,
        arguments=before_launch.test_arguments,
    ),
    Command(
        "promote",
        "copy testing's settings to production",
        run=before_launch.promote,
        arguments=before_launch.promote_arguments,
    ),
)
