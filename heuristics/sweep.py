"""Taint of many sources through a whole ledger, in one pass to the end.

Where `heuristics.follow` searches from a source as far as limits allow, this goes through the
ledger once, in the order of the transactions, and leaves nothing out: every transaction that taint
reaches is met after all that it spends from. Since every output knows its spender, tainted coins
wait in a calendar (`heuristics.sweep_calendar`) until their spender's turn. So the memory is that
of the taint that is unspent at a time, plus a window of transactions, whatever the length of the
ledger; and columns are read in order, as they lie on disk.

By default nothing ends a path but that there is no further: an unspent coin, one that nobody can
spend, a declared source (to which taint returned), a fee. That is how whole-ledger taint has been
measured in the literature, so the counts can be compared.
"""

from collections.abc import Callable
from typing import NamedTuple

import numpy as np

from heuristics.columns import Int32Array, Int64Array, UInt8Array, check_offsets, read_only
from heuristics.segments import MOST_TOLD_APART
from heuristics.stops import StopRules, share_columns, share_rules
from heuristics.sweep_calendar import CHUNK_WORDS, MOST_IN_USE
from heuristics.sweep_kernel import sweep_windows
from heuristics.sweep_state import (
    ARENA_LIMIT,
    AT_END,
    AT_FEE,
    FEE_SUM,
    JOINED,
    TOUCHED,
    TOUCHED_INPUTS,
    UNCLAIMED_SUM,
    WRONG_BLOCK,
    WRONG_OUTPUT,
    Ends,
    State,
    new_state,
    state_bytes,
)
from heuristics.sweep_terms import SweepColumns, SweepSources, SweepTerms
from heuristics.taint import TAINTED_COLOUR, Policy

VERSION = 2
"""Raised whenever the pass can give another answer; policies have their own version."""

WINDOWS_AT_ONCE = 16
"""About a million transactions between two reports of progress."""


class Sweep(NamedTuple):
    """Where the taint of all sources is at the end of the pass, in chain order."""

    output: Int64Array
    """Outputs at which taint came to rest. A source to which taint returned stands here for what
    returned, and again if taint rests on it."""

    amount: Int64Array
    """Tainted units of each."""

    colour: Int64Array
    """Set of sources of each."""

    segments: Int32Array
    """Runs of tainted units of one colour (FIFO and LIFO), else 1 or the number of colours."""

    reason: UInt8Array
    """`Stop`."""

    fees: int
    """Tainted units in fees that were not followed."""

    unclaimed: int
    """Tainted units in rewards that no coinbase claimed."""

    by_colour: Int64Array
    """Amounts by `Stop` and source; zeros unless sources are told apart. What came back to a
    source is counted for its own colours only: the others go on with its coin."""

    told_apart: bool
    """Whether colours mean anything: not where more than `MOST_COLOURS` sets of sources met."""

    transactions: int
    """Transactions that taint passed through."""

    inputs: int
    """Their inputs."""

    most_waiting_bytes: int
    """The most that coins took which waited for their spender."""

    most_state_bytes: int
    """The most that the pass held, the ends found so far not counted."""


Report = Callable[[int, Int64Array, Int64Array], None]
"""Told now and then: transactions passed, and the transactions and amounts of tainted fees (or
unclaimed rewards) since the last time, in chain order."""


def sweep(
    terms: SweepTerms,
    columns: SweepColumns,
    outputs: Int64Array,
    colours: Int64Array,
    rules: StopRules,
    report: Report = lambda _done, _transactions, _amounts: None,
) -> Sweep:
    """Pass over a ledger from the first source to the last transaction of `terms`.

    Parameters
    ----------
    terms
        The policy, what becomes of fees, and where to end.
    columns
        A ledger of whole blocks.
    outputs
        Declared sources, ascending, each worth something.
    colours
        The set of sources that each stands for; any bits of the lowest 62.
    rules
        Services, used if `terms` says so, and marks of CoinJoins to stop at (none: an empty
        array). Nothing else of them applies.
    report
        May raise to break the pass off.

    Raises
    ------
    ValueError
        If the arguments contradict each other, or a block pays out more than it may.
    """
    _check(terms, columns, outputs, colours)
    shared = SweepColumns(
        share_columns(columns.ledger), *(read_only(column) for column in columns[1:])
    )
    creators = np.searchsorted(columns.ledger.first_output, outputs, side="right") - 1
    sources = SweepSources(*(read_only(each) for each in (outputs, creators, colours)))
    rules = share_rules(rules)
    windows = (terms.stop_transaction >> terms.window_bits) + 1
    order = Policy(terms.policy).keeps_order
    state = new_state(windows, 1 << terms.window_bits, keeps_coins=order or terms.has_colours)
    state.at[ARENA_LIMIT] = terms.clear_from
    found: list[Ends] = []
    most = 0
    first = int(creators[0]) >> terms.window_bits if len(creators) else windows
    for window in range(first, windows, WINDOWS_AT_ONCE):
        past = min(window + WINDOWS_AT_ONCE, windows)
        state = sweep_windows(terms, shared, sources, rules, state, window, past)
        _check_state(state)
        most = max(most, state_bytes(state))
        found.append(_taken_ends(state))
        fees = int(state.at[AT_FEE])
        state.at[AT_FEE] = 0
        report(
            min(past << terms.window_bits, terms.stop_transaction),
            state.fees.transaction[:fees].copy(),
            state.fees.amount[:fees].copy(),
        )
    return _result(state, found, most, has_colours=terms.has_colours)


