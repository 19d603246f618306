"""From the rows of an account's lists to the canonical tables, as blocks of just these rows.

What the lists do not tell is not made up. Where a transaction stands in its block and a call in
its transaction is told by most explorers and kept beside the tables, so that histories of several
accounts can be joined; where it is not told, rows stay in the order of the list.

All gas counts as burnt: the lists do not say how much of it the block's producer got, nor who that
was. The producer's own history has its reward whole, so nothing is counted twice in one account.
"""

from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import TypeVar

from chains.ethereum.decode.rewards import MERGE
from chains.ethereum.explorer.errors import UnexpectedAnswerError
from chains.ethereum.explorer.rows import (
    Allocation,
    BlockFacts,
    Call,
    ListedTransaction,
    MinedBlock,
    TokenTransfer,
    Withdrawal,
)
from chains.ethereum.explorer.wraps import add_wraps
from chains.ethereum.lookups import LAST, UNTOLD, AccountHistory, AssetClaim
from chains.ethereum.parts import BlockPart, CodePart, MovePart, TransactionPart, batch_of
from chains.ethereum.tables import CallCoverage, MovementKind, Ordering, TransactionKind

Row = TypeVar("Row")

_NO_HASH = bytes(32)

# How movements of one transaction are put in order: calls, then events, then gas.
_CALLS, _EVENTS, _GAS = 0, 1, 2

EXPLORER_SILENCES = (
    "of what kind a transaction is (all are shown as legacy), and where it stands in its block "
    "beyond the order of those that are here",
    "which part of a fee was burnt and which went to the producer of the block: all of it counts "
    "as burnt, and fees for blobs are in no sum",
    "movements between others in the same transactions",
    "how calls and token transfers of one transaction interleave: calls stand first",
    "approvals and other events, and the code of contracts",
)
"""What no list of the account module tells."""

WRAPS_DERIVED = (
    "wraps and unwraps of the coin, in lists of transfers: they are taken from the coins that went "
    "into the contract and came out of it"
)


UNCLES_MISSING = "what it got for uncles, before September 2022"


@dataclass(slots=True, kw_only=True)
class AccountRows:
    """The lists of one account."""

    transactions: list[ListedTransaction | Allocation] = field(default_factory=list)
    calls: list[Call] = field(default_factory=list)
    tokens: list[TokenTransfer] = field(default_factory=list)
    mined: list[MinedBlock] = field(default_factory=list)
    withdrawals: list[Withdrawal] = field(default_factory=list)

    def blocks(self) -> Iterable[BlockFacts]:
        """Yield what the rows tell of their blocks."""
        for rows in (self.transactions, self.calls, self.tokens, self.mined, self.withdrawals):
            for row in rows:
                yield row.block


@dataclass(slots=True, kw_only=True)
class _Told:
    part: TransactionPart
    height: int
    position: int
    places: list[tuple[int, ...]] = field(default_factory=list)

    def move(self, move: MovePart, place: tuple[int, ...]) -> None:
        self.part.moves.append(move)
        self.places.append(place)


def history_of(
    account: bytes,
    rows: AccountRows,
    *,
    calls: CallCoverage,
    missing: tuple[str, ...],
    wrappers: frozenset[bytes] = frozenset(),
) -> AccountHistory:
    """Put the lists of an account together; `UnexpectedAnswerError` where they exclude each other.

    `missing` says what this explorer does not tell beyond what none does; `wrappers` are contracts
    that work like WETH9: they give each coin that comes in a token, to who sent it, and back.
    """
    return _Building(account, rows, wrappers).history(calls, missing)


