"""What sources of a chain of accounts are, as `chains.source` says it for Bitcoin.

An `AccountBlockSource` delivers whole blocks in order and fills a ledger; an
`AccountLookupSource` answers about single accounts.
"""

from collections.abc import Iterator, Sequence
from typing import Protocol

from chains.closing import Closing
from chains.errors import LookupFailedError
from chains.ethereum.lookups import (
    AccountHistory,
    AnswerMemory,
    AssetClaim,
    BlockPlace,
    SentTransaction,
)
from chains.ethereum.networks import EthereumNetwork
from chains.ethereum.tables import AccountBatch

__all__ = [
    "AccountBlockSource",
    "AccountHistory",
    "AccountLookupSource",
    "AccountSource",
    "AnswerMemory",
    "AssetClaim",
    "BlockPlace",
    "SentTransaction",
]


class AccountSource(Closing, Protocol):
    """Anything that knows a chain of accounts.

    A source sees the chain as it stood when it was opened or refreshed last. All methods raise
    `SourceUnavailableError` where the source has become unusable.
    """

    network: EthereumNetwork

    @property
    def name(self) -> str:
        """Return what the source is called in messages; holds no secret."""
        ...

    def tip(self) -> BlockPlace:
        """Return the last block that is seen."""
        ...

    def refresh(self) -> None:
        """See the chain as it is now."""
        ...

    def notes(self) -> Sequence[str]:
        """Return what of the source is not used, or what it does not tell, and why."""
        ...


class AccountBlockSource(AccountSource, Protocol):
    """A source of whole blocks."""

    def first_height(self) -> int:
        """Return the height of the first block that can be had."""
        ...

    def place(self, height: int) -> BlockPlace:
        """Return the block at a height of the seen chain; `ValueError` past its ends."""
        ...

    def batches(self, start: int, stop: int) -> Iterator[AccountBatch]:
        """Yield the blocks of heights `start` to `stop - 1`, in order.

        Raises `ChainChangedError` where the best chain changed meanwhile.
        """
        ...

    def balances(
        self, height: int, accounts: Sequence[bytes], contract: bytes | None
    ) -> list[int | LookupFailedError]:
        """Return balances after the block at `height`: of the coin, or of a token's contract."""
        ...

    def assets(self, contracts: Sequence[bytes]) -> list[AssetClaim]:
        """Return what contracts say of themselves, as of the last block seen."""
        ...

    def wait(self, seconds: float) -> None:
        """Return when there may be a new block, at the latest after `seconds`."""
        ...


class AccountLookupSource(AccountSource, Protocol):
    """Answers about single accounts."""

    def histories(
        self, accounts: Sequence[bytes], *, most: int, only: int | None = None
    ) -> list[AccountHistory | LookupFailedError]:
        """Return all that touches each account, oldest first; with `only`, of that block alone.

        One with more than `most` transactions is answered with `LookupFailedError`. Raises
        `RequestBudgetError` where the recorder allows no further request.
        """
        ...

    def remember_with(self, memory: AnswerMemory) -> None:
        """Take answers as of the block that is seen from a memory, and give it new ones."""
        ...

    @property
    def reused(self) -> int:
        """Return how many answers were known from before."""
        ...

    def stand_at(self, place: BlockPlace) -> bool:
        """See the chain as it was when that block was the last; false where it has no such block.

        What is seen stays as it was then.
        """
        ...

    def place(self, height: int) -> BlockPlace:
        """Return the block at a height of the present chain; `LookupFailedError` past its end."""
        ...

    def tip_time(self) -> int:
        """Return the time of the last block that is seen, in seconds since 1970."""
        ...

    def sent(self, tx_hashes: Sequence[bytes]) -> list[SentTransaction | LookupFailedError]:
        """Return who sent each transaction to whom, and in which block it stands."""
        ...

    def balances(
        self, accounts: Sequence[bytes], contract: bytes | None
    ) -> list[int | LookupFailedError]:
        """Return present balances: of the coin, or of a token's contract."""
        ...
