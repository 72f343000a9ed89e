"""Error rules: each can fit an answer, and says of it what an answer can be."""

from __future__ import annotations

from healthdesk.connectors.lint.notes import Notes
from healthdesk.connectors.spec import ErrorRule, Manifest
from healthdesk.domain.states import ErrorKind

KINDS = frozenset(
    {
        ErrorKind.AUTHENTICATION,
        ErrorKind.PERMISSION,
        ErrorKind.CONFIGURATION,
        ErrorKind.NOT_FOUND,
        ErrorKind.MISSING_FIELD,
        ErrorKind.FORMAT,
        ErrorKind.REFUSED,
        ErrorKind.TOO_LARGE,
        ErrorKind.REDIRECT,
        ErrorKind.GONE,
        ErrorKind.RATE_LIMITED,
        ErrorKind.SERVER_ERROR,
        ErrorKind.TIMEOUT,
        ErrorKind.UNEXPECTED_ANSWER,
    }
)
"""What an answer can be; the other kinds are of what was never answered."""


def check_rules(notes: Notes) -> None:
    """Check every error rule, alone and behind those before it."""
    rules = notes.manifest.errors
    there = operations(notes.manifest)
    for at, rule in enumerate(rules):
        path = ("errors", at)
        if rule.kind not in KINDS:
            notes.error((*path, "kind"), f"no answer is {rule.kind}", f"one of {', '.join(sorted(KINDS))}")
        if rule.on and not there.intersection(rule.on):
            notes.error(
                (*path, "on"),
                f"it never fits: the app has no {' and no '.join(rule.on)}",
                f"the app has {', '.join(sorted(there)) or 'none'}",
            )
        for number, earlier in enumerate(rules[:at]):
            if _covers(earlier, rule):
                line = notes.source.line(("errors", number))
                notes.error(
                    path, f"it never fits: the rule on line {line} fits first", "move it up, or remove it"
                )
                break


def operations(manifest: Manifest) -> set[str]:
    """Return the operations that the app has."""
    return {
        name
        for name, there in (
            ("heartbeat", manifest.heartbeat),
            ("probe", manifest.probes),
            ("tasks", manifest.tasks),
            ("delivery", manifest.delivery),
            ("datasets", manifest.datasets),
            ("token", any(method.oauth or method.jwt or method.aws for method in manifest.auth)),
        )
        if there
    }


def _covers(earlier: ErrorRule, later: ErrorRule) -> bool:
    """Tell whether the earlier rule fits whatever the later one does."""
    return (
        (
            not earlier.status
            or (bool(later.status) and all(_in(each, earlier.status) for each in later.status))
        )
        and (earlier.when is None or earlier.when == later.when)
        and later.content_type.lower().startswith(earlier.content_type.lower())
        and earlier.header.items() <= later.header.items()
        and (not earlier.text or earlier.text == later.text)
        and (not earlier.on or (bool(later.on) and set(later.on) <= set(earlier.on)))
    )


def _in(status: str, statuses: list[str]) -> bool:
    return status in statuses or f"{status[0]}xx" in statuses
