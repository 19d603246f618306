"""Ethereum: what its addresses look like."""
