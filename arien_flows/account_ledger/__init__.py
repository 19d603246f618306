"""The ledger of a chain of accounts: who gave how much of what to whom, block by block."""
