"""Co-spending: inputs that one transaction spends together have one owner.

To spend an output one has to sign for it, and a wallet signs all inputs of the payment that it
makes. So the addresses that a transaction spends belong to whoever made it, unless several people
made it together; such transactions have to be left out, and whether the rule is worth anything
depends on how well that is done.

Transactions are taken in chain order. Each one joins the addresses of its inputs, and then those
of the links that it completes (scripts that open with one key, scripts found inside a script
hash). The pairs to join are listed some thousand inputs at a time, then united; `heuristics.pairs`
says why, and how threads share the work. Each union that really joins two sets is written down as
one row of the *merge log*. The log is append-only and in chain order; replaying its first rows
gives the clustering as of any earlier transaction, which is how a reorganisation is undone. Where
change rules join as well (`heuristics.constrained`), a row stands in the block in which it was
applied, and that is later than its transaction: there the first rows give the clustering as of the
end of a block, and `block_rows` says how many they are. The pairs of addresses in the log form a
tree over each set, so between any two of its addresses there is always a chain of reasons.

Two kinds of transaction are left out as a whole: those marked as CoinJoin, and those with an
input whose signature lets anybody add inputs later. Single inputs are passed over where no
address is known, or where no signature was needed: an output that anyone may spend (pay-to-anchor,
a script without a signature check) names no owner, and would tie all its spenders together.
"""

from concurrent.futures import Future, ThreadPoolExecutor
from enum import IntEnum
from typing import NamedTuple

import numpy as np

from heuristics.columns import (
    NO_ADDRESS,
    Int64Array,
    LinkColumns,
    UInt8Array,
    UInt32Array,
    check_offsets,
    read_only,
    read_only_columns,
)
from heuristics.jit import kernel
from heuristics.pairs import PAIR_WIDTH, drop_joined, unite
from heuristics.union_find import find

VERSION = 1
"""Raised whenever the rule can give another answer on the same input."""


class MergeRule(IntEnum):
    """Why two sets of addresses were joined (stored on disk); links keep their own numbers."""

    COSPEND = 0
    SAME_KEY = 1
    INNER_SCRIPT = 2


class LogField(IntEnum):
    """What the columns of the merge log hold; a log is `uint32` of shape (rows, 6)."""

    CHILD = 0
    """Root of the set that lost its name."""

    PARENT = 1
    """Root of the set that it joined; always the smaller."""

    TRANSACTION = 2
    """What the row rests on. Ascending among the rows of co-spends and links; a change rule's row
    stands in the block in which its decision was due, later than its transaction."""

    ADDRESS_A = 3
    ADDRESS_B = 4
    """The two addresses that the rule speaks about, one of each set."""

    RULE = 5


LOG_WIDTH = len(LogField)


class SighashEffect(IntEnum):
    """What the signatures of one input mean for joining its transaction's inputs."""

    JOIN = 0
    EXCLUDE_TRANSACTION = 1
    """The signer may not have known the other inputs."""

    JOIN_IF_SIGNED = 2
    """No signature was seen: joined only where the script cannot be spent without one."""


_EXCLUDE = int(SighashEffect.EXCLUDE_TRANSACTION)
_IF_SIGNED = int(SighashEffect.JOIN_IF_SIGNED)
_COSPEND = np.uint32(MergeRule.COSPEND)

_BLOCK_INPUTS = 1 << 12
"""Inputs whose pairs are listed before they are united: what these touch fits the second cache."""

_SHARED_INPUTS = 1 << 16
"""The same where threads work together: long enough that meeting each other costs little."""


class SpendColumns(NamedTuple):
    """What the co-spend rule reads of a chain."""

    first_input: Int64Array
    """Inputs of transaction `t` are `[first_input[t], first_input[t + 1])`."""

    input_address: UInt32Array
    input_sighash: UInt8Array
    script_type: UInt8Array
    """Of each address."""

    sighash_effect: UInt8Array
    """`SighashEffect` of each of the 256 values of `input_sighash`."""

    needs_signature: UInt8Array
    """1 for each of the 256 values of `script_type` that cannot be spent without a signature."""


@kernel
def excluded_by_sighash(spends: SpendColumns, begin: int, end: int) -> bool:
    """Return whether a signature of inputs `[begin, end)` leaves the transaction out."""
    for i in range(begin, end):
        if spends.sighash_effect[spends.input_sighash[i]] == _EXCLUDE:
            return True
    return False


@kernel
def names_owner(spends: SpendColumns, i: int) -> bool:
    """Return whether spending input `i` shows control of its address."""
    address = spends.input_address[i]
    if address == NO_ADDRESS:
        return False
    if spends.sighash_effect[spends.input_sighash[i]] != _IF_SIGNED:
        return True
    return bool(spends.needs_signature[spends.script_type[address]] == 1)


