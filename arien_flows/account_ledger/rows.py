"""From a batch of decoded blocks to the rows that an account ledger appends.

Everything happens in arrays. Nothing is written here.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from arien_flows.account_ledger.known_accounts import address_keys, check_room
from arien_flows.account_ledger.numbering import MOST_TRANSACTIONS, appearance, owners
from arien_flows.account_ledger.schema import ACCOUNT_SCHEMA, UNKNOWN_DECIMALS, Rows
from arien_flows.account_ledger.touches import MOST_ASSETS, Touches, touches_of
from arien_flows.errors import LedgerError
from chains.account_source import AssetClaim
from chains.ethereum.tables import (
    NO_ACCOUNT,
    AccountBatch,
    MovementKind,
    OpeningCoverage,
)
from chains.types import AnyArray, Int64Array, UInt8Array, UInt32Array, UInt64Array

MOST_DECIMALS = 255
"""ERC-20 states them in one byte; a contract that states more is not believed."""


@dataclass(frozen=True, slots=True, kw_only=True)
class NumberedBatch:
    """A batch whose accounts and assets have their numbers in the ledger."""

    batch: AccountBatch
    numbers: UInt32Array
    """By place in the batch's list of addresses."""

    new_accounts: UInt8Array
    """Addresses that are new, in order of their numbers."""

    new_blocks: Int64Array
    """Blocks of the batch that bring them in."""

    assets: UInt32Array
    """Asset of each movement."""

    new_contracts: UInt32Array
    """Account numbers of the contracts of new assets, in order of their numbers."""

    new_asset_rows: Int64Array
    """The first movement of each, counted from the batch's first."""


@dataclass(frozen=True, slots=True, kw_only=True)
class NewAccountRows:
    """Everything that one batch adds to a ledger."""

    columns: dict[str, AnyArray]
    """Rows by column path; offsets columns without their first entry."""

    before: Rows
    rows: Rows
    """Of the ledger once they are in."""

    touches: Touches
    hash_keys: Int64Array
    """Index keys of the new transactions, in order."""

    address_keys: Int64Array
    """Index keys of the new accounts, in order."""


def numbered(
    batch: AccountBatch, known: UInt32Array, accounts: int, assets: "KnownAssets"
) -> NumberedBatch:
    """Give new accounts and assets their numbers.

    `known` has the numbers of the batch's addresses that the ledger has, `accounts` is how many it
    has.
    """
    order = appearance(batch)
    is_new = known[order.place] == NO_ACCOUNT
    new = order.place[is_new]
    check_room(accounts + len(new))
    numbers = known.copy()
    numbers[new] = np.arange(accounts, accounts + len(new))
    contract = np.where(batch.asset == NO_ACCOUNT, NO_ACCOUNT, _taken(numbers, batch.asset))
    asset, contracts, rows = assets.number(contract.astype(np.uint32))
    return NumberedBatch(
        batch=batch,
        numbers=numbers,
        new_accounts=batch.address[new],
        new_blocks=order.block[is_new],
        assets=asset,
        new_contracts=contracts,
        new_asset_rows=rows,
    )


class KnownAssets:
    """The assets of a ledger by their contracts."""

    def __init__(self, contract: UInt32Array) -> None:
        """Take the column of contracts, by asset number."""
        number = np.argsort(contract, kind="stable").astype(np.uint32)
        self._contract, self._number = contract[number], number

    def find(self, contract: UInt32Array) -> UInt32Array:
        """Return asset numbers; `NO_ACCOUNT` for what is none."""
        place = np.minimum(np.searchsorted(self._contract, contract), len(self._contract) - 1)
        known = self._contract[place] == contract
        return np.where(known, self._number[place], NO_ACCOUNT).astype(np.uint32)

    def number(self, contract: UInt32Array) -> tuple[UInt32Array, UInt32Array, Int64Array]:
        """Return the asset of each movement; new contracts in order, and their first movements."""
        unique, first, inverse = np.unique(contract, return_index=True, return_inverse=True)
        found = self.find(unique)
        new = np.flatnonzero(found == NO_ACCOUNT)
        new = new[np.argsort(first[new], kind="stable")]
        count = len(self._contract)
        if count + len(new) > MOST_ASSETS:
            raise LedgerError(f"the ledger is full: asset numbers end at {MOST_ASSETS - 1}")
        found[new] = np.arange(count, count + len(new))
        asset = found[inverse.reshape(-1)]
        return asset, unique[new], first[new].astype(np.int64)

    def add(self, contract: UInt32Array) -> None:
        """Take in new assets, in order of their numbers."""
        count = len(self._contract)
        order = np.argsort(contract, kind="stable")
        place = np.searchsorted(self._contract, contract[order])
        self._contract = np.insert(self._contract, place, contract[order])
        numbers = (count + order).astype(np.uint32)
        self._number = np.insert(self._number, place, numbers)


