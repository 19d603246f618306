"""Re-checking everything that an account ledger states.

The checks run on one snapshot, while a writer may go on appending, and read in stretches of blocks,
so that memory stays bounded. What damage makes unreadable is reported, and what would rely on it is
skipped, never passed.
"""

from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np

from arien_flows.account_ledger.batch_of import batch_of
from arien_flows.account_ledger.disk_view import mapped_columns, mapped_runs
from arien_flows.account_ledger.known_accounts import address_keys
from arien_flows.account_ledger.ledger import AccountLedger
from arien_flows.account_ledger.manifest import AccountManifest
from arien_flows.account_ledger.numbering import appearance, owners
from arien_flows.account_ledger.rows import hash_keys
from arien_flows.account_ledger.schema import ACCOUNT_SCHEMA, FAMILIES, Rows
from arien_flows.account_ledger.seals import SEALS, WORDS, rows_of, seal, stretch
from arien_flows.account_ledger.touches import touches_of
from arien_flows.account_ledger.verify_balances import check_balances
from arien_flows.account_ledger.view import AccountView
from arien_flows.errors import StaleSnapshotError
from arien_flows.ledger.files import map_array, run_path
from arien_flows.ledger.seals import checksum_in_pieces
from arien_flows.ledger.sorted_runs import KeyRun
from arien_flows.ledger.verify_result import Check, Findings, Verification
from chains.ethereum.tables import NO_ACCOUNT
from chains.types import AnyArray, BoolArray, Int64Array, UInt32Array

STRETCH_TRANSACTIONS = 1 << 18

LIMITS = (
    "The ledger does not keep what block hashes are computed from, so that it cannot show by "
    "itself that its transactions and movements are those of the chain: for that, take the blocks "
    "in again from a node of your own and compare, or compare balances with a node (--source). "
    "Checksums find accidents, not a forger who computes them anew."
)

_GROUND = ("offsets", "rows")
DAMAGED = "what says which rows belong together is damaged"


def verify_accounts(
    ledger: AccountLedger, report: Callable[[int, int], None] = lambda _done, _total: None
) -> Verification:
    """Check everything that the ledger's newest state says.

    Raises
    ------
    LedgerDamagedError
        Files are missing or too short, so that the ledger cannot be opened.
    StaleSnapshotError
        Blocks were removed meanwhile.
    """
    view, manifest, root = ledger.view(), ledger.manifest, ledger.root
    stages: list[Callable[[], Check]] = [
        lambda: _check_columns(root, manifest),
        lambda: _check_runs(root, manifest),
        lambda: _check_offsets(root, manifest),
        lambda: _check_chain(view),
        lambda: _check_rows(view, mapped_columns(root, manifest)),
        lambda: _check_numbers(view),
        lambda: _check_ids(view, mapped_runs(root, manifest)),
        lambda: _check_touches(view, mapped_runs(root, manifest)["touches"]),
        lambda: check_balances(view),
    ]
    checks: list[Check] = []
    for done, stage in enumerate(stages):
        checks.append(stage())
        if not ledger.is_current(view):
            raise StaleSnapshotError(
                "blocks were removed while the ledger was verified: verify it again"
            )
        report(done + 1, len(stages))
        if checks[-1].name in _GROUND and not checks[-1].ok:
            covers = "Everything else that the ledger says."
            checks.append(Findings().check("contents", covers, skipped=DAMAGED))
            break
    return Verification(
        network=view.network.name,
        blocks=view.counts.blocks,
        tip_hash="0x" + view.blocks.block_hash[-1].tobytes().hex() if view.counts.blocks else "",
        generation=view.generation,
        checks=tuple(checks),
        limits=LIMITS,
    )


def _check_columns(root: Path, manifest: AccountManifest) -> Check:
    found, columns = Findings(), mapped_columns(root, manifest)
    words = map_array(root / SEALS, "int64", manifest.segments * WORDS).reshape(-1, WORDS)
    start = Rows(accounts=1, assets=1)
    for number, row in enumerate(words):
        stop = rows_of(row)
        if any(end < begin for begin, end in zip(start, stop, strict=True)) or any(
            end > held for held, end in zip(manifest.rows, stop, strict=True)
        ):
            found.add(SEALS, f"checksum {number} is damaged itself")
            break
        expected = seal(stop, stretch(columns, start, stop))
        for place in np.flatnonzero(expected != row)[:1].tolist():
            column = ACCOUNT_SCHEMA[place - len(Rows._fields)]
            found.add(
                f"{column.path}, blocks {start.blocks} to {stop.blocks - 1} of the ledger",
                "is not what was written: its checksum is another",
            )
        found.rows_checked += 1
        start = stop
    if start != manifest.rows:
        found.note = "the last rows carry no checksum yet: blocks were removed behind them"
    return found.check("columns", "Every column has the checksum that it was written with.")


