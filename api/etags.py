"""Versions of things in HTTP's words: `ETag`, `If-Match`, `If-None-Match` (RFC 9110 §13)."""

from fastapi import Request

from arien_flows.errors import LostUpdateError, UnconditionalError


def entity_tag(version: str) -> str:
    """Return a strong tag of a version; the text holds no quotes."""
    return f'"{version}"'


def require_match(request: Request, version: str) -> None:
    """Raise unless a change is of the present version of a thing."""
    given = request.headers.get("if-match")
    if given is None:
        raise UnconditionalError(
            "say in `If-Match` which version is changed: the `ETag` of the answer that was read"
        )
    if entity_tag(version) not in _listed(given):
        raise LostUpdateError("somebody else changed it meanwhile: read it again")


def is_known(request: Request, version: str) -> bool:
    """Tell whether the caller holds this version already, so that 304 is the answer."""
    given = request.headers.get("if-none-match")
    return given is not None and is_listed(given, entity_tag(version))


def is_listed(given: str, tag: str) -> bool:
    """Tell whether an `If-None-Match` names a tag, or any; weakly compared (RFC 9110 §13.1.2)."""
    named = {each.removeprefix("W/") for each in _listed(given)}
    return given.strip() == "*" or tag.removeprefix("W/") in named


def _listed(header: str) -> set[str]:
    return {tag.strip() for tag in header.split(",")}
