"""The question for connections between accounts."""

from dataclasses import dataclass
from datetime import datetime

from arien_flows.errors import InputError

MAX_LISTED = 1_000
MAX_PATH_HOPS = 100
MAX_PATH_BUDGET = 5_000_000
LARGEST_AMOUNT = 2**256 - 1


@dataclass(frozen=True, slots=True, kw_only=True)
class AccountPathRequest:
    """Connections to be found. Raises `InputError` where the question makes no sense."""

    origin: str
    """An address, `entity:ADDRESS`, `category:CATEGORY` or `service:LABEL`."""

    destination: str
    """Written the same way."""

    asset: str | None = None
    """What the origin gave: the coin, the symbol of a listed asset or a contract; by default
    anything. On the way it may be converted."""

    by: str = "value"
    """`value` (the larger share of what the origin gave) or `hops` (fewer transfers)."""

    limit: int = 10
    max_hops: int = 8
    """Most transfers of a connection; conversions are none."""

    min_value: int = 1
    """Smallest part of what the origin gave that a connection carries, in base units of `asset`;
    more than 1 only where an asset is named."""

    since: datetime | None = None
    until: datetime | None = None
    budget: int = 200_000
    """Movements that may be looked at, by both searches together."""

    through: tuple[str, ...] = ()
    """`services`: let connections run through these too."""

    def __post_init__(self) -> None:
        if self.by not in ("value", "hops"):
            raise InputError(f"order {self.by!r} is neither value nor hops")
        if set(self.through) - {"services"}:
            raise InputError("connections between accounts can be let through services only")
        for name, number, most in (
            ("limit", self.limit, MAX_LISTED),
            ("max_hops", self.max_hops, MAX_PATH_HOPS),
            ("min_value", self.min_value, LARGEST_AMOUNT),
            ("budget", self.budget, MAX_PATH_BUDGET),
        ):
            if not 1 <= number <= most:
                raise InputError(f"{name} must be between 1 and {most:,}, not {number:,}")
        if self.min_value > 1 and self.asset is None:
            raise InputError("a smallest amount needs an asset that it counts: name one")
        for name, moment in (("since", self.since), ("until", self.until)):
            if moment is not None and moment.tzinfo is None:
                raise InputError(f"{name} needs a time zone")
        if self.since is not None and self.until is not None and self.since > self.until:
            raise InputError("since is later than until")
