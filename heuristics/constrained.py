"""Joining addresses by proof and by guess, where tags and decisions keep some sets apart.

Change rules guess. Followed blindly they join everybody with everybody: one wrong guess in a
thousand makes one set of half of all addresses. So a guess is refused where it would join sets of
which something says that they have two owners, and refusing a quarter of a percent of the guesses
is enough to keep the sets apart (Moeser & Narayanan 2022). What was refused is written down.

Blocks are applied in order. In each, the co-spends and links of its transactions come first; they
are stronger evidence than any guess. Then come the decisions about change that are *due* in that
block: they concern transactions of an earlier one, judged on all that was known by now. Of these,
the separations come first (this output is not change, so its owner is another), then the joins.

| two sets that … | joined by co-spend or link | joined by a change rule |
|---|---|---|
| have tags of different owners | refused | refused |
| have tags of different services, less sure | joined, noted | refused |
| were separated by a decision | joined, noted | refused |
| both have more than `GROWTH_LIMIT` addresses | joined, noted | not joined, listed for review |

Where the inputs of one transaction have tags of different owners, none of them is joined: it was
made by several people, and nobody knows whose the other inputs are. For the same reason decisions
about its change come to nothing. Sizes are looked at only where somebody asks for it.
"""

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
from heuristics.constrained_fields import (
    CONFLICT_WIDTH,
    ROWS_WIDTH,
    ConflictKind,
    Outcome,
    Verdict,
)
from heuristics.constrained_sets import (
    GROWTH_LIMIT,
    NO_OWNER,
    ConstrainedSets,
    Sets,
    are_separated,
    differ,
    group_of,
    separate,
    unite,
)
from heuristics.cospend import (
    LOG_WIDTH,
    MergeRule,
    SpendColumns,
    excluded_by_sighash,
    highest_address,
    names_owner,
)
from heuristics.jit import kernel, kernel_part
from heuristics.union_find import find

VERSION = 1
"""Raised whenever the same input can give another result."""


_COSPEND = np.uint32(MergeRule.COSPEND)
_SAME_OWNER, _OTHER_OWNER = int(Verdict.SAME_OWNER), int(Verdict.OTHER_OWNER)
_JOINED, _TOGETHER = np.uint8(Outcome.JOINED), np.uint8(Outcome.TOGETHER)
_SEPARATED, _APART = np.uint8(Outcome.SEPARATED), np.uint8(Outcome.APART)
_NOT_SEPARATED = np.uint8(Outcome.NOT_SEPARATED)
_REFUSED, _PUT_OFF = np.uint8(Outcome.REFUSED), np.uint8(Outcome.PUT_OFF)
_NO_PAYER = np.uint8(Outcome.NO_PAYER)
_OWNERS, _SERVICES = np.uint32(ConflictKind.OWNERS), np.uint32(ConflictKind.SERVICES)
_KEPT_APART, _GROWTH = np.uint32(ConflictKind.SEPARATED), np.uint32(ConflictKind.GROWTH)
_SERVICES_JOINED = np.uint32(ConflictKind.SERVICES_JOINED)
_OVERRULED = np.uint32(ConflictKind.SEPARATION_OVERRULED)
_GROWTH_JOINED = np.uint32(ConflictKind.GROWTH_JOINED)
_SEVERAL_PAYERS = np.uint32(ConflictKind.SEVERAL_PAYERS)


class DueColumns(NamedTuple):
    """Decisions about change, in the order of the blocks in which they are due."""

    first: Int64Array
    """Decisions due in the `i`-th block of a range are `[first[i], first[i + 1])`."""

    transaction: UInt32Array
    """What they are about; ascending."""

    input_address: UInt32Array
    """An address whose control the transaction's inputs show."""

    output_address: UInt32Array
    rule: UInt8Array
    verdict: UInt8Array


class Record(NamedTuple):
    """What a kernel writes down; rows past the counts mean nothing."""

    log: UInt32Array
    conflict: UInt32Array
    outcome: UInt8Array
    block_rows: Int64Array
    rows: Int64Array
    """Rows of the log and of conflicts so far."""


class Joined(NamedTuple):
    """What came of a range of blocks."""

    log: UInt32Array
    """See `heuristics.cospend.LogField`; in the order of the blocks in which merges were made."""

    conflict: UInt32Array
    """See `heuristics.constrained_fields.ConflictField`; in the same order."""

    outcome: UInt8Array
    """`Outcome` of each decision."""

    block_rows: Int64Array
    """For each block: rows of log, decisions and conflicts of the range up to its end."""


