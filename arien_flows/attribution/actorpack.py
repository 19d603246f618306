"""GraphSense ActorPacks: who the actors are that tags name.

An actor has an id, by which tags name it, a label, categories, jurisdictions, other names, and a
context with links and relations to other actors (`same_as`, `related_actors`, `sub_service_of`,
`nested_in`). The reader is as strict as that of TagPacks: an unknown field is a fault of its actor,
which is listed, and the other actors stand. Everything that is written is kept, so that a pack that
is written again says the same.
"""

import json
import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import date
from typing import Any

from arien_flows.attribution.concepts import canonical_concept, exported_concepts
from arien_flows.attribution.pack import FaultyRow
from arien_flows.attribution.pack_yaml import ActorLoader, load_pack, yaml_text
from arien_flows.attribution.tag_fields import FaultError, context_part, date_in, text_in
from arien_flows.errors import InputError

_HEADER = frozenset({"title", "creator", "description", "is_public", "actors"})
_INHERITED = frozenset(
    {"uri", "lastmod", "categories", "jurisdictions", "aliases", "context", "label"}
)
_FIELDS = _INHERITED | {"id"}
_LISTS = ("categories", "jurisdictions", "aliases")
_CONTEXT_LISTS = frozenset(
    {
        "uris", "refs", "images", "coingecko_ids", "defilama_ids", "same_as", "related_actors",
        "nested_in",
    }
)  # fmt: skip
_CONTEXT_TEXTS = frozenset(
    {"twitter_handle", "github_organisation", "legal_name", "sub_service_of"}
)
_LONGEST_CONTEXT = 65_536
_COUNTRY = re.compile(r"[A-Z]{2}")


@dataclass(frozen=True, slots=True, kw_only=True)
class Actor:
    """Somebody whom tags may name."""

    id: str
    label: str
    uri: str
    lastmod: date
    categories: tuple[str, ...]
    """Concepts."""

    jurisdictions: tuple[str, ...] = ()
    """Countries, as ISO 3166 writes them with two letters."""

    aliases: tuple[str, ...] = ()
    context: Mapping[str, object] | None = None
    """Links, relations to other actors, and whatever else the pack says: values of JSON."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ActorRow:
    """An actor and where it stands."""

    number: int
    actor: Actor


@dataclass(frozen=True, slots=True, kw_only=True)
class ActorPack:
    """One file of actors."""

    title: str
    creator: str
    description: str | None
    rows: tuple[ActorRow, ...]
    faults: tuple[FaultyRow, ...]


def parse_actorpack(raw: bytes, name: str) -> ActorPack:
    """Read an ActorPack from its bytes; `name` is what errors call it."""
    content = load_pack(raw, name, ActorLoader)
    if not isinstance(content, dict):
        raise InputError(f"{name}: an ActorPack is a mapping with a title, a creator and actors")
    for field in content:
        if field not in _HEADER and field not in _INHERITED:
            raise InputError(f"{name}: header: the field {field!r} is unknown")
    listed = content.get("actors")
    if not isinstance(listed, list) or not listed:
        raise InputError(f"{name}: header: actors must be a list with at least one actor")
    try:
        title, creator = text_in(content, "title"), text_in(content, "creator")
        description = text_in(content, "description") if "description" in content else None
    except FaultError as error:
        raise InputError(f"{name}: header: {error}") from error
    inherited = {field: value for field, value in content.items() if field in _INHERITED}
    rows: list[ActorRow] = []
    faults: list[FaultyRow] = []
    known: set[str] = set()
    for number, row in enumerate(listed, start=1):
        try:
            actor = _actor(row, inherited)
            if actor.id in known:
                raise FaultError(f"the actor {actor.id!r} is listed twice")
            known.add(actor.id)
            rows.append(ActorRow(number=number, actor=actor))
        except FaultError as error:
            written = row.get("id") if isinstance(row, dict) else ""
            subject = written if isinstance(written, str) else ""
            faults.append(FaultyRow(number=number, subject=subject, fault=str(error)))
    return ActorPack(
        title=title, creator=creator, description=description, rows=tuple(rows),
        faults=tuple(faults),
    )  # fmt: skip


def actor_text(actor: Actor) -> str:
    """Return an actor as JSON, for the casebook."""
    return json.dumps(_row(actor), ensure_ascii=False, sort_keys=True, default=str)


def actor_from(text: str) -> Actor:
    """Return the actor that `actor_text` wrote."""
    return _actor(json.loads(text), {})


def actorpack_text(
    actors: Iterable[Actor], *, title: str, creator: str, description: str | None = None
) -> Iterator[str]:
    """Yield an ActorPack, its actors by their ids, in words that GraphSense's tools accept."""
    head = {"title": title, "creator": creator, "description": description}
    yield yaml_text({field: value for field, value in head.items() if value is not None})
    yield "actors:\n"
    for actor in sorted(actors, key=lambda it: it.id):
        yield yaml_text([_row(actor) | {"categories": list(exported_concepts(actor.categories))}])


