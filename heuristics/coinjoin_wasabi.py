"""CoinJoins that Wasabi's coordinators arrange.

*Wasabi 1* has one amount near 0.1 bitcoin, later also its doubles; *Wasabi 2* pays everybody in
standard amounts.

Two families of rules exist and see different rounds. Dumplings, written by the author of Wasabi,
knows amounts, order, script types and addresses of the coordinators; GraphSense goes by counts
alone. Each is kept whole, as a rule of its own, because one finds what the other misses.
"""

import numpy as np

from heuristics.coinjoin_columns import (
    CoinJoinColumns,
    Eras,
    inputs_are_native,
    outputs_are_native,
)
from heuristics.coinjoin_shape import WASABI_BASE_SAT, Shape
from heuristics.columns import Int64Array
from heuristics.jit import kernel

WASABI_1_0_CONFIDENCE = 70
WASABI_2_CONFIDENCE = 60
"""GraphSense's own figures; none is a measured error rate."""

WASABI_2_LEAST_SAT = 5_000
WASABI_2_MOST_SAT = 134_375_000_000
_MOST_INPUTS_EACH = 7


def standard_amounts() -> tuple[int, ...]:
    """Return the 78 amounts that Wasabi 2 pays out, in satoshi, ascending.

    2^i, 3^i, 2*3^i, 10^i, 2*10^i and 5*10^i between 5,000 and 134,375,000,000.
    """
    series = ((1, 2), (1, 3), (2, 3), (1, 10), (2, 10), (5, 10))
    amounts = {first * base**power for first, base in series for power in range(40)}
    return tuple(sorted(a for a in amounts if WASABI_2_LEAST_SAT <= a <= WASABI_2_MOST_SAT))


_STANDARD_SAT = np.array(standard_amounts(), dtype=np.int64)
_LOOKALIKE_SAT = np.array(
    [
        1_062_882, 14_348_907, 28_697_814, 43_046_721, 86_093_442,
        8_388_608, 16_777_216, 33_554_432, 67_108_864, 134_217_728,
    ],
    dtype=np.int64,
)  # fmt: skip


@kernel
def is_standard(value_sat: int) -> bool:
    """Return whether Wasabi 2 pays out this amount."""
    place = np.searchsorted(_STANDARD_SAT, value_sat)
    return bool(place < len(_STANDARD_SAT) and _STANDARD_SAT[place] == value_sat)


@kernel
def _pays_coordinator(columns: CoinJoinColumns, transaction: int, eras: Eras) -> bool:
    for i in range(columns.first_output[transaction], columns.first_output[transaction + 1]):
        address = np.int64(columns.output_address[i])
        if address == eras.coordinator_a or address == eras.coordinator_b:
            return True
    return False


@kernel
def wasabi_1(columns: CoinJoinColumns, transaction: int, shape: Shape, eras: Eras) -> bool:
    """A Wasabi 1 round as Dumplings finds it: by its coordinator, later by 0.1 bitcoin.

    From block 530,500: some value goes to three outputs or more, and one of two addresses that
    belonged to the coordinator is paid. From block 610,000, when these were given up: all inputs
    and outputs are P2WPKH, the most frequent value is within 0.02 bitcoin of 0.1, at least ten
    outputs have it, there are as many inputs, and at least two outputs have a value of their own,
    as change and the coordinator's fee have. Block heights apply to the main network only.

    Assumes: nobody else pays the coordinator's address together with equal amounts; later, that
        only Wasabi joined ten coins or more near 0.1 bitcoin.
    Fails when: a round has fewer than ten participants, or somebody pays 0.1 bitcoin to ten people
        from as many inputs.
    Source: Dumplings 36f28f2, Scanner.cs and Constants.cs. Stuetz et al. (AFT 2022) claim a
        precision above 99 % for the heuristics that it refines.
    """
    if transaction < eras.wasabi_1:
        return False
    if transaction < eras.wasabi_1_open:
        return shape.every.top_count > 2 and _pays_coordinator(columns, transaction, eras)
    return (
        shape.every.top_count >= 10
        and shape.inputs >= shape.every.top_count
        and abs(shape.every.top_value_sat - WASABI_BASE_SAT) <= 2_000_000
        and shape.every.single_values >= 2
        and inputs_are_native(columns, transaction, False)
        and outputs_are_native(columns, transaction)
    )


@kernel
def _pays_out_a_multiple(shape: Shape) -> bool:
    """Return whether a small transaction pays a whole number of times its most frequent value.

    Within 0.01 % of that value; then it is a payout rather than a round.
    """
    top = shape.paid.top_value_sat
    if shape.inputs >= 20 or top <= 0:
        return False
    rest = shape.paid.sum_sat % top
    return 10_000 * min(rest, top - rest) <= top


