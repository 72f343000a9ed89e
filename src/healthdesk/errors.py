"""Every error healthdesk raises on purpose, as one tree.

HealthdeskError                 what went wrong, and `fix`: what to do about it
├── ConfigError                 config.toml or the environment: names file, key, fix
├── VaultError                  the key file is missing, unreadable, or does not fit a secret
├── HostError                   lock, socket or directory of the daemon's host
├── ConnectorError              a connector's manifest or settings are wrong
│   └── ManifestRefused             a manifest that cannot be used: names file and line
├── ChannelError                an Apprise URL is wrong: names the part
├── MappingError                a template or mapping of delivery is wrong, or cannot be carried out on this record
├── RequestError                the caller's fault; the http layer answers with its status
│   ├── Malformed               400: the body, a field or a parameter is wrong
│   ├── Unauthenticated         401: no key, a wrong key, a bad signature
│   ├── NotPermitted            403: the operator's role does not allow it
│   ├── NotFound                404
│   ├── Conflict                409: the state of the thing does not allow it
│   │   ├── IdempotencyConflict     the same Idempotency-Key with another body
│   │   ├── IdentityChanged         new credentials are another account's, site's, or may do less
│   │   └── TrialImpossible         the app could not be asked about credentials or settings: nothing was saved
│   ├── TooLarge                413
│   ├── UnsupportedMedia        415
│   ├── TrialRefused            422: the app refused the credentials or settings: nothing was saved
│   ├── RateLimited             429, with `retry_after_s`
│   └── Overloaded              503: more at once than the desk keeps in memory
├── StoreError
│   ├── StoreUnavailable        503: the database cannot be written (or read) now
│   ├── SchemaMismatch          the database is newer or older than this program
│   └── BackupError             a file that is no backup, is damaged, or cannot be restored here
└── ClientError                 raised by the typed client in the TUI and the CLI
    ├── DaemonUnreachable       no socket answered; names those tried
    ├── IncompatibleDaemon      the daemon's API version is outside the range known here
    └── ApiRefused              the daemon answered with problem details
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path


class HealthdeskError(Exception):
    """Base of all errors. `str()` is the sentence for people; `fix` says what to do, or is empty."""

    def __init__(self, what: str, *, fix: str = "") -> None:
        super().__init__(what)
        self.what = what
        self.fix = fix


class _Placed(HealthdeskError):
    """What is wrong has a place: `field` names it, or is empty."""

    def __init__(self, what: str, *, fix: str = "", field: str = "") -> None:
        super().__init__(what, fix=fix)
        self.field = field


class ConfigError(HealthdeskError):
    """A wrong setting. `source` is the file or environment variable, `key` the dotted key."""

    def __init__(self, what: str, *, source: str = "", key: str = "", fix: str = "") -> None:
        super().__init__(": ".join(part for part in (source, key, what) if part), fix=fix)
        self.source = source
        self.key = key


class VaultError(HealthdeskError):
    """Secrets cannot be encrypted or decrypted."""


class HostError(HealthdeskError):
    """The host does not let the daemon run: lock held, socket live, directory unsafe."""


class ConnectorError(_Placed):
    """A connector's manifest, settings or credentials are wrong. `field` is the JSON path at fault, where there is one."""


class ManifestRefused(ConnectorError):
    """A manifest cannot be used. `file` and `line` (from 1) are the first mistake's; `str()` begins with both.

    `findings` are all mistakes, as `connectors.findings.Finding`.
    """

    def __init__(
        self,
        what: str,
        *,
        file: str,
        line: int,
        fix: str = "",
        field: str = "",
        findings: Sequence[object] = (),
    ) -> None:
        super().__init__(f"{file}:{line}: {what}", fix=fix, field=field)
        self.file = file
        self.line = line
        self.findings = findings


class MappingError(_Placed):
    """A template or mapping of delivery is wrong (`field`: `mapping[2].path`) or not for this record. It names no values."""


class ChannelError(HealthdeskError):
    """An Apprise URL is wrong. `field` is the one that such a URL is given in."""

    field = "url"


class RequestError(_Placed):
    """The caller's fault. `status` is the HTTP status, `slug` ends the problem type URI."""

    status = 400
    slug = "bad-request"
    title = "Bad request"


