"""Whether every script has one address number, and the links are those that the chain proves.

Both questions are about locks of one class (`locks`): equal scripts, the forms of one key, and
scripts that spends have shown to stand behind a hash. A class is filed under one key in the
indexes, so it is enough to look at entries with equal keys; everything else cannot be linked.
From those entries the links are made anew, in the order of the chain, and compared with the table.
"""

from collections.abc import Iterator

import numpy as np

from arien_flows.ledger.links import INNER_SCRIPT, SAME_KEY
from arien_flows.ledger.locks import is_key_lock, same_bytes, same_class
from arien_flows.ledger.numbering import NONE, Locks, gather_bytes
from arien_flows.ledger.verify_addresses import Appearances
from arien_flows.ledger.verify_indexes import address_locks, entries_by_key, reveal_locks
from arien_flows.ledger.verify_places import address_words
from arien_flows.ledger.verify_result import Check, Findings
from arien_flows.ledger.verify_statements import (
    Comparison,
    Statements,
    compare,
    out_of_order,
    statements,
    steps,
)
from arien_flows.ledger.view import View
from chains.types import Int64Array, UInt8Array
from heuristics.jit import kernel

ADDRESS, REVEAL = 0, 1

EVENTS = 1 << 23
"""About so many events are looked up together; each takes some 150 bytes of memory."""

Entries = tuple[Int64Array, Int64Array, Int64Array]
"""Key, number and family of entries of the indexes."""

NEW = -1
"""Stands for an address that is not the twin of an earlier one."""


def check_links(view: View, firsts: Appearances) -> tuple[Check, Check]:
    """Check that scripts are distinct and that the links are complete and proved."""
    found = Findings()
    _note_order(view, found)
    passes: list[Findings] = []

    def proved() -> Iterator[Statements]:
        # `compare` reads a side once more where the sides differ; twins are counted once.
        passes.append(Findings())
        return _proved(view, firsts, passes[-1])

    differ = compare(proved, lambda: _stored(view), view.counts.transactions)
    twins = passes[0]
    _report(view, differ, found)
    twins.rows_checked = view.counts.addresses
    found.rows_checked = view.counts.links
    return (
        twins.check("unique_scripts", "No two addresses have the same script."),
        found.check(
            "links",
            "Two addresses are linked exactly where the chain proves that one key or one hidden "
            "script opens both; each link stands with the transaction that completes the proof.",
        ),
    )


def _note_order(view: View, found: Findings) -> None:
    wrong = out_of_order(view.link_transaction, strictly=False)
    found.add_many(
        (
            (
                f"links/transaction row {row}",
                f"is {view.link_transaction[row]} after {view.link_transaction[row - 1]}",
            )
            for row in wrong.tolist()
        ),
        len(wrong),
    )
    for start, stop in steps(view.counts.links):
        beyond = start + np.flatnonzero(
            view.link_transaction[start:stop] >= view.counts.transactions
        )
        found.add_many(
            ((f"links/transaction row {row}", "is not a transaction") for row in beyond.tolist()),
            len(beyond),
        )


def _stored(view: View) -> Iterator[Statements]:
    for start, stop in steps(view.counts.links):
        part = statements(
            view.link_transaction[start:stop],
            view.link_address[start:stop],
            view.link_earlier[start:stop],
            view.link_rule[start:stop],
        )
        yield part.take(np.flatnonzero(part.row < view.counts.transactions))


def _proved(view: View, firsts: Appearances, twins: Findings) -> Iterator[Statements]:
    """Yield the links that the locks and reveals prove; adds addresses with equal scripts."""
    counts = view.counts
    families = [view.addresses_by_lock.runs, view.reveals_by_lock.runs]
    for key, number, kind in _many(entries_by_key(families, [counts.addresses, counts.reveals])):
        # Columns larger than memory are read in ascending order, as few times as possible.
        rows = np.lexsort((number, kind))
        key, number, kind = key[rows], number[rows], kind[rows]
        transaction, address = _events(view, firsts, number, kind)
        locks = _locks(view, number, kind)
        # Inside one transaction, what inputs reveal comes before what outputs bring in.
        order = np.lexsort((number, kind == ADDRESS, transaction, key))
        order = order[(transaction[order] >= 0) & (address[order] < counts.addresses)]
        key, kind, transaction, address = (
            column[order] for column in (key, kind, transaction, address)
        )
        earlier, rule, twin = _find_links(locks.take(order), key, kind, address)
        twins.add_many(
            (
                (
                    f"addresses/payload row {address[i]}",
                    f"is the very script of address number {twin[i]}",
                )
                for i in np.flatnonzero(twin != NEW).tolist()
            ),
            int(np.count_nonzero(twin != NEW)),
        )
        linked = np.flatnonzero(earlier != NONE)
        yield statements(transaction[linked], address[linked], earlier[linked], rule[linked])


