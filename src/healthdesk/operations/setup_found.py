"""What was found of a set-up: the document, what it calls each thing, and what cannot be in it."""

from __future__ import annotations

from dataclasses import dataclass, field
from itertools import count

from healthdesk.domain.masking import MASK, redact_url
from healthdesk.domain.states import Environment
from healthdesk.operations.setup_document import SetupDocument


@dataclass(slots=True)
class Current:
    """The desk's document, with the id of each thing by kind and key."""

    document: SetupDocument = field(default_factory=SetupDocument)
    ids: dict[str, dict[str, str]] = field(default_factory=dict)
    names: dict[str, str] = field(default_factory=dict)
    """What the file calls a thing, by id; labels as `label Access`, `control Access`."""
    owners: dict[str, str] = field(default_factory=dict)
    """Whose each connection and each shared filter is, by id."""
    unshared: set[str] = field(default_factory=set)
    """Names of the operator's own filters that are not shared."""
    left_out: list[str] = field(default_factory=list)
    """Sentences about what is configured and cannot be in a file."""
    gaps: dict[str, str] = field(default_factory=dict)
    """Sentences about the secrets that environments lack to take records or receipts, by the places of those."""
    masked: dict[str, str] = field(default_factory=dict)
    """Addresses and paths that hold a secret as they are, by the form that a file has them in."""

    def shown(self, address: str, whose: str) -> str:
        """Return an address or path as a file has it: without the secrets of its query."""
        shown = redact_url(address)
        if shown != address:
            self.masked[f"{whose} {shown}"] = address
            self.left_out.append(f"what {MASK} stands for in the {whose}")
        return shown

    def kept(self, address: str, whose: str) -> str:
        """Return what a file says as `shown` would, where it means what is there."""
        shown = redact_url(address)
        return shown if self.masked.get(f"{whose} {shown}") == address else address

    def note(self, kind: str, key: str, object_id: str) -> None:
        """Remember what a thing is called."""
        self.ids.setdefault(kind, {})[key] = object_id
        self.names[object_id] = key

    def name(self, object_id: str | None) -> str:
        """Return what the file calls a thing; nothing where there is none."""
        return self.names.get(object_id or "", "")

    def distinct(self, kind: str, name: str) -> str:
        """Return a name that nothing else of the kind has in the file: the desk lets two rules have one name."""
        taken = self.ids.get(kind, {})
        if name not in taken:
            return name
        return next(other for number in count(2) if (other := f"{name} {number}") not in taken)


def address_of(connection: str) -> str:
    """Return what a file calls the address of a connection."""
    return f"base_url of {connection}"


def setting_of(connection: str, key: str) -> str:
    """Return what a file calls an address among the settings of a connection."""
    return f"{key} of {connection}"


def heartbeat_of(connection: str) -> str:
    """Return what a file calls the path of a heartbeat."""
    return f"heartbeat path of {connection}"


def secret_place(integration: str, environment: Environment, what: str) -> str:
    """Return the place of a secret of an environment, as a plan and a file of secrets name it."""
    return f"integrations.{integration}.{environment.value}.{what}"


def lookup_of(integration: str, environment: Environment) -> str:
    """Return what a file calls the path at which an environment is asked for a record."""
    return f"lookup path of {integration} {environment.value}"


def path_of(integration: str, environment: Environment) -> str:
    """Return what a file calls the path of an environment."""
    return f"path of {integration} {environment.value}"
