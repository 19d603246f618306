"""The casebook as the rest of the program uses it.

Opening one connects to nothing. A casebook that does not exist yet, or has no tables, reads as
empty; the first import makes it. Connections are pooled and may be used from several threads;
they are closed when nobody holds the casebook any more.
"""

import weakref
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from datetime import datetime
from pathlib import Path
from threading import Lock
from typing import TYPE_CHECKING, TypeVar

from sqlalchemy import URL, Connection

from arien_flows.attribution.snapshot import revision_of
from arien_flows.attribution.tag import Tag
from arien_flows.attribution.tagpack import parse_tagpack
from arien_flows.casebook import imports, prices, tags
from arien_flows.casebook.captures import Captures
from arien_flows.casebook.cases import Cases
from arien_flows.casebook.collector import paused_collector
from arien_flows.casebook.documents import KeptDocument, described
from arien_flows.casebook.engine import (
    changing,
    open_engine,
    reading,
    shown,
    sqlite_file,
    writing,
)
from arien_flows.casebook.evidence_book import EvidenceBook
from arien_flows.casebook.gauges import Work, work
from arien_flows.casebook.imports import Origin
from arien_flows.casebook.jobs import Jobs
from arien_flows.casebook.keys import Keys
from arien_flows.casebook.models import SCHEMA
from arien_flows.casebook.pack_rows import Report
from arien_flows.casebook.people import People
from arien_flows.casebook.records import (
    FaultyTag,
    ImportOutcome,
    PriceImport,
    PriceOffer,
    PriceTableName,
    PriceTableRecord,
    StoredTag,
    TagFilter,
    TagImport,
    TagTable,
    Withdrawal,
)
from arien_flows.casebook.requests import Requests
from arien_flows.casebook.sessions import Sessions
from arien_flows.casebook.tag_lists import TagLists
from arien_flows.casebook.vendors import Vendors
from arien_flows.casebook.version import version_of
from arien_flows.casebook.watches import Watches
from arien_flows.casebook.webhooks import Hooks
from arien_flows.errors import InputError, NotFoundError
from arien_flows.prices.rates import PriceBook
from arien_flows.prices.reading import read_prices
from arien_flows.prices.table import PriceTable

if TYPE_CHECKING:
    from arien_flows.casebook.backup import KeptDatabase, OpenPart

Answer = TypeVar("Answer")

NO_TAGS = revision_of(())
"""The revision of a network that nothing is said about."""


