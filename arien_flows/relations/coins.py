"""Relations on a chain of coins, by the rule *proportional*, version 1.

A transaction has many inputs and many outputs, and nothing in it says which paid which. So every
output is taken to be paid by all holders of inputs, each by its share of what was put in: of what
goes to N in a transaction that spends V in all, S paid `V_S * V_N / V`, rounded down to whole
satoshi. The fee is divided like an output. So both ends of a relation tell the same value, no value
is overstated, and what rounding cuts off (less than one satoshi a neighbour and transaction) is
told in one sum. Where one holder put in everything nothing is divided, and the value is a fact.

Of a CoinJoin such shares mean nothing, since its inputs have owners of their own: what went through
one is told in one sum.
"""

from dataclasses import dataclass

import numpy as np

from arien_flows.attribution.ownership import EntityMap, SingleAddresses, roots_of
from arien_flows.ledger.schema import NO_ADDRESS
from arien_flows.ledger.view import View
from arien_flows.relations.found import (
    MOST_ADDRESSES,
    MOST_ROWS,
    MOST_TRANSACTIONS,
    Direction,
    Relations,
    Rest,
    cut_of,
)
from arien_flows.shapes import Truncation
from chains.types import BoolArray, Int64Array, UInt8Array

RULE = "proportional"
VERSION = 1
"""Raised whenever the same ledger can give other values."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Subject:
    """Whose relations are asked for."""

    members: Int64Array
    """Its addresses, ascending."""


def coin_relations(
    view: View,
    subject: Subject,
    direction: Direction,
    *,
    entities: EntityMap | None,
    coinjoins: UInt8Array | None,
) -> Relations:
    """Return what moved between a subject and each neighbour.

    Parameters
    ----------
    view
        The ledger.
    subject
        Whose.
    direction
        Who paid it, or whom it paid.
    entities
        The entities that neighbours are joined to; nothing where each address counts by itself.
    coinjoins
        Non-zero for each transaction that is taken for a CoinJoin; nothing where that is not known.
    """
    moved = _moved(view, subject.members, direction)
    total = int(moved.amount.sum())
    mixed = np.zeros(len(moved.transactions), np.bool_)
    if coinjoins is not None:
        mixed = coinjoins[moved.transactions] != 0
    rest = {Rest.COINJOIN: int(moved.amount[mixed].sum())}
    plain = _Moved(moved.transactions[~mixed], moved.amount[~mixed], moved.cuts)
    shares = _shares(view, plain, direction, subject.members, entities or SingleAddresses())
    rest |= shares.rest
    given = int(shares.value.sum()) + sum(rest.values())
    rest[Rest.ROUNDING] = total - given
    return _summed(shares, plain.transactions, rest, total, len(moved.transactions), moved.cuts)


@dataclass(frozen=True, slots=True)
class _Moved:
    """The transactions in which a subject moved something, and how much."""

    transactions: Int64Array
    """Ascending."""

    amount: Int64Array
    cuts: tuple[Truncation, ...]


def _moved(view: View, members: Int64Array, direction: Direction) -> _Moved:
    """Return what a subject paid, or was paid; the last transactions, within the bounds."""
    looked = members[:MOST_ADDRESSES]
    parts, amounts, known, read = [], [], 0, 0
    for address in looked.tolist():
        count = view.totals(address).transaction_count
        known += count
        if read >= MOST_TRANSACTIONS:
            continue
        history = view.history(address, max(0, count - (MOST_TRANSACTIONS - read)))
        amount = history.sent_sat if direction == "out" else history.received_sat
        read += len(amount)
        parts.append(history.transaction[amount > 0].astype(np.int64))
        amounts.append(amount[amount > 0])
    joined = np.concatenate([*parts, np.empty(0, np.int64)])
    transactions, place = np.unique(joined, return_inverse=True)
    summed = np.zeros(len(transactions), np.int64)
    np.add.at(summed, place, np.concatenate([*amounts, np.empty(0, np.int64)]))
    first = view.first_output if direction == "out" else view.first_input
    rows = first[transactions + 1] - first[transactions]
    fits = np.cumsum(rows[::-1])[::-1] <= MOST_ROWS
    cuts = (
        *cut_of(len(looked), len(members), MOST_ADDRESSES, "addresses"),
        *cut_of(read, known, MOST_TRANSACTIONS, "transactions"),
        *cut_of(int(rows[fits].sum()), int(rows.sum()), MOST_ROWS, "rows"),
    )
    return _Moved(transactions[fits], summed[fits], cuts)


@dataclass(frozen=True, slots=True)
class _Shares:
    """What moved between the subject and one holder in one transaction, row by row."""

    place: Int64Array
    """Which transaction."""

    holder: Int64Array
    value: Int64Array
    is_whole: BoolArray
    """Whether nothing had to be divided."""

    rest: dict[Rest, int]


def _shares(
    view: View, moved: _Moved, direction: Direction, members: Int64Array, entities: EntityMap
) -> _Shares:
    spent = _sums(view.first_input, view.input_value, moved.transactions)
    if direction == "out":
        first, address, value = view.first_output, view.output_address, view.output_value
    else:
        first, address, value = view.first_input, view.input_address, view.input_value
    rows, place = _rows(first, moved.transactions)
    number = address[rows].astype(np.int64)
    is_own = np.isin(number, members)
    holder = np.where(number == NO_ADDRESS, _NOBODY, roots_of(entities, number))
    holder[is_own] = _SUBJECT
    place, holder, amount = _grouped(place, holder, value[rows].astype(np.int64))
    own, whole = moved.amount[place], spent[place]
    is_whole = own == whole if direction == "out" else amount == whole
    shared = _proportion(own, amount, whole)
    rest = {
        Rest.OWN: int(shared[holder == _SUBJECT].sum()),
        Rest.DESTROYED: int(shared[holder == _NOBODY].sum()),
    }
    if direction == "out":
        fee = view.fee[moved.transactions].astype(np.int64)
        rest[Rest.FEES] = int(_proportion(moved.amount, fee, spent).sum())
    else:
        rest[Rest.NEWLY_MINED] = int(moved.amount[spent == 0].sum())
    others = holder >= 0
    return _Shares(place[others], holder[others], shared[others], is_whole[others], rest)


_SUBJECT, _NOBODY = -1, -2


_DIGIT = 11
"""Bits that are divided at a time."""

_DIGITS = 5
"""Of an amount: 55 bits; all coins there can be are fewer than 2^51 satoshi."""


def _proportion(own: Int64Array, other: Int64Array, whole: Int64Array) -> Int64Array:
    """Return `own * other / whole`, rounded down; exact, although products pass 64 bits.

    It is a long division, digit by digit of `other`: what is carried from one digit to the next is
    less than `whole`, below 2^51, so that no step passes 63 bits.
    """
    shared = np.where(own == whole, other, own)
    divided = np.flatnonzero((own != whole) & (other != whole))
    mine, far, by = own[divided], other[divided], whole[divided]
    quotient = np.zeros(len(divided), np.int64)
    carried = np.zeros(len(divided), np.int64)
    for digit in range(_DIGITS - 1, -1, -1):
        part = (far >> (_DIGIT * digit)) & (2**_DIGIT - 1)
        step, carried = np.divmod((carried << _DIGIT) + mine * part, by)
        quotient = (quotient << _DIGIT) + step
    shared[divided] = quotient
    return shared


def _grouped(
    place: Int64Array, holder: Int64Array, value: Int64Array
) -> tuple[Int64Array, Int64Array, Int64Array]:
    """Sum the values of each holder in each transaction."""
    order = np.lexsort((holder, place))
    place, holder, value = place[order], holder[order], value[order]
    begins = np.flatnonzero(_changes(place) | _changes(holder))
    return place[begins], holder[begins], _reduced(value, begins)


def _summed(
    shares: _Shares,
    transactions: Int64Array,
    rest: dict[Rest, int],
    total: int,
    looked_at: int,
    cuts: tuple[Truncation, ...],
) -> Relations:
    """Sum the shares of each holder over all transactions, the largest first."""
    order = np.lexsort((shares.place, shares.holder))
    holder, place = shares.holder[order], shares.place[order]
    begins = np.flatnonzero(_changes(holder))
    ends = np.append(begins[1:], len(holder)) - 1 if len(begins) else begins
    value = _reduced(shares.value[order], begins)
    divided = _reduced((~shares.is_whole[order]).astype(np.int64), begins)
    ranked = np.lexsort((holder[begins], -value))
    begins, ends = begins[ranked], ends[ranked]
    return Relations(
        holders=holder[begins].tolist(),
        values=value[ranked].tolist(),
        transactions=(ends - begins + 1).tolist(),
        first=transactions[place[begins]].tolist(),
        last=transactions[place[ends]].tolist(),
        facts=(divided[ranked] == 0).tolist(),
        rest=rest,
        total=total,
        looked_at=looked_at,
        truncations=cuts,
    )


def _changes(values: Int64Array) -> BoolArray:
    """Return where a value is another than the one before; the first always is."""
    changed: BoolArray = np.ones(len(values), np.bool_)
    changed[1:] = values[1:] != values[:-1]
    return changed


def _reduced(values: Int64Array, begins: Int64Array) -> Int64Array:
    if not len(begins):
        return np.empty(0, np.int64)
    summed: Int64Array = np.add.reduceat(values, begins)
    return summed


def _rows(first: Int64Array, transactions: Int64Array) -> tuple[Int64Array, Int64Array]:
    """Return the rows of transactions in a child table, and which transaction each belongs to."""
    begin = first[transactions]
    lengths = first[transactions + 1] - begin
    place = np.repeat(np.arange(len(transactions), dtype=np.int64), lengths)
    before = np.cumsum(lengths) - lengths
    rows = np.arange(len(place), dtype=np.int64) - before[place] + begin[place]
    return rows, place


def _sums(first: Int64Array, value: Int64Array, transactions: Int64Array) -> Int64Array:
    rows, place = _rows(first, transactions)
    summed = np.zeros(len(transactions), np.int64)
    np.add.at(summed, place, value[rows].astype(np.int64))
    return summed
