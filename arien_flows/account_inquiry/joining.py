"""Histories of single accounts, joined into the ledger of a question.

Two histories may both tell of a transaction, each with the movements of its own account. What both
tell is there once: movements are compared by all that they say, and where a history tells of
several that say the same, as many are kept as the history that has most of them. What one tells
and the other should have told as well (it gave or received there) is kept and counted, because an
explorer that forgets a row is no reason to lose it.

Histories that exclude each other are an error that names both accounts: another block, sender or
amount for the same transaction, or other contents at the same place of it.
"""

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field
from itertools import combinations
from typing import NamedTuple

from arien_flows.fetched.checking import contradicts
from chains.ethereum.address import checksummed
from chains.ethereum.lookups import LAST, AccountHistory
from chains.ethereum.parts import (
    BlockPart,
    CodePart,
    MovePart,
    TransactionPart,
    batch_of,
    parts_of,
)
from chains.ethereum.tables import AccountBatch, CallCoverage, Ordering, TransactionKind

_NO_HASH = bytes(32)

Place = tuple[int, ...]
Key = tuple[int, bytes]
"""Height and id; of a system transaction whether it is the first or the last of its block."""


class TipBlock(NamedTuple):
    """The last block that is seen."""

    height: int
    block_hash: bytes
    time: int


class Joined(NamedTuple):
    """Histories joined into blocks."""

    batch: AccountBatch
    forgotten: Mapping[bytes, int]
    """By account: movements of it that its own history should tell, and only another one does."""


class _Told(NamedTuple):
    """A transaction as one account's history tells it."""

    account: bytes
    position: int
    part: TransactionPart
    places: tuple[Place, ...]


