"""What a trace of balances answers, in the shape in which it leaves the program.

It is the answer to a trace of coins, with what balances need beside it. What stands there for a
coin is here a movement (`TXHASH:POSITION`, by its place in the transaction) or, where many
movements made it, a balance. Amounts of several assets stand in one answer, so each names its own;
they are never added up across assets.
"""

from dataclasses import dataclass
from datetime import datetime

from arien_flows.passages.mixers import MixerInferences
from arien_flows.shapes import Certainty, Shape
from arien_flows.tracing.answer import (
    Bucket,
    EndSum,
    Fee,
    Leaf,
    RequestShape,
    ServiceTotal,
    Totals,
    TraceAnswer,
)
from arien_flows.tracing.graph_answer import Graph, GraphEdge, GraphNode
from arien_flows.tracing.points import ServiceCoin, ServicePoint
from arien_flows.tracing.timeline_answer import Timeline

VERSION = 1
"""Of how an answer is put together: what sources mean, which balances are looked into, the ends and
their sums, the graph."""


@dataclass(frozen=True, slots=True, kw_only=True)
class AccountRequestShape(RequestShape):
    """The question as it was understood; hops are transfers, and the budget counts movements."""

    asset: str
    """What was traced: the coin's name, or the token's contract."""

    gas_order: str
    """`last` or `first`: whether a transaction's gas is paid after its value, or before."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Unit(Shape):
    """What an amount counts."""

    asset: str
    """What stands beside amounts: `ETH`, `USDC`; `?` follows a name that nobody vouches for."""

    decimals: int
    """Digits after the point when base units are shown as whole units; 0 where they are unknown."""

    contract: str | None
    """The token's contract; none for the coin."""


@dataclass(frozen=True, slots=True, kw_only=True)
class AccountLeaf(Leaf):
    """A movement, or a balance, at which a path ended."""

    unit: Unit
    """What the amounts count."""


@dataclass(frozen=True, slots=True, kw_only=True)
class AccountFee(Fee):
    """Traced money in gas: what was burnt is destroyed, and a tip went to the fee recipient."""

    unit: Unit
    """What the amounts count."""


@dataclass(frozen=True, slots=True, kw_only=True)
class AccountServiceTotal(ServiceTotal):
    """All paths of one asset that ended at one named service."""

    unit: Unit
    """What the amounts count."""


@dataclass(frozen=True, slots=True, kw_only=True)
class AccountEndSum(EndSum):
    """Ends of one reason and asset that are not listed one by one, as they are too many."""

    unit: Unit
    """What the amounts count."""


@dataclass(frozen=True, slots=True, kw_only=True)
class AccountBucket(Bucket):
    """The movements of one transaction and asset that were too small to follow, as one sum."""

    unit: Unit
    """What the amounts count."""


@dataclass(frozen=True, slots=True, kw_only=True)
class AccountServiceCoin(ServiceCoin):
    """One movement to (backward: from) a service at which a path ended."""

    counterparty: str | None
    """Who paid it; backward, who was paid. An exchange gives each customer an address to pay to,
    and gathers what comes there: so this is often the address that names the customer."""


@dataclass(frozen=True, slots=True, kw_only=True)
class AccountServicePoint(ServicePoint):
    """All movements of one asset at one account of a service at which paths ended."""

    unit: Unit
    """What the amounts count."""


@dataclass(frozen=True, slots=True, kw_only=True)
class AccountTotals(Totals):
    """Where all of one asset is.

    `source` and `came_by_conversion` are the sum of the rest, for every policy but poison.
    """

    came_by_conversion: str
    """Traced units that were got (backward: given) for another asset."""

    converted_away: str
    """Traced units that were given (backward: got) for another asset, in which they are traced
    on."""


@dataclass(frozen=True, slots=True, kw_only=True)
class AssetTotals(Shape):
    """One asset of the trace."""

    unit: Unit
    """What the amounts count."""

    standing: str
    """`coin`, `listed`, `unverified`, or `imitation` of a listed asset."""

    is_conserving: bool
    """Whether what left always arrived; not so for tokens that keep a fee, or whose balances change
    by themselves: for those the trace follows what arrived."""

    totals: AccountTotals
    """Where all of it is."""

    timeline: Timeline
    """When it came to where its paths ended."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ConversionStep(Shape):
    """Traced money that became another asset in the hands of its owner."""

    rule: str
    """`swap-eulerian`, `swap-net`, `wrap` or `unwrap`."""

    txid: str
    """The transaction."""

    height: int
    """Of its block."""

    time: datetime
    """The time that the header of that block states."""

    owner: str
    """Whose money it was: the account that gave and got."""

    gave: Unit
    """What was given."""

    gave_amount: str
    """All of it, in base units."""

    gave_traced: str
    """The traced part."""

    got: Unit
    """What was got."""

    got_amount: str
    """All of it, in base units."""

    got_traced: str
    """The traced part: the same fraction, rounded once."""

    hops: int
    """Transfers from the nearest source."""

    certainty: Certainty
    """`fact` where a listed contract gives one for one; else `inference` by the rule."""


@dataclass(frozen=True, slots=True, kw_only=True)
class AccountGraphNode(GraphNode):
    """A holder of one asset."""

    unit: Unit
    """What the amounts count."""


@dataclass(frozen=True, slots=True, kw_only=True)
class AccountGraphEdge(GraphEdge):
    """Traced money that went from one holder to another, or that became another asset."""

    unit: Unit
    """What the amounts count."""

    gave: str
    """What left, in base units of the asset of the node that paid; the amount, unless it was
    converted."""

    rule: str | None
    """The rule of a conversion; nothing for transfers."""


@dataclass(frozen=True, slots=True, kw_only=True)
class AccountTraceAnswer(TraceAnswer):
    """The answer to a trace of balances; `asset` and `totals` are those of the source."""

    contract: str | None
    """Of the token that was traced; none for the coin."""

    totals: AccountTotals
    """Where all of the asset of the source is."""

    services: tuple[AccountServiceTotal, ...]
    """Sums by named service and asset, largest first."""

    service_points: tuple[AccountServicePoint, ...]
    """The movements at services to ask about, by account and asset."""

    leaves: tuple[AccountLeaf, ...]
    """Every movement or balance at which a path ended, by asset, largest first."""

    further: tuple[AccountEndSum, ...]
    """Ends past the 20,000 largest that are at no service, summed by reason and asset."""

    buckets: tuple[AccountBucket, ...]
    """Movements too small to follow, summed by transaction and asset."""

    destroyed: tuple[AccountLeaf, ...]
    """Traced money that nobody can ever spend; burnt gas stands among `fees`."""

    fees: tuple[AccountFee, ...]
    """Traced money in gas, in chain order; nothing in fee mode `drop`."""

    assets: tuple[AssetTotals, ...]
    """Every asset of the trace, that of the source first; `totals` and `timeline` tell of it."""

    conversions: tuple[ConversionStep, ...]
    """Where traced money became another asset, in chain order."""

    mixers: MixerInferences | None
    """Withdrawals that may be of the money that went into mixers, if the request asks for them and
    deposits into pools of fixed amounts are among the ends. No total, leaf or node rests on them.
    `inferences`, which tells of CoinJoins, is empty."""

    graph: Graph
    """The flow; a holder of several assets is a node for each of them."""
