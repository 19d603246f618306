"""Whether tags count that nobody has approved yet: a decision of the casebook's users.

It is kept like everything else: as a row with a reason, an author and a time, of which the last
one is in force. Without any they count, and are shown as proposed.
"""

from sqlalchemy import Connection, select

from arien_flows.casebook.models import tag_policies


def counts_proposed(connection: Connection) -> bool:
    """Return whether tags speak that nobody has reviewed."""
    last = select(tag_policies.c.counts_proposed).order_by(tag_policies.c.id.desc()).limit(1)
    found = connection.execute(last).scalar()
    return True if found is None else bool(found)
