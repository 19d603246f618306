"""The question: what to trace, which way, by which convention, and how far.

Everything is bounded. Limits that are left open take the defaults of this module; the answer
states the values that were used.
"""

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Literal, get_args

from arien_flows.entities.constraints import SERVICE_CONFIDENCE
from arien_flows.errors import InputError
from arien_flows.prices.currencies import currency_named
from arien_flows.tracing.request_checks import check_choice, check_range
from chains.bitcoin.networks import COIN_SAT
from heuristics.exact import LARGEST_AMOUNT
from heuristics.stops import Direction
from heuristics.taint import Policy

Pin = tuple[str, int, int]
"""Id of a node, and its x and y."""

LevelName = Literal["entity", "address", "transaction"]
DirectionName = Literal["forward", "backward"]
PolicyName = Literal["fifo", "lifo", "haircut", "poison", "tiho", "seniority", "reverse_seniority"]

FeeMode = Literal["track", "drop", "track_coinbase"]
SubsidyOrder = Literal["first", "last"]

POLICIES: dict[PolicyName, Policy] = {
    "fifo": Policy.FIFO,
    "lifo": Policy.LIFO,
    "haircut": Policy.HAIRCUT,
    "poison": Policy.POISON,
    "tiho": Policy.TIHO,
    "seniority": Policy.SENIORITY,
    "reverse_seniority": Policy.REVERSE_SENIORITY,
}
"""Accounting conventions by the names that people type."""

BACKWARD_POLICIES: tuple[PolicyName, ...] = tuple(
    name for name, policy in POLICIES.items() if policy.has_inverse
)
"""Those by which one can ask where money came from."""

FORWARD_ONLY = (
    "tiho, seniority and reverse_seniority decide by sums over all outputs, from which no input "
    "can be told: backward they have no meaning"
)
DemixName = Literal["stop", "candidates"]
"""Whether candidates behind CoinJoins are listed; paths end at CoinJoins either way."""

MAX_SOURCES = 1_000
MAX_HOPS = 10_000
MAX_DAYS = 36_500
MAX_BUDGET = 2_000_000
MAX_GRAPH_NODES = 5_000
MAX_DEMIX_DEPTH = 10
MAX_EXPANDED = 100
MAX_PINS = 10_000
FURTHEST_PIN = 1_000_000_000
MAX_SECONDS = 86_400

BACKWARD_HORIZON_DAYS = 365
"""Backward, how long before each source money is followed unless the request says otherwise."""

LEAST_MIN_VALUE_SAT = COIN_SAT // 1_000
MIN_VALUE_SHARE = 1_000
"""The default smallest amount is 0.001 coins, or this part of the source if that is more."""