@kernel
def _named(sets: Sets, root: np.uint32, kind: np.uint32) -> np.uint32:
    """Return the owner or service of a set that a conflict of a kind is about, or `NO_OWNER`."""
    group, named = group_of(sets, root), NO_OWNER
    if group >= 0 and kind in (_OWNERS, _SEVERAL_PAYERS):
        named = sets.group_owner[group]
    elif group >= 0 and kind in (_SERVICES, _SERVICES_JOINED):
        named = sets.group_service[group]
    return named


@kernel
def _note(
    sets: Sets,
    record: Record,
    transaction: int,
    address_a: np.uint32,
    address_b: np.uint32,
    rule: np.uint32,
    kind: np.uint32,
) -> None:
    """Write a row of the table of conflicts."""
    root_a, root_b = find(sets.parent, address_a), find(sets.parent, address_b)
    row = record.rows[1]
    record.conflict[row, 0] = transaction
    record.conflict[row, 1] = address_a
    record.conflict[row, 2] = address_b
    record.conflict[row, 3] = root_a
    record.conflict[row, 4] = root_b
    record.conflict[row, 5] = rule
    record.conflict[row, 6] = kind
    record.conflict[row, 7] = _named(sets, root_a, kind)
    record.conflict[row, 8] = _named(sets, root_b, kind)
    record.rows[1] = row + 1


@kernel_part
def _log(
    sets: Sets,
    record: Record,
    transaction: int,
    address_a: np.uint32,
    address_b: np.uint32,
    root_a: np.uint32,
    root_b: np.uint32,
    rule: np.uint32,
) -> None:
    """Join two sets and write a row of the merge log."""
    row = record.rows[0]
    record.log[row, 0] = max(root_a, root_b)
    record.log[row, 1] = min(root_a, root_b)
    record.log[row, 2] = transaction
    record.log[row, 3] = address_a
    record.log[row, 4] = address_b
    record.log[row, 5] = rule
    record.rows[0] = row + 1
    unite(sets, root_a, root_b)


@kernel_part
def _objection(sets: Sets, root_a: np.uint32, root_b: np.uint32) -> int:
    """Return the kind of conflict that keeps a change rule from joining two sets, or -1."""
    a, b = group_of(sets, root_a), group_of(sets, root_b)
    if a >= 0 and b >= 0:
        if differ(sets.group_owner[a], sets.group_owner[b]):
            return int(_OWNERS)
        if differ(sets.group_service[a], sets.group_service[b]):
            return int(_SERVICES)
        if are_separated(sets, a, b):
            return int(_KEPT_APART)
    if len(sets.size) and min(sets.size[root_a], sets.size[root_b]) > GROWTH_LIMIT:
        return int(_GROWTH)
    return -1


@kernel_part
def _prove(
    sets: Sets,
    record: Record,
    transaction: int,
    address_a: np.uint32,
    address_b: np.uint32,
    rule: np.uint32,
) -> None:
    """Join two sets by co-spend or link, unless their owners are known to differ."""
    root_a, root_b = find(sets.parent, address_a), find(sets.parent, address_b)
    if root_a == root_b:
        return
    kind = _objection(sets, root_a, root_b)
    if kind == _OWNERS:
        _note(sets, record, transaction, address_a, address_b, rule, _OWNERS)
        return
    if kind == _SERVICES:
        _note(sets, record, transaction, address_a, address_b, rule, _SERVICES_JOINED)
    elif kind == _KEPT_APART:
        _note(sets, record, transaction, address_a, address_b, rule, _OVERRULED)
    elif kind == _GROWTH:
        _note(sets, record, transaction, address_a, address_b, rule, _GROWTH_JOINED)
    _log(sets, record, transaction, address_a, address_b, root_a, root_b, rule)


@kernel_part
def _guess(
    sets: Sets,
    record: Record,
    transaction: int,
    address_a: np.uint32,
    address_b: np.uint32,
    rule: np.uint32,
) -> np.uint8:
    """Join two sets by a change rule if nothing speaks against it; return the outcome."""
    root_a, root_b = find(sets.parent, address_a), find(sets.parent, address_b)
    if root_a == root_b:
        return _TOGETHER
    kind = _objection(sets, root_a, root_b)
    if kind < 0:
        _log(sets, record, transaction, address_a, address_b, root_a, root_b, rule)
        return _JOINED
    _note(sets, record, transaction, address_a, address_b, rule, np.uint32(kind))
    return _PUT_OFF if kind == _GROWTH else _REFUSED