def _actor(row: object, inherited: Mapping[str, Any]) -> Actor:
    if not isinstance(row, dict):
        raise FaultError("an actor is a mapping")
    for field in row:
        if field not in _FIELDS:
            raise FaultError(f"the field {field!r} is unknown")
    fields = {**inherited, **row}
    return Actor(
        id=_plain(fields, "id"),
        label=_plain(fields, "label"),
        uri=_plain(fields, "uri"),
        lastmod=_day(fields),
        categories=_categories(fields),
        jurisdictions=_countries(fields),
        aliases=_texts(fields.get("aliases", []), "aliases"),
        context=_context(fields.get("context")),
    )


def _plain(fields: Mapping[str, Any], field: str) -> str:
    return text_in(fields, field)


def _texts(value: object, field: str) -> tuple[str, ...]:
    if not isinstance(value, list):
        raise FaultError(f"{field} must be a list")
    for each in value:
        if not isinstance(each, str) or not each.strip() or "\0" in each:
            raise FaultError(f"{field} holds {each!r}, which is no text")
    return tuple(value)


def _categories(fields: Mapping[str, Any]) -> tuple[str, ...]:
    if "categories" not in fields:
        raise FaultError("the field 'categories' is missing")
    found = []
    for written in _texts(fields["categories"], "categories"):
        concept = canonical_concept(written)
        if concept is None:
            raise FaultError(f"the concept {written!r} is unknown")
        found.append(concept)
    return tuple(dict.fromkeys(found))


def _countries(fields: Mapping[str, Any]) -> tuple[str, ...]:
    found = _texts(fields.get("jurisdictions", []), "jurisdictions")
    for country in found:
        if not _COUNTRY.fullmatch(country):
            raise FaultError(f"the jurisdiction {country!r} is no country code of two letters")
    return found


def _context(value: object) -> Mapping[str, object] | None:
    """Return a context; fields that the format does not name are kept as they are."""
    if value is None:
        return None
    if not isinstance(value, dict):
        raise FaultError("context must be a mapping")
    for field, told in value.items():
        if field in _CONTEXT_LISTS:
            _texts(told, f"context: {field}")
        elif field in _CONTEXT_TEXTS:
            _plain(value, field)
    try:
        text = json.dumps(value, ensure_ascii=False, allow_nan=False, default=context_part)
    except (TypeError, ValueError) as error:
        raise FaultError(f"the context cannot be written as JSON ({error})") from error
    if len(text) > _LONGEST_CONTEXT:
        raise FaultError(f"the context is longer than {_LONGEST_CONTEXT:,} characters")
    kept: dict[str, object] = json.loads(text)
    return kept


def _day(fields: Mapping[str, Any]) -> date:
    day = date_in(fields, "lastmod")
    if day is None:
        raise FaultError("lastmod is absent: it is a date (YYYY-MM-DD)")
    return day


def _row(actor: Actor) -> dict[str, object]:
    row: dict[str, object] = {
        "id": actor.id,
        "label": actor.label,
        "uri": actor.uri,
        "lastmod": actor.lastmod,
        "categories": list(actor.categories),
    }
    for field in ("jurisdictions", "aliases"):
        if getattr(actor, field):
            row[field] = list(getattr(actor, field))
    if actor.context is not None:
        row["context"] = dict(actor.context)
    return row