def _check_runs(root: Path, manifest: AccountManifest) -> Check:
    found = Findings()
    for family in FAMILIES:
        for run in getattr(manifest.runs, family):
            path = run_path(family, run)
            content = map_array(root / path, "uint8", (root / path).stat().st_size)
            if checksum_in_pieces(content, lambda: None) != run.checksum:
                found.add(path, "is not what was written: its checksum is another")
            found.rows_checked += run.entries
    return found.check("runs", "Every file of the indexes has its checksum.")


def _check_offsets(root: Path, manifest: AccountManifest) -> Check:
    found, columns = Findings(), mapped_columns(root, manifest)
    children = {"first_byte": "text"} | {
        f"first_{table.removesuffix('s')}": table
        for table in ("transactions", "movements", "events", "codes", "accounts")
    }
    for column in ACCOUNT_SCHEMA:
        if not column.is_offsets:
            continue
        offsets = columns[column.path]
        rows = getattr(manifest.rows, children[column.name])
        if (np.diff(offsets) < 0).any() or int(offsets[-1]) != rows:
            found.add(column.path, f"does not rise to {rows}, the rows that it divides")
        found.rows_checked += len(offsets)
    return found.check("offsets", "Offsets rise, and end with the rows that they divide.")


def _check_chain(view: AccountView) -> Check:
    found, it = Findings(), view.blocks
    steps = np.flatnonzero(np.diff(it.height) != 1)
    found.add_many(
        (("blocks/height", f"block {it.height[row]} is followed by another") for row in steps),
        len(steps),
    )
    broken = np.flatnonzero((it.parent_hash[1:] != it.block_hash[:-1]).any(axis=1))
    found.add_many(
        (
            ("blocks/parent_hash", f"block {it.height[row + 1]} names another parent")
            for row in broken
        ),
        len(broken),
    )
    genesis = view.network.genesis_hash
    if genesis is not None and view.begins_at_genesis and it.block_hash[0].tobytes() != genesis:
        found.add("blocks/block_hash", f"block 0 is not the first of {view.network.name}")
    found.rows_checked = view.counts.blocks
    return found.check("chain", "Blocks follow each other by height and by their parents' hashes.")


def _check_rows(view: AccountView, columns: dict[str, AnyArray]) -> Check:
    """Check the references between tables, and the tables of large amounts and token ids."""
    found, counts = Findings(), view.counts
    for table, first in (
        ("movements", view.transactions.first_movement),
        ("events", view.transactions.first_event),
        ("codes", view.transactions.first_code),
    ):
        wrong = np.flatnonzero(columns[f"{table}/transaction"] != owners(first))
        _tell(found, f"{table}/transaction", wrong, "names another transaction than its offset")
    accounts = ("giver", "receiver", "sender", "contract", "first", "second", "third",
                "account", "creator", "target", "fee_recipient")  # fmt: skip
    for column in ACCOUNT_SCHEMA:
        if column.name in accounts and column.dtype == "uint32":
            it = columns[column.path]
            wrong = np.flatnonzero((it >= counts.accounts) & (it != NO_ACCOUNT))
            _tell(found, column.path, wrong, "names an account that there is not")
            found.rows_checked += len(it)
    wrong = np.flatnonzero(view.movements.asset >= counts.assets)
    _tell(found, "movements/asset", wrong, "names an asset that there is not")
    large, amount = columns["large/movement"], columns["large/amount"]
    bad = (np.diff(large, prepend=-1) <= 0) | (large >= counts.movements)
    bad |= (amount[:, 2] | amount[:, 3]) == 0
    inside = np.where(bad, 0, large)
    if counts.movements:
        bad |= columns["movements/low"][inside] != amount[:, 0]
        bad |= columns["movements/high"][inside] != amount[:, 1]
    _tell(found, "large", np.flatnonzero(bad), "contradicts the amount of its movement")
    named = columns["token_ids/movement"]
    wrong = np.flatnonzero((np.diff(named, prepend=-1) <= 0) | (named >= counts.movements))
    _tell(found, "token_ids/movement", wrong, "does not rise, or names no movement")
    return found.check("rows", "Rows name transactions, accounts and assets that there are.")


