"""From the fields of a tag, as a file writes them, to a tag.

Whatever format a list comes in, its rows are brought to the fields of a TagPack and judged here, so
that what is a fault in one is a fault in all.
"""

import json
from collections.abc import Collection, Mapping
from datetime import date, datetime
from typing import Any

from arien_flows.attribution.concepts import canonical_concept, imported_context
from arien_flows.attribution.tag import CONFIDENCE, DEFAULT_CONFIDENCE, TAG_TYPES, Tag

_LONGEST_CONTEXT = 65_536
TAG_FIELDS = frozenset(
    {
        "address", "tx_hash", "label", "source", "currency", "network", "confidence",
        "is_cluster_definer", "category", "abuse", "concepts", "tag_type", "actor", "context",
        "lastmod",
    }
)  # fmt: skip


class FaultError(Exception):
    """One tag breaks the format."""


def subject_in(row: object) -> str:
    """Return the address or transaction of a tag that need not be one, as it is written."""
    if not isinstance(row, dict):
        return ""
    found = row.get("address") or row.get("tx_hash") or ""
    return found if isinstance(found, str) else ""


def tag_of(row: object, inherited: Mapping[str, Any], creator: str) -> Tag:
    """Return a tag from its fields, and those that it inherits; `FaultError` where it is none."""
    if not isinstance(row, dict):
        raise FaultError("a tag is a mapping")
    for field in row:
        if field not in TAG_FIELDS:
            raise FaultError(f"the field {field!r} is unknown")
    fields = {**inherited, **row}
    for field, value in fields.items():
        if value is None:
            raise FaultError(f"the field {field!r} is empty")
    if ("address" in fields) == ("tx_hash" in fields):
        raise FaultError("exactly one of address and tx_hash is needed")
    currency = text_in(fields, "currency").upper()
    concepts, context = imported_context(_concepts(fields), _context(fields))
    return Tag(
        address=_optional(fields, "address"),
        tx_hash=_optional(fields, "tx_hash"),
        label=text_in(fields, "label"),
        source=text_in(fields, "source"),
        currency=currency,
        network=(_optional(fields, "network") or currency).upper(),
        confidence=_one_of(fields, "confidence", CONFIDENCE.keys()) or DEFAULT_CONFIDENCE,
        concepts=concepts,
        tag_type=_one_of(fields, "tag_type", TAG_TYPES),
        actor=_optional(fields, "actor"),
        is_cluster_definer=_bool(fields, "is_cluster_definer"),
        context=context,
        lastmod=date_in(fields, "lastmod"),
        creator=creator,
    )


def text_in(fields: Mapping[str, Any], field: str) -> str:
    """Return a field that must be text; `FaultError` where it is not."""
    value = fields.get(field)
    if value is None:
        raise FaultError(f"the field {field!r} is missing")
    if not isinstance(value, str):
        raise FaultError(f"the field {field!r} must be text")
    text = value.strip()
    if not text or "\0" in text:
        raise FaultError(f"the field {field!r} is empty or holds a NUL character")
    return text


def _optional(fields: Mapping[str, Any], field: str) -> str | None:
    return text_in(fields, field) if field in fields else None


def _one_of(fields: Mapping[str, Any], field: str, allowed: Collection[str]) -> str | None:
    if field not in fields:
        return None
    value = text_in(fields, field)
    if value not in allowed:
        known = ", ".join(sorted(allowed))
        raise FaultError(f"{field} {value!r} is unknown; it is one of {known}")
    return value


def _concepts(fields: Mapping[str, Any]) -> tuple[str, ...]:
    listed = fields.get("concepts", [])
    if not isinstance(listed, list):
        raise FaultError("concepts must be a list")
    found = [fields[field] for field in ("category", "abuse") if field in fields] + listed
    concepts: list[str] = []
    for written in found:
        concept = canonical_concept(written)
        if concept is None:
            raise FaultError(f"the concept {written!r} is unknown")
        concepts.append(concept)
    return tuple(dict.fromkeys(concepts))


def _context(fields: Mapping[str, Any]) -> str | None:
    """Return the context as text; what is not text becomes JSON.

    It is built piece by piece and stopped at its limit: a few lines of YAML that refer to
    themselves can stand for gigabytes.
    """
    value = fields.get("context")
    if value is None:
        return None
    if isinstance(value, str):
        return text_in(fields, "context")
    encoder = json.JSONEncoder(
        ensure_ascii=False, sort_keys=True, allow_nan=False, default=context_part
    )
    text = ""
    try:
        for piece in encoder.iterencode(value):
            text += piece
            if len(text) > _LONGEST_CONTEXT:
                raise FaultError(f"the context is longer than {_LONGEST_CONTEXT:,} characters")
    except (TypeError, ValueError) as error:
        raise FaultError(f"the context cannot be written as JSON ({error})") from error
    return text


def context_part(value: object) -> str:
    """Return a date as text; what else YAML knows and JSON does not has no text of its own."""
    if isinstance(value, date):
        return str(value)
    raise TypeError(f"it holds a {type(value).__name__}")


def _bool(fields: Mapping[str, Any], field: str) -> bool:
    value = fields.get(field, False)
    if not isinstance(value, bool):
        raise FaultError(f"{field} must be true or false")
    return value


def date_in(fields: Mapping[str, Any], field: str) -> date | None:
    """Return the date in a field; nothing where there is none. `FaultError` for what is no date."""
    value = fields.get(field)
    if value is None:
        return None
    if isinstance(value, datetime):
        return value.date()
    if isinstance(value, date):
        return value
    try:
        return date.fromisoformat(str(value))
    except ValueError as error:
        raise FaultError(f"{field} {value!r} is not a date (YYYY-MM-DD)") from error
