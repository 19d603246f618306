"""The ends of a trace of balances in words: where each path ended, and why.

Movements that are too small to follow are summed by the transaction that made them, with the places
that they have in it, so that nothing is lost and none of them is a row.
"""

from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np

from arien_flows.account_ledger.positions import positions_of
from arien_flows.account_tracing.answer import (
    AccountBucket,
    AccountEndSum,
    AccountFee,
    AccountLeaf,
    AccountServiceTotal,
    AccountTotals,
    ConversionStep,
)
from arien_flows.account_tracing.explore import End
from arien_flows.account_tracing.stops import AT_SERVICES, Reason
from arien_flows.account_tracing.traced import Traced
from arien_flows.account_tracing.words import Words
from arien_flows.tracing.leaves import MOST_LEAVES
from arien_flows.tracing.texts import ranges_text
from chains.ethereum.tables import MovementKind
from chains.types import Int64Array

_GAS = (MovementKind.GAS_BURNT, MovementKind.GAS_TIP)


@dataclass(frozen=True, slots=True, kw_only=True)
class Ends:
    """Where the paths of a trace ended."""

    leaves: tuple[AccountLeaf, ...]
    further: tuple[AccountEndSum, ...]
    buckets: tuple[AccountBucket, ...]
    destroyed: tuple[AccountLeaf, ...]
    fees: tuple[AccountFee, ...]


def describe_ends(traced: Traced, words: Words) -> Ends:
    """Return every end, by asset, the largest first, ties in chain order."""
    is_gas = {end: _is_gas(traced, end) for end in traced.ends}
    gas = [end for end in traced.ends if is_gas[end]]
    others = [end for end in traced.ends if not is_gas[end]]
    small = [e for e in others if e.reason is Reason.BELOW_MIN and e.row is not None]
    destroyed = [e for e in others if e.reason is Reason.DESTROYED]
    apart = set(small) | set(destroyed)
    listed = _ordered(traced, [end for end in others if end not in apart])
    services = [end for end in listed if end.reason in AT_SERVICES]
    rest = [end for end in listed if end.reason not in AT_SERVICES]
    kept = set(services) | set(rest[:MOST_LEAVES])
    return Ends(
        leaves=tuple(_leaf(traced, words, end) for end in listed if end in kept),
        further=_sums(words, rest[MOST_LEAVES:]),
        buckets=_buckets(traced, words, small),
        destroyed=tuple(_leaf(traced, words, end) for end in _ordered(traced, destroyed)),
        fees=_fees(traced, words, gas),
    )


def totals_of(traced: Traced, asset: int) -> AccountTotals:
    """Return where all of one asset is."""
    by_reason: defaultdict[Reason, int] = defaultdict(int)
    for end in traced.ends:
        if end.asset == asset:
            by_reason[end.reason] += end.traced
    destroyed = by_reason.pop(Reason.DESTROYED, 0)
    fees = by_reason.pop(Reason.FEE, 0)
    return AccountTotals(
        source=str(traced.source_of(asset)),
        by_reason={str(reason): str(by_reason[reason]) for reason in Reason if by_reason[reason]},
        fees=str(fees),
        destroyed=str(destroyed),
        came_by_conversion=str(traced.came(asset)),
        converted_away=str(traced.away(asset)),
    )


def service_totals(
    leaves: tuple[AccountLeaf, ...], assets: Iterable[str]
) -> tuple[AccountServiceTotal, ...]:
    """Return the sums by named service and asset; assets in the order of the trace."""
    place = {asset: i for i, asset in enumerate(assets)}
    groups: defaultdict[tuple[str, str, str], list[AccountLeaf]] = defaultdict(list)
    for leaf in leaves:
        if leaf.service is not None:
            name = leaf.unit.contract or leaf.unit.asset
            groups[leaf.service.label, leaf.reason, name].append(leaf)
    totals = [
        AccountServiceTotal(
            label=label,
            concepts=members[0].service.concepts if members[0].service else (),
            reason=reason,
            traced=str(sum(int(leaf.traced) for leaf in members)),
            coins=len(members),
            addresses=len({leaf.address for leaf in members}),
            first_time=min(leaf.time for leaf in members),
            last_time=max(leaf.time for leaf in members),
            unit=members[0].unit,
        )
        for (label, reason, _), members in groups.items()
    ]
    return tuple(
        sorted(
            totals,
            key=lambda it: (
                place[it.unit.contract or it.unit.asset], -int(it.traced), it.label, it.reason
            ),
        )
    )  # fmt: skip


