"""Mapping the files of an account ledger into a view."""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import NamedTuple, overload

import numpy as np

from arien_flows.account_ledger.columns import (
    NATIVE,
    AccountTransactionColumns,
    AssetColumns,
    BlockColumns,
    CodeColumns,
    EventColumns,
    LedgerMovementColumns,
)
from arien_flows.account_ledger.known_accounts import address_keys, candidates
from arien_flows.account_ledger.manifest import AccountManifest
from arien_flows.account_ledger.rows import KnownAssets, hash_keys
from arien_flows.account_ledger.schema import ACCOUNT_SCHEMA, UNKNOWN_DECIMALS
from arien_flows.account_ledger.touches import CODED, NAMED, TOLD, TouchIndex, ranges
from arien_flows.account_ledger.view import AccountCounts, AccountTotals, AccountView, AssetFacts
from arien_flows.ledger.files import map_array, map_key_run
from arien_flows.ledger.sorted_runs import KeyRun
from chains.ethereum.networks import EthereumNetwork
from chains.ethereum.tables import NO_ACCOUNT, MovementKind
from chains.ethereum.tokens import listed
from chains.networks import any_network
from chains.types import AnyArray, Int64Array, UInt8Array, UInt32Array, UInt64Array
from heuristics.wide import LIMBS

_HALF = np.uint64(32)
_MASK = np.uint64(0xFFFF_FFFF)


@dataclass(frozen=True)
class DiskAmounts:
    """Amounts in two words, and the table of those that need four."""

    low: UInt64Array
    high: UInt64Array
    large_movement: Int64Array
    large_amount: UInt64Array

    def of(self, rows: Int64Array | slice) -> UInt64Array:
        """Return amounts in base units, shape (rows, 4)."""
        low, high = self.low[rows], self.high[rows]
        column = np.zeros((len(low), LIMBS), np.uint64)
        column[:, 0], column[:, 1] = low, high
        if len(self.large_movement):
            numbers = np.arange(len(self.low))[rows] if isinstance(rows, slice) else rows
            place = np.minimum(
                np.searchsorted(self.large_movement, numbers), len(self.large_movement) - 1
            )
            large = self.large_movement[place] == numbers
            column[large] = self.large_amount[place[large]]
        return column


@dataclass(frozen=True)
class DiskTokenIds:
    """Token ids of the movements that name one."""

    movement: Int64Array
    token_id: UInt64Array

    def of(self, movement: int) -> int | None:
        """Return the token id of a movement; nothing where it names none."""
        place = int(np.searchsorted(self.movement, movement))
        if place == len(self.movement) or int(self.movement[place]) != movement:
            return None
        low, second, third, high = self.token_id[place].tolist()
        return int(low | second << 64 | third << 128 | high << 192)


def total_of(amounts: UInt64Array) -> int:
    """Return the exact sum of amounts; half limbs are summed, so that 2**32 rows fit."""
    total = 0
    for limb in range(LIMBS):
        part = amounts[:, limb]
        low = int((part & _MASK).sum(dtype=np.uint64))
        high = int((part >> _HALF).sum(dtype=np.uint64))
        total += (low + (high << 32)) << (64 * limb)
    return total


