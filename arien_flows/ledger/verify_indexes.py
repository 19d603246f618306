"""Whether the indexes hold exactly what the columns say, and no id or script stands there twice."""

from collections.abc import Callable, Iterator, Sequence
from functools import partial
from itertools import pairwise

import numpy as np

from arien_flows.ledger.files import run_path
from arien_flows.ledger.manifest import Manifest
from arien_flows.ledger.numbering import Locks
from arien_flows.ledger.schema import NO_ADDRESS, UNSPENT
from arien_flows.ledger.side_by_side import in_order
from arien_flows.ledger.sorted_runs import KeyRun, RunName
from arien_flows.ledger.unspent import txid_prefixes
from arien_flows.ledger.verify_result import Check, Findings
from arien_flows.ledger.verify_statements import (
    Comparison,
    Statements,
    compare,
    statements,
    steps,
)
from arien_flows.ledger.view import View
from chains.bitcoin.script import classify_scripts
from chains.tables import RevealKind, ScriptType
from chains.types import AnyArray, Int64Array, UInt8Array, UInt32Array
from heuristics.jit import kernel

INDEX_STEP = 1 << 18
"""Rows or entries taken at a time."""

PART_ENTRIES = 1 << 20
"""About so many entries of an index, equal keys together, are compared at a time."""

MARKS = 1 << 24
"""Keys are told apart by so many bits at first: 2 MB, and 6 % of them share a mark by chance."""