@kernel
def wasabi_1_0(transaction: int, shape: Shape, eras: Eras) -> bool:
    """Equal outputs near 0.1 bitcoin for half of the outputs: GraphSense's Wasabi 1.0.

    At least ten inputs, no address with more than a tenth of them. The most frequent value within
    0.005 bitcoin of 0.1 occurs at least three times and for at least half of the outputs, one for
    the coordinator aside; there are from one to seven distinct input addresses for each. All
    output addresses differ. With fewer than 20 inputs the sum of the outputs must not be a
    multiple of the most frequent value.

    Assumes: everybody takes one output of the amount, and nobody brings more than seven addresses.
    Fails when: the amount has drifted further from 0.1 bitcoin, as it did over the years, or many
        doubles of it are paid; and on any CoinJoin of another design near that amount.
    Source: GraphSense graphsense-lib a82914b, heuristics_service.py, after Schnoering and
        Vazirgiannis 2023. Confidence 70 is that program's figure, not a measured error rate. That
        nothing counts before block 530,500 of the main network is Dumplings' rule.
    """
    count = shape.paid.base_count
    return (
        transaction >= eras.wasabi_1
        and shape.inputs >= 10
        and 10 * shape.most_reused_input <= shape.inputs
        and count >= 3
        and 2 * count >= shape.spendable - 1
        and count <= shape.distinct_inputs <= _MOST_INPUTS_EACH * count
        and shape.distinct_outputs == shape.spendable
        and not _pays_out_a_multiple(shape)
    )


@kernel
def wasabi_1_1(transaction: int, shape: Shape, eras: Eras) -> bool:
    """Outputs near 0.1 bitcoin and its doubles: GraphSense's Wasabi 1.1, with mixing levels.

    Level i holds the outputs within 2^i * 0.005 bitcoin of 2^i * 0.1, and counts if there are two
    or more. The fullest holds at least three, and there are from one to seven distinct input
    addresses for each of these. The levels together hold half of the outputs, or all but one for
    each input address, one for the coordinator aside in both. All output addresses differ. With
    fewer than 20 inputs the sum of the outputs must not be a multiple of the most frequent value.

    Assumes: everybody takes at most one output of each level.
    Fails when: the amount has drifted further from 0.1 bitcoin; on JoinMarket near that amount;
        and on payments of about 0.1 bitcoin from many addresses, since outputs of a level need not
        be equal.
    Source: GraphSense graphsense-lib a82914b, heuristics_service.py, after Schnoering and
        Vazirgiannis 2023. The confidence, `wasabi_1_1_confidence`, is that program's figure, not
        a measured error rate. That nothing counts before block 530,500 is Dumplings' rule.
    """
    count = shape.paid.level_count
    return (
        transaction >= eras.wasabi_1
        and count >= 3
        and count <= shape.distinct_inputs <= _MOST_INPUTS_EACH * count
        and (_levels_hold_half(shape) or _levels_hold_all_but_change(shape))
        and shape.distinct_outputs == shape.spendable
        and not _pays_out_a_multiple(shape)
    )


@kernel
def _levels_hold_half(shape: Shape) -> bool:
    return 2 * shape.paid.level_outputs >= shape.spendable - 1


@kernel
def _levels_hold_all_but_change(shape: Shape) -> bool:
    return shape.paid.level_outputs >= shape.spendable - shape.distinct_inputs - 1


@kernel
def wasabi_1_1_confidence(shape: Shape) -> int:
    """Return 50 to 100 by the share of input addresses in the fullest level; half if in doubt.

    50 where each of these outputs has seven input addresses, 100 where it has one; half of that
    where only one of the two tests of the levels holds.
    """
    most = _MOST_INPUTS_EACH
    above = 50 * (most * shape.paid.level_count - shape.distinct_inputs)
    confidence = 50 + above // ((most - 1) * shape.distinct_inputs)
    both = _levels_hold_half(shape) and _levels_hold_all_but_change(shape)
    return confidence if both else confidence // 2


@kernel
def _is_descending(values: Int64Array, first: int, last: int) -> bool:
    i = first + 1
    while i < last and values[i] <= values[i - 1]:
        i += 1
    return i >= last