@kernel
def _owners_clash(sets: Sets, spends: SpendColumns, begin: int, end: int) -> bool:
    """Return whether tags name different owners of the inputs `[begin, end)`."""
    known, last = NO_OWNER, NO_ADDRESS
    for i in range(begin, end):
        if not names_owner(spends, i):
            continue
        root = find(sets.parent, spends.input_address[i])
        if root == last:
            continue
        last = root
        owner = _named(sets, root, _OWNERS)
        if differ(known, owner):
            return True
        if owner != NO_OWNER:
            known = owner
    return False


@kernel
def _note_payers(
    sets: Sets, spends: SpendColumns, record: Record, transaction: int, begin: int, end: int
) -> None:
    """Note which sets a transaction does not join because owners of its inputs differ.

    One row for each set among its inputs, together with the first set that has an owner.
    """
    roots, count = np.empty(end - begin + 1, dtype=np.uint32), 0
    first, owner = NO_ADDRESS, NO_OWNER
    for i in range(begin, end):
        if owner == NO_OWNER and names_owner(spends, i):
            first = spends.input_address[i]
            roots[0] = find(sets.parent, first)
            owner = _named(sets, roots[0], _OWNERS)
            count = 1
    for i in range(begin, end):
        if not names_owner(spends, i):
            continue
        address = spends.input_address[i]
        root = find(sets.parent, address)
        place = 0
        while place < count and roots[place] != root:
            place += 1
        if place == count:
            roots[count] = root
            count += 1
            differs = differ(owner, _named(sets, root, _OWNERS))
            kind = _OWNERS if differs else _SEVERAL_PAYERS
            _note(sets, record, transaction, first, address, _COSPEND, kind)


@kernel
def _withhold(
    sets: Sets, spends: SpendColumns, due: DueColumns, record: Record, begin: int, end: int
) -> None:
    """Let those of the decisions `[begin, end)` come to nothing whose payer nobody can tell."""
    clash = False
    for row in range(begin, end):
        if row == begin or due.transaction[row] != due.transaction[row - 1]:
            transaction = np.int64(due.transaction[row])
            first, last = spends.first_input[transaction], spends.first_input[transaction + 1]
            clash = _owners_clash(sets, spends, first, last)
        if clash:
            record.outcome[row] = _NO_PAYER


@kernel_part
def _decide(sets: Sets, due: DueColumns, record: Record, begin: int, end: int) -> None:
    """Apply the decisions `[begin, end)`: first what keeps apart, then what joins."""
    for row in range(begin, end):
        if due.verdict[row] == _OTHER_OWNER and record.outcome[row] != _NO_PAYER:
            root_a = find(sets.parent, due.input_address[row])
            root_b = find(sets.parent, due.output_address[row])
            if root_a == root_b:
                record.outcome[row] = _NOT_SEPARATED
            else:
                record.outcome[row] = _SEPARATED if separate(sets, root_a, root_b) else _APART
    for row in range(begin, end):
        if due.verdict[row] == _SAME_OWNER and record.outcome[row] != _NO_PAYER:
            record.outcome[row] = _guess(
                sets,
                record,
                due.transaction[row],
                due.input_address[row],
                due.output_address[row],
                np.uint32(due.rule[row]),
            )


@kernel
def _apply(
    sets: Sets,
    spends: SpendColumns,
    links: LinkColumns,
    link: int,
    left_out: UInt8Array,
    first_transaction: Int64Array,
    due: DueColumns,
    has_owners: bool,
    record: Record,
) -> None:
    """Apply blocks: each one's co-spends and links, then the decisions due in it."""
    # Fetched once: an array out of a tuple is counted as used whenever a loop comes by.
    parent, first_input, input_address = sets.parent, spends.first_input, spends.input_address
    start = first_transaction[0]
    for block in range(len(first_transaction) - 1):
        for transaction in range(first_transaction[block], first_transaction[block + 1]):
            begin, end = first_input[transaction], first_input[transaction + 1]
            if (
                left_out[transaction - start] == 0
                and end - begin > 1
                and not excluded_by_sighash(spends, begin, end)
            ):
                first = NO_ADDRESS
                if has_owners and _owners_clash(sets, spends, begin, end):
                    _note_payers(sets, spends, record, transaction, begin, end)
                    end = begin  # Nothing is left to join.
                for i in range(begin, end):
                    address = input_address[i]
                    if address == first or not names_owner(spends, i):
                        continue
                    if first == NO_ADDRESS:
                        first = address
                    elif find(parent, first) != find(parent, address):
                        _prove(sets, record, transaction, first, address, _COSPEND)
            while link < len(links.transaction) and links.transaction[link] == transaction:
                rule = np.uint32(links.rule[link])
                earlier, address = links.earlier[link], links.address[link]
                _prove(sets, record, transaction, earlier, address, rule)
                link += 1
        if has_owners:
            _withhold(sets, spends, due, record, due.first[block], due.first[block + 1])
        _decide(sets, due, record, due.first[block], due.first[block + 1])
        record.block_rows[block, 0] = record.rows[0]
        record.block_rows[block, 1] = due.first[block + 1]
        record.block_rows[block, 2] = record.rows[1]


