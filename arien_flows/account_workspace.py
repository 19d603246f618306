"""The ledger of one network of accounts, and everything that is read together with it.

It is to a chain of accounts what `workspace.OpenNetwork` is to a chain of coins: a question is
answered from an `AccountReading`, which is kept until a file behind it changes, and a roll-back
while an answer is being made has the question put again.
"""

from collections.abc import Callable
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from threading import Lock
from typing import TypeVar

from arien_flows.account_entities.clustering import (
    FOLDER,
    AccountClustering,
    earlier_account_clustering,
    open_account_clustering,
)
from arien_flows.account_entities.known import KnownAccounts
from arien_flows.account_entities.profiles import account_profile
from arien_flows.account_ledger.as_of import accounts_as_of
from arien_flows.account_ledger.ledger import AccountLedger
from arien_flows.account_ledger.limits import limits_of
from arien_flows.account_ledger.view import AccountView
from arien_flows.account_tags import AccountTags
from arien_flows.account_tracing.ground import FetchedMovements
from arien_flows.attribution.account_owners import known_accounts
from arien_flows.attribution.ownership import EntityMap, SingleAddresses
from arien_flows.attribution.snapshot import Attribution
from arien_flows.casebook.book import Casebook
from arien_flows.entities.profiles import DEFAULT_PROFILE
from arien_flows.entities.storage import MANIFEST
from arien_flows.errors import InputError, NotFoundError, StaleSnapshotError
from arien_flows.kept import Kept
from arien_flows.ledger.snapshots import ATTEMPTS
from arien_flows.prices.rates import PriceBook
from arien_flows.shapes import Truncation
from chains.ethereum.networks import EthereumNetwork

Answer = TypeVar("Answer")

EARLIER_KEPT = 4
"""Earlier states of a ledger that are kept: the last ones asked."""

DERIVED = "derived"
"""Folder of a ledger's derived sets."""


@dataclass(frozen=True, kw_only=True)
class AccountReading:
    """One ledger of accounts at one moment, with what is inferred from it and said about it."""

    view: AccountView
    clustering: AccountClustering | None
    """Entities, up to the clustering's own last block; nothing where there are none to show."""

    clustering_gap: str
    """Why there are none, and what to do; empty where there are."""

    tags: AccountTags
    """What sources say of the view's accounts."""

    fetched: FetchedMovements | None = None
    """What a view of fetched accounts leaves open; nothing for a ledger of whole blocks."""

    tags_are_later: bool = False
    """Whether the view is an earlier state of the ledger, and the tags are not of that time."""

    kept: Kept = field(default_factory=Kept, init=False, repr=False, compare=False)
    """What answers worked out of the whole of it and may need again."""

    @cached_property
    def limits(self) -> tuple[Truncation, ...]:
        """Return what every answer from this reading leaves out."""
        return limits_of(self.view) if self.fetched is None else self.fetched.limits

    @property
    def entities(self) -> EntityMap:
        """Return the clustering, or the map in which each account stands for itself."""
        return self.clustering if self.clustering is not None else SingleAddresses()

    @cached_property
    def owners_changed(self) -> bool:
        """Whether the tags that bind clusterings are others now than when this one was made."""
        made = self.clustering
        if made is None or self.fetched is not None:
            return False
        return not self.tags.still_give(made.known.constraints)

    @property
    def attribution(self) -> Attribution:
        """Return all tags as arrays by account number."""
        return self.tags.attribution

    def prices(self, currency: str, asset: str | None = None) -> PriceBook:
        """Return what the casebook knows of an asset's price, by default the native coin's."""
        return self.tags.casebook.price_book(asset or self.view.network.coin, currency)


@dataclass(frozen=True, slots=True, kw_only=True)
class AccountHoldings:
    """What a ledger's files say besides its view."""

    view: AccountView
    bytes_on_disk: int


def account_reading(
    view: AccountView,
    casebook: Casebook,
    derived: Path | None = None,
    profile: str = DEFAULT_PROFILE,
) -> AccountReading:
    """Return the reading of a view, with the entities that were made of its ledger.

    Without a folder of derived sets no rule joined its accounts.
    """
    clustering = None
    gap = (
        f"accounts of {view.network.name} were not joined: `arien-flows cluster "
        f"run --network {view.network.name}` does it"
    )
    if derived is not None:
        try:
            clustering, gap = open_account_clustering(view, derived, profile), ""
        except (NotFoundError, StaleSnapshotError) as error:
            gap = str(error)
    return AccountReading(
        view=view,
        clustering=clustering,
        clustering_gap=gap,
        tags=AccountTags(view, casebook, clustering or SingleAddresses()),
    )


