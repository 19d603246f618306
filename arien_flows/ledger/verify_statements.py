"""Whether two parts of a ledger state the same facts, in any order and without memory for them.

Most facts stand in a ledger twice: an input names the output that it spends, and that output its
spender; an index repeats what the columns say. The two sides come in different orders, and at a
billion rows neither fits into memory nor bears random access. So each side is read once, in its
own order, and every statement (a row number and three facts about it) is hashed to 128 bits under
a key drawn anew each time; the hashes are summed, each half modulo 2^64, apart for each stretch of
row numbers. Sums do not depend on order. If both sides have the same sums they make the same
statements, each as often; that two different sides agree by chance has a probability of 2^-128 for
each stretch, and nobody can prepare it without the key. Only stretches that disagree are read
again, and compared one by one.
"""

import secrets
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import partial

import numpy as np

from arien_flows.ledger.side_by_side import in_order
from chains.types import AnyArray, Int64Array, UInt64Array
from heuristics.jit import kernel

STRETCHES = 1 << 18
"""At most so many stretches; their sums stay in the processor's cache."""

RESOLVED = 64
"""So many stretches that disagree are compared one by one; of the others it is only said where."""

STEP = 1 << 20
"""Rows that a side hands over at a time."""


def steps(count: int, step: int = STEP) -> Iterator[tuple[int, int]]:
    """Yield consecutive stretches `[start, stop)` that cover `count` rows."""
    for start in range(0, count, step):
        yield start, min(start + step, count)


def out_of_order(column: AnyArray, *, strictly: bool) -> Int64Array:
    """Return the rows below the row before them, or equal to it if the order is strict."""
    found = []
    for start, stop in steps(max(len(column) - 1, 0)):
        before, here = column[start:stop], column[start + 1 : stop + 1]
        found.append(start + 1 + np.flatnonzero(here <= before if strictly else here < before))
    return np.concatenate(found) if found else np.empty(0, dtype=np.int64)


@dataclass(frozen=True, slots=True, kw_only=True)
class Statements:
    """Some statements of one side: row numbers, not negative, and three facts about each."""

    row: Int64Array
    first: Int64Array
    second: Int64Array
    third: Int64Array

    def take(self, wanted: Int64Array) -> "Statements":
        """Return some of the statements."""
        return Statements(
            row=self.row[wanted],
            first=self.first[wanted],
            second=self.second[wanted],
            third=self.third[wanted],
        )

    def tuples(self) -> list[tuple[int, int, int, int]]:
        """Return the statements as plain numbers."""
        columns = (self.row, self.first, self.second, self.third)
        return list(zip(*(column.tolist() for column in columns), strict=True))


Side = Callable[[], Iterator[Statements]]
"""Reads one side from its beginning."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Difference:
    """A statement that one side makes more often than the other."""

    statement: tuple[int, int, int, int]
    only_left: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Comparison:
    """Where two sides differ."""

    differences: tuple[Difference, ...]
    """Of the first stretches that disagree, by row; all of theirs."""

    unresolved: tuple[range, ...]
    """Stretches of rows that disagree as well, but were not compared one by one."""


def statements(row: AnyArray, first: AnyArray, second: AnyArray, third: AnyArray) -> Statements:
    """Return statements whose columns all are signed words."""
    return Statements(
        row=row.astype(np.int64, copy=False),
        first=first.astype(np.int64, copy=False),
        second=second.astype(np.int64, copy=False),
        third=third.astype(np.int64, copy=False),
    )


class StatementSums:
    """The summed hashes of one side's statements, by stretches of row numbers."""

    def __init__(self, rows: int, key: UInt64Array) -> None:
        """Begin with no statement; only sums under one `key` (`new_key`) can be compared."""
        self._rows, self._key = rows, key
        self.shift = 0
        while rows >> self.shift >= STRETCHES:
            self.shift += 1
        self._sums = np.zeros(((rows >> self.shift) + 1, 2), dtype=np.uint64)

    def add(self, side: Iterator[Statements]) -> None:
        """Add all statements of a side; they are hashed beside the work that makes them."""
        for row, hashes in in_order(partial(_hashed, self._rows, self._key), side):
            with np.errstate(over="ignore"):
                _add(row, hashes, self.shift, self._sums)

    def differing(self, other: "StatementSums") -> Int64Array:
        """Return the stretches about which two sides do not make the same statements."""
        return np.flatnonzero((self._sums != other._sums).any(axis=1))

    def rows_of(self, stretch: int) -> range:
        """Return the row numbers of a stretch."""
        return range(stretch << self.shift, min(self._rows, (stretch + 1) << self.shift))


