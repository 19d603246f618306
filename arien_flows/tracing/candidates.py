"""The candidates behind CoinJoins in words: coins, transactions, times, services, fractions."""

from collections.abc import Iterator
from datetime import UTC, datetime
from fractions import Fraction

import numpy as np

from arien_flows.attribution.ownership import roots_of
from arien_flows.ledger.schema import NO_ADDRESS
from arien_flows.tracing.demixing import (
    MOST_COINS,
    RULES,
    Entered,
    Found,
    Mixes,
    Walk,
    addresses_of,
    follow_candidates,
    is_service,
    spending_row,
    together,
)
from arien_flows.tracing.engine import Ground, Traced
from arien_flows.tracing.inferences import (
    Candidate,
    Consolidation,
    Inference,
    Inferences,
    Landing,
    Passed,
    Ratio,
)
from chains.types import Int64Array, shown_txid
from heuristics.demix import CONSOLIDATION_RULE
from heuristics.taint import Stop

MOST_CANDIDATES = 1_000
"""Candidates listed behind one traced coin; the rest are counted, with their mass."""

MOST_LANDINGS = 20

_MILLION = 1_000_000


def inferences_of(ground: Ground, traced: Traced) -> Inferences | None:
    """Return what may have become of coins that ended at CoinJoins; nothing unless asked for."""
    request, trail = traced.request, traced.trail
    if request.demix == "stop":
        return None
    slots = np.flatnonzero(trail.flow.reason == Stop.COINJOIN)
    amounts = trail.flow.amount[slots]
    order = np.lexsort((trail.coins[slots], -amounts))
    slots, amounts = slots[order], amounts[order]
    mixes = Mixes(ground=ground, is_forward=request.is_forward)
    told = [
        _inference(mixes, _walk(mixes, traced, int(slot)), traced) for slot in slots[:MOST_COINS]
    ]
    return Inferences(
        rules=RULES,
        depth=request.demix_depth,
        coinjoins=tuple(told),
        unasked=max(0, len(slots) - MOST_COINS),
        unasked_traced=str(int(amounts[MOST_COINS:].sum())),
    )


def _walk(mixes: Mixes, traced: Traced, slot: int) -> Walk:
    """Follow the coin of a slot from the CoinJoin at which its path ended."""
    trail, view = traced.trail, mixes.ground.view
    coin, here = int(trail.coins[slot]), int(trail.entered[slot])
    row = (
        spending_row(mixes, here, coin) if mixes.is_forward else coin - int(view.first_output[here])
    )
    return follow_candidates(mixes, slot, here, row, traced.request.demix_depth)


def _inference(mixes: Mixes, walk: Walk, traced: Traced) -> Inference:
    trail, view = traced.trail, mixes.ground.view
    joined = dict(_joined(mixes, walk))
    found = sorted(walk.found, key=lambda each: (-each.arrival.mass, each.row))
    listed, others = found[:MOST_CANDIDATES], found[MOST_CANDIDATES:]
    landings = _Landings(mixes)
    return Inference(
        coin=view.outpoint_text(int(trail.coins[walk.slot])),
        coinjoin=view.txid_text(walk.transaction),
        traced=str(int(trail.flow.amount[walk.slot])),
        passed=tuple(_passed(mixes, each) for each in walk.entered),
        candidates=tuple(
            _candidate(mixes, each, joined.get((each.next_transaction, each.transaction)), landings)
            for each in listed
        ),
        unlisted=len(others),
        unlisted_mass=ratio(sum((each.arrival.mass for each in others), Fraction(0))),
        rest=ratio(walk.rest),
        consolidations=tuple(
            _consolidation(mixes, where, members) for where, members in sorted(joined.items())
        ),
        cut=tuple(sorted(walk.cut)),
    )


def _joined(mixes: Mixes, walk: Walk) -> Iterator[tuple[tuple[int, int], list[Found]]]:
    """Yield candidates of one CoinJoin that one ordinary transaction spends, by both."""
    if not mixes.is_forward:
        return
    spent: dict[tuple[int, int], list[Found]] = {}
    for each in walk.found:
        is_ordinary = each.next_transaction >= 0 and not mixes.is_coinjoin(each.next_transaction)
        if is_ordinary:
            spent.setdefault((each.next_transaction, each.transaction), []).append(each)
    for where, members in spent.items():
        if len(members) > 1:
            yield where, sorted(members, key=lambda each: each.row)


def _raised(members: list[Found]) -> Fraction | None:
    return together(each.arrival for each in members)


def _consolidation(mixes: Mixes, where: tuple[int, int], members: list[Found]) -> Consolidation:
    view, (spender, coinjoin) = mixes.ground.view, where
    height, time = _when(mixes, spender)
    chances = [each.arrival.chance for each in members if each.arrival.chance is not None]
    return Consolidation(
        txid=view.txid_text(spender),
        height=height,
        time=time,
        coinjoin=view.txid_text(coinjoin),
        coins=tuple(view.outpoint_text(each.row) for each in members),
        before=ratio(max(chances)) if chances else None,
        raised=_ratio_or_none(_raised(members)),
        rule=CONSOLIDATION_RULE,
    )


