"""Events, watches, the receivers of webhooks, and what was delivered to them."""

import sqlalchemy as sa
from alembic import op

revision = "0011"
down_revision = "0010"


def upgrade() -> None:
    """Make the tables."""
    _make_events()
    _make_watches()
    _make_alerts()
    _make_webhooks()
    _make_deliveries()


def downgrade() -> None:
    """Remove the tables."""
    for name in (
        "delivery_attempts",
        "deliveries",
        "webhooks",
        "alert_acts",
        "alerts",
        "watch_blocks",
        "watch_lanes",
        "watches",
        "events",
    ):
        op.drop_table(name)


def _make_events() -> None:
    op.create_table(
        "events",
        sa.Column("id", sa.String(40), nullable=False),
        sa.Column("kind", sa.String(40), nullable=False),
        sa.Column("subject", sa.String(40), nullable=False),
        sa.Column("path", sa.Text, nullable=False),
        sa.Column("owner", sa.Text, nullable=False),
        sa.Column("case_id", sa.String(40)),
        sa.Column("created_at", _moment(), nullable=False),
        sa.Column("fanned_out_at", _moment()),
        sa.PrimaryKeyConstraint("id", name="pk_events"),
    )
    op.create_index("ix_events_fanned_out_at", "events", ["fanned_out_at"])