class Malformed(RequestError):
    """400. `field` is the JSON path or parameter at fault, where there is one."""

    slug = "malformed"
    title = "Malformed request"


class Unauthenticated(RequestError):
    """401."""

    status = 401
    slug = "unauthenticated"
    title = "Not authenticated"


class NotPermitted(RequestError):
    """403."""

    status = 403
    slug = "not-permitted"
    title = "Not permitted"


class NotFound(RequestError):
    """404."""

    status = 404
    slug = "not-found"
    title = "Not found"


class Conflict(RequestError):
    """409."""

    status = 409
    slug = "conflict"
    title = "Conflict"


class IdempotencyConflict(Conflict):
    """409: this Idempotency-Key was used before with another body."""

    slug = "idempotency-conflict"
    title = "Idempotency-Key reused with another body"


class IdentityChanged(Conflict):
    """409: new credentials work, but are another account's or site's, or may do less than those before.

    `changes` are what is different: `what` (account, site or scopes), `before`, `after` and `sentence` of each.
    """

    slug = "identity-changed"
    title = "The credentials are not the same account's"

    def __init__(
        self, what: str, *, changes: Sequence[Mapping[str, str]] = (), fix: str = "", field: str = ""
    ) -> None:
        super().__init__(what, fix=fix, field=field)
        self.changes = changes


class _Tried(_Placed):
    """An app was asked first. `blame` and `kind` are those of the failure."""

    def __init__(self, what: str, *, blame: str, kind: str, fix: str = "", field: str = "") -> None:
        super().__init__(what, fix=fix, field=field)
        self.blame = blame
        self.kind = kind


class TrialImpossible(_Tried, Conflict):
    """409: the app could not be asked, or its answer says nothing of what was tried."""

    slug = "trial-impossible"
    title = "The app could not be asked"


class TooLarge(RequestError):
    """413."""

    status = 413
    slug = "too-large"
    title = "Body too large"


class UnsupportedMedia(RequestError):
    """415."""

    status = 415
    slug = "unsupported-media-type"
    title = "Unsupported media type"


class TrialRefused(_Tried, RequestError):
    """422: the app was asked and refused."""

    status = 422
    slug = "trial-refused"
    title = "The app refused it"


class RateLimited(RequestError):
    """429. `retry_after_s` is sent as Retry-After, in whole seconds rounded up."""

    status = 429
    slug = "rate-limited"
    title = "Too many requests"

    def __init__(self, what: str, *, retry_after_s: float, fix: str = "") -> None:
        super().__init__(what, fix=fix)
        self.retry_after_s = retry_after_s


class Overloaded(RequestError):
    """503. Others' requests fill what is kept in memory at once; a repeat soon finds room."""

    status = 503
    slug = "overloaded"
    title = "Too much at once"


class StoreError(HealthdeskError):
    """The database."""


class StoreUnavailable(StoreError):
    """The database cannot be used now: locked, full, gone. Nothing of the call was stored."""


class SchemaMismatch(StoreError):
    """The database was migrated by another version of healthdesk."""


class BackupError(StoreError):
    """A file is no backup, is not as it was written, or cannot be restored here. Nothing was changed."""


class ClientError(HealthdeskError):
    """The typed client could not get an answer it can use."""


class DaemonUnreachable(ClientError):
    """No daemon answers. `tried` are the sockets, in order."""

    def __init__(self, what: str, *, tried: tuple[Path, ...] = (), fix: str = "") -> None:
        super().__init__(what, fix=fix)
        self.tried = tried


class IncompatibleDaemon(ClientError):
    """The daemon speaks an API version this client does not know."""


class ApiRefused(ClientError):
    """The daemon answered with RFC 9457 problem details.

    `status` is the HTTP status, `slug` the last part of the problem type, `field` the parameter at fault. `blame` and
    `kind` are there when an app was asked first and did not agree, `changes` when new credentials are another account's.
    """

    def __init__(
        self,
        what: str,
        *,
        status: int,
        slug: str,
        field: str = "",
        fix: str = "",
        blame: str = "",
        kind: str = "",
        changes: Sequence[Mapping[str, str]] = (),
    ) -> None:
        super().__init__(what, fix=fix)
        self.status = status
        self.slug = slug
        self.field = field
        self.blame = blame
        self.kind = kind
        self.changes = changes
