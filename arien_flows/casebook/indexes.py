"""Indexes of tags, kept while little is written and made anew after much.

To enter half a million hashes one by one into an index takes longer than everything else about
their import, and to sort them once takes a tenth of it. So where an import brings more tags than
there are, SQLite drops the indexes that only look-ups need and makes them again, inside the same
transaction: nobody else ever sees the table without. A server is left alone, since others write
to its tables, too.
"""

from collections.abc import Iterator
from contextlib import contextmanager

from sqlalchemy import Connection, func, select
from sqlalchemy.schema import CreateIndex, DropIndex

from arien_flows.casebook.models import tags

LEAST_ROWS = 20_000
"""Fewer are entered one by one."""


@contextmanager
def made_afterwards(connection: Connection, coming: int) -> Iterator[None]:
    """Have the indexes of tags made after `coming` rows were written, where that is quicker."""
    known = int(connection.execute(select(func.coalesce(func.max(tags.c.id), 0))).scalar_one())
    if connection.dialect.name != "sqlite" or coming < max(LEAST_ROWS, known):
        yield
        return
    indexes = sorted(tags.indexes, key=lambda index: str(index.name))
    for index in indexes:
        connection.execute(DropIndex(index))
    yield
    for index in indexes:
        connection.execute(CreateIndex(index))
