"""Reading a node's blocks in bulk: fetched ahead in parallel, handed out in order, in batches.

A node takes its time for each request, so some are always under way while the caller works on
what came before. How many blocks a request asks for follows the size of those that came last.
That has no influence on where batches are cut: they are filled in the order of heights, and cut
by the bytes of their blocks.
"""

from collections import deque
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass

import numpy as np

from chains.bitcoin.core.forms import StoredBlock
from chains.bitcoin.decode import decode_blocks
from chains.bitcoin.headers import previous_hashes
from chains.errors import ChainChangedError, MalformedBlockError, SourceUnavailableError
from chains.tables import BlockBatch
from chains.types import Int64Array, UInt8Array, shown_txid

PARALLEL = 3
"""Requests under way at once. A node answers four at a time by default, and others ask it too."""

_STRETCH_BYTES = 8 << 20
"""Bytes of blocks that one request should bring."""

_FIRST_STRETCH = 8
_LONGEST_STRETCH = 32
"""Blocks that one request asks for at the beginning, and at most: what is under way when tiny
blocks are followed by full ones, as on test networks, is in memory at once."""


@dataclass(frozen=True, slots=True, kw_only=True)
class FetchedBlock:
    """A block, and what it was asked for by."""

    height: int
    hash: bytes
    stored: StoredBlock


Fetch = Callable[[int, int], list[FetchedBlock]]
"""Brings the blocks of heights `[first, last)`."""


@dataclass(frozen=True, slots=True, kw_only=True)
class FetchedBatch:
    """Decoded blocks, and where in `batch.raw` stands what each of them spends."""

    batch: BlockBatch
    spent_starts: Int64Array
    spent_lengths: Int64Array


def read_batches(
    fetch: Fetch, start: int, stop: int, *, parent: bytes, batch_bytes: int
) -> Iterator[FetchedBatch]:
    """Yield the blocks of heights `[start, stop)` in batches of at most `batch_bytes`.

    `parent` is the hash of the block below `start`, of zeros for the genesis block. Raises
    `ChainChangedError` where a block does not stand on the one before.
    """
    waiting: list[FetchedBlock] = []
    size = 0
    for block in _in_order(fetch, start, stop, ahead=PARALLEL + batch_bytes // _STRETCH_BYTES):
        length = len(block.stored.raw)
        if waiting and size + length > batch_bytes:
            yield _assemble(waiting, parent)
            parent, waiting, size = waiting[-1].hash, [], 0
        waiting.append(block)
        size += length
    if waiting:
        yield _assemble(waiting, parent)


def _in_order(fetch: Fetch, start: int, stop: int, *, ahead: int) -> Iterator[FetchedBlock]:
    length, following = _FIRST_STRETCH, start
    requests: deque[Future[list[FetchedBlock]]] = deque()
    pool = ThreadPoolExecutor(max_workers=PARALLEL, thread_name_prefix="fetch-blocks")
    in_haste = False
    try:
        while requests or following < stop:
            while following < stop and len(requests) < ahead:
                last = min(following + length, stop)
                requests.append(pool.submit(fetch, following, last))
                following = last
            blocks = requests.popleft().result()
            largest = max(1, *(len(block.stored.raw) for block in blocks))
            # At most twice as many as before: blocks may suddenly be large.
            fitting = min(_STRETCH_BYTES // largest, 2 * length, _LONGEST_STRETCH)
            length = max(fitting, 1)
            yield from blocks
    except KeyboardInterrupt:
        # What is under way may take minutes, and ends at once when the source is closed.
        in_haste = True
        raise
    finally:
        pool.shutdown(wait=not in_haste, cancel_futures=True)


def _assemble(blocks: Sequence[FetchedBlock], parent: bytes) -> FetchedBatch:
    parts = [block.stored.raw for block in blocks]
    spent = [block.stored.spent or b"" for block in blocks]
    lengths = np.array([len(part) for part in [*parts, *spent]], dtype=np.int64)
    starts = np.cumsum(lengths) - lengths
    # Of a bytearray, because kernels are compiled for arrays that may be written to.
    raw = np.frombuffer(bytearray().join([*parts, *spent]), dtype=np.uint8)
    count = len(blocks)
    batch = _decode(blocks, raw, starts[:count], lengths[:count])
    _check_links(blocks, batch, parent)
    return FetchedBatch(batch=batch, spent_starts=starts[count:], spent_lengths=lengths[count:])


def _decode(
    blocks: Sequence[FetchedBlock], raw: UInt8Array, starts: Int64Array, lengths: Int64Array
) -> BlockBatch:
    try:
        return decode_blocks(raw, starts, lengths)
    except MalformedBlockError:
        pass
    for row, block in enumerate(blocks):
        try:
            decode_blocks(raw, starts[row : row + 1], lengths[row : row + 1])
        except MalformedBlockError as error:
            raise MalformedBlockError(
                f"block {block.height} is damaged as the node gives it ({error}); if it is so "
                "again, the node's own copy is damaged: see its debug.log"
            ) from error
    raise AssertionError("a batch is damaged only where one of its blocks is")


def _check_links(blocks: Sequence[FetchedBlock], batch: BlockBatch, parent: bytes) -> None:
    before = previous_hashes(batch.header)
    for row, block in enumerate(blocks):
        if batch.block_hash[row].tobytes() != block.hash:
            raise SourceUnavailableError(
                f"the node gives another block than {shown_txid(block.hash)}, which was asked for"
            )
        if before[row].tobytes() != parent:
            raise ChainChangedError(
                f"block {block.height} no longer stands on block {block.height - 1} as it was "
                "read: the node's chain has changed; read it again"
            )
        parent = block.hash
