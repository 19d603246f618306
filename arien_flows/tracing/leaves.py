"""The ends of a trace in words: each coin at which a path ended, and why.

Coins too small to follow may be tens of thousands. They are summed by the transaction that paid
them, with the places that they have in it, so that nothing is lost and none of them is a row.
"""

from dataclasses import dataclass
from typing import Self

import numpy as np

from arien_flows.attribution.ownership import roots_of
from arien_flows.attribution.snapshot import Attributed
from arien_flows.tracing.answer import Bucket, EndSum, Leaf, Service, ServiceTotal
from arien_flows.tracing.by_source import parts_of, parts_of_each
from arien_flows.tracing.engine import Ground, Traced
from arien_flows.tracing.flow_build import givers, slot_addresses
from arien_flows.tracing.flow_graph import SERVICE_REASONS
from arien_flows.tracing.texts import address_texts, block_times, ranges_text, txid_texts
from chains.types import BoolArray, Int64Array, shown_txid
from heuristics.conservation import ConservationError
from heuristics.taint import Policy, Stop

MOST_LEAVES = 20_000
"""Ends that an answer lists one by one, those at services apart, which it always lists."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Ends:
    """Where the paths of a trace ended."""

    leaves: tuple[Leaf, ...]
    further: tuple[EndSum, ...]
    buckets: tuple[Bucket, ...]
    destroyed: tuple[Leaf, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Places:
    """Where in the ledger the coins of slots are."""

    row: Int64Array
    """Row of each slot's coin among the outputs (backward: the inputs) that were given to the
    trace; -1 for sources."""

    is_outside: BoolArray
    """The coin is from outside the ledger, and known by the input that spends it."""

    transaction: Int64Array
    """That pays the coin, or spends it where it is from outside."""

    place: Int64Array
    """The coin's place among that transaction's outputs, or inputs."""

    def at(self, order: Int64Array) -> Self:
        """Return those of some slots, in that order."""
        return type(self)(
            row=self.row[order],
            is_outside=self.is_outside[order],
            transaction=self.transaction[order],
            place=self.place[order],
        )


def describe_ends(ground: Ground, traced: Traced) -> Ends:
    """Return every coin at which a path ended, the largest first, ties in chain order.

    Past `MOST_LEAVES` the smaller ones are summed by reason.

    Raises `ConservationError` if any traced unit is missing in what is returned.
    """
    flow = traced.trail.flow
    reason = flow.reason
    ended = (reason != Stop.FOLLOWED) & (reason != Stop.CLEAN)
    is_destroyed = reason == Stop.DESTROYED
    is_small = reason == Stop.BELOW_MIN
    # A source that is too small was asked for by name, and is named in the answer.
    is_small[: len(traced.trail.arrays.source_value)] = False
    listed, further = _listed(traced, np.flatnonzero(ended & ~is_destroyed & ~is_small))
    ends = Ends(
        leaves=_describe(ground, traced, listed),
        further=_sums(traced, further),
        buckets=_sum_up(ground, traced, np.flatnonzero(is_small)),
        destroyed=_describe(ground, traced, np.flatnonzero(is_destroyed)),
    )
    told = traced.minted_sat + sum(
        int(end.traced)
        for part in (ends.leaves, ends.further, ends.buckets, ends.destroyed)
        for end in part
    )
    if traced.request.policy_code != Policy.POISON and told + traced.fees_sat != traced.source_sat:
        raise ConservationError(
            f"{traced.source_sat} sat were traced and {told + traced.fees_sat} sat are told of"
        )
    return ends


def _listed(traced: Traced, slots: Int64Array) -> tuple[Int64Array, Int64Array]:
    """Return the slots to list one by one, and the others."""
    flow = traced.trail.flow
    is_service = np.isin(flow.reason[slots], SERVICE_REASONS)
    others = slots[~is_service]
    # Slots of equal amounts keep their order, which does not depend on what else the ledger holds.
    order = others[np.argsort(-flow.amount[others], kind="stable")]
    kept = np.concatenate([slots[is_service], order[:MOST_LEAVES]])
    return np.sort(kept), order[MOST_LEAVES:]


def _sums(traced: Traced, slots: Int64Array) -> tuple[EndSum, ...]:
    """Return the sums of ends by reason, in the order of the rules."""
    flow = traced.trail.flow
    values = traced.trail.values[slots]
    reasons = flow.reason[slots]
    return tuple(
        EndSum(
            reason=Stop(int(reason)).name.lower(),
            coins=int(np.count_nonzero(reasons == reason)),
            value=str(int(values[reasons == reason].sum())),
            traced=str(int(flow.amount[slots][reasons == reason].sum())),
            by_source=parts_of(traced, flow, slots[reasons == reason]),
        )
        for reason in np.unique(reasons)
    )


def places_of(ground: Ground, traced: Traced, slots: Int64Array) -> Places:
    """Return where the coins of slots are."""
    view, trail = ground.view, traced.trail
    source_count = len(trail.arrays.source_value)
    coins = trail.coins[slots]
    row = np.full(len(slots), -1, np.int64)
    later = slots >= source_count
    row[later] = trail.given_row[slots[later] - source_count]
    outside = coins < 0
    transaction = np.empty(len(slots), np.int64)
    transaction[~outside] = view.transactions_of_outputs(coins[~outside])
    transaction[outside] = view.transactions_of_inputs(row[outside])
    place = np.where(
        outside, row - view.first_input[transaction], coins - view.first_output[transaction]
    )
    return Places(row=row, is_outside=outside, transaction=transaction, place=place)


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
    values = trail.values
    found = places_of(ground, traced, slots)
    order = np.lexsort((found.place, found.transaction, -trail.flow.amount[slots]))
    slots = slots[order]
    found = found.at(order)
    blocks = view.blocks_of(found.transaction)
    address = slot_addresses(view, trail, slots, is_forward=traced.request.is_forward)
    root = roots_of(ground.entities, address)
    reason = trail.flow.reason[slots]
    texts = address_texts(view, np.concatenate([address, root]))
    txids, times = txid_texts(view, found.transaction), block_times(view, blocks)
    services = _services(ground, address, root, np.isin(reason, SERVICE_REASONS))
    names = {int(stop): stop.name.lower() for stop in Stop}
    rows = zip(
        found.transaction.tolist(),
        found.place.tolist(),
        found.row.tolist(),
        found.is_outside.tolist(),
        address.tolist(),
        root.tolist(),
        values[slots].tolist(),
        trail.flow.amount[slots].tolist(),
        reason.tolist(),
        trail.flow.hops[slots].tolist(),
        blocks.tolist(),
        view.block_height[blocks].tolist(),
        services,
        parts_of_each(traced, trail.flow, slots),
        strict=True,
    )
    described = []
    for (
        transaction,
        place,
        row,
        outside,
        who,
        owner,
        value,
        sat,
        why,
        hops,
        block,
        at,
        by,
        parts,
    ) in rows:
        point = f"{txids[transaction]}:{place}"
        described.append(
            Leaf(
                outpoint=_outside_coin(ground, row) if outside else point,
                spent_by=point if outside else None,
                address=texts[who],
                entity=texts[owner],
                value=str(value),
                traced=str(sat),
                reason=names[why],
                hops=hops,
                height=at,
                time=times[block],
                service=by,
                by_source=parts,
            )
        )
    return tuple(described)


def _services(
    ground: Ground, address: Int64Array, root: Int64Array, wanted: BoolArray
) -> list[Service | None]:
    """Return who holds each coin, where paths ended because of that."""
    places = np.flatnonzero(wanted)
    services = ground.attribution.services_at(address[places], root[places])
    shapes = [_service(named) for named in services.named]
    found: list[Service | None] = [None] * len(address)
    for place, which in zip(places.tolist(), services.which.tolist(), strict=True):
        found[place] = None if which < 0 else shapes[which]
    return found


def _sum_up(ground: Ground, traced: Traced, slots: Int64Array) -> tuple[Bucket, ...]:
    """Return the sums of small coins by the transaction that gave them to the trace."""
    if len(slots) == 0:
        return ()
    view, trail = ground.view, traced.trail
    first = view.first_output if traced.request.is_forward else view.first_input
    giver = givers(trail, slots)
    row = trail.given_row[slots - len(trail.arrays.source_value)]
    order = np.lexsort((row, giver))
    slots, giver, row = slots[order], giver[order], row[order]
    starts = np.flatnonzero(np.diff(giver, prepend=-1))
    stops = np.append(starts[1:], len(slots))
    values = trail.values[slots]
    value = np.add.reduceat(values, starts)
    traced_sat = np.add.reduceat(trail.flow.amount[slots], starts)
    hops = np.minimum.reduceat(trail.flow.hops[slots], starts)
    payers = giver[starts]
    blocks = view.blocks_of(payers)
    heights, times = view.block_height[blocks].tolist(), block_times(view, blocks)
    txids, places = txid_texts(view, payers), (row - first[giver]).tolist()
    return tuple(
        Bucket(
            txid=txids[int(payers[i])],
            positions=ranges_text(places[starts[i] : stops[i]]),
            coins=int(stops[i] - starts[i]),
            value=str(int(value[i])),
            traced=str(int(traced_sat[i])),
            reason=Stop.BELOW_MIN.name.lower(),
            hops=int(hops[i]),
            height=heights[i],
            time=times[int(blocks[i])],
            by_source=parts_of(traced, trail.flow, slots[starts[i] : stops[i]]),
        )
        for i in np.lexsort((payers, -traced_sat)).tolist()
    )


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
