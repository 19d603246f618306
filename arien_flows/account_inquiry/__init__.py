"""Questions about a chain of accounts that are put to an explorer, account by account."""
