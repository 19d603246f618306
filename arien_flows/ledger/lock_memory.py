"""What the writer remembers of locks, so that most of them need no search on disk.

Three things: a filter that knows which classes of locks were never met, the addresses met lately,
and the revealed scripts met lately. A lock that the filter lets through and that was not met
lately is searched in the runs. None of this can change an answer: what memory offers is compared
with the columns byte by byte, and what it does not offer is searched. It only has to hold what
the runs lack, which are the entries of the last batch; it holds those of the last two.

Bounded: 2 GiB of filter, twice 1 GiB of addresses, and little else, however long the chain.
"""

from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np

from arien_flows.ledger.files import Access, advise
from arien_flows.ledger.key_filter import KeyFilter
from arien_flows.ledger.key_search import NO_SAMPLES, samples_of
from arien_flows.ledger.numbering import NONE, KnownLocks, Locks, compare, search_runs
from arien_flows.ledger.recent_rows import (
    CERTAIN_BATCHES,
    LOW_WORD,
    WORD,
    RecentRows,
    home_of,
    tag_of,
)
from arien_flows.ledger.sorted_runs import KeyRun
from chains.types import AnyArray, BoolArray, Int64Array, UInt8Array, UInt64Array
from heuristics.jit import kernel

GROWTH = 3
"""By how much a filter that is renewed has more room than it needs now, while it is small."""

MOST_ADDRESSES = 1 << 27
"""Slots for addresses, of 8 bytes: 1 GiB, for the young and for the old each."""

MOST_REVEALS = 1 << 21
"""Slots for revealed scripts. They are asked for where the filter lets a lock through, which is
seldom, so the runs may well be searched for them."""

MOST_SAMPLED = 256
"""Runs of which samples are kept; a ledger has a few dozen at a time."""

LATEST = 2 * (CERTAIN_BATCHES + 1)
"""Lists of keys to remember: two for each batch, and those of the batch that is taken in."""

CHUNK = 256
"""Locks looked up at a time, in steps that each ask memory for one thing of all of them."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Met:
    """What a ledger knows of some locks. Numbers are -1 where there is none."""

    same: Int64Array
    """Number of the very same lock."""

    related: Int64Array
    """Lowest number of a lock of the class; for a lock that is known itself, only if asked for."""

    maybe: BoolArray
    """False: no lock of the class was ever met, as an address or revealed."""


@dataclass(slots=True, kw_only=True)
class LockMemory:
    """The writer's memory of locks."""

    filter: KeyFilter
    addresses: RecentRows = field(default_factory=lambda: RecentRows(MOST_ADDRESSES))
    reveals: RecentRows = field(default_factory=lambda: RecentRows(MOST_REVEALS))
    latest: deque[Int64Array] = field(default_factory=lambda: deque(maxlen=LATEST))
    """Keys met in the last batches, which the runs may lack."""

    _samples: dict[tuple[int, int, int], Int64Array] = field(default_factory=dict)

    @classmethod
    def of(cls, known: Sequence[KeyRun], reveals: Sequence[KeyRun]) -> "LockMemory":
        """Return the memory of a ledger from the indexes of its addresses and reveals."""
        return cls(filter=_filled([run.key for run in (*known, *reveals)], 0))

    def forget_reveals(self) -> None:
        """Forget which revealed scripts were met lately; the runs must hold all of them."""
        self.reveals = RecentRows(MOST_REVEALS)

    def meet_addresses(
        self, locks: Locks, keys: Int64Array, known: KnownLocks, reveals: Sequence[KeyRun]
    ) -> Met:
        """Look up the locks of a batch's outputs, each once, and keep in mind what was found.

        The caller adds those that are new to `addresses`.
        """
        self.addresses.begin_batch(len(locks))
        met, is_young = self._meet(locks, keys, known, reveals, needs_related=False)
        again = np.flatnonzero((met.same != NONE) & ~is_young)
        self.addresses.add(keys[again], met.same[again])
        return met

    def meet_scripts(
        self, locks: Locks, keys: Int64Array, known: KnownLocks, reveals: Sequence[KeyRun]
    ) -> Met:
        """Look up the scripts that a batch reveals; the caller adds them to `reveals`."""
        self.reveals.begin_batch(len(locks))
        met, _ = self._meet(locks, keys, known, reveals, needs_related=True)
        return met

    def _meet(
        self,
        locks: Locks,
        keys: Int64Array,
        known: KnownLocks,
        reveals: Sequence[KeyRun],
        *,
        needs_related: bool,
    ) -> tuple[Met, BoolArray]:
        if not self.filter.has_room_for(len(keys)):
            self._renew_filter([run.key for run in (*known.runs, *reveals)], len(keys))
        maybe = self.filter.add(keys)
        self.latest.append(keys)
        same = np.full(len(keys), NONE, dtype=np.int64)
        related = np.full(len(keys), NONE, dtype=np.int64)
        is_young: BoolArray = np.zeros(len(keys), dtype=np.bool_)
        rows = np.flatnonzero(maybe)
        if len(rows) and len(known.script_type):
            self._recall(locks, keys, rows, known, same, related, is_young, needs_related)
            rows = rows if needs_related else rows[same[rows] == NONE]
            rows = rows[np.argsort(keys[rows], kind="stable")]
            columns: list[AnyArray] = [known.source, known.script_type, known.first]
            for array in columns + [half for run in known.runs for half in (run.key, run.number)]:
                advise(array, Access.RANDOM)
            search_runs(
                locks,
                keys,
                rows,
                known,
                same,
                related,
                needs_related=needs_related,
                samples=self._samples_of,
            )
        return Met(same=same, related=related, maybe=maybe), is_young

    def _samples_of(self, run: KeyRun) -> Int64Array:
        """Return samples of a run's keys, drawn once although views of it come and go."""
        if not len(run.key):
            return NO_SAMPLES
        name = (len(run.key), int(run.key[0]), int(run.key[-1]))
        found = self._samples.get(name)
        if found is None:
            found = self._samples[name] = samples_of(run.key)
            while len(self._samples) > MOST_SAMPLED:
                self._samples.pop(next(iter(self._samples)))
        return found

    def _renew_filter(self, keys: Sequence[Int64Array], more: int) -> None:
        # First the old one goes: there may not be room for both.
        self.filter = KeyFilter(0)
        keys = [*keys, *(np.sort(late) for late in self.latest)]
        room = more + (GROWTH - 1) * sum(len(array) for array in keys)
        self.filter = _filled(keys, room)

    def _recall(
        self,
        locks: Locks,
        keys: Int64Array,
        rows: Int64Array,
        known: KnownLocks,
        same: Int64Array,
        related: Int64Array,
        is_young: BoolArray,
        needs_related: bool,
    ) -> None:
        """Look among the addresses met lately."""
        with np.errstate(over="ignore"):
            _recall(
                self.addresses.young,
                self.addresses.old,
                locks.source,
                locks.script_type,
                locks.start,
                locks.length,
                keys,
                rows,
                known.source,
                known.script_type,
                known.first,
                needs_related,
                same,
                related,
                is_young,
                np.empty(CHUNK, dtype=np.int64),
            )


