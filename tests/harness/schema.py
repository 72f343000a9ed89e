"""Checks JSON against the schemas of the OpenAPI document: the part of JSON Schema that the document uses."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime
from typing import Any

TYPES: dict[str, tuple[type, ...]] = {
    "object": (dict,),
    "array": (list,),
    "string": (str,),
    "integer": (int,),
    "number": (int, float),
    "boolean": (bool,),
    "null": (type(None),),
}
KNOWN = frozenset(
    [
        "$ref",
        "type",
        "propertyNames",
        "properties",
        "required",
        "additionalProperties",
        "items",
        "anyOf",
        "oneOf",
        "enum",
        "const",
        "format",
        "title",
        "description",
        "default",
        "minLength",
        "maxLength",
        "minimum",
        "maximum",
        "exclusiveMinimum",
        "minItems",
        "maxItems",
        "pattern",
        "writeOnly",
        "discriminator",
    ]
)
"""Keywords that the document may use; one that is not here would go unchecked."""


def resolve(document: dict[str, Any], reference: str) -> Any:
    node: Any = document
    for part in reference.removeprefix("#/").split("/"):
        node = node[part]
    return node


def faults(document: dict[str, Any], schema: Any, value: Any, where: str = "$") -> Iterator[str]:
    """Yield what of the value does not fit; keys that the schema does not name are faults too."""
    if schema is True or schema == {}:
        return
    if "$ref" in schema:
        yield from faults(document, resolve(document, schema["$ref"]), value, where)
        return
    choices = schema.get("anyOf") or schema.get("oneOf")
    if choices:
        if all(any(True for _ in faults(document, each, value, where)) for each in choices):
            yield f"{where}: {value!r} is none of the alternatives"
        return
    kind = schema.get("type")
    if kind and (not isinstance(value, TYPES[kind]) or (isinstance(value, bool) and kind != "boolean")):
        yield f"{where}: {value!r} is no {kind}"
        return
    if "enum" in schema and value not in schema["enum"]:
        yield f"{where}: {value!r} is not in the enumeration"
    if "const" in schema and value != schema["const"]:
        yield f"{where}: {value!r} is not {schema['const']!r}"
    if schema.get("format") == "date-time" and datetime.fromisoformat(value).tzinfo is None:
        yield f"{where}: {value!r} has no zone"
    if kind == "array":
        for number, item in enumerate(value):
            yield from faults(document, schema.get("items", {}), item, f"{where}[{number}]")
    if kind == "object":
        yield from _object_faults(document, schema, value, where)


def _object_faults(
    document: dict[str, Any], schema: dict[str, Any], value: dict[str, Any], where: str
) -> Iterator[str]:
    named = schema.get("properties", {})
    for name in schema.get("required", []):
        if name not in value:
            yield f"{where}.{name} is missing"
    for name, item in value.items():
        if name in named:
            yield from faults(document, named[name], item, f"{where}.{name}")
        elif schema.get("additionalProperties"):
            yield from faults(document, schema["additionalProperties"], item, f"{where}.{name}")
        elif named:
            yield f"{where}.{name} is not in the document"


def schemas_in(node: Any) -> Iterator[dict[str, Any]]:
    """Yield a schema and every one inside it."""
    if not isinstance(node, dict):
        return
    yield node
    for each in (node.get("items"), node.get("additionalProperties")):
        yield from schemas_in(each)
    for each in (*node.get("properties", {}).values(), *node.get("anyOf", ()), *node.get("oneOf", ())):
        yield from schemas_in(each)
