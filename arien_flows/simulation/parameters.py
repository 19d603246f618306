"""What a simulated chain is made from: its size, its seed, and how its files are laid out.

Everything else follows from these. The chain always spans the same stretch of calendar time, so
that a chain of 2,000 transactions has slow blocks and one of 20 million has quick ones; listings,
payouts and spend ages then look alike at every size.
"""

from dataclasses import dataclass
from typing import Literal, get_args

from arien_flows.simulation.errors import ParameterError

SMALLEST = 2_000
LARGEST = 20_000_000

FUNDING_BLOCKS = 120
"""Blocks that only pay miners: a coinbase output may be spent 100 blocks later."""

SMALLEST_ECONOMY_BLOCKS = 140
FULL_BLOCK_TRANSACTIONS = 1_500
"""Mean number of transactions in a block once the chain is long enough to fill blocks."""

START_TIME = 1_672_531_200
"""Time of the first block after genesis: 2023-01-01 00:00:00 UTC."""

SPAN_SECONDS = 540 * 86_400
"""Time from the first to the last block."""

WalletFamily = Literal["plain", "training", "evaluation"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Parameters:
    """The request for one simulated chain; equal requests give equal block files."""

    transactions: int
    """Transactions to write, coinbases included, genesis aside: 2,000 to 20,000,000."""

    seed: int = 1
    """Any unsigned 64-bit number."""

    xor_key: bytes = b""
    """Eight bytes with which block files are obfuscated, as Bitcoin Core 28 and later do; empty
    for plain files."""

    disorder: bool = True
    """Write some blocks later than their successors, and a stale branch, as real nodes do."""

    wallets: WalletFamily = "plain"
    """Which wallet programs people and services use. The families "training" and "evaluation"
    have no program in common, so that what is fitted on one can be judged on the other."""

    def __post_init__(self) -> None:
        if not SMALLEST <= self.transactions <= LARGEST:
            raise ParameterError(
                f"transactions must be between {SMALLEST:,} and {LARGEST:,}, "
                f"not {self.transactions:,}"
            )
        if not 0 <= self.seed < 2**64:
            raise ParameterError("seed must be an unsigned 64-bit number")
        if len(self.xor_key) not in (0, 8):
            raise ParameterError("xor_key must have 8 bytes, or none for plain files")
        if self.wallets not in get_args(WalletFamily):
            names = ", ".join(get_args(WalletFamily))
            raise ParameterError(f"wallets must be one of {names}, not {self.wallets!r}")

    @property
    def economy_blocks(self) -> int:
        """Return the number of blocks in which people trade."""
        return max(SMALLEST_ECONOMY_BLOCKS, -(-self.transactions // FULL_BLOCK_TRANSACTIONS))

    @property
    def tip_height(self) -> int:
        """Return the height of the last block; genesis has height 0."""
        return FUNDING_BLOCKS + self.economy_blocks

    @property
    def users(self) -> int:
        """Return the number of ordinary wallets, buyers among them."""
        return max(90, self.transactions // 25)

    @property
    def vendors(self) -> int:
        """Return the number of vendors, that is of wallets; some sell under two names."""
        return min(max(20, self.transactions // 5_000), 400)

    @property
    def suppliers(self) -> int:
        """Return the number of wholesalers that vendors buy from."""
        return max(3, self.vendors // 5)
