"""The question on a chain of accounts: what to trace, of which asset, and how far.

It is the question that is asked about coins (`tracing.request`), with what balances need beside
it: the asset, and whether gas is paid before or after the value of its transaction. Hops are
transfers, and the budget counts movements.
"""

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Literal, get_args

from arien_flows.entities.constraints import SERVICE_CONFIDENCE
from arien_flows.errors import InputError
from arien_flows.prices.currencies import currency_named
from arien_flows.tracing.request import (
    BACKWARD_HORIZON_DAYS,
    MAX_DAYS,
    MAX_GRAPH_NODES,
    MAX_HOPS,
    MAX_SECONDS,
    MAX_SOURCES,
    MIN_VALUE_SHARE,
    POLICIES,
    DemixName,
    DirectionName,
    FeeMode,
    PolicyName,
)
from arien_flows.tracing.request_checks import check_choice, check_range
from chains.ethereum.networks import ETHER_WEI
from heuristics.account_events import FeeMode as FeeCode
from heuristics.account_events import GasOrder
from heuristics.stops import Direction
from heuristics.taint import Policy

GasOrderName = Literal["last", "first"]
AccountLevelName = Literal["entity", "address"]

ACCOUNT_POLICY_NAMES: tuple[PolicyName, ...] = ("fifo", "lifo", "haircut", "poison")
"""Conventions that have a meaning on balances."""

NO_OUTPUTS = (
    "tiho, seniority and reverse_seniority choose among the outputs of one transaction, and a "
    "balance pays one receiver at a time"
)
MAX_BUDGET = 5_000_000
LEAST_MIN_VALUE_WEI = ETHER_WEI // 1_000
LARGEST_AMOUNT = 2**256 - 1


@dataclass(frozen=True, slots=True, kw_only=True)
class AccountTraceRequest:
    """A trace to be made. Raises `InputError` where it cannot be."""

    sources: tuple[str, ...]
    """Addresses, `TXHASH:POSITION` (one movement of a transaction), or `entity:ADDRESS`."""

    asset: str | None = None
    """The coin's name, the symbol of a listed token, or a token's contract; by default the coin,
    or what the movements are of that sources name."""

    direction: DirectionName = "forward"
    policy: PolicyName = "fifo"
    max_hops: int = 12
    """Transfers between a source and the end of a path; a conversion is none."""

    min_value: int | None = None
    """Accounts that less than this reaches, in base units of the asset, are not looked into; by
    default 0.001 coins or 0.1 % of the source, of tokens 0.1 %. Of what was converted, the same
    share."""

    since: datetime | None = None
    """Transactions before this are not followed."""

    until: datetime | None = None
    """Transactions after this are not followed."""

    horizon_days: int | None = None
    """How long after the last (backward: before the first) of the sources money is followed; by
    default without end forward and 365 days backward."""

    budget: int = 200_000
    """Movements that may be looked at."""

    fan_out: int = 200
    """An account with more movements of the asset than this deals with many, ..."""

    fan_out_percent: int = 1
    """... and is not looked into when less than this percentage of its money is traced."""

    dormant_days: int = 730
    """A balance that nothing was paid from for longer than this is dormant."""

    seconds: int | None = None
    """After this long the search ends; the movements looked at by then become the budget."""

    min_confidence: int = SERVICE_CONFIDENCE
    """Confidence, of 100, from which a tag that names a service ends paths there."""

    fee_mode: FeeMode = "track"
    """Whether each traced tip is listed, only their sum is told, or tips are followed to the fee
    recipient (`track_coinbase`). What is burnt is destroyed, whatever the mode."""

    gas_order: GasOrderName = "last"
    """Whether a transaction's gas is paid after its value, or before."""

    graph_nodes: int = 600
    """Nodes of the graph in the answer; smaller branches are folded, with their sums."""

    fiat: str | None = None
    """Currency in which money is valued at the time at which it was paid, as `EUR`."""

    demix: DemixName = "stop"
    """`candidates` lists withdrawals that may be of the money that went into mixers."""

    level: AccountLevelName = "entity"
    """What the nodes of the graph are."""

    def __post_init__(self) -> None:
        if not 1 <= len(self.sources) <= MAX_SOURCES:
            raise InputError(f"name 1 to {MAX_SOURCES:,} sources, not {len(self.sources):,}")
        check_choice("direction", self.direction, get_args(DirectionName))
        check_choice("policy", self.policy, POLICIES)
        if self.policy not in ACCOUNT_POLICY_NAMES:
            raise InputError(f"{NO_OUTPUTS}; use one of {', '.join(ACCOUNT_POLICY_NAMES)}")
        check_range("max_hops", self.max_hops, 1, MAX_HOPS)
        check_range("budget", self.budget, 1, MAX_BUDGET)
        check_range("fan_out", self.fan_out, 1, 2**31)
        check_range("fan_out_percent", self.fan_out_percent, 0, 100)
        check_range("dormant_days", self.dormant_days, 1, MAX_DAYS)
        check_range("min_confidence", self.min_confidence, 0, 100)
        check_choice("fee_mode", self.fee_mode, get_args(FeeMode))
        check_choice("gas_order", self.gas_order, get_args(GasOrderName))
        check_choice("level", self.level, get_args(AccountLevelName))
        check_choice("demix", self.demix, get_args(DemixName))
        if self.lists_candidates and not self.is_forward:
            raise InputError(
                "candidates are looked for behind deposits into mixers, which only a trace forward "
                "comes to: leave out demix, or trace forward"
            )
        check_range("graph_nodes", self.graph_nodes, 10, MAX_GRAPH_NODES)
        if self.seconds is not None:
            check_range("seconds", self.seconds, 1, MAX_SECONDS)
        if self.min_value is not None:
            check_range("min_value", self.min_value, 1, LARGEST_AMOUNT)
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
    def policy_code(self) -> Policy:
        """The policy as kernels know it."""
        return POLICIES[self.policy]

    @property
    def gas_code(self) -> GasOrder:
        """The gas order as kernels know it."""
        return GasOrder.LAST if self.gas_order == "last" else GasOrder.FIRST

    @property
    def fee_code(self) -> FeeCode:
        """The fee mode as kernels know it."""
        return FeeCode[self.fee_mode.upper()]

    @property
    def follows_tips(self) -> bool:
        """Whether tips are followed to the fee recipient."""
        return self.fee_mode == "track_coinbase"

    @property
    def lists_candidates(self) -> bool:
        """Whether withdrawals are looked for that may be of money that went into mixers."""
        return self.demix == "candidates"

    @property
    def horizon(self) -> timedelta | None:
        """The horizon in force."""
        if self.horizon_days is not None:
            return timedelta(days=self.horizon_days)
        return None if self.is_forward else timedelta(days=BACKWARD_HORIZON_DAYS)

    def smallest_followed(self, source: int, *, is_coin: bool) -> int:
        """Return the least that is followed, in base units, given the sum of the sources."""
        if self.min_value is not None:
            return self.min_value
        share = source // MIN_VALUE_SHARE
        return max(LEAST_MIN_VALUE_WEI, share) if is_coin else max(share, 1)
