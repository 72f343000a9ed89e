"""`healthdesk records fix`: change what is sent of a record, or of all of a problem, and resend."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import TYPE_CHECKING, Any

from healthdesk.cli import options
from healthdesk.cli.command import FAILED, UsageError
from healthdesk.cli.desk import Desk
from healthdesk.cli.jobs import LOOK_S, ended_words, failed, wait_for
from healthdesk.cli.resend import again_arguments, how_again, print_plan, rate
from healthdesk.domain.job_states import JobState
from healthdesk.domain.states import MappingVerb, RecordState

if TYPE_CHECKING:
    from collections.abc import Callable

    from healthdesk.api.fixes import Fix, FixGiven, FixPreview
    from healthdesk.api.records import RecordDetail
    from healthdesk.domain.states import Environment

Given = tuple[MappingVerb, str]
ON_ITS_WAY = (RecordState.QUEUED, RecordState.SENDING)

_STEPS = (
    (MappingVerb.SET, "PATH=VALUE", "put a value there; JSON, or else a text"),
    (MappingVerb.DEFAULT, "PATH=VALUE", "put it there only where nothing or null is"),
    (MappingVerb.RENAME, "PATH=PATH", "move what is there"),
    (
        MappingVerb.FORMAT,
        "PATH=HOW",
        "rewrite it: text, number, integer, boolean, upper, lower, trim, date:…, join:…",
    ),
    (MappingVerb.REMOVE, "PATH", "take it away"),
)


def fix_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the arguments of `fix`."""
    parser.add_argument("record", metavar="RECORD", nargs="?", help="id; or --problem")
    parser.add_argument(
        "--problem", metavar="ID", help="fix and resend all that this problem holds up, as a job"
    )
    steps = parser.add_argument_group("what is changed", "steps are carried out in the order given")
    for verb, metavar, what in _STEPS:
        steps.add_argument(
            f"--{verb.value}",
            dest="steps",
            action="append",
            type=_step(verb),
            metavar=metavar,
            help=f"{what}; repeatable".replace("%", "%%"),
        )
    steps.add_argument(
        "--header", action="append", metavar="NAME=VALUE", help="add or replace a header; repeatable"
    )
    steps.add_argument(
        "--body-file", type=Path, metavar="PATH", help="send this instead of the data; - is standard input"
    )
    parser.add_argument("--note", default="", help="why, for those who read it later")
    parser.add_argument("--dry-run", action="store_true", help="print the difference and change nothing")
    parser.add_argument(
        "--reveal", action="store_true", help="the difference in clear (managers; the activity log says so)"
    )
    parser.add_argument("--no-resend", action="store_true", help="fix it, and leave it to be resent")
    parser.add_argument(
        "--save",
        action="store_true",
        help="keep the steps and headers on the integration, for all records from now on",
    )
    parser.add_argument("--undo", action="store_true", help="take the fix back: send what was posted again")
    parser.add_argument("--list", action="store_true", help="list the fixes of the record")
    parser.add_argument("--wait", action="store_true", help="with --problem: wait until the job has ended")
    parser.add_argument("--rate", type=rate, metavar="N", help="with --problem: at most N records a second")
    again_arguments(parser)
    options.yes(parser)


def _step(verb: MappingVerb) -> Callable[[str], Given]:
    return lambda text: (verb, text)


async def fix(desk: Desk, args: argparse.Namespace) -> int | None:
    """Preview, confirm, fix and resend; or list fixes, or take one back."""
    if (args.record is None) == (args.problem is None):
        raise UsageError("name a record, or --problem")
    if args.list or args.undo:
        await _other(desk, args)
        return None
    given = _given(desk, args)
    if not args.dry_run:
        desk.ask.require_yes(args.yes)
    preview = (
        await desk.client.record_fix_preview(args.record, given)
        if args.record is not None
        else await desk.client.problem_fix_preview(args.problem, given)
    )
    if args.dry_run and desk.out.as_json:
        desk.out.model(preview)
        return None
    if not desk.out.as_json:
        _print_preview(desk, preview)
    if args.dry_run:
        return None
    given.version = preview.version
    if args.record is not None:
        return await _fix_one(desk, args, given)
    return await _fix_all(desk, args, given)


