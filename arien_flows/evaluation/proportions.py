"""Shares of counts, with the interval in which the true share may lie.

A rate without its uncertainty says too much: 3 right of 3 is not "100 %". Wilson's score interval
is used because it holds its level for few trials and for shares near 0 and 1, where the textbook
interval collapses to a point. It supposes that trials are independent; transactions of one wallet
are not, so the interval is the least that is uncertain, not the most.

Source: E. B. Wilson, Journal of the American Statistical Association 22 (1927), 209-212.
"""

from dataclasses import dataclass
from math import sqrt

NORMAL_QUANTILE = 1.959963984540054
"""Of the standard normal distribution, at 97.5 %: two-sided intervals of 95 %."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Proportion:
    """A share: `hits` of `trials`, of which there is at least one."""

    hits: int
    trials: int

    def __post_init__(self) -> None:
        if not 0 <= self.hits <= self.trials or self.trials == 0:
            raise ValueError(f"{self.hits} of {self.trials} is no share")

    @property
    def value(self) -> float:
        """Return the share."""
        return self.hits / self.trials

    @property
    def interval(self) -> tuple[float, float]:
        """Return the ends of Wilson's 95 % interval, both in `[0, 1]`."""
        n, p, z2 = self.trials, self.value, NORMAL_QUANTILE**2
        centre = (p + z2 / (2 * n)) / (1 + z2 / n)
        half = NORMAL_QUANTILE / (1 + z2 / n) * sqrt(p * (1 - p) / n + z2 / (4 * n * n))
        # At the ends the formula gives exactly 0 and 1; floats miss them by some 1e-17.
        low = 0.0 if self.hits == 0 else max(0.0, centre - half)
        high = 1.0 if self.hits == self.trials else min(1.0, centre + half)
        return low, high


def share(hits: int, trials: int) -> Proportion | None:
    """Return a share, or nothing where there were no trials."""
    return Proportion(hits=hits, trials=trials) if trials else None


def percent(value: float) -> str:
    """Return a share as per cent, with digits enough to tell it from 0 and from 100."""
    digits = 2 if 0.001 <= value <= 0.999 or value in (0.0, 1.0) else 4
    shown = f"{value * 100:.{digits}f}"
    if value < 1 and float(shown) == 100:
        shown = "99.9999"
    if value > 0 and float(shown) == 0:
        shown = "0.0001"
    return f"{shown} %"
