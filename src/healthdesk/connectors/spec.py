"""The manifest of a connector folder."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field

AppId = Annotated[str, Field(pattern=r"^[a-z][a-z0-9]*(-[a-z0-9]+)*$", max_length=40)]


class FieldManifest(BaseModel):
    """A setting or credential the app asks for."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    key: Annotated[str, Field(pattern=r"^[a-z][a-z0-9_]*$", max_length=40)]
    label: Annotated[str, Field(min_length=1, max_length=60)]
    help: str = ""
    example: str = ""
    secret: bool = False
    required: bool = True
    options: list[str] = []
    default: str = ""


class Manifest(BaseModel):
    """`manifest.toml`: what an app is called and what it asks for. The API's App model is made from it."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    id: AppId
    name: Annotated[str, Field(min_length=1, max_length=60)]
    summary: Annotated[str, Field(max_length=200)] = ""
    kinds: Annotated[list[Literal["tasks", "proof", "delivery"]], Field(min_length=1)]
    fields: list[FieldManifest] = []
