"""Which addresses the chain itself proves to open with one key or one hidden script.

Two kinds of event can complete such a proof: a script appears for the first time, or a spend
reveals the script behind a hash. Each event names a class of locks (`locks`). An event whose
class was met before, in the ledger or earlier in the batch, yields one link to the lowest-numbered
address met; so all addresses of a class hang together, and the links do not depend on how blocks
were cut into batches.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from arien_flows.ledger.files import Access, advise
from arien_flows.ledger.key_search import NO_SAMPLES, seek
from arien_flows.ledger.locks import is_key_lock, same_class
from arien_flows.ledger.numbering import NONE, Locks, search_in_threads
from arien_flows.ledger.recent_rows import LOW_WORD, WORD, RecentRows, home_of, tag_of
from arien_flows.ledger.sorted_runs import KeyRun
from chains.bitcoin.script import classify
from chains.tables import ScriptType
from chains.types import AnyArray, BoolArray, Int64Array, UInt8Array, UInt32Array, UInt64Array
from heuristics.jit import kernel

SAME_KEY = 1
INNER_SCRIPT = 2
OP_RETURN = int(ScriptType.OP_RETURN)


@dataclass(frozen=True, slots=True, kw_only=True)
class KnownReveals:
    """Scripts that earlier spends revealed, and the index that finds them by their class."""

    source: UInt8Array
    first: Int64Array
    input: Int64Array
    input_address: UInt32Array
    runs: Sequence[KeyRun]


@dataclass(frozen=True, slots=True, kw_only=True)
class Events:
    """First appearances and reveals of a batch, in chain order."""

    locks: Locks
    keys: Int64Array
    address: Int64Array
    transaction: Int64Array
    related: Int64Array
    """Lowest number of a lock of the class in the ledger, -1 where there is none."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Links:
    """Rows of the table of links, in chain order."""

    transaction: UInt32Array
    address: UInt32Array
    earlier: UInt32Array
    rule: UInt8Array


def may_share_keys(
    events: Sequence[Int64Array], maybe: Sequence[BoolArray]
) -> tuple[Int64Array, ...]:
    """Return which events can complete a link, for each of some lists of keys.

    Of events with one key, all but the first that the filter was asked about are marked `maybe`.
    So only keys with that mark have more than one event, or an earlier batch's event, to link to.
    A few other events may be returned as well.
    """
    wanted = np.concatenate([keys[marked] for keys, marked in zip(events, maybe, strict=True)])
    mask = (1 << max(10, (64 * len(wanted)).bit_length())) - 1
    is_wanted = np.zeros(mask + 1, dtype=np.bool_)
    is_wanted[wanted & mask] = True
    return tuple(np.flatnonzero(is_wanted[keys & mask]) for keys in events)


def find_links(events: Events, reveals: KnownReveals, recent: RecentRows) -> Links:
    """Return the links that a batch's events complete; of keys with a single event none do.

    `recent` holds the reveals of the last batches, which the index may lack.
    """
    related = events.related.copy()
    if len(reveals.input):
        _find_revealed(events, reveals, recent, related)
    earlier = np.full(len(events.keys), NONE, dtype=np.int64)
    rule = np.zeros(len(events.keys), dtype=np.uint8)
    with np.errstate(over="ignore"):
        _link(
            events.locks.source,
            events.locks.script_type,
            events.locks.start,
            events.locks.length,
            events.keys,
            events.address,
            np.argsort(events.keys, kind="stable"),
            related,
            earlier,
            rule,
        )
    linked = np.flatnonzero(earlier != NONE)
    return Links(
        transaction=events.transaction[linked].astype(np.uint32),
        address=events.address[linked].astype(np.uint32),
        earlier=earlier[linked].astype(np.uint32),
        rule=rule[linked],
    )


def _find_revealed(
    events: Events, reveals: KnownReveals, recent: RecentRows, related: Int64Array
) -> None:
    """Lower `related` to the lowest address that revealed a script of each event's class."""
    rows = np.argsort(events.keys, kind="stable")
    columns: list[AnyArray] = [*_columns(reveals)]
    for array in columns + [half for run in reveals.runs for half in (run.key, run.number)]:
        advise(array, Access.RANDOM)

    def search(part: Int64Array) -> None:
        with np.errstate(over="ignore"):
            for table in (recent.young, recent.old):
                _recall_revealed(*_lock_arrays(events), part, *_columns(reveals), table, related)
            for run in reveals.runs:
                _search_revealed(
                    *_lock_arrays(events),
                    part,
                    *_columns(reveals),
                    run.key,
                    run.number,
                    min(run.limit, len(reveals.input)),
                    related,
                )

    search_in_threads(search, rows)


