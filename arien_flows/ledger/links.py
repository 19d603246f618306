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

from arien_flows.ledger.locks import is_key_lock, same_class
from arien_flows.ledger.numbering import NONE, KnownLocks, Locks, find_known
from arien_flows.ledger.sorted_runs import KeyRun, lower_bound
from chains.bitcoin.script import classify
from chains.tables import ScriptType
from chains.types import Int64Array, UInt8Array, UInt32Array
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


@dataclass(frozen=True, slots=True, kw_only=True)
class Links:
    """Rows of the table of links, in chain order."""

    transaction: UInt32Array
    address: UInt32Array
    earlier: UInt32Array
    rule: UInt8Array


def find_links(events: Events, known: KnownLocks, reveals: KnownReveals) -> Links:
    """Return the links that a batch's events complete."""
    _, related = find_known(events.locks, events.keys, known)
    for run in reveals.runs:
        with np.errstate(over="ignore"):
            _find_revealed(
                events.locks.source,
                events.locks.script_type,
                events.locks.start,
                events.locks.length,
                events.keys,
                reveals.source,
                reveals.first,
                reveals.input,
                reveals.input_address,
                run.key,
                run.number,
                min(run.limit, len(reveals.input)),
                related,
            )
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


@kernel
def _find_revealed(
    source: UInt8Array,
    script_type: UInt8Array,
    start: Int64Array,
    length: Int64Array,
    keys: Int64Array,
    revealed: UInt8Array,
    revealed_first: Int64Array,
    revealed_input: Int64Array,
    input_address: UInt32Array,
    run_key: Int64Array,
    run_number: UInt32Array,
    limit: int,
    related: Int64Array,
) -> None:
    scratch = np.empty(40, dtype=np.uint8)
    for i in range(len(keys)):
        position = lower_bound(run_key, keys[i])
        while position < len(run_key) and run_key[position] == keys[i]:
            row = np.int64(run_number[position])
            position += 1
            if row >= limit:
                continue
            begin = revealed_first[row]
            kind, inner_start, inner_length = classify(
                revealed, begin, revealed_first[row + 1] - begin
            )
            if same_class(
                revealed,
                kind,
                inner_start,
                inner_length,
                source,
                script_type[i],
                start[i],
                length[i],
                scratch,
            ):
                outer = np.int64(input_address[revealed_input[row]])
                if related[i] == NONE or outer < related[i]:
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
