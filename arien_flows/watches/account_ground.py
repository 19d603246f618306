"""What moves watched accounts and entities on a network of accounts.

As for coins, new blocks are looked through once for all watches. Dust and poison, which histories
leave out too (`account_ledger.dust`), alert nobody: else any stranger could, at will. What moved
outside any transaction (withdrawals, rewards) is named by the hash of its block.
"""

from collections.abc import Iterator, Sequence
from datetime import datetime

import numpy as np

from arien_flows.account_ledger.columns import NATIVE
from arien_flows.account_ledger.dust import hidden_rows
from arien_flows.account_workspace import AccountReading
from arien_flows.answers.account_facts import Shapes, time_of_block
from arien_flows.answers.watch_shapes import AlertDetail, Counterpart, Moved
from arien_flows.attribution.ownership import roots_of
from arien_flows.casebook.watch_records import Found, MoveDirection, Watch
from arien_flows.watches.ground import (
    MOST_COUNTERPARTS,
    Standing,
    by_key,
    counts,
    found_at,
    is_in_time,
    largest,
    net_direction,
    said,
)
from chains.ethereum.tables import NO_ACCOUNT
from chains.types import Int64Array
from heuristics.wide import to_ints

_Sums = dict[int, tuple[int, int]]
"""What a subject received and sent, by asset."""


