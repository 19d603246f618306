"""What an answer from fetched accounts leaves open, and where it comes from."""

from dataclasses import dataclass

from arien_flows.shapes import Shape, Truncation


@dataclass(frozen=True, slots=True, kw_only=True)
class AccountOrigin(Shape):
    """Where the histories of accounts come from."""

    source: str
    """The explorer's URI, without key."""

    requests: int
    """Requests that were made for this answer, in this run."""

    requests_allowed: int
    """Most requests that this run might make."""

    reused: int
    """Answers of earlier runs that were used again, because they are as of the same block."""

    accounts: int
    """Accounts whose whole history the answer stands on, as the explorer tells it."""

    transactions: int
    """Transactions that the answer stands on. No proof comes with any of them."""

    facts_sha256: str
    """Over every answer of the explorer that was used, whatever the order."""


@dataclass(frozen=True, slots=True, kw_only=True)
class FetchedAccountHistories:
    """What a view of fetched accounts leaves open."""

    whole: frozenset[int]
    """Numbers of the accounts whose whole history is in the view."""

    limits: tuple[Truncation, ...]
    """What every answer from this view leaves out."""

    origin: AccountOrigin

    def is_fetched(self, account: int) -> bool:
        """Tell whether all movements of an account were fetched."""
        return account in self.whole
