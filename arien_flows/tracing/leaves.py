"""The ends of a trace in words: each coin at which a path ended, and why."""

from collections.abc import Callable
from datetime import UTC, datetime

import numpy as np

from arien_flows.attribution.ownership import roots_of
from arien_flows.attribution.snapshot import Attributed
from arien_flows.ledger.schema import NO_ADDRESS
from arien_flows.tracing.answer import Leaf, Service, ServiceTotal
from arien_flows.tracing.by_source import parts_of
from arien_flows.tracing.engine import Ground, Traced
from arien_flows.tracing.flow_graph import SERVICE_REASONS, slot_addresses
from chains.types import Int64Array, shown_txid
from heuristics.taint import Stop


def leaves(ground: Ground, traced: Traced) -> tuple[Leaf, ...]:
    """Return every coin at which a path ended, the largest first, ties in chain order."""
    reason = traced.trail.flow.reason
    ended = (reason != Stop.FOLLOWED) & (reason != Stop.CLEAN) & (reason != Stop.DESTROYED)
    return _describe(ground, traced, np.flatnonzero(ended))


def destroyed_leaves(ground: Ground, traced: Traced) -> tuple[Leaf, ...]:
    """Return the traced coins that nobody can spend."""
    return _describe(ground, traced, np.flatnonzero(traced.trail.flow.reason == Stop.DESTROYED))


def service_totals(found: tuple[Leaf, ...]) -> tuple[ServiceTotal, ...]:
    """Return the sums by named service, the largest first, ties by label."""
    groups: dict[tuple[str, str], list[Leaf]] = {}
    for leaf in found:
        if leaf.service is not None:
            groups.setdefault((leaf.service.label, leaf.reason), []).append(leaf)
    totals = [
        ServiceTotal(
            label=label,
            concepts=members[0].service.concepts if members[0].service else (),
            reason=reason,
            traced=str(sum(int(leaf.traced) for leaf in members)),
            coins=len(members),
            addresses=len({leaf.address for leaf in members}),
            first_time=min(leaf.time for leaf in members),
            last_time=max(leaf.time for leaf in members),
        )
        for (label, reason), members in groups.items()
    ]
    return tuple(sorted(totals, key=lambda total: (-int(total.traced), total.label, total.reason)))


def _describe(ground: Ground, traced: Traced, slots: Int64Array) -> tuple[Leaf, ...]:
    view, trail = ground.view, traced.trail
    source_count = len(trail.arrays.source_value)
    values = np.concatenate([trail.arrays.source_value, trail.arrays.given_value])[slots]
    coins, amounts = trail.coins[slots], trail.flow.amount[slots]
    rows = np.full(len(slots), -1, np.int64)
    later = slots >= source_count
    rows[later] = trail.given_row[slots[later] - source_count]
    outside = coins < 0
    # A coin from outside is known by the input that spends it.
    transactions = np.empty(len(slots), np.int64)
    transactions[~outside] = view.transactions_of_outputs(coins[~outside])
    transactions[outside] = view.transactions_of_inputs(rows[outside])
    places = np.where(
        outside,
        rows - view.first_input[transactions],
        coins - view.first_output[transactions],
    )
    blocks = view.blocks_of(transactions)
    addresses = slot_addresses(view, trail, slots, is_forward=traced.request.is_forward)
    roots = roots_of(ground.entities, addresses)
    order = np.lexsort((places, transactions, -amounts))
    reasons = trail.flow.reason[slots].tolist()
    hops = trail.flow.hops[slots].tolist()
    heights, seconds = view.block_height[blocks].tolist(), view.times_of_blocks(blocks).tolist()
    text = _memoised(view.address_text)
    described = []
    for i in order.tolist():
        address, root, reason = int(addresses[i]), int(roots[i]), Stop(reasons[i])
        named = ground.attribution.service_at(address, root) if reason in SERVICE_REASONS else None
        point = f"{view.txid_text(int(transactions[i]))}:{int(places[i])}"
        coin = _outside_coin(ground, int(rows[i])) if outside[i] else point
        described.append(
            Leaf(
                outpoint=coin,
                spent_by=point if outside[i] else None,
                address=None if address == NO_ADDRESS else text(address),
                entity=None if root == NO_ADDRESS else text(root),
                value=str(int(values[i])),
                traced=str(int(amounts[i])),
                reason=reason.name.lower(),
                hops=hops[i],
                height=heights[i],
                time=datetime.fromtimestamp(seconds[i], UTC),
                service=_service(named) if named else None,
                by_source=parts_of(traced, trail.flow, int(slots[i])),
            )
        )
    return tuple(described)


def _outside_coin(ground: Ground, row: int) -> str | None:
    """Return what an input spends as `txid:vout`, where the view says so."""
    if ground.fetched is None:
        return None
    txid, vout = ground.fetched.ledger.outpoint(row)
    return f"{shown_txid(txid)}:{vout}"


def _service(named: Attributed) -> Service:
    return Service(
        label=named.tag.label,
        concepts=named.tag.concepts,
        confidence=named.tag.level,
        source=named.tag.source,
        is_inherited=named.is_inherited,
    )


def _memoised(text_of: Callable[[int], str | None]) -> Callable[[int], str | None]:
    known: dict[int, str | None] = {}

    def text(number: int) -> str | None:
        if number not in known:
            known[number] = text_of(number)
        return known[number]

    return text
