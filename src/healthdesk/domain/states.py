"""The words for what a thing is right now. Every layer uses these values, on the wire and in the database."""

from __future__ import annotations

from enum import StrEnum


class Environment(StrEnum):
    """A separate endpoint, credentials and log of the same integration."""

    PRODUCTION = "production"
    TESTING = "testing"

    @property
    def shown(self) -> str:
        """Return its word for people: testing is always marked."""
        return self.value.upper() if self is Environment.TESTING else self.value


class ConnectionState(StrEnum):
    """Health of a connection: unknown → connected ⇄ suspect → failing → connected."""

    UNKNOWN = "unknown"
    CONNECTED = "connected"
    SUSPECT = "suspect"
    FAILING = "failing"


class IntegrationKind(StrEnum):
    """What the desk does with an app."""

    TASKS = "tasks"
    PROOF = "proof"
    DELIVERY = "delivery"


class IntegrationState(StrEnum):
    """Whether an environment of an integration delivers."""

    ACTIVE = "active"
    PAUSED = "paused"


class RecordState(StrEnum):
    """Where a record is; it is in exactly one state, and the ledger counts each."""

    QUEUED = "queued"
    SENDING = "sending"
    DELIVERED = "delivered"
    AWAITING_RECEIPT = "awaiting_receipt"
    RETRYING = "retrying"
    FAILED = "failed"
    UNKNOWN = "unknown"
    HELD = "held"


class HoldReason(StrEnum):
    """Why a record is held."""

    PAUSED = "paused"
    CONNECTION = "connection"
    CIRCUIT = "circuit"
    ORDER = "order"


class OnUnknown(StrEnum):
    """What the integration wants done with a record whose arrival is unknown."""

    RESEND = "resend"
    HOLD = "hold"


class CircuitState(StrEnum):
    """Of an environment's circuit: closed → open → probing (one record) → ramping → closed, or open again."""

    CLOSED = "closed"
    OPEN = "open"
    PROBING = "probing"
    RAMPING = "ramping"


class BodyFormat(StrEnum):
    """What the endpoint receives: the posted `data` byte for byte, or made of it by the mapping."""

    AS_POSTED = "as_posted"
    JSON = "json"
    FORM = "form"
    XML = "xml"


class MappingVerb(StrEnum):
    """What one step of a mapping does at its path."""

    SET = "set"
    DEFAULT = "default"
    RENAME = "rename"
    FORMAT = "format"
    REMOVE = "remove"


class RecordEventKind(StrEnum):
    """What happened to a record beside its attempts."""

    FIXED = "fixed"
    UNFIXED = "unfixed"
    LOOKED_UP = "looked_up"
    RECEIPT = "receipt"
    DEADLINE = "deadline"
    ORDER = "order"


class AttemptOutcome(StrEnum):
    """What became of one attempt. `sending` is the committed intent; a crash leaves `interrupted`."""

    SENDING = "sending"
    DELIVERED = "delivered"
    REFUSED = "refused"
    FAILED = "failed"
    UNKNOWN = "unknown"
    INTERRUPTED = "interrupted"


class Trigger(StrEnum):
    """What made an attempt or a check happen."""

    FIRST = "first"
    RETRY = "retry"
    RESEND = "resend"
    JOB = "job"
    SCHEDULE = "schedule"
    OPERATOR = "operator"
    DELIVERY = "delivery"
    CREDENTIALS = "credentials"
    PING = "ping"
    CALLBACK = "callback"
    EDIT = "edit"
    RECOVERY = "recovery"


class Blame(StrEnum):
    """Whose fault a failure is."""

    CREDENTIAL = "credential"
    PERMISSION = "permission"
    CONFIGURATION = "configuration"
    THEM = "them"
    US = "us"


class ErrorKind(StrEnum):
    """What kind of failure it was, whatever the app calls it."""

    AUTHENTICATION = "authentication"
    PERMISSION = "permission"
    MISSING_FIELD = "missing_field"
    REFUSED = "refused"
    NOT_FOUND = "not_found"
    GONE = "gone"
    TOO_LARGE = "too_large"
    FORMAT = "format"
    REDIRECT = "redirect"
    RATE_LIMITED = "rate_limited"
    SERVER_ERROR = "server_error"
    TIMEOUT = "timeout"
    CONNECT_TIMEOUT = "connect_timeout"
    RESET = "reset"
    CONNECTION_REFUSED = "connection_refused"
    DNS = "dns"
    TLS = "tls"
    ADDRESS_BLOCKED = "address_blocked"
    PROTOCOL = "protocol"
    RESPONSE_TOO_LARGE = "response_too_large"
    UNEXPECTED_ANSWER = "unexpected_answer"
    INTERRUPTED = "interrupted"
    CONFIGURATION = "configuration"
    INTERNAL = "internal"
    LATE = "late"
    EXPIRING = "expiring"
    DRIFT = "drift"
    FLAPPING = "flapping"
    OFFLINE = "offline"
    SILENT = "silent"
    UNCONFIRMED = "unconfirmed"


class CallbackState(StrEnum):
    """`rejected` failed verification and changed nothing; `accepted` waits to be processed."""

    ACCEPTED = "accepted"
    PROCESSED = "processed"
    FAILED = "failed"
    REJECTED = "rejected"


class CallbackScheme(StrEnum):
    """How an app proves that a callback is its own; docs/connectors.md describes each."""

    NONE = "none"
    STANDARD_WEBHOOKS = "standard_webhooks"
    HMAC = "hmac"
    GITHUB = "github"
    GITLAB = "gitlab"
    JIRA = "jira"
    ASANA = "asana"
    SLACK = "slack"
    STRIPE = "stripe"
    TOKEN = "token"  # noqa: S105 - the name of a scheme
    BEARER = "bearer"
    BASIC = "basic"


class ProblemState(StrEnum):
    """`forming` is not shown yet: failures that have not reached the threshold of an open problem."""

    FORMING = "forming"
    OPEN = "open"
    ACKNOWLEDGED = "acknowledged"
    RESOLVED = "resolved"


class AlertEvent(StrEnum):
    """What an alert tells."""

    OPENED = "opened"
    REOPENED = "reopened"
    RECOVERED = "recovered"
    TEST = "test"


class AlertState(StrEnum):
    """Where a message of the outbox is. `superseded` was overtaken before it could be sent."""

    QUEUED = "queued"
    SENDING = "sending"
    SENT = "sent"
    RETRYING = "retrying"
    FAILED = "failed"
    SUPERSEDED = "superseded"


class Role(StrEnum):
    """Desk role of an operator, strongest first."""

    ADMINISTRATOR = "administrator"
    MANAGER = "manager"
    MEMBER = "member"


class Grant(StrEnum):
    """What a member holds on one connection."""

    USER = "user"
    MANAGER = "manager"
