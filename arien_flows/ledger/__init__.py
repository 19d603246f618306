"""The ledger: what the chain says, in columns on disk that are only ever appended to."""
