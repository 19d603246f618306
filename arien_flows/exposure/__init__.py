"""Exposure: whose money an owner received, and to whom it paid, in shares that sum to the whole."""
