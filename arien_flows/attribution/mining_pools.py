"""Lists of mining pools: addresses that they were paid to, and the marks that they leave.

A mark in a coinbase script names a block's miner and no address, so marks are kept in the context
of a pool's tags and make none of their own; a pool without addresses makes none at all.
"""

import hashlib
import json
from collections.abc import Iterator, Mapping
from typing import Any

from arien_flows.attribution.pack import Gathering, TagPack
from arien_flows.attribution.tables import json_of
from arien_flows.attribution.terms import Terms
from arien_flows.errors import InputError

SOURCE = "https://github.com/bitcoin-data/mining-pools"


def read_mining_pools(raw: bytes, name: str, terms: Terms) -> TagPack:
    """Read a list of pools, or the older form: an object of payout addresses."""
    told = json_of(raw, name)
    if not isinstance(told, list | dict):
        raise InputError(f"{name}: a list of mining pools is a list, or has payout_addresses")
    fields: dict[str, object] = {
        "confidence": "web_crawl",
        "currency": "BTC",
        "concepts": ["mining_pool"],
        "tag_type": "actor",
        "source": terms.source_or(SOURCE),
    }
    if terms.as_of is not None:
        fields["lastmod"] = terms.as_of
    gathering = Gathering("mining-pools", fields)
    rows = _of_pools(told) if isinstance(told, list) else _of_payouts(told)
    for number, row in enumerate(rows, start=1):
        if isinstance(row, str):
            gathering.refuse(number, "", row)
        else:
            gathering.take(number, row)
    return gathering.pack(
        title="Mining pools",
        sha256=hashlib.sha256(raw).hexdigest(),
        media_type="application/json",
    )


def _of_pools(pools: list[Any]) -> Iterator[dict[str, object] | str]:
    for pool in pools:
        addresses = pool.get("addresses", []) if isinstance(pool, dict) else None
        if not isinstance(addresses, list):
            yield "a pool is an object with a name and a list of addresses"
            continue
        for address in addresses:
            yield _row(pool, address)


def _of_payouts(told: Mapping[str, Any]) -> Iterator[dict[str, object] | str]:
    """Yield the tags of the older form."""
    payouts, marks = told.get("payout_addresses", {}), told.get("coinbase_tags", {})
    if not isinstance(payouts, dict) or not isinstance(marks, dict):
        yield "payout_addresses and coinbase_tags are objects"
        return
    for address, pool in payouts.items():
        if not isinstance(pool, dict):
            yield "a pool is an object with a name"
            continue
        its = [
            mark
            for mark, other in marks.items()
            if isinstance(other, dict) and other.get("name") == pool.get("name")
        ]
        yield _row({**pool, "tags": its}, address)


def _row(pool: Mapping[str, Any], address: object) -> dict[str, object]:
    told = {"coinbase_tags": pool.get("tags"), "link": pool.get("link"), "pool": pool.get("id")}
    kept = {name: value for name, value in told.items() if value}
    row: dict[str, object] = {"address": address, "label": pool.get("name")}
    if kept:
        row["context"] = json.dumps(kept, ensure_ascii=False, sort_keys=True)
    return row
