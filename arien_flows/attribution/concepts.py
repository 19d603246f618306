"""The words for what an address or its owner is: GraphSense's, INTERPOL's DW-VA, and a few more.

A casebook keeps each concept as it was given. GraphSense's tools know their own 93 only and refuse
a whole pack for another one, so a pack that leaves writes every other concept in their words
(`vendor` becomes `shop, dark_web, drugs`) and keeps ours in its context, from where it is read
back: see `exported_context`. A pack is thus valid for the public tool and loses nothing here.
"""

import json
import tomllib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from importlib.resources import files

POLICY = "concepts_1.toml"

KEPT = "arien_flows"
"""Key of a context under which an exported pack keeps what GraphSense has no words for."""

GRAPHSENSE = frozenset(
    {
        "abuse", "account_hack", "atm", "behaviour", "black_list", "child_sexual_abuse",
        "coinjoin", "cold_wallet", "collectible", "concept", "counterfeit", "dark_web",
        "data_breach", "defi", "defi_bridge", "defi_custody", "defi_dao", "defi_derivatives",
        "defi_dex", "defi_dex_pair", "defi_lending", "defi_staking", "defi_token", "deployer",
        "deposit_wallet", "donation", "drugs", "entity", "escrow_wallet", "exchange", "exploit",
        "extortion", "extremism", "faucet", "filesharing", "financial_crime", "forum_mention",
        "funder", "gambling", "gov_black_list", "gov_white_list", "gray_usage", "hacking",
        "hosting", "hot_wallet", "human_trafficking", "ico_wallet", "index", "investment_fraud",
        "item", "malware", "market", "mention", "messaging_service", "miner", "mining_service",
        "mixing", "mixing_service", "money_laundering", "murder", "nameservice", "organization",
        "payment_card_fraud", "payment_processor", "perpetrator", "phishing", "ponzi_scheme",
        "pyramid_scheme", "ransomware", "sanction", "scam", "search_engine", "service",
        "service_hack", "sextortion", "sexual_abuse", "shop", "social_engineering", "source",
        "terrorism", "terrorism_financing", "torture", "unknown", "user", "victim", "violence",
        "vpn", "wallet_service", "warm_wallet", "weapons", "website_mention", "white_list",
        "white_usage",
    }
)  # fmt: skip
"""The ids of GraphSense's vocabulary."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Concept:
    """A concept that GraphSense's vocabulary lacks."""

    vocabulary: str
    """`dw-va`, or `own`."""

    graphsense: tuple[str, ...]
    """What a pack for GraphSense's tools says instead."""

    says: str
    """What it means, in a few words."""


def _read() -> Mapping[str, Concept]:
    text = files("arien_flows.attribution").joinpath(POLICY).read_text(encoding="utf-8")
    return {
        name: Concept(
            vocabulary=entry["vocabulary"],
            graphsense=tuple(entry["graphsense"]),
            says=entry["says"],
        )
        for name, entry in tomllib.loads(text)["concepts"].items()
    }


BEYOND_GRAPHSENSE = _read()
"""Concepts that GraphSense's vocabulary lacks, by id."""

CONCEPTS = GRAPHSENSE | BEYOND_GRAPHSENSE.keys()
"""Every concept that a tag may carry."""


def canonical_concept(written: object) -> str | None:
    """Return a concept as the casebook files it; nothing for what is none."""
    if not isinstance(written, str):
        return None
    if written in CONCEPTS:
        return written
    # DW-VA writes some of its ids with hyphens (`hosted-wallet`), others not (`dark_market`).
    joined = written.replace("-", "_")
    return joined if joined in CONCEPTS else None


def exported_concepts(concepts: Sequence[str]) -> tuple[str, ...]:
    """Return concepts in GraphSense's words, each once."""
    written: list[str] = []
    for concept in concepts:
        own = BEYOND_GRAPHSENSE.get(concept)
        written += (concept,) if own is None else own.graphsense
    return tuple(dict.fromkeys(written))


def exported_context(concepts: Sequence[str], context: str | None) -> str | None:
    """Return the context that keeps the concepts which `exported_concepts` had to translate.

    A context that is a JSON object gets one key more, so that other tools still read the rest;
    any other one is kept word for word beside the concepts.
    """
    if context is not None and KEPT in context and _kept(context) is not None:
        # It would be read back as if it had been written here: kept one level deeper.
        return _json({KEPT: {"concepts": list(concepts), "context": context}})
    if not any(concept in BEYOND_GRAPHSENSE for concept in concepts):
        return context
    kept: dict[str, object] = {"concepts": list(concepts)}
    if context is None:
        return _json({KEPT: kept})
    told = _object(context)
    if not told or KEPT in told or _json(told) != context:
        return _json({KEPT: kept | {"context": context}})
    return _json(told | {KEPT: kept})


def imported_context(
    concepts: tuple[str, ...], context: str | None
) -> tuple[tuple[str, ...], str | None]:
    """Return concepts and context as they were before `exported_context`.

    What does not look as if it came from there stays as it is: where the concepts of the tag are
    not those that ours are written as, somebody changed them since, and they are what counts.
    """
    kept = None if context is None or KEPT not in context else _kept(context)
    if context is None or kept is None:
        return concepts, context
    ours, inner = kept
    if set(exported_concepts(ours)) != set(concepts):
        return concepts, context
    return ours, inner


def _kept(context: str) -> tuple[tuple[str, ...], str | None] | None:
    """Return the concepts and the context that an exported one keeps; nothing where it is none."""
    told = _object(context)
    kept = None if told is None else told.get(KEPT)
    if told is None or not isinstance(kept, dict) or not kept.keys() <= {"concepts", "context"}:
        return None
    concepts, inner = kept.get("concepts"), kept.get("context", "")
    if not isinstance(concepts, list) or not isinstance(inner, str):
        return None
    if "context" in kept and len(told) > 1:
        return None
    if any(not isinstance(concept, str) or concept not in CONCEPTS for concept in concepts):
        return None
    del told[KEPT]
    return tuple(concepts), inner if "context" in kept else (_json(told) if told else None)


def _object(context: str) -> dict[str, object] | None:
    try:
        told = json.loads(context)
    except (ValueError, RecursionError):
        return None
    return told if isinstance(told, dict) else None


def _json(value: Mapping[str, object]) -> str:
    return json.dumps(value, ensure_ascii=False, sort_keys=True)
