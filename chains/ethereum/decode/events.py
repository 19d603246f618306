"""From events to movements of tokens, and to the events that rules read.

`Transfer` is the same text for tokens with amounts (ERC-20: two topics for the addresses, the
amount as data) and for tokens one by one (ERC-721: the token's id is a topic too). Old contracts
index nothing; an old contract of collectibles cannot be told from an old currency by its events,
so the few that matter are in the list of assets.
"""

from typing import NamedTuple

import numpy as np

from chains.ethereum.decode.rows import (
    AddressPool,
    EventRows,
    LogRows,
    MoveRows,
    TransactionRows,
    joined,
    no_moves,
)
from chains.ethereum.decode.signatures import (
    DESTROYED,
    FORMS,
    MOVING,
    THORCHAIN_OUT,
    TRANSFER,
    TRANSFER_BATCH,
    TRANSFER_SINGLE,
    EventForm,
    Word,
)
from chains.ethereum.decode.words import WORD, Chosen, EventIndex, is_one_of, token_moves
from chains.ethereum.decode.wraps import wraps_of
from chains.ethereum.quantities import limbs_of_small, limbs_of_words
from chains.ethereum.tables import NO_ACCOUNT, NULL_ADDRESS, EventKind, MovementKind
from chains.ethereum.tokens import TokenStandard, listed_assets, listed_symbol
from chains.types import UInt8Array, UInt32Array

_MEMO_WORD = 4
"""Of THORChain's `TransferOut`: the word that says where the memo begins."""

_ANSWERS = (b"OUT:", b"REFUND:")
"""How memos begin that name the transaction they answer."""


class Told(NamedTuple):
    """What the events of a batch tell."""

    moves: MoveRows
    events: EventRows


def told_by(
    logs: LogRows,
    transactions: TransactionRows,
    coin: MoveRows,
    pool: AddressPool,
    chain_id: int | None,
) -> Told:
    """Return what events move and say.

    `coin` are movements of the native coin in the same transactions; they tell whether a contract
    that is not listed wraps the coin.
    """
    index = EventIndex(logs, tuple(dict.fromkeys((*MOVING, *(form.text for form in FORMS)))))
    tokens = [
        *_transfers(index, pool, chain_id),
        _destroyed(index, pool, chain_id),
        _single(index, pool),
        _batches(index, pool),
    ]
    moved = joined([no_moves(), *tokens])
    moves = joined([moved, wraps_of(index, moved, coin, pool, chain_id)])
    events = [_event_rows(form, index, transactions, pool) for form in FORMS]
    return Told(moves, joined_events(events))


def _transfers(index: EventIndex, pool: AddressPool, chain_id: int | None) -> list[MoveRows]:
    collectibles = [a.contract for a in listed_assets(chain_id) if a.standard == TokenStandard.NFT]
    parts = []
    for topics in (1, 2, 3):
        chosen = index.of(TRANSFER, topics, 3)
        chosen = chosen.where(chosen.holds_addresses(0, 1))
        is_nft = is_one_of(chosen, collectibles, pool)
        parts += [
            _fungible(chosen.where(~is_nft), pool),
            _collectible(chosen.where(is_nft), pool),
        ]
    chosen = index.of(TRANSFER, 4, 3)
    return [*parts, _collectible(chosen.where(chosen.holds_addresses(0, 1)), pool)]


def _fungible(chosen: Chosen, pool: AddressPool) -> MoveRows:
    giver, gets = chosen.accounts(0, pool), chosen.accounts(1, pool)
    return token_moves(chosen, MovementKind.TOKEN, giver, gets, chosen.amounts(2))


def _collectible(chosen: Chosen, pool: AddressPool) -> MoveRows:
    giver, gets = chosen.accounts(0, pool), chosen.accounts(1, pool)
    one = limbs_of_small(np.ones(len(chosen.rows), np.uint64))
    return token_moves(chosen, MovementKind.NFT, giver, gets, one, chosen.amounts(2))


def _destroyed(index: EventIndex, pool: AddressPool, chain_id: int | None) -> MoveRows:
    """Return what the issuer of USDT destroyed at blocked accounts.

    Other contracts use the event's text too, and may emit a `Transfer` beside it.
    """
    tether = listed_symbol("USDT", chain_id)
    chosen = index.of(DESTROYED, 1, 2)
    chosen = chosen.where(chosen.holds_addresses(0))
    chosen = chosen.where(is_one_of(chosen, [tether.contract] if tether else [], pool))
    null = np.full(len(chosen.rows), pool.one(NULL_ADDRESS), np.uint32)
    return token_moves(
        chosen, MovementKind.TOKEN, chosen.accounts(0, pool), null, chosen.amounts(1)
    )


def _single(index: EventIndex, pool: AddressPool) -> MoveRows:
    chosen = index.of(TRANSFER_SINGLE, 4, 5)
    chosen = chosen.where(chosen.holds_addresses(1, 2))
    giver, gets = chosen.accounts(1, pool), chosen.accounts(2, pool)
    return token_moves(
        chosen, MovementKind.MULTI_TOKEN, giver, gets, chosen.amounts(4), chosen.amounts(3)
    )


