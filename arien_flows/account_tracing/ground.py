"""What a trace of balances stands on: the ledger, and all that is known beside it."""

from collections.abc import Callable
from dataclasses import dataclass, field, replace
from typing import Protocol, Self

from arien_flows.account_ledger.view import AccountView
from arien_flows.attribution.ownership import EntityMap
from arien_flows.attribution.snapshot import Attribution
from arien_flows.passages.conversion import Conversion
from arien_flows.shapes import Truncation
from chains.types import Int64Array, UInt32Array

Pot = tuple[int, int]
"""Account number and asset number: one balance."""

FindConversions = Callable[[AccountView, Int64Array], tuple[Conversion, ...]]


class FetchedMovements(Protocol):
    """What a view of fetched accounts leaves open."""

    @property
    def limits(self) -> tuple[Truncation, ...]:
        """Return what every answer from it leaves out."""

    def is_fetched(self, account: int) -> bool:
        """Tell whether all movements of an account were fetched."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Ground:
    """What a trace stands on."""

    view: AccountView
    entities: EntityMap
    attribution: Attribution
    find_conversions: FindConversions
    burns: UInt32Array
    """Accounts that destroy what they receive, ascending."""

    denied: UInt32Array
    """Accounts that are listed as serving many people, ascending."""

    fetched: FetchedMovements | None = None
    """Nothing for a ledger of whole blocks."""

    tags_are_later: bool = False
    """Whether the view is an earlier state of the ledger, and the tags are not of that time."""

    burnt: frozenset[int] = field(init=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "burnt", frozenset(self.burns.tolist()))

    def stopping_from(self, confidence: int) -> Self:
        """Return the same ground with paths ending at services of at least a confidence."""
        return replace(self, attribution=self.attribution.from_confidence(confidence))
