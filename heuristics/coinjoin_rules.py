"""CoinJoins without a coordinator: several people agree on one amount, and each takes it once.

Each participant brings inputs and takes one output of the amount that all agreed on, and usually
one more output for the change. The equal outputs give the shape away; JoinMarket and other
maker/taker designs share it, and no rule here can tell them apart. Two rules say less: that a
CoinJoin of two is possible, and that a payment may have been a PayJoin. One is a veto.

How outputs that carry data (OP_RETURN) count differs between the sources. BlockSci counts every
output, and so do `definite`, `proven` and `possible`. GraphSense looks at outputs that have an
address only, and so do `joinmarket` and `stonewall`.
"""

import numpy as np

from heuristics.coinjoin_columns import CoinJoinColumns, Scratch
from heuristics.coinjoin_packing import each_can_pay, two_can_pay
from heuristics.coinjoin_shape import LARGEST_DUST_SAT, Shape
from heuristics.columns import NO_ADDRESS, UInt16Array
from heuristics.jit import kernel

_STONEWALL_LEAST_SAT = 5_000
_ROOM_FOR_FEES_SAT = 10_000


@kernel
def definite(shape: Shape) -> bool:
    """Equal outputs for exactly half of the outputs: BlockSci's definite CoinJoin.

    Each of k = floor((outputs + 1) / 2) participants has one mixed output and at most one for
    change. The most frequent value must occur exactly k times and not be 546 or 2,730 satoshi,
    and there must be k distinct input addresses.

    Assumes: participants bring addresses of their own, and each takes one output of the agreed
        amount.
    Fails when: one wallet pays equal amounts from several addresses (batch payouts, Stonewall),
        and on designs with several amounts or with other than two outputs for each participant.
    Source: BlockSci 14ccc93, src/heuristics/tx_identification.cpp (isCoinjoin). Dumplings' authors
        put its accuracy for JoinMarket at 94 %, a second-hand figure that is not used.
    """
    participants = (shape.outputs + 1) // 2
    return (
        shape.inputs >= 2
        and shape.outputs >= 3
        and participants <= shape.inputs
        and participants <= shape.distinct_inputs
        and shape.every.top_count == participants
        and shape.every.top_value_sat != 546
        and shape.every.top_value_sat != 2_730
    )


@kernel
def proven(columns: CoinJoinColumns, transaction: int, shape: Shape, scratch: Scratch) -> bool:
    """The amounts let each participant pay for his own outputs: BlockSci's extended CoinJoin.

    As `definite`, with the equal outputs counted by distinct addresses. Then the inputs, taken
    together by address, must fill one bin for each participant: the equal amount plus one of the
    other outputs, in the order of the transaction, less the most that he may have been paid, 1 %
    of the amount or 10,000 satoshi. For two to eight participants, and at most 1,000 steps.

    Assumes: change stands in the order in which the source deals it out, and nobody is paid more
        than that for taking part.
    Fails when: as `definite`; and it misses rounds where one participant has several changes. A
        search that is given up is no proof.
    Source: BlockSci 14ccc93, src/heuristics/tx_identification.cpp (isCoinjoinExtra). The limits of
        payment and steps are this program's, and so is that amounts below the payment prove
        nothing. No error rate is given.
    """
    return (
        shape.inputs >= 2
        and shape.outputs >= 3
        and (shape.outputs + 1) // 2 <= shape.inputs
        and (shape.outputs + 1) // 2 <= shape.distinct_inputs
        and each_can_pay(columns, transaction, shape, scratch)
    )


@kernel
def possible(columns: CoinJoinColumns, transaction: int, shape: Shape, scratch: Scratch) -> bool:
    """Two equal outputs, and two people could have paid for them: BlockSci's possible CoinJoin.

    At least two input addresses and two outputs. Outputs that go back to an input's address are
    left aside; among the others the most frequent value must occur twice and exceed the largest
    payment for taking part, 1 % of it or 10,000 satoshi. The inputs, taken together by address,
    must fill two bins of that value less the payment.

    Of a transaction with the shape of a Whirlpool Tx0 it is said where `definite` fires, too, since
    no detection is said of it.

    Assumes: nothing more than that two owners could be behind the inputs.
    Fails when: very often: one wallet that pays two people the same is such a transaction. It says
        what cannot be ruled out, and is used only to leave a transaction out.
    Source: BlockSci 14ccc93, src/heuristics/tx_identification.cpp (isPossibleCoinjoin); without
        the line there that lets amounts below the payment pass. The limits of payment and of 1,000
        steps are this program's. No error rate is given.
    """
    return (
        shape.inputs >= 2
        and shape.outputs >= 2
        and shape.every.repeated_values > 0
        and shape.distinct_inputs >= 2
        and two_can_pay(columns, transaction, scratch)
    )


