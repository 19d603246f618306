"""GraphSense TagPacks: what named sources say about addresses.

A TagPack is a YAML file with a title, a creator and a list of tags; any tag field may stand in
the header and is inherited by every tag, whose own value wins. The reader is strict: a tag that
is silently dropped or misread would later be a wrong name in a report. A fault of the file or its
header refuses the file; a fault of one tag is listed with its row, and the other tags stand.

A pack must be one file, because its bytes are kept as the evidence: a header that is included
from elsewhere (`!include`) is refused.
"""

import hashlib
import json
import re
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from datetime import date, datetime
from pathlib import Path
from typing import Any

import yaml

from arien_flows.attribution.concepts import canonical_concept, imported_context
from arien_flows.attribution.tag import CONFIDENCE, DEFAULT_CONFIDENCE, TAG_TYPES, Tag
from arien_flows.errors import InputError

_LARGEST_FILE = 200 * 2**20
_LONGEST_CONTEXT = 65_536
_DEEPEST = 100
_SHALLOW_BRACKETS = 1_000
_LONG_LINE = re.compile(rb"[^\n]{1000}")
_HEADER_ONLY = frozenset({"title", "creator", "description", "owner", "is_public", "tags"})
_TAG_FIELDS = frozenset(
    {
        "address", "tx_hash", "label", "source", "currency", "network", "confidence",
        "is_cluster_definer", "category", "abuse", "concepts", "tag_type", "actor", "context",
        "lastmod",
    }
)  # fmt: skip
_TEXT_FIELDS = frozenset(
    {"address", "tx_hash", "label", "source", "actor", "title", "creator", "currency", "network"}
)
"""Read as they are written: plain YAML makes the number 4660 of an address that begins 0x1234."""

_NULLS = frozenset({"", "~", "null", "Null", "NULL"})


class _FaultError(Exception):
    """One tag breaks the format."""


@dataclass(frozen=True, slots=True, kw_only=True)
class PackRow:
    """A tag and where it stands."""

    number: int
    """Place in the list of tags, counted from 1."""

    tag: Tag


@dataclass(frozen=True, slots=True, kw_only=True)
class FaultyRow:
    """A tag that cannot be used, and why."""

    number: int
    """Place in the list of tags, counted from 1."""

    subject: str
    """The address or transaction as the pack writes it; empty where that cannot be told."""

    fault: str


@dataclass(frozen=True, slots=True, kw_only=True)
class TagPack:
    """One file of tags."""

    title: str
    creator: str
    sha256: str
    """Of the file's bytes."""

    rows: tuple[PackRow, ...]
    faults: tuple[FaultyRow, ...]

    @property
    def tags(self) -> tuple[Tag, ...]:
        """Return the tags that keep to the format."""
        return tuple(row.tag for row in self.rows)


class _Loader(yaml.CSafeLoader):
    """Safe YAML that refuses a key written twice, of which plain YAML drops the first silently."""


def _mapping(loader: _Loader, node: yaml.MappingNode) -> dict[str, Any]:
    mapping: dict[str, Any] = {}
    for key_node, value_node in node.value:
        if not isinstance(key_node, yaml.ScalarNode):
            raise yaml.constructor.ConstructorError(
                None, None, "a key is a list or a mapping", key_node.start_mark
            )
        key: str = key_node.value  # as it is written: plain YAML makes `false` of Norway's `no`
        if key in mapping:
            raise yaml.constructor.ConstructorError(
                None, None, f"the key {key!r} is written twice", key_node.start_mark
            )
        if key in _TEXT_FIELDS and isinstance(value_node, yaml.ScalarNode):
            mapping[key] = _written(value_node)
        else:
            mapping[key] = loader.construct_object(value_node, deep=True)
    return mapping


def _written(node: yaml.ScalarNode) -> str | None:
    text: str = node.value
    is_plain = not node.style  # neither quoted nor a block
    return None if is_plain and text in _NULLS else text


def _include(_loader: _Loader, node: yaml.Node) -> None:
    raise yaml.constructor.ConstructorError(
        None,
        None,
        "!include names another file, and a pack is kept as one: write the header into the pack",
        node.start_mark,
    )