async def _other(desk: Desk, args: argparse.Namespace) -> None:
    if args.record is None or (args.list and args.undo) or args.steps or args.header or args.body_file:
        raise UsageError("--list and --undo go with a record, and with nothing to change")
    if args.undo:
        detail = await desk.client.record_unfix(args.record)
        desk.out.done(detail, f"{detail.id} is sent as it was posted again. Nothing was resent.")
        return
    fixes = await desk.client.record_fixes(args.record)
    if desk.out.as_json:
        desk.out.json([each.model_dump(mode="json") for each in fixes])
        return
    for each in fixes:
        _print_fix(desk, each)
    if not fixes:
        desk.out.line("No fix was made of it.")


def _given(desk: Desk, args: argparse.Namespace) -> FixGiven:
    from healthdesk.api.fixes import FixGiven

    steps = [_step_of(*each) for each in args.steps or ()]
    body = None
    if args.body_file is not None:
        body = desk.ask.read_path(args.body_file, "the body").decode(errors="replace")
    if body is not None and (steps or args.problem is not None):
        raise UsageError("--body-file replaces the body of one record: give no steps and no --problem")
    if args.save and not steps and not args.header:
        raise UsageError("--save keeps steps and headers, and none is given: a body is of one record")
    if args.save and args.problem is not None and not args.wait:
        raise UsageError("--save keeps what is for a problem once it worked: give --wait, too")
    if args.save and args.no_resend:
        raise UsageError("--save keeps what works: leave out --no-resend")
    if args.problem is None and args.rate is not None:
        raise UsageError("--rate is of a job: it goes with --problem")
    if args.problem is not None and (args.new_webhook_id or args.delivered_too or args.asked_too):
        raise UsageError(
            "a job leaves out what was delivered or is being asked for, and keeps webhook-ids",
            "fix those by their ids",
        )
    if args.no_resend and args.problem is not None:
        raise UsageError("all of a problem is fixed by resending it: leave out --no-resend")
    headers = options.pairs(args.header, "--header", "=") if args.header else {}
    if not steps and not headers and body is None:
        raise UsageError(
            "nothing to change",
            "give --set, --default, --rename, --format, --remove, --header or --body-file",
        )
    return FixGiven.model_validate(
        {"body": body, "mapping": steps, "headers": headers, "note": args.note, "reveal": args.reveal}
    )


def _step_of(verb: MappingVerb, text: str) -> dict[str, Any]:
    """Return a step as it is sent. The value begins after the first `=`; one in a path cannot be said here."""
    from healthdesk.client.mapping_text import value_of

    path, mark, rest = text.partition("=")
    if not path or (not mark and verb is not MappingVerb.REMOVE):
        raise UsageError(f"--{verb.value} {text!r} is not PATH=…")
    if verb is MappingVerb.REMOVE:
        return {"do": verb.value, "path": text}
    if verb is MappingVerb.RENAME:
        return {"do": verb.value, "path": path, "to": rest}
    if verb is MappingVerb.FORMAT:
        return {"do": verb.value, "path": path, "how": rest}
    return {"do": verb.value, "path": path, "value": value_of(rest)}


def _print_preview(desk: Desk, preview: FixPreview) -> None:
    out = desk.out
    hidden = ", values masked: --reveal shows them" if preview.masked else ""
    out.heading(f"What changes of {preview.record_id}{hidden}")
    out.block("\n".join(preview.difference) or "Nothing of the body.")
    if preview.total > 1:
        tried = "" if preview.tried >= preview.total else f" of {preview.tried:,} it was tried on"
        out.line(
            f"It changes what is sent of {preview.changes:,}{tried}; the problem holds up {preview.total:,}."
        )
    for each in preview.warnings:
        out.note(each)
    out.flush()


