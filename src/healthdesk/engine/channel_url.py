"""Apprise URLs as healthdesk takes them: what is refused before anything is sent, and how they are shown."""

from __future__ import annotations

import re
from dataclasses import dataclass
from urllib.parse import parse_qsl, urlsplit

from healthdesk.errors import ChannelError

URL_MAX = 4000
SCHEMA = re.compile(r"\s*([a-z0-9][a-z0-9+_-]*)://", re.IGNORECASE)

LOCAL_SCHEMAS = frozenset(
    {"blink1", "dbus", "glib", "gio", "gnome", "kde", "macosx", "qt", "syslog", "windows"}
)
"""Services on the desk's own host: a daemon has no desktop, and its log is not an alert."""

_ATTACHMENTS = frozenset({"attach", "attachment", "attachments"})
_YES = frozenset({"1", "y", "yes", "true", "on", "t", "+"})


@dataclass(frozen=True, slots=True)
class CheckedChannel:
    """An Apprise URL that can be used: its masked form, and what Apprise calls the service."""

    masked_url: str
    kind: str


def schema_of(url: str) -> str:
    """Return the schema of an Apprise URL, lower case, or an empty string."""
    match = SCHEMA.match(url)
    return match[1].lower() if match else ""


def refuse_unsafe(url: str) -> None:
    """Raise ChannelError for what no channel may be, whatever Apprise thinks of it."""
    if not url.strip():
        raise ChannelError("the channel's URL is empty", fix="give an Apprise URL such as mailto://…")
    if len(url) > URL_MAX:
        raise ChannelError(f"the channel's URL is longer than {URL_MAX} characters")
    if any(not char.isprintable() for char in url.strip()):
        raise ChannelError("the channel's URL has line breaks or control characters", fix="give one URL")
    schema = schema_of(url)
    if not schema:
        raise ChannelError(
            "the channel's URL does not begin with a service such as mailto:// or slack://",
            fix="write it as schema://…",
        )
    if schema in LOCAL_SCHEMAS:
        raise ChannelError(
            f"{schema}:// speaks to this host's own desktop or log, which a daemon does not use",
            fix="use a service on the network",
        )
    if not url.partition("://")[2].strip():
        raise ChannelError(
            f"the channel's URL ends after {schema}://",
            fix="write all of it, such as mailto://user:password@mail.example?to=ops@mail.example",
        )
    try:
        arguments = parse_qsl(urlsplit(url.strip()).query, keep_blank_values=True)
    except ValueError as error:
        raise ChannelError(f"the channel's URL cannot be read: {error}") from error
    for key, value in arguments:
        if key.lower() == "optional" and value.strip().lower() in _YES:
            raise ChannelError(
                "optional=yes makes Apprise report failures as successes",
                fix="remove `optional` from the URL",
            )
        if key.lower() in _ATTACHMENTS:
            raise ChannelError("alerts carry no attachments", fix=f"remove `{key}` from the URL")


def mask(private_url: str, *, host_is_public: bool) -> str:
    """Return the form of a channel that lists show: the ends of Apprise's private form, the middle removed.

    Where the service has a host of the operator's own, the host stays; tokens never do. Mail keeps its
    recipients, which are no secret.
    """
    try:
        parts = urlsplit(private_url)
    except ValueError:
        return f"{schema_of(private_url)}://…"
    segments = [segment for segment in parts.path.split("/") if segment]
    recipients = [segment.replace("%40", "@") for segment in segments if "@" in segment or "%40" in segment]
    if host_is_public:
        host = parts.netloc.rpartition("@")[2]
        kept = "…@" if parts.password else ""
        tail = "/" + ",".join(recipients) if recipients else "/…" if segments else ""
        return f"{parts.scheme}://{kept}{host}{tail}"
    first = parts.netloc.rpartition("@")[2]
    head = first if "..." in first or not first.strip("*") else first[:1] + "…"
    return f"{parts.scheme}://{head.replace('...', '…')}{'/…' if segments else ''}"