def _check_numbers(view: AccountView) -> Check:
    """Check that accounts and assets are numbered as the chain meets them."""
    found = Findings()
    met = 1
    for blocks in _stretches(view):
        batch = batch_of(view, blocks)
        order = appearance(batch).place
        occurring = np.unique(
            np.concatenate(
                [
                    batch.fee_recipient, batch.sender, batch.receiver, batch.giver, batch.gets,
                    batch.asset, batch.contract, batch.first, batch.second, batch.third,
                    batch.code_account, batch.code_creator, batch.code_target,
                ]
            )
        )  # fmt: skip
        occurring = occurring[occurring != NO_ACCOUNT]
        new = order[: len(occurring)]
        new = new[new >= met]
        if (new != np.arange(met, met + len(new))).any():
            found.add("accounts", f"blocks {blocks.start} to {blocks.stop - 1} bring in others")
            break
        met += len(new)
    if not found.count and met != view.counts.accounts:
        found.add("accounts/address", f"{view.counts.accounts} are kept, and {met} occur")
    asset, first = np.unique(view.movements.asset, return_index=True)
    if (np.diff(first[asset > 0]) < 0).any():
        found.add("assets", "are not numbered in the order in which they are moved first")
    found.rows_checked = view.counts.accounts + view.counts.assets
    return found.check("numbers", "Accounts and assets are numbered as the chain meets them.")


def _check_ids(view: AccountView, runs: dict[str, list[KeyRun]]) -> Check:
    """Check that the indexes find every transaction and every address, once."""
    found = Findings()
    for family, keys, count in (
        ("transactions", hash_keys(view.transactions.tx_hash), view.counts.transactions),
        ("addresses", address_keys(view.addresses[1:]), view.counts.accounts - 1),
    ):
        start = 0 if family == "transactions" else 1
        numbers = np.arange(start, start + count, dtype=np.uint32)
        wrong = np.flatnonzero(~_filed(keys, numbers, runs[family]))
        _tell(found, f"index/{family}", wrong + start, "is not found by its key")
        entries = _live(runs[family], start + count)
        if entries != count:
            found.add(f"index/{family}", f"has {entries} entries for {count} rows")
        found.rows_checked += count
    raw = np.sort(np.ascontiguousarray(view.addresses).view("V20").reshape(-1))
    twice = int((raw[1:] == raw[:-1]).sum()) if len(raw) > 1 else 0
    if twice:
        found.add("accounts/address", f"{twice} addresses have two numbers")
    return found.check("ids", "Every transaction id and address is found, and no address twice.")


def _check_touches(view: AccountView, runs: list[KeyRun]) -> Check:
    """Check that the index of accounts has an entry for all that touches one, and no other."""
    found, expected = Findings(), 0
    numbers = np.arange(view.counts.accounts, dtype=np.uint32)
    for blocks in _stretches(view):
        batch = batch_of(view, blocks)
        first = int(view.blocks.first_transaction[blocks.start])
        start, stop = view.transactions.first_movement[
            [first, first + batch.transaction_count]
        ].tolist()
        touches = touches_of(batch, numbers, view.movements.asset[start:stop], first)
        wrong = np.flatnonzero(~_filed(touches.key, touches.transaction, runs))
        _tell(found, "index/touches", wrong, f"of blocks from {blocks.start} on is missing")
        expected += len(touches.key)
    entries = _live(runs, view.counts.transactions)
    if entries != expected:
        found.add("index/touches", f"has {entries} entries where {expected} belong")
    found.rows_checked = expected
    return found.check("touches", "The index of accounts has every movement, event and code.")


def _filed(keys: Int64Array, numbers: UInt32Array, runs: list[KeyRun]) -> BoolArray:
    """Return which entries (key, number) a run has."""
    found: BoolArray = np.zeros(len(keys), np.bool_)
    for run in runs:
        low = np.searchsorted(run.key, keys, side="left")
        end = np.searchsorted(run.key, keys, side="right")
        high = end.copy()
        while (low < high).any():
            middle = (low + high) >> 1
            below = (low < high) & (run.number[np.minimum(middle, len(run.number) - 1)] < numbers)
            high = np.where((low < high) & ~below, middle, high)
            low = np.where(below, middle + 1, low)
        at = np.minimum(low, max(len(run.number) - 1, 0))
        hit = (low < end) & (run.number[at] == numbers) if len(run.number) else found & False
        found |= hit & (numbers < run.limit)
    return found


def _live(runs: list[KeyRun], rows: int) -> int:
    return sum(int((run.number < min(run.limit, rows)).sum()) for run in runs)


def _stretches(view: AccountView) -> Iterator[range]:
    """Yield stretches of blocks with at most so many transactions, unless one block has more."""
    ends, start = view.blocks.first_transaction[1:], 0
    while start < view.counts.blocks:
        begun = int(view.blocks.first_transaction[start])
        stop = int(np.searchsorted(ends, begun + STRETCH_TRANSACTIONS, side="right"))
        stop = max(stop, start + 1)
        yield range(start, stop)
        start = stop


def _tell(found: Findings, place: str, rows: Int64Array, message: str) -> None:
    found.add_many(((f"{place}, row {row}", message) for row in rows.tolist()), len(rows))
