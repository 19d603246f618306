"""Whether the blocks of a ledger are a chain, and its transactions those that the blocks commit to.

These are the checks that do not rest on the ledger itself: whoever wants to forge a transaction id
here has to find a block with the proof of work that goes with it.
"""

from collections.abc import Iterator
from functools import partial

import numpy as np

from arien_flows.ledger.beginning import begins_late, first_height, stated_height
from arien_flows.ledger.manifest import Manifest
from arien_flows.ledger.schema import SCHEMA
from arien_flows.ledger.side_by_side import in_order
from arien_flows.ledger.verify_result import Check, Findings
from arien_flows.ledger.verify_statements import steps
from arien_flows.ledger.view import COLUMN_FIELDS, View
from chains.bitcoin.decode import header_hashes
from chains.bitcoin.headers import meets_target, previous_hashes
from chains.bitcoin.merkle import merkle_roots
from chains.tables import InputFlag
from chains.types import BoolArray, Int64Array, UInt8Array, shown_txid

MAX_BLOCK_WEIGHT = 4_000_000
"""BIP 141; older blocks were at most 1,000,000 bytes, which weigh as much."""

HEADER_STEP = 1 << 14

TRANSACTION_STEP = 1 << 17
"""Transactions taken at a time; their inputs and outputs are a few times as many."""

CHILDREN = {
    "blocks/first_transaction": "transactions",
    "transactions/first_input": "inputs",
    "transactions/first_output": "outputs",
}
"""Offsets columns that count rows of another table; the others count bytes of their own."""

NEVER_EMPTY = ("blocks/first_transaction", "transactions/first_output")


def check_offsets(view: View, manifest: Manifest) -> Check:
    """Check that the children of each row follow those of the row before, to the last one."""
    found = Findings()
    for column in SCHEMA:
        if column.shape != "offsets":
            continue
        first: Int64Array = getattr(view, COLUMN_FIELDS[column.path])
        if column.path in CHILDREN:
            end = int(getattr(view.counts, CHILDREN[column.path]))
        else:
            end = _byte_count(manifest, column.path)
        _check_ascending(column.path, first, end, found)
    return found.check(
        "offsets",
        "Transactions, inputs, outputs, scripts and payloads belong to their block, transaction or "
        "address without gap or overlap; every block has a transaction, and every transaction an "
        "output.",
    )


def _byte_count(manifest: Manifest, offsets_path: str) -> int:
    return next(
        manifest.byte_counts.get(column.path, 0)
        for column in SCHEMA
        if f"{column.table}/{column.offsets}" == offsets_path
    )


def _check_ascending(path: str, first: Int64Array, end: int, found: Findings) -> None:
    least = 1 if path in NEVER_EMPTY else 0
    if first[0] != 0:
        found.add(f"{path} row 0", f"is {first[0]}; the first entry is 0")
    if first[-1] != end:
        found.add(f"{path} row {len(first) - 1}", f"is {first[-1]}; the last entry is {end}")
    found.rows_checked += len(first)
    for wrong in in_order(partial(_descents, first, least), steps(len(first) - 1)):
        found.add_many(
            (
                (f"{path} row {row}", f"is {first[row]} after {first[row - 1]}")
                for row in wrong.tolist()
            ),
            len(wrong),
        )


def _descents(first: Int64Array, least: int, rows: tuple[int, int]) -> Int64Array:
    """Return the entries that are not `least` above the one before them."""
    start, stop = rows
    return np.flatnonzero(first[start + 1 : stop + 1] < first[start:stop] + least) + start + 1


def block_steps(view: View) -> Iterator[tuple[int, int]]:
    """Yield stretches of blocks with at most `TRANSACTION_STEP` transactions, or of one block."""
    start = 0
    while start < view.counts.blocks:
        reach = int(view.first_transaction[start]) + TRANSACTION_STEP
        stop = int(np.searchsorted(view.first_transaction, reach, side="right")) - 1
        stop = min(max(stop, start + 1), view.counts.blocks)
        yield start, stop
        start = stop


def check_headers(view: View) -> Check:
    """Check heights, links and proof of work of the header chain."""
    found = Findings()
    first = first_height(view)
    expected = view.network.genesis_hash
    for start, stop in steps(view.counts.blocks, HEADER_STEP):
        headers = np.ascontiguousarray(view.header[start:stop])
        hashes = header_hashes(headers)
        parents = np.concatenate([_row(expected), hashes[:-1]])
        previous = previous_hashes(headers)
        if start == 0:
            # The first block has no parent; it is known by its own hash.
            parents, previous = parents[1:], previous[1:]
            if first == 0 and hashes[0].tobytes() != expected:
                found.add(
                    "blocks/header row 0",
                    f"has the hash {shown_txid(hashes[0].tobytes())}; the genesis block of "
                    f"{view.network.name} has {shown_txid(expected)}",
                )
        lead = 1 if start == 0 else 0
        _note_blocks(
            view,
            found,
            start + lead + np.flatnonzero((parents != previous).any(axis=1)),
            "blocks/header",
            "does not name the block before it as its parent",
        )
        _note_blocks(
            view,
            found,
            start + np.flatnonzero(~meets_target(headers, hashes)),
            "blocks/header",
            "has a hash above the target that it claims: no proof of work",
        )
        _note_blocks(
            view,
            found,
            start + np.flatnonzero(view.block_height[start:stop] != first + np.arange(start, stop)),
            "blocks/height",
            "is not the distance from the genesis block",
        )
        expected = hashes[-1].tobytes()
    found.rows_checked = view.counts.blocks
    begin = "the network's genesis block on"
    if begins_late(view):
        begin = f"block {first} on, whose height {_first_height_basis(view, found)}"
    return found.check(
        "headers",
        f"The blocks form one chain from {begin}: each header names the hash of the one before and "
        f"meets the target that it claims, and heights count from {first}. Whether a target was "
        "the right one at its height is not checked.",
    )


