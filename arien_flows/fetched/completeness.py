"""What an answer from fetched transactions leaves open, and where it comes from."""

from dataclasses import dataclass

from arien_flows.fetched.assembly import Assembled
from arien_flows.shapes import Shape, Truncation
from chains.types import Int64Array


@dataclass(frozen=True, slots=True, kw_only=True)
class Origin(Shape):
    """Where fetched transactions come from."""

    source: str
    """The source's URI, without user, password and key."""

    requests: int
    """Requests that were made for this answer, in this run."""

    requests_allowed: int
    """Most requests that this run might make."""

    reused: int
    """Answers of earlier runs that were used again, because they still hold."""

    transactions: int
    """Transactions that the answer stands on, each proved to stand in its block."""

    inputs_proved: int
    """Inputs whose amount is read from the transaction that made the coin."""

    inputs_stated: int
    """Inputs whose amount is what the source states."""

    facts_sha256: str
    """Over everything that the source said and the answer rests on, whatever the order."""

    record: str | None = None
    """Name of the record in the archive by which the answer can be made again without asking."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Fetched:
    """What a view of fetched transactions leaves open."""

    ledger: Assembled
    unasked: Int64Array
    """Outputs whose spender nobody has asked for, ascending."""

    limits: tuple[Truncation, ...]
    """What every answer from this view leaves out."""

    origin: Origin
