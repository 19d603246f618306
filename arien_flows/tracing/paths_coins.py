"""The coins of connections, and those at which a search went no further, in words."""

from collections.abc import Sequence

import numpy as np

from arien_flows.attribution.ownership import roots_of
from arien_flows.ledger.schema import NO_ADDRESS
from arien_flows.tracing.engine import Ground, spend_columns
from arien_flows.tracing.paths_amounts import along
from arien_flows.tracing.paths_answer import EndedAt, PathCoin, PathShape
from arien_flows.tracing.paths_limits import sides_that_count
from arien_flows.tracing.texts import address_texts, block_times, txid_texts
from chains.types import Int64Array
from heuristics.connect import Connection
from heuristics.connect_search import Found
from heuristics.stops import Direction
from heuristics.taint import Stop

MOST_NAMED = 1_000
"""Addresses at which searches ended that are looked up among the tags; the rest is summed up."""


def connections_of(ground: Ground, best: Sequence[Connection]) -> tuple[PathShape, ...]:
    """Return listed connections as they leave the program."""
    numbers = np.unique(np.array([coin for each in best for coin in each.coins], np.int64))
    described = _coins(ground, numbers)
    columns = spend_columns(ground.view)
    return tuple(
        PathShape(
            hops=each.hops,
            carried=str(each.carried),
            coins=tuple(described[coin] for coin in each.coins),
            policies={name: str(sat) for name, sat in along(each.coins, columns).items()},
        )
        for each in best
    )


def _coins(ground: Ground, numbers: Int64Array) -> dict[int, PathCoin]:
    view = ground.view
    transactions = view.transactions_of_outputs(numbers)
    blocks = view.blocks_of(transactions)
    places = numbers - view.first_output[transactions]
    addresses = view.output_address[numbers].astype(np.int64)
    roots = roots_of(ground.entities, addresses)
    texts = address_texts(view, np.concatenate([addresses, roots]))
    txids, times = txid_texts(view, transactions), block_times(view, blocks)
    names = _names(ground, addresses, roots)
    rows = zip(
        numbers.tolist(),
        transactions.tolist(),
        places.tolist(),
        blocks.tolist(),
        view.block_height[blocks].tolist(),
        addresses.tolist(),
        roots.tolist(),
        view.output_value[numbers].tolist(),
        strict=True,
    )
    return {
        number: PathCoin(
            outpoint=f"{txids[transaction]}:{place}",
            txid=txids[transaction],
            height=height,
            time=times[block],
            address=texts[address],
            entity=texts[root] if address != NO_ADDRESS else None,
            value=str(value),
            tag=names.get(address),
        )
        for number, transaction, place, block, height, address, root, value in rows
    }


def _names(ground: Ground, addresses: Int64Array, roots: Int64Array) -> dict[int, str]:
    """Return the name that a source gives the holder of each address, where one does."""
    found = {}
    for address, root in dict(zip(addresses.tolist(), roots.tolist(), strict=True)).items():
        said = ground.attribution.at(address, root) if address != NO_ADDRESS else None
        if said is not None:
            found[address] = said.tag.label
    return found


def ended_at(ground: Ground, found: Found) -> tuple[EndedAt, ...]:
    """Return where searches went no further, the most valuable first, ties by name.

    Only of the searches whose stops can hide a connection.
    """
    groups: dict[tuple[str, str, str], list[int]] = {}
    forward = found.stopped_forward == 1
    for side in sides_that_count(found):
        mine = forward if side == Direction.FORWARD else ~forward
        coins, reasons = found.stopped_coin[mine], found.stopped_reason[mine]
        labels = _labels(ground, coins, reasons)
        for coin, reason, label in zip(coins.tolist(), reasons.tolist(), labels, strict=True):
            key = side.name.lower(), Stop(reason).name.lower(), label
            groups.setdefault(key, []).append(coin)
    told = [_group(ground, *key, np.array(coins, np.int64)) for key, coins in groups.items()]
    return tuple(sorted(told, key=lambda it: (-int(it.value), it.side, it.reason, it.label or "")))


def _group(ground: Ground, side: str, reason: str, label: str, coins: Int64Array) -> EndedAt:
    values = ground.view.output_value[coins]
    largest = coins[np.lexsort((coins, -values))[0]]
    return EndedAt(
        side=side,
        reason=reason,
        label=label or None,
        coins=len(coins),
        value=str(int(values.sum())),
        largest=ground.view.outpoint_text(int(largest)),
    )


def _labels(ground: Ground, coins: Int64Array, reasons: Int64Array) -> list[str]:
    """Return the name of the service at each coin; empty for a CoinJoin, or past the limit."""
    view = ground.view
    addresses = view.output_address[coins].astype(np.int64)
    is_service = reasons != Stop.COINJOIN
    distinct, counts = np.unique(addresses[is_service], return_counts=True)
    named = distinct[np.argsort(-counts, kind="stable")[:MOST_NAMED]]
    roots = roots_of(ground.entities, named)
    labels: dict[int, str] = {}
    for address, root in zip(named.tolist(), roots.tolist(), strict=True):
        found = ground.attribution.service_at(address, root)
        labels[address] = found.tag.label if found else ""
    return [
        labels.get(address, "") if service else ""
        for address, service in zip(addresses.tolist(), is_service.tolist(), strict=True)
    ]