def _many(parts: Iterator[Entries]) -> Iterator[Entries]:
    """Join parts until they hold `EVENTS` entries or more."""
    gathered: list[Entries] = []
    for part in parts:
        gathered.append(part)
        if sum(len(key) for key, _, _ in gathered) >= EVENTS:
            yield _joined(gathered)
            gathered = []
    if gathered:
        yield _joined(gathered)


def _joined(parts: list[Entries]) -> Entries:
    key, number, kind = (np.concatenate(column) for column in zip(*parts, strict=True))
    return key, number, kind


def _events(
    view: View, firsts: Appearances, number: Int64Array, kind: Int64Array
) -> tuple[Int64Array, Int64Array]:
    """Return the transaction and address of each first appearance and reveal; -1 where unknown."""
    transaction = np.full(len(number), -1, dtype=np.int64)
    address = np.where(kind == ADDRESS, number, 0)
    appears = np.flatnonzero(kind == ADDRESS)
    transaction[appears] = firsts.of(number[appears])
    shown = np.flatnonzero(kind == REVEAL)
    by = view.reveal_input[number[shown]]
    shown, by = (column[(by >= 0) & (by < view.counts.inputs)] for column in (shown, by))
    transaction[shown] = view.transactions_of_inputs(by)
    address[shown] = view.input_address[by]
    return transaction, address


def _locks(view: View, number: Int64Array, kind: Int64Array) -> Locks:
    """Return the locks of events, addresses first, their payloads gathered into one array."""
    parts = [
        address_locks(view, number[kind == ADDRESS]),
        reveal_locks(view, number[kind == REVEAL]),
    ]
    source = [gather_bytes(locks.source, locks.start, locks.length) for locks in parts]
    length = np.concatenate([locks.length for locks in parts])
    return Locks(
        source=np.concatenate(source),
        script_type=np.concatenate([locks.script_type for locks in parts]),
        start=np.cumsum(length) - length,
        length=length,
    )


def _find_links(
    locks: Locks, key: Int64Array, kind: Int64Array, address: Int64Array
) -> tuple[Int64Array, UInt8Array, Int64Array]:
    earlier = np.full(len(key), NONE, dtype=np.int64)
    rule = np.zeros(len(key), dtype=np.uint8)
    twin = np.full(len(key), NEW, dtype=np.int64)
    _link(
        locks.source,
        locks.script_type,
        locks.start,
        locks.length,
        key,
        kind,
        address,
        earlier,
        rule,
        twin,
    )
    return earlier, rule, twin


@kernel
def _link(
    source: UInt8Array,
    script_type: UInt8Array,
    start: Int64Array,
    length: Int64Array,
    key: Int64Array,
    kind: Int64Array,
    address: Int64Array,
    earlier: Int64Array,
    rule: UInt8Array,
    twin: Int64Array,
) -> None:
    """Link each event to the lowest address of its class among the events before it."""
    scratch = np.empty(40, dtype=np.uint8)
    group = 0
    for i in range(len(key)):
        if key[group] != key[i]:
            group = i
        lowest = np.int64(NONE)
        for before in range(group, i):
            if not same_class(
                source,
                script_type[before],
                start[before],
                length[before],
                source,
                script_type[i],
                start[i],
                length[i],
                scratch,
            ):
                continue
            if lowest == NONE or address[before] < lowest:
                lowest = address[before]
            if (
                kind[before] == ADDRESS
                and kind[i] == ADDRESS
                and script_type[before] == script_type[i]
                and length[before] == length[i]
                and same_bytes(source, start[before], source, start[i], length[i])
            ):
                twin[i] = address[before]
        if lowest != NONE and lowest != address[i]:
            earlier[i] = lowest
            rule[i] = SAME_KEY if is_key_lock(script_type[i]) else INNER_SCRIPT


def _report(view: View, differ: Comparison, found: Findings) -> None:
    def described() -> Iterator[tuple[str, str]]:
        for difference in differ.differences:
            transaction, address, earlier, rule = difference.statement
            yield (
                f"links, transaction {view.txid_text(transaction)}",
                f"{address_words(view, address)} and {address_words(view, earlier)}, rule {rule}: "
                + (
                    "the chain proves this link, which is missing"
                    if difference.only_left
                    else "the chain does not prove this link"
                ),
            )
        for stretch in differ.unresolved:
            yield (
                f"links, transactions number {stretch.start} to {stretch.stop - 1}",
                "some links are missing or not proved",
            )

    found.add_many(described(), len(differ.differences) + len(differ.unresolved))
