"""The last points on the chain that an order to a service would name.

A path that arrives at a service ends there: what the service does with the coin afterwards is
done with everybody's money. But the service knows whose account the coin was credited to, so the
coin, its transaction and its time are what to ask about. Coins are grouped by the address that
was paid, because an exchange gives each customer addresses of his own.

The transaction that spends the coin afterwards is told as well. It is a fact about the coin and
not a continuation of the trace: usually the service gathers deposits in it.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from datetime import datetime

import numpy as np

from arien_flows.amounts import Asset, asset_of, coins, held_by_coins
from arien_flows.attribution.ownership import roots_of
from arien_flows.attribution.snapshot import Attributed
from arien_flows.ledger.schema import NO_ADDRESS
from arien_flows.shapes import shown_time
from arien_flows.tracing.engine import Ground, Traced
from arien_flows.tracing.flow_build import slot_addresses
from arien_flows.tracing.flow_graph import SERVICE_REASONS
from arien_flows.tracing.points import NextMove, PointSpan, ServiceCoin, ServicePoint
from arien_flows.tracing.texts import moment, outpoint_texts
from chains.types import Int64Array, shown_txid
from heuristics.taint import Stop

TEXT_COINS = 50
"""Coins that the text of a point lists; the answer holds all."""


def service_points(ground: Ground, traced: Traced) -> tuple[ServicePoint, ...]:
    """Return where paths ended at services, the largest traced sum first, ties in chain order."""
    flow = traced.trail.flow
    slots = np.flatnonzero(np.isin(flow.reason, SERVICE_REASONS))
    addresses = slot_addresses(ground.view, traced.trail, slots, is_forward=_forward(traced))
    kept = addresses != NO_ADDRESS
    slots, addresses = slots[kept], addresses[kept]
    roots = roots_of(ground.entities, addresses)
    services = ground.attribution.services_at(addresses, roots)
    told = _coins(ground, traced, slots)
    groups: dict[tuple[int, int], list[int]] = {}
    for place, address in enumerate(addresses.tolist()):
        groups.setdefault((address, int(flow.reason[slots[place]])), []).append(place)
    points = []
    for (address, reason), places in groups.items():
        root = int(roots[places[0]])
        named = services.at(places[0])
        if named is not None:
            members = [told[place] for place in places]
            points.append(_point(ground, traced, named, (address, root, Stop(reason)), members))
    points.sort(key=lambda each: (-int(each[1].traced), each[0]))
    return tuple(point for _, point in points)


def point_spans(
    by_policy: Mapping[str, Sequence[ServicePoint]], conserving: Sequence[str]
) -> tuple[PointSpan, ...]:
    """Return what each policy leads to each address of a service, the largest amount first.

    `conserving` names the policies that the span is taken over.
    """
    known: dict[tuple[str, str], dict[str, int]] = {}
    values: dict[tuple[str, str], dict[str, int]] = {}
    for policy, points in by_policy.items():
        for point in points:
            key = (point.label, point.address)
            amounts = known.setdefault(key, dict.fromkeys(by_policy, 0))
            amounts[policy] += int(point.traced)
            for coin in point.coins:
                values.setdefault(key, {})[coin.outpoint or coin.txid] = int(coin.value)
    spans = [
        PointSpan(
            label=label,
            address=address,
            value=str(sum(values[label, address].values())),
            traced={policy: str(sat) for policy, sat in amounts.items()},
            least=str(min(amounts[policy] for policy in conserving)),
            most=str(max(amounts[policy] for policy in conserving)),
        )
        for (label, address), amounts in known.items()
    ]
    return tuple(sorted(spans, key=lambda span: (-int(span.most), span.label, span.address)))


def _forward(traced: Traced) -> bool:
    return traced.request.is_forward


def _coins(ground: Ground, traced: Traced, slots: Int64Array) -> list[tuple[int, int, ServiceCoin]]:
    """Return transaction and place, by which coins stand in chain order, and what is told."""
    view, trail = ground.view, traced.trail
    sources = len(trail.arrays.source_value)
    values = trail.values[slots].tolist()
    outputs = trail.coins[slots]
    rows = np.full(len(slots), -1, np.int64)
    later = slots >= sources
    rows[later] = trail.given_row[slots[later] - sources]
    inside = np.maximum(outputs, 0)
    made = np.where(outputs < 0, -1, view.transactions_of_outputs(inside))
    if _forward(traced):
        asked, beyond, places = made, view.spenders(inside), inside
    else:
        # A source that is itself a service's coin was spent in no transaction of the trace.
        spent = np.where(rows < 0, view.spenders(inside), 0)
        spent[rows >= 0] = view.transactions_of_inputs(rows[rows >= 0])
        asked, beyond, places = np.where(spent < 0, made, spent), made, np.maximum(rows, 0)
    heights, times = _when(ground, asked)
    txids, moves = view.txid_texts(asked), _moves(ground, beyond)
    coins_at = _outpoints(ground, outputs, rows)
    amounts, hops = trail.flow.amount[slots].tolist(), trail.flow.hops[slots].tolist()
    told = []
    for place, transaction in enumerate(asked.tolist()):
        coin = ServiceCoin(
            outpoint=coins_at[place],
            txid=txids[place],
            height=heights[place],
            time=times[place],
            value=str(values[place]),
            traced=str(amounts[place]),
            hops=hops[place],
            next=moves[place],
        )
        told.append((transaction, int(places[place]), coin))
    return told


def _outpoints(ground: Ground, outputs: Int64Array, rows: Int64Array) -> list[str | None]:
    """Return each coin as `txid:vout`; one from outside has it only where it was fetched."""
    inside = np.flatnonzero(outputs >= 0)
    texts: list[str | None] = [None] * len(outputs)
    for place, text in zip(
        inside.tolist(), outpoint_texts(ground.view, outputs[inside]), strict=True
    ):
        texts[place] = text
    if ground.fetched is not None:
        for place in np.flatnonzero(outputs < 0).tolist():
            raw, vout = ground.fetched.ledger.outpoint(int(rows[place]))
            texts[place] = f"{shown_txid(raw)}:{vout}"
    return texts


def _when(ground: Ground, transactions: Int64Array) -> tuple[list[int], list[datetime]]:
    """Return height and header time of the block of each transaction."""
    blocks = ground.view.blocks_of(transactions)
    seconds = ground.view.times_of_blocks(blocks).tolist()
    heights: list[int] = ground.view.block_height[blocks].tolist()
    return heights, [moment(each) for each in seconds]


def _moves(ground: Ground, transactions: Int64Array) -> list[NextMove | None]:
    """Return what happens in each transaction; nothing where there is none."""
    view = ground.view
    known = np.flatnonzero(transactions >= 0)
    moved = transactions[known]
    heights, times = _when(ground, moved)
    inputs = (view.first_input[moved + 1] - view.first_input[moved]).tolist()
    outputs = (view.first_output[moved + 1] - view.first_output[moved]).tolist()
    moves: list[NextMove | None] = [None] * len(transactions)
    for place, txid, height, time, taken, given in zip(
        known.tolist(), view.txid_texts(moved), heights, times, inputs, outputs, strict=True
    ):
        moves[place] = NextMove(txid=txid, height=height, time=time, inputs=taken, outputs=given)
    return moves


def _point(
    ground: Ground,
    traced: Traced,
    named: Attributed,
    where: tuple[int, int, Stop],
    members: list[tuple[int, int, ServiceCoin]],
) -> tuple[tuple[int, int], ServicePoint]:
    """Return a point, and the place of its first coin in the chain."""
    address, root, reason = where
    view = ground.view
    members = sorted(members, key=lambda each: each[:2])
    listed = tuple(coin for _, _, coin in members)
    shown = view.address_text(address) or ""
    point = ServicePoint(
        kind="deposit" if _forward(traced) else "withdrawal",
        label=named.tag.label,
        concepts=named.tag.concepts,
        reason=reason.name.lower(),
        source=named.tag.source,
        confidence=named.tag.level,
        tagged="inherited" if named.is_inherited else "direct",
        address=shown,
        entity=view.address_text(root),
        value=str(sum(int(coin.value) for coin in listed)),
        traced=str(sum(int(coin.traced) for coin in listed)),
        first_time=min(coin.time for coin in listed),
        last_time=max(coin.time for coin in listed),
        coins=listed,
        text="",
    )
    text = point_text(point, traced.request.policy, asset_of(view.network.name))
    return members[0][:2], replace(point, text=text)


def point_text(point: ServicePoint, policy: str, asset: Asset) -> str:
    """Return the question to the service as plain text, ready to be copied."""
    return "".join(f"{line}\n" for line in _lines(point, policy, asset))


def _lines(point: ServicePoint, policy: str, asset: Asset) -> Iterator[str]:
    count = len(point.coins)
    is_deposit = point.kind == "deposit"
    direct = "for this very address"
    joined = "for another address of its entity; that both are one is an inference"
    yield f"Ask {point.label} about the address {point.address}"
    yield (
        f"Named by {point.source} with confidence {point.confidence} of 100, "
        f"{direct if point.tagged == 'direct' else joined}."
    )
    yield (
        f"{'Paid to it' if is_deposit else 'Paid out by it'} {_period(point)}: "
        f"{held_by_coins(int(point.value), count, asset)}."
    )
    traced = coins(point.traced, asset)
    yield f"Traced money in it, by the {policy} convention (an inference): {traced}."
    for coin in point.coins[:TEXT_COINS]:
        yield from _coin_lines(coin, asset, is_deposit=is_deposit)
    if count > TEXT_COINS:
        yield f"- and {count - TEXT_COINS:,} more coins, which the answer lists"
    account = "was each coin credited to" if is_deposit else "was each coin paid out for"
    yield f"Which account {account}, and whose is it?"


def _period(point: ServicePoint) -> str:
    first, last = shown_time(point.first_time), shown_time(point.last_time)
    return f"at {first}" if first == last else f"from {first} to {last}"


def _coin_lines(coin: ServiceCoin, asset: Asset, *, is_deposit: bool) -> Iterator[str]:
    name = coin.outpoint or f"a coin that {coin.txid} spends"
    yield f"- {name}: {coins(coin.value, asset)}, of which traced {coins(coin.traced, asset)}"
    did = "paid" if is_deposit else f"spent in {coin.txid}"
    yield f"  {did} in block {coin.height:,}, header time {shown_time(coin.time)}, hops {coin.hops}"
    if coin.next is None:
        return
    move = coin.next
    others = move.inputs - 1
    if is_deposit:
        beside = f"with {others:,} other coin{'s' * (others != 1)}" if others else "alone"
        yield f"  spent {beside} in {move.txid} at {shown_time(move.time)}"
    else:
        yield f"  received in {move.txid} at {shown_time(move.time)}"
