"""Whether the indexes hold exactly what the columns say, and no id or script stands there twice."""

from collections.abc import Iterator, Sequence
from itertools import pairwise

import numpy as np

from arien_flows.ledger.files import run_path
from arien_flows.ledger.manifest import Manifest
from arien_flows.ledger.numbering import Locks
from arien_flows.ledger.schema import NO_ADDRESS, UNSPENT
from arien_flows.ledger.sorted_runs import KeyRun, RunName
from arien_flows.ledger.unspent import txid_prefixes
from arien_flows.ledger.verify_result import Check, Findings
from arien_flows.ledger.verify_statements import (
    Comparison,
    Side,
    Statements,
    compare,
    statements,
    steps,
)
from arien_flows.ledger.view import View
from chains.bitcoin.script import classify_scripts
from chains.tables import RevealKind, ScriptType
from chains.types import AnyArray, Int64Array

SCRIPT_KINDS = (RevealKind.REDEEM_SCRIPT, RevealKind.WITNESS_SCRIPT)

PART_ENTRIES = 1 << 20
"""About so many entries of an index, equal keys together, are compared at a time."""


def check_transaction_index(view: View, manifest: Manifest) -> Check:
    """Check that every transaction is found by its id."""

    def told() -> Iterator[Statements]:
        for start, stop in steps(view.counts.transactions):
            yield _keyed(np.arange(start, stop), txid_prefixes(view.txid[start:stop]))

    found = Findings()
    _compare_index(
        "transactions",
        told,
        view.transactions_by_id.runs,
        manifest.runs.transactions,
        view.counts.transactions,
        found,
    )
    return found.check(
        "transaction_index",
        "The index of transaction ids lists every transaction once, under its own id.",
    )


def check_address_index(view: View, manifest: Manifest) -> Check:
    """Check that every address is found by its script."""

    def told() -> Iterator[Statements]:
        for start, stop in steps(view.counts.addresses):
            numbers = np.arange(start, stop, dtype=np.int64)
            yield _keyed(numbers, address_locks(view, numbers).keys())

    found = Findings()
    _compare_index(
        "addresses",
        told,
        view.addresses_by_lock.runs,
        manifest.runs.addresses,
        view.counts.addresses,
        found,
    )
    return found.check(
        "address_index",
        "The index of scripts lists every address once, under the key of its own script.",
    )


def check_reveal_index(view: View, manifest: Manifest) -> Check:
    """Check that every revealed script is found by the class of locks that it names."""

    def told() -> Iterator[Statements]:
        for start, stop in steps(view.counts.reveals):
            scripts = np.isin(view.reveal_kind[start:stop], SCRIPT_KINDS)
            rows = start + np.flatnonzero(scripts)
            locks = reveal_locks(view, rows)
            named = np.flatnonzero(locks.script_type != ScriptType.OP_RETURN)
            yield _keyed(rows[named], locks.take(named).keys())

    found = Findings()
    _compare_index(
        "reveals",
        told,
        view.reveals_by_lock.runs,
        manifest.runs.reveals,
        view.counts.reveals,
        found,
    )
    return found.check(
        "reveal_index",
        "The index of revealed scripts lists each of them once, under its own key.",
    )


def address_locks(view: View, numbers: Int64Array) -> Locks:
    """Return the locks of some addresses."""
    start = view.first_payload_byte[numbers]
    return Locks(
        source=view.payload,
        script_type=view.script_type[numbers],
        start=start,
        length=view.first_payload_byte[numbers + 1] - start,
    )


def reveal_locks(view: View, rows: Int64Array) -> Locks:
    """Return the locks that some revealed scripts are."""
    start = view.first_reveal_byte[rows]
    kind, inner_start, inner_length = classify_scripts(
        view.revealed, start, view.first_reveal_byte[rows + 1] - start
    )
    return Locks(source=view.revealed, script_type=kind, start=inner_start, length=inner_length)


def _keyed(number: AnyArray, key: Int64Array) -> Statements:
    none = np.zeros(len(number), dtype=np.int64)
    return statements(number, key, none, none)


def _compare_index(
    family: str,
    told: Side,
    runs: Sequence[KeyRun],
    names: Sequence[RunName],
    rows: int,
    found: Findings,
) -> None:
    for run, name in zip(runs, names, strict=True):
        _check_run(run_path(family, name), run, name, min(run.limit, rows), found)

    def listed() -> Iterator[Statements]:
        for run in runs:
            for start, stop in steps(len(run.key)):
                number = run.number[start:stop]
                live = np.flatnonzero(number < min(run.limit, rows))
                yield _keyed(number[live], run.key[start:stop][live])

    _report(family, compare(told, listed, rows), found)