def _batches(index: EventIndex, pool: AddressPool) -> MoveRows:
    """Spread each `TransferBatch` over as many movements as it names tokens."""
    chosen = index.at_least(TRANSFER_BATCH, 4, 5)
    chosen = chosen.where(chosen.holds_addresses(1, 2))
    lists = [_ids_and_amounts(_payload(chosen, at)) for at in range(len(chosen.rows))]
    counts = [len(ids) for ids, _ in lists]
    spread = chosen._replace(rows=np.repeat(chosen.rows, counts))
    empty = np.empty((0, WORD), np.uint8)
    ids = np.concatenate([empty, *(ids for ids, _ in lists)])
    amounts = np.concatenate([empty, *(amounts for _, amounts in lists)])
    giver, gets = spread.accounts(1, pool), spread.accounts(2, pool)
    return token_moves(
        spread, MovementKind.MULTI_TOKEN, giver, gets, limbs_of_words(amounts), limbs_of_words(ids)
    )


def _payload(chosen: Chosen, at: int) -> bytes:
    row = chosen.rows[at]
    start, stop = chosen.logs.payload_start[row : row + 2].tolist()
    return chosen.logs.payload[start:stop].tobytes()


def _ids_and_amounts(payload: bytes) -> tuple[UInt8Array, UInt8Array]:
    """Return the two lists of words that the data of a `TransferBatch` holds; empty if it lies."""
    ids, amounts = (_words_at(payload, position) for position in (0, WORD))
    if ids is None or amounts is None or len(ids) != len(amounts):
        return np.empty((0, WORD), np.uint8), np.empty((0, WORD), np.uint8)
    return ids, amounts


def _words_at(payload: bytes, position: int) -> UInt8Array | None:
    """Return the list of words to which the offset at `position` leads."""
    body = _body_at(payload, position, WORD)
    return None if body is None else np.frombuffer(body, np.uint8).reshape(-1, WORD)


def _body_at(payload: bytes, position: int, unit: int) -> bytes | None:
    """Return the items of `unit` bytes to which the offset at `position` leads, after their count.

    Nothing where the offset or the count leads out of the data.
    """
    offset = int.from_bytes(payload[position : position + WORD], "big")
    if offset + WORD > len(payload):
        return None
    size = unit * int.from_bytes(payload[offset : offset + WORD], "big")
    start = offset + WORD
    return payload[start : start + size] if start + size <= len(payload) else None


def _event_rows(
    form: EventForm, index: EventIndex, transactions: TransactionRows, pool: AddressPool
) -> EventRows:
    chosen = index.at_least(form.text, form.topics, form.words)
    named = [word for word in (form.first, form.second) if word >= 0]
    chosen = chosen.where(chosen.holds_addresses(*named))
    logs, rows = chosen.logs, chosen.rows
    sender = transactions.sender[logs.transaction[rows]]

    def account(number: int) -> UInt32Array:
        if number == Word.SENDER:
            return sender
        if number == Word.NONE:
            return np.full(len(rows), NO_ACCOUNT, np.uint32)
        named = chosen.words(number).any(axis=1)
        return np.where(named, chosen.accounts(number, pool), NO_ACCOUNT).astype(np.uint32)

    amount = (
        limbs_of_small(np.full(len(rows), form.fixed_amount, np.uint64))
        if form.amount == Word.NONE
        else chosen.amounts(form.amount)
    )
    first = account(form.first)
    return EventRows(
        transaction=logs.transaction[rows],
        kind=np.full(len(rows), form.kind, np.uint8),
        log_index=logs.log_index[rows],
        contract=logs.contract[rows],
        first=first,
        second=account(form.second),
        third=_third(form, chosen, first),
        word=_word(form, chosen, transactions),
        amount=amount,
    )


def _third(form: EventForm, chosen: Chosen, first: UInt32Array) -> UInt32Array:
    if form.kind != EventKind.USER_OPERATION:
        return np.full(len(first), NO_ACCOUNT, np.uint32)
    succeeded = chosen.words(4).any(axis=1)
    return np.where(succeeded, first, NO_ACCOUNT).astype(np.uint32)


def _word(form: EventForm, chosen: Chosen, transactions: TransactionRows) -> UInt8Array:
    if form.word >= 0:
        return chosen.words(form.word)
    if form.word == Word.OWN_HASH:
        return transactions.tx_hash[chosen.logs.transaction[chosen.rows]]
    if form.text == THORCHAIN_OUT:
        hashes = [_answered(_payload(chosen, at)) for at in range(len(chosen.rows))]
        return np.frombuffer(b"".join(hashes), np.uint8).reshape(-1, WORD)
    return np.zeros((len(chosen.rows), WORD), np.uint8)


def _answered(payload: bytes) -> bytes:
    """Return the transaction that the memo of a `TransferOut` names; zeros for none."""
    # The data lacks the two words that are topics.
    memo = _body_at(payload, WORD * (_MEMO_WORD - 2), 1) or b""
    for start in _ANSWERS:
        digits = memo[len(start) :]
        if memo[: len(start)].upper() == start and len(digits) == 2 * WORD:
            try:
                found = bytes.fromhex(digits.decode("ascii"))
            except ValueError:
                break
            return found if len(found) == WORD else bytes(WORD)
    return bytes(WORD)


def joined_events(parts: list[EventRows]) -> EventRows:
    """Return events of several lists as one."""
    return EventRows(
        **{
            name: np.concatenate([getattr(part, name) for part in parts])
            for name in EventRows.__dataclass_fields__
        }
    )