class OpenAccounts:
    """The ledger of one network of accounts, opened for reading. Safe to share between threads."""

    def __init__(self, root: Path, network: EthereumNetwork, casebook: Casebook) -> None:
        """Open the ledger in `root`; `NotFoundError` where there is none."""
        self.root = root
        self.network = network
        self._casebook = casebook
        self._lock = Lock()
        self._ledger = AccountLedger(root)
        self._readings: dict[str, tuple[tuple[object, ...], AccountReading]] = {}
        self._earlier: dict[tuple[int, int], tuple[AccountReading, AccountReading]] = {}
        """By the reading's identity and the height, the one last asked for at the end; with the
        reading, so that no other has its identity."""

    def read(self, profile: str = DEFAULT_PROFILE) -> AccountReading:
        """Return the present reading with a profile's entities; the same while nothing changes."""
        manifest = self.derived / FOLDER / account_profile(profile).name / MANIFEST
        with self._lock:
            view = self._ledger.view()
            state = (id(view), self._casebook.revision(self.network.name), _identity(manifest))
            known = self._readings.get(profile)
            if known is None or known[0] != state:
                made = account_reading(view, self._casebook, self.derived, profile)
                known = self._readings[profile] = state, made
            return known[1]

    @property
    def derived(self) -> Path:
        """The folder of the ledger's derived sets."""
        return self.root / DERIVED

    def ask(
        self,
        question: Callable[[AccountReading], Answer],
        profile: str = DEFAULT_PROFILE,
        height: int | None = None,
    ) -> Answer:
        """Return what `question` says of a reading that still holds when it has been asked.

        With a height it is the reading as of that block, with what sources say today.
        """
        for _ in range(ATTEMPTS):
            reading = self.read(profile)
            try:
                answer = question(reading if height is None else self._as_of(reading, height))
            except Exception:
                if self._ledger.is_current(reading.view):
                    raise
                continue
            if self._ledger.is_current(reading.view):
                return answer
        raise StaleSnapshotError(
            "blocks were removed while the answer was made, several times over: ask again"
        )

    def known_accounts(self, view: AccountView) -> KnownAccounts:
        """Return what the casebook's tags say of a view's accounts, for rules to heed."""
        tags = AccountTags(view, self._casebook, SingleAddresses())
        return known_accounts(view, tags.attribution, tags.constraints)

    def holds(self, view: AccountView) -> bool:
        """Tell whether no block of a view was removed since it was opened."""
        return self._ledger.is_current(view)

    def holdings(self) -> AccountHoldings:
        """Return what the ledger holds."""
        with self._lock:
            view = self._ledger.view()
        return AccountHoldings(view=view, bytes_on_disk=self._ledger.bytes_on_disk())

    def _as_of(self, reading: AccountReading, height: int) -> AccountReading:
        """Return the reading as of an earlier block; the last few are kept."""
        key = id(reading), height
        with self._lock:
            found = self._earlier.pop(key, None) or (
                reading,
                account_reading_as_of(reading, height),
            )
            self._earlier[key] = found
            while len(self._earlier) > EARLIER_KEPT:
                del self._earlier[next(iter(self._earlier))]
        return found[1]


def account_reading_as_of(reading: AccountReading, height: int) -> AccountReading:
    """Return what a ledger showed when the block at `height` was its last; tags are today's.

    Entities are those of the same clustering as of that block: where it knows later ones it is
    made anew up to there, in memory. `InputError` where the ledger does not hold the block.
    """
    if reading.fetched is not None:
        raise InputError("what was fetched from a server shows one state of the chain only")
    view = accounts_as_of(reading.view, height)
    if view is reading.view:
        return reading
    clustering = reading.clustering
    if clustering is not None and clustering.height > height:
        clustering = earlier_account_clustering(clustering, view)
    return AccountReading(
        view=view,
        clustering=clustering,
        clustering_gap=reading.clustering_gap,
        tags=reading.tags.at(view, clustering or SingleAddresses()),
        tags_are_later=True,
    )


def _identity(path: Path) -> tuple[int, int] | None:
    """Return what tells one version of a file from the next; nothing where there is none."""
    try:
        status = path.stat()
    except FileNotFoundError:
        return None
    return status.st_ino, status.st_mtime_ns
