"""What every part of a manifest is made of: fields, request templates, expressions over an answer.

A *template* is text with `{name}` placeholders (`{{` and `}}` are braces). Names are settings of the connection,
fields of its credentials, values that a token answer brought, and the inputs of the operation. Values are
percent-encoded in a path. A JSON string that is one placeholder and nothing else becomes the value itself, whatever
its type; a member without a value is left out of an object, and an object with such a member out of an array.

An *expression* is JMESPath (jmespath.org) over the parsed answer.
"""

from __future__ import annotations

import re
import warnings
from collections.abc import Iterator
from typing import Annotated, Any, Literal

import jmespath
from jmespath.exceptions import JMESPathError
from pydantic import AfterValidator, BaseModel, ConfigDict, Field, model_validator

AppId = Annotated[str, Field(pattern=r"^[a-z][a-z0-9]*(-[a-z0-9]+)*$", max_length=40)]
Key = Annotated[str, Field(pattern=r"^[a-z][a-z0-9_]*$", max_length=40)]
Label = Annotated[str, Field(min_length=1, max_length=60)]

_PLACEHOLDER = re.compile(r"\{\{|\}\}|\{([^{}]*)\}|[{}]")
_NAME = re.compile(r"[a-z][a-z0-9_]*")


def placeholders(template: str) -> list[str]:
    """Return the names a template asks for, in order; ValueError when a brace stands alone or a name is none."""
    names: list[str] = []
    for match in _PLACEHOLDER.finditer(template):
        text = match.group(0)
        if text in ("{{", "}}"):
            continue
        name = match.group(1)
        if name is None:
            raise ValueError(f"a brace stands alone in {template!r}; write {text * 2} for a plain one")
        if not _NAME.fullmatch(name):
            raise ValueError(f"{{{name}}} is not a placeholder: a name has lower-case letters, digits and _")
        names.append(name)
    return names


def _template(text: str) -> str:
    placeholders(text)
    return text


def _expression(text: str) -> str:
    try:
        with warnings.catch_warnings():
            # `open` for 'open' is an old form that the library only warns of.
            warnings.simplefilter("error", PendingDeprecationWarning)
            jmespath.compile(text)
    except RecursionError:
        raise ValueError("the expression is nested too deep") from None
    except (JMESPathError, ValueError, PendingDeprecationWarning) as error:
        # The library goes on below with a drawing of the place.
        reason = str(error).partition("\n")[0].removesuffix(", for expression:").removesuffix(":")
        raise ValueError(f"{text!r} is not a JMESPath expression: {reason}") from error
    return text


def _regex(text: str) -> str:
    try:
        re.compile(text)
    except RecursionError:
        raise ValueError("the regular expression is nested too deep") from None
    except (re.error, OverflowError) as error:
        raise ValueError(f"{text!r} is not a regular expression: {error}") from error
    return text


Template = Annotated[str, AfterValidator(_template)]
Expression = Annotated[str, Field(min_length=1), AfterValidator(_expression)]
Regex = Annotated[str, AfterValidator(_regex)]


class Misplaced(ValueError):
    """A mistake that a table's own check found deeper inside: `at` leads there from the table."""

    def __init__(self, what: str, *at: str | int) -> None:
        super().__init__(what)
        self.at = at


class Part(BaseModel):
    """A table of a manifest: unknown keys are refused, nothing changes once it is read."""

    model_config = ConfigDict(extra="forbid", frozen=True, defer_build=True)


class FieldManifest(Part):
    """A setting, credential or input the app asks for. `pattern` is a regular expression for the whole value."""

    key: Key
    label: Label
    help: str = ""
    example: str = ""
    secret: bool = False
    required: bool = True
    multiline: bool = False
    """Asked for from a file or standard input rather than on one line: a private key."""
    options: list[str] = []
    default: str = ""
    pattern: Regex = ""


class ValueFrom(Part):
    """Where an answer tells something: `header`, or `path` (an expression over the body). Exactly one.

    `format` is how a time is written: `iso` (also with a space, a zone name UTC, or the date alone), `epoch_s`,
    `epoch_ms`, `http`. `separator` splits a header into a list.
    """

    header: str = ""
    path: Expression | None = None
    format: Literal["iso", "epoch_s", "epoch_ms", "http"] = "iso"
    separator: str = ","

    @model_validator(mode="after")
    def _exactly_one(self) -> ValueFrom:
        if bool(self.header) == bool(self.path):
            raise ValueError("give exactly one of header and path")
        return self


class RequestTemplate(Part):
    """One request under the connection's base URL. At most one of `json`, `form` and `graphql` is its body.

    `graphql` is a query as it is, without placeholders; its `variables` are templates. `expect` are the statuses
    that count as an answer; without it, any 2xx.
    """

    method: Literal["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE"] = "GET"
    path: Template = ""
    query: dict[str, Template] = {}
    headers: dict[str, Template] = {}
    json_body: Any = Field(default=None, alias="json")
    form: dict[str, Template] = {}
    graphql: str = ""
    variables: dict[str, Any] = {}
    content_type: str = ""
    answer: Literal["json", "xml", "text", "none"] = "json"
    expect: list[Annotated[int, Field(ge=100, le=599)]] = []

    @model_validator(mode="after")
    def _one_body(self) -> RequestTemplate:
        if sum((self.json_body is not None, bool(self.form), bool(self.graphql))) > 1:
            raise ValueError("give one of json, form and graphql")
        if self.variables and not self.graphql:
            raise ValueError("variables belong to graphql")
        if self.method in ("GET", "HEAD") and (self.json_body is not None or self.form or self.graphql):
            raise ValueError(f"a {self.method} has no body")
        for name, value in (("json", self.json_body), ("variables", self.variables)):
            for at, text in strings(value):
                try:
                    placeholders(text)
                except ValueError as error:
                    raise Misplaced(str(error), name, *at) from None
        return self

    def names(self) -> set[str]:
        """Return every placeholder of the request."""
        texts = [self.path, *self.query.values(), *self.headers.values(), *self.form.values()]
        texts += [text for _, text in strings((self.json_body, self.variables))]
        return {name for text in texts for name in placeholders(text)}


def strings(value: Any, at: tuple[str | int, ...] = ()) -> Iterator[tuple[tuple[str | int, ...], str]]:
    """List the strings inside JSON values with their places."""
    if isinstance(value, str):
        yield at, value
    elif isinstance(value, dict):
        for name, each in value.items():
            yield from strings(each, (*at, name))
    elif isinstance(value, list | tuple):
        for index, each in enumerate(value):
            yield from strings(each, (*at, index))
