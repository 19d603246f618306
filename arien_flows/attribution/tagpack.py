"""GraphSense TagPacks: what named sources say about addresses.

A TagPack is a YAML file with a title, a creator and a list of tags; any tag field may stand in
the header and is inherited by every tag, whose own value wins. The reader is strict. A tag that
is silently dropped or misread would later be a wrong name in a report, so a file with a fault is
refused as a whole, with the file, the tag and the fault in one line.

Confidence levels and concepts are GraphSense's published ones, so that packs can be exchanged.
"""

import hashlib
from collections.abc import Collection, Hashable, Mapping
from dataclasses import dataclass
from datetime import date, datetime
from pathlib import Path
from typing import Any

import yaml

from arien_flows.errors import InputError

CONFIDENCE: Mapping[str, int] = {
    "override": 100,
    "ownership": 100,
    "ledger_immanent": 100,
    "manual_transaction": 90,
    "service_api": 70,
    "forensic_investigation": 70,
    "authority_data": 60,
    "trusted_provider": 50,
    "service_data": 50,
    "forensic": 50,
    "untrusted_transaction": 40,
    "web_crawl": 20,
    "heuristic": 10,
    "unknown": 5,
}
"""GraphSense's confidence ids and their levels, 0 to 100."""

CONCEPTS = frozenset(
    {
        "abuse", "account_hack", "atm", "behaviour", "black_list", "bridge", "child_sexual_abuse",
        "coinjoin", "cold_wallet", "collectible", "counterfeit", "custody", "dao", "dark_web",
        "data_breach", "defi", "defi_bridge", "defi_custody", "defi_dao", "defi_derivatives",
        "defi_dex", "defi_dex_pair", "defi_lending", "defi_staking", "defi_token", "deployer",
        "deposit_wallet", "derivatives", "dex", "dex_pair", "donation", "drugs", "entity",
        "escrow_wallet", "exchange", "exploit", "extortion", "extremism", "faucet", "filesharing",
        "financial_crime", "forum_mention", "funder", "gambling", "gov_black_list",
        "gov_white_list", "gray_usage", "hacking", "hosted_wallet", "hosting", "hot_wallet",
        "human_trafficking", "ico_wallet", "index", "investment_fraud", "item", "lending",
        "malware", "market", "mention", "messaging_service", "miner", "mining_pool",
        "mining_service", "mixer", "mixing", "mixing_service", "money_laundering", "murder",
        "nameservice", "organization", "payment_card_fraud", "payment_processor", "perpetrator",
        "phishing", "ponzi_scheme", "pyramid_scheme", "ransomware", "sanction", "scam",
        "search_engine", "service", "service_hack", "sextortion", "sexual_abuse", "shop",
        "social_engineering", "source", "staking", "terrorism", "terrorism_financing", "token",
        "torture", "unknown", "user", "victim", "violence", "vpn", "wallet_service",
        "warm_wallet", "weapons", "website_mention", "white_list", "white_usage",
    }
)  # fmt: skip
"""The concept ids of GraphSense's vocabulary, and the four names that tracing's own rules use."""

TAG_TYPES = frozenset({"actor", "event", "attribute", "mention"})

_LARGEST_FILE = 200 * 2**20
_HEADER_ONLY = frozenset({"title", "creator", "description", "owner", "is_public", "tags"})
_TAG_FIELDS = frozenset(
    {
        "address", "tx_hash", "label", "source", "currency", "network", "confidence",
        "is_cluster_definer", "category", "abuse", "concepts", "tag_type", "actor", "context",
        "lastmod",
    }
)  # fmt: skip


@dataclass(frozen=True, slots=True, kw_only=True)
class Tag:
    """What one source says about one address or transaction."""

    address: str | None
    """As the pack writes it; none where the tag names a transaction."""

    tx_hash: str | None
    label: str
    source: str
    """Where it was learned: usually a URL."""

    currency: str
    network: str
    """The chain; the currency where the pack does not name one."""

    confidence: str
    """GraphSense id."""

    concepts: tuple[str, ...]
    """Categories and abuse types, in the order of the pack, each once."""

    tag_type: str | None
    actor: str | None
    is_cluster_definer: bool
    context: str | None
    lastmod: date | None
    creator: str

    @property
    def level(self) -> int:
        """Confidence from 0 to 100."""
        return CONFIDENCE[self.confidence]


@dataclass(frozen=True, slots=True, kw_only=True)
class TagPack:
    """One file of tags."""

    title: str
    creator: str
    sha256: str
    """Of the file's bytes."""

    tags: tuple[Tag, ...]


class _Loader(yaml.CSafeLoader):
    """Safe YAML that refuses a key written twice, of which plain YAML drops the first silently."""


def _mapping(loader: _Loader, node: yaml.MappingNode) -> dict[Hashable, Any]:
    mapping: dict[Hashable, Any] = {}
    for key_node, value_node in node.value:
        key = loader.construct_object(key_node, deep=True)
        if key in mapping:
            raise yaml.constructor.ConstructorError(
                None, None, f"the key {key!r} is written twice", key_node.start_mark
            )
        mapping[key] = loader.construct_object(value_node, deep=True)
    return mapping


_Loader.add_constructor(yaml.resolver.BaseResolver.DEFAULT_MAPPING_TAG, _mapping)


