"""What sources that are asked about single addresses and transactions answer.

Nothing of it is believed: a transaction must hash to the id that was asked for, a position is
proved by a merkle branch against a header, and a header by its own work. Who asks does the
checking, because a proof needs answers of several kinds.
"""

from dataclasses import dataclass

from chains.types import TxIdRaw


@dataclass(frozen=True, slots=True, kw_only=True)
class Sighting:
    """A transaction that touches a script, and where it is said to stand."""

    txid: TxIdRaw
    height: int | None
    """Nothing while it is unconfirmed."""


@dataclass(frozen=True, slots=True, kw_only=True)
class OutputQuestion:
    """An output whose spender is asked for."""

    txid: TxIdRaw
    vout: int
    script: bytes
    """The output's script."""

    height: int
    """Of the transaction that makes the output; its spender stands there or later."""


@dataclass(frozen=True, slots=True, kw_only=True)
class StatedOutput:
    """What an input spends, as the source states it without showing that transaction."""

    value_sat: int
    script: bytes


@dataclass(frozen=True, slots=True, kw_only=True)
class FetchedTransaction:
    """A transaction's bytes."""

    raw: bytes
    """Serialised with its witness, as on the chain."""

    spent: tuple[StatedOutput, ...] | None
    """What each input spends, in order; nothing where the source does not say. Empty for a
    coinbase."""

    height: int | None = None
    """Of its block, as the source states it beside the bytes; nothing where the transaction is
    unconfirmed or the source does not say. A merkle branch for that height proves it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class MerkleBranch:
    """The proof that a transaction stands in a block."""

    position: int
    """Of the transaction in its block."""

    path: tuple[bytes, ...]
    """The hashes to combine with, from the leaves up, as stored."""


@dataclass(frozen=True, slots=True, kw_only=True)
class BlockHeader:
    """A header of the best chain."""

    height: int
    header: bytes
    """80 bytes."""

    median_time: int
    """Median time past with this block, in seconds since 1970: computed from eleven headers, or
    as the source states it."""
