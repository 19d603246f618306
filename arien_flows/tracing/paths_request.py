"""The question for connections: from whom to whom, how far, and which come first."""

from dataclasses import dataclass
from datetime import datetime
from typing import Literal, get_args

from arien_flows.errors import InputError
from arien_flows.tracing.request import TraceRequest
from arien_flows.tracing.request_checks import check_range
from heuristics.connect_search import BY_HOPS, BY_VALUE
from heuristics.exact import LARGEST_AMOUNT

OrderName = Literal["value", "hops"]
ThroughName = Literal["services", "coinjoins"]

MAX_LISTED = 1_000
MAX_PATH_HOPS = 100
MAX_PATH_BUDGET = 2_000_000


@dataclass(frozen=True, slots=True, kw_only=True)
class PathRequest:
    """Connections to be found. Raises `InputError` where the question makes no sense."""

    origin: str
    """Where the money starts: an address (what it received from outside), `txid:vout`,
    `entity:ADDRESS`, `category:CATEGORY` or `service:LABEL`."""

    destination: str
    """Where it arrives, written the same way; an address means every coin paid to it."""

    by: OrderName = "value"
    """What comes first: the larger carried value, or fewer transactions."""

    limit: int = 10
    """Connections that are listed; all are counted."""

    max_hops: int = 12
    """Most transactions of a connection."""

    min_value_sat: int = 1
    """Smallest coin of a connection."""

    since: datetime | None = None
    """Transactions before this are not passed, and an address or entity as origin means nothing
    that it received before; compared with the block's median time past."""

    until: datetime | None = None
    """The same of what comes after this."""

    budget: int = 100_000
    """Transactions that may be looked at, by both searches together."""

    through: tuple[ThroughName, ...] = ()
    """What connections may run through that they otherwise end at."""

    def __post_init__(self) -> None:
        if self.by not in get_args(OrderName):
            raise InputError(f"order {self.by!r} is neither value nor hops")
        for barred in self.through:
            if barred not in get_args(ThroughName):
                raise InputError(f"{barred!r} is neither services nor coinjoins")
        for name, value, most in (
            ("the number of listed connections", self.limit, MAX_LISTED),
            ("max_hops", self.max_hops, MAX_PATH_HOPS),
            ("min_value", self.min_value_sat, LARGEST_AMOUNT),
            ("budget", self.budget, MAX_PATH_BUDGET),
        ):
            check_range(name, value, 1, most)
        if self.origin.strip() == self.destination.strip():
            raise InputError("both ends are the same: name two different owners or coins")
        _ = self.as_trace  # checks the moments

    @property
    def order(self) -> int:
        """The order as kernels know it."""
        return BY_VALUE if self.by == "value" else BY_HOPS

    @property
    def as_trace(self) -> TraceRequest:
        """The trace of the same money: what its sources and time limits mean holds here too."""
        return TraceRequest(sources=(self.origin,), since=self.since, until=self.until)