def _check_run(path: str, run: KeyRun, name: RunName, limit: int, found: Findings) -> None:
    """Check the order of a run's entries and that they are about its own rows."""
    found.rows_checked += len(run.key)
    for start, stop in steps(len(run.key)):
        begin = max(start - 1, 0)
        key, number = run.key[begin:stop], run.number[begin:stop]
        falls = (key[1:] < key[:-1]) | ((key[1:] == key[:-1]) & (number[1:] <= number[:-1]))
        wrong = begin + 1 + np.flatnonzero(falls)
        found.add_many(
            ((f"{path} entry {row}", "is not in ascending order") for row in wrong.tolist()),
            len(wrong),
        )
        number = run.number[start:stop]
        strange = start + np.flatnonzero((number < name.start) & (number < limit))
        found.add_many(
            (
                (
                    f"{path} entry {row}",
                    f"is about row {run.number[row]}; the run starts at {name.start}",
                )
                for row in strange.tolist()
            ),
            len(strange),
        )


def _report(family: str, differ: Comparison, found: Findings) -> None:
    def described() -> Iterator[tuple[str, str]]:
        for difference in differ.differences:
            row, key = difference.statement[:2]
            yield (
                f"index/{family}, row {row} of {family}",
                f"is not listed under its key {key}"
                if difference.only_left
                else f"is listed under the key {key}, which is not its own, or twice",
            )
        for stretch in differ.unresolved:
            yield (
                f"index/{family}, rows {stretch.start} to {stretch.stop - 1} of {family}",
                "some are not listed, or under a wrong key",
            )

    found.add_many(described(), len(differ.differences) + len(differ.unresolved))


# --- equal keys


def entries_by_key(
    runs: Sequence[Sequence[KeyRun]], rows: Sequence[int]
) -> Iterator[tuple[Int64Array, Int64Array, Int64Array]]:
    """Yield key, number and family of all entries whose key occurs more than once, by key.

    `runs` holds the runs of each family and `rows` how many rows of it are live. Entries of one
    key come in one part; in it they are in ascending order of key, family and number. The keys are
    hashes, so that equal ranges of keys hold about equally many entries.
    """
    total = sum(len(run.key) for family in runs for run in family)
    parts = max(1, total // PART_ENTRIES)
    for part in range(parts):
        low = -(1 << 63) + ((1 << 64) * part) // parts
        high = -(1 << 63) + ((1 << 64) * (part + 1)) // parts
        keys, numbers, families = [], [], []
        for family, members in enumerate(runs):
            for run in members:
                start = int(np.searchsorted(run.key, low))
                stop = len(run.key) if part == parts - 1 else int(np.searchsorted(run.key, high))
                entries = run.number[start:stop]
                live = np.flatnonzero(entries < min(run.limit, rows[family]))
                keys.append(run.key[start:stop][live])
                numbers.append(entries[live].astype(np.int64))
                families.append(np.full(len(live), family, dtype=np.int64))
        if not keys:
            continue
        key, number, kind = (np.concatenate(column) for column in (keys, numbers, families))
        order = np.lexsort((number, kind, key))
        key, number, kind = key[order], number[order], kind[order]
        equal = key[1:] == key[:-1]
        several = np.flatnonzero(np.append(equal, False) | np.append(False, equal))
        yield key[several], number[several], kind[several]


def check_txids(view: View) -> Check:
    """Check that ids are unique, but for coinbases whose outputs were spent or voided (BIP 30)."""
    found = Findings()
    for key, number, _ in entries_by_key(
        [view.transactions_by_id.runs], [view.counts.transactions]
    ):
        txids = np.ascontiguousarray(view.txid[number]).view("V32").ravel()
        # Ids that share 64 bits are rare enough to be looked at one by one.
        for start, stop in _groups(key):
            seen: dict[bytes, int] = {}
            for place in range(start, stop):
                txid, transaction = txids[place].tobytes(), int(number[place])
                if txid in seen and not _was_replaced(view, seen[txid], transaction):
                    found.add(
                        f"transactions/txid row {transaction} ({view.txid_text(transaction)})",
                        f"has the id of row {seen[txid]}, whose outputs are not all spent or void",
                    )
                seen[txid] = transaction
    found.rows_checked = view.counts.transactions
    return found.check(
        "unique_transactions",
        "No two transactions have one id, but for coinbases that repeat an earlier one (BIP 30), "
        "whose outputs are spent or marked as void.",
    )


def _groups(key: Int64Array) -> Iterator[tuple[int, int]]:
    """Yield the stretches of equal keys."""
    if len(key):
        cuts = np.concatenate([[0], np.flatnonzero(np.diff(key)) + 1, [len(key)]]).tolist()
        yield from pairwise(cuts)


def _was_replaced(view: View, earlier: int, later: int) -> bool:
    if not view.is_coinbase(np.array([earlier, later])).all():
        return False
    outputs = slice(int(view.first_output[earlier]), int(view.first_output[earlier + 1]))
    spender = view.spender[outputs].astype(np.int64)
    settled = (spender <= later) & (spender != UNSPENT)
    return bool((settled | (view.output_address[outputs] == NO_ADDRESS)).all())
