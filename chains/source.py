"""What sources are: the few things that the program knows of files, nodes and explorers.

`Source` is what all of them can do. A `BlockSource` delivers whole blocks in order and fills a
ledger; a `LookupSource` answers about single addresses and transactions, and an investigation is
assembled from its answers. Errors tell two things apart: `LookupFailedError` says that this item
could not be had and is *returned* in the item's place, so that the others go on;
`SourceUnavailableError` says that the source is of no use and is raised.
"""

from collections.abc import Iterator, Sequence
from typing import Protocol

from chains.bitcoin.networks import Network
from chains.closing import Closing
from chains.errors import LookupFailedError
from chains.lookups import (
    BlockHeader,
    FetchedTransaction,
    MerkleBranch,
    OutputQuestion,
    Sighting,
)
from chains.tables import BlockBatch, SpentOutputs
from chains.types import TxIdRaw


class Source(Closing, Protocol):
    """Anything that knows a chain.

    A source sees the chain as it stood when it was opened or refreshed last. All methods raise
    `SourceUnavailableError` where the source has become unusable, and `ValueError` for a height
    that it does not hold.
    """

    network: Network

    name: str
    """The source's URI without user, password and key: what manifests and messages show."""

    def refresh(self) -> None:
        """See the chain as it stands now."""
        ...

    def tip_height(self) -> int:
        """Return the height of the best chain's last block; -1 where there is no block."""
        ...

    def block_hash(self, height: int) -> bytes:
        """Return the hash of the best chain's block at `height`, as stored."""
        ...

    def notes(self) -> Sequence[object]:
        """Return what of the source is not used; each says where and why when it is printed."""
        ...


class BlockSource(Source, Protocol):
    """Blocks of one chain, in order."""

    def first_height(self) -> int:
        """Return the lowest height whose block can be had; above 0 for a pruned node."""
        ...

    def work_above(self, height: int) -> int:
        """Return the summed work of the best chain's blocks above `height`; -1 sums them all.

        Two chains that share the block at `height` are compared by this number: the one with
        more work is the best, whatever their lengths.
        """
        ...

    def batches(self, start: int, stop: int) -> Iterator[BlockBatch]:
        """Yield the blocks of heights `[start, stop)`, consecutive and in order.

        A batch is bounded in bytes but holds at least one block. Where batches are cut depends
        on `start` and the blocks alone, so that a run which was interrupted at a cut and goes on
        there makes the same cuts as one that was not. Raises `ChainChangedError` where a block
        of the chain that was seen is no longer in it.
        """
        ...

    def wait(self, seconds: float) -> None:
        """Return when there may be a new block, at the latest after `seconds`."""
        ...


class SpendingSource(BlockSource, Protocol):
    """A block source that also says what its blocks spend, so that a ledger may begin late."""

    def spending_batches(self, start: int, stop: int) -> Iterator[tuple[BlockBatch, SpentOutputs]]:
        """Yield as `batches` does, each with what its inputs spend."""
        ...


class LookupSource(Source, Protocol):
    """Answers about single addresses and transactions.

    Every method takes many questions at once and answers them in order, in parallel or pipelined
    inside the source; an item that could not be had is answered with the error. Raises
    `RequestBudgetError` where the recorder allows no further request, and `ChainChangedError`
    where an answer shows that the chain that was seen is no longer the server's. Not every server
    shows it: who needs to be sure refreshes afterwards and asks for the tip again.
    """

    def histories(
        self, scripts: Sequence[bytes], *, most: int
    ) -> list[tuple[Sighting, ...] | LookupFailedError]:
        """Return all transactions that touch each output script.

        Confirmed ones come first, by height, then unconfirmed ones. A script with more than
        `most` of them is answered with `LookupFailedError`, after as few requests as that takes.
        """
        ...

    def candidates(
        self, outputs: Sequence[OutputQuestion], *, most: int
    ) -> list[tuple[Sighting, ...] | LookupFailedError]:
        """Return transactions that may spend each output, one of which does if any does.

        Where there are more than `most`, the answer is `LookupFailedError`.
        """
        ...

    def transactions(
        self, txids: Sequence[TxIdRaw]
    ) -> list[FetchedTransaction | LookupFailedError]:
        """Return the transactions; each hashes to the id that was asked for."""
        ...

    def branches(
        self, confirmed: Sequence[tuple[TxIdRaw, int]]
    ) -> list[MerkleBranch | LookupFailedError]:
        """Return the merkle branch of each transaction in the block of that height."""
        ...

    def headers(self, heights: Sequence[int]) -> list[BlockHeader | LookupFailedError]:
        """Return the headers of the best chain at the heights; each meets its own target."""
        ...