@kernel
def wasabi_2(columns: CoinJoinColumns, transaction: int, shape: Shape, eras: Eras) -> bool:
    """A Wasabi 2 round as Dumplings finds it: standard amounts, everything sorted.

    At least 15 inputs, all P2WPKH or taproot. Inputs and outputs each stand in falling order of
    value. More than 80 % of the outputs have one of the 78 standard amounts, and some amount
    occurs twice. From block 741,213 of the main network on.

    Assumes: the coordinator sorts both sides, as its program does, and participants divide their
        coins into standard amounts.
    Fails when: a round has fewer than 15 inputs (nearly all rounds of emulated chains; on the main
        network they had 50 and more until 2024); when clients leave much change; and on
        transactions of one owner that imitate the amounts, of which `wasabi_2_lookalike` tells.
    Source: Dumplings 36f28f2 and its fork 4739bda (15 inputs where the original has 50). No error
        rate is given; crocs-muni/coinjoin-analysis 097447a lists 1,261 transactions that it finds
        wrongly, beside 32,682 that are attributed to a coordinator.
    """
    if transaction < eras.wasabi_2 or shape.inputs < 15 or shape.every.repeated_values == 0:
        return False
    first_in, last_in = columns.first_input[transaction], columns.first_input[transaction + 1]
    first_out, last_out = columns.first_output[transaction], columns.first_output[transaction + 1]
    if not (
        _is_descending(columns.output_value_sat, first_out, last_out)
        and _is_descending(columns.input_value_sat, first_in, last_in)
    ):
        return False
    standard = 0
    for i in range(first_out, last_out):
        standard += is_standard(columns.output_value_sat[i])
    return 10 * standard > 8 * shape.outputs and inputs_are_native(columns, transaction, True)


@kernel
def wasabi_2_shape(transaction: int, shape: Shape, eras: Eras) -> bool:
    """Many inputs, and several amounts that repeat: GraphSense's Wasabi 2.

    At least 20 inputs, no address with more than a tenth of them. All output addresses differ, no
    output is below 5,000 satoshi. At least three amounts occur twice or more, and such outputs are
    half of all, one aside, but not all of them.

    Assumes: only many people together pay many amounts several times.
    Fails when: an exchange or a miner pays many people, some of them the same, from many of its
        addresses; and it cannot tell Wasabi 1 with mixing levels from Wasabi 2.
    Source: GraphSense graphsense-lib a82914b, heuristics_service.py. Confidence 60 is that
        program's figure, not a measured error rate. That nothing counts before block 741,213 of
        the main network is Dumplings' rule.
    """
    repeated = shape.paid.repeated_outputs
    return (
        transaction >= eras.wasabi_2
        and shape.inputs >= 20
        and 10 * shape.most_reused_input <= shape.inputs
        and shape.paid.smallest_sat >= WASABI_2_LEAST_SAT
        and shape.distinct_outputs == shape.spendable
        and shape.paid.repeated_values >= 3
        and 2 * repeated >= shape.spendable - 1
        and repeated < shape.spendable
    )


@kernel
def wasabi_2_reuse(shape: Shape) -> bool:
    """There are fewer than 30 addresses for 100 inputs, or for 100 outputs (veto).

    Distinct addresses are counted on each side by itself, outputs of data left aside; an unknown
    input address counts as one of its own.

    Assumes: participants of a round use every address once, as the program makes them.
    Fails when: somebody takes part with many coins of one address, in a small round.
    Source: crocs-muni/coinjoin-analysis 097447a (wasabi_detect_false, detect_address_reuse_txs),
        a filter by which its authors look for false positives. No error rate is given.
    """
    return (
        10 * shape.distinct_inputs < 3 * shape.inputs
        or 10 * shape.distinct_outputs < 3 * shape.spendable
    )


@kernel
def wasabi_2_lookalike(columns: CoinJoinColumns, transaction: int, shape: Shape) -> bool:
    """Standard amounts as somebody who imitates Wasabi 2 since 2025 uses them.

    One of ten amounts (1,062,882 and multiples by threes and twos of it, 8,388,608 and doubles)
    occurs twice or more among inputs and outputs, and some output has a value of its own. The
    amounts alone prove nothing, since real rounds have them, too: it is a veto only where no input
    comes from a round of Wasabi 2.

    Assumes: a real round has at least one participant who mixed before.
    Fails when: a coordinator's first rounds are judged, where nobody can have mixed before.
    Source: crocs-muni/coinjoin-analysis 097447a (wasabi_detect_false, detect_specific_cj_denoms);
        744 transactions of its list of false positives are these. No error rate is given.
    """
    if shape.every.single_values == 0:
        return False
    first_in, last_in = columns.first_input[transaction], columns.first_input[transaction + 1]
    first_out, last_out = columns.first_output[transaction], columns.first_output[transaction + 1]
    for amount in _LOOKALIKE_SAT:
        count = 0
        for i in range(first_in, last_in):
            count += columns.input_value_sat[i] == amount
        for i in range(first_out, last_out):
            count += columns.output_value_sat[i] == amount
        if count >= 2:
            return True
    return False
