"""The set-up of the desk as a file: export, and import with a plan first."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence

from healthdesk.api.setup import SetupApplied, SetupGiven, SetupPlan
from healthdesk.domain.activity import Verb
from healthdesk.domain.states import Environment
from healthdesk.engine.channel_url import CheckedChannel
from healthdesk.errors import ChannelError, Conflict, Malformed
from healthdesk.operations.desk import Conn, Desk
from healthdesk.operations.setup_apply import StepFailed, apply, rehearse
from healthdesk.operations.setup_current import current
from healthdesk.operations.setup_document import SetupDocument, SetupIntegration
from healthdesk.operations.setup_found import secret_place
from healthdesk.operations.setup_making import Making
from healthdesk.operations.setup_once import Told, at_once, within
from healthdesk.operations.setup_plan import Step, plan, told, unused
from healthdesk.operations.setup_text import parsed, rendered
from healthdesk.store import rehearsal


async def export(desk: Desk) -> str:
    """Return the set-up as TOML, secrets left out."""
    desk.require("setup.export")
    found = await current(desk)
    return rendered(found.document, found.left_out)


async def load(desk: Desk, given: SetupGiven) -> SetupPlan | SetupApplied:
    """Return what an import will do, or do it where the plan of this `version` was confirmed.

    It is done in one transaction, so that it is there whole or not at all, whatever ends it. For the plan it is done, too,
    on a copy of the set-up that is thrown away: what an operation refuses is known then, and no write waits. Raises Malformed for what cannot be done, Conflict where the file
    or the desk changed since the plan.
    """
    desk.require("setup.import")
    document = parsed(given.text)
    secrets = {place: secret.get_secret_value() for place, secret in given.secrets.items()}
    urls, bad = await _checked_urls(desk, document, secrets)
    if not given.version:
        return await _rehearse(desk, document, secrets, urls, bad)

    def change(conn: Conn) -> tuple[SetupApplied, list[Told]]:
        once = within(desk, conn, urls)
        return at_once(_done(once.desk, document, secrets, bad, given.version)), once.told

    applied, news = await desk.ctx.store.write(change)
    for topic, object_id in news:
        desk.ctx.bus.publish(topic, object_id)
    await desk.engine.refresh()
    for loop in (desk.engine.templates, desk.engine.silence, desk.engine.pings):
        loop.wake()
    return applied


async def _checked_urls(
    desk: Desk, document: SetupDocument, secrets: Mapping[str, str]
) -> tuple[dict[str, CheckedChannel], dict[str, ChannelError]]:
    """Check the URLs that were given for channels, which takes a process of its own; return what is wrong by name."""
    urls: dict[str, CheckedChannel] = {}
    bad: dict[str, ChannelError] = {}
    for channel in document.channels:
        url = secrets.get(f"channels.{channel.name}.url", "")
        if url and url not in urls:
            try:
                urls[url] = await desk.engine.check_channel_url(url)
            except ChannelError as error:
                bad[channel.name] = error
            except TimeoutError:
                bad[channel.name] = ChannelError("the URL could not be checked in time", fix="try again")
    return urls, bad


async def _rehearse(
    desk: Desk,
    document: SetupDocument,
    secrets: Mapping[str, str],
    urls: Mapping[str, CheckedChannel],
    bad: Mapping[str, ChannelError],
) -> SetupPlan:
    """Plan, and try what was planned, on a copy and beside the loop."""
    copy = await desk.read(rehearsal.copied)

    def planning() -> SetupPlan:
        with rehearsal.rehearsing(copy) as conn:
            once = within(desk, conn, urls)
            return at_once(_planned(once.desk, document, secrets, bad))

    return await asyncio.to_thread(planning)


async def _planned(
    desk: Desk, document: SetupDocument, secrets: Mapping[str, str], bad: Mapping[str, ChannelError]
) -> SetupPlan:
    found = await current(desk)
    steps = _steps(plan(desk, document, found, secrets), bad)
    if all(step.do != "refuse" for step in steps):
        before = told(steps, document, found, secrets)
        making = Making(desk, found, secrets)
        for failed in await rehearse(making, steps):
            failed.step.do, failed.step.why = "refuse", _sentence(failed)
        if all(step.do != "refuse" for step in steps):
            return before.model_copy(update={**_beside(making, steps), "new_secrets": list(making.made)})
    return told(steps, document, found, secrets)


def _beside(making: Making, steps: Sequence[Step]) -> dict[str, list[str]]:
    """Return what is to be said beside the steps: what to see to, and which secrets nothing took."""
    named = {
        secret_place(step.key, Environment(environment), what)
        for step in steps
        if isinstance(step.item, SetupIntegration) and step.do in ("change", "same")
        for environment, _place in step.item.places()
        for what in ("key", "receipt_secret")
    }
    lacking = named - making.made.keys() - making.taken
    gaps = [sentence for place, sentence in making.found.gaps.items() if place in lacking]
    return {
        "notes": making.notes + gaps,
        "unused_secrets": unused(steps, making.secrets, making.taken),
    }


def _steps(steps: list[Step], bad: Mapping[str, ChannelError]) -> list[Step]:
    """Return the steps, those of channels with a URL that cannot be one refused."""
    for step in steps:
        if step.kind == "channels" and step.do == "add" and step.key in bad:
            error = bad[step.key]
            step.do, step.why = "refuse", f"{error.what}: {error.fix}" if error.fix else error.what
    return steps


def _sentence(failed: StepFailed) -> str:
    what = failed.error.what.rstrip(".")
    return f"{what}: {failed.error.fix}" if failed.error.fix else what


async def _done(
    desk: Desk,
    document: SetupDocument,
    secrets: Mapping[str, str],
    bad: Mapping[str, ChannelError],
    version: str,
) -> SetupApplied:
    """Do what was planned under this version, within the caller's transaction."""
    found = await current(desk)
    steps = _steps(plan(desk, document, found, secrets), bad)
    planned = told(steps, document, found, secrets)
    if version != planned.version:
        raise Conflict(
            "the file or the desk has changed since the plan was made",
            fix="Look at the plan again and confirm it.",
        )
    if planned.refused:
        first = next(step for step in steps if step.do == "refuse")
        raise Malformed(f"{first.kind}: {first.key}: {first.why}; nothing was changed", field=first.kind)
    making = Making(desk, found, secrets)
    try:
        await apply(making, steps)
    except StepFailed as failed:
        raise Conflict(
            f"{failed.step.kind}: {failed.step.key}: {failed.error.what}; nothing was changed",
            fix=failed.error.fix,
        ) from failed.error
    detail = {"added": planned.added, "changed": planned.changed, "same": planned.same}
    await desk.write(lambda conn: desk.note(conn, Verb.IMPORTED, "desk", "", "", detail))
    planned = planned.model_copy(update=_beside(making, steps))
    return SetupApplied(**planned.model_dump(), secrets=making.made)
