"""What all answers share, and the one way in which they become JSON.

An answer is a frozen dataclass whose field docstrings are the documentation that the service
publishes. The command line's `--json` and the service send the same bytes, because both call
`json_text`. Amounts are decimal strings of base units (a JSON number loses digits past 2^53),
times are RFC 3339 in UTC, and no field holds a number of the ledger.
"""

import json
from collections.abc import Iterable
from dataclasses import dataclass, fields, is_dataclass
from datetime import UTC, date, datetime
from enum import Enum
from functools import cache, lru_cache
from types import NoneType, UnionType
from typing import Any, ClassVar, Literal, Union, cast, get_args, get_origin, get_type_hints

Certainty = Literal["fact", "inference", "attribution"]
"""Whether the chain says it, a named rule says it, or a source says it."""


class Shape:
    """Base of every answer and of its parts."""

    __slots__ = ()

    __pydantic_config__: ClassVar[dict[str, bool]] = {"use_attribute_docstrings": True}
    """Read by the web framework when it describes the answers."""


@dataclass(frozen=True, slots=True, kw_only=True)
class AsOf(Shape):
    """The state of the chain that an answer describes."""

    network: str
    """Name of the network."""

    height: int
    """Height of the last block that the answer knows of."""

    block_hash: str
    """Hash of that block."""

    time: datetime
    """The time that the block's header states."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Truncation(Shape):
    """Something that the answer leaves out."""

    where: str
    """The part of the answer that is cut or absent."""

    reason: str
    """Why, in a word that programs may rely on."""

    limit: int | None = None
    """The limit that cut it, where there was one."""

    detail: str = ""
    """What to do to get the rest."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ChainAnswer(Shape):
    """What every answer about the chain carries."""

    as_of: AsOf
    """The state of the chain that is described."""

    complete: bool
    """Whether nothing is left out; if not, `truncations` says what."""

    truncations: tuple[Truncation, ...] = ()
    """What is left out, and why."""


_AS_THEY_ARE = frozenset((str, int, bool, NoneType))
"""What JSON knows."""


def plain(value: object) -> object:
    """Return an answer as the dictionaries, lists, strings and numbers that JSON knows."""
    kind: type = type(value)
    if kind in _AS_THEY_ARE:
        return value
    # An answer may hold half a million of these, so they are not asked about one by one.
    if kind is tuple or kind is list:
        items = cast("Iterable[object]", value)
        return [item if type(item) in _AS_THEY_ARE else plain(item) for item in items]
    names = _field_names(kind)
    if names is not None:
        return {
            name: part if type(part := getattr(value, name)) in _AS_THEY_ARE else plain(part)
            for name in names
        }
    if isinstance(value, datetime):
        return shown_time(value)
    if isinstance(value, date):
        return value.isoformat()
    if isinstance(value, Enum):
        return plain(value.value)
    if isinstance(value, dict):
        return {str(key): plain(item) for key, item in value.items()}
    raise TypeError(f"an answer may not hold a {kind.__name__}")


@cache
def _field_names(kind: type) -> tuple[str, ...] | None:
    """Return the names of a shape's fields; nothing for what is no shape."""
    return tuple(field.name for field in fields(kind)) if is_dataclass(kind) else None


def json_text(answer: object, *, indent: int | None = None) -> str:
    """Return an answer as JSON text."""
    return json.dumps(plain(answer), ensure_ascii=False, indent=indent)


def shown_time(moment: datetime) -> str:
    """Return a moment in RFC 3339, in UTC, to the second."""
    return _shown(moment if moment.tzinfo is UTC else moment.astimezone(UTC))


@lru_cache(maxsize=1 << 16)
def _shown(moment: datetime) -> str:
    """Return a moment in UTC as text; an answer names the time of a block many times over."""
    return moment.replace(tzinfo=None).isoformat(timespec="seconds") + "Z"


def shaped(kind: Any, value: object, where: str = "") -> Any:
    """Return what `plain` made a value of: an answer of a kind, or a part of one.

    `ValueError` names the field that does not fit, or that this program does not know.
    """
    origin, parts = get_origin(kind), get_args(kind)
    if origin in (Union, UnionType):
        if value is None and NoneType in parts:
            return None
        (kind,) = (part for part in parts if part is not NoneType)
        return shaped(kind, value, where)
    if origin is tuple and isinstance(value, list):
        if parts[-1] is not Ellipsis:
            if len(parts) != len(value):
                raise ValueError(f"{where.lstrip('.') or 'it'} is not of its length")
            pairs = enumerate(zip(parts, value, strict=True))
            return tuple(shaped(part, item, f"{where}[{i}]") for i, (part, item) in pairs)
        return tuple(shaped(parts[0], item, f"{where}[{i}]") for i, item in enumerate(value))
    if origin is dict and isinstance(value, dict):
        return {name: shaped(parts[1], item, f"{where}.{name}") for name, item in value.items()}
    if origin is Literal and value in parts:
        return value
    if is_dataclass(kind) and isinstance(value, dict):
        return _shaped_fields(kind, value, where)
    if kind is datetime and isinstance(value, str):
        return datetime.fromisoformat(value)
    if kind in (str, int, bool) and type(value) is kind:
        return value
    raise ValueError(f"{where.lstrip('.') or 'it'} is not what it should be")


@cache
def _hints(kind: type) -> dict[str, Any]:
    """Return what the fields of a shape are; a file may hold thousands of one kind."""
    return get_type_hints(kind)


def _shaped_fields(kind: Any, value: dict[str, object], where: str) -> Any:
    kinds = _hints(kind)
    known = {field.name for field in fields(kind)}
    strange = sorted(set(value) - known)
    if strange:
        raise ValueError(f"{where}.{strange[0]} is unknown".lstrip("."))
    told = {name: shaped(kinds[name], part, f"{where}.{name}") for name, part in value.items()}
    try:
        return kind(**told)
    except TypeError as error:
        raise ValueError(f"{where.lstrip('.') or 'it'} lacks a part ({error})") from error