class AccountGround:
    """A reading of a ledger of accounts, for watches of addresses or of entities."""

    def __init__(self, reading: AccountReading, *, of_entities: bool) -> None:
        self._reading = reading
        self._view = reading.view
        self._of_entities = of_entities
        self._shapes = Shapes(reading.view)
        self._named: dict[int, tuple[str | None, str | None]] = {}

    # --- the chain

    @property
    def first_height(self) -> int:
        """The first block that the ledger holds."""
        return int(self._view.blocks.height[0]) if self._view.counts.blocks else 0

    @property
    def top(self) -> int:
        """The last one; below the first where there is none."""
        return self.first_height + self._view.counts.blocks - 1

    @property
    def clustering(self) -> str | None:
        """The run that entities are taken from; nothing where there is none."""
        made = self._reading.clustering
        return None if made is None else made.identity

    @property
    def clustered_height(self) -> int | None:
        """The last block that this run knew."""
        made = self._reading.clustering
        return None if made is None else made.height

    def hash_at(self, height: int) -> str | None:
        """Return the hash of a block; nothing for one that the ledger does not hold."""
        row = height - self.first_height
        if not 0 <= row < self._view.counts.blocks:
            return None
        return "0x" + str(self._view.blocks.block_hash[row].tobytes().hex())

    def time_at(self, height: int) -> datetime:
        """Return the time that the header of a block states."""
        return time_of_block(self._view, height - self.first_height)

    def holds(self, txid: str) -> bool:  # noqa: ARG002 the same for all
        """Return that nothing is known: in another block a transaction may move something else."""
        return False

    # --- what moved

    def news(self, watches: Sequence[Watch], first: int, last: int) -> Iterator[Found]:
        """Yield what moves watched subjects in blocks `first` to `last`."""
        watched = by_key(watches, self._keys(watches))
        begin, stop = self._movements(first, last)
        rows = np.arange(begin, stop, dtype=np.int64)
        wanted = np.array(list(watched), np.int64)
        givers, receivers = self._sides(rows)
        touched = np.unique(np.concatenate([givers, receivers]))
        for key in touched[np.isin(touched, wanted)].tolist():
            mine = rows[(givers == key) | (receivers == key)]
            yield from self._found(watched[key], key, mine)

    def past(self, watch: Watch, first: int, last: int) -> Iterator[Found]:
        """Yield what moved one subject in blocks `first` to `last`."""
        key = self._keys([watch]).get(watch.subject)
        if key is None:
            return
        begin, stop = self._movements(first, last)
        yield from self._found([watch], key, self._rows_of(key, begin, stop))

    def transactions_since(self, subject: str, height: int) -> int:
        """Return how many movements touch a subject from a height on."""
        number = self._number(subject)
        if number is None:
            return 0
        key = self._reading.entities.root_of(number) if self._of_entities else number
        begin, stop = self._movements(height, self.top)
        return len(self._rows_of(key, begin, stop))

    def _rows_of(self, key: int, begin: int, stop: int) -> Int64Array:
        members = self._reading.entities.members(key).tolist() if self._of_entities else [key]
        every = [self._view.index.movements_of(int(each), None) for each in members]
        rows = np.unique(np.concatenate(every))
        return rows[(rows >= begin) & (rows < stop)]

    def _movements(self, first: int, last: int) -> tuple[int, int]:
        """Return the movements `[begin, stop)` of blocks `first` to `last`."""
        blocks = self._view.counts.blocks
        row = min(max(first - self.first_height, 0), blocks)
        past = min(max(last - self.first_height + 1, 0), blocks)
        transactions = self._view.blocks.first_transaction[[row, past]]
        begin, stop = self._view.transactions.first_movement[transactions].tolist()
        return int(begin), int(stop)

    def _sides(self, rows: Int64Array) -> tuple[Int64Array, Int64Array]:
        """Return who gave and who received, as what watches are of; -1 for nobody."""
        moved = self._view.movements
        found = []
        for column in (moved.giver[rows], moved.receiver[rows]):
            numbers = column.astype(np.int64)
            nobody = numbers == NO_ACCOUNT
            keys = roots_of(self._reading.entities, numbers) if self._of_entities else numbers
            found.append(np.where(nobody, -1, keys))
        return found[0], found[1]

    def _keys(self, watches: Sequence[Watch]) -> dict[str, int]:
        """Return the number of each subject that the ledger knows, or its entity's root."""
        found = {watch.subject: self._number(watch.subject) for watch in watches}
        entities = self._reading.entities
        return {
            text: entities.root_of(number) if self._of_entities else number
            for text, number in found.items()
            if number is not None
        }

    def _number(self, subject: str) -> int | None:
        number = self._view.index.find_account(bytes.fromhex(subject[2:]))
        return None if number is None or number >= self._view.counts.accounts else number

    def _found(self, watches: Sequence[Watch], key: int, rows: Int64Array) -> Iterator[Found]:
        rows = rows[~hidden_rows(self._view, rows)] if len(rows) else rows
        transactions = self._view.movements.transaction[rows].astype(np.int64)
        for transaction in np.unique(transactions).tolist():
            mine = rows[transactions == transaction]
            sums = self._sums(key, mine)
            at = self._standing(transaction)
            for watch in watches:
                direction = self._direction(watch, sums)
                if direction is not None and is_in_time(watch, at):
                    detail = self._detail(watch, mine, key, direction, sums)
                    number = self._number(watch.subject)
                    own = not self._of_entities or self._touches(number, mine)
                    yield found_at(watch, at, direction, detail, is_fact=own)

    def _touches(self, number: int | None, rows: Int64Array) -> bool:
        moved = self._view.movements
        return bool(((moved.giver[rows] == number) | (moved.receiver[rows] == number)).any())

    def _sums(self, key: int, rows: Int64Array) -> _Sums:
        givers, receivers = self._sides(rows)
        assets = self._view.movements.asset[rows].tolist()
        sums: _Sums = {}
        for asset, giver, receiver, amount in zip(
            assets,
            givers.tolist(),
            receivers.tolist(),
            to_ints(self._view.amounts.of(rows)),
            strict=True,
        ):
            received, sent = sums.get(asset, (0, 0))
            gained = amount if receiver == key else 0
            lost = amount if giver == key else 0
            sums[asset] = received + gained, sent + lost
        return sums

    def _direction(self, watch: Watch, sums: _Sums) -> MoveDirection | None:
        """Return which way what a watch is about went; nothing where it is about something else.

        Where several assets count, it went out if any did: tokens may come in unasked.
        """
        found = {
            net_direction(received, sent)
            for asset, (received, sent) in sums.items()
            if self._is_meant(watch, asset)
            and counts(watch, net_direction(received, sent), abs(received - sent))
        }
        if not found:
            return None
        return "out" if "out" in found else "in"

    def _is_meant(self, watch: Watch, asset: int) -> bool:
        if watch.asset is None:
            return True
        contract = self._shapes.of(asset).contract
        named = self._shapes.of(NATIVE).name if contract is None else contract
        return named.lower() == watch.asset.lower()

    def _standing(self, transaction: int) -> Standing:
        block = int(self._view.blocks_of(np.array([transaction], np.int64))[0])
        height = int(self._view.blocks.height[block])
        return Standing(
            txid=self._view.transaction_text(transaction),
            height=height,
            block_hash=self.hash_at(height) or "",
            time=time_of_block(self._view, block),
        )

    # --- who was on the other side

    def _detail(
        self,
        watch: Watch,
        rows: Int64Array,
        key: int,
        direction: MoveDirection,
        sums: _Sums,
    ) -> AlertDetail:
        meant = [asset for asset in sorted(sums) if self._is_meant(watch, asset)]
        others = self._others(rows, key, direction, meant)
        return AlertDetail(
            moved=tuple(self._moved(asset, *sums[asset]) for asset in meant),
            counterparts=largest(
                [self._counterpart(*item) for item in list(others.items())[:MOST_COUNTERPARTS]]
            ),
            counterpart_count=len({account for account, _ in others}),
            clustering=self.clustering,
            as_of_height=self.top,
        )

    def _moved(self, asset: int, received: int, sent: int) -> Moved:
        shape = self._shapes.of(asset)
        return Moved(
            asset=shape.name,
            contract=shape.contract,
            decimals=shape.decimals,
            received=str(received),
            sent=str(sent),
        )

    def _others(
        self, rows: Int64Array, key: int, direction: MoveDirection, assets: Sequence[int]
    ) -> dict[tuple[int, int], int]:
        """Return by account and asset what others paid the subject, or were paid by it."""
        moved = self._view.movements
        givers, receivers = self._sides(rows)
        own, other = (receivers, moved.giver) if direction == "in" else (givers, moved.receiver)
        found: dict[tuple[int, int], int] = {}
        for mine, account, asset, amount in zip(
            (own == key).tolist(),
            other[rows].tolist(),
            moved.asset[rows].tolist(),
            to_ints(self._view.amounts.of(rows)),
            strict=True,
        ):
            if not mine or account == NO_ACCOUNT or asset not in assets:
                continue
            if (self._reading.entities.root_of(account) if self._of_entities else account) == key:
                continue
            found[account, asset] = found.get((account, asset), 0) + amount
        shown = sorted(found.items(), key=lambda item: (-item[1], item[0]))
        return dict(shown)

    def _counterpart(self, place: tuple[int, int], value: int) -> Counterpart:
        account, asset = place
        if account not in self._named:
            tags = self._reading.tags.tags_of(account, 1)
            self._named[account] = said(tags, self._view.tip.time.date())
        label, category = self._named[account]
        made = self._reading.clustering
        return Counterpart(
            address=self._view.account_text(account),
            value=str(value),
            asset=self._shapes.of(asset).name,
            entity=None if made is None else self._view.account_text(made.root_of(account)),
            label=label,
            category=category,
        )
