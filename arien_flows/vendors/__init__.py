"""Vendors: their accounts in documents, and what the chain shows of their wallets."""