def _taken(numbers: UInt32Array, place: UInt32Array) -> UInt32Array:
    """Return account numbers of places, `NO_ACCOUNT` where there is no place."""
    if not len(numbers):
        return place
    none = place == NO_ACCOUNT
    return np.where(none, NO_ACCOUNT, numbers[np.where(none, 0, place)]).astype(np.uint32)


def new_rows(
    it: NumberedBatch,
    before: Rows,
    *,
    claims: Sequence[AssetClaim],
    openings: OpeningCoverage,
    marked: Sequence[tuple[int, int]],
) -> NewAccountRows:
    """Return the rows of a batch that follows `before`.

    `claims` says what the contracts of new assets say of themselves, one each; `marked` are assets
    found not to conserve, with the rows of the blocks in which that showed.
    """
    batch = it.batch
    if batch.transaction_count > MOST_TRANSACTIONS:
        raise LedgerError("a batch holds too many transactions: let the source cut it smaller")
    if before.transactions + batch.transaction_count > int(NO_ACCOUNT):
        raise LedgerError("the ledger is full: transaction numbers end at 2^32 - 1")
    columns: dict[str, AnyArray] = {}
    columns |= _blocks(it, before, openings)
    columns |= _transactions(it, before)
    columns |= _movements(it, before)
    columns |= _events(it, before)
    columns |= _codes(it, before)
    columns["accounts/address"] = it.new_accounts
    columns |= _assets(it, before, claims)
    columns["marks/asset"] = np.array([asset for asset, _ in marked], np.uint32)
    columns["marks/block"] = np.array([block for _, block in marked], np.int64)
    on_disk = {
        column.path: columns[column.path].astype(
            np.dtype(column.dtype).newbyteorder("<"), copy=False
        )
        for column in ACCOUNT_SCHEMA
    }
    return NewAccountRows(
        columns=on_disk,
        before=before,
        rows=_after(before, on_disk),
        touches=touches_of(batch, it.numbers, it.assets, before.transactions),
        hash_keys=hash_keys(batch.tx_hash),
        address_keys=address_keys(it.new_accounts),
    )


def hash_keys(tx_hash: UInt8Array) -> Int64Array:
    """Return the index keys of transaction ids, shape (rows, 32)."""
    keys: Int64Array = np.ascontiguousarray(tx_hash[:, :8]).view("<i8").reshape(-1)
    return keys


def _after(before: Rows, columns: dict[str, AnyArray]) -> Rows:
    added = {column.table: len(columns[column.path]) for column in ACCOUNT_SCHEMA}
    return Rows(**{table: count + added[table] for table, count in before._asdict().items()})


def _owner(first: Int64Array, before: int) -> Int64Array:
    return owners(first) + before


def _blocks(it: NumberedBatch, before: Rows, openings: OpeningCoverage) -> dict[str, AnyArray]:
    batch = it.batch
    return {
        "blocks/height": batch.height,
        "blocks/block_hash": batch.block_hash,
        "blocks/parent_hash": batch.parent_hash,
        "blocks/time": batch.time,
        "blocks/fee_recipient": _taken(it.numbers, batch.fee_recipient),
        "blocks/first_transaction": batch.first_transaction[1:] + before.transactions,
        "blocks/first_account": before.accounts
        + np.searchsorted(it.new_blocks, np.arange(batch.block_count), side="right"),
        "blocks/calls": np.full(batch.block_count, batch.calls, np.uint8),
        "blocks/ordering": np.full(batch.block_count, batch.ordering, np.uint8),
        "blocks/openings": np.full(batch.block_count, openings, np.uint8),
    }