def _first_height_basis(view: View, found: Findings) -> str:
    """Return what the height of a late ledger's first block rests on; checks it if it can."""
    first = first_height(view)
    script = view.coinbase_script[: int(view.first_coinbase_byte[1])].tobytes()
    stated = stated_height(view.network, first, script)
    if stated is None:
        return "is what the source said"
    if stated != first:
        found.add("blocks/height row 0", f"is {first}, and the block's coinbase states {stated}")
    return "its coinbase states (BIP 34)"


def _row(stored_hash: bytes) -> UInt8Array:
    return np.frombuffer(stored_hash, dtype=np.uint8).reshape(1, 32)


def _note_blocks(view: View, found: Findings, blocks: Int64Array, path: str, message: str) -> None:
    first = first_height(view)
    found.add_many(
        ((f"{path} row {block} (height {first + block})", message) for block in blocks.tolist()),
        len(blocks),
    )


def check_merkle_roots(view: View) -> Check:
    """Recompute the merkle root of every block from the transaction ids."""
    found = Findings()
    for wrong in in_order(partial(_wrong_roots, view), block_steps(view)):
        found.add_many(
            (
                (
                    f"transactions/txid rows {view.first_transaction[block]} to "
                    f"{view.first_transaction[block + 1] - 1} (block {first_height(view) + block})",
                    "do not lead to the merkle root in the block's header: an id or the header "
                    "is damaged",
                )
                for block in wrong.tolist()
            ),
            len(wrong),
        )
    found.rows_checked = view.counts.transactions
    return found.check(
        "merkle_roots",
        "The transaction ids of every block, in their order, lead to the merkle root in its "
        "header.",
    )


def _wrong_roots(view: View, blocks: tuple[int, int]) -> Int64Array:
    """Return which of some blocks have other transactions than their header says."""
    start, stop = blocks
    begin, end = int(view.first_transaction[start]), int(view.first_transaction[stop])
    roots = np.empty((stop - start, 32), dtype=np.uint8)
    doubled: BoolArray = np.zeros(stop - start, dtype=np.bool_)
    merkle_roots(
        np.ascontiguousarray(view.txid[begin:end]),
        view.first_transaction[start : stop + 1] - begin,
        roots,
        doubled,
    )
    wrong = (roots != view.header[start:stop, 36:68]).any(axis=1) | doubled
    return start + np.flatnonzero(wrong)


def check_transactions(view: View) -> Check:
    """Check what the shape of every valid transaction and block is."""
    found = Findings()
    for misfits in in_order(partial(_misfits, view), block_steps(view)):
        for column, message in (
            ("first_input", "a coinbase is what opens a block, and nothing else is one"),
            ("stripped_size", "is too small for the inputs and outputs of the transaction"),
            ("witness_size", "does not fit the witness flags of the inputs"),
        ):
            _note(found, view, misfits[column], column, message)
        _note_blocks(
            view,
            found,
            misfits["blocks"],
            "transactions/stripped_size of block",
            f"sums with the witnesses to more than {MAX_BLOCK_WEIGHT} units of weight",
        )
    found.rows_checked = view.counts.transactions
    return found.check(
        "transactions",
        "Every block opens with its one coinbase, which has no inputs; sizes fit the numbers of "
        "inputs, outputs and witnesses, and no block is heavier than allowed.",
    )


def _misfits(view: View, blocks: tuple[int, int]) -> dict[str, Int64Array]:
    """Return, by column, the transactions of some blocks that cannot be, and the heavy blocks."""
    start, stop = blocks
    begin, end = int(view.first_transaction[start]), int(view.first_transaction[stop])
    opening = view.first_transaction[start:stop] - begin
    inputs = np.diff(view.first_input[begin : end + 1])
    outputs = np.diff(view.first_output[begin : end + 1])
    opens = np.zeros(end - begin, dtype=np.bool_)
    opens[opening] = True
    stripped = view.stripped_size[begin:end].astype(np.int64)
    witness = view.witness_size[begin:end].astype(np.int64)
    weight = np.add.reduceat(4 * stripped + witness, opening)
    smallest = 10 + 41 * np.maximum(inputs, 1) + 9 * outputs
    shows = _with_witness(view, begin, end)
    return {
        "first_input": begin + np.flatnonzero(opens != (inputs == 0)),
        "stripped_size": begin + np.flatnonzero(stripped < smallest),
        "witness_size": begin + np.flatnonzero((shows != (witness > 0)) & ~opens),
        "blocks": start + np.flatnonzero(weight > MAX_BLOCK_WEIGHT),
    }


def _with_witness(view: View, begin: int, end: int) -> BoolArray:
    """Return which transactions of `[begin, end)` have an input that carries a witness."""
    first = view.first_input[begin : end + 1]
    flags = view.input_flags[first[0] : first[-1]] & np.uint8(InputFlag.WITNESS)
    running = np.concatenate([np.zeros(1, dtype=np.int64), np.cumsum(flags != 0)])
    shows: BoolArray = np.diff(running[first - first[0]]) > 0
    return shows


def _note(found: Findings, view: View, rows: Int64Array, column: str, message: str) -> None:
    found.add_many(
        (
            (f"transactions/{column} row {row} ({view.txid_text(row)})", message)
            for row in rows.tolist()
        ),
        len(rows),
    )
