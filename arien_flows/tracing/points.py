"""Where money reached a service, in the words that a production order needs.

What a service knows about a customer begins at the coin that it was paid (backward: that it paid
out). These shapes name that coin, the transaction that moved it, and who says whose it is.
"""

from dataclasses import dataclass
from datetime import datetime

from arien_flows.shapes import Certainty, Shape


@dataclass(frozen=True, slots=True, kw_only=True)
class NextMove(Shape):
    """What happened to the coin afterwards: who moved it then, the chain does not say."""

    txid: str
    """The transaction that spends the coin; backward, the one that paid it to the service."""

    height: int
    """Of its block."""

    time: datetime
    """The time that the header of that block states."""

    inputs: int
    """Coins that it spends."""

    outputs: int
    """Coins that it makes."""

    certainty: Certainty = "fact"
    """The chain says so."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ServiceCoin(Shape):
    """One coin at a service at which a path ended."""

    outpoint: str | None
    """`txid:vout` of the coin; none for a coin from outside the ledger."""

    txid: str
    """The transaction to ask about: the one that paid the coin to the service; backward, the one
    in which the service spent it."""

    height: int
    """Of the block of that transaction."""

    time: datetime
    """The time that the header of that block states."""

    value: str
    """The whole coin, in base units."""

    traced: str
    """The traced part of it by the policy of the request, in base units."""

    hops: int
    """Transactions from the nearest source."""

    next: NextMove | None
    """What happened on the other side of the coin; nothing where it is not known or unspent."""

    certainty: Certainty = "inference"
    """Of the traced part: it follows from the policy."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ServicePoint(Shape):
    """All coins of one address of a service at which paths ended."""

    kind: str
    """`deposit` where money went to the service, `withdrawal` where it came from there."""

    label: str
    """Name that the source gives the service."""

    concepts: tuple[str, ...]
    """Categories and abuse types of the tag, such as `exchange`."""

    reason: str
    """Why paths ended there: `service_reached`, `mixer` or `bridge`."""

    source: str
    """Who says so."""

    confidence: int
    """0 to 100, as the tag states it."""

    tagged: str
    """`direct` where the tag is for this very address, `inherited` where it is for another
    address of the same entity: that both are one entity is an inference."""

    address: str
    """The address at the service, canonical."""

    entity: str | None
    """First-seen address of the entity; the address itself where no rule joined it."""

    value: str
    """Sum of the whole coins, in base units."""

    traced: str
    """Sum of their traced parts, in base units."""

    first_time: datetime
    """Header time of the first of the coins' transactions."""

    last_time: datetime
    """Header time of the last."""

    coins: tuple[ServiceCoin, ...]
    """In chain order."""

    text: str
    """The question to the service, ready to be copied; lines end with a line feed."""

    certainty: Certainty = "attribution"
    """The name is a source's; the amounts are an inference."""


@dataclass(frozen=True, slots=True, kw_only=True)
class PointSpan(Shape):
    """What ended at one address of a service under each policy."""

    label: str
    """Name that the source gives the service."""

    address: str
    """The address at the service, canonical."""

    value: str
    """Sum of the whole coins at which paths ended under any policy, in base units."""

    traced: dict[str, str]
    """In base units by policy; `"0"` where the policy leads nothing there."""

    least: str
    """Over the policies that conserve amounts; poison is an upper bound for reach, not money."""

    most: str
    """Over the same policies."""