@kernel
def joinmarket(shape: Shape) -> bool:
    """At least three equal outputs that are at least half of all: GraphSense's JoinMarket rule.

    The value has to exceed 2,730 satoshi, all output addresses must differ, at least one output
    must have another value, and there must be as many distinct input addresses as equal outputs.
    From 50 inputs on, at most 20 inputs and at least 1.7 outputs for each participant.

    Assumes: three or more participants, each with one equal output, and some with change.
    Fails when: somebody pays equal amounts to many from many addresses (an exchange's batch); it
        also fires on other equal-output designs, so it does not name the protocol.
    Source: GraphSense graphsense-lib a82914b, heuristics_service.py, after Schnoering and
        Vazirgiannis 2023. Confidence 49 is that program's own figure, not a measured error rate.
    """
    count = shape.paid.pool_count
    if not (
        2 * count >= shape.spendable
        and 3 <= count <= shape.distinct_inputs
        and shape.distinct_outputs == shape.spendable
        and count < shape.spendable
    ):
        return False
    if shape.inputs >= 50:
        return shape.inputs <= 20 * count and 10 * shape.spendable >= 17 * count
    return True


@kernel
def equal_outputs(shape: Shape) -> bool:
    """One repeated value, enough money for it: Dumplings' "other" rule, narrowed by black-lists.

    Exactly one value repeats, above 2,730 satoshi, for half of the outputs (of an odd number: the
    larger half), to as many distinct addresses and from as many; no input exceeds that value plus
    the largest other output less 10,000 satoshi, or somebody brought more than anybody took. Never
    with OP_RETURN, with more than 100 inputs or outputs, with more than four times as many of one
    as of the other, or where one address makes up more than 34 % of all inputs and outputs.

    Assumes: no participant takes out more than one equal output and one change.
    Fails when: as `definite`, though payouts from a large input are ruled out. The source also
        rules out spends of Wasabi and Whirlpool outputs, which needs rules for those.
    Source: Dumplings 36f28f2 and its fork 4739bda; crocs-muni/coinjoin-analysis 097447a
        (black-lists). Neither gives an error rate. The dust limit is this program's.
    """
    count = shape.every.top_count
    smaller, larger = min(shape.inputs, shape.outputs), max(shape.inputs, shape.outputs)
    return (
        shape.every.repeated_values == 1
        and shape.every.top_value_sat > LARGEST_DUST_SAT
        and (2 * count == shape.outputs or 2 * count == shape.outputs + 1)
        and shape.distinct_outputs >= count
        and shape.distinct_inputs >= count
        and shape.largest_input_sat
        <= shape.every.top_value_sat + shape.largest_other_sat - _ROOM_FOR_FEES_SAT
        and shape.spendable == shape.outputs
        and larger <= 100
        and larger <= 4 * smaller
        and 100 * shape.most_reused <= 34 * (shape.inputs + shape.outputs)
    )


@kernel
def stonewall(shape: Shape) -> bool:
    """Three or four outputs with one equal pair: a spend that imitates a CoinJoin (veto).

    Assumes: a pair of at least 5,000 satoshi among three or four outputs to distinct addresses is
        one wallet's decoy.
    Fails when: two people really did mix; then the veto hides a CoinJoin from reports. Clustering
        leaves the transaction out all the same.
    Source: GraphSense graphsense-lib a82914b, heuristics_service.py. No error rate is given.
    """
    return (
        shape.inputs >= 2
        and (shape.spendable == 3 or shape.spendable == 4)
        and shape.distinct_outputs == shape.spendable
        and shape.paid.pair_value_sat >= _STONEWALL_LEAST_SAT
    )


@kernel
def payjoin_possible(
    columns: CoinJoinColumns, start: int, mark: np.uint16, marks: UInt16Array
) -> None:
    """One input would have been enough for either output: perhaps the payee added his own.

    Two outputs, two inputs or more from more than one address, and no output below the smallest
    input: a wallet that pays alone needs no such input. In a PayJoin the payee adds a coin of his
    and takes it back with the payment. The kernel adds the mark to those of `start` and after.

    Assumes: wallets do not spend more coins than a payment needs.
    Fails when: a wallet consolidates while it pays, spends all coins of an address, or selects
        coins by age. That is common; most transactions of this shape are no PayJoin, and the mark
        leaves nothing out: it only says that the co-spend is less certain.
    Source: this program's, after the unnecessary-input heuristic that BIP 78 describes. No error
        rate is given.
    """
    first_input, first_output = columns.first_input, columns.first_output
    for offset in range(len(marks)):
        first_in, last_in = first_input[start + offset], first_input[start + offset + 1]
        first_out = first_output[start + offset]
        if first_output[start + offset + 1] - first_out != 2 or last_in - first_in < 2:
            continue
        smallest, several = columns.input_value_sat[first_in], False
        for i in range(first_in + 1, last_in):
            smallest = min(smallest, columns.input_value_sat[i])
            several |= columns.input_address[i] != columns.input_address[first_in]
        if (
            several
            and columns.output_value_sat[first_out] >= smallest
            and columns.output_value_sat[first_out + 1] >= smallest
            and columns.output_address[first_out] != NO_ADDRESS
            and columns.output_address[first_out + 1] != NO_ADDRESS
        ):
            marks[offset] |= mark