@dataclass(frozen=True, slots=True, kw_only=True)
class TraceRequest:
    """A trace to be made. Raises `InputError` where it cannot be."""

    sources: tuple[str, ...]
    """Addresses, `txid:vout`, or `entity:ADDRESS`."""

    direction: DirectionName = "forward"
    policy: PolicyName = "fifo"
    max_hops: int = 12
    """Transactions between a source and the end of a path."""

    min_value_sat: int | None = None
    """Amounts below this are not followed; by default 0.001 coins or 0.1 % of the source."""

    since: datetime | None = None
    """Transactions before this are not followed; compared with the block's median time past."""

    until: datetime | None = None
    """Transactions after this are not followed."""

    horizon_days: int | None = None
    """How long after (backward: before) each source money is followed; by default without end
    forward and 365 days backward."""

    budget: int = 200_000
    """Transactions that may be looked at."""

    fan_out_outputs: int = 200
    """A transaction with more outputs than this is a batch payout, ..."""

    fan_out_percent: int = 1
    """... and is not followed when less than this percentage of its money is traced."""

    dormant_days: int = 730
    """Unspent for longer than this is dormant."""

    seconds: int | None = None
    """After this long the search ends; the transactions looked at by then become the budget."""

    min_confidence: int = SERVICE_CONFIDENCE
    """Confidence, of 100, from which a tag that names a service ends paths there."""

    fee_mode: FeeMode = "track"
    """Whether each traced fee is listed, only their sum is told, or fees are followed into the
    coinbase of their block."""

    subsidy_order: SubsidyOrder = "first"
    """Whether a coinbase's new money comes before or after the fees that it collects."""

    graph_nodes: int = 600
    """Nodes of the graph in the answer; smaller branches are folded, with their sums."""

    fiat: str | None = None
    """Currency in which money is valued at the time at which it was paid, as `EUR`."""

    demix: DemixName = "stop"
    """`candidates` lists, beside the answer, the coins that may be the traced ones behind the
    CoinJoins at which paths end; no amount rests on them."""

    demix_depth: int = 3
    """CoinJoins in a row that such candidates are followed through."""

    level: LevelName = "entity"
    """What the nodes of the graph are."""

    expanded: tuple[str, ...] = ()
    """Nodes of the graph to open, in turn, each by its id in the graph before."""

    pins: tuple[Pin, ...] = ()
    """Where nodes of the graph must stand."""

    def __post_init__(self) -> None:
        if not 1 <= len(self.sources) <= MAX_SOURCES:
            raise InputError(f"name 1 to {MAX_SOURCES:,} sources, not {len(self.sources):,}")
        if self.direction not in get_args(DirectionName):
            raise InputError(f"direction {self.direction!r} is neither forward nor backward")
        check_choice("policy", self.policy, POLICIES)
        if self.policy not in policies_of(self.direction):
            raise InputError(f"{FORWARD_ONLY}; use one of {', '.join(BACKWARD_POLICIES)}")
        check_range("max_hops", self.max_hops, 1, MAX_HOPS)
        check_range("budget", self.budget, 1, MAX_BUDGET)
        check_range("fan_out_outputs", self.fan_out_outputs, 1, 2**31)
        check_range("fan_out_percent", self.fan_out_percent, 0, 100)
        check_range("dormant_days", self.dormant_days, 1, MAX_DAYS)
        check_range("min_confidence", self.min_confidence, 0, 100)
        check_choice("fee_mode", self.fee_mode, get_args(FeeMode))
        check_choice("subsidy_order", self.subsidy_order, get_args(SubsidyOrder))
        if self.seconds is not None:
            check_range("seconds", self.seconds, 1, MAX_SECONDS)
        check_range("graph_nodes", self.graph_nodes, 10, MAX_GRAPH_NODES)
        check_range("demix_depth", self.demix_depth, 1, MAX_DEMIX_DEPTH)
        if self.demix not in get_args(DemixName):
            raise InputError(f"demix {self.demix!r} is neither stop nor candidates")
        if self.level not in get_args(LevelName):
            raise InputError(f"level {self.level!r} is not one of {', '.join(get_args(LevelName))}")
        if len(self.expanded) > MAX_EXPANDED:
            raise InputError(f"at most {MAX_EXPANDED} nodes can be opened in one graph")
        if len(self.pins) > MAX_PINS:
            raise InputError(f"at most {MAX_PINS:,} nodes can be pinned")
        if any(abs(place) > FURTHEST_PIN for _, x, y in self.pins for place in (x, y)):
            raise InputError(f"pins must be between -{FURTHEST_PIN:,} and {FURTHEST_PIN:,}")
        if self.min_value_sat is not None:
            check_range("min_value", self.min_value_sat, 1, LARGEST_AMOUNT)
        if self.horizon_days is not None:
            check_range("horizon", self.horizon_days, 1, MAX_DAYS)
        if self.fiat is not None and currency_named(self.fiat) != self.fiat:
            raise InputError(f"write the currency as {currency_named(self.fiat)}, not {self.fiat}")
        for name, moment in (("since", self.since), ("until", self.until)):
            if moment is not None and moment.tzinfo is None:
                raise InputError(f"{name} needs a time zone: write 2026-03-01T00:00:00Z")
        if self.since is not None and self.until is not None and self.since > self.until:
            raise InputError("since lies after until: no time is left to trace in")

    @property
    def is_forward(self) -> bool:
        """Whether money is followed to where it went."""
        return self.direction == "forward"

    @property
    def direction_code(self) -> Direction:
        """The direction as kernels know it."""
        return Direction.FORWARD if self.is_forward else Direction.BACKWARD

    @property
    def follows_fees(self) -> bool:
        """Whether fees are followed into coinbases, and out of them backward."""
        return self.fee_mode == "track_coinbase"

    def check_for_fetched(self) -> None:
        """Raise `InputError` where the request needs whole blocks."""
        if self.follows_fees:
            raise InputError(
                "fees can be followed only through a ledger of whole blocks, because a coinbase "
                "collects those of all transactions of its block: use --fee-mode track"
            )

    @property
    def policy_code(self) -> Policy:
        """The policy as kernels know it."""
        return POLICIES[self.policy]

    @property
    def horizon(self) -> timedelta | None:
        """The horizon in force."""
        if self.horizon_days is not None:
            return timedelta(days=self.horizon_days)
        return None if self.is_forward else timedelta(days=BACKWARD_HORIZON_DAYS)

    def smallest_followed_sat(self, source_sat: int) -> int:
        """Return the smallest amount that is followed, given the sum of the sources."""
        if self.min_value_sat is not None:
            return self.min_value_sat
        return max(LEAST_MIN_VALUE_SAT, source_sat // MIN_VALUE_SHARE)


def policies_of(direction: DirectionName) -> tuple[PolicyName, ...]:
    """Return the policies by which a question in a direction can be answered."""
    return tuple(POLICIES) if direction == "forward" else BACKWARD_POLICIES
