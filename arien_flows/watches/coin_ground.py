"""What moves watched addresses and entities on a network of coins.

New blocks are looked through once for all watches: their inputs and outputs name every address
that they touch. What a touched subject did is then read from its own history. A look into the past
of one subject reads its history only, whatever the blocks hold besides.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import lru_cache

import numpy as np

from arien_flows.amounts import asset_of
from arien_flows.answers.facts import block_of, block_time
from arien_flows.answers.watch_shapes import AlertDetail, Counterpart, Moved
from arien_flows.attribution.ownership import roots_of
from arien_flows.casebook.watch_records import Found, MoveDirection, Watch
from arien_flows.errors import NotFoundError
from arien_flows.ledger.beginning import first_height, row_of
from arien_flows.ledger.numbering import Locks
from arien_flows.ledger.schema import NO_ADDRESS
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
from arien_flows.workspace import Reading
from chains.bitcoin.address import parse_address
from chains.bitcoin.networks import network
from chains.tables import ScriptType
from chains.types import Int64Array


@dataclass(frozen=True, slots=True, kw_only=True)
class _Moves:
    """What transactions did with the addresses of one subject together."""

    transaction: Int64Array
    received_sat: Int64Array
    sent_sat: Int64Array


class CoinGround:
    """A reading of a ledger of coins, for watches of addresses or of entities."""

    def __init__(self, reading: Reading, *, of_entities: bool) -> None:
        self._reading = reading
        self._view = reading.view
        self._of_entities = of_entities
        self._asset = asset_of(reading.view.network.name)
        self._named: dict[int, tuple[str | None, str | None]] = {}

    # --- the chain

    @property
    def first_height(self) -> int:
        """The first block that the ledger holds."""
        return first_height(self._view)

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
        return None if made is None else made.manifest.height

    def hash_at(self, height: int) -> str | None:
        """Return the hash of a block; nothing for one that the ledger does not hold."""
        row = row_of(self._view, height)
        return str(self._view.block_hash(row)) if 0 <= row < self._view.counts.blocks else None

    def time_at(self, height: int) -> datetime:
        """Return the time that the header of a block states."""
        return block_time(self._view, row_of(self._view, height))

    def holds(self, txid: str) -> bool:
        """Tell whether a transaction stands in the ledger; wherever it does, it moves the same."""
        try:
            self._view.find_transaction(txid)
        except NotFoundError:
            return False
        return True

    # --- what moved

    def news(self, watches: Sequence[Watch], first: int, last: int) -> Iterator[Found]:
        """Yield what moves watched subjects in blocks `first` to `last`."""
        watched = by_key(watches, self._keys(watches))
        begin, stop = self._transactions(first, last)
        touched = self._touched(begin, stop)
        keys = roots_of(self._reading.entities, touched) if self._of_entities else touched
        hit = np.isin(keys, np.array(list(watched), np.int64))
        for key in np.unique(keys[hit]).tolist():
            moves = self._moves(touched[keys == key], begin, stop)
            yield from self._found(watched[key], key, moves)

    def past(self, watch: Watch, first: int, last: int) -> Iterator[Found]:
        """Yield what moved one subject in blocks `first` to `last`."""
        key = self._keys([watch]).get(watch.subject)
        if key is None:
            return
        begin, stop = self._transactions(first, last)
        members = (
            self._reading.entities.members(key).astype(np.int64)
            if self._of_entities
            else np.array([key], np.int64)
        )
        yield from self._found([watch], key, self._moves(members, begin, stop))

    def transactions_since(self, subject: str, height: int) -> int:
        """Return about how many transactions touch a subject from a height on, and never fewer."""
        number = self._numbers([subject]).get(subject)
        if number is None:
            return 0
        made = self._reading.clustering
        if self._of_entities and made is not None:
            root = made.root_of(number)
            if made.position_of(root) is not None:
                return made.totals(self._view, root).transaction_count
        begin, stop = self._transactions(height, self.top)
        start, end = self._view.stretch_of_history(number, begin, stop - 1)
        return end - start

    def _transactions(self, first: int, last: int) -> tuple[int, int]:
        """Return the transactions `[begin, stop)` of blocks `first` to `last`."""
        row, past = row_of(self._view, first), row_of(self._view, last) + 1
        blocks = self._view.counts.blocks
        row, past = min(max(row, 0), blocks), min(max(past, 0), blocks)
        return int(self._view.first_transaction[row]), int(self._view.first_transaction[past])

    def _touched(self, begin: int, stop: int) -> Int64Array:
        """Return the addresses that transactions `[begin, stop)` touch, ascending."""
        view = self._view
        spent = slice(int(view.first_input[begin]), int(view.first_input[stop]))
        made = slice(int(view.first_output[begin]), int(view.first_output[stop]))
        touched = np.unique(np.concatenate([view.input_address[spent], view.output_address[made]]))
        found: Int64Array = touched[touched != NO_ADDRESS].astype(np.int64)
        return found

    def _keys(self, watches: Sequence[Watch]) -> dict[str, int]:
        """Return the number of each subject that the ledger knows, or its entity's root."""
        numbers = self._numbers([watch.subject for watch in watches])
        if not self._of_entities:
            return numbers
        roots = roots_of(self._reading.entities, np.array(list(numbers.values()), np.int64))
        return dict(zip(numbers, roots.tolist(), strict=True))

    def _numbers(self, subjects: Sequence[str]) -> dict[str, int]:
        distinct = list(dict.fromkeys(subjects))
        locks = [_lock(text, self._view.network.name) for text in distinct]
        lengths = np.array([len(payload) for _, payload in locks], np.int64)
        ends = np.cumsum(lengths)
        same, _ = self._view.find_locks(
            Locks(
                source=np.frombuffer(b"".join(payload for _, payload in locks), np.uint8),
                script_type=np.array([kind for kind, _ in locks], np.uint8),
                start=ends - lengths,
                length=lengths,
            )
        )
        held = zip(distinct, same.tolist(), strict=True)
        return {text: number for text, number in held if number >= 0}

    def _moves(self, addresses: Int64Array, begin: int, stop: int) -> _Moves:
        """Return what transactions `[begin, stop)` did with some addresses together."""
        histories = []
        for address in addresses.tolist():
            start, end = self._view.stretch_of_history(address, begin, stop - 1)
            if start < end:
                histories.append(self._view.history(address, start, end))
        if not histories:
            nothing = np.empty(0, np.int64)
            return _Moves(transaction=nothing, received_sat=nothing, sent_sat=nothing)
        every = np.concatenate([each.transaction for each in histories]).astype(np.int64)
        transaction, place = np.unique(every, return_inverse=True)
        received, sent = np.zeros(len(transaction), np.int64), np.zeros(len(transaction), np.int64)
        np.add.at(received, place, np.concatenate([each.received_sat for each in histories]))
        np.add.at(sent, place, np.concatenate([each.sent_sat for each in histories]))
        return _Moves(transaction=transaction, received_sat=received, sent_sat=sent)

    def _found(self, watches: Sequence[Watch], key: int, moves: _Moves) -> Iterator[Found]:
        subjects = self._numbers([watch.subject for watch in watches])
        for transaction, received, sent in zip(
            moves.transaction.tolist(),
            moves.received_sat.tolist(),
            moves.sent_sat.tolist(),
            strict=True,
        ):
            direction, change = net_direction(received, sent), abs(received - sent)
            wanted = [watch for watch in watches if counts(watch, direction, change)]
            at = self._standing(transaction) if wanted else None
            wanted = [watch for watch in wanted if at is not None and is_in_time(watch, at)]
            if at is None or not wanted:
                continue
            detail = self._detail(transaction, key, direction, received, sent)
            for watch in wanted:
                number = subjects[watch.subject]
                own = not self._of_entities or self._touches(number, transaction)
                yield found_at(watch, at, direction, detail, is_fact=own)

    def _touches(self, number: int, transaction: int) -> bool:
        return self._view.place_in_history(number, transaction) is not None

    def _standing(self, transaction: int) -> Standing:
        block = block_of(self._view, transaction)
        return Standing(
            txid=str(self._view.txid_text(transaction)),
            height=int(self._view.block_height[block]),
            block_hash=str(self._view.block_hash(block)),
            time=block_time(self._view, block),
        )

    # --- who was on the other side

    def _detail(
        self, transaction: int, key: int, direction: MoveDirection, received: int, sent: int
    ) -> AlertDetail:
        others = self._others(transaction, key, direction)
        shown = sorted(others.items(), key=lambda item: (-item[1], item[0]))
        return AlertDetail(
            moved=(
                Moved(
                    asset=self._asset.name,
                    contract=None,
                    decimals=self._asset.decimals,
                    received=str(received),
                    sent=str(sent),
                ),
            ),
            counterparts=largest([self._counterpart(*item) for item in shown[:MOST_COUNTERPARTS]]),
            counterpart_count=len(others),
            clustering=self.clustering,
            as_of_height=self.top,
        )

    def _others(self, transaction: int, key: int, direction: MoveDirection) -> dict[int, int]:
        """Return who paid or was paid besides the subject, and how much."""
        view = self._view
        first = view.first_input if direction == "in" else view.first_output
        rows = slice(int(first[transaction]), int(first[transaction + 1]))
        address = (view.input_address if direction == "in" else view.output_address)[rows]
        value = (view.input_value if direction == "in" else view.output_value)[rows]
        found: dict[int, int] = {}
        for each, amount in zip(address.tolist(), value.tolist(), strict=True):
            if each == NO_ADDRESS or self._key_of(each) == key:
                continue
            found[each] = found.get(each, 0) + amount
        return found

    def _key_of(self, address: int) -> int:
        return self._reading.entities.root_of(address) if self._of_entities else address

    def _counterpart(self, address: int, value: int) -> Counterpart:
        if address not in self._named:
            tags = self._reading.tags.tags_of(address, 1)
            self._named[address] = said(tags, self._view.tip.time.date())
        label, category = self._named[address]
        made = self._reading.clustering
        root = None if made is None else self._view.address_text(made.root_of(address))
        return Counterpart(
            address=self._view.address_text(address) or "",
            value=str(value),
            asset=self._asset.name,
            entity=root,
            label=label,
            category=category,
        )


@lru_cache(maxsize=1 << 16)
def _lock(text: str, name: str) -> tuple[ScriptType, bytes]:
    """Return the script that an address stands for; the same subjects come with every block."""
    return parse_address(text, network(name))