def _lock_arrays(
    events: Events,
) -> tuple[UInt8Array, UInt8Array, Int64Array, Int64Array, Int64Array]:
    locks = events.locks
    return locks.source, locks.script_type, locks.start, locks.length, events.keys


def _columns(reveals: KnownReveals) -> tuple[UInt8Array, Int64Array, Int64Array, UInt32Array]:
    return reveals.source, reveals.first, reveals.input, reveals.input_address


@kernel
def _recall_revealed(
    source: UInt8Array,
    script_type: UInt8Array,
    start: Int64Array,
    length: Int64Array,
    keys: Int64Array,
    rows: Int64Array,
    revealed: UInt8Array,
    revealed_first: Int64Array,
    revealed_input: Int64Array,
    input_address: UInt32Array,
    table: UInt64Array,
    related: Int64Array,
) -> None:
    """Search a table of reveals met lately."""
    scratch = np.empty(40, dtype=np.uint8)
    mask = len(table) - 1
    for i in rows:
        tag = tag_of(keys[i])
        slot = home_of(tag, len(table))
        while table[slot] != 0:
            row = np.int64(table[slot] & LOW_WORD) - 1
            if table[slot] >> WORD == tag and row < len(revealed_input):
                _relate(
                    source,
                    script_type[i],
                    start[i],
                    length[i],
                    revealed,
                    revealed_first[row],
                    revealed_first[row + 1],
                    int(np.int64(input_address[revealed_input[row]])),
                    related,
                    i,
                    scratch,
                )
            slot = (slot + 1) & mask


@kernel
def _search_revealed(
    source: UInt8Array,
    script_type: UInt8Array,
    start: Int64Array,
    length: Int64Array,
    keys: Int64Array,
    rows: Int64Array,
    revealed: UInt8Array,
    revealed_first: Int64Array,
    revealed_input: Int64Array,
    input_address: UInt32Array,
    run_key: Int64Array,
    run_number: UInt32Array,
    limit: int,
    related: Int64Array,
) -> None:
    """Search a run of the index of reveals."""
    scratch = np.empty(40, dtype=np.uint8)
    for i in rows:
        position = seek(run_key, NO_SAMPLES, keys[i])
        while position < len(run_key) and run_key[position] == keys[i]:
            row = np.int64(run_number[position])
            position += 1
            if row < limit:
                _relate(
                    source,
                    script_type[i],
                    start[i],
                    length[i],
                    revealed,
                    revealed_first[row],
                    revealed_first[row + 1],
                    int(np.int64(input_address[revealed_input[row]])),
                    related,
                    i,
                    scratch,
                )


@kernel
def _relate(
    source: UInt8Array,
    script_type: int,
    start: int,
    length: int,
    revealed: UInt8Array,
    revealed_start: int,
    revealed_end: int,
    outer: int,
    related: Int64Array,
    i: int,
    scratch: UInt8Array,
) -> None:
    """Note the address that revealed a script, if lock `i` is of the script's class."""
    kind, inner_start, inner_length = classify(
        revealed, revealed_start, revealed_end - revealed_start
    )
    if (related[i] == NONE or outer < related[i]) and same_class(
        revealed,
        kind,
        inner_start,
        inner_length,
        source,
        script_type,
        start,
        length,
        scratch,
    ):
        related[i] = outer


@kernel
def _link(
    source: UInt8Array,
    script_type: UInt8Array,
    start: Int64Array,
    length: Int64Array,
    keys: Int64Array,
    address: Int64Array,
    order: Int64Array,
    related: Int64Array,
    earlier: Int64Array,
    rule: UInt8Array,
) -> None:
    """Link each event to the lowest address of its class met before it.

    A class has a handful of members by nature (the ways to wrap one key or script), so comparing
    an event with all earlier ones of its key is cheap.
    """
    scratch = np.empty(40, dtype=np.uint8)
    group = 0
    for at in range(len(order)):
        i = order[at]
        if keys[order[group]] != keys[i]:
            group = at
        other = related[i]
        for before in range(group, at):
            k = order[before]
            if (other == NONE or address[k] < other) and same_class(
                source,
                script_type[k],
                start[k],
                length[k],
                source,
                script_type[i],
                start[i],
                length[i],
                scratch,
            ):
                other = address[k]
        if other != NONE and other != address[i]:
            earlier[i] = other
            rule[i] = SAME_KEY if is_key_lock(script_type[i]) else INNER_SCRIPT
