"""Migrations of the audit log's tables, which have versions of their own."""
