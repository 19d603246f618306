"""Reviews of tags and what they mean, lists of actors, and other lists than TagPacks."""

import sqlalchemy as sa
from alembic import op

revision = "0006"
down_revision = "0005"


def upgrade() -> None:
    """Make the tables, and let imports say how their document was read."""
    op.add_column(
        "tag_imports", sa.Column("format", sa.Text, nullable=False, server_default="tagpack")
    )
    op.add_column("tag_imports", sa.Column("source", sa.Text))
    op.add_column("tag_imports", sa.Column("licence", sa.Text))
    op.add_column("tag_imports", sa.Column("as_of", sa.Date))
    op.create_table(
        "tag_reviews",
        sa.Column("id", sa.Integer, autoincrement=False),
        sa.Column("import_id", sa.Integer, nullable=False),
        sa.Column("row", sa.Integer),
        sa.Column("verdict", sa.Text, nullable=False),
        sa.Column("reason", sa.Text, nullable=False),
        sa.Column("after_import", sa.Integer, nullable=False),
        sa.Column("reviewed_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("reviewed_by", sa.Text, nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_tag_reviews"),
        sa.ForeignKeyConstraint(["import_id"], ["tag_imports.id"], name="fk_tag_reviews_import_id"),
    )
    op.create_index("ix_tag_reviews_import_id_row", "tag_reviews", ["import_id", "row"])
    op.create_table(
        "tag_policies",
        sa.Column("id", sa.Integer, autoincrement=False),
        sa.Column("counts_proposed", sa.Boolean, nullable=False),
        sa.Column("reason", sa.Text, nullable=False),
        sa.Column("after_import", sa.Integer, nullable=False),
        sa.Column("set_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("set_by", sa.Text, nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_tag_policies"),
    )
    op.create_table(
        "actor_lists",
        sa.Column("id", sa.Integer, autoincrement=False),
        sa.Column("document_id", sa.Integer, nullable=False),
        sa.Column("title", sa.Text, nullable=False),
        sa.Column("creator", sa.Text, nullable=False),
        sa.Column("description", sa.Text),
        sa.Column("faults", sa.Text, nullable=False),
        sa.Column("imported_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("imported_by", sa.Text, nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_actor_lists"),
        sa.ForeignKeyConstraint(
            ["document_id"], ["documents.id"], name="fk_actor_lists_document_id"
        ),
    )
    op.create_index("ix_actor_lists_document_id", "actor_lists", ["document_id"])
    op.create_table(
        "actors",
        sa.Column("list_id", sa.Integer, autoincrement=False),
        sa.Column("row", sa.Integer, autoincrement=False),
        sa.Column("actor", sa.Text, nullable=False),
        sa.Column("label", sa.Text, nullable=False),
        sa.Column("told", sa.Text, nullable=False),
        sa.PrimaryKeyConstraint("list_id", "row", name="pk_actors"),
        sa.ForeignKeyConstraint(["list_id"], ["actor_lists.id"], name="fk_actors_list_id"),
    )
    op.create_index("ix_actors_actor", "actors", ["actor"])


def downgrade() -> None:
    """Remove the tables; the documents stay."""
    for table in ("actors", "actor_lists", "tag_policies", "tag_reviews"):
        op.drop_table(table)
    for column in ("as_of", "licence", "source", "format"):
        op.drop_column("tag_imports", column)
