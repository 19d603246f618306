"""The data folder: one ledger a network, and everything that is read together with it.

What is here of a ledger is of networks of coins; `account_workspace` has it of accounts. The
`Workspace` itself knows both.

A question is answered from a *reading*: a view of the ledger, the clustering that was made of it,
and what sources say of its addresses. Opening these is cheap but not free, so a reading is kept
until a file behind it changes. A roll-back while an answer is being made makes the answer void;
`ask` then puts the question again.
"""

from collections.abc import Callable
from concurrent.futures import Future
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from threading import Lock
from typing import TypeVar

import numpy as np
from sqlalchemy import URL

from arien_flows.account_workspace import DERIVED as DERIVED
from arien_flows.account_workspace import EARLIER_KEPT as EARLIER_KEPT
from arien_flows.account_workspace import OpenAccounts
from arien_flows.amounts import asset_of
from arien_flows.attribution.ownership import EntityMap, SingleAddresses
from arien_flows.audit.log import AuditLog, beside
from arien_flows.casebook.book import Casebook
from arien_flows.casebook.engine import database_url, sqlite_url
from arien_flows.entities.clustering import Clustering, earlier_clustering, open_clustering
from arien_flows.entities.coinjoins import coinjoin_columns, eras_of
from arien_flows.entities.constraints import Constraints
from arien_flows.entities.profiles import DEFAULT_PROFILE, profile_named
from arien_flows.errors import InputError, NotFoundError, StaleSnapshotError
from arien_flows.fetched.completeness import Fetched
from arien_flows.kept import Kept
from arien_flows.ledger.as_of import view_as_of
from arien_flows.ledger.beginning import before_ledger
from arien_flows.ledger.ledger import Ledger
from arien_flows.ledger.manifest import MANIFEST
from arien_flows.ledger.snapshots import ATTEMPTS
from arien_flows.ledger.view import View
from arien_flows.prices.rates import PriceBook
from arien_flows.settings import Settings
from arien_flows.shapes import Truncation
from arien_flows.tag_book import TagBook
from chains.ethereum.networks import EthereumNetwork
from chains.networks import ALL_NETWORKS, any_network, is_account_network
from chains.types import UInt8Array
from heuristics.coinjoin import mark_coinjoins, stopping

Answer = TypeVar("Answer")

CASEBOOK = "casebook.sqlite"
"""File of the casebook in the data folder, where no database is named."""


@dataclass(frozen=True, kw_only=True)
class Reading:
    """One network's ledger at one moment, with what is inferred from it and said about it."""

    view: View
    clustering: Clustering | None
    """Entities, up to the clustering's own last block; nothing where there are none to show."""

    clustering_gap: str
    """Why there are none, and what to do; empty where there are."""

    tags: TagBook
    """What sources say of the view's addresses."""

    fetched: Fetched | None = None
    """What a view of fetched transactions leaves open; nothing for a ledger of whole blocks."""

    tags_are_later: bool = False
    """Whether the view is an earlier state of the ledger, and the tags are not of that time."""

    kept: Kept = field(default_factory=Kept, init=False, repr=False, compare=False)
    """What answers worked out of the whole of it and may need again."""

    @property
    def limits(self) -> tuple[Truncation, ...]:
        """Return what every answer from this reading leaves out."""
        return before_ledger(self.view) if self.fetched is None else self.fetched.limits

    @property
    def entities(self) -> EntityMap:
        """Return the clustering, or the map in which each address stands for itself."""
        return self.clustering if self.clustering is not None else SingleAddresses()

    def prices(self, currency: str) -> PriceBook:
        """Return what the casebook knows of the price of the network's coin in a currency."""
        return self.tags.casebook.price_book(asset_of(self.view.network.name).name, currency)

    @cached_property
    def owners_changed(self) -> bool:
        """Whether the tags that bind clusterings are others now than when this one was made."""
        made = self.clustering
        if made is None or self.fetched is not None:
            return False
        return made.heeds_tags and not self.tags.still_give(made.constraints)

    @cached_property
    def coinjoin_marks(self) -> UInt8Array | None:
        """1 where a transaction is taken for a CoinJoin; nothing without a clustering.

        Transactions that came after the clustering are judged here: a trace must not run through
        a CoinJoin because nobody has clustered since.
        """
        if self.clustering is None:
            return None
        known = self.clustering.coinjoins.detected
        count = self.view.counts.transactions
        if len(known) >= count:
            return known[:count]
        later, *_ = mark_coinjoins(
            coinjoin_columns(self.view), len(known), count, eras_of(self.view)
        )
        return np.concatenate([known, stopping(later)])


@dataclass(frozen=True, slots=True, kw_only=True)
class Holdings:
    """What a ledger's files say besides its view."""

    view: View
    unspent_value_sat: int
    complete_from: int | None
    bytes_on_disk: int