@dataclass(frozen=True)
class DiskIndex:
    """Finds rows by the sorted runs; see `touches`."""

    counts: AccountCounts
    addresses: UInt8Array
    transactions: AccountTransactionColumns
    movements: LedgerMovementColumns
    events: EventColumns
    codes: CodeColumns
    assets: AssetColumns
    amounts: DiskAmounts
    transaction_runs: Sequence[KeyRun]
    address_runs: Sequence[KeyRun]
    touches: TouchIndex

    def find_account(self, address: bytes) -> int | None:
        """Return the number of an address of 20 bytes."""
        if not any(address):
            return 0
        row = np.frombuffer(address, np.uint8).reshape(1, -1)
        key = int(address_keys(row)[0])
        for number in candidates(key, self.address_runs, self.counts.accounts):
            if self.addresses[number].tobytes() == address:
                return number
        return None

    def find_transaction(self, tx_hash: bytes) -> int | None:
        """Return the first row of that id."""
        key = int(hash_keys(np.frombuffer(tx_hash, np.uint8).reshape(1, -1))[0])
        for row in candidates(key, self.transaction_runs, self.counts.transactions):
            if self.transactions.tx_hash[row].tobytes() == tx_hash:
                return row
        return None

    def find_asset(self, contract: int) -> int | None:
        """Return the asset whose contract is that account."""
        found = int(self._assets.find(np.array([contract], np.uint32))[0])
        return None if found == int(NO_ACCOUNT) else found

    def movements_of(self, account: int, asset: int | None) -> Int64Array:
        """Return movements that an account gave or received, of one asset or of all."""
        if asset is None:
            transactions = self.touches.of_assets(account)
        else:
            transactions = self.touches.of_topic(account, asset)
        rows = self._children(self.transactions.first_movement, transactions)
        moved = self.movements
        touches = (moved.giver[rows] == account) | (moved.receiver[rows] == account)
        if asset is not None:
            touches &= moved.asset[rows] == asset
        found: Int64Array = rows[touches]
        return found

    def assets_of(self, account: int) -> UInt32Array:
        """Return assets that an account ever gave or received."""
        return self.touches.assets(account)

    def has_moved(self, account: int, asset: int) -> bool:
        """Return whether an account ever gave or received an asset."""
        return self.touches.has(account, asset)

    def transactions_of(self, account: int) -> Int64Array:
        """Return transactions that an account sent, was sent to, or has a movement in."""
        moved = self.touches.of_assets(account)
        return np.union1d(moved, self.touches.of_topic(account, NAMED))

    def events_of(self, account: int) -> Int64Array:
        """Return events that name an account, as contract or otherwise."""
        transactions = self.touches.of_topic(account, TOLD)
        rows = self._children(self.transactions.first_event, transactions)
        it = self.events
        touches = np.zeros(len(rows), np.bool_)
        for column in (it.contract, it.first, it.second, it.third):
            touches |= column[rows] == account
        found: Int64Array = rows[touches]
        return found

    def codes_of(self, account: int) -> Int64Array:
        """Return the rows of code that was put at an account."""
        transactions = self.touches.of_topic(account, CODED)
        rows = self._children(self.transactions.first_code, transactions)
        found: Int64Array = rows[self.codes.account[rows] == account]
        return found

    def totals(self, account: int, asset: int) -> AccountTotals:
        """Return what an account did with an asset."""
        rows = self.movements_of(account, asset)
        amounts = self.amounts.of(rows)
        return AccountTotals(
            movements=len(rows),
            received=total_of(amounts[self.movements.receiver[rows] == account]),
            sent=total_of(amounts[self.movements.giver[rows] == account]),
            first_movement=int(rows[0]) if len(rows) else -1,
            last_movement=int(rows[-1]) if len(rows) else -1,
        )

    @staticmethod
    def _children(first: Int64Array, transactions: Int64Array) -> Int64Array:
        return ranges(first[transactions], first[transactions + 1])

    @cached_property
    def _assets(self) -> KnownAssets:
        return KnownAssets(self.assets.contract)


class StatedAsset(NamedTuple):
    """A token as its contract states it, whatever the program's own list says."""

    contract: int
    """Account."""

    first_movement: int
    symbol: str
    name: str
    decimals: int | None
    marked: int | None
    """Row of the block in which its transfers were found not to tell its balances."""


