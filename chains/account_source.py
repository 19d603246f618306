"""What sources of a chain of accounts are, as `chains.source` says it for Bitcoin.

An `AccountBlockSource` delivers whole blocks in order and fills a ledger; an
`AccountLookupSource` answers about single accounts.
"""

from collections.abc import Iterator, Sequence
from typing import NamedTuple, Protocol

from chains.closing import Closing
from chains.errors import LookupFailedError
from chains.ethereum.networks import EthereumNetwork
from chains.ethereum.tables import AccountBatch


class BlockPlace(NamedTuple):
    """A block of the source's chain."""

    height: int
    block_hash: bytes


class AssetClaim(NamedTuple):
    """What a token's contract says of itself; a contract may say anything."""

    contract: bytes
    """20 bytes."""

    symbol: str
    name: str
    decimals: int | None
    """Nothing where the contract does not say."""


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


class AccountHistory(NamedTuple):
    """What an explorer knows of one account."""

    batch: AccountBatch
    """Every transaction that touches it, as blocks of just these; other movements of the same
    transactions may be missing."""

    is_whole: bool
    """Whether nothing was cut by a limit."""

    missing: tuple[str, ...]
    """What the explorer does not tell, in words for people."""


class AccountLookupSource(AccountSource, Protocol):
    """Answers about single accounts."""

    def histories(
        self, accounts: Sequence[bytes], *, most: int
    ) -> list[AccountHistory | LookupFailedError]:
        """Return all that touches each account, oldest first.

        One with more than `most` transactions is answered with `LookupFailedError`. Raises
        `RequestBudgetError` where the recorder allows no further request.
        """
        ...

    def balances(
        self, accounts: Sequence[bytes], contract: bytes | None
    ) -> list[int | LookupFailedError]:
        """Return present balances: of the coin, or of a token's contract."""
        ...