def new_key() -> UInt64Array:
    """Return a key for sums that are to be compared."""
    return np.array([secrets.randbits(64), secrets.randbits(64)], dtype=np.uint64)


def _hashed(rows: int, key: UInt64Array, part: Statements) -> tuple[Int64Array, UInt64Array]:
    """Return the row and hash of each statement."""
    row = np.ascontiguousarray(part.row)
    if len(row) and (int(row.min()) < 0 or int(row.max()) >= rows):
        raise ValueError("a statement is about a row that does not exist")
    hashes = np.empty((2, len(row)), dtype=np.uint64)
    with np.errstate(over="ignore"):
        for half in range(2):
            _hash(
                row.view(np.uint64),
                np.ascontiguousarray(part.first).view(np.uint64),
                np.ascontiguousarray(part.second).view(np.uint64),
                np.ascontiguousarray(part.third).view(np.uint64),
                key[half],
                hashes[half],
            )
    return row, hashes


def compare(left: Side, right: Side, rows: int) -> Comparison:
    """Compare two sides that speak about row numbers below `rows`.

    A side that disagrees is read a second time, so it has to say the same again.
    """
    key = new_key()
    here, there = StatementSums(rows, key), StatementSums(rows, key)
    here.add(left())
    there.add(right())
    bad = here.differing(there)
    resolved, rest = bad[:RESOLVED], bad[RESOLVED:]
    return Comparison(
        differences=_differences(left, right, resolved, here.shift) if len(bad) else (),
        unresolved=tuple(here.rows_of(stretch) for stretch in rest.tolist()),
    )


def _differences(
    left: Side, right: Side, stretches: Int64Array, shift: int
) -> tuple[Difference, ...]:
    here, there = _made(left, stretches, shift), _made(right, stretches, shift)
    missing = [(statement, True) for statement in (here - there).elements()]
    missing += [(statement, False) for statement in (there - here).elements()]
    return tuple(
        Difference(statement=statement, only_left=only_left)
        for statement, only_left in sorted(missing)
    )


def _made(side: Side, stretches: Int64Array, shift: int) -> Counter[tuple[int, int, int, int]]:
    """Return the statements that a side makes about some stretches."""
    made: Counter[tuple[int, int, int, int]] = Counter()
    for part in side():
        place = np.searchsorted(stretches, part.row >> shift)
        place[place == len(stretches)] = 0
        made.update(part.take(np.flatnonzero(stretches[place] == part.row >> shift)).tuples())
    return made


ODD = np.uint64(0x9E3779B97F4A7C15)
FIRST_FACTOR = np.uint64(0xBF58476D1CE4E5B9)
SECOND_FACTOR = np.uint64(0x94D049BB133111EB)
"""Constants of SplitMix64 (Steele, Lea, Flood 2014), whose last step mixes every bit with all."""

S27, S30, S31 = np.uint64(27), np.uint64(30), np.uint64(31)


@kernel
def mixed(word: np.uint64) -> np.uint64:
    """Return a word each of whose bits depends on all bits of `word`; no two words collide."""
    word = word + ODD
    word = (word ^ (word >> S30)) * FIRST_FACTOR
    word = (word ^ (word >> S27)) * SECOND_FACTOR
    return word ^ (word >> S31)


@kernel
def _hash(
    row: UInt64Array,
    first: UInt64Array,
    second: UInt64Array,
    third: UInt64Array,
    key: np.uint64,
    hashes: UInt64Array,
) -> None:
    # An unsigned count spares the test for negative indices, and so the loop becomes vectors.
    for i in range(np.uint64(len(row))):
        word = mixed(row[i] ^ key)
        word = mixed(word ^ first[i])
        word = mixed(word ^ second[i])
        hashes[i] = mixed(word ^ third[i])


@kernel
def _add(row: Int64Array, hashes: UInt64Array, shift: int, sums: UInt64Array) -> None:
    for i in range(len(row)):
        stretch = row[i] >> shift
        sums[stretch, 0] += hashes[0, i]
        sums[stretch, 1] += hashes[1, i]