class _Building:
    def __init__(self, account: bytes, rows: AccountRows, wrappers: frozenset[bytes]) -> None:
        self._account = account
        self._wrappers = wrappers
        self._rows = rows
        self._told: dict[bytes, _Told] = {}
        self._systems: dict[tuple[int, bool], _Told] = {}
        self._blocks = _block_facts(rows.blocks())

    def history(self, calls: CallCoverage, missing: tuple[str, ...]) -> AccountHistory:
        for row in self._rows.transactions:
            if isinstance(row, Allocation):
                self._give(row.block, MovementKind.GENESIS, row.account, row.wei)
            else:
                self._take_transaction(row)
        for call in _without_doubles(self._rows.calls):
            self._take_call(call)
        for transfer in _without_doubles(self._rows.tokens):
            self._take_token(transfer)
        unknown_rewards = self._take_system_rows()
        derived = sum(add_wraps(told.part, told.places, self._wrappers) for told in
                      self._told.values() if self._wrappers)  # fmt: skip
        for told in self._told.values():
            self._add_gas(told)
        blocks, order = self._in_order()
        if derived:
            missing += (WRAPS_DERIVED,)
        if any(mined.block.height < MERGE for mined in self._rows.mined):
            missing += (UNCLES_MISSING,)
        if unknown_rewards:
            missing += (f"what it got for {unknown_rewards:,} blocks that it produced",)
        return AccountHistory(
            batch=batch_of(blocks, calls=calls, ordering=Ordering.CALLS_FIRST),
            is_whole=True,
            missing=(*EXPLORER_SILENCES, *missing),
            positions=tuple(each.position for each in order),
            places=tuple(place for each in order for place in each.places),
            claims=self._claims(),
        )

    def _take_transaction(self, row: ListedTransaction) -> None:
        part = TransactionPart(
            tx_hash=row.tx_hash,
            succeeded=row.succeeded,
            sender=row.sender,
            receiver=row.receiver or (row.created if row.succeeded else None),
            nonce=row.nonce,
            selector=row.selector if row.receiver is not None else 0,
            value=row.value,
            gas_used=row.gas_used,
            gas_price=row.gas_price,
        )
        known = self._told.get(row.tx_hash)
        told = _Told(part=part, height=row.block.height, position=row.index)
        if known is not None:
            if (known.part.sender, known.part.value, known.height) != (
                part.sender, part.value, told.height
            ):  # fmt: skip
                raise _exclude(row.tx_hash)
            return
        self._told[row.tx_hash] = told
        if not row.succeeded or part.receiver is None:
            return
        is_made = row.receiver is None
        if is_made:
            part.codes.append(CodePart(part.receiver, row.sender))
        if row.value:
            kind = MovementKind.CREATE if is_made else MovementKind.CALL
            told.move(MovePart(kind, row.sender, part.receiver, None, row.value), (_CALLS,))

    def _take_call(self, call: Call) -> None:
        told = self._transaction(call.tx_hash, call.block.height)
        if not call.took_effect or not told.part.succeeded:
            return
        if call.kind == MovementKind.CREATE:
            # Blockscout lists the creation by the transaction itself, which its own row tells.
            if any(code.account == call.receiver for code in told.part.codes):
                return
            told.part.codes.append(CodePart(call.receiver, call.giver))
        if call.wei and call.moves:
            place = (_CALLS, *call.place) if call.place else (_CALLS, UNTOLD)
            told.move(MovePart(call.kind, call.giver, call.receiver, None, call.wei), place)

    def _take_token(self, transfer: TokenTransfer) -> None:
        told = self._transaction(transfer.tx_hash, transfer.block.height, transfer.index)
        part = told.part
        if not part.succeeded:
            raise _exclude(transfer.tx_hash)
        part.gas_used, part.gas_price = transfer.gas_used, transfer.gas_price
        part.nonce = part.nonce or transfer.nonce
        log_index = -1 if transfer.log_index is None else transfer.log_index
        told.move(
            MovePart(
                transfer.kind,
                transfer.giver,
                transfer.receiver,
                transfer.contract,
                transfer.amount,
                transfer.token_id,
                log_index,
            ),
            (_EVENTS,) if log_index < 0 else (_EVENTS, log_index),
        )

    def _take_system_rows(self) -> int:
        """Take what moved outside transactions; return how many rewards are not told."""
        unknown = 0
        for mined in _without_doubles(self._rows.mined):
            if mined.wei is None:
                unknown += 1
            elif mined.wei:
                self._give(mined.block, MovementKind.REWARD, self._account, mined.wei)
        for paid in _without_doubles(self._rows.withdrawals):
            if paid.account != self._account:
                raise UnexpectedAnswerError("it lists withdrawals of another account")
            self._give(paid.block, MovementKind.WITHDRAWAL, paid.account, paid.wei)
        return unknown

    def _give(self, block: BlockFacts, kind: MovementKind, account: bytes, wei: int) -> None:
        is_first = kind == MovementKind.GENESIS
        told = self._systems.get((block.height, is_first))
        if told is None:
            told = self._systems[block.height, is_first] = _Told(
                part=TransactionPart(
                    tx_hash=self._blocks[block.height].block_hash or system_name(block.height),
                    kind=TransactionKind.SYSTEM,
                ),
                height=block.height,
                position=-1 if is_first else LAST,
            )
        told.move(MovePart(kind, None, account, None, wei), (_CALLS,))

    def _transaction(self, tx_hash: bytes, height: int, index: int | None = None) -> _Told:
        told = self._told.get(tx_hash)
        if told is None:
            told = self._told[tx_hash] = _Told(
                part=TransactionPart(tx_hash=tx_hash),
                height=height,
                position=UNTOLD if index is None else index,
            )
        if told.height != height:
            raise _exclude(tx_hash)
        if index is not None:
            told.position = min(told.position, index)
        return told

    def _add_gas(self, told: _Told) -> None:
        fee = told.part.gas_used * told.part.gas_price
        if fee and told.part.sender is not None:
            told.move(MovePart(MovementKind.GAS_BURNT, told.part.sender, None, None, fee), (_GAS,))

    def _in_order(self) -> tuple[list[BlockPart], list[_Told]]:
        """Return the blocks, and the transactions in the order in which they stand there."""
        blocks: dict[int, BlockPart] = {
            height: BlockPart(
                height=height, time=facts.time, block_hash=facts.block_hash or _NO_HASH
            )
            for height, facts in sorted(self._blocks.items())
        }
        order = sorted(
            (*self._told.values(), *self._systems.values()),
            key=lambda each: (each.height, each.position),
        )
        for each in order:
            rows = sorted(zip(each.places, each.part.moves, strict=True), key=lambda row: row[0])
            each.places = [place for place, _ in rows]
            each.part.moves = [move for _, move in rows]
            blocks[each.height].transactions.append(each.part)
        return list(blocks.values()), order

    def _claims(self) -> tuple[AssetClaim, ...]:
        return tuple(
            {
                row.contract: AssetClaim(row.contract, row.symbol, row.name, row.decimals)
                for row in self._rows.tokens
            }.values()
        )


