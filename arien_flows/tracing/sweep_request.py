"""The question of a whole-ledger taint: which sources, by which convention, up to where."""

import hashlib
from dataclasses import dataclass
from typing import get_args

from arien_flows.errors import InputError
from arien_flows.tracing.request import POLICIES, FeeMode, PolicyName, SubsidyOrder
from arien_flows.tracing.request_checks import check_choice
from heuristics.taint import Policy

MAX_SOURCES = 1_000_000
"""Addresses, outputs, entities and categories that may be named together."""


SOURCES_FILE = "sources.txt"
"""Stands beside an answer, and names every source, one a line."""


@dataclass(frozen=True, slots=True, kw_only=True)
class SweepRequest:
    """A taint through to the tip. Raises `InputError` where it cannot be made."""

    sources: tuple[str, ...]
    """Addresses, `txid:vout`, `entity:ADDRESS` or `category:CONCEPT`; each has to be there."""

    listed: tuple[str, ...] = ()
    """The same from a list: what the ledger does not hold is passed over and counted."""

    policy: PolicyName = "fifo"
    fee_mode: FeeMode = "track"
    """`track`: fees end paths, and each is listed; `drop`: only their sum is kept;
    `track_coinbase`: they are followed into the coinbase of their block."""

    subsidy_order: SubsidyOrder = "first"
    """Where the new coins stand in what a coinbase takes; used with `track_coinbase`."""

    until_height: int | None = None
    """The last block that is looked at; by default the ledger's last."""

    stops_at_services: bool = False
    """End paths at tagged services, as a trace does."""

    stops_at_coinjoins: bool = False
    """End paths at CoinJoins, as a trace does."""

    def __post_init__(self) -> None:
        count = len(self.sources) + len(self.listed)
        if not 1 <= count <= MAX_SOURCES:
            raise InputError(f"name 1 to {MAX_SOURCES:,} sources, not {count:,}")
        if any("\n" in source for source in self.sources):
            raise InputError("a source is one line: name several as several")
        check_choice("policy", self.policy, POLICIES)
        check_choice("fee_mode", self.fee_mode, get_args(FeeMode))
        check_choice("subsidy_order", self.subsidy_order, get_args(SubsidyOrder))
        if self.until_height is not None and self.until_height < 0:
            raise InputError("a height is never negative")

    @property
    def policy_code(self) -> Policy:
        """The policy as kernels know it."""
        return POLICIES[self.policy]

    @property
    def sources_sha256(self) -> str:
        """Hash over all sources as asked, in their order, one a line."""
        return hashlib.sha256(self.sources_file).hexdigest()

    @property
    def sources_file(self) -> bytes:
        """All sources as asked, in their order, one a line."""
        return "".join(f"{source}\n" for source in (*self.sources, *self.listed)).encode()


def listed_sources(text: str) -> tuple[str, ...]:
    """Return the sources that a list names, one a line; empty lines and `#` comments are none."""
    lines = (line.partition("#")[0].strip() for line in text.splitlines())
    return tuple(line for line in lines if line)
