"""Real transactions from before anybody made a CoinJoin: whatever a CoinJoin rule marks is wrong.

`btc_graph_*/vertices.csv.gz` and `edges.csv.gz` hold transactions of early blocks as a graph:
each edge is an output with the transaction that makes it (`src_id`, `src_position`), the one that
spends it (`dst_id`, `dst_position`), its `address` and `value` in satoshi.
"""

import csv
import gzip
from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path

from arien_flows.evaluation.listed import Listed, Spent
from chains.bitcoin.address import parse_address
from chains.bitcoin.networks import BITCOIN
from chains.bitcoin.script import script_of
from chains.types import TxIdHex, TxIdRaw, raw_txid

LAST_WITHOUT_COINJOIN = 200_000
"""A block of September 2012. The first CoinJoins that are known were made in 2013."""

_Edge = dict[str, str]


@dataclass(frozen=True, slots=True, kw_only=True)
class EarlyBlocks:
    """Transactions in chain order, with the heights of the first and the last one's block."""

    transactions: list[Listed]
    first: int
    last: int


def ordinary_transactions(folder: Path) -> EarlyBlocks:
    """Return the transactions of a graph; KeyError where a column is missing.

    ValueError where there are none, or where some are so late that they may be CoinJoins.
    """
    vertices = {row["id"]: row for row in _rows(folder / "vertices.csv.gz") if row["note"] == "tx"}
    taken: dict[str, list[_Edge]] = defaultdict(list)
    given: dict[str, list[_Edge]] = defaultdict(list)
    for edge in _rows(folder / "edges.csv.gz"):
        taken[edge["dst_id"]].append(edge)
        given[edge["src_id"]].append(edge)
    txids = {name: raw_txid(TxIdHex(row["tx_hash"])) for name, row in vertices.items()}
    order = sorted(vertices, key=lambda name: int(vertices[name]["temporal_index"]))
    heights = [int(row["block_height"]) for row in vertices.values()]
    if not heights or max(heights) > LAST_WITHOUT_COINJOIN:
        raise ValueError(f"its blocks must end by height {LAST_WITHOUT_COINJOIN:,}")
    return EarlyBlocks(
        transactions=[_transaction(name, taken[name], given[name], txids) for name in order],
        first=min(heights),
        last=max(heights),
    )


def _transaction(
    name: str, taken: list[_Edge], given: list[_Edge], txids: dict[str, TxIdRaw]
) -> Listed:
    return Listed(
        txid=txids[name],
        inputs=tuple(
            Spent(
                txid=txids.get(edge["src_id"], _before(edge)),
                vout=int(edge["src_position"]),
                value_sat=int(edge["value"]),
                script=_script(edge["address"]),
            )
            for edge in sorted(taken, key=lambda edge: int(edge["dst_position"]))
            # A new coin comes from nowhere.
            if not edge["src_id"].startswith("coinbase")
        ),
        outputs=tuple(
            (int(edge["value"]), _script(edge["address"]))
            for edge in sorted(given, key=lambda edge: int(edge["src_position"]))
        ),
        label="ordinary",
    )


def _before(edge: _Edge) -> TxIdRaw:
    """Return an id for a transaction before the first block, of which only the name is known."""
    return TxIdRaw(sha256(edge["src_id"].encode()).digest())


def _script(text: str) -> bytes:
    locking = parse_address(text, BITCOIN)
    return script_of(locking.script_type, locking.payload)


def _rows(path: Path) -> Iterator[_Edge]:
    with gzip.open(path, "rt", encoding="utf-8", newline="") as file:
        yield from csv.DictReader(file)