@kernel
def _list_with_care(
    spends: SpendColumns, begin: int, end: int, transaction: int, pairs: UInt32Array, count: int
) -> int:
    """List the pairs of inputs `[begin, end)` after the first `count`; return how many are listed.

    For transactions with an input that may count for nothing, or for more than itself.
    """
    if excluded_by_sighash(spends, begin, end):
        return count
    address_a = NO_ADDRESS
    for i in range(begin, end):
        address_b = spends.input_address[i]
        if address_b == address_a or not names_owner(spends, i):
            continue
        if address_a == NO_ADDRESS:
            address_a = address_b
            continue
        pairs[count, 0] = transaction
        pairs[count, 1] = address_a
        pairs[count, 2] = address_b
        pairs[count, 3] = _COSPEND
        count += 1
    return count


@kernel
def _list_pairs(
    spends: SpendColumns,
    links: LinkColumns,
    marks: UInt8Array,
    start: int,
    first: int,
    last: int,
    link: int,
    pairs: UInt32Array,
) -> int:
    """List the pairs that transactions `[first, last)` join, in order; return how many.

    `marks` begin at transaction `start`, and `link` is the first link of transaction `first` or
    later. The pairs have room for a row for each input and each link.
    """
    # Columns are taken out of their tuples once: in the loop that would cost more than the loop.
    first_input, input_address = spends.first_input, spends.input_address
    input_sighash, sighash_effect = spends.input_sighash, spends.sighash_effect
    link_transaction = links.transaction
    count = 0
    end = first_input[first]
    for transaction in range(first, last):
        begin, end = end, first_input[transaction + 1]
        if end - begin > 1 and marks[transaction - start] == 0:
            listed = count
            address_a = input_address[begin]
            rare = np.uint8(address_a == NO_ADDRESS) | sighash_effect[input_sighash[begin]]
            for i in range(begin + 1, end):
                address_b = input_address[i]
                # Written in any case and kept if it counts: a test could hardly be guessed.
                pairs[count, 0] = transaction
                pairs[count, 1] = address_a
                pairs[count, 2] = address_b
                pairs[count, 3] = _COSPEND
                count += (address_b != address_a) & (address_b != NO_ADDRESS)
                rare |= sighash_effect[input_sighash[i]]
            if rare != 0:
                count = _list_with_care(spends, begin, end, transaction, pairs, listed)
        while link < len(link_transaction) and link_transaction[link] == transaction:
            pairs[count, 0] = transaction
            pairs[count, 1] = links.earlier[link]
            pairs[count, 2] = links.address[link]
            pairs[count, 3] = links.rule[link]
            count += 1
            link += 1
    return count


class _Blocks(NamedTuple):
    """Stretches of transactions with about the same number of inputs."""

    first: Int64Array
    """Block `b` is transactions `[first[b], first[b + 1])`."""

    first_link: Int64Array

    room: int
    """The most rows that the pairs of one block can take."""


def _blocks(
    spends: SpendColumns, links: LinkColumns, start: int, stop: int, inputs: int
) -> _Blocks:
    """Cut transactions `[start, stop)` after every so many inputs, never inside a transaction."""
    begin, end = int(spends.first_input[start]), int(spends.first_input[stop])
    cuts = np.searchsorted(spends.first_input[start:stop], np.arange(begin + inputs, end, inputs))
    first = np.concatenate([[start], start + cuts, [stop]])
    # Numbers of the column's own type: for others the whole column would be copied to theirs.
    first_link = np.searchsorted(links.transaction, first.astype(np.uint32))
    room = np.diff(spends.first_input[first]) + np.diff(first_link)
    return _Blocks(first=first, first_link=first_link, room=int(room.max()))


@kernel
def _join(
    parent: UInt32Array,
    spends: SpendColumns,
    links: LinkColumns,
    marks: UInt8Array,
    blocks: _Blocks,
    log: UInt32Array,
) -> int:
    """List and unite the pairs of one block after the other; return the number of rows logged."""
    pairs = np.empty((blocks.room, PAIR_WIDTH), dtype=np.uint32)
    logged = 0
    first, first_link = blocks.first, blocks.first_link
    for b in range(len(first) - 1):
        count = _list_pairs(
            spends, links, marks, first[0], first[b], first[b + 1], first_link[b], pairs
        )
        count = drop_joined(parent, pairs, count)
        logged = unite(parent, pairs, count, log, logged)
    return logged


