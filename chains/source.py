"""What a source of blocks is: the one thing that ingest knows of node files, nodes and archives."""

from collections.abc import Iterator, Sequence
from typing import Protocol

from chains.bitcoin.networks import Network
from chains.tables import BlockBatch


class BlockSource(Protocol):
    """Blocks of one chain, from genesis to a tip, in order.

    A source sees the chain as it stood when the source was opened; a follower opens it again.
    All methods raise `SourceUnavailableError` where the source has become unusable, and
    `ValueError` for a height that the source does not hold.
    """

    network: Network

    def tip_height(self) -> int:
        """Return the height of the best chain's last block; -1 where there is no block."""
        ...

    def block_hash(self, height: int) -> bytes:
        """Return the hash of the best chain's block at `height`, as stored."""
        ...

    def work_above(self, height: int) -> int:
        """Return the summed work of the best chain's blocks above `height`; -1 sums them all.

        Two chains that share the block at `height` are compared by this number: the one with
        more work is the best, whatever their lengths.
        """
        ...

    def notes(self) -> Sequence[object]:
        """Return what of the source is not used; each says where and why when it is printed."""
        ...

    def batches(self, start: int, stop: int) -> Iterator[BlockBatch]:
        """Yield the blocks of heights `[start, stop)`, consecutive and in order.

        A batch is bounded in bytes but holds at least one block. Where batches are cut depends
        on `start` and the blocks alone, so that a run which was interrupted at a cut and goes on
        there makes the same cuts as one that was not.
        """
        ...
