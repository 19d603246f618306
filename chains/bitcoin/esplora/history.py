"""Whole histories from a server that shows them in pages.

A page has 25 transactions by the documentation, and as many as its owner likes in truth. It is
known to be the last one where it is shorter than that and than another page of this server was;
where that is not known, the server is asked how many transactions there are. The same count
refuses a history that is too long after two requests, and shows whether the pages were whole: a
reorganisation may take away the transaction that the next page begins after, and the server then
answers with an empty page, as if that were the end. Such a history is read again.

Many histories are read in two rounds, the first pages of all and then what is missing, and what
the pages tell about the server is learned in between. So it depends on the questions alone which
requests are made, and not on which thread was first.
"""

from collections.abc import Callable, Iterable
from typing import Self

from chains.bitcoin.esplora.answers import StatedTransaction, TransactionCounts
from chains.bitcoin.esplora.routes import EsploraRoutes
from chains.errors import LookupFailedError
from chains.lookups import Sighting
from chains.types import TxIdRaw

DOCUMENTED_PAGE = 25
READINGS = 3
"""How often a history that changes while it is read is begun."""


class FoundHistory:
    """What the pages of one history held so far."""

    def __init__(self) -> None:
        self.confirmed: dict[TxIdRaw, Sighting] = {}
        """In the server's order: the newest first."""

        self.unconfirmed: dict[TxIdRaw, Sighting] = {}

    def __len__(self) -> int:
        return len(self.confirmed) + len(self.unconfirmed)

    def add(self, page: Iterable[Sighting]) -> Self:
        """Take a page in; what was unconfirmed on an earlier one may be confirmed by now."""
        for sighting in page:
            if sighting.height is not None:
                self.unconfirmed.pop(sighting.txid, None)
                self.confirmed[sighting.txid] = sighting
            elif sighting.txid not in self.confirmed:
                self.unconfirmed[sighting.txid] = sighting
        return self

    @property
    def last_confirmed(self) -> TxIdRaw | None:
        """Return the last confirmed one, after which the next page begins."""
        return next(reversed(self.confirmed), None)

    def reaches(self, counts: TransactionCounts) -> bool:
        """Return whether as many were found as the server counts.

        One that was confirmed in between is found as confirmed and was counted as unconfirmed.
        """
        together = counts.confirmed + counts.unconfirmed
        return len(self.confirmed) >= counts.confirmed and len(self) >= together

    def sightings(self) -> tuple[Sighting, ...]:
        """Return everything, each transaction once, in no order."""
        return (*self.confirmed.values(), *self.unconfirmed.values())


class HistoryReader:
    """Reads histories of one server. May be used from several threads at once, `learn` excepted.

    All that reads raises `LookupFailedError` where there are more than `most` transactions.
    """

    def __init__(self, routes: EsploraRoutes, keep: Callable[[StatedTransaction], None]) -> None:
        """Read through `routes`; `keep` is given each transaction that a page holds."""
        self._routes = routes
        self._keep = keep
        self._longest_page = 0

    def begin(self, script: bytes, *, most: int) -> FoundHistory:
        """Return what the first page holds."""
        found = FoundHistory().add(self._seen_on(self._routes.newest(script)))
        _refuse_longer(len(found), most)
        return found

    def learn(self, beginnings: Iterable[FoundHistory]) -> None:
        """Learn from first pages how long this server's pages are at least."""
        # Some servers count unconfirmed ones into the page's length, others do not.
        lengths = (len(found) for found in beginnings if not found.unconfirmed)
        self._longest_page = max(self._longest_page, *lengths, 0)

    def is_whole(self, beginning: FoundHistory) -> bool:
        """Return whether a first page is certainly all there is."""
        if beginning.unconfirmed:
            return False
        shorter_than = min(self._longest_page, DOCUMENTED_PAGE)
        return not beginning.confirmed or len(beginning.confirmed) < shorter_than

    def complete(self, script: bytes, found: FoundHistory, *, most: int) -> FoundHistory:
        """Return the whole history, of which `found` is the beginning.

        Raises `LookupFailedError` also where the pages do not come to what the server counts.
        """
        for reading in range(1, READINGS + 1):
            counts = self._routes.counts(script)
            _refuse_longer(counts.confirmed + counts.unconfirmed, most)
            self._turn_pages(script, found, counts)
            if found.reaches(counts):
                return found
            if reading < READINGS:
                found = self.begin(script, most=most)
        raise LookupFailedError(
            f"{self._routes.name} counts {counts.confirmed} confirmed and {counts.unconfirmed} "
            f"unconfirmed transactions of a script and lists {len(found.confirmed)} and "
            f"{len(found.unconfirmed)}; ask again, or ask another server"
        )

    def _turn_pages(self, script: bytes, found: FoundHistory, counts: TransactionCounts) -> None:
        """Add the pages that are missing by the server's count, as far as there are any."""
        if len(found.unconfirmed) < counts.unconfirmed:
            found.add(self._seen_on(self._routes.unconfirmed(script)))
        before = -1
        while before < len(found.confirmed) < counts.confirmed:
            before = len(found.confirmed)
            found.add(self._seen_on(self._routes.older(script, found.last_confirmed)))

    def _seen_on(self, page: Iterable[StatedTransaction]) -> list[Sighting]:
        sightings = []
        for stated in page:
            self._keep(stated)
            sightings.append(stated.sighting)
        return sightings


def by_height(sightings: Iterable[Sighting]) -> tuple[Sighting, ...]:
    """Return confirmed ones by height, then unconfirmed ones; by id where that is equal."""
    return tuple(
        sorted(sightings, key=lambda seen: (seen.height is None, seen.height or 0, seen.txid))
    )


def _refuse_longer(count: int, most: int) -> None:
    if count > most:
        raise LookupFailedError(
            f"the history has {count} transactions or more, and at most {most} are asked for"
        )
