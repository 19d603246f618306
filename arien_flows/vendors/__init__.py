"""Vendors: accounts read from documents, what links them, and what the chain shows of them."""
