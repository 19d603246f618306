"""The signature of a commission: one and the same small share of many payments that are split.

A market that settles each order by one transaction keeps a fixed percentage of it, so that the
shares of its settlements lie close together, whatever the amounts. Looked at are shares in the
range that a commission may have; the mode of a box-shaped kernel over them is the rate, and it is
a signature where enough shares, and enough of all shares in the range, lie that close to it.
"""

from dataclasses import dataclass

import numpy as np

from arien_flows.vendors.chain_policy import VendorPolicy
from chains.types import Int64Array
from heuristics.role_features import CommissionRange, narrowest_peak


@dataclass(frozen=True, slots=True, kw_only=True)
class Commission:
    """What a market keeps, as its settlements show."""

    rate_ppm: int
    """The median of the shares around the peak, in millionths; -1 where there is none."""

    inside: int
    """Shares around the peak."""

    candidates: int
    """Shares in the range that a commission may have."""

    splits: int
    """All shares."""

    is_signature: bool
    """Whether enough of the candidates are around the peak."""


def commission_of(
    rates_ppm: Int64Array, limits: CommissionRange, policy: VendorPolicy
) -> Commission:
    """Return the commission that shares show, in millionths; order does not matter."""
    in_range = (rates_ppm >= limits.least_ppm) & (rates_ppm <= limits.most_ppm)
    candidates = rates_ppm[in_range]
    peak = narrowest_peak(candidates, limits.half_width_ppm)
    if peak is None:
        return Commission(
            rate_ppm=-1, inside=0, candidates=0, splits=len(rates_ppm), is_signature=False
        )
    # Counted around the rate that is shown, so that whoever counts again finds the same number.
    near = np.abs(candidates - peak.rate_ppm) <= limits.half_width_ppm
    inside = int(np.count_nonzero(near))
    enough = inside >= policy.least("commission_payouts")
    most = 100 * inside >= policy.least("commission_percent") * len(candidates)
    return Commission(
        rate_ppm=peak.rate_ppm,
        inside=inside,
        candidates=len(candidates),
        splits=len(rates_ppm),
        is_signature=enough and most,
    )