@dataclass(slots=True)
class _Joining:
    source: str
    blocks: dict[int, BlockPart] = field(default_factory=dict)
    told: dict[Key, list[_Told]] = field(default_factory=dict)
    heights: dict[bytes, tuple[int, bytes]] = field(default_factory=dict)
    """By id of a transaction: height, and the account whose history tells it."""

    namers: dict[int, bytes] = field(default_factory=dict)
    """By height: the account whose history named the block's hash or time."""

    forgotten: Counter[bytes] = field(default_factory=Counter)

    def take(self, account: bytes, history: AccountHistory) -> None:
        """Take in one account's history."""
        at_transaction = at_movement = 0
        for block in parts_of(history.batch):
            self._take_block(account, block)
            for part in block.transactions:
                position = history.positions[at_transaction]
                places = history.places[at_movement : at_movement + len(part.moves)]
                at_transaction, at_movement = at_transaction + 1, at_movement + len(part.moves)
                if part.kind == TransactionKind.SYSTEM:
                    key = block.height, b"last" if position == LAST else b"first"
                else:
                    self._check_height(account, block.height, part.tx_hash)
                    key = block.height, part.tx_hash
                self.told.setdefault(key, []).append(_Told(account, position, part, places))

    def _take_block(self, account: bytes, block: BlockPart) -> None:
        known = self.blocks.setdefault(
            block.height, BlockPart(height=block.height, time=block.time)
        )
        namer = self.namers.setdefault(block.height, account)
        hashes = {known.block_hash, block.block_hash} - {_NO_HASH}
        if len(hashes) > 1 or known.time != block.time:
            self._exclude(namer, account, f"block {block.height:,} is not the same")
        if known.block_hash == _NO_HASH and block.block_hash != _NO_HASH:
            known.block_hash, self.namers[block.height] = block.block_hash, account

    def _check_height(self, account: bytes, height: int, tx_hash: bytes) -> None:
        known, namer = self.heights.setdefault(tx_hash, (height, account))
        if known != height:
            self._exclude(namer, account, f"0x{tx_hash.hex()} stands at {known:,} and {height:,}")

    def _exclude(self, first: bytes, second: bytes, what: str) -> None:
        contradicts(
            self.source,
            f"in the histories of {_shown(first)} and {_shown(second)} {what}; ask again, or ask "
            "another explorer",
        )

    def joined(self, accounts: Mapping[bytes, AccountHistory], tip: TipBlock) -> list[BlockPart]:
        """Return the blocks, lowest first; the last one is the tip."""
        last = self.blocks.setdefault(tip.height, BlockPart(height=tip.height, time=tip.time))
        if last.block_hash not in (_NO_HASH, tip.block_hash) or last.time != tip.time:
            contradicts(self.source, f"block {tip.height:,} is another one in its lists")
        last.block_hash = tip.block_hash
        order = sorted(
            self.told, key=lambda key: (key[0], min(each.position for each in self.told[key]))
        )
        for key in order:
            part = self._transaction(self.told[key], accounts)
            block = self.blocks[key[0]]
            if part.kind == TransactionKind.SYSTEM and block.block_hash != _NO_HASH:
                part.tx_hash = block.block_hash
            block.transactions.append(part)
        return [self.blocks[height] for height in sorted(self.blocks)]

    def _transaction(
        self, told: list[_Told], accounts: Mapping[bytes, AccountHistory]
    ) -> TransactionPart:
        # Who tells most of it comes first, and settles the order of what has no place.
        told = sorted(told, key=lambda each: (-len(each.part.moves), each.account))
        # Only the list of transactions tells who sent one; with it come the other facts.
        full = [each for each in told if each.part.sender is not None] or told
        best = full[0].part
        for one, other in combinations(full, 2):
            if _facts(one.part) != _facts(other.part):
                self._exclude(one.account, other.account, f"0x{best.tx_hash.hex()} is not the same")
        for each in told:
            if not best.succeeded and each.part.moves and each.part.succeeded:
                self._exclude(
                    full[0].account, each.account,
                    f"0x{best.tx_hash.hex()} failed, and moved something",
                )  # fmt: skip
        codes: dict[CodePart, None] = {}
        for each in told:
            codes |= dict.fromkeys(each.part.codes)
        return TransactionPart(
            tx_hash=best.tx_hash,
            kind=best.kind,
            succeeded=best.succeeded,
            sender=best.sender,
            receiver=best.receiver,
            nonce=best.nonce,
            selector=best.selector,
            value=best.value,
            gas_used=max(each.part.gas_used for each in told),
            gas_price=max(each.part.gas_price for each in told),
            moves=self._moves(told, accounts),
            codes=list(codes),
        )

    def _moves(self, told: list[_Told], accounts: Mapping[bytes, AccountHistory]) -> list[MovePart]:
        counts = {each.account: Counter(each.part.moves) for each in told}
        most: Counter[MovePart] = Counter()
        for each_count in counts.values():
            most |= each_count
        found: list[tuple[Place, MovePart]] = []
        here: Counter[MovePart] = Counter()
        standing: dict[Place, tuple[MovePart, bytes]] = {}
        for each in told:
            seen: Counter[MovePart] = Counter()
            for move, place in zip(each.part.moves, each.places, strict=True):
                seen[move] += 1
                if seen[move] <= here[move]:
                    continue
                here[move] += 1
                found.append((place, move))
                if _is_told(place, each.part):
                    known, namer = standing.setdefault(place, (move, each.account))
                    if known != move:
                        self._exclude(
                            namer,
                            each.account,
                            f"0x{each.part.tx_hash.hex()} moves different things at one place",
                        )
        for move, count in most.items():
            for party in {move.giver, move.receiver} - {None}:
                if party in accounts and party is not None:
                    own = counts.get(party, Counter())[move]
                    self.forgotten[party] += count - own
        return [move for _, move in sorted(found, key=lambda row: row[0])]


def join_histories(source: str, histories: Mapping[bytes, AccountHistory], tip: TipBlock) -> Joined:
    """Join histories, given by account, into the blocks of a ledger that ends with `tip`.

    Raises `ContradictionError` where two exclude each other.
    """
    joining = _Joining(source)
    for account in sorted(histories):
        joining.take(account, histories[account])
    blocks = joining.joined(histories, tip)
    lacks_calls = any(each.batch.calls == CallCoverage.MISSING for each in histories.values())
    batch = batch_of(
        blocks,
        calls=CallCoverage.MISSING if lacks_calls else CallCoverage.TRACED,
        ordering=Ordering.CALLS_FIRST,
    )
    return Joined(batch, {account: n for account, n in joining.forgotten.items() if n})


def _facts(part: TransactionPart) -> tuple[object, ...]:
    return (
        part.sender, part.receiver, part.value, part.nonce, part.succeeded, part.gas_used,
        part.gas_price,
    )  # fmt: skip


def _is_told(place: Place, part: TransactionPart) -> bool:
    """Tell whether a place is that of one movement alone."""
    is_untold_event = place == (1,)
    return part.kind != TransactionKind.SYSTEM and not is_untold_event and place[-1] < (1 << 60)


def _shown(account: bytes) -> str:
    return checksummed("0x" + account.hex())
