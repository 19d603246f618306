"""The question: whose exposure, which way, in what time, and how far money is followed.

Limits count only from where money has left the subject's own entity, so what comes from a named
owner directly, or goes to one, is complete under any limits. Where the smallest amount is left
open, it is found: the pass is repeated with ever smaller ones as long as the next is likely to stay
within the budget. The answer states the amount that was used, so that the same question can be put
again with it.
"""

from dataclasses import dataclass
from datetime import datetime
from typing import Literal, get_args

from arien_flows.errors import InputError
from arien_flows.tracing.request import MAX_DAYS, POLICIES, TraceRequest
from arien_flows.tracing.request_checks import check_choice, check_range
from heuristics.exact import LARGEST_AMOUNT
from heuristics.exposure_terms import MOST_HOPS
from heuristics.stops import Direction

DirectionName = Literal["in", "out"]
"""Where money came from, or where it went."""

MAX_SUBJECTS = 1_000
MAX_BUDGET = 100_000_000
DEFAULT_HOPS = 6
DEFAULT_BUDGET = 2_000_000
DEFAULT_FAN_OUT_OUTPUTS = 200
DEFAULT_FAN_OUT_PERCENT = 1
LEAST_CONFIDENCE = 5
"""The lowest level of the scale: whoever names an owner at all is shown, with the confidence."""

LEAST_MIN_VALUE_SAT = 1_000
"""Below this nothing is followed unless the request says so: what is left is dust."""

PRO_RATA = "haircut"
NOT_A_PARTITION = (
    "poison has no exposure: under it amounts grow, so that shares would sum to more than the whole"
)


@dataclass(frozen=True, slots=True, kw_only=True)
class ExposureRequest:
    """An exposure to be found. Raises `InputError` where there is none."""

    subjects: tuple[str, ...]
    """Addresses, or `entity:ADDRESS`; several are asked about as one."""

    direction: DirectionName = "in"
    policy: str = PRO_RATA
    """The only one there is; an answer that is made again may name another, and is refused."""

    since: datetime | None = None
    """What moved before this is not counted; compared with the block's median time past."""

    until: datetime | None = None
    """What moved after this is not counted."""

    horizon_days: int | None = None
    """How long before the first (after the last) of what is counted money is followed; by default
    without end."""

    max_hops: int = DEFAULT_HOPS
    """Entities between the subject and the named owner, the owner counted."""

    min_value_sat: int | None = None
    """Coins that carry less are not followed; found by the budget where it is left open."""

    budget: int = DEFAULT_BUDGET
    """Transactions that may be gone through beyond the subject's own."""

    min_confidence: int = LEAST_CONFIDENCE
    """Confidence, of 100, from which a tag names an owner."""

    fan_out_outputs: int = DEFAULT_FAN_OUT_OUTPUTS
    """A transaction with more outputs than this is a batch payout, ..."""

    fan_out_percent: int = DEFAULT_FAN_OUT_PERCENT
    """... and is not gone through when less than this percentage of it is followed."""

    def __post_init__(self) -> None:
        if not 1 <= len(self.subjects) <= MAX_SUBJECTS:
            raise InputError(f"name 1 to {MAX_SUBJECTS:,} subjects, not {len(self.subjects):,}")
        check_choice("direction", self.direction, get_args(DirectionName))
        check_choice("policy", self.policy, POLICIES)
        if self.policy == "poison":
            raise InputError(NOT_A_PARTITION)
        if self.policy != PRO_RATA:
            raise InputError(
                f"an exposure is found pro rata ({PRO_RATA}): follow single sums under "
                f"{self.policy} with `arien-flows trace`"
            )
        check_range("max_hops", self.max_hops, 1, MOST_HOPS)
        check_range("budget", self.budget, 1, MAX_BUDGET)
        check_range("min_confidence", self.min_confidence, 0, 100)
        check_range("fan_out_outputs", self.fan_out_outputs, 1, 2**31)
        check_range("fan_out_percent", self.fan_out_percent, 0, 100)
        if self.min_value_sat is not None:
            check_range("min_value", self.min_value_sat, 1, LARGEST_AMOUNT)
        if self.horizon_days is not None:
            check_range("horizon", self.horizon_days, 1, MAX_DAYS)
        self.as_trace()

    @property
    def is_in(self) -> bool:
        """Whether it is asked where money came from."""
        return self.direction == "in"

    @property
    def direction_code(self) -> Direction:
        """The direction as kernels know it."""
        return Direction.BACKWARD if self.is_in else Direction.FORWARD

    def as_trace(self) -> TraceRequest:
        """Return the time that is meant, as tracing knows it; `InputError` where it is none."""
        return TraceRequest(sources=self.subjects, since=self.since, until=self.until)