def _make_watches() -> None:
    op.create_table(
        "watches",
        sa.Column("id", sa.String(40), nullable=False),
        sa.Column("network", sa.String(40), nullable=False),
        sa.Column("lane", sa.String(10), nullable=False),
        sa.Column("subject", sa.Text, nullable=False),
        sa.Column("direction", sa.String(4), nullable=False),
        sa.Column("min_value", sa.Text, nullable=False),
        sa.Column("asset", sa.Text),
        sa.Column("list_name", sa.Text),
        sa.Column("owner", sa.Text, nullable=False),
        sa.Column("case_id", sa.String(40)),
        sa.Column("begins_at", sa.BigInteger, nullable=False),
        sa.Column("behind_from", sa.BigInteger),
        sa.Column("until", _moment()),
        sa.Column("created_at", _moment(), nullable=False),
        sa.Column("ended_at", _moment()),
        sa.Column("ended_by", sa.Text),
        sa.Column("version", sa.Integer, nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_watches"),
    )
    op.create_index("ix_watches_owner", "watches", ["owner"])
    op.create_index("ix_watches_case_id", "watches", ["case_id"])
    op.create_index("ix_watches_lane", "watches", ["network", "lane", "ended_at"])
    op.create_table(
        "watch_lanes",
        sa.Column("network", sa.String(40), nullable=False),
        sa.Column("lane", sa.String(10), nullable=False),
        sa.Column("clustering", sa.Text),
        sa.Column("settled_height", sa.BigInteger),
        sa.PrimaryKeyConstraint("network", "lane", name="pk_watch_lanes"),
    )
    op.create_table(
        "watch_blocks",
        sa.Column("network", sa.String(40), nullable=False),
        sa.Column("lane", sa.String(10), nullable=False),
        sa.Column("height", sa.BigInteger, nullable=False),
        sa.Column("block_hash", sa.String(80), nullable=False),
        sa.PrimaryKeyConstraint("network", "lane", "height", name="pk_watch_blocks"),
    )


def _make_alerts() -> None:
    op.create_table(
        "alerts",
        sa.Column("id", sa.String(40), nullable=False),
        sa.Column("watch_id", sa.String(40), nullable=False),
        sa.Column("txid", sa.String(80), nullable=False),
        sa.Column("height", sa.BigInteger, nullable=False),
        sa.Column("block_hash", sa.String(80), nullable=False),
        sa.Column("block_time", _moment(), nullable=False),
        sa.Column("direction", sa.String(4), nullable=False),
        sa.Column("certainty", sa.String(12), nullable=False),
        sa.Column("detail", sa.Text, nullable=False),
        sa.Column("created_at", _moment(), nullable=False),
        sa.Column("withdrawn_at", _moment()),
        sa.Column("acknowledged_at", _moment()),
        sa.Column("acknowledged_by", sa.Text),
        sa.PrimaryKeyConstraint("id", name="pk_alerts"),
        sa.ForeignKeyConstraint(["watch_id"], ["watches.id"], name="fk_alerts_watch_id"),
        sa.UniqueConstraint("watch_id", "txid", name="uq_alerts_watch_id_txid"),
    )
    op.create_index("ix_alerts_height", "alerts", ["height"])
    op.create_table(
        "alert_acts",
        sa.Column("alert_id", sa.String(40), nullable=False),
        sa.Column("number", sa.Integer, nullable=False),
        sa.Column("kind", sa.String(20), nullable=False),
        sa.Column("at", _moment(), nullable=False),
        sa.Column("by", sa.Text),
        sa.Column("height", sa.BigInteger, nullable=False),
        sa.Column("block_hash", sa.String(80), nullable=False),
        sa.Column("why", sa.Text, nullable=False),
        sa.PrimaryKeyConstraint("alert_id", "number", name="pk_alert_acts"),
        sa.ForeignKeyConstraint(["alert_id"], ["alerts.id"], name="fk_alert_acts_alert_id"),
    )


def _make_webhooks() -> None:
    op.create_table(
        "webhooks",
        sa.Column("id", sa.String(40), nullable=False),
        sa.Column("owner", sa.Text, nullable=False),
        sa.Column("url", sa.Text, nullable=False),
        sa.Column("description", sa.Text, nullable=False),
        sa.Column("kinds", sa.Text, nullable=False),
        sa.Column("clearance", sa.String(12), nullable=False),
        sa.Column("secret", sa.LargeBinary, nullable=False),
        sa.Column("earlier_secret", sa.LargeBinary),
        sa.Column("earlier_until", _moment()),
        sa.Column("failing_since", _moment()),
        sa.Column("disabled_at", _moment()),
        sa.Column("disabled_why", sa.Text),
        sa.Column("created_at", _moment(), nullable=False),
        sa.Column("deleted_at", _moment()),
        sa.Column("version", sa.Integer, nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_webhooks"),
    )
    op.create_index("ix_webhooks_owner", "webhooks", ["owner"])


def _make_deliveries() -> None:
    op.create_table(
        "deliveries",
        sa.Column("id", sa.String(40), nullable=False),
        sa.Column("webhook_id", sa.String(40), nullable=False),
        sa.Column("event_id", sa.String(40), nullable=False),
        sa.Column("kind", sa.String(40), nullable=False),
        sa.Column("state", sa.String(12), nullable=False),
        sa.Column("attempts", sa.Integer, nullable=False),
        sa.Column("tries", sa.Integer, nullable=False),
        sa.Column("next_at", _moment()),
        sa.Column("lease", sa.String(40)),
        sa.Column("leased_until", _moment()),
        sa.Column("created_at", _moment(), nullable=False),
        sa.Column("finished_at", _moment()),
        sa.PrimaryKeyConstraint("id", name="pk_deliveries"),
        sa.ForeignKeyConstraint(["webhook_id"], ["webhooks.id"], name="fk_deliveries_webhook_id"),
        sa.UniqueConstraint("event_id", "webhook_id", name="uq_deliveries_event_id_webhook_id"),
    )
    op.create_index("ix_deliveries_due", "deliveries", ["state", "next_at"])
    op.create_index("ix_deliveries_webhook", "deliveries", ["webhook_id", "id"])
    op.create_table(
        "delivery_attempts",
        sa.Column("delivery_id", sa.String(40), nullable=False),
        sa.Column("number", sa.Integer, nullable=False),
        sa.Column("begun_at", _moment(), nullable=False),
        sa.Column("ended_at", _moment()),
        sa.Column("status", sa.Integer),
        sa.Column("failure", sa.String(40)),
        sa.Column("milliseconds", sa.Integer),
        sa.Column("answer_bytes", sa.BigInteger),
        sa.PrimaryKeyConstraint("delivery_id", "number", name="pk_delivery_attempts"),
        sa.ForeignKeyConstraint(
            ["delivery_id"], ["deliveries.id"], name="fk_delivery_attempts_delivery_id"
        ),
    )


def _moment() -> sa.DateTime:
    return sa.DateTime(timezone=True)