def _join_on_threads(
    parent: UInt32Array,
    spends: SpendColumns,
    links: LinkColumns,
    marks: UInt8Array,
    blocks: _Blocks,
    log: UInt32Array,
    threads: int,
) -> int:
    """Do as `_join` does, in rounds of a block a thread; return the number of rows logged.

    While this thread unites the pairs of a round, the others list those of the next. What is
    joined already is dropped by all, while nobody writes to the forest.
    """
    first, first_link = blocks.first.tolist(), blocks.first_link.tolist()
    turns = -(-(len(first) - 1) // threads)
    # Two sets of rows, because the next turn is listed while this one is united.
    room = [
        [np.empty((blocks.room, PAIR_WIDTH), dtype=np.uint32) for _ in range(threads)]
        for _ in range(min(turns, 2))
    ]
    logged = 0
    with ThreadPoolExecutor(threads - 1) as pool:

        def listing(turn: int) -> list[Future[int]]:
            mine = range(turn * threads, min((turn + 1) * threads, len(first) - 1))
            start, ends = first[0], first[1:]
            return [
                pool.submit(
                    _list_pairs, spends, links, marks, start, first[b], ends[b], first_link[b], rows
                )
                for b, rows in zip(mine, room[turn % 2], strict=False)
            ]

        coming = listing(0)
        for turn in range(turns):
            pairs = room[turn % 2]
            counts = [each.result() for each in coming]
            dropping = [
                pool.submit(drop_joined, parent, rows, count)
                for rows, count in zip(pairs[1:], counts[1:], strict=False)
            ]
            kept = [drop_joined(parent, pairs[0], counts[0])]
            kept += [each.result() for each in dropping]
            coming = listing(turn + 1) if turn + 1 < turns else []
            for rows, count in zip(pairs, kept, strict=False):
                logged = unite(parent, rows, count, log, logged)
    return logged


@kernel
def highest_address(addresses: UInt32Array) -> int:
    """Return the largest address number but `NO_ADDRESS`; -1 where there is none."""
    highest = -1
    for address in addresses:
        if address != NO_ADDRESS and address > highest:
            highest = address
    return highest


def join_cospends(
    parent: UInt32Array,
    spends: SpendColumns,
    links: LinkColumns,
    marks: UInt8Array,
    start: int,
    *,
    threads: int = 1,
) -> UInt32Array:
    """Join addresses that are spent together, or that one key or script opens.

    Assumes: whoever signs a transaction's inputs controls all of them.
    Fails when: several people fund one transaction and it is not marked (PayJoin; CoinJoin designs
        without equal outputs; a joint purchase), when keys are shared, sold or published, or when
        a custodian spends coins of many customers together (true of the custodian, not of them).
    Source: Nakamoto 2008, section 10; measured by Nick, thesis, ETH Zurich 2015: the rule finds on
        average 68.59 % of a wallet's addresses (37,585 wallets). That is how much it finds; how
        often it is wrong has not been measured on this program's exclusions.

    Parameters
    ----------
    parent
        The forest of all addresses that the transactions mention; changed in place.
    spends, links
        Columns of the whole chain.
    marks
        One byte for each transaction from `start` on; a transaction whose byte is not 0 is left
        out. Its length says how many transactions are applied. Links are applied always: they
        are proofs, whoever made the transaction.
    start
        The first transaction to apply; all earlier ones were applied before.
    threads
        How many work on it; past four one more gains little. The log and the sets are the same
        for any number.

    Returns
    -------
    The rows of the merge log, in chain order; see `LogField`.
    """
    stop = start + len(marks)
    check_offsets("first_input", spends.first_input, len(spends.input_address))
    if not 0 <= start <= stop < len(spends.first_input):
        raise ValueError(f"transactions {start} to {stop} are not all in the columns")
    ends = np.array([start, stop], dtype=np.uint32)
    first_link, last_link = np.searchsorted(links.transaction, ends).tolist()
    begin, end = int(spends.first_input[start]), int(spends.first_input[stop])
    touched = (
        spends.input_address[begin:end],
        links.address[first_link:last_link],
        links.earlier[first_link:last_link],
    )
    if max(highest_address(read_only(part)) for part in touched) >= len(parent):
        raise ValueError("an address number is not in the forest")
    if not len(spends.input_address) == len(spends.input_sighash):
        raise ValueError("every input needs an address and a sighash class")
    if len(spends.script_type) < len(parent):
        raise ValueError("every address needs a script type")
    if threads < 1:
        raise ValueError(f"at least one thread has to do the work, not {threads}")
    log = np.empty((end - begin + last_link - first_link, LOG_WIDTH), dtype=np.uint32)
    blocks = _blocks(spends, links, start, stop, _BLOCK_INPUTS if threads == 1 else _SHARED_INPUTS)
    columns = (read_only_columns(spends), read_only_columns(links), read_only(marks))
    if threads == 1:
        logged = _join(parent, *columns, blocks, log)
    else:
        logged = _join_on_threads(parent, *columns, blocks, log, threads)
    return log[:logged]


@kernel
def replay(parent: UInt32Array, log: UInt32Array) -> None:
    """Repeat logged unions on a forest in the state before their first row, in place."""
    for row in range(len(log)):
        parent[log[row, 0]] = log[row, 1]


@kernel
def first_false_row(parent: UInt32Array, log: UInt32Array) -> int:
    """Repeat logged unions, checking that each joins two sets as it says; -1 if all do.

    Returns the first row that does not; the forest is as before that row.
    """
    for row in range(len(log)):
        child, top = log[row, 0], log[row, 1]
        if child >= len(parent) or top >= child or parent[child] != child or parent[top] != top:
            return row
        address_a, address_b = log[row, 3], log[row, 4]
        if address_a >= len(parent) or address_b >= len(parent):
            return row
        root_a, root_b = find(parent, address_a), find(parent, address_b)
        if max(root_a, root_b) != child or min(root_a, root_b) != top:
            return row
        parent[child] = top
    return -1
