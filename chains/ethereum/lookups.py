"""What sources of a chain of accounts answer, beside whole blocks."""

from typing import NamedTuple, Protocol

from chains.ethereum.tables import AccountBatch

UNTOLD = 1 << 62
"""Position of a transaction in its block, where the source does not tell it."""

LAST = UNTOLD + 1
"""Position of what stands after all transactions of a block."""


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


class SentTransaction(NamedTuple):
    """Who sent a transaction to whom, and in which block it stands."""

    height: int
    block_hash: bytes
    sender: bytes
    receiver: bytes | None
    """Nothing where it creates a contract."""


class AnswerMemory(Protocol):
    """Knows answers that were given before as of the same block. Called from several threads."""

    def recall(self, question: str) -> bytes | None:
        """Return the answer to a question, if there was one."""
        ...

    def remember(self, question: str, answer: bytes) -> None:
        """Keep the answer to a question."""
        ...


class AccountHistory(NamedTuple):
    """What an explorer knows of one account."""

    batch: AccountBatch
    """Every transaction that touches it, as blocks of just these; other movements of the same
    transactions may be missing. A block or system transaction whose hash is not told has zeros in
    its place, and the height in the last bytes of the transaction's id."""

    is_whole: bool
    """Whether nothing was cut by a limit."""

    missing: tuple[str, ...]
    """What the explorer does not tell, in words for people."""

    positions: tuple[int, ...]
    """Where each transaction of the batch stands in its block; -1 for what was there before it,
    `UNTOLD`, `LAST`."""

    places: tuple[tuple[int, ...], ...]
    """Where each movement of the batch stands in its transaction: these sort like the execution,
    as far as the explorer tells."""

    claims: tuple[AssetClaim, ...]
    """What it says of the tokens."""
