"""Which version a database says that its tables have.

Apart from `schema`, because every reader asks this and few need the migrations.
"""

from sqlalchemy import Connection, inspect, text

_VERSIONS = "alembic_version"
"""The table in which Alembic keeps that of a casebook."""


def version_of(connection: Connection, table: str = _VERSIONS) -> str | None:
    """Return the newest migration that a database has seen; nothing for an empty one.

    `table` is the one in which Alembic keeps it.
    """
    if not inspect(connection).has_table(table):
        return None
    found: str | None = connection.execute(
        text(f"SELECT version_num FROM {table}")  # noqa: S608 a constant
    ).scalar()
    return found
