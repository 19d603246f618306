"""How often a rule was right and wrong, counted against what is known."""

from dataclasses import dataclass
from typing import Literal

from arien_flows.evaluation.proportions import Proportion, share

Unit = Literal["merges", "separations", "changes", "transactions", "vetoes"]
"""What is counted.

`merges`: unions of two sets of addresses that a rule caused; right if both addresses that it names
have one owner. `separations`: pairs of addresses that a rule keeps apart; right if they have two
owners. `changes`: transactions of which a rule names an output as change; right if the
output belongs to the owner of the inputs. `transactions`: transactions that a rule marks; right if
they are what it says. `vetoes`: transactions that another rule marks and this one objects to; right
if they are no CoinJoin.
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Tally:
    """One rule against one population."""

    unit: Unit
    right: int
    wrong: int
    missed: int | None = None
    """Cases that the rule should have named and did not, or named wrongly; None where the
    population does not say what should have been named."""

    clear: int | None = None
    """Cases in which the rule did not wrongly name anything, and might have."""

    @property
    def cases(self) -> int:
        """Return how many cases there were."""
        return self.right + self.wrong + (self.missed or 0) + (self.clear or 0)

    @property
    def is_one_sided(self) -> bool:
        """Return whether the population holds nothing to find, or nothing to be wrong about."""
        return self.missed is None or self.wrong + (self.clear or 0) == 0

    @property
    def precision(self) -> Proportion | None:
        """Return the share of what was named that is right.

        Nothing where nothing was named. Nothing either where the population holds none of what a
        rule looks for, or nothing else: there every finding is wrong, or right, whatever the rule.
        """
        if self.unit in ("transactions", "vetoes") and self.is_one_sided:
            return None
        return share(self.right, self.right + self.wrong)

    @property
    def recall(self) -> Proportion | None:
        """Return the share of what should have been named that was."""
        return None if self.missed is None else share(self.right, self.right + self.missed)

    @property
    def false_positive_rate(self) -> Proportion | None:
        """Return the share of cases with a wrong answer among those that could have one."""
        return None if self.clear is None else share(self.wrong, self.wrong + self.clear)