def conversion_steps(traced: Traced, words: Words) -> tuple[ConversionStep, ...]:
    """Return where traced money became another asset, in chain order."""
    forward = traced.request.is_forward
    steps = []
    for turned in sorted(traced.found.turned, key=lambda it: (it.conversion.transaction,
                                                             it.conversion.rows)):  # fmt: skip
        it = turned.conversion
        near, far = turned.traced, turned.came
        steps.append(
            ConversionStep(
                rule=it.rule,
                txid=words.txid(it.transaction),
                height=words.height(it.transaction),
                time=words.time(it.transaction),
                owner=words.address(it.owner) or "",
                gave=words.unit(it.gave),
                gave_amount=str(it.gave_amount),
                gave_traced=str(near if forward else far),
                got=words.unit(it.got),
                got_amount=str(it.got_amount),
                got_traced=str(far if forward else near),
                hops=turned.hops,
                certainty=it.certainty,
            )
        )
    return tuple(steps)


def _is_gas(traced: Traced, end: End) -> bool:
    view = traced.search.ground.view
    return end.row is not None and (
        end.reason is Reason.FEE
        or (end.reason is Reason.DESTROYED and int(view.movements.kind[end.row]) in _GAS)
    )


def _ordered(traced: Traced, ends: Iterable[End]) -> list[End]:
    """Return ends by asset, the largest first, ties in chain order."""
    place = {asset: i for i, asset in enumerate(traced.assets)}
    return sorted(
        ends,
        key=lambda e: (
            place[e.asset], -e.traced, traced.transaction_of(e), -1 if e.row is None else e.row,
            e.account, e.reason,
        ),
    )  # fmt: skip


def _leaf(traced: Traced, words: Words, end: End) -> AccountLeaf:
    transaction = traced.transaction_of(end)
    return AccountLeaf(
        outpoint=None if end.row is None else words.movement(end.row),
        spent_by=None,
        address=words.address(end.account),
        entity=words.entity(end.account),
        value=str(end.value),
        traced=str(end.traced),
        reason=str(end.reason),
        hops=end.hops,
        height=words.height(transaction),
        time=words.time(transaction),
        service=words.service(end.account) if end.reason in AT_SERVICES else None,
        unit=words.unit(end.asset),
    )


def _sums(words: Words, ends: list[End]) -> tuple[AccountEndSum, ...]:
    groups: defaultdict[tuple[int, Reason], list[End]] = defaultdict(list)
    for end in ends:
        groups[end.asset, end.reason].append(end)
    return tuple(
        AccountEndSum(
            reason=str(reason),
            coins=len(members),
            value=str(sum(end.value for end in members)),
            traced=str(sum(end.traced for end in members)),
            unit=words.unit(asset),
        )
        for (asset, reason), members in sorted(groups.items())
    )


def _buckets(traced: Traced, words: Words, ends: list[End]) -> tuple[AccountBucket, ...]:
    """Return the sums of small movements by transaction and asset."""
    place = {asset: i for i, asset in enumerate(traced.assets)}
    view = traced.search.ground.view
    groups: defaultdict[tuple[int, int], list[End]] = defaultdict(list)
    for end in ends:
        groups[end.asset, traced.transaction_of(end)].append(end)
    order = sorted(
        groups.items(),
        key=lambda item: (place[item[0][0]], -sum(e.traced for e in item[1]), item[0][1]),
    )
    return tuple(
        AccountBucket(
            txid=words.txid(transaction),
            positions=ranges_text(sorted(positions_of(view, _rows(members)).tolist())),
            coins=len(members),
            value=str(sum(end.value for end in members)),
            traced=str(sum(end.traced for end in members)),
            reason=str(Reason.BELOW_MIN),
            hops=min(end.hops for end in members),
            height=words.height(transaction),
            time=words.time(transaction),
            unit=words.unit(asset),
        )
        for (asset, transaction), members in order
    )


def _rows(members: list[End]) -> Int64Array:
    return np.array([end.row for end in members if end.row is not None], np.int64)


def _fees(traced: Traced, words: Words, ends: list[End]) -> tuple[AccountFee, ...]:
    if traced.request.fee_mode == "drop":
        return ()
    rows = []
    for end in sorted(ends, key=lambda e: e.row or 0):
        transaction = traced.transaction_of(end)
        rows.append(
            AccountFee(
                txid=words.txid(transaction),
                kind="tip" if end.reason is Reason.FEE else "burnt",
                value=str(end.value),
                traced=str(end.traced),
                reason=str(end.reason),
                height=words.height(transaction),
                time=words.time(transaction),
                unit=words.unit(end.asset),
            )
        )
    return tuple(rows)
