"""The audit log as the rest of the program uses it: `workspace.audit`.

Opening one connects to nothing. A log that does not exist yet reads as empty; the first row makes
it.
"""

import weakref
from collections.abc import Iterator
from pathlib import Path

from sqlalchemy import URL

from arien_flows.audit import reading
from arien_flows.audit.chain import AuditEntry, AuditRow
from arien_flows.audit.committing import Committer
from arien_flows.audit.reading import AuditFilter
from arien_flows.audit.store import Store, head
from arien_flows.audit.verify import AuditVerification, Report, verify
from arien_flows.casebook.backup import KeptDatabase, OpenPart
from arien_flows.casebook.engine import sqlite_file, sqlite_url
from arien_flows.casebook.evidence import NO_ROWS, Head

FILE = "audit.sqlite"
"""The log's file, beside the casebook's."""


AT_ONCE = 1_000
"""Rows that an export reads at once."""


def beside(casebook: URL) -> URL:
    """Return where the log is kept when nothing is said: the same server, or a file beside."""
    file = sqlite_file(casebook)
    return casebook if file is None else sqlite_url(Path(file).with_name(FILE))


class AuditLog:
    """One audit log."""

    def __init__(self, url: URL) -> None:
        self._store = Store(url)
        self.committer = Committer(self._store.append)
        """What requests hand their rows to."""

        self._end = weakref.finalize(self, self.committer.stop)
        self.name = self._store.name
        """How people call it: the file, or the server's address without its password."""

    def close(self) -> None:
        """Append what waits and close all connections; the log may be used again."""
        self.committer.stop()
        self._store.close()

    async def record(self, entry: AuditEntry) -> None:
        """Return when an entry is durable; `AuditUnavailableError` where it cannot be."""
        await self.committer.record(entry)

    def append(self, *entries: AuditEntry) -> Head:
        """Append entries at once, for programs that serve nobody else meanwhile."""
        return self._store.append(entries)

    def keep(self, folder: str, open_part: OpenPart) -> KeptDatabase | None:
        """Write all rows into a folder of an archive, as of one moment; nothing where none is."""
        return self._store.keep(folder, open_part)

    def restore(self, kept: KeptDatabase, folder: str, open_part: OpenPart) -> None:
        """Make all rows again from an archive; `InputError` where there are rows already."""
        self._store.restore(kept, folder, open_part)

    def head(self) -> Head:
        """Return the last row."""
        with self._store.reading() as connection:
            return NO_ROWS if connection is None else head(connection)

    def page(self, wanted: AuditFilter, *, before: int | None, limit: int) -> list[AuditRow]:
        """Return at most `limit` rows, the newest first, beginning before a number."""
        with self._store.reading() as connection:
            if connection is None:
                return []
            return reading.page(connection, wanted, before=before, limit=limit)

    def export(self, wanted: AuditFilter) -> Iterator[list[AuditRow]]:
        """Yield the rows of now in their order, some at once.

        Nothing is held open between them, however slowly they are taken.
        """
        done, upto = 0, self.head().seq
        while done < upto:
            with self._store.reading() as connection:
                if connection is None:
                    return
                rows = reading.after(connection, wanted, seq=done, upto=upto, limit=AT_ONCE)
            if rows:
                yield rows
            done = rows[-1].seq if len(rows) == AT_ONCE else upto

    def verify(
        self,
        *,
        expected: tuple[int, str] | None = None,
        report: Report = lambda _done, _total: None,
    ) -> AuditVerification:
        """Check all rows and the triggers; see `arien_flows.audit.verify`."""
        with self._store.reading() as connection:
            return verify(connection, self.name, expected=expected, report=report)
