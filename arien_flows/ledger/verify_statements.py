"""Whether two parts of a ledger state the same facts, in any order and without memory for them.

Most facts stand in a ledger twice: an input names the output that it spends, and that output its
spender; an index repeats what the columns say. The two sides come in different orders, and at a
billion rows neither fits into memory nor bears random access. So each side is read once, in its
own order, and every statement (a row number and three facts about it) is hashed to 64 bits; the
hashes are summed modulo 2^64, apart for each stretch of row numbers. Sums do not depend on order.
If both sides have the same sums they make the same statements, each as often; that two different
sides agree by chance has a probability of 2^-64 for each stretch. Only stretches that disagree are
read again, and compared one by one.
"""

from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass

import numpy as np

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


def compare(left: Side, right: Side, rows: int) -> Comparison:
    """Compare two sides that speak about row numbers below `rows`.

    A side that disagrees is read a second time, so it has to say the same again.
    """
    shift = 0
    while rows >> shift >= STRETCHES:
        shift += 1
    difference = _sums(left, rows, shift) - _sums(right, rows, shift)
    bad = np.flatnonzero(difference)
    resolved, rest = bad[:RESOLVED], bad[RESOLVED:]
    return Comparison(
        differences=_differences(left, right, resolved, shift) if len(bad) else (),
        unresolved=tuple(
            range(stretch << shift, min(rows, (stretch + 1) << shift)) for stretch in rest.tolist()
        ),
    )


def _sums(side: Side, rows: int, shift: int) -> UInt64Array:
    sums = np.zeros((rows >> shift) + 1, dtype=np.uint64)
    for part in side():
        if len(part.row) == 0:
            continue
        if int(part.row.min()) < 0 or int(part.row.max()) >= rows:
            raise ValueError("a statement is about a row that does not exist")
        with np.errstate(over="ignore"):
            _add(
                np.ascontiguousarray(part.row),
                np.ascontiguousarray(part.first).view(np.uint64),
                np.ascontiguousarray(part.second).view(np.uint64),
                np.ascontiguousarray(part.third).view(np.uint64),
                shift,
                sums,
            )
    return sums


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
def _add(
    row: Int64Array,
    first: UInt64Array,
    second: UInt64Array,
    third: UInt64Array,
    shift: int,
    sums: UInt64Array,
) -> None:
    for i in range(len(row)):
        word = mixed(np.uint64(row[i]))
        word = mixed(word ^ first[i])
        word = mixed(word ^ second[i])
        word = mixed(word ^ third[i])
        sums[row[i] >> shift] += word
