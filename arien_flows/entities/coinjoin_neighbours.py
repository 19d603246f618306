"""What the transactions around a suspected CoinJoin, and the tags on its addresses, say about it.

`heuristics.coinjoin_neighbours` states the rules. They are applied to one transaction, when
somebody asks about it: its answer may change when blocks or tags are added.
"""

from collections.abc import Callable
from dataclasses import dataclass, replace

import numpy as np

from arien_flows.entities.coinjoin_findings import Amount, CoinJoinFinding, Lineage
from arien_flows.ledger.schema import EXTERNAL, NO_ADDRESS
from arien_flows.ledger.view import View
from chains.types import Int64Array
from heuristics.coinjoin import WASABI_2_MARKS, CoinJoinMark, Design
from heuristics.coinjoin_shape import LEAST_SURPLUS_SAT, MOST_SURPLUS_SAT
from heuristics.coinjoin_whirlpool import TX0_SPENT_CONFIDENCE, WHIRLPOOL_POOLS_SAT

LINEAGE_DEPTH = 2
"""How many mixes one behind another are looked at."""

FORWARD_OUTPUTS = 20
"""Most outputs of a Tx0 whose spenders are looked at."""

INPUTS_ASKED = 1_000
"""Most inputs whose tags are looked at."""

_ROUND_MARKS = CoinJoinMark.WASABI_1 | CoinJoinMark.WASABI_2 | CoinJoinMark.WHIRLPOOL
"""Marks precise enough to say that a coin comes out of a coordinator's round."""