def join_constrained(
    forest: ConstrainedSets,
    spends: SpendColumns,
    links: LinkColumns,
    left_out: UInt8Array,
    first_transaction: Int64Array,
    due: DueColumns,
) -> Joined:
    """Join addresses by co-spends, links and decisions about change, as far as nothing forbids it.

    Assumes: tags are right, and the change rules' decisions are mostly right.
    Fails when: a wrong tag keeps one owner's addresses apart; when a wrong decision comes before
        anything speaks against it (order matters: what came first is kept); when two owners whose
        addresses nobody has tagged or separated pay each other in a way that looks like change.
    Source: Moeser & Narayanan, Resurrecting Address Clustering in Bitcoin, FC 2022, section 5:
        413,608 of 155,513,552 merges refused; 273 tagged services fall into 266 sets, instead of
        161. The limit on growth is this program's own.

    Parameters
    ----------
    forest
        The state after all earlier blocks; changed in place.
    spends, links
        Columns of the whole chain.
    left_out
        One byte for each transaction of the blocks; where it is not 0, inputs are not joined.
    first_transaction
        First transaction of each block to apply, in order, and of the one after them.
    due
        The decisions due in these blocks.
    """
    blocks, transactions = len(first_transaction) - 1, int(first_transaction[-1])
    start = int(first_transaction[0])
    check_offsets("first_input", spends.first_input, len(spends.input_address))
    check_offsets("due", due.first, len(due.transaction))
    if not 0 <= start <= transactions < len(spends.first_input):
        raise ValueError(f"transactions {start} to {transactions} are not all in the columns")
    if len(left_out) != transactions - start or len(due.first) != blocks + 1:
        raise ValueError("every transaction needs a mark, and every block its decisions")
    if len(spends.script_type) < len(forest.sets.parent):
        raise ValueError("every address needs a script type")
    # Of the column's own type: for any other one, NumPy would convert all of it first.
    ends = np.array([start, transactions], dtype=np.uint32)
    first_link, last_link = np.searchsorted(links.transaction, ends).tolist()
    begin, end = int(spends.first_input[start]), int(spends.first_input[transactions])
    _check_addresses(
        len(forest.sets.parent),
        (
            spends.input_address[begin:end],
            links.address[first_link:last_link],
            links.earlier[first_link:last_link],
            due.input_address,
            due.output_address,
        ),
    )
    separations = int(np.count_nonzero(due.verdict == Verdict.OTHER_OWNER))
    if separations + int(np.count_nonzero(due.verdict == Verdict.SAME_OWNER)) != len(due.verdict):
        raise ValueError("every decision needs a verdict")
    if len(due.transaction) and int(due.transaction.max()) >= len(spends.first_input) - 1:
        raise ValueError("a decision is about a transaction that is not in the columns")
    forest.reserve(groups=2 * separations, pairs=separations)
    unions = end - begin + last_link - first_link + len(due.transaction)
    record = Record(
        log=np.empty((unions, LOG_WIDTH), dtype=np.uint32),
        conflict=np.empty((unions, CONFLICT_WIDTH), dtype=np.uint32),
        outcome=np.zeros(len(due.transaction), dtype=np.uint8),
        block_rows=np.zeros((blocks, ROWS_WIDTH), dtype=np.int64),
        rows=np.zeros(2, dtype=np.int64),
    )
    # Keys are mixed by multiplication that wraps around.
    with np.errstate(over="ignore"):
        _apply(
            forest.sets,
            read_only_columns(spends),
            read_only_columns(links),
            first_link,
            read_only(left_out),
            read_only(first_transaction),
            read_only_columns(due),
            forest.has_owners,
            record,
        )
    merges, conflicts = record.rows.tolist()
    return Joined(
        record.log[:merges], record.conflict[:conflicts], record.outcome, record.block_rows
    )


def _check_addresses(count: int, columns: tuple[UInt32Array, ...]) -> None:
    """Raise ValueError if a column names an address of which there are not so many."""
    for column in columns:
        if len(column) and highest_address(read_only(column)) >= count:
            raise ValueError("an address number is not in the forest")
