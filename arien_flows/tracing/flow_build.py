"""From a trace to its flow graph with nothing left out, at one of three levels.

- *entity*: a holder is an entity, or the service that a tag names.
- *address*: no rule joins anything; every address is a holder of its own, also a service's.
- *transaction*: transactions are the nodes and coins the edges between them. Only the coins at
  which the money starts or ends are nodes as well, so that the equation holds here, too.

Amounts too small to follow are one node for each transaction that paid them, at every level; a
transaction whose small amounts are *opened* shows them coin by coin.
"""

from dataclasses import dataclass

import numpy as np

from arien_flows.attribution.ownership import EntityMap, roots_of
from arien_flows.attribution.snapshot import Attribution
from arien_flows.ledger.schema import NO_ADDRESS
from arien_flows.ledger.view import View
from arien_flows.tracing.flow_graph import (
    KIND_SHIFT,
    SERVICE_REASONS,
    FlowGraph,
    NodeKind,
    contract,
    key_of,
    least_of,
    sums_of,
)
from arien_flows.tracing.request import LevelName
from chains.types import BoolArray, Int64Array, UInt8Array
from heuristics.follow import Trail
from heuristics.taint import Stop

_FIRST = -(2**40)
"""Rank of sources: no transaction number is as large."""

_NONE = np.empty(0, np.int64)


@dataclass(frozen=True, slots=True, kw_only=True)
class _Slots:
    """The coins of a trace that hold traced money."""

    trail: Trail
    is_forward: bool
    slots: Int64Array
    reason: Int64Array
    is_source: BoolArray
    giver: Int64Array
    """Transaction that gave each coin to the trace; -1 for sources."""

    address: Int64Array
    root: Int64Array


def build_graph(
    view: View,
    trail: Trail,
    attribution: Attribution,
    entities: EntityMap,
    *,
    is_forward: bool,
    level: LevelName = "entity",
    opened: Int64Array = _NONE,
) -> FlowGraph:
    """Return the graph of all coins that a trace found; `tracing.fees` adds what is no coin.

    `opened` are transactions whose small amounts are shown coin by coin.
    """
    found = _slots(view, trail, entities, is_forward=is_forward)
    slots, giver, reason = found.slots, found.giver, found.reason
    hops, amount = trail.flow.hops[slots], trail.flow.amount[slots]
    entered, is_source = trail.entered[slots], found.is_source
    by_policy = policy_decides(trail)[slots]
    holder = _holder_keys(found, attribution, level, opened)
    goes_on = (reason == Stop.FOLLOWED) | (reason == Stop.COINJOIN)
    is_direct = goes_on & ~is_source & (level == "transaction")
    entered_kind = np.where(reason == Stop.COINJOIN, NodeKind.COINJOIN, NodeKind.TRANSACTION)
    entered_key = key_of(entered_kind, entered)
    giver_key = key_of(np.full(len(slots), NodeKind.TRANSACTION), giver)
    held = np.flatnonzero(~is_direct)
    near, far = np.flatnonzero(~is_source), np.flatnonzero(goes_on)
    end_key = np.where(reason == Stop.COINJOIN, entered_key, holder)
    ended = np.flatnonzero(reason != Stop.FOLLOWED)

    sorted_keys, first = np.unique(
        np.concatenate([holder[held], giver_key[near], entered_key[far]]),
        return_index=True,
    )
    keys = sorted_keys[_node_order(sorted_keys, first)]
    number = np.argsort(np.searchsorted(sorted_keys, keys))

    def nodes_of(wanted: Int64Array) -> Int64Array:
        return number[np.searchsorted(sorted_keys, wanted)]

    count, sign = len(keys), 1 if is_forward else -1
    held_node = nodes_of(holder[held])
    giver_node, entered_node = nodes_of(giver_key[near]), nodes_of(entered_key[far])
    touched = np.concatenate([held_node, giver_node, entered_node])
    distance = np.concatenate([2 * hops[held], 2 * hops[near] - 1, 2 * hops[far] + 1])
    made_by = _makers(view, found)
    first_met = np.where(is_source, _FIRST, sign * giver)
    met = np.concatenate([first_met[held], sign * giver[near], sign * entered[far]])
    node_source = np.zeros(count, np.bool_)
    node_source[nodes_of(holder[is_source])] = True
    kind, refs = (keys >> KIND_SHIFT).astype(np.uint8), keys & ((1 << KIND_SHIFT) - 1)

    # Transaction to holder, holder to transaction, and transaction to transaction.
    inward = np.flatnonzero(~is_source & ~is_direct)
    onward = np.flatnonzero(goes_on & ~is_direct)
    straight = np.flatnonzero(is_direct)
    rows = np.concatenate([inward, onward, straight])
    starts = nodes_of(np.concatenate([giver_key[inward], holder[onward], giver_key[straight]]))
    stops = nodes_of(np.concatenate([holder[inward], entered_key[onward], entered_key[straight]]))
    graph = FlowGraph(
        kind=kind,
        ref=refs,
        column=sign * least_of(touched, distance, count),
        rank=least_of(touched, met, count),
        moment=least_of(touched, np.concatenate([made_by[held], giver[near], entered[far]]), count),
        is_source=node_source,
        is_named=_named(kind, refs, attribution, entities, level),
        entry=sums_of(nodes_of(holder[is_source]), amount[is_source], count),
        fee=np.zeros(count, np.int64),
        returned=np.zeros(count, np.int64),
        transactions=(kind == NodeKind.TRANSACTION).astype(np.int64),
        members=np.ones(count, np.int64),
        end_node=nodes_of(end_key[ended]),
        end_reason=reason[ended].astype(np.uint8),
        end_amount=amount[ended],
        end_coins=np.ones(len(ended), np.int64),
        edge_from=starts if is_forward else stops,
        edge_to=stops if is_forward else starts,
        edge_amount=amount[rows],
        edge_fee=np.zeros(len(rows), np.int64),
        edge_coins=np.ones(len(rows), np.int64),
        edge_by_policy=by_policy[rows],
        edge_inherited=_inherited(found, attribution)[rows],
        via_from=_NONE,
        via_to=_NONE,
        via_transaction=_NONE,
        row_node=_NONE,
        row_key=_NONE,
    )
    return contract(graph, np.arange(count))


