"""The way records of an environment take: what of its settings has to be worked out, read once and kept with its target."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from healthdesk.domain.delivery import DeliveryMethod
from healthdesk.domain.states import BodyFormat
from healthdesk.domain.templating import Template, template
from healthdesk.errors import MappingError

BODILESS = frozenset({"GET", "DELETE"})


@dataclass(frozen=True, slots=True)
class Way:
    """What is worked out for each record. `direct`: nothing is, `data` is sent as it was posted to one URL."""

    direct: bool = True
    needs_facts: bool = False
    """Whether anything names what is not in a claim: the source, the level, when it was completed."""
    base_url: str = ""
    path: Template | None = None
    query: Template | None = None
    headers: Mapping[str, Template] = field(default_factory=dict)
    wrong: MappingError | None = None
    """Why nothing can be made for any record: settings that an older or newer program wrote."""


DIRECT = Way()


def way_of(
    *, base_url: str, path: str, method: str, headers: Mapping[str, str], delivery: DeliveryMethod
) -> Way:
    """Return the way of an environment."""
    before, _, after = path.partition("?")
    try:
        in_path, in_query = template(before), template(after)
        in_headers = {name: template(value) for name, value in headers.items()}
    except MappingError as error:
        return Way(direct=False, wrong=error)
    plain_address = in_path.plain and in_query.plain
    plain_headers = all(each.plain for each in in_headers.values())
    maps = (
        bool(delivery.operation)
        or bool(delivery.mapping)
        or delivery.body is not BodyFormat.AS_POSTED
        or delivery.batch is not None
    )
    # doubled braces are plain and still to be read: they stand for single ones
    literal = "{" not in path + "".join(headers.values()) and "}" not in path + "".join(headers.values())
    if plain_address and plain_headers and literal and not maps and method not in BODILESS:
        return DIRECT
    return Way(
        direct=False,
        needs_facts=bool(delivery.mapping or delivery.inputs) or not (plain_address and plain_headers),
        base_url=base_url,
        path=in_path,
        query=in_query,
        headers=in_headers,
    )