def _taken_ends(state: State) -> Ends:
    count = int(state.at[AT_END])
    state.at[AT_END] = 0
    return Ends._make(column[:count].copy() for column in state.ends)


def _result(state: State, found: list[Ends], most: int, *, has_colours: bool) -> Sweep:
    ends = Ends._make(np.concatenate(parts) for parts in zip(*[_NO_ENDS, *found], strict=True))
    if np.any(np.diff(ends.output) < 0):
        # Coinbases that take fees come after the other transactions of their block.
        order = np.argsort(ends.output, kind="stable")
        ends = Ends._make(column[order] for column in ends)
    at = state.at
    told_apart = has_colours and not at[JOINED]
    if has_colours and not told_apart:
        ends.colour[:] = TAINTED_COLOUR
        ends.segments[:] = 1
        state.by_colour[:] = 0
    return Sweep(
        output=ends.output,
        amount=ends.amount,
        colour=ends.colour,
        segments=ends.segments,
        reason=ends.reason,
        fees=int(at[FEE_SUM]),
        unclaimed=int(at[UNCLAIMED_SUM]),
        by_colour=state.by_colour,
        told_apart=told_apart,
        transactions=int(at[TOUCHED]),
        inputs=int(at[TOUCHED_INPUTS]),
        most_waiting_bytes=int(state.calendar.counts[MOST_IN_USE]) * CHUNK_WORDS * 8,
        most_state_bytes=most,
    )


_NO_ENDS = Ends(
    np.empty(0, np.int64),
    np.empty(0, np.int64),
    np.empty(0, np.int64),
    np.empty(0, np.int32),
    np.empty(0, np.uint8),
)


def _check_state(state: State) -> None:
    block, output = int(state.at[WRONG_BLOCK]), int(state.at[WRONG_OUTPUT])
    if block >= 0:
        raise ValueError(f"block row {block} pays out more than its subsidy and fees")
    if output >= 0:
        raise ValueError(f"output {output} is spent before it is paid")


def _check(
    terms: SweepTerms, columns: SweepColumns, outputs: Int64Array, colours: Int64Array
) -> None:
    ledger = columns.ledger
    transactions = len(ledger.first_input) - 1
    check_offsets("first_input", ledger.first_input, len(ledger.spent_output))
    check_offsets("first_output", ledger.first_output, len(ledger.output_value))
    check_offsets("first_transaction", columns.first_transaction, transactions)
    for name, length, wanted in (
        ("first_output", len(ledger.first_output), transactions + 1),
        ("fee", len(columns.fee), transactions),
        ("input_value", len(ledger.input_value), len(ledger.spent_output)),
        ("output_address", len(ledger.output_address), len(ledger.output_value)),
        ("spender", len(ledger.spender), len(ledger.output_value)),
    ):
        if length != wanted:
            raise ValueError(f"{name} must have {wanted} rows")
    if terms.follows_fees and len(columns.subsidy) != len(columns.first_transaction) - 1:
        raise ValueError("to follow fees into coinbases, the subsidy of every block is needed")
    ends = np.searchsorted(columns.first_transaction, terms.stop_transaction)
    if ends == len(columns.first_transaction) or (
        columns.first_transaction[ends] != terms.stop_transaction
    ):
        raise ValueError("the pass must end where a block ends")
    past = int(ledger.first_output[terms.stop_transaction])
    if len(outputs) and not 0 <= int(outputs[0]) <= int(outputs[-1]) < past:
        raise ValueError("a source is not an output of the ledger up to the end of the pass")
    if np.any(np.diff(outputs) <= 0):
        raise ValueError("sources must ascend, each once")
    if len(colours) != len(outputs) or np.any((colours <= 0) | (colours >= 1 << MOST_TOLD_APART)):
        raise ValueError(
            f"every source needs a set of the {MOST_TOLD_APART} sources that are told apart"
        )
    if np.any(ledger.output_value[outputs] <= 0):
        raise ValueError("a source is worth nothing")
