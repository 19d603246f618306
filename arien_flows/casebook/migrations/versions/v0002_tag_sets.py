"""A digest over the current tags of each import, so that a set of tags has a name.

It holds nothing that the tags do not say, and is computed from them here.
"""

import hashlib
import json
from itertools import groupby
from operator import itemgetter

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"

_TAGS = sa.table(
    "tags",
    sa.column("import_id", sa.Integer),
    sa.column("network", sa.Text),
    sa.column("digest", sa.LargeBinary),
    sa.column("is_current", sa.Boolean),
)


def upgrade() -> None:
    """Make the table, and fill it from the tags."""
    sets = op.create_table(
        "tag_sets",
        sa.Column("import_id", sa.Integer, autoincrement=False),
        sa.Column("network", sa.Text, nullable=False),
        sa.Column("tag_count", sa.Integer, nullable=False),
        sa.Column("digest", sa.String(64), nullable=False),
        sa.PrimaryKeyConstraint("import_id", "network", name="pk_tag_sets"),
        sa.ForeignKeyConstraint(["import_id"], ["tag_imports.id"], name="fk_tag_sets_import_id"),
    )
    current = (
        sa.select(_TAGS.c.import_id, _TAGS.c.network, _TAGS.c.digest)
        .where(_TAGS.c.is_current)
        .order_by(_TAGS.c.import_id, _TAGS.c.network)
    )
    rows = []
    for (number, network), found in groupby(op.get_bind().execute(current), itemgetter(0, 1)):
        digests = sorted(bytes(row.digest).hex() for row in found)
        text = json.dumps(digests, separators=(",", ":"))
        rows.append(
            {
                "import_id": number,
                "network": network,
                "tag_count": len(digests),
                "digest": hashlib.sha256(text.encode()).hexdigest(),
            }
        )
    if rows:
        op.bulk_insert(sets, rows)


def downgrade() -> None:
    """Remove the table; the tags stay."""
    op.drop_table("tag_sets")