_ROUNDS = (Design.WHIRLPOOL, Design.WASABI_1, Design.WASABI_2)
"""Designs that nothing turns into a Tx0: equal outputs alone do not make a round."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Neighbourhood:
    """A ledger and the marks of its transactions."""

    view: View
    mark: Callable[[int], CoinJoinMark]
    unasked: Int64Array
    """Outputs whose spender nobody has asked for: none of a ledger of whole blocks."""

    def inputs(self, transaction: int) -> tuple[list[int], list[int]]:
        """Return which transaction each input's coin comes from, and the coin's value.

        -1 stands for a transaction that is not in the ledger.
        """
        begin, end = self.view.first_input[transaction : transaction + 2].tolist()
        spent = np.asarray(self.view.spent_output[begin:end])
        source = np.full(len(spent), -1, dtype=np.int64)
        inside = spent != EXTERNAL
        source[inside] = self.view.transactions_of_outputs(spent[inside])
        return source.tolist(), self.view.input_value[begin:end].tolist()

    def spenders(self, transaction: int) -> list[int]:
        """Return the transaction that spends each output, -1 where none does."""
        begin, end = self.view.first_output[transaction : transaction + 2].tolist()
        found: list[int] = self.view.spenders(np.arange(begin, end, dtype=np.int64)).tolist()
        return found

    def knows_spenders(self, transaction: int) -> bool:
        """Return whether it is known of every output if anything spends it."""
        begin, end = self.view.first_output[transaction : transaction + 2].tolist()
        return not np.any((self.unasked >= begin) & (self.unasked < end))

    def carries_data(self, transaction: int) -> bool:
        """Return whether exactly one output carries data."""
        begin, end = self.view.first_output[transaction : transaction + 2].tolist()
        return int((self.view.output_address[begin:end] == NO_ADDRESS).sum()) == 1

    def marked(self, transactions: list[int], marks: CoinJoinMark) -> int:
        """Return how many of the transactions have one of these marks."""
        return sum(bool(self.mark(number) & marks) for number in transactions if number >= 0)


def judged(
    around: Neighbourhood,
    transaction: int,
    found: CoinJoinFinding | None,
    is_exchange: Callable[[int], bool] | None,
) -> CoinJoinFinding | None:
    """Return a finding as its neighbours and tags leave it."""
    design = None if found is None else found.design
    if found is None or design not in _ROUNDS:
        pool, coins = _spent_in_mix(around, transaction)
        if pool > 0:
            return _as_tx0(found, pool, coins)
    if found is None or design in (None, Design.WHIRLPOOL_TX0, Design.POSSIBLE):
        return found
    if design == Design.WHIRLPOOL:
        return replace(found, lineage=_lineage(around, transaction, LINEAGE_DEPTH))
    vetoes, unasked = list(found.vetoes), 0
    if design == Design.WASABI_2:
        vetoes += _wasabi_2_vetoes(around, transaction, found.marks)
    else:
        unnamed = design == Design.EQUAL_OUTPUTS and CoinJoinMark.JOINMARKET not in found.marks
        if unnamed and around.marked(around.inputs(transaction)[0], _ROUND_MARKS):
            vetoes.append("coinjoin_postmix")
        if is_exchange is not None:
            if _spends_of_exchange(around.view, transaction, is_exchange):
                vetoes.append("coinjoin_exchange")
            else:
                unasked = max(0, len(around.inputs(transaction)[0]) - INPUTS_ASKED)
    return replace(found, vetoes=tuple(vetoes), inputs_unasked=unasked)


def _wasabi_2_vetoes(around: Neighbourhood, transaction: int, marks: CoinJoinMark) -> list[str]:
    """Return what speaks against a round of Wasabi 2; nothing where its past is not known."""
    sources, _ = around.inputs(transaction)
    if -1 in sources or around.marked(sources, WASABI_2_MARKS):
        return []
    if CoinJoinMark.LOOKALIKE in marks:
        return ["coinjoin_wasabi_2_lookalike"]
    if around.marked(around.spenders(transaction), WASABI_2_MARKS):
        return []
    if not around.knows_spenders(transaction):
        return []
    return ["coinjoin_wasabi_2_isolated"]


def _spends_of_exchange(view: View, transaction: int, is_exchange: Callable[[int], bool]) -> bool:
    begin, end = view.first_input[transaction : transaction + 2].tolist()
    addresses = np.unique(view.input_address[begin : min(end, begin + INPUTS_ASKED)]).tolist()
    return any(is_exchange(address) for address in addresses if address != NO_ADDRESS)


def _lineage(around: Neighbourhood, transaction: int, depth: int) -> Lineage:
    """Return whether every coin of a mix comes from a mix or with data, so many mixes deep."""
    if depth == 0:
        return "proven"
    sources, values = around.inputs(transaction)
    answer: Lineage = "proven"
    for source, value in zip(sources, values, strict=True):
        if source < 0:
            answer = "before_ledger"
            continue
        if value not in WHIRLPOOL_POOLS_SAT:
            behind: Lineage = "proven" if around.carries_data(source) else "broken"
        elif CoinJoinMark.WHIRLPOOL in around.mark(source):
            behind = _lineage(around, source, depth - 1)
        else:
            behind = "broken"
        if behind == "broken":
            return "broken"
        if behind == "before_ledger":
            answer = "before_ledger"
    return answer


def _as_tx0(found: CoinJoinFinding | None, pool: int, coins: int) -> CoinJoinFinding:
    """Return a Tx0 with the confidence that its outputs' spenders give.

    The marks stand, and with them what clustering leaves out.
    """
    rules = () if found is None else found.rules
    is_marked = found is not None and found.design == Design.WHIRLPOOL_TX0
    return CoinJoinFinding(
        marks=CoinJoinMark(0) if found is None else found.marks,
        design=Design.WHIRLPOOL_TX0,
        rules=(*rules, "coinjoin_whirlpool_tx0_spent"),
        vetoes=(),
        confidence=TX0_SPENT_CONFIDENCE,
        participants=found.participants if found is not None and is_marked else coins,
        amounts=found.amounts
        if found is not None and is_marked
        else (Amount(value_sat=pool, outputs=coins),),
    )


def _spent_in_mix(around: Neighbourhood, transaction: int) -> tuple[int, int]:
    """Return the pool that an output enters as a new coin, and how many outputs could; or zeros.

    Only a transaction that carries data can be a Tx0.
    """
    if not around.carries_data(transaction):
        return 0, 0
    view = around.view
    begin, end = view.first_output[transaction : transaction + 2].tolist()
    values = view.output_value[begin:end].tolist()
    spenders = around.spenders(transaction)
    for pool in WHIRLPOOL_POOLS_SAT:
        entering = [
            number
            for number, value in enumerate(values)
            if LEAST_SURPLUS_SAT <= value - pool <= MOST_SURPLUS_SAT
        ]
        for number in entering[:FORWARD_OUTPUTS]:
            spender = spenders[number]
            if spender < 0 or CoinJoinMark.WHIRLPOOL not in around.mark(spender):
                continue
            if view.output_value[view.first_output[spender]] == pool:
                return pool, len(entering)
    return 0, 0
