"""Where a derived set stands on the chain, and how much of it a view still agrees with.

A set keeps the headers of the blocks that it was made from. A header names the one before it, so
two chains that agree on a header agree on everything up to it, and the last common block is found
by halving.
"""

from collections.abc import Mapping
from itertools import pairwise
from pathlib import Path

import numpy as np

from arien_flows.entities.draft import Draft
from arien_flows.entities.storage import DerivedSet, Manifest
from arien_flows.ledger.schema import FORMAT_VERSION
from arien_flows.ledger.view import View

HEADERS = "header"
CHUNK_TRANSACTIONS = 1 << 20
"""Transactions that a run takes at a time; bounds its working memory."""

_HEADER_CHUNK = 1 << 16


def coinjoin_folder(derived: Path | None) -> Path | None:
    """Return the folder of the CoinJoin marks."""
    return None if derived is None else derived / "coinjoin"


def clustering_folder(derived: Path | None, profile: str) -> Path | None:
    """Return the folder of a clustering."""
    return None if derived is None else derived / "clusterings" / profile


def new_manifest(
    view: View,
    *,
    kind: str,
    rules: Mapping[str, int],
    parameters: Mapping[str, str],
    counts: Mapping[str, int],
) -> Manifest:
    """Return the manifest of a set that covers the whole view."""
    return Manifest(
        kind=kind,
        rules=dict(rules),
        parameters={**parameters, "ledger_format": str(FORMAT_VERSION)},
        network=view.network.name,
        height=view.tip.height,
        block_hash=view.tip.block_hash,
        counts={
            "blocks": view.counts.blocks,
            "transactions": view.counts.transactions,
            "addresses": view.counts.addresses,
            **counts,
        },
    )


def shared_blocks(base: DerivedSet | None, view: View) -> int:
    """Return how many leading blocks a set and a view have in common."""
    if base is None:
        return 0
    headers = base.arrays[HEADERS]
    low, high = 0, min(len(headers), view.counts.blocks)
    while low < high:
        middle = (low + high + 1) // 2
        ours, theirs = headers.slice(middle - 1, middle)[0], view.header[middle - 1]
        if np.array_equal(ours, theirs):
            low = middle
        else:
            high = middle - 1
    return low


def reusable_blocks(base: DerivedSet | None, view: View, wanted: Manifest) -> int:
    """Return how many leading blocks of a set need not be computed again for `wanted`."""
    if base is None:
        return 0
    made = base.manifest
    if (made.kind, made.rules, made.parameters, made.network) != (
        wanted.kind,
        wanted.rules,
        wanted.parameters,
        wanted.network,
    ):
        return 0
    blocks = shared_blocks(base, view)
    complete = blocks == len(base.arrays[HEADERS])
    if complete and made.counts["transactions"] != int(view.first_transaction[blocks]):
        # The same blocks with other numbers: another ledger was put in this one's place.
        return 0
    return blocks


def grow_headers(draft: Draft, view: View, kept: int) -> None:
    """Keep the headers of the shared blocks and add those of the view's later ones."""
    append = draft.grow(HEADERS, "uint8", keep=kept, width=view.header.shape[1])
    for start in range(kept, view.counts.blocks, _HEADER_CHUNK):
        append(view.header[start : start + _HEADER_CHUNK])


def block_chunks(view: View, start: int, stop: int) -> list[tuple[int, int]]:
    """Return consecutive ranges of blocks that cover `[start, stop)`, of about a chunk each."""
    edges = [start]
    while edges[-1] < stop:
        wanted = int(view.first_transaction[edges[-1]]) + CHUNK_TRANSACTIONS
        end = int(np.searchsorted(view.first_transaction, wanted, side="right")) - 1
        edges.append(min(max(end, edges[-1] + 1), stop))
    return list(pairwise(edges))


def transaction_chunks(start: int, stop: int) -> list[tuple[int, int]]:
    """Return consecutive ranges of transactions that cover `[start, stop)`."""
    edges = [*range(start, stop, CHUNK_TRANSACTIONS), stop]
    return list(pairwise(edges))
