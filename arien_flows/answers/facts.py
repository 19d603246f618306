"""Parts that several answers share: flags, where a transaction stands, how far a view reaches."""

from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import UTC, datetime

import numpy as np

from arien_flows.ledger.view import View
from arien_flows.shapes import Certainty, Shape
from chains.tables import ScriptType

_TIME_AT = 68
"""Where a header holds its time: four bytes, little-endian."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Sighting(Shape):
    """A transaction and when it was confirmed."""

    txid: str
    """Transaction id as people read it."""

    height: int
    """Height of its block."""

    time: datetime
    """The time that the block's header states; a miner may set it up to two hours wrong."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Flag(Shape):
    """Something that stands out about a transaction or an address."""

    name: str
    """Stable name."""

    certainty: Certainty
    """Whether the chain says it or a rule."""

    detail: str
    """What it means here."""

    rule: str | None = None
    """The rule that says so, with its version, where it is an inference."""

    error_rates: dict[str, str] = field(default_factory=dict)
    """By rule: how often it was wrong, and among what; or `not measured`."""


def sighting(view: View, transaction: int) -> Sighting:
    """Return where and when a transaction was confirmed."""
    block = block_of(view, transaction)
    return Sighting(
        txid=view.txid_text(transaction),
        height=int(view.block_height[block]),
        time=block_time(view, block),
    )


def sightings(view: View, transactions: Iterable[int]) -> list[Sighting]:
    """Return where and when transactions were confirmed, in the order given."""
    return [sighting(view, transaction) for transaction in transactions]


def named(view: View, address: int) -> str:
    """Return the text of an address number that is known to have one."""
    text = view.address_text(address)
    if text is None:
        raise ValueError("data outputs belong to no entity")
    return text


def block_of(view: View, transaction: int) -> int:
    """Return the row of the block table that a transaction belongs to."""
    return int(np.searchsorted(view.first_transaction, transaction, side="right")) - 1


def block_time(view: View, block: int) -> datetime:
    """Return the time that the header in a row of the block table states."""
    seconds = int.from_bytes(view.header[block, _TIME_AT : _TIME_AT + 4].tobytes(), "little")
    return datetime.fromtimestamp(seconds, UTC)


def script_type_name(script_type: int) -> str:
    """Return the name of a kind of script as answers write it: `p2wpkh`."""
    return ScriptType(script_type).name.lower()
