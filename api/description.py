"""The OpenAPI document: what the framework finds in the types, with what it misses added.

Added are: errors under the media type they are sent with, and those that any operation may answer
with; who may ask, and the headers of all requests and answers; the text of fields that an answer
inherits; and to each operation a real answer. The examples are answers about a small made-up chain,
stored beside this module; a test makes them anew and compares.
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
_PUBLIC = ("/livez", "/readyz", "/v1/sign-in", "/v1/sign-in/return")
"""Paths that anybody may ask."""

_COMMON = {
    "401": "Nobody in particular asks, or with a key that no longer counts.",
    "403": "The caller may not do this.",
    "404": "No such network or case, or none that the caller may know of.",
    "422": "A parameter or a header is not valid; the answer names it.",
    "429": "Too many requests; `Retry-After` says when to ask again.",
    "500": "The service failed, or a file of it cannot be used. A bug is in its log.",
    "503": "Something is being written to, or was changed meanwhile: ask again.",
    "507": "No space is left on the device.",
}
"""Errors of every operation, where it does not describe its own."""

_OF_BODIES = {
    "400": "The body cannot be read as what it says it is.",
    "413": "The body is longer than the service allows.",
    "415": "The body is of a media type that the operation does not take.",
}
_OF_KEYS = {
    "409": "Not possible as things are; or a request under this `Idempotency-Key` is being carried "
    "out, or nobody knows whether it was."
}
_OF_CONDITIONS = {"304": "Nothing has changed since the answer that `If-None-Match` names."}

_TAGS = {
    "health": "Whether the service lives, and can answer.",
    "networks": "The ledgers that are here.",
    "addresses": "What the chain says of an address, what rules infer, what sources say.",
    "neighbours": "Who paid an address or an entity, and whom it paid, in sum.",
    "lookups": "Many addresses and transactions in one request.",
    "transactions": "Transactions, decoded and with their flags; peel chains.",
    "entities": "The addresses that rules join, what joins them and what spoke against it.",
    "exposure": "Whose money somebody received, and who received theirs.",
    "risk": "Scores with everything that they rest on.",
    "vendors": "Accounts of markets that documents speak of.",
    "tags": "What sources say of addresses, and the imports of it.",
    "listings": "Collected documents, and what was found in them.",
    "traces": "Where money went, or came from.",
    "paths": "Flows that connect two addresses.",
    "batches": "Tables of addresses, answered row by row by a job.",
    "jobs": "What is being done or was done in the background.",
    "heuristics": "The rules, with their documentation.",
    "audit": "Who asked or changed what, and when and why; that nothing of it was changed.",
    "service": "What the service counts about itself.",
    "accounts": "People and programs, their keys and their sessions.",
    "cases": "Folders of investigations: members, content, deadlines, and signals between them.",
    "watches": "Addresses and entities that are followed, and alerts of their movements.",
    "webhooks": "Receivers of signed messages about events, and the log of deliveries.",
}
"""What each group of operations is about; a test asks that none is missing."""


def describe(app: FastAPI) -> dict[str, Any]:
    """Return the OpenAPI document of an application."""
    document = get_openapi(
        title=app.title,
        version=app.version,
        description=app.description,
        routes=app.routes,
    )
    examples = json.loads(EXAMPLES.read_text(encoding="utf-8"))
    for path, operations in document["paths"].items():
        for method, operation in operations.items():
            _describe_common(path, method, operation)
            _describe_errors(operation["responses"])
            example = examples.get(operation["operationId"])
            shown = _success(operation)
            if example is not None and shown is not None:
                shown["example"] = example
    _describe_access(document)
    for unused in ("HTTPValidationError", "ValidationError"):
        document["components"]["schemas"].pop(unused, None)  # problem documents stand for them
    _describe_inherited(document["components"]["schemas"])
    _describe_once(document)
    _drop_titles(document["paths"])
    _drop_titles(document["components"])
    return document


def _success(operation: dict[str, Any]) -> dict[str, Any] | None:
    """Return the JSON answer of an operation where it has one: of the first status of success."""
    for status, response in sorted(operation["responses"].items()):
        content = response.get("content", {}).get("application/json")
        if status < "300" and content is not None:
            found: dict[str, Any] = content
            return found
    return None


def _describe_common(path: str, method: str, operation: dict[str, Any]) -> None:
    """Add what holds for all operations, or for all of a kind."""
    responses = operation["responses"]
    common = {} if path in _PUBLIC else dict(_COMMON)
    parameters = [_REQUEST_ID]
    if "requestBody" in operation:
        common |= _OF_BODIES
    if method == "post":
        common |= _OF_KEYS
        parameters.append(_IDEMPOTENCY_KEY)
    if method == "get" and _success(operation) is not None:
        common |= _OF_CONDITIONS
        parameters.append(_IF_NONE_MATCH)
    if path not in _PUBLIC:
        parameters += [_CASE, _REASON]
    given = {each["name"].lower() for each in operation.get("parameters", ())}
    added = [each for each in parameters if each["name"].lower() not in given]
    operation["parameters"] = [*operation.get("parameters", ()), *added]
    for status, meaning in common.items():
        responses.setdefault(status, {"description": meaning})
    operation["responses"] = dict(sorted(responses.items()))
    for status, response in operation["responses"].items():
        headers = {"X-Request-ID": _header("RequestId")}
        if method == "get" and status in ("200", "304"):
            headers["ETag"] = _header("ETag")
        if path not in _PUBLIC and (status < "300" or status == "429"):
            headers |= {name: _header(name) for name in _LIMIT_HEADERS}
        if status == "429":
            headers["Retry-After"] = _header("RetryAfter")
        response["headers"] = headers | response.get("headers", {})
    if path in _PUBLIC:
        operation["security"] = []


def _header(name: str) -> dict[str, str]:
    return {"$ref": f"#/components/headers/{name.replace('-', '')}"}


def _request_header(name: str, pattern: str, most: int, meaning: str) -> dict[str, Any]:
    return {
        "name": name,
        "in": "header",
        "required": False,
        "description": meaning,
        "schema": {"type": "string", "maxLength": most, "pattern": pattern},
    }


_REQUEST_ID = _request_header(
    "X-Request-ID",
    "^[A-Za-z0-9._-]{1,64}$",
    64,
    "Names the request in the answer, the log and the audit; made up where it is not given.",
)
_IDEMPOTENCY_KEY = _request_header(
    "Idempotency-Key",
    "^[!-~]([ -~]{0,253}[!-~])?$",
    255,
    "A new text for each thing to be done (a UUID, say). Within 24 hours the same request under "
    "the same key is carried out once, and answered again with `Idempotent-Replayed: true`; "
    "another request under it is refused.",
)
_IF_NONE_MATCH = _request_header(
    "If-None-Match",
    "^[!-~]([ -~]{0,253}[!-~])?$",
    255,
    "`ETag` of an answer that the caller holds: where nothing has changed the answer is 304.",
)
_CASE = _request_header(
    "X-Case-ID", "^case_[0-9a-z]{26}$", 31, "The case that the question is asked for."
)
_REASON = _request_header(
    "X-Reason",
    "^[!-~]([ -~]{0,498}[!-~])?$",
    500,
    "Why it is asked, for the audit; other letters than those of ASCII percent-encoded in UTF-8.",
)
_LIMIT_HEADERS = ("X-RateLimit-Limit", "X-RateLimit-Remaining", "X-RateLimit-Reset")
_HEADERS = {
    "RequestId": ("string", "Names the request in the log and the audit."),
    "ETag": ("string", "Hash of the answer; for `If-None-Match`, or `If-Match` of a change."),
    "RetryAfter": ("integer", "Seconds after which to ask again."),
    "XRateLimitLimit": ("integer", "Requests that are allowed in a time, where a limit is set."),
    "XRateLimitRemaining": ("integer", "How many of them are left."),
    "XRateLimitReset": ("integer", "Seconds until all are allowed again."),
}


def _describe_access(document: dict[str, Any]) -> None:
    """Say who may ask, and name what is described once for all operations."""
    components = document["components"]
    components["headers"] = {
        name: {"description": meaning, "schema": {"type": kind}}
        for name, (kind, meaning) in _HEADERS.items()
    }
    components["securitySchemes"] = {
        "key": {
            "type": "http",
            "scheme": "bearer",
            "description": "An API key (`af_…`), or a token of the organisation's sign-in service "
            "(JWT). A service without accounts asks for neither, and answers this machine only.",
        },
        "session": {
            "type": "apiKey",
            "in": "cookie",
            "name": "__Host-arien-session",
            "description": "What a person who signed in with a browser bears.",
        },
    }
    document["security"] = [{}, {"key": []}, {"session": []}]
    used = {
        tag
        for path in document["paths"].values()
        for operation in path.values()
        for tag in operation.get("tags", ())
    }
    document["tags"] = [
        {"name": name, "description": meaning} for name, meaning in _TAGS.items() if name in used
    ]


def _describe_once(document: dict[str, Any]) -> None:
    """Move what many operations have in common to one place, and refer to it from them."""
    meanings = _COMMON | _OF_BODIES | _OF_KEYS | _OF_CONDITIONS
    parameters: dict[str, Any] = document["components"].setdefault("parameters", {})
    answers: dict[str, Any] = document["components"].setdefault("responses", {})
    parameters |= {
        each["name"]: each
        for each in (_REQUEST_ID, _IDEMPOTENCY_KEY, _IF_NONE_MATCH, _CASE, _REASON)
    }
    for path, operations in document["paths"].items():
        for operation in operations.values():
            operation["parameters"] = [
                {"$ref": f"#/components/parameters/{each['name']}"}
                if parameters.get(each["name"]) == each
                else each
                for each in operation["parameters"]
            ]
            for status, response in operation["responses"].items():
                if path not in _PUBLIC and response["description"] == meanings.get(status):
                    name = f"Status{status}"
                    if answers.setdefault(name, response) == response:
                        operation["responses"][status] = {"$ref": f"#/components/responses/{name}"}


def _drop_titles(part: Any) -> None:
    """Take away the names of fields that the framework writes a second time, as titles."""
    if isinstance(part, list):
        for each in part:
            _drop_titles(each)
    if isinstance(part, dict):
        if isinstance(part.get("title"), str):
            del part["title"]
        for field, each in part.items():
            if field not in ("example", "examples", "default"):
                _drop_titles(each)


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