def _timestamp(loader: _Loader, node: yaml.ScalarNode) -> object:
    """Leave a date that does not exist as text: a fault of its tag, and not of the whole file."""
    try:
        return loader.construct_yaml_timestamp(node)
    except (AttributeError, ValueError):
        return node.value


_Loader.add_constructor(yaml.resolver.BaseResolver.DEFAULT_MAPPING_TAG, _mapping)
_Loader.add_constructor("tag:yaml.org,2002:timestamp", _timestamp)
_Loader.add_constructor("!include", _include)


def read_tagpack(path: Path) -> TagPack:
    """Read one TagPack file.

    Raises
    ------
    InputError
        If the file cannot be read or is no TagPack; names the file and the fault.
    """
    return parse_tagpack(read_pack_bytes(path), path.name)


def read_pack_bytes(path: Path) -> bytes:
    """Return the bytes of a file that may be a TagPack."""
    try:
        if path.stat().st_size > _LARGEST_FILE:
            raise InputError(f"{path.name}: larger than 200 MB; split the pack")
        return path.read_bytes()
    except OSError as error:
        raise InputError(f"{path}: cannot be read ({error.strerror})") from error


def parse_tagpack(raw: bytes, name: str) -> TagPack:
    """Read a TagPack from its bytes; `name` is what errors call it."""
    try:
        _check_depth(raw, name)
        content = yaml.load(raw, Loader=_Loader)  # noqa: S506  a subclass of the safe loader
    except (yaml.YAMLError, *_UNREADABLE) as error:
        reason = " ".join(str(error).split())
        raise InputError(f"{name}: not valid YAML: {reason}") from error
    if not isinstance(content, dict):
        raise InputError(f"{name}: a TagPack is a mapping with a title, a creator and tags")
    for field in content:
        if field not in _HEADER_ONLY and field not in _TAG_FIELDS:
            raise InputError(f"{name}: header: the field {field!r} is unknown")
    try:
        title = _text(content, "title")
        creator = _text(content, "creator")
    except _FaultError as error:
        raise InputError(f"{name}: header: {error}") from error
    listed = content.get("tags")
    if not isinstance(listed, list) or not listed:
        raise InputError(f"{name}: header: tags must be a list with at least one tag")
    inherited = {field: value for field, value in content.items() if field in _TAG_FIELDS}
    rows, faults = _rows(listed, inherited, creator)
    return TagPack(
        title=title,
        creator=creator,
        sha256=hashlib.sha256(raw).hexdigest(),
        rows=tuple(rows),
        faults=tuple(faults),
    )


_UNREADABLE = (KeyError, RecursionError, ValueError)
"""What PyYAML raises where a value is not of the type that its tag (`!!bool`) claims."""


def _check_depth(raw: bytes, name: str) -> None:
    """Refuse what is nested so deeply that the YAML library would overflow its stack and crash."""
    # A level needs a bracket, or a column of its own. To look at every pack would take a quarter
    # of the time that reading it takes.
    if raw.count(b"[") + raw.count(b"{") < _SHALLOW_BRACKETS and not _LONG_LINE.search(raw):
        return
    depth = 0
    for event in yaml.parse(raw, Loader=yaml.CSafeLoader):
        if isinstance(event, yaml.CollectionStartEvent):
            depth += 1
            if depth > _DEEPEST:
                raise InputError(f"{name}: nested more than {_DEEPEST} levels deep: no TagPack is")
        elif isinstance(event, yaml.CollectionEndEvent):
            depth -= 1


def _rows(
    listed: list[object], inherited: dict[str, Any], creator: str
) -> tuple[list[PackRow], list[FaultyRow]]:
    rows: list[PackRow] = []
    faults: list[FaultyRow] = []
    for number, row in enumerate(listed, start=1):
        try:
            rows.append(PackRow(number=number, tag=_tag(row, inherited, creator)))
        except _FaultError as error:
            faults.append(FaultyRow(number=number, subject=_subject(row), fault=str(error)))
    return rows, faults