def system_name(height: int) -> bytes:
    """Return what stands in place of the hash of a block whose hash no row tells.

    It is no hash, and looks like none: zeros and the height.
    """
    return height.to_bytes(32, "big")


def _block_facts(blocks: Iterable[BlockFacts]) -> dict[int, BlockFacts]:
    found: dict[int, BlockFacts] = {}
    for block in blocks:
        known = found.get(block.height)
        if known is None or known.block_hash is None:
            found[block.height] = block
        hashes = {each.block_hash for each in (known or block, block)} - {None}
        if known is not None and (known.time != block.time or len(hashes) > 1):
            raise UnexpectedAnswerError(
                f"its lists tell of two blocks at height {block.height:,}: its chain changed while "
                "it was asked, or they are not of one chain; ask again"
            )
    return found


def _without_doubles(rows: Iterable[Row]) -> Iterable[Row]:
    """Yield rows; one that tells its own place, and is there again word for word, once."""
    seen: set[Row] = set()
    for row in rows:
        if _tells_place(row):
            if row in seen:
                continue
            seen.add(row)
        yield row


def _tells_place(row: object) -> bool:
    if isinstance(row, Call):
        return bool(row.place)
    return not isinstance(row, TokenTransfer) or row.log_index is not None


def _exclude(tx_hash: bytes) -> UnexpectedAnswerError:
    return UnexpectedAnswerError(f"its lists say different things of transaction 0x{tx_hash.hex()}")