class OpenNetwork:
    """The ledger of one network, opened for reading. Safe to share between threads."""

    def __init__(self, root: Path, casebook: Casebook) -> None:
        """Open the ledger in `root`; `NotFoundError` where there is none."""
        self.root = root
        self._casebook = casebook
        self._lock = Lock()
        self._ledger = Ledger(root, scattered=True)
        self._readings: dict[str, tuple[tuple[object, ...], Reading]] = {}
        self._earlier: dict[tuple[int, int], tuple[Reading, Future[Reading]]] = {}
        """By the reading's identity and the height, the one last asked for at the end. The reading
        is held too: as long as it is, no other has its identity."""

    def read(self, profile: str = DEFAULT_PROFILE) -> Reading:
        """Return the present reading with a profile's entities; the same while nothing changes."""
        manifest = self.derived / "clusterings" / profile_named(profile).name / MANIFEST
        with self._lock:
            view = self._ledger.view()
            revision = self._casebook.revision(view.network.name)
            state = (view.generation, view.counts, _identity(manifest), revision)
            known = self._readings.get(profile)
            if known is None or known[0] != state:
                known = self._readings[profile] = state, self._read(view, profile)
            return known[1]

    @property
    def derived(self) -> Path:
        """The folder of the ledger's derived sets."""
        return self.root / DERIVED

    def ask(
        self,
        question: Callable[[Reading], Answer],
        profile: str = DEFAULT_PROFILE,
        height: int | None = None,
        *,
        clusters_anew: bool = True,
    ) -> Answer:
        """Return what `question` says of a reading that still holds when it has been asked.

        With a height it is the reading as of that block, with what sources say today. Where the
        clustering goes on past that block it is made anew up to there, in memory; on a large ledger
        that takes long. `InputError` for such a height unless `clusters_anew`.
        """
        for _ in range(ATTEMPTS):
            reading = self.read(profile)
            try:
                if height is not None:
                    if not clusters_anew:
                        _refuse_clustering_anew(reading, height)
                    answer = question(self._as_of(reading, height))
                else:
                    answer = question(reading)
            except Exception:
                if self._ledger.is_current(reading.view):
                    raise
                continue
            if self._ledger.is_current(reading.view):
                return answer
        raise StaleSnapshotError(
            "blocks were removed while the answer was made, several times over: ask again"
        )

    def constraints(self, view: View) -> Constraints:
        """Return what the casebook's tags say of the owners of a view's addresses."""
        return TagBook(view, self._casebook, SingleAddresses()).constraints

    def holds(self, view: View) -> bool:
        """Tell whether no block of a view was removed since it was opened."""
        return self._ledger.is_current(view)

    def holdings(self) -> Holdings:
        """Return what the ledger holds."""
        with self._lock:
            view = self._ledger.view()
            unspent_value_sat = self._ledger.manifest.unspent_sat
        return Holdings(
            view=view,
            unspent_value_sat=unspent_value_sat,
            complete_from=int(view.block_height[0]) if view.counts.blocks else None,
            bytes_on_disk=self._ledger.bytes_on_disk(),
        )

    def _as_of(self, reading: Reading, height: int) -> Reading:
        """Return the reading as of an earlier block; the last few are kept.

        It is made outside the lock, by whoever asks for it first: meanwhile other questions are
        answered, and only those for the same block wait.
        """
        key = id(reading), height
        with self._lock:
            found = self._earlier.pop(key, None)
            is_known = found is not None
            held, future = found or (reading, Future[Reading]())
            self._earlier[key] = held, future
            self._drop_earlier()
        if is_known:
            return future.result()
        try:
            future.set_result(reading_as_of(reading, self.derived, height))
        except BaseException as error:
            with self._lock:
                # Whatever it was may pass: who asks next tries again.
                if self._earlier.get(key, (None, None))[1] is future:
                    del self._earlier[key]
            future.set_exception(error)
            raise
        return future.result()

    def _drop_earlier(self) -> None:
        """Let go of what belongs to a reading of the past, and of what was long not asked for."""
        current = {id(reading) for _, reading in self._readings.values()}
        self._earlier = {key: kept for key, kept in self._earlier.items() if key[0] in current}
        while len(self._earlier) > EARLIER_KEPT:
            del self._earlier[next(iter(self._earlier))]

    def _read(self, view: View, profile: str) -> Reading:
        clustering, gap = None, ""
        try:
            clustering = open_clustering(view, self.derived, profile)
        except (NotFoundError, StaleSnapshotError) as error:
            gap = str(error)
        return Reading(
            view=view,
            clustering=clustering,
            clustering_gap=gap,
            tags=TagBook(view, self._casebook, clustering or SingleAddresses()),
        )