def policy_decides(trail: Trail) -> BoolArray:
    """Return for each slot whether another policy may put another amount there.

    The policies agree as long as all that a transaction takes is traced, or none. Where clean
    money comes in beside it they part, and from there on nothing is certain any more. Backward a
    fee is such money: the inputs give it, and it stands in no output that is traced. Only where
    there is a single recipient does it make no difference.
    """
    arrays, flow, steps = trail.arrays, trail.flow, len(trail.transactions)
    sources, coins = len(arrays.source_value), len(flow.amount)
    value = np.concatenate([trail.values, trail.fees.value])
    amount = np.concatenate([flow.amount, trail.fees.amount])
    reason = np.concatenate([flow.reason, trail.fees.reason])
    slot, of_step = arrays.taken_slot, arrays.taken_first
    is_clean = (slot < 0) | (reason[slot] != Stop.FOLLOWED)
    entering = np.where(is_clean, 0, amount[slot])
    is_part = ~is_clean & (entering < value[slot])
    given = _sums(arrays.given_value, arrays.given_first)
    given += _sums(arrays.reward_value, arrays.reward_first) + arrays.remainder
    recipients = _sums(arrays.given_value > 0, arrays.given_first)
    recipients += _sums(arrays.reward_value > 0, arrays.reward_first) + (arrays.remainder > 0)
    arrived = _sums(flow.amount[sources:], arrays.given_first) + flow.remainder_taint
    arrived += _sums(trail.fees.amount[: len(arrays.reward_value)], arrays.reward_first)
    # Under poison a single recipient may hold more than was taken.
    is_whole = (recipients == 1) & (arrived == _sums(entering, of_step))
    lacks = (_sums(is_part, of_step) > 0) | (_sums(arrays.taken_value, of_step) < given)
    parts = (_sums(is_clean, of_step) > 0) | (lacks & ~is_whole)
    decided = np.zeros(len(value), np.bool_)
    first, collected = of_step.tolist(), arrays.reward_first.tolist()
    rows, crowded = arrays.given_first.tolist(), arrays.crowded.tolist()
    remainder = arrays.remainder_slot.tolist()
    for step in range(steps):
        known = slot[first[step] : first[step + 1]]
        known = known[known >= 0]
        is_open = bool(decided[known].any())
        if parts[step] or is_open:
            decided[sources + rows[step] : sources + rows[step + 1]] = True
            decided[coins + collected[step] : coins + collected[step + 1]] = True
            if remainder[step] >= 0:
                decided[remainder[step]] = True
        if is_open and crowded[step]:
            # Whether it is entered at all depends on how much of what it takes is traced.
            decided[known] = True
    return decided[:coins]


def _sums(rows: Int64Array | BoolArray, first: Int64Array) -> Int64Array:
    """Return the sum of each transaction's rows."""
    before = np.concatenate([np.zeros(1, np.int64), np.cumsum(rows, dtype=np.int64)])
    sums: Int64Array = np.diff(before[first])
    return sums


def slot_addresses(view: View, trail: Trail, slots: Int64Array, *, is_forward: bool) -> Int64Array:
    """Return the address number of each slot's coin, `NO_ADDRESS` where it has none."""
    coins = trail.coins[slots]
    if is_forward:
        return view.output_address[coins].astype(np.int64)
    source_count = len(trail.arrays.source_value)
    is_source = slots < source_count
    address = np.empty(len(slots), np.int64)
    address[is_source] = view.output_address[coins[is_source]]
    address[~is_source] = view.input_address[trail.given_row[slots[~is_source] - source_count]]
    return address


