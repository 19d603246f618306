"""What is asked of a batch, the same for each of its rows unless a row says otherwise.

A row may say, for its traces: which way, from when, to when, from what amount, how many hops, by
which method. Everything else is the batch's own. The question is written into the manifest, and
hashed there, so it consists of what JSON knows.
"""

from dataclasses import dataclass
from typing import Literal, get_args

from arien_flows.entities.profiles import DEFAULT_PROFILE, profile_named
from arien_flows.errors import InputError
from arien_flows.exposure.request import DEFAULT_BUDGET, MAX_BUDGET
from arien_flows.prices.currencies import currency_named
from arien_flows.risk.policy import standard_policy
from arien_flows.shapes import Shape
from arien_flows.tracing.request import MAX_BUDGET as MOST_TRACED
from arien_flows.tracing.request import MAX_HOPS, TraceRequest, policies_of
from arien_flows.tracing.request_checks import check_choice, check_range

Scope = Literal["address", "entity"]
"""Whose exposure and risk it is: the address of the row alone, or all of its entity."""

Ways = Literal["forward", "backward", "both"]

TRACE_BUDGET = 20_000
"""Transactions that one trace of a batch may look at, unless the request says otherwise."""


@dataclass(frozen=True, slots=True, kw_only=True)
class BatchTrace(Shape):
    """The traces of rows that do not say otherwise."""

    direction: Ways = "forward"
    """`both` makes two traces of each row."""

    policy: str = "fifo"
    """Accounting convention."""

    max_hops: int = 12
    """Transactions between a source and the end of a path."""

    min_value: str | None = None
    """Amounts below this, in base units, are not followed; by default 0.1 % of the source, and at
    least 0.001 coins."""

    horizon_days: int | None = None
    """How long after (backward: before) each source money is followed."""

    budget: int = TRACE_BUDGET
    """Transactions that each trace may look at."""

    def __post_init__(self) -> None:
        check_choice("direction", self.direction, get_args(Ways))
        check_range("max_hops", self.max_hops, 1, MAX_HOPS)
        check_range("budget", self.budget, 1, MOST_TRACED)
        for way in ways_of(self.direction):
            check_choice("policy", self.policy, policies_of(way))
            TraceRequest(
                sources=("-",),
                direction=way,
                horizon_days=self.horizon_days,
                min_value_sat=None if self.min_value is None else int(self.min_value),
            )


@dataclass(frozen=True, slots=True, kw_only=True)
class BatchRequest(Shape):
    """The question of a batch. Raises `InputError` where it cannot be asked."""

    profile: str = DEFAULT_PROFILE
    """Whose entities."""

    scope: Scope = "address"
    """Whose exposure and risk are asked for: the address alone, as `exposure A` and `risk A` do, or
    all addresses of its entity, as `exposure entity:A` does."""

    exposure: bool = True
    """Whether to tell whose money was received, and who received it."""

    risk: bool = True
    """Whether to score it, by the standard policy."""

    policy_sha256: str = ""
    """The policy of scores, filled in where there are any."""

    budget: int = DEFAULT_BUDGET
    """Transactions that each direction of one exposure may go through."""

    trace: BatchTrace | None = None
    """Traces of each row; nothing: none is made."""

    currency: str | None = None
    """In which traced coins are valued at the time at which they were paid."""

    def __post_init__(self) -> None:
        profile_named(self.profile)
        check_choice("scope", self.scope, get_args(Scope))
        check_range("budget", self.budget, 1, MAX_BUDGET)
        policy = standard_policy().sha256 if self.risk else ""
        if self.policy_sha256 not in ("", policy):
            raise InputError(
                "the batch was begun with a policy of scores that this program does not bring "
                "along: start it anew"
            )
        object.__setattr__(self, "policy_sha256", policy)
        if self.currency is not None:
            object.__setattr__(self, "currency", currency_named(self.currency))


def ways_of(direction: Ways) -> tuple[Literal["forward", "backward"], ...]:
    """Return the directions that are traced, in the order in which they are told."""
    return ("forward", "backward") if direction == "both" else (direction,)
