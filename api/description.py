"""The OpenAPI document: what the framework finds in the types, with what it misses added.

Three things are added: errors are described under the media type they are sent with, fields that
an answer inherits get the text of their origin, and each operation shows a real answer. The
examples are answers about a small made-up chain, stored beside this module; a test makes them
anew and compares.
"""

import json
from collections.abc import Iterator
from dataclasses import is_dataclass
from functools import cache
from pathlib import Path
from typing import Any

from fastapi import FastAPI
from fastapi.openapi.utils import get_openapi
from pydantic import TypeAdapter

from api.errors import MEDIA_TYPE
from arien_flows.shapes import Shape

EXAMPLES = Path(__file__).parent / "examples.json"
"""Real answers by operation id."""

_PROBLEM = {"$ref": "#/components/schemas/Problem"}


def describe(app: FastAPI) -> dict[str, Any]:
    """Return the OpenAPI document of an application."""
    document = get_openapi(
        title=app.title,
        version=app.version,
        description=app.description,
        routes=app.routes,
    )
    examples = json.loads(EXAMPLES.read_text(encoding="utf-8"))
    for path in document["paths"].values():
        for operation in path.values():
            _describe_errors(operation["responses"])
            example = examples.get(operation["operationId"])
            if example is not None:
                operation["responses"]["200"]["content"]["application/json"]["example"] = example
    _describe_inherited(document["components"]["schemas"])
    return document


def _describe_errors(responses: dict[str, Any]) -> None:
    for status, response in responses.items():
        if int(status) >= 400:
            response["content"] = {MEDIA_TYPE: {"schema": _PROBLEM}}


def _describe_inherited(schemas: dict[str, Any]) -> None:
    """Give fields that a shape inherits the text of their origin."""
    shapes = {shape.__name__: shape for shape in _heirs(Shape)}
    for name, schema in schemas.items():
        for origin in shapes[name].__mro__[1:] if name in shapes else ():
            if not is_dataclass(origin):
                continue
            for field, inherited in _fields_told(origin).items():
                described = schema.get("properties", {}).get(field)
                if described is not None and "description" in inherited:
                    described.setdefault("description", inherited["description"])


def _heirs(shape: type[Shape]) -> Iterator[type[Shape]]:
    for heir in shape.__subclasses__():
        yield heir
        yield from _heirs(heir)


@cache
def _fields_told(origin: type[Shape]) -> dict[str, Any]:
    """Return what the framework tells of a shape's fields, by name."""
    told = TypeAdapter(origin).json_schema()
    own = told.get("$defs", {}).get(origin.__name__, told)
    fields: dict[str, Any] = own.get("properties", {})
    return fields
