"""Whirlpool: five to ten coins of one pool's amount become as many, again and again.

Whoever enters a pool first splits his coins into that amount and a little more for the miner, in a
transaction of his own, the *Tx0*. Whoever mixes again pays nothing.
"""

from heuristics.coinjoin_columns import (
    CoinJoinColumns,
    Eras,
    inputs_are_native,
    outputs_are_native,
)
from heuristics.coinjoin_shape import LEAST_SURPLUS_SAT, MOST_SURPLUS_SAT, Shape
from heuristics.jit import kernel

WHIRLPOOL_CONFIDENCE = 60
"""GraphSense's own figure for a mix and for a Tx0, not a measured error rate."""

TX0_SPENT_CONFIDENCE = 90
"""The same for a Tx0 whose equal outputs were spent in a mix."""

WHIRLPOOL_POOLS_SAT = (100_000, 1_000_000, 5_000_000, 50_000_000, 2_500_000, 25_000_000)
"""The pools of Samourai, and the last two of Ashigaru."""


@kernel
def whirlpool(columns: CoinJoinColumns, transaction: int, shape: Shape, eras: Eras) -> bool:
    """Five to ten coins become as many of one pool's amount: Whirlpool.

    All outputs have the amount of a pool of Samourai (0.001, 0.01, 0.05, 0.5 bitcoin) or Ashigaru
    (0.025, 0.25). At least one input has it, too: a coin that is mixed again. The others are
    within 0.0011 bitcoin of it. And either all inputs and outputs are P2WPKH (Dumplings), or there
    are at most eight of each, at distinct addresses, and one to four inputs are new and bring 100
    to 110,000 satoshi more than the amount (GraphSense). From block 570,000 of the main network.

    Assumes: nobody else turns so many coins of exactly such amounts into themselves.
    Fails when: a pool's first mix is judged, where all coins are new.
    Source: Dumplings 36f28f2 (a refinement of Stuetz et al. 2022, who claim a precision above
        99 %) and GraphSense graphsense-lib a82914b, whose confidence of 60 is given here. The
        second finds mixes whose last output goes straight to an address of another type.
    """
    if not (
        transaction >= eras.whirlpool
        and 5 <= shape.inputs <= 10
        and shape.outputs == shape.inputs
        and shape.every.top_count == shape.outputs
    ):
        return False
    amount = shape.every.top_value_sat
    known = False
    for pool in WHIRLPOOL_POOLS_SAT:
        known = known or amount == pool
    if not known:
        return False
    mixed_again, is_near, is_new = 0, True, True
    for i in range(columns.first_input[transaction], columns.first_input[transaction + 1]):
        surplus = columns.input_value_sat[i] - amount
        if surplus == 0:
            mixed_again += 1
        else:
            is_near = is_near and abs(surplus) <= MOST_SURPLUS_SAT
            is_new = is_new and LEAST_SURPLUS_SAT <= surplus <= MOST_SURPLUS_SAT
    if mixed_again == 0 or not is_near:
        return False
    by_counts = (
        is_new
        and shape.inputs <= 8
        and 1 <= shape.inputs - mixed_again <= 4
        and shape.distinct_inputs == shape.inputs
        and shape.distinct_outputs == shape.outputs
    )
    return by_counts or (
        inputs_are_native(columns, transaction, False) and outputs_are_native(columns, transaction)
    )


@kernel
def whirlpool_tx0(transaction: int, shape: Shape, eras: Eras) -> bool:
    """One owner splits coins for a Whirlpool pool and pays its fee: the Tx0, which is no CoinJoin.

    Exactly one output carries data. Of the others, 1 to 70 have one value, 100 to 110,000 satoshi
    above a pool's amount, at most two are something else, and exactly one output is between half
    and three times the pool's fee (5,000 satoshi for 0.001 bitcoin, 50,000 for 0.01, 175,000 for
    0.05, 1,750,000 for 0.5). From block 570,000 of the main network.

    Its inputs have one owner, and so have all its outputs but the fee: the change of a Tx0 is a
    lead. The mark leaves nothing out of clustering, and no rule detects a CoinJoin where it is. But
    anybody can give a CoinJoin this shape by one output of data and one near a fee; so where the
    amounts and several input addresses let others pay for equal outputs, `possible` is said
    beside it, and `strict` clustering does not join its inputs. Other profiles do, because a wallet
    often spends several addresses to enter a pool: of 304 such transactions of one month of 2024
    100 do, and `strict` leaves out 45.

    Assumes: a wallet splits for one pool at a time, and pays the coordinator in the same
        transaction.
    Fails when: the change happens to be as small as a fee, so that two outputs could be it: of the
        Tx0 transactions of that month it misses one in six for that reason. It knows no
        pools of Ashigaru. Several people who imitate the shape together are taken for one owner
        by every profile but `strict`.
    Source: GraphSense graphsense-lib a82914b, heuristics_service.py. Confidence 60 is that
        program's figure, and 90 once such an output was spent in a mix.
    """
    return transaction >= eras.whirlpool and shape.premix_pool_sat > 0