def _filled(keys: Sequence[Int64Array], more: int) -> KeyFilter:
    """Return a filter of the keys in some ascending arrays, with room for more."""
    for array in keys:
        advise(array, Access.IN_ORDER)
    made = KeyFilter.of(keys, more + sum(len(array) for array in keys))
    for array in keys:
        advise(array, Access.NO_MORE)
    return made


@kernel
def _recall(
    young: UInt64Array,
    old: UInt64Array,
    source: UInt8Array,
    script_type: UInt8Array,
    start: Int64Array,
    length: Int64Array,
    keys: Int64Array,
    rows: Int64Array,
    known_source: UInt8Array,
    known_type: UInt8Array,
    known_first: Int64Array,
    needs_related: bool,
    same: Int64Array,
    related: Int64Array,
    is_young: BoolArray,
    candidate: Int64Array,
) -> int:
    """Compare locks with what the tables offer; returns a number without meaning.

    Each step asks memory for one thing of a whole chunk, so that the waits overlap; the number is
    the sum of what was touched ahead, without which the compiler would leave the touching out.
    """
    limit = len(known_type)
    scratch = np.empty(40, dtype=np.uint8)
    touched = np.uint64(0)
    for begin in range(0, len(rows), len(candidate)):
        end = min(begin + len(candidate), len(rows))
        for r in range(begin, end):
            touched ^= young[home_of(tag_of(keys[rows[r]]), len(young))]
        for r in range(begin, end):
            found = _first_with(young, tag_of(keys[rows[r]]), limit)
            candidate[r - begin] = found
            if found == NONE:
                touched ^= old[home_of(tag_of(keys[rows[r]]), len(old))]
        for r in range(begin, end):
            if candidate[r - begin] == NONE:
                candidate[r - begin] = _first_with(old, tag_of(keys[rows[r]]), limit)
        for r in range(begin, end):
            if candidate[r - begin] != NONE:
                number = candidate[r - begin]
                touched ^= np.uint64(known_first[number] ^ known_type[number])
        for r in range(begin, end):
            if candidate[r - begin] != NONE:
                first = known_first[candidate[r - begin]]
                touched ^= np.uint64(known_source[first] if first < len(known_source) else 0)
        for r in range(begin, end):
            i = rows[r]
            for age in range(2):
                table = young if age == 0 else old
                mask = len(table) - 1
                tag = tag_of(keys[i])
                slot = home_of(tag, len(table))
                while table[slot] != 0:
                    number = np.int64(table[slot] & LOW_WORD) - 1
                    if table[slot] >> WORD == tag and number < limit:
                        compare(
                            source,
                            script_type,
                            start,
                            length,
                            i,
                            known_source,
                            known_type,
                            known_first,
                            int(number),
                            same,
                            related,
                            scratch,
                        )
                        is_young[i] = is_young[i] or (age == 0 and same[i] == number)
                    slot = (slot + 1) & mask
                if same[i] != NONE and not needs_related:
                    break
    return int(np.int64(touched >> WORD))


@kernel
def _first_with(table: UInt64Array, tag: np.uint64, limit: int) -> int:
    """Return the first row filed under a tag, or `NONE`."""
    mask = len(table) - 1
    slot = home_of(tag, len(table))
    while table[slot] != 0:
        number = np.int64(table[slot] & LOW_WORD) - 1
        if table[slot] >> WORD == tag and number < limit:
            return int(number)
        slot = (slot + 1) & mask
    return NONE