def _subject(row: object) -> str:
    if not isinstance(row, dict):
        return ""
    found = row.get("address") or row.get("tx_hash") or ""
    return found if isinstance(found, str) else ""


def _tag(row: object, inherited: dict[str, Any], creator: str) -> Tag:
    if not isinstance(row, dict):
        raise _FaultError("a tag is a mapping")
    for field in row:
        if field not in _TAG_FIELDS:
            raise _FaultError(f"the field {field!r} is unknown")
    fields = {**inherited, **row}
    for field, value in fields.items():
        if value is None:
            raise _FaultError(f"the field {field!r} is empty")
    if ("address" in fields) == ("tx_hash" in fields):
        raise _FaultError("exactly one of address and tx_hash is needed")
    currency = _text(fields, "currency").upper()
    concepts, context = imported_context(_concepts(fields), _context(fields))
    return Tag(
        address=_optional(fields, "address"),
        tx_hash=_optional(fields, "tx_hash"),
        label=_text(fields, "label"),
        source=_text(fields, "source"),
        currency=currency,
        network=(_optional(fields, "network") or currency).upper(),
        confidence=_one_of(fields, "confidence", CONFIDENCE.keys()) or DEFAULT_CONFIDENCE,
        concepts=concepts,
        tag_type=_one_of(fields, "tag_type", TAG_TYPES),
        actor=_optional(fields, "actor"),
        is_cluster_definer=_bool(fields, "is_cluster_definer"),
        context=context,
        lastmod=_date(fields),
        creator=creator,
    )


def _text(fields: Mapping[str, Any], field: str) -> str:
    value = fields.get(field)
    if value is None:
        raise _FaultError(f"the field {field!r} is missing")
    if not isinstance(value, str):
        raise _FaultError(f"the field {field!r} must be text")
    text = value.strip()
    if not text or "\0" in text:
        raise _FaultError(f"the field {field!r} is empty or holds a NUL character")
    return text


def _optional(fields: Mapping[str, Any], field: str) -> str | None:
    return _text(fields, field) if field in fields else None


def _one_of(fields: Mapping[str, Any], field: str, allowed: Collection[str]) -> str | None:
    if field not in fields:
        return None
    value = _text(fields, field)
    if value not in allowed:
        known = ", ".join(sorted(allowed))
        raise _FaultError(f"{field} {value!r} is unknown; it is one of {known}")
    return value


def _concepts(fields: Mapping[str, Any]) -> tuple[str, ...]:
    listed = fields.get("concepts", [])
    if not isinstance(listed, list):
        raise _FaultError("concepts must be a list")
    found = [fields[field] for field in ("category", "abuse") if field in fields] + listed
    concepts: list[str] = []
    for written in found:
        concept = canonical_concept(written)
        if concept is None:
            raise _FaultError(f"the concept {written!r} is unknown")
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
        return _text(fields, "context")
    encoder = json.JSONEncoder(
        ensure_ascii=False, sort_keys=True, allow_nan=False, default=_context_part
    )
    text = ""
    try:
        for piece in encoder.iterencode(value):
            text += piece
            if len(text) > _LONGEST_CONTEXT:
                raise _FaultError(f"the context is longer than {_LONGEST_CONTEXT:,} characters")
    except (TypeError, ValueError) as error:
        raise _FaultError(f"the context cannot be written as JSON ({error})") from error
    return text


def _context_part(value: object) -> str:
    """Return a date as text; what else YAML knows and JSON does not has no text of its own."""
    if isinstance(value, date):
        return str(value)
    raise TypeError(f"it holds a {type(value).__name__}")


def _bool(fields: Mapping[str, Any], field: str) -> bool:
    value = fields.get(field, False)
    if not isinstance(value, bool):
        raise _FaultError(f"{field} must be true or false")
    return value


def _date(fields: Mapping[str, Any]) -> date | None:
    value = fields.get("lastmod")
    if value is None:
        return None
    if isinstance(value, datetime):
        return value.date()
    if isinstance(value, date):
        return value
    try:
        return date.fromisoformat(str(value))
    except ValueError as error:
        raise _FaultError(f"lastmod {value!r} is not a date (YYYY-MM-DD)") from error
