"""An account ledger in memory: for what was fetched account by account, and for tests."""

from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np

from arien_flows.account_ledger.columns import (
    AccountTransactionColumns,
    AssetColumns,
    BlockColumns,
    CodeColumns,
    EventColumns,
    LedgerMovementColumns,
)
from arien_flows.account_ledger.numbering import appearance
from arien_flows.account_ledger.view import (
    AccountCounts,
    AccountTotals,
    AccountView,
    AssetFacts,
)
from chains.ethereum.networks import EthereumNetwork
from chains.ethereum.tables import (
    NO_ACCOUNT,
    NULL_ADDRESS,
    AccountBatch,
    MovementKind,
    OpeningCoverage,
)
from chains.types import AnyArray, BoolArray, Int64Array, UInt32Array, UInt64Array
from heuristics.wide import to_ints

_STANDARD_OF = {
    MovementKind.NFT: MovementKind.NFT,
    MovementKind.MULTI_TOKEN: MovementKind.MULTI_TOKEN,
}


@dataclass(frozen=True)
class _Amounts:
    column: UInt64Array

    def of(self, rows: Int64Array | slice) -> UInt64Array:
        return self.column[rows]


@dataclass(frozen=True)
class _TokenIds:
    by_movement: dict[int, int]

    def of(self, movement: int) -> int | None:
        return self.by_movement.get(movement)


@dataclass(frozen=True)
class _MemoryIndex:
    """Finds rows by looking at all of them."""

    accounts: dict[bytes, int]
    transactions: AccountTransactionColumns
    movements: LedgerMovementColumns
    amount: UInt64Array
    events: EventColumns
    codes: CodeColumns
    contracts: dict[int, int]

    def find_account(self, address: bytes) -> int | None:
        return self.accounts.get(address)

    def find_transaction(self, tx_hash: bytes) -> int | None:
        return self._by_hash.get(tx_hash)

    def find_asset(self, contract: int) -> int | None:
        return self.contracts.get(contract)

    def movements_of(self, account: int, asset: int | None) -> Int64Array:
        touches = (self.movements.giver == account) | (self.movements.receiver == account)
        if asset is not None:
            touches &= self.movements.asset == asset
        return np.flatnonzero(touches)

    def assets_of(self, account: int) -> UInt32Array:
        return np.unique(self.movements.asset[self.movements_of(account, None)])

    def has_moved(self, account: int, asset: int) -> bool:
        return bool(len(self.movements_of(account, asset)))

    def transactions_of(self, account: int) -> Int64Array:
        named = (self.transactions.sender == account) | (self.transactions.receiver == account)
        moved = self.movements.transaction[self.movements_of(account, None)]
        return np.union1d(np.flatnonzero(named), moved.astype(np.int64))

    def events_of(self, account: int) -> Int64Array:
        it = self.events
        columns = (it.contract, it.first, it.second, it.third)
        touches: BoolArray = np.logical_or.reduce([column == account for column in columns])
        return np.flatnonzero(touches)

    def codes_of(self, account: int) -> Int64Array:
        return np.flatnonzero(self.codes.account == account)

    def totals(self, account: int, asset: int) -> AccountTotals:
        rows = self.movements_of(account, asset)
        moved, amounts = self.movements, self.amount[rows]
        return AccountTotals(
            len(rows),
            sum(to_ints(amounts[moved.receiver[rows] == account])),
            sum(to_ints(amounts[moved.giver[rows] == account])),
            int(rows[0]) if len(rows) else -1,
            int(rows[-1]) if len(rows) else -1,
        )

    @cached_property
    def _by_hash(self) -> dict[bytes, int]:
        rows = range(len(self.transactions.tx_kind) - 1, -1, -1)
        return {self.transactions.tx_hash[row].tobytes(): row for row in rows}