def check_transaction_index(view: View, manifest: Manifest) -> Check:
    """Check that every transaction is found by its id."""

    def keyed(rows: tuple[int, int]) -> Statements:
        return _keyed(np.arange(*rows), txid_prefixes(view.txid[slice(*rows)]))

    found = Findings()
    _compare_index(
        "transactions",
        keyed,
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

    def keyed(rows: tuple[int, int]) -> Statements:
        numbers = np.arange(*rows, dtype=np.int64)
        return _keyed(numbers, address_locks(view, numbers).keys())

    found = Findings()
    _compare_index(
        "addresses",
        keyed,
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

    def keyed(rows: tuple[int, int]) -> Statements:
        start, stop = rows
        kind = view.reveal_kind[start:stop]
        scripts = start + np.flatnonzero(
            (kind == RevealKind.REDEEM_SCRIPT) | (kind == RevealKind.WITNESS_SCRIPT)
        )
        locks = reveal_locks(view, scripts)
        named = np.flatnonzero(locks.script_type != ScriptType.OP_RETURN)
        return _keyed(scripts[named], locks.take(named).keys())

    found = Findings()
    _compare_index(
        "reveals",
        keyed,
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
    keyed: Callable[[tuple[int, int]], Statements],
    runs: Sequence[KeyRun],
    names: Sequence[RunName],
    rows: int,
    found: Findings,
) -> None:
    """Compare an index with `keyed`, which returns what the columns say of some rows."""
    for run, name in zip(runs, names, strict=True):
        _check_run(run_path(family, name), run, name, min(run.limit, rows), found)

    def told() -> Iterator[Statements]:
        return in_order(keyed, steps(rows, INDEX_STEP))

    def listed() -> Iterator[Statements]:
        for run in runs:
            limit = min(run.limit, rows)
            yield from in_order(partial(_listed, run, limit), steps(len(run.key), INDEX_STEP))

    _report(family, compare(told, listed, rows), found)


def _listed(run: KeyRun, limit: int, entries: tuple[int, int]) -> Statements:
    """Return some entries of a run, without those at or past `limit`."""
    number = run.number[slice(*entries)]
    live = np.flatnonzero(number < limit)
    return _keyed(number[live], run.key[slice(*entries)][live])


def _check_run(path: str, run: KeyRun, name: RunName, limit: int, found: Findings) -> None:
    """Check the order of a run's entries and that they are about its own rows."""
    found.rows_checked += len(run.key)
    for falls, strange in in_order(
        partial(_misplaced, run, name.start, limit), steps(len(run.key), INDEX_STEP)
    ):
        found.add_many(
            ((f"{path} entry {row}", "is not in ascending order") for row in falls.tolist()),
            len(falls),
        )
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


def _misplaced(
    run: KeyRun, first_row: int, limit: int, entries: tuple[int, int]
) -> tuple[Int64Array, Int64Array]:
    """Return which of some entries are out of order, and which are about rows before the run's."""
    start, stop = entries
    begin = max(start - 1, 0)
    key, number = run.key[begin:stop], run.number[begin:stop]
    falls = key[1:] <= key[:-1]
    # Equal keys are rare, and their numbers ascend.
    equal = np.flatnonzero(falls)
    falls[equal] = (key[equal + 1] < key[equal]) | (number[equal + 1] <= number[equal])
    number = run.number[start:stop]
    strange = number < min(first_row, limit)
    return begin + 1 + np.flatnonzero(falls), start + np.flatnonzero(strange)


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
    cuts = [-(1 << 63) + ((1 << 64) * part) // parts for part in range(parts)]
    return in_order(partial(_shared_keys, runs, rows), pairwise([*cuts, 1 << 63]))


def _shared_keys(
    runs: Sequence[Sequence[KeyRun]], rows: Sequence[int], keys: tuple[int, int]
) -> tuple[Int64Array, Int64Array, Int64Array]:
    """Return the entries, of those with keys in `[low, high)`, that share theirs with another."""
    slices = []
    for family, members in enumerate(runs):
        for run in members:
            start, stop = (_position(run.key, key) for key in keys)
            slices.append((family, run, start, stop))
    room = sum(stop - start for _, _, start, stop in slices)
    key, number = np.empty(room, dtype=np.int64), np.empty(room, dtype=np.int64)
    kind = np.empty(room, dtype=np.int64)
    seen, seen_again = (np.zeros(MARKS >> 3, dtype=np.uint8) for _ in range(2))
    filled = 0
    for family, run, start, stop in slices:
        live = slice(start, stop)
        limit = min(run.limit, rows[family])
        before = filled
        filled = _take_live(
            run.key[live], run.number[live], limit, seen, seen_again, key, number, filled
        )
        kind[before:filled] = family
    # Marks are shared by chance too, so the few entries that are left are sorted and looked at.
    kept = _marked(key[:filled], seen_again)
    key, number, kind = key[kept], number[kept], kind[kept]
    # Families and runs stand in the order of their rows, so a stable order by key is enough.
    order = np.argsort(key, kind="stable")
    key, number, kind = key[order], number[order], kind[order]
    equal = key[1:] == key[:-1]
    several = np.flatnonzero(np.append(equal, False) | np.append(False, equal))
    return key[several], number[several], kind[several]


def _position(keys: Int64Array, key: int) -> int:
    return len(keys) if key >= 1 << 63 else int(np.searchsorted(keys, key))


def _marked(key: Int64Array, marks: UInt8Array) -> Int64Array:
    """Return which entries have a key whose mark is set."""
    found = np.empty(len(key), dtype=np.int64)
    return found[: _find_marked(key, marks, found)]


@kernel
def _take_live(
    run_key: Int64Array,
    run_number: UInt32Array,
    limit: int,
    seen: UInt8Array,
    seen_again: UInt8Array,
    key: Int64Array,
    number: Int64Array,
    filled: int,
) -> int:
    """Append the live entries of a run, and mark keys that come and those that come again."""
    for i in range(len(run_key)):
        if np.int64(run_number[i]) >= limit:
            continue
        key[filled] = run_key[i]
        number[filled] = run_number[i]
        filled += 1
        mark = run_key[i] & (MARKS - 1)
        place, bit = mark >> 3, 1 << (mark & 7)
        if np.int64(seen[place]) & bit:
            seen_again[place] = np.int64(seen_again[place]) | bit
        else:
            seen[place] = np.int64(seen[place]) | bit
    return filled


@kernel
def _find_marked(key: Int64Array, marks: UInt8Array, found: Int64Array) -> int:
    count = 0
    for i in range(len(key)):
        mark = key[i] & (MARKS - 1)
        if np.int64(marks[mark >> 3]) & (1 << (mark & 7)):
            found[count] = i
            count += 1
    return count


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