def _transactions(it: NumberedBatch, before: Rows) -> dict[str, AnyArray]:
    batch = it.batch
    same = ("tx_hash", "tx_kind", "succeeded", "nonce", "selector", "gas_used", "gas_price")
    return {f"transactions/{name}": getattr(batch, name) for name in same} | {
        "transactions/sender": _taken(it.numbers, batch.sender),
        "transactions/receiver": _taken(it.numbers, batch.receiver),
        "transactions/first_movement": batch.first_movement[1:] + before.movements,
        "transactions/first_event": batch.first_event[1:] + before.events,
        "transactions/first_code": batch.first_code[1:] + before.codes,
    }


def _movements(it: NumberedBatch, before: Rows) -> dict[str, AnyArray]:
    batch = it.batch
    amount: UInt64Array = batch.amount
    large = np.flatnonzero((amount[:, 2] | amount[:, 3]) != 0)
    return {
        "movements/transaction": _owner(batch.first_movement, before.transactions),
        "movements/kind": batch.kind,
        "movements/giver": _taken(it.numbers, batch.giver),
        "movements/receiver": _taken(it.numbers, batch.gets),
        "movements/asset": it.assets,
        "movements/log_index": batch.log_index,
        "movements/low": amount[:, 0],
        "movements/high": amount[:, 1],
        "large/movement": large + before.movements,
        "large/amount": amount[large],
        "token_ids/movement": batch.token_row + before.movements,
        "token_ids/token_id": batch.token_id,
    }


def _events(it: NumberedBatch, before: Rows) -> dict[str, AnyArray]:
    batch = it.batch
    return {
        "events/transaction": _owner(batch.first_event, before.transactions),
        "events/kind": batch.event_kind,
        "events/log_index": batch.event_log_index,
        "events/contract": _taken(it.numbers, batch.contract),
        "events/first": _taken(it.numbers, batch.first),
        "events/second": _taken(it.numbers, batch.second),
        "events/third": _taken(it.numbers, batch.third),
        "events/word": batch.word,
        "events/amount": batch.event_amount,
    }


def _codes(it: NumberedBatch, before: Rows) -> dict[str, AnyArray]:
    batch = it.batch
    return {
        "codes/transaction": _owner(batch.first_code, before.transactions),
        "codes/account": _taken(it.numbers, batch.code_account),
        "codes/creator": _taken(it.numbers, batch.code_creator),
        "codes/kind": batch.code_kind,
        "codes/code_hash": batch.code_hash,
        "codes/target": _taken(it.numbers, batch.code_target),
    }


_STANDARD_OF = np.full(256, MovementKind.TOKEN, np.uint8)
for _kind in (MovementKind.NFT, MovementKind.MULTI_TOKEN):
    _STANDARD_OF[_kind] = _kind


def _assets(it: NumberedBatch, before: Rows, claims: Sequence[AssetClaim]) -> dict[str, AnyArray]:
    symbols = [claim.symbol.encode(errors="replace") for claim in claims]
    names = [claim.name.encode(errors="replace") for claim in claims]
    texts = [symbol + name for symbol, name in zip(symbols, names, strict=True)]
    ends = np.cumsum([len(text) for text in texts], dtype=np.int64) + before.text
    lengths = np.array([len(name) for name in names], np.int64)
    return {
        "assets/contract": it.new_contracts,
        "assets/standard": _STANDARD_OF[it.batch.kind[it.new_asset_rows]],
        "assets/first_movement": it.new_asset_rows + before.movements,
        "assets/decimals": np.array([stated_decimals(claim) for claim in claims], np.int16),
        "assets/first_byte": ends,
        "assets/name_byte": ends - lengths,
        "text/content": np.frombuffer(b"".join(texts), np.uint8),
    }


def stated_decimals(claim: AssetClaim) -> int:
    """Return the digits after the point that a contract states, where they can be meant."""
    if claim.decimals is None or not 0 <= claim.decimals <= MOST_DECIMALS:
        return UNKNOWN_DECIMALS
    return claim.decimals
