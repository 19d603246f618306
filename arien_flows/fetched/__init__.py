"""Transactions fetched one by one: asked for, checked, kept, and assembled into a ledger."""
