"""From what a node answers to the canonical tables: the way in for sources that speak JSON.

Three answers make a block: the block with whole transactions, its receipts, and, if the node
traces, its calls, from `trace_block` or from `debug_traceBlockByNumber` with `callTracer`. Where
the trace places the events among the calls and agrees with the receipts about them, movements
stand in order of execution; otherwise all calls of a transaction come first.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise

import numpy as np

from chains.errors import MalformedBlockError
from chains.ethereum.decode.answers import (
    StatedBlock,
    StatedTransaction,
    block_rows,
    log_rows,
    read_block,
    transaction_rows,
)
from chains.ethereum.decode.assemble import Decoded, assembled
from chains.ethereum.decode.calls import CallBook
from chains.ethereum.decode.delegations import delegations
from chains.ethereum.decode.events import joined_events, told_by
from chains.ethereum.decode.frames import Frame, Frames
from chains.ethereum.decode.gas import gas_moves
from chains.ethereum.decode.rows import AFTER_CALLS, AddressPool, EventRows, SystemRows, joined
from chains.ethereum.decode.system import allocated, paid_by
from chains.ethereum.decode.traces import BlockTrace, read_trace
from chains.ethereum.networks import EthereumNetwork
from chains.ethereum.quantities import limbs_of
from chains.ethereum.tables import (
    NO_ACCOUNT,
    AccountBatch,
    CallCoverage,
    EventKind,
    MovementKind,
    Ordering,
)


def decode_blocks(
    blocks: Sequence[object],
    receipts: Sequence[object],
    calls: Sequence[object] | None,
    network: EthereumNetwork,
    *,
    uncles: Mapping[int, Sequence[object]] | None = None,
    allocation: Mapping[bytes, int] | None = None,
) -> AccountBatch:
    """Decode consecutive blocks.

    Parameters
    ----------
    blocks
        Answers of `eth_getBlockByNumber` with whole transactions, in order.
    receipts
        Answers of `eth_getBlockReceipts`, one for each block.
    calls
        Answers of `trace_block` or of `debug_traceBlockByNumber` with `callTracer`, one for each
        block; nothing where the node does not trace.
    network
        Whose blocks they are; rewards before the merge are known of the main net.
    uncles
        Headers of uncles by the height of the block that names them. Needed on the main net
        before the merge, unless the calls tell rewards.
    allocation
        Wei by account that the genesis block holds, if it is among the blocks.

    Raises
    ------
    MalformedBlockError
        An answer is not of the documented shape, or contradicts another one. The message names
        the block and the field.
    """
    if len(receipts) != len(blocks) or (calls is not None and len(calls) != len(blocks)):
        raise ValueError("every block needs its receipts, and its calls if there are any")
    found = [read_block(*pair) for pair in zip(blocks, receipts, strict=True)]
    _check_chain(found)
    traces = [
        None if calls is None else read_trace(calls[at], block) for at, block in enumerate(found)
    ]
    return _Decoding(found, traces, network, uncles or {}, allocation or {}).batch()


def _check_chain(blocks: Sequence[StatedBlock]) -> None:
    for below, above in pairwise(blocks):
        parent = bytes.fromhex(str(above.fields["parentHash"])[2:])
        if above.height != below.height + 1 or parent != below.block_hash:
            raise MalformedBlockError(
                f"block {above.height}: parentHash is not that of block {below.height} before it"
            )


@dataclass(frozen=True)
class _Decoding:
    blocks: list[StatedBlock]
    traces: list[BlockTrace | None]
    network: EthereumNetwork
    uncles: Mapping[int, Sequence[object]]
    allocation: Mapping[bytes, int]

    def batch(self) -> AccountBatch:
        pool = AddressPool()
        blocks = block_rows(self.blocks, pool)
        every = [one for block in self.blocks for one in block.transactions]
        frames = list(self._frames())
        transactions = transaction_rows(every, [one.succeeded for one in frames], pool)
        book = CallBook(pool)
        keeps = np.repeat(blocks.keeps_destroyed, np.diff(blocks.first_transaction)).tolist()
        for at, one in enumerate(frames):
            book.take(at, one.frames, keeps_destroyed=keeps[at])
            if one.succeeded and every[at].is_creation and self.traces[0] is None:
                book.unknown_code(at, every[at].receiver, every[at].sender)
        is_placed = all(one.logs is not None for one in frames)
        coin = book.moves()
        logs = log_rows(every, list(_sequences(every, frames, is_placed)), pool)
        told = told_by(logs, transactions, coin, pool, self.network.chain_id)
        return assembled(
            Decoded(
                pool=pool,
                blocks=blocks,
                transactions=transactions,
                moves=joined([coin, told.moves, gas_moves(blocks, transactions)]),
                events=joined_events([told.events, _delegation_rows(every, pool)]),
                codes=book.codes(),
                system=self._system(pool),
                calls=CallCoverage.MISSING if None in self.traces else CallCoverage.TRACED,
                ordering=Ordering.EXECUTION if is_placed else Ordering.CALLS_FIRST,
            )
        )

    def _frames(self) -> Iterator[Frames]:
        for block, trace in zip(self.blocks, self.traces, strict=True):
            for at, one in enumerate(block.transactions):
                yield _own_frames(one) if trace is None else trace.frames[at]

    def _system(self, pool: AddressPool) -> SystemRows:
        rows: list[tuple[int, bool, int, int]] = []
        values: list[int] = []
        for at, (block, trace) in enumerate(zip(self.blocks, self.traces, strict=True)):
            paid = allocated(block, self.allocation)
            uncles = self.uncles.get(block.height)
            paid += paid_by(block, trace and trace.rewards, uncles, self.network.chain_id)
            for kind, (account, value) in paid:
                rows.append((at, kind == MovementKind.GENESIS, kind, pool.one(account)))
                values.append(value)
        block_of, is_first, kinds, gets = np.array(rows, np.int64).reshape(-1, 4).T
        return SystemRows(
            block=block_of,
            is_first=is_first.astype(np.bool_),
            kind=kinds.astype(np.uint8),
            giver=np.full(len(rows), NO_ACCOUNT, np.uint32),
            gets=gets.astype(np.uint32),
            amount=limbs_of(values),
        )


def _own_frames(one: StatedTransaction) -> Frames:
    """Return what is known of a transaction that was not traced: its own value."""
    succeeded = one.guessed if one.status is None else one.status
    if not succeeded:
        return Frames(False, [], None)
    kind = MovementKind.CREATE if one.is_creation else MovementKind.CALL
    # No code: what was created is taken down apart.
    return Frames(True, [Frame(0, kind, one.sender, one.receiver, one.value, None)], None)


def _sequences(
    every: Sequence[StatedTransaction], frames: Sequence[Frames], is_placed: bool
) -> Iterator[int]:
    for one, traced in zip(every, frames, strict=True):
        if is_placed and traced.logs is not None:
            yield from (place.sequence for place in traced.logs)
        else:
            yield from (int(AFTER_CALLS) + at for at in range(len(one.logs)))


def _delegation_rows(every: Sequence[StatedTransaction], pool: AddressPool) -> EventRows:
    found = [
        (at, delegation)
        for at, one in enumerate(every)
        if one.fields.get("authorizationList")
        for delegation in delegations(one.fields, one.sender, one.nonce)
    ]
    nobody = np.full(len(found), NO_ACCOUNT, np.uint32)
    return EventRows(
        transaction=np.array([at for at, _ in found], np.int64),
        kind=np.full(len(found), EventKind.DELEGATION, np.uint8),
        log_index=np.full(len(found), -1, np.int32),
        contract=nobody,
        first=np.array([pool.one(one.account) for _, one in found], np.uint32),
        second=np.array([pool.one_or_none(one.code) for _, one in found], np.uint32),
        third=nobody,
        word=np.zeros((len(found), 32), np.uint8),
        amount=np.zeros((len(found), 4), np.uint64),
    )