def read_tagpack(path: Path) -> TagPack:
    """Read one TagPack file.

    Raises
    ------
    InputError
        If the file cannot be read or breaks the format; names the file, the tag (counted from 1)
        and the fault.
    """
    try:
        if path.stat().st_size > _LARGEST_FILE:
            raise InputError(f"{path.name}: larger than 200 MB; split the pack")
        raw = path.read_bytes()
    except OSError as error:
        raise InputError(f"{path}: cannot be read ({error.strerror})") from error
    return parse_tagpack(raw, path.name)


def parse_tagpack(raw: bytes, name: str) -> TagPack:
    """Read a TagPack from its bytes; `name` is what errors call it."""
    try:
        content = yaml.load(raw, Loader=_Loader)  # noqa: S506  a subclass of the safe loader
    except yaml.YAMLError as error:
        reason = " ".join(str(error).split())
        raise InputError(f"{name}: not valid YAML: {reason}") from error
    if not isinstance(content, dict):
        raise InputError(f"{name}: a TagPack is a mapping with a title, a creator and tags")
    for field in content:
        if field not in _HEADER_ONLY and field not in _TAG_FIELDS:
            raise InputError(f"{name}: header: the field {field!r} is unknown")
    title = _text(content, "title", f"{name}: header")
    creator = _text(content, "creator", f"{name}: header")
    rows = content.get("tags")
    if not isinstance(rows, list) or not rows:
        raise InputError(f"{name}: header: tags must be a list with at least one tag")
    inherited = {field: value for field, value in content.items() if field in _TAG_FIELDS}
    return TagPack(
        title=title,
        creator=creator,
        sha256=hashlib.sha256(raw).hexdigest(),
        tags=tuple(
            _tag(row, inherited, creator, f"{name}: tag {number}")
            for number, row in enumerate(rows, start=1)
        ),
    )


def _tag(row: object, inherited: dict[str, Any], creator: str, place: str) -> Tag:
    if not isinstance(row, dict):
        raise InputError(f"{place}: a tag is a mapping")
    for field in row:
        if field not in _TAG_FIELDS:
            raise InputError(f"{place}: the field {field!r} is unknown")
    fields = {**inherited, **row}
    for field, value in fields.items():
        if value is None:
            raise InputError(f"{place}: the field {field!r} is empty")
    if ("address" in fields) == ("tx_hash" in fields):
        raise InputError(f"{place}: exactly one of address and tx_hash is needed")
    address = _text(fields, "address", place) if "address" in fields else None
    if address is not None:
        place = f"{place} ({address})"
    currency = _text(fields, "currency", place).upper()
    return Tag(
        address=address,
        tx_hash=_text(fields, "tx_hash", place) if "tx_hash" in fields else None,
        label=_text(fields, "label", place),
        source=_text(fields, "source", place),
        currency=currency,
        network=_optional(fields, "network", place, currency).upper(),
        confidence=_one_of(fields, "confidence", CONFIDENCE.keys(), place) or "unknown",
        concepts=_concepts(fields, place),
        tag_type=_one_of(fields, "tag_type", TAG_TYPES, place),
        actor=_text(fields, "actor", place) if "actor" in fields else None,
        is_cluster_definer=_bool(fields, "is_cluster_definer", place),
        context=str(fields["context"]) if "context" in fields else None,
        lastmod=_date(fields, place),
        creator=creator,
    )


def _text(fields: Mapping[str, Any], field: str, place: str) -> str:
    value = fields.get(field)
    if value is None:
        raise InputError(f"{place}: the field {field!r} is missing")
    # YAML reads an unquoted label such as 1337 as a number.
    if isinstance(value, bool) or not isinstance(value, str | int | float):
        raise InputError(f"{place}: the field {field!r} must be text")
    text = str(value).strip()
    if not text or "\0" in text:
        raise InputError(f"{place}: the field {field!r} is empty or holds a NUL character")
    return text


def _optional(fields: Mapping[str, Any], field: str, place: str, default: str) -> str:
    return _text(fields, field, place) if field in fields else default


def _one_of(
    fields: Mapping[str, Any], field: str, allowed: Collection[str], place: str
) -> str | None:
    if field not in fields:
        return None
    value = _text(fields, field, place)
    if value not in allowed:
        known = ", ".join(sorted(allowed))
        raise InputError(f"{place}: {field} {value!r} is unknown; it is one of {known}")
    return value


def _concepts(fields: Mapping[str, Any], place: str) -> tuple[str, ...]:
    listed = fields.get("concepts", [])
    if not isinstance(listed, list):
        raise InputError(f"{place}: concepts must be a list")
    found = [fields[field] for field in ("category", "abuse") if field in fields] + listed
    for concept in found:
        if concept not in CONCEPTS:
            raise InputError(f"{place}: the concept {concept!r} is unknown")
    return tuple(dict.fromkeys(found))


def _bool(fields: Mapping[str, Any], field: str, place: str) -> bool:
    value = fields.get(field, False)
    if not isinstance(value, bool):
        raise InputError(f"{place}: {field} must be true or false")
    return value


def _date(fields: Mapping[str, Any], place: str) -> date | None:
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
        raise InputError(f"{place}: lastmod {value!r} is not a date (YYYY-MM-DD)") from error
