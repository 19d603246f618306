"""Runs migrations on the connection that the caller hands over, inside the caller's transaction."""

from alembic import context

from arien_flows.audit.tables import VERSIONS

# The log may lie in the casebook's database, whose tables have other versions.
context.configure(connection=context.config.attributes["connection"], version_table=VERSIONS)
with context.begin_transaction():
    context.run_migrations()
