"""What moved between a subject and each neighbour: a partition of all that the subject moved.

Every unit is in one place: with a neighbour, or in the rest under its reason. What does not add up
is a bug, and raises.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Literal

from arien_flows.shapes import Truncation
from heuristics.conservation import ConservationError

Direction = Literal["in", "out"]
"""Who paid the subject, or whom it paid."""

MOST_TRANSACTIONS = 200_000
"""Transactions of a subject that are looked at, the last ones."""

MOST_ADDRESSES = 20_000
"""Addresses of an entity that are looked at, the first ones."""

MOST_ROWS = 4_000_000
"""Inputs and outputs, or movements, that are looked at."""


class Rest(StrEnum):
    """Why an amount belongs to no neighbour."""

    OWN = "own"
    """It came back to the subject, or came from it."""

    FEES = "fees"
    NEWLY_MINED = "newly_mined"
    """Nobody had it before: new money, fees of a block, balances at the beginning."""

    DESTROYED = "destroyed"
    """Nobody has it afterwards."""

    COINJOIN = "coinjoin"
    """It went through a transaction that a rule takes for a CoinJoin, where shares mean nothing."""

    ROUNDING = "rounding"
    """What is cut off where shares are no whole units."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Relations:
    """All relations of a subject in one direction; sequences run in parallel.

    The largest value first; those of one value in the order in which they first appeared on the
    chain. Raises `ConservationError` where values and rest do not sum to the total.
    """

    holders: Sequence[int]
    """Number of each neighbour: its own, or that of the first-seen address of its entity."""

    values: Sequence[int]
    """Base units that moved; may be 0 where the share of a transaction is less than one."""

    transactions: Sequence[int]
    """Transactions in which something moved between both."""

    first: Sequence[int]
    """The first of them."""

    last: Sequence[int]
    facts: Sequence[bool]
    """Whether the chain says so, and no convention had to divide anything."""

    rest: Mapping[Rest, int]
    total: int
    """What the subject moved in the transactions that were looked at."""

    looked_at: int
    """Transactions that were looked at."""

    truncations: tuple[Truncation, ...]

    def __post_init__(self) -> None:
        if min(self.values, default=0) < 0 or min(self.rest.values(), default=0) < 0:
            raise ConservationError("a relation is worth less than nothing")
        accounted = sum(self.values) + sum(self.rest.values())
        if accounted != self.total:
            raise ConservationError(f"{self.total} were moved and {accounted} accounted for")


def cut_of(seen: int, known: int, limit: int, what: str) -> tuple[Truncation, ...]:
    """Say that only some were looked at, where that is so."""
    if seen >= known:
        return ()
    return (
        Truncation(
            where="neighbours",
            reason=f"too_many_{what}",
            limit=limit,
            detail=f"{seen:,} of {known:,} {what} were looked at: sums are of those, and others "
            "may be larger",
        ),
    )