def reading_as_of(reading: Reading, derived: Path, height: int) -> Reading:
    """Return what a ledger showed when the block at `height` was its last.

    Entities are those of the same clustering as of that block; tags are today's. `InputError`
    where the ledger does not hold the block.
    """
    view = view_as_of(reading.view, height)
    if view is reading.view:
        return reading
    clustering = reading.clustering
    if clustering is not None and clustering.manifest.height > height:
        clustering = earlier_clustering(clustering, derived, view)
    return Reading(
        view=view,
        clustering=clustering,
        clustering_gap=reading.clustering_gap,
        tags=reading.tags.at(view, clustering or SingleAddresses()),
        tags_are_later=True,
    )


def _refuse_clustering_anew(reading: Reading, height: int) -> None:
    """Raise `InputError` where entities as of a block would have to be made first."""
    made = reading.clustering
    if made is not None and height < made.manifest.height:
        raise InputError(
            f"block {height:,} lies before block {made.manifest.height:,}, up to which addresses "
            "are joined, and joining them anew takes too long here: ask for a later block, or use "
            f"`--as-of {height}` on the command line"
        )


def casebook_url(settings: Settings) -> URL:
    """Return the address of the casebook's database, with its password."""
    if not settings.casebook:
        return sqlite_url(settings.data / CASEBOOK)
    url, password = database_url(settings.casebook), settings.casebook_password()
    return url if password is None else url.set(password=password.reveal())


class Workspace:
    """The data folder that the settings name."""

    def __init__(self, settings: Settings) -> None:
        self.settings = settings
        url = casebook_url(settings)
        self.casebook = Casebook(url)
        """What people say and do, of all networks."""

        self.audit = AuditLog(
            database_url(settings.audit, "ARIEN_AUDIT") if settings.audit else beside(url)
        )
        """Who asked or did what over the service."""

        self._open: dict[str, OpenNetwork] = {}
        self._open_accounts: dict[str, OpenAccounts] = {}
        self._lock = Lock()

    def networks(self) -> list[str]:
        """Return the names of the networks that have a ledger, the main ones of a chain first."""
        return [
            known.name
            for known in ALL_NETWORKS
            if (self.settings.data / known.name / MANIFEST).is_file()
        ]

    def coin_networks(self) -> list[str]:
        """Return those of them that keep coins."""
        return [name for name in self.networks() if not is_account_network(name)]

    def folder(self, name: str) -> Path:
        """Return the folder of a network's ledger; `UnknownNetworkError` for an unknown name."""
        return self.settings.data / any_network(name).name

    def open(self, name: str) -> OpenNetwork:
        """Open the ledger of a network of coins.

        `NotFoundError` where there is none, `InputError` for a network of accounts.
        """
        folder = self.folder(name)
        if is_account_network(name):
            raise InputError(
                f"this is answered for networks of coins, as bitcoin, and {name} keeps accounts"
            )
        with self._lock:
            if name not in self._open:
                self._open[name] = OpenNetwork(folder, self.casebook)
            return self._open[name]

    def open_accounts(self, name: str) -> OpenAccounts:
        """Open the ledger of a network of accounts.

        `NotFoundError` where there is none, `InputError` for a network of coins.
        """
        known, folder = any_network(name), self.folder(name)
        if not isinstance(known, EthereumNetwork):
            raise InputError(
                f"this is answered for networks of accounts, as ethereum, and {name} keeps coins"
            )
        with self._lock:
            if name not in self._open_accounts:
                self._open_accounts[name] = OpenAccounts(folder, known, self.casebook)
            return self._open_accounts[name]

    def opened(self, name: str) -> OpenNetwork | OpenAccounts | None:
        """Return the ledger of a network if it is open already; waits for nothing."""
        return self._open.get(name) or self._open_accounts.get(name)

    def open_any(self, name: str) -> OpenNetwork | OpenAccounts:
        """Open the ledger of a network of either kind; `NotFoundError` where there is none."""
        return self.open_accounts(name) if is_account_network(name) else self.open(name)

    def choose(self) -> str:
        """Return the network that is meant: the one that is set, or the only one there is."""
        if self.settings.network is not None:
            return any_network(self.settings.network).name
        names = self.networks()
        if len(names) == 1:
            return names[0]
        if names:
            raise InputError(f"several networks have a ledger: add --network {' or '.join(names)}")
        raise NotFoundError(
            f"there is no ledger in {self.settings.data}: make one with `arien-flows ledger "
            "ingest`, or name another folder with --data"
        )


def _identity(path: Path) -> tuple[int, int] | None:
    try:
        status = path.stat()
    except FileNotFoundError:
        return None
    return status.st_ino, status.st_mtime_ns
