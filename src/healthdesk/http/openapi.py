"""The OpenAPI 3.1 document, made from the route tables and the pydantic models."""

from __future__ import annotations

import re
from typing import Any, Literal

from pydantic import BaseModel, TypeAdapter

from healthdesk import __version__
from healthdesk.api.common import Problem
from healthdesk.domain.roles import who_may
from healthdesk.http.problem_details import CONTENT_TYPE
from healthdesk.http.route import Route
from healthdesk.http.routes import EVENTS, OPERATOR_ROUTES, PUBLIC_ROUTES, PublicRoute

REF = "#/components/schemas/{model}"
Mode = Literal["validation", "serialization"]

_PARAMETER = re.compile(r"\{(\w+)\}")


class _Schemas:
    """Gathers the schemas that routes refer to. Input and output of one model are two schemas, `…Input` the one."""

    def __init__(self) -> None:
        self.components: dict[str, Any] = {}

    def of(self, kind: Any, mode: Mode) -> dict[str, Any]:
        """Return a schema for a model or type, its definitions moved into the components."""
        schema = TypeAdapter(kind).json_schema(mode=mode, ref_template=REF)
        definitions = schema.pop("$defs", {})
        if isinstance(kind, type) and issubclass(kind, BaseModel) and "$ref" not in schema:
            definitions[kind.__name__] = schema
            schema = {"$ref": REF.format(model=kind.__name__)}
        names = {name: _component(name, mode) for name in definitions}
        for name, definition in definitions.items():
            self.components[names[name]] = _renamed(definition, names)
        renamed: dict[str, Any] = _renamed(schema, names)
        return renamed


def _component(name: str, mode: Mode) -> str:
    plain = re.sub(r"[^A-Za-z0-9_.-]+", "_", name).strip("_")
    return f"{plain}Input" if mode == "validation" else plain


def _renamed(node: Any, names: dict[str, str]) -> Any:
    """Return a schema with its references to other components renamed."""
    if isinstance(node, dict):
        return {
            key: REF.format(model=names.get(_last(value), _last(value)))
            if key == "$ref" and isinstance(value, str)
            else _renamed(value, names)
            for key, value in node.items()
        }
    return [_renamed(each, names) for each in node] if isinstance(node, list) else node


def _last(reference: str) -> str:
    return reference.rsplit("/", 1)[-1]


def document(*, operator: bool = True) -> dict[str, Any]:
    """Return the document: the operator API and the public one."""
    schemas = _Schemas()
    problem = {
        "description": "An error.",
        "content": {CONTENT_TYPE: {"schema": schemas.of(Problem, "serialization")}},
    }
    paths: dict[str, dict[str, Any]] = {}
    for public in PUBLIC_ROUTES:
        paths.setdefault(public.path, {})[public.method.lower()] = _public(public, schemas)
    for route in OPERATOR_ROUTES if operator else ():
        paths.setdefault(route.path, {})[route.method.lower()] = _operation(route, schemas)
    return {
        "openapi": "3.1.0",
        "info": {
            "title": "healthdesk",
            "version": __version__,
            "summary": "A desk for the health of integrations.",
            "description": "Paths tagged `public` are answered over TCP, all others over the operators' Unix socket.",
        },
        "paths": paths,
        "components": {
            "schemas": dict(sorted(schemas.components.items())),
            "responses": {"Problem": problem},
            "securitySchemes": {
                "key": {
                    "type": "http",
                    "scheme": "bearer",
                    "description": "Names integration and environment.",
                }
            },
        },
        "tags": [{"name": name} for name in _tags(operator)],
    }


def _tags(operator: bool) -> list[str]:  # noqa: FBT001 - passed on
    return ["public", *(sorted({route.tag for route in OPERATOR_ROUTES}) if operator else ())]


def _operation(route: Route, schemas: _Schemas) -> dict[str, Any]:
    operation: dict[str, Any] = {
        "operationId": _operation_id(route.method, route.path),
        "tags": [route.tag],
        "summary": route.summary,
        "description": f"Action `{route.action}`, for {who_may(route.action)}.",
        "parameters": _path_parameters(route.path)
        + (_query_parameters(route.query, schemas) if route.query else []),
        "responses": {
            str(route.status): _answer(
                route.output, schemas, ("text/event-stream",) if route is EVENTS else route.media
            ),
            "default": {"$ref": "#/components/responses/Problem"},
        },
    }
    if route is EVENTS:
        operation["parameters"].append(_header("Last-Event-ID", "The id of the last event seen."))
    if route.input is not None:
        operation["requestBody"] = _body(route.input, schemas)
    return operation


def _public(route: PublicRoute, schemas: _Schemas) -> dict[str, Any]:
    operation: dict[str, Any] = {
        "operationId": _operation_id(route.method, route.path),
        "tags": ["public"],
        "summary": route.summary,
        "parameters": _path_parameters(route.path) + [_header(name, text) for name, text in route.headers],
        "responses": {
            str(route.status): _answer(route.output, schemas, (route.media,)),
            **{str(status): {"$ref": "#/components/responses/Problem"} for status in route.statuses},
        },
    }
    if route.bearer:
        operation["security"] = [{"key": []}]
    if route.input is not None:
        operation["requestBody"] = _body(route.input, schemas)
    elif route.method == "POST":
        operation["requestBody"] = {"required": True, "content": {"*/*": {}}}
    return operation


def _answer(output: Any, schemas: _Schemas, media: tuple[str, ...]) -> dict[str, Any]:
    if output is None:
        return {"description": "Done."}
    schema = schemas.of(output, "serialization")
    return {
        "description": "Done.",
        "content": {each: {"schema": schema} for each in media or ("application/json",)},
    }


def _body(model: type[BaseModel], schemas: _Schemas) -> dict[str, Any]:
    required = any(field.is_required() for field in model.model_fields.values())
    return {
        "required": required,
        "content": {"application/json": {"schema": schemas.of(model, "validation")}},
    }


def _path_parameters(path: str) -> list[dict[str, Any]]:
    return [
        {"name": name, "in": "path", "required": True, "schema": {"type": "string"}}
        for name in _PARAMETER.findall(path)
    ]


def _query_parameters(model: type[BaseModel], schemas: _Schemas) -> list[dict[str, Any]]:
    schema = model.model_json_schema(mode="validation", ref_template=REF)
    definitions = schema.get("$defs", {})
    names = {name: _component(name, "validation") for name in definitions}
    for name, definition in definitions.items():
        schemas.components[names[name]] = _renamed(definition, names)
    required = schema.get("required", [])
    return [
        {"name": name, "in": "query", "required": name in required, "schema": _renamed(each, names)}
        for name, each in schema["properties"].items()
    ]


def _header(name: str, text: str) -> dict[str, Any]:
    return {
        "name": name,
        "in": "header",
        "required": False,
        "description": text,
        "schema": {"type": "string"},
    }


def _operation_id(method: str, path: str) -> str:
    words = [word for word in re.split(r"[^A-Za-z0-9]+", path.removeprefix("/v1")) if word]
    return "_".join([method.lower(), *words])