class Casebook:
    """One casebook: a SQLite file, or a database of a server."""

    def __init__(self, url: URL) -> None:
        self._engine = open_engine(url)
        self._file = sqlite_file(url)
        self._lock = Lock()
        self._is_checked = False
        self._tables: dict[str, TagTable] = {}
        self._prices: dict[int, PriceTable] = {}
        # A pool that is merely forgotten leaves its connections open, and drivers complain.
        self._end = weakref.finalize(self, self._engine.dispose)
        self.name = shown(url)
        """How people call it: the file, or the server's address without its password."""

    def close(self) -> None:
        """Close all connections; the casebook may be used again, and connects anew."""
        self._engine.dispose()

    # --- the tables themselves

    def version(self) -> str | None:
        """Return the version of its tables; nothing where there are none."""
        if not self._exists():
            return None
        with reading(self._engine) as connection:
            return version_of(connection)

    def check(self) -> None:
        """Connect, and raise where it cannot be used; an empty casebook can."""
        version = self.version()
        if version is not None:
            self._check(version)

    def upgrade(self) -> tuple[str | None, Path | None]:
        """Bring its tables up to date; return the version they had, and the copy made first."""
        from arien_flows.casebook.schema import upgrade

        self._make_folder()
        return upgrade(self._engine)

    def keep(self, folder: str, open_part: "OpenPart") -> "KeptDatabase":
        """Write everything into a folder of an archive, as of one moment.

        `NotFoundError` where there is nothing; tables of an older version are kept as they are.
        """
        from arien_flows.casebook.backup import KeptDatabase, keep_tables

        version = self.version()
        if version is None:
            raise NotFoundError(f"nothing was written to the casebook in {self.name} yet")
        with reading(self._engine) as connection:
            tables = keep_tables(connection, folder, open_part)
        return KeptDatabase(version=version, tables=tuple(tables))

    def restore(self, kept: "KeptDatabase", folder: str, open_part: "OpenPart") -> None:
        """Make everything again from an archive, in a database that is empty.

        Tables of an older version are made as they were, and then brought up to date. `InputError`
        where the database is not empty, or the archive is of a newer version or was changed.
        """
        from arien_flows.casebook.backup import restore_tables
        from arien_flows.casebook.schema import known_versions, migrate

        if kept.version not in known_versions():
            raise InputError(
                f"the backup is of a newer version of this program (tables {kept.version}): "
                "install that version"
            )
        self._make_folder()
        with writing(self._engine) as connection:
            if version_of(connection) is not None:
                raise InputError(
                    f"there is a casebook in {self.name} already: restore into an empty place"
                )
            migrate(connection, kept.version)
            restore_tables(connection, kept.tables, folder, open_part)
            if kept.version != SCHEMA:
                migrate(connection)

    def work(self) -> Work:
        """Return how many jobs and deliveries there are, and how long they have waited."""
        return self._read(work, Work())

    # --- tags

    def revision(self, network: str) -> str:
        """Return the name of a network's set of current tags; it changes when they do."""
        return self._read(lambda connection: tags.revision(connection, network), NO_TAGS)

    def count(self, network: str) -> int:
        """Return how many current tags a network has."""
        return self._read(lambda connection: tags.count_current(connection, network), 0)

    def networks(self) -> list[str]:
        """Return the networks that current tags name."""
        return self._read(tags.networks, [])

    def tags_of(self, network: str, subjects: Sequence[str]) -> list[StoredTag]:
        """Return the current tags of addresses or transactions in canonical text."""
        return self._read(lambda connection: tags.tags_of(connection, network, subjects), [])

    def tags_numbered(self, numbers: Sequence[int]) -> list[StoredTag]:
        """Return the tags that a `TagTable` numbers, in that order."""
        if not numbers:
            return []
        return self._read(lambda connection: tags.tags_numbered(connection, numbers), [])

    def page(self, wanted: TagFilter, after: int, limit: int) -> list[tuple[int, StoredTag]]:
        """Return at most `limit` current tags and their numbers, beginning after a number."""
        return self._read(lambda connection: tags.page(connection, wanted, after, limit), [])

    def table(self, network: str) -> TagTable | None:
        """Return all current tags of a network's addresses; nothing where there is no casebook.

        The same object as long as the tags do not change.
        """

        def load(connection: Connection) -> TagTable:
            with self._lock:
                known = self._tables.get(network)
                if known is None or known.revision != tags.revision(connection, network):
                    known = self._tables[network] = tags.table_of(connection, network)
                return known

        return self._read(load, None)

    def export(self, network: str | None) -> Iterator[Tag]:
        """Yield all current tags, of one network or all, in the order of their import."""
        if self._is_there():
            with self._reading() as connection:
                yield from tags.everything(connection, network)

    # --- documents and their imports

    def import_tagpack(
        self,
        raw: bytes,
        *,
        name: str,
        network: str,
        now: datetime,
        by: str,
        report: Report = lambda _done, _total: None,
    ) -> ImportOutcome:
        """Import a TagPack from its bytes, or recognise one that was imported before.

        `network` is what `BTC` means in it. `InputError` where it is no TagPack.
        """
        origin = Origin(name=name, network=network, imported_at=now, imported_by=by)
        with paused_collector():
            pack = parse_tagpack(raw, name)
            with self._writing() as connection:
                return imports.import_pack(connection, raw, pack, origin, report)

    def imports(self, *, after: int = 0, limit: int) -> list[TagImport]:
        """Return imports in the order in which they were made, beginning after a number."""
        return self._read(lambda it: imports.list_imports(it, after, limit), [])

    def read_import(self, number: int) -> TagImport:
        """Return one import; `NotFoundError` where there is none of that number."""
        self._require()
        with self._reading() as connection:
            return imports.read_import(connection, number)

    def document(self, sha256: str) -> bytes:
        """Return the bytes of a document that was imported."""
        self._require()
        with self._reading() as connection:
            return imports.read_document(connection, sha256)

    def documents_named(self, hashes: Sequence[str]) -> dict[str, KeptDocument]:
        """Return documents by their SHA-256, without their bytes; others are left out."""
        return self._read(lambda connection: described(connection, hashes), {})

    def faults_of(self, number: int) -> list[FaultyTag]:
        """Return the rows of an import that could not be used."""
        return self._read(lambda it: list(imports.faults_of(it, number)), [])

    def withdraw(self, number: int, *, reason: str, now: datetime, by: str) -> TagImport:
        """Take an import out of effect. Nothing is deleted."""
        self._require()
        withdrawal = Withdrawal(reason=reason, withdrawn_at=now, withdrawn_by=by)
        with self._writing() as connection:
            return imports.withdraw(connection, number, withdrawal)

    @property
    def evidence(self) -> EvidenceBook:
        """The chain of everything that was done to the casebook."""
        return EvidenceBook(self.name, self._held, self._writing)

    @property
    def lists(self) -> TagLists:
        """Lists of tags and actors in any format, and their reviews."""
        return TagLists(self._read, self._writing)

    @property
    def captures(self) -> Captures:
        """The documents that were collected, and what was found in them."""
        return Captures(self._read, self._writing)

    @property
    def vendors(self) -> Vendors:
        """The accounts of vendors that documents speak of."""
        return Vendors(self._read)

    @property
    def cases(self) -> Cases:
        """The cases, and who sees them."""
        return Cases(self._read, self._writing, self._engine)

    @property
    def watches(self) -> Watches:
        """What somebody wants to hear of when it moves, and the alerts."""
        return Watches(self._read, self._writing)

    @property
    def hooks(self) -> Hooks:
        """The receivers of events, and what they are still to be told."""
        return Hooks(self._read, self._writing)

    @property
    def people(self) -> People:
        """Who has an account."""
        return People(self._read, self._writing)

    @property
    def keys(self) -> Keys:
        """The keys of people and programs."""
        return Keys(self._read, self._writing)

    @property
    def sessions(self) -> Sessions:
        """Who is signed in."""
        return Sessions(self._read, self._writing)

    @property
    def jobs(self) -> Jobs:
        """Long work: what waits, who does it, and what came of it."""
        return Jobs(self._read, self._changing)

    @property
    def requests(self) -> Requests:
        """The requests that may be repeated, with their answers."""
        return Requests(self._writing)

    # --- prices

    def import_prices(
        self, raw: bytes, offer: PriceOffer, *, column: str | None = None
    ) -> PriceImport:
        """Import a file of prices from its bytes, or recognise one that was imported before.

        `column` names the column of prices where its name does not tell. `InputError` where it is
        no file of prices, or contradicts itself.
        """
        document = read_prices(
            raw,
            offer.name,
            asset=offer.asset,
            currency=offer.currency,
            column=column,
            now=offer.imported_at,
        )
        with self._writing() as connection:
            return prices.import_table(connection, raw, document, offer)

    def price_tables(self) -> list[PriceTableRecord]:
        """Return all price tables in the order of their import, withdrawn ones included."""
        return self._read(prices.list_records, [])

    def withdraw_prices(
        self, number: int, *, reason: str, now: datetime, by: str
    ) -> PriceTableRecord:
        """Take a price table out of effect. Nothing is deleted."""
        self._require()
        withdrawal = Withdrawal(reason=reason, withdrawn_at=now, withdrawn_by=by)
        with self._writing() as connection:
            return prices.withdraw(connection, number, withdrawal)

    def price_book(self, asset: str, currency: str) -> PriceBook:
        """Return what the tables in effect know of an asset's price in a currency."""

        def load(connection: Connection) -> list[PriceTable]:
            found = prices.bearing_on(connection, asset, currency)
            tables = [(record.id, self._price_table(connection, record)) for record in found]
            # The finest first, of equally fine ones the last one imported.
            tables.sort(key=lambda item: (item[1].granularity.step, -item[0]))
            return [table for _, table in tables]

        return PriceBook(asset, currency, self._read(load, []))

    def price_book_of(
        self, asset: str, currency: str, names: Sequence[PriceTableName]
    ) -> PriceBook:
        """Return what the named tables know, in that order, whether or not they are in effect.

        Those that the casebook does not hold are left out.
        """

        def load(connection: Connection) -> list[PriceTable]:
            found = [prices.named(connection, name) for name in names]
            return [self._price_table(connection, record) for record in found if record]

        return PriceBook(asset, currency, self._read(load, []))

    def _price_table(self, connection: Connection, record: PriceTableRecord) -> PriceTable:
        """Return a table's points, which never change; read once."""
        with self._lock:
            if record.id not in self._prices:
                self._prices[record.id] = prices.read_table(connection, record)
            return self._prices[record.id]

    # --- connections

    def _exists(self) -> bool:
        return self._file is None or self._file.exists()

    def _is_there(self) -> bool:
        """Tell whether there is something to read; refuse tables of another version."""
        if not self._exists():
            return False
        if not self._is_checked:
            version = self.version()
            if version is None:
                return False
            self._check(version)
        return True

    def _require(self) -> None:
        if not self._is_there():
            raise NotFoundError(f"nothing was imported into the casebook in {self.name} yet")

    def _check(self, version: str | None) -> None:
        if version != SCHEMA:
            from arien_flows.casebook.schema import refuse

            refuse(version, self.name)
        self._is_checked = True

    def _read(self, question: Callable[[Connection], Answer], otherwise: Answer) -> Answer:
        if not self._is_there():
            return otherwise
        with self._reading() as connection:
            return question(connection)

    @contextmanager
    def _held(self) -> Iterator[Connection]:
        """Connect to what there is; `NotFoundError` where there is nothing."""
        self._require()
        with self._reading() as connection:
            yield connection

    @contextmanager
    def _reading(self) -> Iterator[Connection]:
        with reading(self._engine) as connection:
            yield connection

    @contextmanager
    def _writing(self) -> Iterator[Connection]:
        """Connect as the writer; an empty database gets its tables first."""
        self._make_folder()
        with writing(self._engine) as connection:
            if not self._is_checked:
                version = version_of(connection)
                if version is None:
                    from arien_flows.casebook.schema import migrate

                    migrate(connection)
                else:
                    self._check(version)
            yield connection
        self._is_checked = True

    @contextmanager
    def _changing(self) -> Iterator[Connection]:
        """Connect to change single rows; an empty database gets its tables first."""
        if not self._is_there():
            with self._writing():
                pass
        with changing(self._engine) as connection:
            yield connection

    def _make_folder(self) -> None:
        if self._file is not None:
            self._file.parent.mkdir(parents=True, exist_ok=True)
