"""The candidates behind CoinJoins in words: coins, transactions, times, services, fractions."""

from collections.abc import Iterator
from datetime import datetime
from fractions import Fraction

import numpy as np

from arien_flows.attribution.ownership import roots_of
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
from arien_flows.tracing.texts import (
    address_texts,
    block_times,
    moment,
    outpoint_texts,
    txid_texts,
)
from arien_flows.tracing.window import window_of
from chains.types import Int64Array, shown_txid
from heuristics.demix import CONSOLIDATION_RULE
from heuristics.follow import ranges
from heuristics.taint import Stop

MOST_CANDIDATES = 200
"""Candidates listed behind one traced coin, those at services first; the rest are counted."""

MOST_LANDINGS = 20
MOST_CONSOLIDATIONS = 100

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
    told = [_inference(mixes, traced, int(slot)) for slot in slots[:MOST_COINS]]
    return Inferences(
        rules=RULES,
        depth=request.demix_depth,
        coinjoins=tuple(told),
        unasked=max(0, len(slots) - MOST_COINS),
        unasked_traced=str(int(amounts[MOST_COINS:].sum())),
    )


def _walk(mixes: Mixes, traced: Traced, slot: int) -> Walk:
    """Follow the coin of a slot from the CoinJoin at which its path ended."""
    trail, view, request = traced.trail, mixes.ground.view, traced.request
    coin, here = int(trail.coins[slot]), int(trail.entered[slot])
    window, deadline = window_of(view, request), int(trail.flow.deadline[slot])
    first, last = window.first_transaction, window.last_transaction
    if mixes.is_forward:
        row, last = spending_row(mixes, here, coin), min(last, deadline)
    else:
        row, first = coin - int(view.first_output[here]), max(first, -deadline)
    return follow_candidates(mixes, here, row, request.demix_depth, (first, last))


def _inference(mixes: Mixes, traced: Traced, slot: int) -> Inference:
    trail, view = traced.trail, mixes.ground.view
    walk = _walk(mixes, traced, slot)
    joined = dict(_joined(mixes, walk))
    landings = Landings(mixes, walk.found)
    listed, others = _listed(walk.found, landings)
    gatherings = _consolidations(mixes, joined)
    texts = _Texts(mixes, listed)
    return Inference(
        coin=view.outpoint_text(int(trail.coins[slot])),
        coinjoin=view.txid_text(int(trail.entered[slot])),
        traced=str(int(trail.flow.amount[slot])),
        passed=tuple(_passed(mixes, each) for each in walk.entered),
        candidates=tuple(
            _candidate(
                texts, place, each, joined.get((each.next_transaction, each.transaction)), landings
            )
            for place, each in enumerate(listed)
        ),
        unlisted=len(others),
        unlisted_mass=ratio(sum((each.arrival.mass for each in others), Fraction(0))),
        rest=ratio(walk.rest),
        consolidations=gatherings,
        unlisted_consolidations=max(0, len(joined) - MOST_CONSOLIDATIONS),
        cut=tuple(sorted(walk.cut)),
    )


def _listed(found: list[Found], landings: "Landings") -> tuple[list[Found], list[Found]]:
    """Return the candidates to list, and the others; both by mass, ties in chain order."""
    by_mass = sorted(found, key=lambda each: (-each.arrival.mass, each.row))
    first = sorted(by_mass, key=lambda each: not landings.has(each))
    kept = {id(each) for each in first[:MOST_CANDIDATES]}
    return (
        [each for each in by_mass if id(each) in kept],
        [each for each in by_mass if id(each) not in kept],
    )


def _joined(mixes: Mixes, walk: Walk) -> Iterator[tuple[tuple[int, int], list[Found]]]:
    """Yield candidates of one CoinJoin that one ordinary transaction spends, by both."""
    if not mixes.is_forward:
        return
    spent: dict[tuple[int, int], list[Found]] = {}
    for each in walk.found:
        if each.fate == "spent":
            spent.setdefault((each.next_transaction, each.transaction), []).append(each)
    for where, members in spent.items():
        if len(members) > 1:
            yield where, sorted(members, key=lambda each: each.row)


def _raised(members: list[Found]) -> Fraction | None:
    return together(each.arrival for each in members)


def _consolidations(
    mixes: Mixes, joined: dict[tuple[int, int], list[Found]]
) -> tuple[Consolidation, ...]:
    """Return the co-spends that raise chances most first, then those of most candidates."""
    order = sorted(
        joined.items(), key=lambda item: (-(_raised(item[1]) or 0), -len(item[1]), item[0])
    )
    return tuple(_consolidation(mixes, *item) for item in order[:MOST_CONSOLIDATIONS])


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


