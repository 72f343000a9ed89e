"""The set-up of the desk as a file: export, and import with a plan first."""

from __future__ import annotations

from healthdesk.api.setup import SetupApplied, SetupGiven, SetupPlan
from healthdesk.domain.activity import Verb
from healthdesk.errors import Conflict, HealthdeskError, Malformed
from healthdesk.operations.desk import Desk
from healthdesk.operations.setup_apply import Applying
from healthdesk.operations.setup_current import current
from healthdesk.operations.setup_document import parsed, rendered
from healthdesk.operations.setup_plan import plan, told


async def export(desk: Desk) -> str:
    """Return the set-up as TOML, secrets left out."""
    desk.require("setup.export")
    return rendered((await current(desk)).document)


async def load(desk: Desk, given: SetupGiven) -> SetupPlan | SetupApplied:
    """Return what an import will do, or do it where the plan of this `version` was confirmed.

    Nothing is begun where anything is refused. What is done is done thing by thing; where one fails, those before it are
    there, and the same file again does the rest.
    """
    desk.require("setup.import")
    document = parsed(given.text)
    found = await current(desk)
    secrets = {place: secret.get_secret_value() for place, secret in given.secrets.items()}
    steps = plan(desk, document, found, secrets)
    planned = told(desk, steps, document, found)
    if not given.version:
        return planned
    if given.version != planned.version:
        raise Conflict(
            "the file or the desk has changed since the plan was made",
            fix="Look at the plan again and confirm it.",
        )
    if planned.refused:
        first = next(step for step in steps if step.do == "refuse")
        raise Malformed(f"{first.kind}: {first.key}: {first.why}; nothing was changed", field=first.kind)
    applying = Applying(desk, found.ids, secrets)
    done = 0
    for step in steps:
        if step.do == "same":
            continue
        try:
            await applying.apply(step)
        except HealthdeskError as error:
            raise Conflict(
                f"{step.kind}: {step.key}: {error.what}; {done} were added or changed before it",
                fix=f"{error.fix or 'Correct it'}, and import the file again: what is there already stays as it is."[
                    :500
                ],
            ) from error
        done += 1
    detail = {"added": planned.added, "changed": planned.changed, "same": planned.same}
    await desk.write(lambda conn: desk.note(conn, Verb.IMPORTED, "desk", "", "", detail))
    return SetupApplied(**planned.model_dump(), secrets=applying.made)