def account_view_of(
    batches: Iterable[AccountBatch], network: EthereumNetwork, known: Sequence[AssetFacts] = ()
) -> AccountView:
    """Return a view of batches that stand in chain order.

    `known` says what is known of tokens by contract; their numbers are ignored.
    """
    return _Joining(network, known).view(list(batches))


class _Joining:
    """Joins batches: every account gets one number, in order of first appearance."""

    def __init__(self, network: EthereumNetwork, known: Sequence[AssetFacts]) -> None:
        self._network = network
        self._known = {facts.contract: facts for facts in known}
        self._accounts: dict[bytes, int] = {NULL_ADDRESS: 0}
        self._assets: dict[int, int] = {int(NO_ACCOUNT): 0}
        self._standards = [MovementKind.CALL]
        self._parts: dict[str, list[AnyArray]] = defaultdict(list)
        self._counts: dict[str, int] = defaultdict(int)
        self._token_ids: dict[int, int] = {}
        self._openings = OpeningCoverage.KNOWN

    def view(self, batches: list[AccountBatch]) -> AccountView:
        for batch in batches:
            self._take(batch)
        part = self._column
        movements = LedgerMovementColumns(*(part(f"m.{n}") for n in LedgerMovementColumns._fields))
        events = EventColumns(*(part(f"e.{name}") for name in EventColumns._fields))
        codes = CodeColumns(*(part(f"c.{name}") for name in CodeColumns._fields))
        transactions = AccountTransactionColumns(
            *(part(f"t.{name}") for name in AccountTransactionColumns._fields)
        )
        amount = part("amount")
        contract = np.array(list(self._assets), np.uint32)
        addresses = [*self._accounts]
        contracts = [addresses[account] for account in [*self._assets][1:]]
        index = _MemoryIndex(
            self._accounts, transactions, movements, amount, events, codes, self._assets
        )
        return AccountView(
            network=self._network,
            counts=AccountCounts(
                blocks=len(part("b.height")),
                transactions=len(transactions.tx_kind),
                movements=len(movements.kind),
                events=len(events.kind),
                codes=len(codes.kind),
                accounts=len(self._accounts),
                assets=len(self._assets),
            ),
            generation=0,
            blocks=BlockColumns(*(part(f"b.{name}") for name in BlockColumns._fields)),
            transactions=transactions,
            movements=movements,
            events=events,
            codes=codes,
            assets=AssetColumns(contract, np.array(self._standards, np.uint8)),
            addresses=np.frombuffer(b"".join(self._accounts), np.uint8).reshape(-1, 20),
            amounts=_Amounts(amount),
            token_ids=_TokenIds(self._token_ids),
            index=index,
            asset_facts=[
                self._coin(),
                *(self._token(number, each) for number, each in enumerate(contracts, 1)),
            ],
        )

    def _take(self, batch: AccountBatch) -> None:
        numbers = np.empty(len(batch.address), np.uint32)
        for place in appearance(batch).place.tolist():
            raw = batch.address[place].tobytes()
            numbers[place] = self._accounts.setdefault(raw, len(self._accounts))
        before = dict(self._counts)

        def account(column: UInt32Array) -> UInt32Array:
            none = column == NO_ACCOUNT
            if not len(numbers):
                return column
            found: UInt32Array = np.where(none, NO_ACCOUNT, numbers[np.where(none, 0, column)])
            return found.astype(np.uint32)

        def owner(first: Int64Array) -> UInt32Array:
            rows = np.repeat(np.arange(batch.transaction_count), np.diff(first))
            return (rows + before.get("t", 0)).astype(np.uint32)

        add = self._parts
        add["b.height"].append(batch.height)
        add["b.block_hash"].append(batch.block_hash)
        add["b.parent_hash"].append(batch.parent_hash)
        add["b.time"].append(batch.time)
        add["b.fee_recipient"].append(account(batch.fee_recipient))
        add["b.first_transaction"].append(batch.first_transaction[:-1] + before.get("t", 0))
        add["b.calls"].append(np.full(batch.block_count, batch.calls, np.uint8))
        add["b.ordering"].append(np.full(batch.block_count, batch.ordering, np.uint8))
        if not before and batch.block_count and int(batch.height[0]):
            self._openings = OpeningCoverage.MISSING
        add["b.openings"].append(np.full(batch.block_count, self._openings, np.uint8))
        for name in ("tx_hash", "tx_kind", "succeeded", "nonce", "selector"):
            add[f"t.{name}"].append(getattr(batch, name))
        for name in ("gas_used", "gas_price"):
            add[f"t.{name}"].append(getattr(batch, name))
        add["t.sender"].append(account(batch.sender))
        add["t.receiver"].append(account(batch.receiver))
        add["t.first_movement"].append(batch.first_movement[:-1] + before.get("m", 0))
        add["t.first_event"].append(batch.first_event[:-1] + before.get("e", 0))
        add["t.first_code"].append(batch.first_code[:-1] + before.get("c", 0))
        add["m.transaction"].append(owner(batch.first_movement))
        add["m.kind"].append(batch.kind)
        add["m.giver"].append(account(batch.giver))
        add["m.receiver"].append(account(batch.gets))
        add["m.asset"].append(self._asset_numbers(account(batch.asset), batch.kind))
        add["m.log_index"].append(batch.log_index)
        add["amount"].append(batch.amount)
        add["e.transaction"].append(owner(batch.first_event))
        add["e.kind"].append(batch.event_kind)
        add["e.log_index"].append(batch.event_log_index)
        for name in ("contract", "first", "second", "third"):
            add[f"e.{name}"].append(account(getattr(batch, name)))
        add["e.word"].append(batch.word)
        add["e.amount"].append(batch.event_amount)
        add["c.transaction"].append(owner(batch.first_code))
        add["c.account"].append(account(batch.code_account))
        add["c.creator"].append(account(batch.code_creator))
        add["c.kind"].append(batch.code_kind)
        add["c.code_hash"].append(batch.code_hash)
        add["c.target"].append(account(batch.code_target))
        for row, number in zip(batch.token_row.tolist(), to_ints(batch.token_id), strict=True):
            self._token_ids[row + before.get("m", 0)] = number
        for name, rows in (
            ("t", batch.transaction_count),
            ("m", len(batch.kind)),
            ("e", len(batch.event_kind)),
            ("c", len(batch.code_kind)),
        ):
            self._counts[name] += rows

    def _asset_numbers(self, contract: UInt32Array, kind: AnyArray) -> UInt32Array:
        found = np.empty(len(contract), np.uint32)
        for row, (account, moved) in enumerate(zip(contract.tolist(), kind.tolist(), strict=True)):
            if account not in self._assets:
                self._assets[account] = len(self._assets)
                self._standards.append(_STANDARD_OF.get(MovementKind(moved), MovementKind.TOKEN))
            found[row] = self._assets[account]
        return found

    def _column(self, name: str) -> AnyArray:
        column = np.concatenate(self._parts[name])
        ends = {"b.first_transaction": "t", "t.first_movement": "m"}
        ends |= {"t.first_event": "e", "t.first_code": "c"}
        if name in ends:
            column = np.append(column, self._counts[ends[name]])
        column.flags.writeable = False
        return column

    def _coin(self) -> AssetFacts:
        coin = self._network.coin
        return AssetFacts(
            number=0, contract=None, standard=MovementKind.CALL, symbol=coin, name=coin,
            decimals=18, is_listed=True,
        )  # fmt: skip

    def _token(self, number: int, contract: bytes) -> AssetFacts:
        said = self._known.get(contract)
        return AssetFacts(
            number=number,
            contract=contract,
            standard=self._standards[number],
            symbol=said.symbol if said else "",
            name=said.name if said else "",
            decimals=said.decimals if said else None,
            is_listed=said.is_listed if said else False,
            is_conserving=said.is_conserving if said else True,
        )