async def _fix_one(desk: Desk, args: argparse.Namespace, given: FixGiven) -> int | None:
    from healthdesk.api.fixes import FixResend

    what = "Fix" if args.no_resend else "Fix and resend"
    if not args.yes and not desk.ask.confirm(desk.out.safe(f"{what} {args.record}?")):
        desk.out.note("Nothing was changed.")
        return FAILED
    how = await how_again(desk, args, [args.record], ask=not (args.no_resend or args.yes))
    if how is None:
        desk.out.note("Nothing was changed.")
        return FAILED
    detail = await desk.client.record_fix(
        args.record, FixResend(**given.model_dump(exclude={"reveal"}), resend=not args.no_resend, **how)
    )
    fixed = f"Fixed {detail.id} ({detail.fix_id})."
    if not args.save:
        done = "It is resent when asked." if args.no_resend else "It is being sent."
        desk.out.done(detail, f"{fixed} {done}")
        return None
    detail = await _answered(desk, detail)
    worked = detail.state is RecordState.DELIVERED
    if worked:
        name = detail.integration_name or detail.integration_id
        await _save(desk, detail.integration_id, detail.environment, name, given)
    else:
        desk.out.note("Nothing is kept on the integration: that is for what was delivered.")
    error = f" {detail.error}" if detail.error and not worked else ""
    desk.out.done(detail, f"{fixed} It is {detail.state.value.replace('_', ' ')}.{error}")
    return None if worked else FAILED


async def _answered(desk: Desk, detail: RecordDetail) -> RecordDetail:
    """Return a record once it is neither waiting for its turn nor being sent."""
    desk.out.note("It is being sent; what works is kept once it was delivered.")
    while detail.state in ON_ITS_WAY:
        await desk.clock.sleep(LOOK_S)
        detail = await desk.client.record(detail.id)
    return detail


async def _fix_all(desk: Desk, args: argparse.Namespace, given: FixGiven) -> int | None:
    from healthdesk.api.records import RecordFilter

    given = given.model_copy(update={"version": "", "reveal": False})
    chosen = RecordFilter(problem_id=args.problem, arrived_to=desk.clock.now())
    plan = await desk.client.job_plan(chosen, rate_per_s=args.rate, fix=given)
    if not plan.total:
        desk.out.note("There is nothing to resend.")
        return FAILED
    if not desk.out.as_json:
        print_plan(desk, plan, f"held up by {args.problem}", careful=True)
        desk.out.flush()
    question = f"Fix and resend {plan.total:,} records ({plan.fixed:,} of them are changed by it)?"
    if not args.yes and not desk.ask.confirm(desk.out.safe(question)):
        desk.out.note("Nothing was changed.")
        return FAILED
    job = await desk.client.job_create(chosen, expect=plan.total, rate_per_s=args.rate, fix=given)
    if not args.wait:
        desk.out.done(
            job, f"Began {job.id}: {job.title}. `healthdesk jobs show {job.id}` says how far it is."
        )
        return None
    job = await wait_for(desk, job)
    worked = job.state is JobState.DONE and not failed(job)
    if args.save and worked:
        await _save_for(desk, args.problem, given)
    desk.out.done(job, ended_words(job))
    return None if worked else FAILED


async def _save_for(desk: Desk, problem_id: str, given: FixGiven) -> None:
    """Keep steps and headers on the integration of a problem."""
    problem = await desk.client.problem(problem_id)
    if problem.integration_id is None or problem.environment is None:
        raise UsageError("the problem is not of one integration", "save the mapping from one of its records")
    await _save(desk, problem.integration_id, problem.environment, problem.where, given)


async def _save(
    desk: Desk, integration_id: str, environment: Environment, name: str, given: FixGiven
) -> None:
    """Keep steps and headers on an integration, and say what is kept and what is not."""
    await desk.client.integration_mapping_save(integration_id, environment, given.mapping, given.headers)
    kept = " and ".join(
        word for word, there in (("steps", given.mapping), ("headers", given.headers)) if there
    )
    desk.out.note(f"{name}, {environment.value}, has the {kept} now, for all records from now on.")
    if given.body is not None:
        desk.out.note("The body is of this one record and is not kept.")


def _print_fix(desk: Desk, item: Fix) -> None:
    parts = ["the whole body"] if item.body else []
    parts += [f"{step.do.value} {step.path}" + (f" to {step.to}" if step.to else "") for step in item.mapping]
    parts += [f"header {name}" for name in item.headers]
    force = ", in force" if item.in_force else ""
    note = f" – {item.note}" if item.note else ""
    desk.out.line(f"{item.id}  {desk.out.time(item.at)}  {item.made_by}{force}: {', '.join(parts)}{note}")