def _passed(mixes: Mixes, entered: Entered) -> Passed:
    mix = mixes.at(entered.transaction)
    design, confidence = mixes.design(entered.transaction)
    return Passed(
        txid=mixes.ground.view.txid_text(entered.transaction),
        design="unknown" if design is None else design.name.lower(),
        confidence=confidence,
        depth=entered.depth,
        entered=entered.coins,
        mass=ratio(entered.mass),
        rest=ratio(entered.rest),
        changes_known=len(mix.change),
        changes_unknown=mix.others - len(mix.change),
    )


def _candidate(
    mixes: Mixes, found: Found, joined: list[Found] | None, landings: "_Landings"
) -> Candidate:
    view, arrival = mixes.ground.view, found.arrival
    height, time = _when(mixes, found.transaction)
    column = view.output_value if mixes.is_forward else view.input_value
    place = found.row - int(view.first_input[found.transaction])
    follows = found.next_transaction >= 0
    return Candidate(
        outpoint=view.outpoint_text(found.row) if mixes.is_forward else _spent(mixes, found.row),
        spent_by=None if mixes.is_forward else f"{view.txid_text(found.transaction)}:{place}",
        address=view.address_text(int(addresses_of(mixes, np.array([found.row]))[0])),
        value=str(int(column[found.row])),
        rule=found.share.rule,
        equal_outputs=found.share.equal_outputs,
        coinjoins=found.depth,
        height=height,
        time=time,
        chance=_ratio_or_none(arrival.chance),
        mass=ratio(arrival.mass),
        raised=None if joined is None else _ratio_or_none(_raised(joined)),
        fate=found.fate,
        next_txid=view.txid_text(found.next_transaction) if follows else None,
        next_time=_when(mixes, found.next_transaction)[1] if follows else None,
        landings=landings.of(found),
    )


def _spent(mixes: Mixes, row: int) -> str | None:
    """Return the coin that an input spends; one from outside is known only where it was fetched."""
    view, fetched = mixes.ground.view, mixes.ground.fetched
    output = int(view.spent_output[row])
    if output >= 0:
        return view.outpoint_text(output)
    if fetched is None:
        return None
    txid, vout = fetched.ledger.outpoint(row)
    return f"{shown_txid(txid)}:{vout}"


class _Landings:
    """The services that candidates arrive at, worked out once for each transaction."""

    def __init__(self, mixes: Mixes) -> None:
        self._mixes = mixes
        self._known: dict[int, tuple[Landing, ...]] = {}

    def of(self, found: Found) -> tuple[Landing, ...]:
        """Return the services at a candidate's own address, or else in the next transaction."""
        if found.fate == "service":
            return self._at(np.array([found.row]), is_output=self._mixes.is_forward)
        if found.fate not in ("spent", "made"):
            return ()
        after = found.next_transaction
        if after not in self._known:
            view, is_forward = self._mixes.ground.view, self._mixes.is_forward
            first = view.first_output if is_forward else view.first_input
            rows = np.arange(int(first[after]), int(first[after + 1]), dtype=np.int64)
            self._known[after] = self._at(rows, is_output=is_forward)
        return self._known[after]

    def _at(self, rows: Int64Array, *, is_output: bool) -> tuple[Landing, ...]:
        ground = self._mixes.ground
        view = ground.view
        addresses = addresses_of(self._mixes, rows)
        named = is_service(ground, addresses)
        rows, addresses = rows[named][:MOST_LANDINGS], addresses[named][:MOST_LANDINGS]
        values = (view.output_value if is_output else view.input_value)[rows].tolist()
        roots = roots_of(ground.entities, addresses)
        landings = []
        for place, row in enumerate(rows.tolist()):
            said = ground.attribution.service_at(int(addresses[place]), int(roots[place]))
            if said is None or addresses[place] == NO_ADDRESS:
                continue
            landings.append(
                Landing(
                    label=said.tag.label,
                    concepts=said.tag.concepts,
                    confidence=said.tag.level,
                    source=said.tag.source,
                    is_inherited=said.is_inherited,
                    outpoint=view.outpoint_text(row) if is_output else _spent(self._mixes, row),
                    value=str(values[place]),
                    address=view.address_text(int(addresses[place])),
                )
            )
        return tuple(landings)


def _when(mixes: Mixes, transaction: int) -> tuple[int, datetime]:
    """Return height and header time of a transaction's block."""
    view = mixes.ground.view
    blocks = view.blocks_of(np.array([transaction]))
    seconds = int(view.times_of_blocks(blocks)[0])
    return int(view.block_height[blocks[0]]), datetime.fromtimestamp(seconds, UTC)


def ratio(fraction: Fraction) -> Ratio:
    """Return a fraction as answers give it."""
    return Ratio(
        numerator=str(fraction.numerator),
        denominator=str(fraction.denominator),
        millionths=fraction.numerator * _MILLION // fraction.denominator,
    )


def _ratio_or_none(fraction: Fraction | None) -> Ratio | None:
    return None if fraction is None else ratio(fraction)
