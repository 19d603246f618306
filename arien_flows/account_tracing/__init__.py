"""Following money through the balances of a chain of accounts, under a named convention."""
