"""A GraphSense TagPack of the simulated services: what an analyst would know beforehand.

It names hot and cold wallets, the mixer, the markets, and a few deposit addresses that test
payments revealed. The thief's account is not among them: a trace must reach it by clustering.
"""

from datetime import UTC, date, datetime
from pathlib import Path

import yaml

from arien_flows.simulation.address_book import AddressBook
from arien_flows.simulation.parameters import SPAN_SECONDS, START_TIME
from arien_flows.simulation.roles import ACTOR_NAMES, Actor
from chains.bitcoin.networks import REGTEST

MOST_HOT = 5
MOST_COLD = 2
MOST_DEPOSITS = 10

SOURCE = "https://simulation.invalid/services"
CATEGORIES = {
    Actor.MARKET_A: "market",
    Actor.MARKET_B: "market",
    Actor.EXCHANGE_A: "exchange",
    Actor.EXCHANGE_B: "exchange",
    Actor.MIXER: "mixing_service",
}

Tag = dict[str, str | bool | date]


def tags(book: AddressBook) -> list[Tag]:
    """Return the tags in the TagPack's terms, by service."""
    thief = int(book.plan.owners[Actor.THIEF]["account_a"])
    found: list[Tag] = []
    for actor in CATEGORIES:
        for address in book.hot_addresses(actor, MOST_HOT):
            found.append(_tag(book, actor, address, "hot wallet", "forensic"))
        for address in book.cold_addresses(actor, MOST_COLD):
            found.append(_tag(book, actor, address, "cold wallet", "forensic"))
        for address in book.deposit_addresses(actor, MOST_DEPOSITS):
            if address != thief:
                found.append(_tag(book, actor, address, "deposit", "untrusted_transaction"))
    return found


def _tag(book: AddressBook, actor: Actor, address: int, what: str, confidence: str) -> Tag:
    name = ACTOR_NAMES[actor]
    return {
        "address": book.text(address),
        "label": f"{name} {what}",
        "category": CATEGORIES[actor],
        "actor": name.lower().replace(" ", "_"),
        "confidence": confidence,
        "is_cluster_definer": what != "deposit",
    }


def write_tagpack(found: list[Tag], path: Path) -> None:
    """Write the TagPack; fields common to all tags stand in its header."""
    pack = {
        "title": "Services of a simulated economy",
        "creator": "arien-flows simulation",
        "description": "Regtest addresses; nothing here exists.",
        "currency": "BTC",
        "network": REGTEST.name,
        "source": SOURCE,
        "lastmod": datetime.fromtimestamp(START_TIME + SPAN_SECONDS, UTC).date(),
        "tags": found,
    }
    path.write_text(yaml.safe_dump(pack, sort_keys=False, allow_unicode=True), encoding="utf-8")