class DiskAssetFacts(Sequence[AssetFacts]):
    """What is known of assets, read when it is asked for: there may be millions."""

    def __init__(
        self,
        network: EthereumNetwork,
        columns: dict[str, AnyArray],
        addresses: UInt8Array,
    ) -> None:
        self._network, self._columns, self._addresses = network, columns, addresses
        marks = zip(columns["marks/asset"].tolist(), columns["marks/block"].tolist(), strict=True)
        self._marked = dict(reversed([*marks]))

    def __len__(self) -> int:
        return len(self._columns["assets/contract"])

    @overload
    def __getitem__(self, number: int) -> AssetFacts: ...

    @overload
    def __getitem__(self, number: slice) -> list[AssetFacts]: ...

    def __getitem__(self, number: int | slice) -> AssetFacts | list[AssetFacts]:
        if isinstance(number, slice):
            return [self[each] for each in range(*number.indices(len(self)))]
        place = int(number)
        if not 0 <= place < len(self):
            raise IndexError(f"there is no asset {number}")
        return self._coin() if place == NATIVE else self._token(place)

    def stated(self, first: int, last: int) -> list[StatedAsset]:
        """Return the tokens whose first movement is one of `[first, last)`."""
        it = self._columns
        start, stop = np.searchsorted(it["assets/first_movement"], [first, last]).tolist()
        return [self._stated(number) for number in range(max(start, 1), stop)]

    def _stated(self, number: int) -> StatedAsset:
        it, (symbol, name) = self._columns, self._texts(number)
        decimals = int(it["assets/decimals"][number])
        return StatedAsset(
            contract=int(it["assets/contract"][number]),
            first_movement=int(it["assets/first_movement"][number]),
            symbol=symbol,
            name=name,
            decimals=None if decimals == UNKNOWN_DECIMALS else decimals,
            marked=self._marked.get(number),
        )

    def _coin(self) -> AssetFacts:
        coin = self._network.coin
        return AssetFacts(
            number=NATIVE, contract=None, standard=MovementKind.CALL, symbol=coin, name=coin,
            decimals=18, is_listed=True,
        )  # fmt: skip

    def _token(self, number: int) -> AssetFacts:
        it = self._columns
        stated = self._stated(number)
        contract = self._addresses[stated.contract].tobytes()
        said = listed(contract, self._network.chain_id)
        return AssetFacts(
            number=number,
            contract=contract,
            standard=MovementKind(int(it["assets/standard"][number])),
            symbol=said.symbol if said else stated.symbol,
            name=said.name if said else stated.name,
            decimals=said.decimals if said else stated.decimals,
            is_listed=said is not None,
            is_conserving=number not in self._marked and (said is None or said.is_conserving),
        )

    def _texts(self, number: int) -> tuple[str, str]:
        start, stop = self._columns["assets/first_byte"][number : number + 2].tolist()
        middle = int(self._columns["assets/name_byte"][number])
        content = self._columns["text/content"]
        symbol, name = content[start:middle].tobytes(), content[middle:stop].tobytes()
        return symbol.decode(errors="replace"), name.decode(errors="replace")


def open_account_view(root: Path, manifest: AccountManifest) -> AccountView:
    """Return what the manifest describes; `FileNotFoundError` where a run is already replaced."""
    columns = mapped_columns(root, manifest)
    named = any_network(manifest.network)
    assert isinstance(named, EthereumNetwork)  # noqa: S101 - the writer takes no other
    movements = LedgerMovementColumns(*_part(columns, "movements", LedgerMovementColumns._fields))
    transactions = AccountTransactionColumns(
        *_part(columns, "transactions", AccountTransactionColumns._fields)
    )
    events = EventColumns(*_part(columns, "events", EventColumns._fields))
    codes = CodeColumns(*_part(columns, "codes", CodeColumns._fields))
    assets = AssetColumns(*_part(columns, "assets", AssetColumns._fields))
    rows, addresses = manifest.rows, columns["accounts/address"]
    counts = AccountCounts(**{name: getattr(rows, name) for name in AccountCounts._fields})
    amounts = DiskAmounts(
        columns["movements/low"],
        columns["movements/high"],
        columns["large/movement"],
        columns["large/amount"],
    )
    runs = mapped_runs(root, manifest)
    index = DiskIndex(
        counts, addresses, transactions, movements, events, codes, assets, amounts,
        runs["transactions"], runs["addresses"],
        TouchIndex(runs["touches"], counts.transactions),
    )  # fmt: skip
    return AccountView(
        network=named,
        counts=counts,
        generation=manifest.generation,
        blocks=BlockColumns(*_part(columns, "blocks", BlockColumns._fields)),
        transactions=transactions,
        movements=movements,
        events=events,
        codes=codes,
        assets=assets,
        addresses=addresses,
        amounts=amounts,
        token_ids=DiskTokenIds(columns["token_ids/movement"], columns["token_ids/token_id"]),
        index=index,
        asset_facts=DiskAssetFacts(named, columns, addresses),
    )


def mapped_columns(root: Path, manifest: AccountManifest) -> dict[str, AnyArray]:
    """Return the columns that a manifest describes, by their paths."""
    columns = {}
    for column in ACCOUNT_SCHEMA:
        array = map_array(root / column.path, column.dtype, column.elements(manifest.rows))
        columns[column.path] = array.reshape(-1, column.width) if column.width > 1 else array
    return columns


def mapped_runs(root: Path, manifest: AccountManifest) -> dict[str, list[KeyRun]]:
    """Return the runs that a manifest names, family by family."""
    return {
        family: [map_key_run(root, family, run) for run in getattr(manifest.runs, family)]
        for family in ("transactions", "addresses", "touches")
    }


def _part(columns: dict[str, AnyArray], table: str, names: Sequence[str]) -> list[AnyArray]:
    return [columns[f"{table}/{name}"] for name in names]