def givers(trail: Trail, slots: Int64Array) -> Int64Array:
    """Return the transaction that gave each slot's coin to the trace, -1 for sources."""
    source_count = len(trail.arrays.source_value)
    steps = np.searchsorted(trail.arrays.given_first, slots - source_count, side="right") - 1
    giver = np.full(len(slots), -1, np.int64)
    later = slots >= source_count
    giver[later] = trail.transactions[steps[later]]
    return giver


def _slots(view: View, trail: Trail, entities: EntityMap, *, is_forward: bool) -> _Slots:
    slots = np.flatnonzero(trail.flow.amount > 0)
    address = slot_addresses(view, trail, slots, is_forward=is_forward)
    return _Slots(
        trail=trail,
        is_forward=is_forward,
        slots=slots,
        reason=trail.flow.reason[slots].astype(np.int64),
        is_source=slots < len(trail.arrays.source_value),
        giver=givers(trail, slots),
        address=address,
        root=roots_of(entities, address),
    )


def _node_order(keys: Int64Array, first: Int64Array) -> Int64Array:
    """Return the order of nodes: by kind, then as the trace came to them.

    The numbers of addresses and tags do not order their nodes, because they depend on what else a
    ledger holds, and the same trace shall give the same graph whatever that is.
    """
    kind = keys >> KIND_SHIFT
    is_met = np.isin(kind, (NodeKind.HOLDER, NodeKind.SERVICE, NodeKind.DEPOSIT))
    return np.lexsort((np.where(is_met, first, keys), kind))


def _holder_keys(
    found: _Slots, attribution: Attribution, level: LevelName, opened: Int64Array
) -> Int64Array:
    """Return the node key of whoever, or whatever, holds the coin of each slot."""
    coins = found.trail.coins[found.slots]
    by_coin = _coin_keys(found, coins)
    known = found.address != NO_ADDRESS
    if level == "transaction":
        keys = by_coin
    else:
        ref = np.where(known, found.root if level == "entity" else found.address, 0)
        keys = np.where(known, key_of(np.uint8(NodeKind.HOLDER), ref), by_coin)
    is_service = np.isin(found.reason, SERVICE_REASONS)
    if level == "address":
        deposit = key_of(np.uint8(NodeKind.DEPOSIT), found.address)
        keys = np.where(is_service & known, deposit, keys)
    else:
        keys = _at_services(found, attribution, np.flatnonzero(is_service), keys)
    keys[found.reason == Stop.DESTROYED] = NodeKind.DESTROYED << KIND_SHIFT
    small = (found.reason == Stop.BELOW_MIN) & ~found.is_source
    is_open = np.isin(found.giver, opened)
    keys = np.where(small, key_of(np.uint8(NodeKind.SMALL), np.maximum(found.giver, 0)), keys)
    return np.where(small & is_open, by_coin, keys)


def _coin_keys(found: _Slots, coins: Int64Array) -> Int64Array:
    """Return the key of each slot's coin by itself."""
    source_count = len(found.trail.arrays.source_value)
    row = np.zeros(len(coins), np.int64)
    row[~found.is_source] = found.trail.given_row[found.slots[~found.is_source] - source_count]
    inside = coins >= 0
    return key_of(np.where(inside, NodeKind.COIN, NodeKind.OUTSIDE), np.where(inside, coins, row))


def _at_services(
    found: _Slots, attribution: Attribution, places: Int64Array, keys: Int64Array
) -> Int64Array:
    """Return the keys with those of the services at which paths ended."""
    keys = keys.copy()
    services = attribution.services_at(found.address[places], found.root[places])
    first = [attribution.first_service_of_label[named.tag.label] for named in services.named]
    known = services.which >= 0
    refs = np.array(first, np.int64)[services.which[known]]
    keys[places[known]] = key_of(np.uint8(NodeKind.SERVICE), refs)
    return keys


def _inherited(found: _Slots, attribution: Attribution) -> BoolArray:
    """Return whose coins are a service's only by a tag of another address of the entity."""
    _, is_inherited = attribution.service_places(found.address, found.root)
    inherited: BoolArray = is_inherited & np.isin(found.reason, SERVICE_REASONS)
    return inherited


def _named(
    kind: UInt8Array,
    ref: Int64Array,
    attribution: Attribution,
    entities: EntityMap,
    level: LevelName,
) -> BoolArray:
    """Return for which nodes a tag speaks."""
    roots = ref if level == "entity" else roots_of(entities, ref)
    tagged = (kind == NodeKind.HOLDER) & np.isin(roots, attribution.root)
    named: BoolArray = tagged | np.isin(kind, (NodeKind.SERVICE, NodeKind.DEPOSIT))
    return named


def _makers(view: View, found: _Slots) -> Int64Array:
    """Return the transaction that made each slot's coin; one that spends it if none is known."""
    coins = found.trail.coins[found.slots]
    inside = coins >= 0
    makers = found.giver.copy()
    if not found.is_forward:
        makers[inside] = view.transactions_of_outputs(coins[inside])
    makers[found.is_source] = view.transactions_of_outputs(coins[found.is_source])
    return makers