class _Texts:
    """What the listed candidates are called, and when they came about, made at once."""

    def __init__(self, mixes: Mixes, listed: list[Found]) -> None:
        view = mixes.ground.view
        rows = np.array([each.row for each in listed], np.int64)
        here = np.array([each.transaction for each in listed], np.int64)
        after = np.array([each.next_transaction for each in listed], np.int64)
        transactions = np.unique(np.concatenate([here, after[after >= 0]]))
        blocks, self.txids = view.blocks_of(transactions), txid_texts(view, transactions)
        heights, times = view.block_height[blocks].tolist(), block_times(view, blocks)
        rows_of = zip(transactions.tolist(), heights, blocks.tolist(), strict=True)
        self.when = {which: (height, times[block]) for which, height, block in rows_of}
        addresses = addresses_of(mixes, rows)
        known = address_texts(view, addresses)
        self.addresses = [known[address] for address in addresses.tolist()]
        self.coins: list[str | None]
        self.spent_by: list[str | None]
        if mixes.is_forward:
            self.coins, self.spent_by = [*outpoint_texts(view, rows)], [None] * len(listed)
            self.values = view.output_value[rows].tolist()
            return
        self.coins = [_spent(mixes, row) for row in rows.tolist()]
        places = (rows - view.first_input[here]).tolist()
        self.spent_by = [
            f"{self.txids[each.transaction]}:{place}"
            for each, place in zip(listed, places, strict=True)
        ]
        self.values = view.input_value[rows].tolist()


def _candidate(
    texts: _Texts, place: int, found: Found, joined: list[Found] | None, landings: "Landings"
) -> Candidate:
    height, time = texts.when[found.transaction]
    follows = found.next_transaction >= 0
    return Candidate(
        outpoint=texts.coins[place],
        spent_by=texts.spent_by[place],
        address=texts.addresses[place],
        value=str(texts.values[place]),
        rule=found.share.rule,
        equal_outputs=found.share.equal_outputs,
        coinjoins=found.depth,
        height=height,
        time=time,
        chance=_ratio_or_none(found.arrival.chance),
        mass=ratio(found.arrival.mass),
        raised=None if joined is None else _ratio_or_none(_raised(joined)),
        fate=found.fate,
        next_txid=texts.txids[found.next_transaction] if follows else None,
        next_time=texts.when[found.next_transaction][1] if follows else None,
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


class Landings:
    """The services that candidates arrive at, worked out once for each transaction."""

    def __init__(self, mixes: Mixes, found: list[Found]) -> None:
        self._mixes = mixes
        self._known: dict[int, tuple[Landing, ...]] = {}
        after = {each.next_transaction for each in found if each.fate in ("spent", "made")}
        self._served = self._served_by(np.array(sorted(after), np.int64))

    def has(self, found: Found) -> bool:
        """Return whether a candidate is at a service, or the next transaction pays one."""
        if found.fate in ("spent", "made"):
            return found.next_transaction in self._served
        return found.fate == "service"

    def of(self, found: Found) -> tuple[Landing, ...]:
        """Return the services at a candidate's own address, or else in the next transaction."""
        if not self.has(found):
            return ()
        if found.fate == "service":
            return self._at(np.array([found.row]))
        after = found.next_transaction
        if after not in self._known:
            first = self._first_row()
            self._known[after] = self._at(np.arange(int(first[after]), int(first[after + 1])))
        return self._known[after]

    def _first_row(self) -> Int64Array:
        view = self._mixes.ground.view
        return view.first_output if self._mixes.is_forward else view.first_input

    def _served_by(self, transactions: Int64Array) -> set[int]:
        """Return those of the transactions that move coins of a service, at their far side."""
        first = self._first_row()
        starts, stops = first[transactions], first[transactions + 1]
        rows = ranges(starts, stops)
        named = is_service(self._mixes.ground, addresses_of(self._mixes, rows))
        owners = np.repeat(transactions, stops - starts)
        return set(owners[named].tolist())

    def _at(self, rows: Int64Array) -> tuple[Landing, ...]:
        ground, is_output = self._mixes.ground, self._mixes.is_forward
        view = ground.view
        addresses = addresses_of(self._mixes, rows)
        named = is_service(ground, addresses)
        rows, addresses = rows[named][:MOST_LANDINGS], addresses[named][:MOST_LANDINGS]
        values = (view.output_value if is_output else view.input_value)[rows].tolist()
        services = ground.attribution.services_at(addresses, roots_of(ground.entities, addresses))
        texts = address_texts(view, addresses)
        landings = []
        for place, row in enumerate(rows.tolist()):
            said = services.at(place)
            if said is None:
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
                    address=texts[int(addresses[place])],
                )
            )
        return tuple(landings)


def _when(mixes: Mixes, transaction: int) -> tuple[int, datetime]:
    """Return height and header time of a transaction's block."""
    view = mixes.ground.view
    blocks = view.blocks_of(np.array([transaction]))
    seconds = int(view.times_of_blocks(blocks)[0])
    return int(view.block_height[blocks[0]]), moment(seconds)


def ratio(fraction: Fraction) -> Ratio:
    """Return a fraction as answers give it."""
    return Ratio(
        numerator=str(fraction.numerator),
        denominator=str(fraction.denominator),
        millionths=fraction.numerator * _MILLION // fraction.denominator,
    )


def _ratio_or_none(fraction: Fraction | None) -> Ratio | None:
    return None if fraction is None else ratio(fraction)
